//! Headers and query of each request, and which of them may follow a redirect.

use super::{builder::Transport, call::Call};
use crate::{Error, ErrorKind};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use reqwest::{Request, Url};
use std::borrow::Cow;

const ACCEPT_FEATURE: HeaderName = HeaderName::from_static("x-accept-feature");

/// The features that every request asks for, as the official client does.
const FEATURES: [&str; 2] = ["Safe-Redirect", "multipart_signed_url"];

/// The headers that may go along to another host, such as a storage with its own signature in the URL.
const PORTABLE: [HeaderName; 7] = [
    header::ACCEPT,
    header::CONTENT_TYPE,
    header::RANGE,
    header::IF_RANGE,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    header::IF_MODIFIED_SINCE,
];

/// Adds what every request carries: credentials (to the site itself only), features, `Accept`, `exhaustive`.
pub(super) fn prepare(transport: &Transport, call: &Call, request: &mut Request) {
    let at_site = same_origin(request.url(), transport.site());
    let options = transport.options();
    if at_site {
        let signed = call.anonymous || options.anonymous;
        if transport.is_exhaustive()
            && !signed
            && !request.url().query_pairs().any(|(name, _)| name == "exhaustive")
        {
            request.url_mut().query_pairs_mut().append_pair("exhaustive", "true");
        }
        let features = features(request.headers(), options.features.iter());
        request.headers_mut().insert(ACCEPT_FEATURE, features);
        if !signed {
            for (name, value) in transport.credentials() {
                request.headers_mut().insert(name, value.clone());
            }
        }
    }
    let headers = request.headers_mut();
    if !headers.contains_key(header::ACCEPT) {
        let accept = if call.streaming { "*/*" } else { "application/json" };
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
    }
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        request.headers_mut().remove(header::CONTENT_TYPE);
    }
}

/// The features of the request, the usual ones and `more`, each once whatever its case.
fn features<'a>(headers: &'a HeaderMap, more: impl Iterator<Item = &'a Cow<'static, str>>) -> HeaderValue {
    let own = headers.get_all(ACCEPT_FEATURE).iter().filter_map(|value| value.to_str().ok());
    let mut all: Vec<&str> = FEATURES.to_vec();
    for feature in own.flat_map(|value| value.split(',')).chain(more.map(AsRef::as_ref)).map(str::trim) {
        if !feature.is_empty() && !all.iter().any(|known| known.eq_ignore_ascii_case(feature)) {
            all.push(feature);
        }
    }
    HeaderValue::from_str(&all.join(", ")).unwrap_or_else(|_| HeaderValue::from_static("Safe-Redirect"))
}

/// Whether both addresses have the same scheme, host and port.
pub(super) fn same_origin(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme()
        && a.host_str() == b.host_str()
        && a.port_or_known_default() == b.port_or_known_default()
}

/// The head of a request, kept to follow redirects.
pub(super) struct Head {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
}

impl Head {
    pub(super) fn of(request: &Request) -> Self {
        Self {
            method: request.method().clone(),
            url: request.url().clone(),
            headers: request.headers().clone(),
        }
    }

    /// The next request of a redirect to `location` with `status`, and whether it carries the body again.
    pub(super) fn redirected(
        self,
        status: StatusCode,
        location: &HeaderValue,
    ) -> Result<(Self, bool), Error> {
        let bad =
            |message: &str| Error::new(ErrorKind::Server, message.to_owned()).with_status(status.as_u16());
        let target = location.to_str().ok().and_then(|text| self.url.join(text).ok());
        let Some(url) = target.filter(|url| matches!(url.scheme(), "http" | "https")) else {
            return Err(bad("the server redirects to something that is not an address"));
        };
        if self.url.scheme() == "https" && url.scheme() == "http" {
            return Err(bad("the server redirects from https to http, which would show the data to anybody"));
        }
        let keeps_method =
            matches!(status.as_u16(), 307 | 308) || matches!(self.method, Method::GET | Method::HEAD);
        let mut headers = self.headers;
        if !keeps_method {
            [header::CONTENT_TYPE, header::CONTENT_LENGTH].iter().for_each(|name| {
                headers.remove(name);
            });
        }
        if !same_origin(&self.url, &url) {
            headers =
                PORTABLE.iter().filter_map(|name| Some((name.clone(), headers.get(name)?.clone()))).collect();
        }
        let method = if keeps_method { self.method } else { Method::GET };
        Ok((Self { method, url, headers }, keeps_method))
    }

    pub(super) fn into_request(self) -> Request {
        let mut request = Request::new(self.method, self.url);
        *request.headers_mut() = self.headers;
        request
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn head(method: Method, url: &str) -> Head {
        let headers = [
            (header::AUTHORIZATION, "Bearer x"),
            (HeaderName::from_static("x-scitran-auth"), "y"),
            (header::RANGE, "bytes=1-"),
        ];
        let mut headers: HeaderMap =
            headers.map(|(name, value)| (name, HeaderValue::from_static(value))).into_iter().collect();
        if method == Method::POST {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Head { method, url: url.parse().unwrap(), headers }
    }

    fn follow(head: Head, status: u16, to: &str) -> Result<(Head, bool), Error> {
        head.redirected(StatusCode::from_u16(status).unwrap(), &HeaderValue::from_str(to).unwrap())
    }

    #[test]
    fn only_range_and_accept_go_along_to_another_host() {
        let (next, _) =
            follow(head(Method::GET, "https://a.example/api/x"), 302, "https://storage.example/y").unwrap();
        let names: Vec<&str> = next.headers.keys().map(HeaderName::as_str).collect();
        assert_eq!(names, ["range"]);
        let (next, _) =
            follow(head(Method::GET, "https://a.example/api/x"), 302, "https://a.example:444/y").unwrap();
        assert!(!next.headers.contains_key(header::AUTHORIZATION));
    }

    #[test]
    fn credentials_stay_within_the_same_host() {
        let (next, _) = follow(head(Method::GET, "https://a.example/api/x"), 301, "/api/y?z=1").unwrap();
        assert_eq!(next.url.as_str(), "https://a.example/api/y?z=1");
        assert!(next.headers.contains_key(header::AUTHORIZATION));
    }

    #[test]
    fn https_never_becomes_http() {
        assert!(follow(head(Method::GET, "https://a.example/"), 302, "http://a.example/").is_err());
        assert!(follow(head(Method::GET, "https://a.example/"), 302, "ftp://a.example/").is_err());
    }

    #[test]
    fn a_post_keeps_its_body_only_with_307_and_308() {
        let post = || head(Method::POST, "https://a.example/");
        let (next, body) = follow(post(), 303, "/y").unwrap();
        assert_eq!(
            (next.method, body, next.headers.contains_key(header::CONTENT_TYPE)),
            (Method::GET, false, false)
        );
        let (next, body) = follow(post(), 307, "/y").unwrap();
        assert_eq!((next.method, body), (Method::POST, true));
    }

    #[test]
    fn features_are_joined_without_repeats() {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_FEATURE, HeaderValue::from_static("safe-redirect,slim-containers"));
        let more = [Cow::Borrowed("pagination"), Cow::Borrowed("SLIM-containers")];
        let joined = features(&headers, more.iter());
        assert_eq!(joined, "Safe-Redirect, multipart_signed_url, slim-containers, pagination");
    }
}
