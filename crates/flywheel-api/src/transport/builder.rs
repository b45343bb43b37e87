//! Where requests go, with which credentials, through which client.

use super::{
    credentials,
    retry::RetryBudget,
    settings::{CallOptions, Environment, RetryPolicy, Timeouts},
    tls,
};
use crate::{Error, ErrorKind};
use flywheel_core::key::ApiKey;
use http::{HeaderName, HeaderValue, Method, header};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use std::{fmt, path::PathBuf, sync::Arc};
use tokio::sync::OnceCell;

/// The way to one site: connections, credentials and policies. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Transport {
    shared: Arc<Shared>,
    options: Arc<CallOptions>,
}

type Header = (HeaderName, HeaderValue);

struct Shared {
    http: reqwest::Client,
    base: String,
    site: Url,
    credentials: Vec<Header>,
    secret: Option<SecretString>,
    timeouts: Timeouts,
    retry: RetryPolicy,
    budget: RetryBudget,
    config: OnceCell<serde_json::Value>,
}

impl Transport {
    /// Starts a transport that knows neither site nor key.
    pub fn builder() -> TransportBuilder {
        TransportBuilder::default()
    }

    /// A transport with the credentials and settings of the process's environment and credential files; see
    /// [`TransportBuilder::credentials_from_environment`].
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when no key is found, or a key, file or variable is malformed.
    pub fn from_env() -> Result<Self, Error> {
        Self::builder().credentials_from_environment()?.build()
    }

    /// The address of the API, such as `https://site.example.com:443/api`, without a trailing slash.
    pub fn base_url(&self) -> &str {
        &self.shared.base
    }

    /// The HTTP client, to build requests with. Requests must be sent through [`Transport::execute`]: this
    /// client alone neither authorizes nor retries.
    pub fn http(&self) -> &reqwest::Client {
        &self.shared.http
    }

    /// The same transport for calls that differ by `options`. What it already differs by stays.
    #[must_use]
    pub fn with_options(&self, options: CallOptions) -> Self {
        Self { shared: self.shared.clone(), options: Arc::new(options.over(&self.options)) }
    }

    /// A request of `method` to `path` below the API's address. `path` starts with a slash and is encoded already.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] when that makes no address.
    pub fn request(&self, method: Method, path: &str) -> Result<reqwest::Request, Error> {
        let url = format!("{}{path}", self.shared.base);
        let url = Url::parse(&url).map_err(|error| Error::new(ErrorKind::Invalid, error.to_string()))?;
        Ok(reqwest::Request::new(method, url))
    }

    /// The retries that this transport and its clones may still spend.
    pub fn retry_budget(&self) -> &RetryBudget {
        &self.shared.budget
    }

    pub(super) fn config_cell(&self) -> &OnceCell<serde_json::Value> {
        &self.shared.config
    }

    pub(super) fn site(&self) -> &Url {
        &self.shared.site
    }

    pub(super) fn options(&self) -> &CallOptions {
        &self.options
    }

    pub(super) fn is_exhaustive(&self) -> bool {
        self.options.exhaustive.unwrap_or(false)
    }

    pub(super) fn credentials(&self) -> impl Iterator<Item = (HeaderName, &HeaderValue)> {
        self.shared.credentials.iter().map(|(name, value)| (name.clone(), value))
    }

    pub(super) fn timeouts(&self) -> Timeouts {
        let mut timeouts = self.options.timeouts.clone().unwrap_or_else(|| self.shared.timeouts.clone());
        timeouts.operation = self.options.operation.or(timeouts.operation);
        timeouts
    }

    pub(super) fn retry(&self) -> &RetryPolicy {
        self.options.retry.as_ref().unwrap_or(&self.shared.retry)
    }

    /// `text` without the secret, should a server echo it.
    pub(super) fn redact(&self, text: &str) -> String {
        let secret = self.shared.secret.as_ref().map(ExposeSecret::expose_secret);
        flywheel_core::redact::text(text, secret.as_slice()).into_owned()
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("base_url", &self.shared.base).finish_non_exhaustive()
    }
}

/// Makes a [`Transport`].
///
/// What is not set here comes from the environment: the timeouts and retries of [`Timeouts`] and [`RetryPolicy`],
/// a PEM bundle of further trusted roots in `FW_SSL_CERT_FILE`, proxies in `HTTPS_PROXY`, `HTTP_PROXY`,
/// `ALL_PROXY` and `NO_PROXY`.
#[derive(Default)]
pub struct TransportBuilder {
    base: Option<String>,
    credentials: Credentials,
    environment: Option<Environment>,
    home: Option<PathBuf>,
    budget: RetryBudget,
    options: CallOptions,
    user_agent: Option<String>,
    bundles: Vec<Vec<u8>>,
    proxy: Proxy,
}

