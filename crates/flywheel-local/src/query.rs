//! Query parameters: reading them once, with the rules that lists share.

use std::collections::HashSet;

use axum::{extract::FromRequestParts, http::request::Parts};
use flywheel_core::{
    filter::{Filter, NO_OPERATOR, Op},
    sort::Sort,
    syntax::ParseError,
};
use percent_encoding::percent_decode_str;

use crate::{
    error::{ApiError, ApiResult, Detail},
    list::Piece,
};

/// The parameters of a request, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    fn parse(query: &str) -> Self {
        let decode =
            |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(k, v)| (decode(k), decode(v)))
                .collect(),
        )
    }

    /// The value of a parameter, the first one when it is repeated.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every value of a parameter.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether a parameter says yes: `1` or `true` in any case.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value == "1" || value.eq_ignore_ascii_case("true"))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> ApiResult<Self> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

/// Optional behaviours that a caller asks for in `X-Accept-Feature`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Features(HashSet<String>);

impl Features {
    /// Whether a feature is asked for; names are compared without case, `-` and `_` being the same.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains(&plain(name))
    }
}

fn plain(name: &str) -> String {
    name.trim().to_ascii_lowercase().replace('_', "-")
}

impl<S: Send + Sync> FromRequestParts<S> for Features {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> ApiResult<Self> {
        let values = parts.headers.get_all("x-accept-feature").iter().filter_map(|value| value.to_str().ok());
        Ok(Self(values.flat_map(|value| value.split(',')).map(plain).collect()))
    }
}

/// What a list call asks for.
#[derive(Debug, Clone, Default)]
pub(crate) struct ListQuery {
    pub(crate) filter: Filter,
    pub(crate) sort: Sort,
    /// At most so many rows; none is all.
    pub(crate) limit: Option<i64>,
    pub(crate) skip: i64,
    /// Rows behind this one, in the order of their ids.
    pub(crate) after_id: Option<String>,
    /// Whether to answer `{count, total, results}`.
    pub(crate) paged: bool,
    /// Everything on the site rather than what the caller has a role in.
    pub(crate) exhaustive: bool,
    /// Keep `info` in the rows.
    pub(crate) all_info: bool,
    /// Put names to the authors of notes.
    pub(crate) avatars: bool,
    /// The piece of it that is read, when it is read piece by piece.
    pub(crate) piece: Option<Piece>,
    /// The other parameters.
    pub(crate) params: Params,
}

impl ListQuery {
    /// The same for a call that answers pages whether or not they are asked for.
    pub(crate) fn always_paged(self) -> Self {
        Self { paged: true, ..self.unless_named(crate::system::PAGE_LIMIT as i64) }
    }

    /// The same with at most so many rows, unless the caller named a limit: 0 names that there is none.
    pub(crate) fn unless_named(mut self, limit: i64) -> Self {
        if self.params.get("limit").is_none() {
            self.limit = Some(limit);
        }
        self
    }

    /// The same for a call that answers a bare list also when pages are asked for.
    pub(crate) fn never_paged(mut self) -> Self {
        self.limit = self.limit.filter(|_| self.params.get("limit").is_some());
        self.paged = false;
        self
    }
}

const SINGLE: [&str; 6] = ["filter", "sort", "limit", "skip", "page", "after_id"];

impl ListQuery {
    fn read(params: Params, features: &Features) -> ApiResult<Self> {
        if let Some(name) = SINGLE.into_iter().find(|name| params.all(name).count() > 1) {
            return Err(ApiError::unprocessable(format!("The parameter {name} is given more than once")));
        }
        let given = |name| params.get(name);
        let paged = features.has("pagination");
        let limit = number(&params, "limit")?;
        let skip = number(&params, "skip")?;
        let page = number(&params, "page")?;
        let after_id = given("after_id");
        if after_id.is_some() && (given("sort").is_some() || page.is_some() || skip.is_some()) {
            return Err(ApiError::unprocessable(
                "after_id excludes sort, page and skip: rows come in the order of their ids",
            ));
        }
        let skip = match (page, limit, skip) {
            (Some(_), _, Some(_)) => {
                return Err(ApiError::unprocessable("page excludes skip: use one of them"));
            }
            (Some(_), None, None) => {
                return Err(ApiError::unprocessable("page needs limit: the number of rows of a page"));
            }
            // Everything is on the first page, and nothing on those behind it.
            (Some(page), Some(0), None) => {
                if page > 1 {
                    i64::MAX
                } else {
                    0
                }
            }
            (Some(page), Some(limit), None) => limit.saturating_mul(page.saturating_sub(1).max(0)),
            (None, _, skip) => skip.unwrap_or(0),
        };
        let (filter, sort) =
            read_terms(given("filter").unwrap_or_default(), given("sort").unwrap_or_default())?;
        let query = Self {
            filter,
            sort,
            limit: limit.filter(|&limit| limit > 0),
            skip,
            after_id: after_id.map(str::to_owned),
            paged,
            // What clients up to SDK 12 called root.
            exhaustive: params.flag("exhaustive") || params.flag("root"),
            all_info: params.flag("include_all_info"),
            avatars: params.flag("join_avatars"),
            piece: None,
            params,
        };
        Ok(if paged { query.always_paged() } else { query })
    }
}

