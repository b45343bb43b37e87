//! What the query of a file call asks for.

use axum::extract::FromRequestParts;
use http::request::Parts;

use super::tickets::Address;
use crate::{
    error::{ApiError, ApiResult, Detail},
    query::Params,
};

/// The parameters of file calls; each call reads those it knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Empty: make a ticket. Otherwise: use this one.
    pub ticket: Option<String>,
    /// Where the call comes from, since tickets are bound to that.
    pub address: Address,
    /// A zip's list of members is wanted.
    pub info: bool,
    /// A zip's member is wanted.
    pub member: Option<String>,
    /// To be shown rather than saved, in ranges if wanted.
    pub view: bool,
    /// The version; 0 is the current one.
    pub version: i64,
    /// What the file's hash has to be.
    pub hash: Option<String>,
    /// An upload leaves what was said about the file before.
    pub preserve_metadata: bool,
    /// A delete disregards that an analysis uses the file.
    pub force: bool,
    /// The gear rules are asked about what is restored.
    pub evaluate_gear_rules: bool,
}

impl Asked {
    fn read(params: &Params) -> ApiResult<Self> {
        let text = |name| params.get(name).map(str::to_owned);
        Ok(Self {
            ticket: text("ticket"),
            address: Address::default(),
            info: params.flag("info"),
            member: text("member"),
            view: params.flag("view"),
            version: params.get("version").map_or(Ok(0), version)?,
            hash: text("hash").filter(|hash| !hash.is_empty()),
            preserve_metadata: params.flag("preserve_metadata"),
            force: params.flag("force"),
            evaluate_gear_rules: params.flag("evaluate_gear_rules"),
        })
    }
}

fn version(value: &str) -> ApiResult<i64> {
    let number = if value.is_empty() { Some(0) } else { value.parse().ok().filter(|version| *version >= 0) };
    number.ok_or_else(|| {
        let message = "expected a version, counted from 1, or 0 for the current one";
        ApiError::invalid(vec![Detail::new(&["query", "version"], "int_parsing", message, &value.into())])
    })
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        let asked = Self::read(&Params::from_request_parts(parts, state).await?)?;
        let Ok(address) = Address::from_request_parts(parts, state).await;
        Ok(Self { address, ..asked })
    }
}
