//! What everything on a site has in common: a kind, an id, a model, and the client it came through.

use std::fmt::Debug;

use serde::{Serialize, de::DeserializeOwned};

use crate::{Client, ContainerRef, Kind, Request, call::Call};

/// A thing of the site, held as a value: a project, a file, a job.
///
/// Implemented by the types of this crate alone.
pub trait Resource: sealed::Parts + Clone + Debug + Serialize + Send + Sync + Unpin + 'static {
    /// What sort of thing it is.
    const KIND: Kind;

    /// Its id; empty only when the site sent a document without one.
    fn id(&self) -> &str;

    /// Its document, as the site sent it.
    fn model(&self) -> &Self::Model {
        self.parts().1
    }

    /// The client it came through.
    fn client(&self) -> &Client {
        self.parts().0
    }

    /// Its kind and id, as other documents point at it.
    fn reference(&self) -> ContainerRef {
        ContainerRef::new(Self::KIND, self.id())
    }
}

/// The parts of a resource that only this crate puts together and changes.
pub(crate) mod sealed {
    use super::{Client, DeserializeOwned, Serialize};

    pub trait Parts: Sized {
        /// The document.
        type Model: Serialize + DeserializeOwned + Clone + Send + Sync + 'static;
        /// The document as it stands in lists.
        type Row: DeserializeOwned + Into<Self::Model> + Send;

        fn from_parts(client: Client, model: Self::Model) -> Self;
        fn parts(&self) -> (&Client, &Self::Model);
        fn model_mut(&mut self) -> &mut Self::Model;
        fn into_model(self) -> Self::Model;
        /// The value that `after_id` takes to list what comes after this.
        fn cursor(&self) -> &str;
    }
}

/// The single GET of a kind.
pub(crate) fn get<C: Resource>(client: &Client, id: &str) -> Request<'static, C> {
    let Some(operation) = C::KIND.routes().get else {
        return Request::failed(client, unsupported(C::KIND, "read"));
    };
    let (client_, call) = (client.clone(), Call::new(operation).at(id));
    Request::new(client, move |raw| async move { Ok(C::from_parts(client_, call.send(&raw).await?)) })
}

/// Reads a resource again, in place.
pub(crate) fn reload<C: Resource>(target: &mut C) -> Request<'_, ()> {
    let client = target.client().clone();
    Request::new(&client, move |raw| async move { read_again(target, &raw).await })
}

/// Reads a resource again, in place, as part of a request.
pub(crate) async fn read_again<C: Resource>(target: &mut C, raw: &flywheel_api::Client) -> crate::Result<()> {
    let Some(operation) = C::KIND.routes().get else { return Err(unsupported(C::KIND, "read")) };
    *target.model_mut() = Call::new(operation).at(target.id()).send(raw).await?;
    Ok(())
}

/// The kind has no operation for this.
pub(crate) fn unsupported(kind: Kind, verb: &str) -> crate::Error {
    crate::Error::new(crate::ErrorKind::Unsupported, format!("the API has no call to {verb} a {kind}"))
}

/// Changes fields of a model as the site does when it is sent the same; what does not fit the model is left out, since
/// the site has it anyway.
pub(crate) fn apply<C: Resource>(resource: &mut C, changes: serde_json::Map<String, serde_json::Value>) {
    let Ok(serde_json::Value::Object(mut document)) = serde_json::to_value(resource.model()) else { return };
    if C::KIND == Kind::Subject
        && let Some(name) = changes.get("code").or_else(|| changes.get("label"))
    {
        // The label of a subject is its code, whichever of them is set.
        document.extend(["label", "code"].map(|field| (field.to_owned(), name.clone())));
    }
    document.extend(changes);
    if let Ok(model) = serde_json::from_value(serde_json::Value::Object(document)) {
        *resource.model_mut() = model;
    }
}

/// Defines a resource: the type, its `Deref` to the model, and what all of them can do.
macro_rules! resource {
    ($(#[$doc:meta])* $name:ident: $model:ident, cursor $cursor:ident) => {
        $crate::resource::resource! {
            $(#[$doc])* $name: $model, cursor $cursor, row flywheel_api::types::$model
        }
    };
    ($(#[$doc:meta])* $name:ident: $model:ident, cursor $cursor:ident, row $row:ty) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name {
            client: $crate::Client,
            model: Box<flywheel_api::types::$model>,
        }

        impl $crate::resource::sealed::Parts for $name {
            type Model = flywheel_api::types::$model;
            type Row = $row;

            fn from_parts(client: $crate::Client, model: Self::Model) -> Self {
                Self { client, model: Box::new(model) }
            }

            fn parts(&self) -> (&$crate::Client, &Self::Model) {
                (&self.client, &self.model)
            }

            fn model_mut(&mut self) -> &mut Self::Model {
                &mut self.model
            }

            fn into_model(self) -> Self::Model {
                *self.model
            }

            fn cursor(&self) -> &str {
                self.model.$cursor.as_deref().unwrap_or_default()
            }
        }

        impl $crate::Resource for $name {
            const KIND: $crate::Kind = $crate::Kind::$name;

            fn id(&self) -> &str {
                self.model.$cursor.as_deref().unwrap_or_default()
            }
        }

        impl std::ops::Deref for $name {
            type Target = flywheel_api::types::$model;

            fn deref(&self) -> &Self::Target {
                &self.model
            }
        }

        impl serde::Serialize for $name {
            /// The document as the site sent it.
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.model.serialize(serializer)
            }
        }

        /// Shows the id alone: documents hold patient data.
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).field("id", &self.id()).finish_non_exhaustive()
            }
        }

        impl $name {
            /// Its id.
            pub fn id(&self) -> &str {
                $crate::Resource::id(self)
            }

            /// Its kind and id, as other documents point at it.
            pub fn reference(&self) -> $crate::ContainerRef {
                $crate::Resource::reference(self)
            }

            /// The same thing, whose every call differs by these options.
            #[must_use]
            pub fn with_options(mut self, options: $crate::CallOptions) -> Self {
                self.client = self.client.with_options(options);
                self
            }

            /// Its document, as the site sent it.
            pub fn into_model(self) -> flywheel_api::types::$model {
                *self.model
            }

            /// Reads it again, in full: with its free metadata, its notes and its analyses.
            pub fn reload(&mut self) -> $crate::Request<'_, ()> {
                $crate::resource::reload(self)
            }
        }
    };
}

pub(crate) use resource;
