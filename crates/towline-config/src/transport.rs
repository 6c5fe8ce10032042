//! How a provider is reached.

use std::{fmt, time::Duration};
use towline_core::Secret;

/// Proxy, certificates and connection settings of one provider.
#[derive(Clone, Default)]
pub struct TransportSettings {
    pub(crate) proxy: Option<Secret>,
    pub(crate) no_proxy: Vec<String>,
    pub(crate) ca_pem: Option<Vec<u8>>,
    pub(crate) client_certificate_pem: Option<Vec<u8>>,
    pub(crate) client_key_pem: Option<Secret>,
    pub(crate) http2: Option<bool>,
    pub(crate) idle_timeout: Option<Duration>,
}

// === impl TransportSettings ===

impl TransportSettings {
    /// The proxy for the provider's address, an `http` address that may hold user and password. Chosen by the scheme of the base URL; [`no_proxy`](Self::no_proxy) is not applied
    /// yet.
    #[must_use]
    pub const fn proxy(&self) -> Option<&Secret> {
        self.proxy.as_ref()
    }

    /// Hosts, domains and networks that are reached without the proxy; `*` means all.
    #[must_use]
    pub fn no_proxy(&self) -> &[String] {
        &self.no_proxy
    }

    /// PEM text with certificates to trust beside the usual ones.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&[u8]> {
        self.ca_pem.as_deref()
    }

    /// PEM text with the client's certificate chain. Set together with
    /// [`client_key_pem`](Self::client_key_pem), or not at all.
    #[must_use]
    pub fn client_certificate_pem(&self) -> Option<&[u8]> {
        self.client_certificate_pem.as_deref()
    }

    /// PEM text with the key of the client's certificate.
    #[must_use]
    pub const fn client_key_pem(&self) -> Option<&Secret> {
        self.client_key_pem.as_ref()
    }

    /// Whether HTTP/2 may be used. Unset: the transport decides.
    #[must_use]
    pub const fn http2(&self) -> Option<bool> {
        self.http2
    }

    /// How long an unused connection is kept. Unset: the transport decides.
    #[must_use]
    pub const fn idle_timeout(&self) -> Option<Duration> {
        self.idle_timeout
    }
}

impl fmt::Debug for TransportSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportSettings")
            .field("proxy", &self.proxy)
            .field("no_proxy", &self.no_proxy)
            .field("ca_pem", &self.ca_pem.as_ref().map(Vec::len))
            .field(
                "client_certificate_pem",
                &self.client_certificate_pem.as_ref().map(Vec::len),
            )
            .field("client_key_pem", &self.client_key_pem)
            .field("http2", &self.http2)
            .field("idle_timeout", &self.idle_timeout)
            .finish()
    }
}
