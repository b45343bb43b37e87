//! Tags of containers and files.

use futures::future::BoxFuture;
use serde_json::json;

use crate::{Kind, Request, Resource, Result, call::Call, resource};
use flywheel_api::{Client as Raw, OperationId};

/// A resource that carries tags.
pub(crate) trait Tagged: Resource {
    fn tags_mut(&mut self) -> &mut Vec<String>;
}

/// The tags of one container or file. See [`Session::tags`](crate::Session::tags).
#[must_use]
#[derive(Debug)]
pub struct Tags<'a, C> {
    target: &'a mut C,
}

#[expect(private_bounds, reason = "implemented for the types of this crate alone")]
impl<'a, C: Tagged> Tags<'a, C> {
    pub(crate) fn new(target: &'a mut C) -> Self {
        Self { target }
    }

    /// Adds tags; those that are there stay.
    #[expect(clippy::should_implement_trait, reason = "it adds to what is there, and is not a sum")]
    pub fn add<T: Into<String>>(self, tags: impl IntoIterator<Item = T>) -> Request<'a, ()> {
        let tags = owned(tags);
        self.run(|target, raw| {
            Box::pin(async move {
                add(target, &raw, &tags).await?;
                let present = target.tags_mut();
                present.extend(tags.into_iter().filter(|tag| !present.contains(tag)).collect::<Vec<_>>());
                Ok(())
            })
        })
    }

    /// Removes tags; those that are not there are no error.
    pub fn remove<T: Into<String>>(self, tags: impl IntoIterator<Item = T>) -> Request<'a, ()> {
        let tags = owned(tags);
        self.run(|target, raw| {
            Box::pin(async move {
                remove(target, &raw, &tags).await?;
                target.tags_mut().retain(|tag| !tags.contains(tag));
                Ok(())
            })
        })
    }

    /// Replaces one tag by another.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) when the tag is not there, [`Conflict`](crate::ErrorKind::Conflict) when
    /// the new one is there already.
    pub fn rename(self, tag: impl Into<String>, to: impl Into<String>) -> Request<'a, ()> {
        let (tag, to) = (tag.into(), to.into());
        self.run(|target, raw| {
            Box::pin(async move {
                match C::KIND.routes().rename_tag {
                    Some(operation) => {
                        Call::new(operation)
                            .at(target.id())
                            .at(&tag)
                            .body(json!({"value": to}))?
                            .send_only(&raw)
                            .await?;
                    }
                    None => {
                        add(target, &raw, std::slice::from_ref(&to)).await?;
                        remove(target, &raw, std::slice::from_ref(&tag)).await?;
                    }
                }
                for present in target.tags_mut().iter_mut().filter(|present| **present == tag) {
                    present.clone_from(&to);
                }
                Ok(())
            })
        })
    }

    /// Leaves these tags and no others.
    pub fn set<T: Into<String>>(self, tags: impl IntoIterator<Item = T>) -> Request<'a, ()> {
        let tags = owned(tags);
        self.run(|target, raw| {
            Box::pin(async move {
                if C::KIND == Kind::File {
                    Call::new(OperationId::SetFileTags).at(target.id()).body(&tags)?.send_only(&raw).await?;
                } else {
                    let Some(get) = C::KIND.routes().get else {
                        return Err(resource::unsupported(C::KIND, "read"));
                    };
                    let mut now = C::from_parts(
                        target.client().clone(),
                        Call::new(get).at(target.id()).send(&raw).await?,
                    );
                    let (kept, gone): (Vec<_>, Vec<_>) =
                        std::mem::take(now.tags_mut()).into_iter().partition(|tag| tags.contains(tag));
                    let new: Vec<String> = tags.iter().filter(|tag| !kept.contains(tag)).cloned().collect();
                    remove(target, &raw, &gone).await?;
                    add(target, &raw, &new).await?;
                }
                *target.tags_mut() = tags;
                Ok(())
            })
        })
    }

    fn run(
        self,
        work: impl FnOnce(&'a mut C, Raw) -> BoxFuture<'a, Result<()>> + Send + 'a,
    ) -> Request<'a, ()> {
        let client = self.target.client().clone();
        let target = self.target;
        Request::new(&client, move |raw| work(target, raw))
    }
}

fn owned<T: Into<String>>(tags: impl IntoIterator<Item = T>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for tag in tags {
        let tag = tag.into();
        if !all.contains(&tag) {
            all.push(tag);
        }
    }
    all
}

/// Adds tags in one call where the kind has it, one by one where it has not.
async fn add<C: Resource>(target: &C, raw: &Raw, tags: &[String]) -> Result<()> {
    let routes = C::KIND.routes();
    if tags.is_empty() {
        return Ok(());
    }
    if let Some(operation) = routes.add_tags {
        return Call::new(operation).at(target.id()).body(tags)?.send_only(raw).await;
    }
    let Some(operation) = routes.add_tag else { return Err(resource::unsupported(C::KIND, "tag")) };
    for tag in tags {
        match Call::new(operation).at(target.id()).body(json!({"value": tag}))?.send_only(raw).await {
            Err(error) if error.is_conflict() => {}
            outcome => outcome?,
        }
    }
    Ok(())
}

async fn remove<C: Resource>(target: &C, raw: &Raw, tags: &[String]) -> Result<()> {
    let routes = C::KIND.routes();
    if tags.is_empty() {
        return Ok(());
    }
    if let Some(operation) = routes.delete_tags {
        return Call::new(operation).at(target.id()).body(tags)?.send_only(raw).await;
    }
    let Some(operation) = routes.delete_tag else { return Err(resource::unsupported(C::KIND, "untag")) };
    for tag in tags {
        match Call::new(operation).at(target.id()).at(tag).send_only(raw).await {
            Err(error) if error.is_not_found() => {}
            outcome => outcome?,
        }
    }
    Ok(())
}
