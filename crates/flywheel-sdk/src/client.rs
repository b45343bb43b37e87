//! The client: which site, with which key, and the doors to everything else.

use flywheel_api::transport::{CallOptions, RetryPolicy, Timeouts, Transport, TransportBuilder};
use flywheel_core::key::{ApiKey, KeyError};
use std::fmt;
use tokio_util::task::TaskTracker;

use crate::{Error, ErrorKind, Result};

/// A way into one site. Cheap to clone: clones share connections, credentials and the retry budget.
///
/// ```no_run
/// # async fn run() -> flywheel::Result<()> {
/// let fw = flywheel::Client::from_env()?;
/// for project in fw.projects().filter("label=~study").await? {
///     println!("{}", project.label());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    raw: flywheel_api::Client,
    loose_ends: TaskTracker,
}

impl Client {
    /// A client with the key of the environment: `FLYWHEEL_API_KEY`; else the profile that `FLYWHEEL_PROFILE` names; else
    /// the one that `fw login` stored.
    ///
    /// Nothing is sent until the first request, so a key that the site does not know shows there.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when there is no key, or what is there is not one; the message says where it was looked for.
    pub fn from_env() -> Result<Self> {
        Self::builder().from_env()?.build()
    }

    /// A client with a key as the platform hands it out: `host:key`, `host:port:key`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when the text is not a key.
    ///
    /// ```
    /// let fw = flywheel::Client::new("flywheel.example.org:djEabcdef")?;
    /// assert_eq!(fw.base_url(), "https://flywheel.example.org:443/api");
    /// assert!(flywheel::Client::new("djEabcdef").is_err());
    /// # Ok::<(), flywheel::Error>(())
    /// ```
    pub fn new(key: impl TryInto<ApiKey, Error: Into<KeyError>>) -> Result<Self> {
        Self::builder().api_key(key)?.build()
    }

    /// A client to be set up: timeouts, retries, certificates, proxy.
    pub fn builder() -> ClientBuilder {
        ClientBuilder { transport: Transport::builder() }
    }

    /// The client with one method an operation, for calls that have no better form here.
    pub fn raw(&self) -> &flywheel_api::Client {
        &self.raw
    }

    /// The address of the API, such as `https://flywheel.example.org:443/api`.
    pub fn base_url(&self) -> &str {
        self.raw.transport().base_url()
    }

    /// The same client whose every call differs by these options.
    ///
    /// ```no_run
    /// # fn run(fw: flywheel::Client) {
    /// use flywheel::CallOptions;
    ///
    /// let everywhere = fw.with_options(CallOptions::new().exhaustive(true));
    /// # }
    /// ```
    #[must_use]
    pub fn with_options(&self, options: CallOptions) -> Self {
        Self { raw: self.raw.with_options(options), loose_ends: self.loose_ends.clone() }
    }

    /// Waits until the site knows of all transfers of this client and its clones that were dropped or cancelled: an upload
    /// that had begun makes one more call, so that the site keeps nothing for it. Good before a program ends; not needed
    /// otherwise.
    ///
    /// ```no_run
    /// # async fn run(fw: flywheel::Client, upload: flywheel::Transfer<flywheel::File>) {
    /// use std::time::Duration;
    ///
    /// if tokio::time::timeout(Duration::from_secs(60), upload).await.is_err() {
    ///     fw.settled().await;
    /// }
    /// # }
    /// ```
    pub async fn settled(&self) {
        self.loose_ends.wait().await;
    }

    /// The tasks that go on when what began them is dropped.
    pub(crate) fn loose_ends(&self) -> &TaskTracker {
        &self.loose_ends
    }
}

impl From<flywheel_api::Client> for Client {
    fn from(raw: flywheel_api::Client) -> Self {
        let loose_ends = TaskTracker::new();
        // A tracker that is open is never done; tasks come to it all the same.
        loose_ends.close();
        Self { raw, loose_ends }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base_url", &self.base_url()).finish_non_exhaustive()
    }
}

/// Sets up a [`Client`].
///
/// What is not set comes from the environment, as with the official client: `FLYWHEEL_SDK_CONNECT_TIMEOUT`,
/// `FLYWHEEL_SDK_REQUEST_TIMEOUT`, `FLYWHEEL_SDK_TOTAL_RETRIES`, `FLYWHEEL_SDK_BACKOFF_MAX`, `FW_SSL_CERT_FILE` and the
/// proxy variables.
///
/// ```
/// use flywheel::{Client, Timeouts};
/// use std::time::Duration;
///
/// let mut timeouts = Timeouts::default();
/// timeouts.connect = Duration::from_secs(3);
/// let fw = Client::builder().api_key("localhost:8090:__force_insecure:KEY")?.timeouts(timeouts).build()?;
/// # Ok::<(), flywheel::Error>(())
/// ```
#[must_use = "call build()"]
#[derive(Debug)]
pub struct ClientBuilder {
    transport: TransportBuilder,
}

impl ClientBuilder {
    /// The site and the secret of a key.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when the text is not a key.
    pub fn api_key(mut self, key: impl TryInto<ApiKey, Error: Into<KeyError>>) -> Result<Self> {
        let key = key.try_into().map_err(|error| config(error.into()))?;
        self.transport = self.transport.api_key(&key);
        Ok(self)
    }

    /// The key of the environment, as [`Client::from_env`] finds it.
    ///
    /// # Errors
    /// As [`Client::from_env`].
    pub fn from_env(mut self) -> Result<Self> {
        self.transport = self.transport.credentials_from_environment()?;
        Ok(self)
    }

    /// The key of a profile in `~/.fw/config.yml`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when there is no such profile or its key is not one.
    pub fn profile(mut self, name: &str) -> Result<Self> {
        self.transport = self.transport.profile(name)?;
        Ok(self)
    }

    /// How often, and for how long, failed calls are repeated.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.transport = self.transport.retry(policy);
        self
    }

    /// How long to wait for what.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.transport = self.transport.timeouts(timeouts);
        self
    }

    /// Lists show everything on the site instead of what the caller has a role in. For site administrators.
    pub fn exhaustive(mut self, yes: bool) -> Self {
        self.transport = self.transport.options(CallOptions::new().exhaustive(yes));
        self
    }

    /// The name and version of the program, put before the library's own in `User-Agent`.
    pub fn user_agent(mut self, program: impl Into<String>) -> Self {
        self.transport = self.transport.user_agent(program);
        self
    }

    /// Anything else about the transport: certificates, proxy, device credentials.
    pub fn transport(mut self, change: impl FnOnce(TransportBuilder) -> TransportBuilder) -> Self {
        self.transport = change(self.transport);
        self
    }

    /// The client.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when no key was given, or a variable, certificate or proxy is malformed.
    pub fn build(self) -> Result<Client> {
        Ok(flywheel_api::Client::new(self.transport.build()?).into())
    }
}

fn config(error: KeyError) -> Error {
    Error::new(ErrorKind::Config, error.to_string()).with_source(error)
}
