//! Free metadata: any JSON that people and gears want to keep with a container or a file.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use flywheel_api::OperationId;

use crate::{Error, ErrorKind, Kind, Request, Resource, Result, call::Call, resource};

/// What happens to free metadata.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// Top-level keys are given values.
    Merge(Map<String, Value>),
    /// Everything is given up for this.
    Replace(Map<String, Value>),
    /// Top-level keys go.
    Delete(Vec<String>),
}

/// The two forms that models have free metadata in: any JSON, or an object.
pub(crate) trait InfoForm: From<Map<String, Value>> {
    fn as_map(&self) -> Option<&Map<String, Value>>;
}

impl InfoForm for Value {
    fn as_map(&self) -> Option<&Map<String, Value>> {
        self.as_object()
    }
}

impl InfoForm for Map<String, Value> {
    fn as_map(&self) -> Option<&Map<String, Value>> {
        Some(self)
    }
}

/// A resource that carries free metadata.
pub(crate) trait Described: Resource {
    /// The metadata at hand.
    fn info_map(&self) -> Option<&Map<String, Value>>;

    /// Whether the site says that there is some.
    fn info_exists(&self) -> Option<bool>;

    fn set_info(&mut self, info: Map<String, Value>);

    /// The call that changes it.
    fn info_call(&self, change: &Change) -> Result<Call> {
        info_call(Self::KIND, self.id(), change)
    }

    /// Whether the metadata at hand is all there is: lists leave it out and say only that there is some.
    fn info_is_loaded(&self) -> bool {
        self.info_exists() != Some(true) || self.info_map().is_some_and(|info| !info.is_empty())
    }
}

/// The call that changes the free metadata of the container or file with this id.
pub(crate) fn info_call(kind: Kind, id: &str, change: &Change) -> Result<Call> {
    match (kind, change, kind.routes().info) {
        (Kind::File, Change::Merge(set), _) => Call::new(OperationId::ModifyFileInfo).at(id).body(set),
        (Kind::File, Change::Replace(all), _) => Call::new(OperationId::ReplaceFileInfo).at(id).body(all),
        (_, Change::Merge(set), Some(route)) => Call::new(route).at(id).body(json!({"set": set})),
        (_, Change::Replace(all), Some(route)) => Call::new(route).at(id).body(json!({"replace": all})),
        (_, Change::Delete(keys), Some(route)) => Call::new(route).at(id).body(json!({"delete": keys})),
        (_, _, None) => Err(resource::unsupported(kind, "change the info of")),
    }
}

/// Reads the metadata at hand.
pub(crate) fn info_at<C: Described, T: DeserializeOwned>(target: &C, pointer: &str) -> Result<Option<T>> {
    if !target.info_is_loaded() {
        let message = format!("the info of this {} was not read, because it comes out of a list", C::KIND);
        return Err(
            Error::new(ErrorKind::Invalid, message).with_hint("Call reload(), or with_info() on the finder.")
        );
    }
    if !pointer.is_empty() && !pointer.starts_with('/') {
        let message = format!("{pointer:?} is no JSON pointer; expected \"/{pointer}\"");
        return Err(Error::new(ErrorKind::Invalid, message));
    }
    let found = target.info_map().and_then(|info| {
        if pointer.is_empty() { Some(Value::Object(info.clone())) } else { find(info, pointer).cloned() }
    });
    match found {
        None | Some(Value::Null) => Ok(None),
        Some(value) => serde_json::from_value(value).map(Some).map_err(|_| {
            let wanted = std::any::type_name::<T>();
            Error::new(ErrorKind::Decode, format!("the info at {pointer} is there but is no {wanted}"))
        }),
    }
}

fn find<'a>(info: &'a Map<String, Value>, pointer: &str) -> Option<&'a Value> {
    let (first, rest) =
        pointer.strip_prefix('/')?.split_once('/').map_or((pointer.get(1..)?, ""), |(first, _)| {
            (first, pointer.get(first.len() + 1..).unwrap_or_default())
        });
    info.get(&first.replace("~1", "/").replace("~0", "~"))?.pointer(rest)
}

/// The free metadata of one container or file. See [`Session::info`](crate::Session::info).
///
/// The platform cannot keep `.` and `$` in keys and would write `_` and `-` instead, so that what was written is not found
/// again. Such keys are refused here, with their places, unless [`sanitized`](Self::sanitized) agrees to the renaming.
#[must_use]
#[derive(Debug)]
pub struct Info<'a, C> {
    target: &'a mut C,
    sanitize: bool,
}

