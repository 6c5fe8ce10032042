//! One provider, complete and checked.

use crate::{
    key::snake,
    keyfile::{KeyFile, Notice},
    source::without_secrets,
    stack::{
        BreakerSettings, ConcurrencySettings, LimitSettings, RetrySettings, TargetSettings,
        TimeoutSettings,
    },
    transport::TransportSettings,
    vendor::Vendor,
};
use std::{fmt, num::NonZeroU32, path::PathBuf, time::Duration};
use towline_core::{Credential, Prices, Secret};

/// Everything needed to call one model of one vendor. What the vendor requires is there.
#[derive(Clone)]
pub struct ProviderSettings {
    pub(crate) name: String,
    pub(crate) vendor: Vendor,
    pub(crate) model: String,
    pub(crate) base_url: Option<String>,
    pub(crate) api_key: Option<Secret>,
    /// Whether the address is the vendor's own.
    pub(crate) at_home: bool,
    /// The file that the key was read from.
    pub(crate) api_key_file: Option<PathBuf>,
    /// Whether it is a token.
    pub(crate) key_is_token: bool,
    pub(crate) api_key_origin: Option<String>,
    /// The key and the variables that set the address.
    pub(crate) address_key: String,
    pub(crate) organization: Option<String>,
    pub(crate) project: Option<String>,
    pub(crate) endpoint: Option<String>,
    pub(crate) api_version: Option<String>,
    pub(crate) base_model: Option<String>,
    pub(crate) api: Option<String>,
    pub(crate) headers: Vec<(String, Secret)>,
    pub(crate) context_window: Option<u64>,
    pub(crate) reserve_completion: Option<u64>,
    /// By model.
    pub(crate) prices: Vec<(String, Prices)>,
    pub(crate) stream_usage: Option<bool>,
    pub(crate) timeouts: Timeouts,
    pub(crate) transport: TransportSettings,
    pub(crate) target: TargetSettings,
}

/// How long the parts of one exchange with a provider may take, `timeouts.*`.
///
/// The clocks of the layers, which see queues, retries and tokens, are
/// [`TimeoutSettings`](crate::stack::TimeoutSettings).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Timeouts {
    pub(crate) connect: Duration,
    pub(crate) request: Duration,
    pub(crate) stream: Duration,
}

// === impl ProviderSettings ===

impl ProviderSettings {
    /// The name as configured: that of the named provider, else the vendor's.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The vendor, whose dialect is spoken.
    #[must_use]
    pub const fn vendor(&self) -> Vendor {
        self.vendor
    }

    /// The model. Never empty.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The address, without a slash at its end. Unset only for vendors whose address is made from
    /// an endpoint or a region.
    #[must_use]
    pub fn base_url(&self) -> Option<&str> {
        self.base_url.as_deref()
    }

    /// The key. Always set at the vendor's own address, where the vendor wants one.
    #[must_use]
    pub const fn api_key(&self) -> Option<&Secret> {
        self.api_key.as_ref()
    }

    /// Whether [`api_key`](Self::api_key) is an access token of Microsoft Entra (Azure), which goes out
    /// as a bearer token and not as a key.
    #[must_use]
    pub const fn key_is_token(&self) -> bool {
        self.key_is_token
    }

    /// Where the key that is used comes from, as in [`Source::origin`](crate::Source::origin).
    #[must_use]
    pub fn api_key_origin(&self) -> Option<&str> {
        self.api_key_origin.as_deref()
    }

    /// The setting of the address, for messages: its key and its variables, such as
    /// `towline.openai.base_url / OPENAI_BASE_URL`.
    #[must_use]
    pub fn address_key(&self) -> &str {
        &self.address_key
    }

    /// Whether the address is that of the vendor itself, and not of a server of one's own.
    #[must_use]
    pub const fn is_at_home(&self) -> bool {
        self.at_home
    }

    /// The key for a provider: one that stays as it is, or that of a file, which is looked at
    /// before each call and read again when it changed. While the file cannot be read or is empty,
    /// the key that was read last stays in use.
    ///
    /// Replace the file by a rename, as Kubernetes and most vaults do, so that nobody reads half of
    /// it.
    #[must_use]
    pub fn credential(&self) -> Credential {
        self.credential_of(None)
    }

    /// As [`credential`](Self::credential); `notice` is told when the file cannot be read or is
    /// empty, once for each thing that is wrong, and never the key. It is called in the middle of a
    /// call, and has to return at once.
    #[must_use]
    pub fn credential_noting(&self, notice: impl Fn(&str) + Send + Sync + 'static) -> Credential {
        self.credential_of(Some(Box::new(notice)))
    }

    fn credential_of(&self, notice: Option<Notice>) -> Credential {
        match (&self.api_key, &self.api_key_file) {
            (Some(key), Some(path)) => {
                Credential::from_source(KeyFile::new(path.clone(), key.clone(), notice))
            }
            (key, _) => Credential::from(key.clone()),
        }
    }

    /// The organization that is billed.
    #[must_use]
    pub fn organization(&self) -> Option<&str> {
        self.organization.as_deref()
    }

    /// The project that is billed.
    #[must_use]
    pub fn project(&self) -> Option<&str> {
        self.project.as_deref()
    }

    /// The address of the customer's resource (Azure), without a slash at its end.
    #[must_use]
    pub fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    /// The API version (Azure), in its wire form such as `2025-01-01-preview`.
    #[must_use]
    pub fn api_version(&self) -> Option<&str> {
        self.api_version.as_deref()
    }

    /// The model behind a deployment (Azure), by which its options and its context window are known.
    /// Unset: [`model`](Self::model) tells.
    #[must_use]
    pub fn base_model(&self) -> Option<&str> {
        self.base_model.as_deref()
    }

