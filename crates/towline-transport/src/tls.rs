//! Whom to trust, and who we are.

use crate::fault;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::{fmt, sync::Arc};
use towline_core::Error;

/// Which certificate authorities a channel trusts from the start.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Roots {
    /// Those of the system, by its rules. On Linux the store is read when the settings are built,
    /// from where the system has it, or from `SSL_CERT_FILE` and `SSL_CERT_DIR` if they are set.
    #[cfg(feature = "platform-verifier")]
    Platform,
    /// Mozilla's, compiled in.
    #[cfg(feature = "webpki-roots")]
    Bundled,
    /// Only those given to [`TlsConfigBuilder::ca_pem`].
    CustomOnly,
}

/// TLS settings, checked and ready. Cheap to clone; clones share certificates and sessions.
///
/// # Examples
///
/// ```
/// use towline_transport::{Roots, TlsConfig};
///
/// let error = TlsConfig::builder()
///     .roots(Roots::CustomOnly)
///     .ca_pem("not a certificate")
///     .build()
///     .unwrap_err();
/// assert!(error.to_string().contains("extra CA file: no certificate in it"));
/// ```
#[derive(Clone)]
pub struct TlsConfig {
    config: Arc<ClientConfig>,
    roots: Roots,
    extra: usize,
    client_certificate: bool,
}

/// Makes a [`TlsConfig`].
#[must_use = "a builder does nothing until it is built"]
pub struct TlsConfigBuilder {
    roots: Roots,
    extra: Vec<CertificateDer<'static>>,
    identity: Option<Identity>,
    faults: Vec<String>,
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

// === impl Roots ===

/// The system's if that feature is on, else the compiled-in ones if that is on, else none.
impl Default for Roots {
    fn default() -> Self {
        #[cfg(feature = "platform-verifier")]
        let roots = Self::Platform;
        #[cfg(all(feature = "webpki-roots", not(feature = "platform-verifier")))]
        let roots = Self::Bundled;
        #[cfg(not(any(feature = "webpki-roots", feature = "platform-verifier")))]
        let roots = Self::CustomOnly;
        roots
    }
}

// === impl TlsConfig ===

impl TlsConfig {
    /// Starts from the default roots, without a client certificate.
    pub fn builder() -> TlsConfigBuilder {
        TlsConfigBuilder {
            roots: Roots::default(),
            extra: Vec::new(),
            identity: None,
            faults: Vec::new(),
        }
    }

    /// The configuration that offers `alpn` in the handshake.
    pub(crate) fn offering(&self, alpn: &[&[u8]]) -> Arc<ClientConfig> {
        let mut config = ClientConfig::clone(&self.config);
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        Arc::new(config)
    }
}

/// Shows what is trusted and whether there is a client certificate, no key.
impl fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConfig")
            .field("roots", &self.roots)
            .field("extra_ca_certificates", &self.extra)
            .field("client_certificate", &self.client_certificate)
            .finish_non_exhaustive()
    }
}

// === impl TlsConfigBuilder ===

impl TlsConfigBuilder {
    /// Which authorities to trust besides those given to [`ca_pem`](Self::ca_pem). Default:
    /// [`Roots::default`].
    pub const fn roots(mut self, roots: Roots) -> Self {
        self.roots = roots;
        self
    }

    /// Trusts the certificates of a PEM file too. May be called several times.
    pub fn ca_pem(mut self, pem: impl AsRef<[u8]>) -> Self {
        match certificates(pem.as_ref()) {
            Ok(found) => self.extra.extend(found),
            Err(fault) => self.faults.push(format!("extra CA file: {fault}")),
        }
        self
    }

    /// Presents a certificate to servers that ask for one: the chain and its private key, as PEM.
    pub fn client_pem(mut self, chain: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Self {
        let chain = certificates(chain.as_ref()).map_err(|fault| {
            self.faults
                .push(format!("client certificate file: {fault}"))
        });
        // The parser's error could quote the key: it is not told.
        let key = PrivateKeyDer::from_pem_slice(key.as_ref()).map_err(|_| {
            let fault =
                "client key file: no readable private key in it (PEM: PKCS#8, PKCS#1 or SEC1)";
            self.faults.push(fault.to_owned());
        });
        if let (Ok(chain), Ok(key)) = (chain, key) {
            self.identity = Some((chain, key));
        }
        self
    }

    /// Checks everything.
    ///
    /// # Errors
    ///
    /// [`Config`](towline_core::ErrorKind::Config), naming all faults at once: a file without a
    /// certificate, a key that does not fit, no authority to trust.
    pub fn build(mut self) -> Result<TlsConfig, Error> {
        let faults = std::mem::take(&mut self.faults);
        if !faults.is_empty() {
            return Err(fault::config(format!(
                "TLS settings: {}",
                faults.join("; ")
            )));
        }
        let (roots, extra) = (self.roots, self.extra.len());
        let client_certificate = self.identity.is_some();
        let config = self.config()?;
        Ok(TlsConfig {
            config: Arc::new(config),
            roots,
            extra,
            client_certificate,
        })
    }

    fn config(self) -> Result<ClientConfig, Error> {
        // Passed explicitly: where a second provider is linked the default one is ambiguous.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong("TLS versions", error))?;
        let builder = match self.roots {
            #[cfg(feature = "platform-verifier")]
            Roots::Platform => builder
                .dangerous()
                .with_custom_certificate_verifier(platform(self.extra, provider)?),
            #[cfg(feature = "webpki-roots")]
            Roots::Bundled => {
                let bundled = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
                builder.with_root_certificates(store(bundled, self.extra)?)
            }
            Roots::CustomOnly if self.extra.is_empty() => {
                return Err(fault::config(
                    "TLS settings: no certificate authority is trusted; give an extra CA file, or \
                     build with the feature platform-verifier or webpki-roots",
                ));
            }
            Roots::CustomOnly => {
                builder.with_root_certificates(store(RootCertStore::empty(), self.extra)?)
            }
        };
        match self.identity {
            None => Ok(builder.with_no_client_auth()),
            Some((chain, key)) => builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| wrong("client certificate and key", error)),
        }
    }
}

/// Shows what is set, no key.
impl fmt::Debug for TlsConfigBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConfigBuilder")
            .field("roots", &self.roots)
            .field("extra_ca_certificates", &self.extra.len())
            .field("client_certificate", &self.identity.is_some())
            .finish_non_exhaustive()
    }
}

fn wrong(what: &str, error: rustls::Error) -> Error {
    fault::config(format!("TLS settings: {what}: {error}")).with_source(error)
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    match found {
        Ok(found) if found.is_empty() => Err("no certificate in it (PEM)".to_owned()),
        Ok(found) => Ok(found),
        Err(_) => Err("malformed PEM".to_owned()),
    }
}

fn store(
    mut store: RootCertStore,
    extra: Vec<CertificateDer<'static>>,
) -> Result<RootCertStore, Error> {
    for certificate in extra {
        store
            .add(certificate)
            .map_err(|error| wrong("extra CA file", error))?;
    }
    Ok(store)
}

#[cfg(feature = "platform-verifier")]
fn platform(
    extra: Vec<CertificateDer<'static>>,
    provider: Arc<rustls::crypto::CryptoProvider>,
) -> Result<Arc<rustls_platform_verifier::Verifier>, Error> {
    rustls_platform_verifier::Verifier::new_with_extra_roots(extra, provider)
        .map(Arc::new)
        .map_err(|error| {
            fault::config(
                "TLS settings: the system has no usable certificate store; install its CA \
                 certificates package, or give an extra CA file",
            )
            .with_source(error)
        })
}
