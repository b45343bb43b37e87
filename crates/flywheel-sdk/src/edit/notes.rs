//! Notes that people leave on containers.

use flywheel_api::types::Note;
use serde_json::json;

use crate::{Request, Resource, call::Call, resource};

/// A resource that carries notes.
pub(crate) trait Noted: Resource {
    fn notes_mut(&mut self) -> &mut Vec<Note>;
}

/// The notes of one container. See [`Session::notes`](crate::Session::notes).
#[must_use]
#[derive(Debug)]
pub struct Notes<'a, C> {
    target: &'a mut C,
}

#[expect(private_bounds, reason = "implemented for the types of this crate alone")]
impl<'a, C: Noted> Notes<'a, C> {
    pub(crate) fn new(target: &'a mut C) -> Self {
        Self { target }
    }

    /// Adds a note in the caller's name and gives it back.
    #[expect(clippy::should_implement_trait, reason = "it adds to what is there, and is not a sum")]
    pub fn add(self, text: impl Into<String>) -> Request<'a, Note> {
        let (target, text) = (self.target, text.into());
        let client = target.client().clone();
        let Some(operation) = C::KIND.routes().add_note else {
            return Request::failed(&client, resource::unsupported(C::KIND, "note"));
        };
        Request::new(&client, move |raw| async move {
            let note: Note =
                Call::new(operation).at(target.id()).body(json!({"text": text}))?.send(&raw).await?;
            target.notes_mut().push(note.clone());
            Ok(note)
        })
    }

    /// Gives a note another text. Only its author and site administrators may.
    pub fn update(self, id: impl Into<String>, text: impl Into<String>) -> Request<'a, ()> {
        let (target, id, text) = (self.target, id.into(), text.into());
        let client = target.client().clone();
        let Some(operation) = C::KIND.routes().modify_note else {
            return Request::failed(&client, resource::unsupported(C::KIND, "note"));
        };
        Request::new(&client, move |raw| async move {
            Call::new(operation).at(target.id()).at(&id).body(json!({"text": text}))?.send_only(&raw).await?;
            for note in target.notes_mut().iter_mut().filter(|note| note.id.as_deref() == Some(&id)) {
                note.text = Some(text.clone());
            }
            Ok(())
        })
    }

    /// Removes a note. Only its author and site administrators may.
    pub fn delete(self, id: impl Into<String>) -> Request<'a, ()> {
        let (target, id) = (self.target, id.into());
        let client = target.client().clone();
        let Some(operation) = C::KIND.routes().delete_note else {
            return Request::failed(&client, resource::unsupported(C::KIND, "note"));
        };
        Request::new(&client, move |raw| async move {
            Call::new(operation).at(target.id()).at(&id).send_only(&raw).await?;
            target.notes_mut().retain(|note| note.id.as_deref() != Some(&id));
            Ok(())
        })
    }
}