    /// Which of the vendor's interfaces to use: `chat` or `responses`. Unset: the provider decides.
    #[must_use]
    pub fn api(&self) -> Option<&str> {
        self.api.as_deref()
    }

    /// Headers to add to every call, names in lower case. Values may be secrets.
    #[must_use]
    pub fn headers(&self) -> &[(String, Secret)] {
        &self.headers
    }

    /// Tokens that the model can take, question and answer together. Unset: the model registry knows.
    #[must_use]
    pub const fn context_window(&self) -> Option<u64> {
        self.context_window
    }

    /// What its models cost, as far as `prices` says so. The later of two entries for a model holds.
    #[must_use]
    pub fn prices(&self) -> &[(String, Prices)] {
        &self.prices
    }

    /// Tokens to keep free for the answer. Unset: the model registry knows.
    #[must_use]
    pub const fn reserve_completion(&self) -> Option<u64> {
        self.reserve_completion
    }

    /// Whether to ask for usage in streams. Unset: the dialect decides.
    #[must_use]
    pub const fn stream_usage(&self) -> Option<bool> {
        self.stream_usage
    }

    /// The limits in time.
    #[must_use]
    pub const fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    /// How the address is reached.
    #[must_use]
    pub const fn transport(&self) -> &TransportSettings {
        &self.transport
    }

    /// The clocks of a call: the section's own `timeout.*`, else those of the whole program.
    #[must_use]
    pub const fn timeout(&self) -> &TimeoutSettings {
        &self.target.timeout
    }

    /// Trying again: the section's own `retry.*`, else those of the whole program.
    #[must_use]
    pub const fn retry(&self) -> &RetrySettings {
        &self.target.retry
    }

    /// Rates: the section's own `limit.*`, else those of the whole program.
    #[must_use]
    pub const fn limit(&self) -> &LimitSettings {
        &self.target.limit
    }

    /// Calls at once: the section's own `concurrency.*`, else those of the whole program.
    #[must_use]
    pub const fn concurrency(&self) -> &ConcurrencySettings {
        &self.target.concurrency
    }

    /// The breaker: the section's own `breaker.*`, else those of the whole program.
    #[must_use]
    pub const fn breaker(&self) -> &BreakerSettings {
        &self.target.breaker
    }

    /// The share of the calls that it gets as a deployment, compared to the others: the section's own
    /// `balance.weight`, else that of the whole program. Default 1.
    #[must_use]
    pub const fn weight(&self) -> NonZeroU32 {
        self.target.weight
    }

    /// Whether both are one account of one provider, and one model.
    #[must_use]
    pub fn is_same_target(&self, other: &Self) -> bool {
        self.is_same_provider(other) && self.model == other.model
    }

    /// Whether both are one account of one provider, whatever the model: the same name, vendor, address,
    /// organization, project and key, and the same limits. A section of a vendor and a named provider may
    /// have the same name and nothing else in common.
    #[must_use]
    pub fn is_same_provider(&self, other: &Self) -> bool {
        snake(&self.name) == snake(&other.name)
            && self.account() == other.account()
            && self.has_key_of(other)
            && self.target.limit == other.target.limit
    }

    fn account(&self) -> (Vendor, [Option<&str>; 4]) {
        let address = [&self.base_url, &self.endpoint];
        let [base_url, endpoint] = address.map(Option::as_deref);
        let (organization, project) = (self.organization.as_deref(), self.project.as_deref());
        (self.vendor, [base_url, endpoint, organization, project])
    }

    /// A key in a file is the same whatever the file holds by now.
    fn has_key_of(&self, other: &Self) -> bool {
        if self.api_key_file.is_some() || other.api_key_file.is_some() {
            return self.api_key_file == other.api_key_file;
        }
        let keys = [self, other].map(|of| of.api_key.as_ref().map(Secret::expose));
        keys[0] == keys[1]
    }

    pub(crate) const fn target(&self) -> &TargetSettings {
        &self.target
    }
}

impl fmt::Debug for ProviderSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderSettings")
            .field("name", &self.name)
            .field("vendor", &self.vendor)
            .field("model", &self.model)
            .field("base_url", &self.base_url.as_deref().map(without_secrets))
            .field("api_key", &self.api_key)
            .field("api_key_file", &self.api_key_file)
            .field("key_is_token", &self.key_is_token)
            .field("api_key_origin", &self.api_key_origin)
            .field("address_key", &self.address_key)
            .field("at_home", &self.at_home)
            .field("organization", &self.organization)
            .field("project", &self.project)
            .field("endpoint", &self.endpoint.as_deref().map(without_secrets))
            .field("api_version", &self.api_version)
            .field("base_model", &self.base_model)
            .field("api", &self.api)
            .field("headers", &self.headers)
            .field("context_window", &self.context_window)
            .field("reserve_completion", &self.reserve_completion)
            .field("prices", &self.prices)
            .field("stream_usage", &self.stream_usage)
            .field("timeouts", &self.timeouts)
            .field("transport", &self.transport)
            .field("target", &self.target)
            .finish()
    }
}

// === impl Timeouts ===

impl Timeouts {
    /// Limit for name lookup, TCP and TLS together. Default 10 s.
    #[must_use]
    pub const fn connect(&self) -> Duration {
        self.connect
    }

    /// Limit for one whole exchange without streaming. Default by vendor, 2 or 5 minutes.
    #[must_use]
    pub const fn request(&self) -> Duration {
        self.request
    }

    /// Longest pause in a streamed call: before its first event, and after it without a byte. Nothing
    /// limits the whole of a stream. Default 10 minutes.
    #[must_use]
    pub const fn stream(&self) -> Duration {
        self.stream
    }
}