#[expect(private_bounds, reason = "implemented for the types of this crate alone")]
impl<'a, C: Described> Info<'a, C> {
    pub(crate) fn new(target: &'a mut C) -> Self {
        Self { target, sanitize: false }
    }

    /// Writes keys as the platform keeps them: `.` becomes `_`, `$` becomes `-`.
    pub fn sanitized(mut self) -> Self {
        self.sanitize = true;
        self
    }

    /// Gives top-level keys new values; others stay. The value of a key is replaced whole.
    pub fn merge(self, info: impl Serialize) -> Request<'a, ()> {
        self.change(|info| Ok(Change::Merge(info?)), as_object("info", info))
    }

    /// Gives up all there is for this.
    pub fn replace(self, info: impl Serialize) -> Request<'a, ()> {
        self.change(|info| Ok(Change::Replace(info?)), as_object("info", info))
    }

    /// Removes top-level keys; those that are not there are no error.
    pub fn delete<K: Into<String>>(self, keys: impl IntoIterator<Item = K>) -> Request<'a, ()> {
        let keys = keys.into_iter().map(Into::into).collect();
        self.change(|_| Ok(Change::Delete(keys)), Ok(Map::new()))
    }

    fn change(
        self,
        make: impl FnOnce(Result<Map<String, Value>>) -> Result<Change>,
        info: Result<Map<String, Value>>,
    ) -> Request<'a, ()> {
        let Self { target, sanitize } = self;
        let client = target.client().clone();
        let change = make(info.and_then(|info| storable(info, sanitize)));
        Request::new(&client, move |raw| async move {
            let change = change?;
            let nothing = match &change {
                Change::Merge(info) => info.is_empty(),
                Change::Replace(_) => false,
                Change::Delete(keys) => keys.is_empty(),
            };
            if nothing {
                return Ok(());
            }
            target.info_call(&change)?.send_only(&raw).await?;
            keep(target, change);
            Ok(())
        })
    }
}

/// Brings the metadata at hand up to what the site now has. What was never read stays unread.
fn keep<C: Described>(target: &mut C, change: Change) {
    if !target.info_is_loaded() && !matches!(change, Change::Replace(_)) {
        return;
    }
    let mut info = target.info_map().cloned().unwrap_or_default();
    match change {
        Change::Merge(set) => info.extend(set),
        Change::Replace(all) => info = all,
        Change::Delete(keys) => keys.iter().for_each(|key| {
            info.shift_remove(key);
        }),
    }
    target.set_info(info);
}

#[expect(private_bounds, reason = "implemented for the types of this crate alone")]
impl<C: Described> super::Create<C> {
    /// Free metadata to begin with. Keys with `.` or `$`, which the platform cannot keep, are refused.
    pub fn info(self, info: impl Serialize) -> Self {
        self.checked_info(info)
    }
}

impl<C: Resource> super::Create<C> {
    pub(crate) fn checked_info(self, info: impl Serialize) -> Self {
        match as_object("info", info).and_then(|info| storable(info, false)) {
            Ok(info) => self.set("info", info),
            Err(error) => self.refuse(error),
        }
    }
}

/// What is given for `what`, which is an object.
pub(crate) fn as_object(what: &str, given: impl Serialize) -> Result<Map<String, Value>> {
    match serde_json::to_value(given) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Error::new(ErrorKind::Invalid, format!("{what} is a JSON object, not a bare value"))),
        Err(error) => Err(Error::new(ErrorKind::Invalid, format!("{what} has no form in JSON: {error}"))),
    }
}

pub(crate) fn storable(info: Map<String, Value>, sanitize: bool) -> Result<Map<String, Value>> {
    if sanitize {
        return Ok(flywheel_core::info::sanitize_map(info));
    }
    let value = Value::Object(info);
    let renamed = flywheel_core::info::renamed_keys(&value);
    match value {
        Value::Object(info) if renamed.is_empty() => Ok(info),
        _ => {
            let message = format!("the site cannot keep '.' and '$' in keys of info: {}", renamed.join(", "));
            Err(Error::new(ErrorKind::Invalid, message)
                .with_hint("Rename them, or say info().sanitized() to have them written with '_' and '-'."))
        }
    }
}
