//! Taking secrets out of text that people will read: logs, messages, traces.

use std::borrow::Cow;

/// What stands where a secret stood.
pub const MASK: &str = "***";

/// Query parameters whose values are secrets or grant access by themselves.
const SECRET_PARAMETERS: &[&str] = &[
    "ticket",
    "token",
    "key",
    "api_key",
    "apikey",
    "access_token",
    "refresh_token",
    "code",
    "signature",
    "sig",
    "se",
    "sp",
    "policy",
    "password",
    "secret",
    "upload_id",
    "uploadid",
];

/// Beginnings of parameters that signed storage addresses carry.
const SECRET_PREFIXES: &[&str] = &["x-amz-", "x-goog-"];

/// Headers whose values are secrets.
const SECRET_HEADERS: &[&str] =
    &["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"];

/// Whether the value of the header with this name, in any letter case, is a secret.
pub fn is_secret_header(name: &str) -> bool {
    SECRET_HEADERS.contains(&name.to_ascii_lowercase().as_str())
}

/// The address without what grants access: the values of tickets, signatures and the like, and a password before the host.
/// Text that is no address comes back as it is, with the same parameters masked.
///
/// ```
/// use flywheel_core::redact::url;
///
/// assert_eq!(url("https://h/api/files/1/download?ticket=abc&view=true"), "https://h/api/files/1/download?ticket=***&view=true");
/// assert_eq!(url("https://user:word@h/x?X-Amz-Signature=abc#f"), "https://***@h/x?X-Amz-Signature=***#f");
/// ```
pub fn url(address: &str) -> Cow<'_, str> {
    let (start, fragment) = address.split_at(address.find('#').unwrap_or(address.len()));
    let (base, query) = start.split_once('?').map_or((start, None), |(base, query)| (base, Some(query)));
    let base = without_user(base);
    let masked = query.map(|query| query.split('&').map(parameter).collect::<Vec<_>>().join("&"));
    match (&base, masked) {
        (Cow::Borrowed(_), None) => Cow::Borrowed(address),
        (_, None) => Cow::Owned(format!("{base}{fragment}")),
        (_, Some(query)) => Cow::Owned(format!("{base}?{query}{fragment}")),
    }
}

fn without_user(base: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = base.split_once("://") else { return Cow::Borrowed(base) };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match host.rsplit_once('@') {
        None => Cow::Borrowed(base),
        Some((_, host)) => Cow::Owned(format!("{scheme}://{MASK}@{host}{path}")),
    }
}

fn parameter(pair: &str) -> Cow<'_, str> {
    match pair.split_once('=') {
        Some((name, value)) if is_secret_parameter(name) && !value.is_empty() => {
            Cow::Owned(format!("{name}={MASK}"))
        }
        _ => Cow::Borrowed(pair),
    }
}

fn is_secret_parameter(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_PARAMETERS.contains(&name.as_str())
        || SECRET_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// The text with every occurrence of the given secrets masked, longer secrets first; secrets shorter than four characters
/// are left alone, since they would mask half of any text.
///
/// ```
/// assert_eq!(flywheel_core::redact::text("bad key host:djEabc", &["djEabc"]), "bad key host:***");
/// ```
pub fn text<'a>(text: &'a str, secrets: &[&str]) -> Cow<'a, str> {
    let mut secrets: Vec<&str> =
        secrets.iter().copied().filter(|secret| secret.chars().count() >= 4).collect();
    secrets.sort_unstable_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets.into_iter().fold(Cow::Borrowed(text), |text, secret| {
        if text.contains(secret) { Cow::Owned(text.replace(secret, MASK)) } else { text }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parameters_that_grant_access_are_masked() {
        assert_eq!(url("/x?TICKET=a&b=c"), "/x?TICKET=***&b=c");
        assert_eq!(url("/x?ticket="), "/x?ticket=");
        assert_eq!(
            url("https://s/b?X-Goog-Credential=a&sig=b&name=c"),
            "https://s/b?X-Goog-Credential=***&sig=***&name=c"
        );
        assert!(matches!(url("https://h:1/a@b"), Cow::Borrowed("https://h:1/a@b")));
        assert_eq!(url("no address at all"), "no address at all");
    }

    #[test]
    fn overlapping_secrets_are_masked_whole() {
        assert_eq!(text("abcdef and abcd", &["abcd", "abcdef"]), "*** and ***");
        assert_eq!(text("abc", &["ab", ""]), "abc");
    }

    #[test]
    fn secret_headers_are_known_in_any_case() {
        assert!(is_secret_header("Authorization") && is_secret_header("SET-COOKIE"));
        assert!(!is_secret_header("content-type"));
    }

    proptest! {
        #[test]
        fn no_secret_survives(secret in "[a-zA-Z0-9]{8,40}", before in "[ -~]{0,20}", after in "[ -~]{0,20}") {
            let message = format!("{before}{secret}{after}");
            prop_assert!(!text(&message, &[&secret]).contains(&secret));
            let address = format!("https://h/p?view=true&ticket={secret}&a=b");
            prop_assert!(!url(&address).contains(&secret));
        }

        #[test]
        fn any_text_is_read_without_panic(any_text in any::<String>(), secrets: Vec<String>) {
            let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
            let _ = (url(&any_text), text(&any_text, &secrets));
        }
    }
}
