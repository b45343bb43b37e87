//! API keys: their written forms, the site they name, and the `Authorization` value they become.

use std::{fmt, str::FromStr};

use rand::distr::{Alphanumeric, SampleString};
use secrecy::{ExposeSecret, SecretString};

use crate::syntax::try_from_text;

/// Length of the secret of an enhanced key, which travels as `Bearer`; shorter ones travel as `scitran-user`.
pub const ENHANCED_KEY_LENGTH: usize = 57;

const INSECURE_MARK: &str = "__force_insecure";

/// An API key as the platform hands it out: a site's address and a secret in one text.
///
/// | written form | address |
/// |---|---|
/// | `host:KEY` | `https://host:443/api` |
/// | `host:port:KEY` | `https://host:port/api` |
/// | `host:port:__force_insecure:KEY` | `http://host:port/api` |
/// | `https://host[:port]:KEY`, `http://host[:port]:KEY` | as written |
///
/// Neither `Debug` nor `Display` shows the secret.
///
/// ```
/// use flywheel_core::key::ApiKey;
///
/// let key: ApiKey = "flywheel.example.org:djEabc".parse()?;
/// assert_eq!(key.base_url(), "https://flywheel.example.org:443/api");
/// assert_eq!(key.to_string(), "flywheel.example.org:***");
/// # Ok::<(), flywheel_core::key::KeyError>(())
/// ```
#[derive(Clone)]
pub struct ApiKey {
    host: String,
    port: u16,
    insecure: bool,
    secret: SecretString,
}

/// Why a text is not an API key. The messages never contain the text itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// There is no colon, so either the host or the secret is missing.
    #[error("an API key is written `host:key` or `host:port:key`; copy it whole from your profile page")]
    MissingParts,
    /// The host part is empty or holds a character that no host name has.
    #[error("the host part of the API key is not a host name")]
    Host,
    /// The port part is not a number between 1 and 65535.
    #[error("the port part of the API key is not a number between 1 and 65535")]
    Port,
    /// The secret is empty or holds spaces or characters outside ASCII.
    #[error("the secret part of the API key is empty or holds characters that no key has")]
    Secret,
}

impl ApiKey {
    /// Puts a key together from its parts; the secret is what follows the last colon of the written form.
    ///
    /// # Errors
    /// [`KeyError`] when the host or the secret holds characters that neither can have.
    pub fn from_parts(host: &str, port: u16, insecure: bool, secret: &str) -> Result<Self, KeyError> {
        let host_ok = !host.is_empty()
            && host.chars().all(|c| {
                c.is_alphanumeric()
                    || matches!(c, '.' | '-' | '_')
                    || (host.starts_with('[') && "[]:%".contains(c))
            })
            && host.starts_with('[') == host.ends_with(']');
        if !host_ok {
            return Err(KeyError::Host);
        }
        if port == 0 {
            return Err(KeyError::Port);
        }
        if secret.is_empty() || !secret.chars().all(|c| c.is_ascii_graphic()) {
            return Err(KeyError::Secret);
        }
        Ok(Self { host: host.to_owned(), port, insecure, secret: SecretString::from(secret) })
    }

    /// The address that paths of the API are relative to, without a trailing slash.
    pub fn base_url(&self) -> String {
        format!("{}://{}:{}/api", if self.insecure { "http" } else { "https" }, self.host, self.port)
    }

    /// The site's host name or address; IPv6 addresses keep their brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, 443 (80 when insecure) unless the key names another.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether requests go over plain `http`.
    pub fn is_insecure(&self) -> bool {
        self.insecure
    }

    /// The value of the `Authorization` header: `Bearer` for enhanced keys, `scitran-user` for the older, shorter ones.
    pub fn authorization(&self) -> SecretString {
        let secret = self.secret.expose_secret();
        let scheme = if secret.len() == ENHANCED_KEY_LENGTH { "Bearer" } else { "scitran-user" };
        SecretString::from(format!("{scheme} {secret}"))
    }

    /// The whole key in its shortest written form, secret included: for credential files, never for messages.
    pub fn expose(&self) -> String {
        format!("{}:{}", self.address(), self.secret.expose_secret())
    }

    fn address(&self) -> String {
        match (self.insecure, self.port) {
            (true, port) => format!("{}:{port}:{INSECURE_MARK}", self.host),
            (false, 443) => self.host.clone(),
            (false, port) => format!("{}:{port}", self.host),
        }
    }
}

impl FromStr for ApiKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        // A host and a secret that begins with two slashes look like a scheme; nothing after them holds another colon.
        let (mut insecure, rest) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (true, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (false, rest),
            Some((_, rest)) if rest.contains(':') => return Err(KeyError::Host),
            _ => (false, text),
        };
        let (address, secret) = rest.rsplit_once(':').ok_or(KeyError::MissingParts)?;
        let address = match address.strip_suffix(INSECURE_MARK) {
            Some(address) => {
                insecure = true;
                address.trim_end_matches(':')
            }
            None => address,
        };
        let address = address.trim_end_matches('/');
        let (host, port) = split_port(address)?;
        Self::from_parts(host, port.unwrap_or(if insecure { 80 } else { 443 }), insecure, secret)
    }
}

try_from_text!(ApiKey, KeyError);

