//! Containers below another parent.

use serde_json::{Map, Value, json};

use crate::{
    Acquisition, Bulk, Client, Group, Project, Request, Resource, Session, Subject, call::Call, resource,
};

/// A container that can hang below a `Parent`, and be moved there with everything below it.
///
/// | what | below |
/// |---|---|
/// | [`Project`] | [`Group`] |
/// | [`Subject`] | [`Project`] |
/// | [`Session`] | [`Subject`], [`Project`] (to the subject of the same label there) |
/// | [`Acquisition`] | [`Session`] |
pub trait MoveTo<Parent>: Resource {
    /// Moves it below another parent. It needs the right to delete there where it stands and to make where it goes; the
    /// container is read again afterwards.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) when something with its label stands there already and labels are unique.
    fn move_to(&mut self, parent: &Parent) -> Request<'_, ()>;
}

macro_rules! moves {
    ($($name:ident $parent:ident $field:literal;)*) => {$(
        impl MoveTo<$parent> for $name {
            fn move_to(&mut self, parent: &$parent) -> Request<'_, ()> {
                relocate(self, $field, json!(parent.id()))
            }
        }
    )*};
}

moves! {
    Project Group "group";
    Subject Project "project";
    Session Project "project";
    Acquisition Session "session";
}

impl MoveTo<Subject> for Session {
    fn move_to(&mut self, parent: &Subject) -> Request<'_, ()> {
        relocate(self, "subject", json!({"_id": parent.id()}))
    }
}

impl Client {
    /// Moves many containers below another parent, several at a time; the report tells which could not be moved, and why.
    /// What such a [`Bulk`] can be told: [`bulk`](crate::bulk).
    ///
    /// For sessions there is also one call of the site that moves them all and can merge them into what is there:
    /// [`move_sessions`](Self::move_sessions).
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let site = flywheel_local::Site::builder().open().await?;
    /// # let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
    /// # let fw = flywheel::Client::new(running.api_key())?;
    /// # let group = fw.add_group("neuro", "Neuro Lab").await?;
    /// # let (pilot, study) = (group.add_project("Pilot").await?, group.add_project("Study").await?);
    /// # for label in ["sub-01", "sub-02"] { pilot.add_subject(label).await?; }
    /// # study.add_subject("sub-02").await?;
    /// let report = fw.move_many(pilot.subjects().await?, &study).at_once(8).await?;
    /// for (subject, why) in &report.failed {
    ///     println!("{subject} stays: {why}");
    /// }
    /// assert_eq!((report.done.len(), report.failed.len()), (1, 1));
    /// # Ok(())
    /// # }
    /// ```
    pub fn move_many<P: Resource, C: MoveTo<P>>(
        &self,
        containers: impl IntoIterator<Item = C>,
        parent: &P,
    ) -> Bulk<()> {
        let parent = parent.clone();
        let client = self.clone();
        let items = containers.into_iter().map(|container| (container.reference().to_string(), container));
        Bulk::new(items, move |container, _| {
            let mut container = C::from_parts(client.clone(), container.into_model());
            let parent = parent.clone();
            async move { container.move_to(&parent).await }
        })
    }
}

/// Changes the field that names the parent, and reads the container where it is then.
fn relocate<'a, C: Resource>(target: &'a mut C, field: &str, parent: Value) -> Request<'a, ()> {
    let client = target.client().clone();
    let Some(modify) = C::KIND.routes().modify else {
        return Request::failed(&client, resource::unsupported(C::KIND, "move"));
    };
    let change = Map::from_iter([(field.to_owned(), parent)]);
    let call = Call::new(modify).at(target.id()).sending(change);
    Request::new(&client, move |raw| async move {
        call.send_only(&raw).await?;
        resource::read_again(target, &raw).await
    })
}
