//! Containers below another parent.

use serde_json::{Map, Value, json};

use crate::{Acquisition, Group, Project, Request, Resource, Session, Subject, call::Call, resource};

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