impl From<std::convert::Infallible> for KeyError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

fn split_port(address: &str) -> Result<(&str, Option<u16>), KeyError> {
    let after_bracket = address.rfind(']').map_or(0, |at| at + 1);
    match address.get(after_bracket..).and_then(|tail| tail.find(':')) {
        None => Ok((address, None)),
        Some(at) => {
            let (host, port) = address.split_at_checked(after_bracket + at).ok_or(KeyError::Host)?;
            let port = port.strip_prefix(':').and_then(|p| p.parse().ok()).ok_or(KeyError::Port)?;
            Ok((host, Some(port)))
        }
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:***", self.address())
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({self})")
    }
}

/// The secret inside an `Authorization` value, as the platform reads it: what follows the last colon, or the last space.
///
/// ```
/// use flywheel_core::key::secret_of_authorization;
///
/// assert_eq!(secret_of_authorization("scitran-user http://localhost:8080:abc"), Some("abc"));
/// assert_eq!(secret_of_authorization("Bearer abc"), Some("abc"));
/// assert_eq!(secret_of_authorization("Bearer "), None);
/// ```
pub fn secret_of_authorization(header: &str) -> Option<&str> {
    let secret = header.rsplit([':', ' ']).next()?;
    (!secret.is_empty()).then_some(secret)
}

/// A new random secret of [`ENHANCED_KEY_LENGTH`] letters and digits, from the operating system's seeded generator.
pub fn generate_key() -> String {
    Alphanumeric.sample_string(&mut rand::rng(), ENHANCED_KEY_LENGTH)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn url(text: &str) -> String {
        text.parse::<ApiKey>().unwrap().base_url()
    }

    #[test]
    fn every_written_form_gives_its_address() {
        assert_eq!(url("a.example:k"), "https://a.example:443/api");
        assert_eq!(url("a.example:8443:k"), "https://a.example:8443/api");
        assert_eq!(url("127.0.0.1:8090:__force_insecure:k"), "http://127.0.0.1:8090/api");
        assert_eq!(url("localhost:__force_insecure:k"), "http://localhost:80/api");
        assert_eq!(url("http://localhost:8090:k"), "http://localhost:8090/api");
        assert_eq!(url("https://a.example:k"), "https://a.example:443/api");
        assert_eq!(url("https://a.example/:k"), "https://a.example:443/api");
        assert_eq!(url("[::1]:8090:__force_insecure:k"), "http://[::1]:8090/api");
        assert_eq!(url("[::1]:k"), "https://[::1]:443/api");
        assert_eq!(url(" a.example:k\n"), "https://a.example:443/api");
    }

    #[test]
    fn wrong_keys_say_which_part_is_wrong() {
        let error = |text: &str| text.parse::<ApiKey>().unwrap_err();
        assert_eq!(error("djEabc"), KeyError::MissingParts);
        assert_eq!(error(""), KeyError::MissingParts);
        assert_eq!(error(":k"), KeyError::Host);
        assert_eq!(error("ftp://host:k"), KeyError::Host);
        assert_eq!(error("user@host:k"), KeyError::Host);
        assert_eq!(error("host:"), KeyError::Secret);
        assert_eq!(error("host:a b"), KeyError::Secret);
        assert_eq!(error("host:0:k"), KeyError::Port);
        assert_eq!(error("host:99999:k"), KeyError::Port);
        assert_eq!(error("host:port:k"), KeyError::Port);
    }

    #[test]
    fn scheme_of_authorization_follows_the_length_of_the_secret() {
        let long = generate_key();
        let header = |secret: &str| {
            format!("h:{secret}").parse::<ApiKey>().unwrap().authorization().expose_secret().to_owned()
        };
        assert_eq!(long.len(), ENHANCED_KEY_LENGTH);
        assert_eq!(header(&long), format!("Bearer {long}"));
        assert_eq!(header("short"), "scitran-user short");
    }

    #[test]
    fn neither_debug_nor_display_shows_the_secret() {
        let key: ApiKey = "host:8080:hush".parse().unwrap();
        assert_eq!(
            format!("{key} {key:?} {key:#?}"),
            "host:8080:*** ApiKey(host:8080:***) ApiKey(host:8080:***)"
        );
    }

    #[test]
    fn a_secret_may_begin_with_slashes() {
        let key: ApiKey = "site.example.com://secret".parse().unwrap();
        assert_eq!(
            (key.host(), key.authorization().expose_secret()),
            ("site.example.com", "scitran-user //secret")
        );
    }

    proptest! {
        #[test]
        fn exposed_key_parses_back(
            host in "[a-z0-9][a-z0-9.-]{0,20}", port in 1u16.., insecure: bool, secret in "[!-9;-~]{1,60}",
        ) {
            let key = ApiKey::from_parts(&host, port, insecure, &secret).unwrap();
            let back: ApiKey = key.expose().parse().unwrap();
            prop_assert_eq!(back.base_url(), key.base_url());
            let (sent, meant) = (back.authorization(), key.authorization());
            prop_assert_eq!(sent.expose_secret(), meant.expose_secret());
        }

        #[test]
        fn any_text_is_read_without_panic(text in any::<String>()) {
            let _ = text.parse::<ApiKey>();
            let _ = secret_of_authorization(&text);
        }
    }
}