/// Reads a filter and a sort order; an empty text is none.
///
/// # Errors
/// 422 for a clause without operator and for a sort order that cannot be read or is too long, 400 for any other filter.
pub(crate) fn read_terms(filter: &str, sort: &str) -> ApiResult<(Filter, Sort)> {
    let read = Filter::as_sites_read(filter).map_err(|error| bad_filter(filter, &error))?;
    let sort = if sort.is_empty() { Sort::default() } else { sort.parse().map_err(bad_sort)? };
    refuse_long(&read, &sort)?;
    Ok((read, sort))
}

/// The most clauses of a filter and keys of a sort order.
const MOST_CLAUSES: usize = 200;
const MOST_KEYS: usize = 20;

fn refuse_long(filter: &Filter, sort: &Sort) -> ApiResult<()> {
    if filter.clauses.len() > MOST_CLAUSES {
        return Err(ApiError::bad_request(format!("A filter has at most {MOST_CLAUSES} clauses")));
    }
    if sort.keys.len() > MOST_KEYS {
        return Err(ApiError::unprocessable(format!("A sort order has at most {MOST_KEYS} keys")));
    }
    Ok(())
}

/// A clause without operator makes no sense; what follows a comma in a pattern is no clause at all.
fn bad_filter(filter: &str, error: &ParseError) -> ApiError {
    let message = format!("cannot parse {filter:?} as a filter expression: {error}");
    let before = filter.get(..error.span.start).unwrap_or_default().trim_end().trim_end_matches(',');
    let in_pattern = Filter::as_sites_read(before)
        .is_ok_and(|before| before.clauses.last().is_some_and(|clause| clause.op == Op::Regex));
    if error.message != NO_OPERATOR {
        return ApiError::bad_request(message);
    }
    if in_pattern {
        return ApiError::bad_request(format!("{message}\nA comma inside a pattern is written \\,"));
    }
    ApiError::unprocessable(message)
}

fn bad_sort(error: ParseError) -> ApiError {
    ApiError::unprocessable(format!("cannot parse the sort expression: {error}"))
}

fn number(params: &Params, name: &'static str) -> ApiResult<Option<i64>> {
    let Some(text) = params.get(name) else { return Ok(None) };
    match text.parse::<i64>() {
        Ok(number) if number >= 0 => Ok(Some(number)),
        _ => {
            let message = "Input should be a whole number that is not negative";
            Err(ApiError::invalid(vec![Detail::new(&["query", name], "int_parsing", message, &text.into())]))
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ListQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        let params = Params::from_request_parts(parts, state).await?;
        let features = Features::from_request_parts(parts, state).await?;
        Self::read(params, &features)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(query: &str) -> ApiResult<ListQuery> {
        ListQuery::read(Params::parse(query), &Features::default())
    }

    #[test]
    fn pages_count_from_one_and_page_zero_is_the_first() {
        for (query, skip) in
            [("limit=10&page=0", 0), ("limit=10&page=1", 0), ("limit=10&page=3", 20), ("skip=7", 7)]
        {
            assert_eq!(read(query).unwrap().skip, skip, "{query}");
        }
    }

    #[test]
    fn a_limit_of_zero_is_none_in_lists_and_in_pages() {
        let paged = |query: &str| read(query).unwrap().always_paged();
        assert_eq!(read("limit=0").unwrap().limit, None);
        assert_eq!(
            (paged("limit=0").limit, paged("").limit, paged("limit=7").limit),
            (None, Some(100), Some(7))
        );
        assert_eq!((paged("limit=0&page=1").skip, paged("limit=0&page=2").skip), (0, i64::MAX));
    }

    #[test]
    fn parameters_that_exclude_each_other_are_refused() {
        let wrong = [
            "after_id=a&sort=label",
            "after_id=a&page=1&limit=2",
            "after_id=a&skip=1",
            "page=1",
            "page=1&limit=2&skip=1",
            "limit=-1",
            "limit=x",
            "skip=-1",
            "limit=1&limit=2",
            "sort=label:up",
        ];
        for query in wrong {
            assert_eq!(read(query).err().map(|error| error.status().as_u16()), Some(422), "{query}");
        }
        for (filter, status) in [
            ("label", 422),
            ("label=a,x", 422),
            ("label=~a,b", 400),
            ("label=~a,b=1,c", 422),
            ("label=\"a", 400),
            ("=a", 400),
        ] {
            assert_eq!(read(&format!("filter={filter}")).unwrap_err().status(), status, "{filter}");
        }
        assert!(read("filter=label=~a,b").unwrap_err().to_string().ends_with("is written \\,"));
        assert_eq!(read(&format!("filter={}", "a=1,".repeat(300) + "b=1")).unwrap_err().status(), 400);
        assert_eq!(read(&format!("sort={}", "a,".repeat(30) + "b")).unwrap_err().status(), 422);
    }

    #[test]
    fn an_empty_cursor_starts_at_the_beginning() {
        assert_eq!(read("after_id=").unwrap().after_id.as_deref(), Some(""));
    }

    #[test]
    fn values_are_decoded_and_flags_read_in_any_case() {
        let query = read("filter=label%3Da%2Bb+c&exhaustive=True&include_all_info=1").unwrap();
        assert_eq!(query.filter, flywheel_core::filter::field("label").eq("a+b c"));
        assert!(query.exhaustive && query.all_info && !query.avatars);
    }

    #[test]
    fn feature_names_are_compared_loosely() {
        let features = Features(["Safe-Redirect", " slim_containers "].into_iter().map(plain).collect());
        assert!(
            features.has("safe-redirect") && features.has("slim-containers") && !features.has("pagination")
        );
    }
}
