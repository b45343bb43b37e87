//! Tickets: what stands in for a login, for one resource and one day.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
};

use axum::extract::{ConnectInfo, FromRequestParts};
use chrono::{TimeDelta, Utc};
use http::request::Parts;
use rusqlite::Connection;
use serde_json::Value;

use crate::{
    error::{ApiError, ApiResult},
    store::{Doc, records},
};

/// How long a ticket is good for.
const LIFETIME: TimeDelta = TimeDelta::hours(24);

/// What tickets are made for; a ticket for one is unknown to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Reading one file.
    File,
    /// Reading an archive.
    Archive,
    /// Sending files by parts.
    Upload,
    /// Reading the data of a view.
    View,
    /// Sending bytes that a later call makes a file of.
    Loose,
    /// Reading a file of the site's own storage.
    Storage,
}

impl Purpose {
    /// The kind under which such tickets are recorded.
    pub(crate) const fn record(self) -> &'static str {
        match self {
            Purpose::File => "ticket:file",
            Purpose::Archive => "ticket:archive",
            Purpose::Upload => "ticket:upload",
            Purpose::View => "ticket:view",
            Purpose::Loose => "ticket:loose",
            Purpose::Storage => "ticket:storage",
        }
    }
}

/// Makes a ticket that remembers `doc`. The time comes first in it, so that old ones are a range of keys.
pub(crate) fn issue(db: &Connection, purpose: Purpose, doc: &Doc) -> ApiResult<String> {
    let ticket = format!("{}{:032x}", prefix(0), rand::random::<u128>());
    records::put(db, purpose.record(), &ticket, doc)?;
    Ok(ticket)
}

/// A ticket that is a UUID: its time comes first as well.
pub(crate) fn as_uuid() -> uuid::Uuid {
    let time = Utc::now().timestamp_millis().max(0) as u128;
    uuid::Uuid::from_u128(time << 80 | rand::random::<u128>() >> 48)
}

/// Takes away the tickets whose day is over and gives what they remembered.
pub(crate) fn expire(db: &Connection, purpose: Purpose) -> ApiResult<Vec<Doc>> {
    let sql = "DELETE FROM records WHERE kind = ? AND id < ? RETURNING doc";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query((purpose.record(), oldest()))?;
    let mut expired = Vec::new();
    while let Some(row) = rows.next()? {
        expired.push(crate::store::parse_doc(&row.get::<_, String>(0)?)?);
    }
    Ok(expired)
}

/// The address that a request comes from, where it comes over a network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Address(Option<IpAddr>);

impl Address {
    /// Binds what a ticket remembers to this address.
    pub(crate) fn bind(self, doc: &mut Doc) {
        if let Some(address) = self.0 {
            doc.insert(ADDRESS.into(), address.to_string().into());
        }
    }

    /// 400 for a ticket that was made for another address than this one.
    pub(crate) fn refuse_other(self, bound: &Doc) -> ApiResult<()> {
        let bound = bound.get(ADDRESS).and_then(Value::as_str);
        match (bound, self.0.map(|address| address.to_string())) {
            (Some(bound), Some(own)) if bound != own => {
                Err(ApiError::bad_request("This ticket was made for a client with another address"))
            }
            _ => Ok(()),
        }
    }
}

/// The key under which a ticket remembers who may use it.
const ADDRESS: &str = "address";

impl<S: Send + Sync> FromRequestParts<S> for Address {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self(peer.map(|ConnectInfo(address)| address.ip().to_canonical())))
    }
}

/// What a ticket remembers.
///
/// # Errors
/// 404 for a ticket that was never made for this, or whose day is over.
pub(crate) fn redeem(db: &Connection, purpose: Purpose, ticket: &str) -> ApiResult<Doc> {
    let found = if ticket < oldest().as_str() { None } else { records::get(db, purpose.record(), ticket)? };
    found
        .ok_or_else(|| ApiError::not_found("There is no such ticket, or its time is over: ask for a new one"))
}

fn oldest() -> String {
    prefix(LIFETIME.num_milliseconds())
}

fn prefix(milliseconds_ago: i64) -> String {
    format!("{:012x}", Utc::now().timestamp_millis() - milliseconds_ago)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;
    use crate::store::{Keeping, Store};

    #[tokio::test]
    async fn a_ticket_is_good_for_a_day_and_for_its_purpose_alone() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("site.db"), Keeping::Passing).unwrap();
        let work = |db: &Connection| {
            let doc = json!({"uuid": "x"}).as_object().cloned().unwrap();
            let fresh = issue(db, Purpose::File, &doc)?;
            assert_eq!(redeem(db, Purpose::File, &fresh)?, doc);
            assert_eq!(redeem(db, Purpose::Archive, &fresh).unwrap_err().status(), 404);
            let minute = 60_000;
            let day = LIFETIME.num_milliseconds();
            let (young, old) = (prefix(day - minute) + "a", prefix(day + minute) + "a");
            for ticket in [&young, &old] {
                records::put(db, Purpose::File.record(), ticket, &doc)?;
            }
            assert_eq!(redeem(db, Purpose::File, &young)?, doc);
            assert_eq!(redeem(db, Purpose::File, &old).unwrap_err().status(), 404);
            assert_eq!(expire(db, Purpose::File)?, [doc]);
            assert_eq!(records::all(db, Purpose::File.record())?.len(), 2);
            Ok(())
        };
        store.write(work).await.unwrap();
    }
}