#[derive(Default)]
enum Credentials {
    #[default]
    None,
    Authorization(SecretString),
    Device {
        secret: SecretString,
        method: String,
        name: String,
    },
}

#[derive(Default)]
enum Proxy {
    #[default]
    Environment,
    None,
    Url(String),
}

impl TransportBuilder {
    /// The site and the credentials of `key`.
    #[must_use]
    pub fn api_key(mut self, key: &ApiKey) -> Self {
        self.base = Some(key.base_url());
        self.credentials = Credentials::Authorization(key.authorization());
        self
    }

    /// The address of the API, such as `http://127.0.0.1:8090/api`, when it does not come from a key. Without
    /// credentials only what needs none can be called.
    #[must_use]
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base = Some(url.into());
        self
    }

    /// The value of `Authorization`, such as a session token, when it does not come from a key.
    #[must_use]
    pub fn authorization(mut self, value: SecretString) -> Self {
        self.credentials = Credentials::Authorization(value);
        self
    }

    /// Introduces itself as the device `name` of the type `method` by the site's drone secret; the first such
    /// request creates the device.
    #[must_use]
    pub fn device(
        mut self,
        secret: SecretString,
        method: impl Into<String>,
        name: impl Into<String>,
    ) -> Self {
        self.credentials = Credentials::Device { secret, method: method.into(), name: name.into() };
        self
    }

    /// The key of the environment: `FLYWHEEL_API_KEY`; else the profile that `FLYWHEEL_PROFILE` names in
    /// `~/.fw/config.yml`; else `~/.config/flywheel/user.json`; else the default profile of `~/.fw/config.yml`.
    /// `FLYWHEEL_USER_HOME` and `FW_CLI_CONFIG_DIR` move the first and the second file.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when no key is found, or the one found is malformed; it says where it was.
    pub fn credentials_from_environment(self) -> Result<Self, Error> {
        let process = Environment::process();
        let key = credentials::find(self.environment.as_ref().unwrap_or(&process), self.home.as_deref())?;
        Ok(self.api_key(&key))
    }

    /// The key of the profile `name` in `~/.fw/config.yml`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when there is no such profile, or its key is malformed.
    pub fn profile(self, name: &str) -> Result<Self, Error> {
        let process = Environment::process();
        let environment = self.environment.as_ref().unwrap_or(&process);
        let key = credentials::of_profile(environment, self.home.as_deref(), name)?;
        Ok(self.api_key(&key))
    }

    /// Reads `environment` instead of the variables of the process. (Proxy variables are always the process's.)
    #[must_use]
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = Some(environment);
        self
    }

    /// Looks for credential files below `folder` instead of the user's home.
    #[must_use]
    pub fn home(mut self, folder: impl Into<PathBuf>) -> Self {
        self.home = Some(folder.into());
        self
    }

    /// Sets the timeouts, whatever the environment says.
    #[must_use]
    pub fn timeouts(self, timeouts: Timeouts) -> Self {
        self.options(CallOptions::new().timeouts(timeouts))
    }

    /// Sets the retry policy, whatever the environment says.
    #[must_use]
    pub fn retry(self, policy: RetryPolicy) -> Self {
        self.options(CallOptions::new().retry(policy))
    }

    /// Shares `budget` instead of having one of its own.
    #[must_use]
    pub fn retry_budget(mut self, budget: RetryBudget) -> Self {
        self.budget = budget;
        self
    }

    /// Options of every call.
    #[must_use]
    pub fn options(mut self, options: CallOptions) -> Self {
        self.options = options.over(&self.options);
        self
    }

    /// Puts a program's name before this library's in `User-Agent`, such as `my-pipeline/2.1`.
    #[must_use]
    pub fn user_agent(mut self, program: impl Into<String>) -> Self {
        self.user_agent = Some(program.into());
        self
    }

    /// Trusts the certificates of the PEM text `bundle` besides the platform's and those of `FW_SSL_CERT_FILE`.
    #[must_use]
    pub fn trust_pem(mut self, bundle: impl Into<Vec<u8>>) -> Self {
        self.bundles.push(bundle.into());
        self
    }

    /// Sends everything through the proxy at `url`, such as `http://proxy.example.com:3128`, whatever the
    /// environment says.
    #[must_use]
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Proxy::Url(url.into());
        self
    }

    /// Uses no proxy, whatever the environment says.
    #[must_use]
    pub fn no_proxy(mut self) -> Self {
        self.proxy = Proxy::None;
        self
    }

    /// The transport.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when neither key nor address is set, or an address, header, variable, certificate
    /// bundle or proxy is malformed.
    pub fn build(mut self) -> Result<Transport, Error> {
        let environment = self.environment.take().unwrap_or_else(Environment::process);
        let base = self.base.take().ok_or_else(|| {
            config("neither an API key nor the address of a site is given").with_hint(credentials::WHERE)
        })?;
        let base = base.trim_end_matches('/').to_owned();
        let site = Url::parse(&base)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| {
                config(format!("{base:?} is not the address of a site; expected https://host:port/api"))
            })?;
        let options = &self.options;
        let timeouts =
            options.timeouts.clone().map_or_else(|| Timeouts::from_environment(&environment), Ok)?;
        let retry = options.retry.clone().map_or_else(|| RetryPolicy::from_environment(&environment), Ok)?;
        if let Some(path) = environment.get("FW_SSL_CERT_FILE") {
            self.bundles.push(read_bundle(&path)?);
        }
        let http = self.http_client(&timeouts)?;
        let (credentials, secret) = self.credentials.headers()?;
        let shared = Shared {
            http,
            base,
            site,
            credentials,
            secret,
            timeouts,
            retry,
            budget: self.budget,
            config: OnceCell::new(),
        };
        Ok(Transport { shared: Arc::new(shared), options: Arc::new(self.options) })
    }

    fn http_client(&self, timeouts: &Timeouts) -> Result<reqwest::Client, Error> {
        let library = format!("flywheel-rs/{} (Rust; {})", env!("CARGO_PKG_VERSION"), std::env::consts::OS);
        let user_agent = match &self.user_agent {
            Some(program) => format!("{program} {library}"),
            None => library,
        };
        // Redirects are followed in `attempt`, where it is known which headers may go along.
        let builder = reqwest::Client::builder()
            .user_agent(user_agent)
            .connect_timeout(timeouts.connect)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false);
        // The kernel's own limit on bytes nobody takes would otherwise overrule a longer `read_idle`.
        #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
        let builder = builder.tcp_user_timeout(timeouts.read_idle);
        let builder = match &self.proxy {
            Proxy::Environment => builder,
            Proxy::None => builder.no_proxy(),
            Proxy::Url(url) => {
                let proxy = reqwest::Proxy::all(url).map_err(|_| {
                    config("the address of the proxy is malformed; expected http://host:port".to_owned())
                })?;
                builder.proxy(proxy)
            }
        };
        let builder = tls::configure(builder, &self.bundles)?;
        builder
            .build()
            .map_err(|error| config(format!("cannot set up the HTTP client: {error}")).with_source(error))
    }
}

