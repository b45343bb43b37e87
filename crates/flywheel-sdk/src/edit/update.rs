//! Other values for some fields of a container.

use std::future::IntoFuture;

use futures::future::BoxFuture;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{Error, ErrorKind, Request, Resource, Result, call::Call, resource};

/// Changes fields of a container; sent when awaited. Without changes nothing is sent.
#[must_use = "changes are sent when this is awaited"]
#[derive(Debug)]
pub struct Update<'a, C> {
    target: &'a mut C,
    changes: Result<Map<String, Value>, String>,
    query: Vec<(&'static str, String)>,
}

impl<'a, C: Resource> Update<'a, C> {
    pub(crate) fn new(target: &'a mut C) -> Self {
        Self { target, changes: Ok(Map::new()), query: Vec::new() }
    }

    pub(crate) fn parameter(mut self, name: &'static str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    /// Gives a field a value, by the field's name in the API.
    pub fn set(mut self, field: impl Into<String>, value: impl Serialize) -> Self {
        put(&mut self.changes, field.into(), value);
        self
    }

    /// Clears a field: sends an explicit null.
    pub fn clear(self, field: impl Into<String>) -> Self {
        self.set(field, Value::Null)
    }

    /// The request, for options of this call.
    pub fn request(self) -> Request<'a, ()> {
        let Self { target, changes, query } = self;
        let client = target.client().clone();
        let Some(operation) = C::KIND.routes().modify else {
            return Request::failed(&client, resource::unsupported(C::KIND, "change"));
        };
        Request::new(&client, move |raw| async move {
            let changes = changes.map_err(unserializable)?;
            if changes.is_empty() {
                return Ok(());
            }
            let call = Call::new(operation).at(target.id()).body(&changes)?;
            let call = query.into_iter().fold(call, |call, (name, value)| call.query(name, value));
            call.send_only(&raw).await?;
            resource::apply(target, changes);
            Ok(())
        })
    }
}

impl<'a, C: Resource> IntoFuture for Update<'a, C> {
    type Output = Result<()>;
    type IntoFuture = BoxFuture<'a, Result<()>>;

    fn into_future(self) -> Self::IntoFuture {
        self.request().into_future()
    }
}

/// Puts a value into a body that is being built; keeps the first reason why it cannot be.
pub(crate) fn put(body: &mut Result<Map<String, Value>, String>, field: String, value: impl Serialize) {
    match (serde_json::to_value(value), &mut *body) {
        (Ok(value), Ok(fields)) => {
            fields.insert(field, value);
        }
        (Err(error), Ok(_)) => *body = Err(format!("{field} has no form in JSON: {error}")),
        (_, Err(_)) => {}
    }
}

pub(super) fn unserializable(message: String) -> Error {
    Error::new(ErrorKind::Invalid, message)
}

/// Defines the typed fields of a kind, for [`Update`] and for [`Create`](super::Create); `as` gives the name on the wire
/// where it is no name here.
macro_rules! fields {
    ($kind:ident { $($(#[$doc:meta])* $name:ident $(as $wire:literal)?: $type:ty,)* }) => {
        impl $crate::edit::Update<'_, $kind> {
            $($(#[$doc])* pub fn $name(self, value: impl Into<$type>) -> Self {
                let value: $type = value.into();
                self.set($crate::edit::wire_name!($name $($wire)?), value)
            })*
        }

        impl $crate::edit::Create<$kind> {
            $($(#[$doc])* pub fn $name(self, value: impl Into<$type>) -> Self {
                let value: $type = value.into();
                self.set($crate::edit::wire_name!($name $($wire)?), value)
            })*
        }
    };
}

macro_rules! wire_name {
    ($name:ident) => {
        stringify!($name)
    };
    ($name:ident $wire:literal) => {
        $wire
    };
}

pub(crate) use {fields, wire_name};