impl Credentials {
    /// The headers that carry the credentials, marked as sensitive, and the secret inside.
    fn headers(&self) -> Result<(Vec<Header>, Option<SecretString>), Error> {
        let value = |text: &str| {
            let mut value = HeaderValue::from_str(text)
                .map_err(|_| config("the credentials hold a character that no header has"))?;
            value.set_sensitive(true);
            Ok::<_, Error>(value)
        };
        match self {
            Self::None => Ok((Vec::new(), None)),
            Self::Authorization(text) => {
                let secret =
                    flywheel_core::key::secret_of_authorization(text.expose_secret()).map(SecretString::from);
                Ok((vec![(header::AUTHORIZATION, value(text.expose_secret())?)], secret))
            }
            Self::Device { secret, method, name } => {
                let headers = vec![
                    (HeaderName::from_static("x-scitran-auth"), value(secret.expose_secret())?),
                    (HeaderName::from_static("x-scitran-method"), value(method)?),
                    (HeaderName::from_static("x-scitran-name"), value(name)?),
                ];
                Ok((headers, Some(secret.clone())))
            }
        }
    }
}

impl fmt::Debug for TransportBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportBuilder").field("base_url", &self.base).finish_non_exhaustive()
    }
}

fn config(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Config, message)
}

fn read_bundle(path: &str) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|error| {
        config(format!("FW_SSL_CERT_FILE names {path}, which cannot be read: {error}")).with_source(error)
    })
}
