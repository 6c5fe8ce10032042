//! TLS: whom the channel trusts, who it says it is, and which HTTP comes of it.

use crate::support::{call, fetch, listen, serve};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::WebPkiClientVerifier,
};
use std::{net::SocketAddr, sync::Arc};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use towline_core::{ErrorKind, task};
use towline_transport::{Channel, Http2, Roots, TlsConfig, TlsConfigBuilder};

/// A certificate authority for one test.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

pub(crate) struct Identity {
    chain: String,
    key: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        // Two authorities of one name would differ by their signatures only.
        let name = format!("authority {:x?}", key.public_key_raw().get(..8));
        params.distinguished_name.push(DnType::CommonName, name);
        Self {
            issuer: CertifiedIssuer::self_signed(params, key).unwrap(),
        }
    }

    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    pub(crate) fn issue(&self, name: &str) -> Identity {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity {
            chain: certificate.pem(),
            key: key.serialize_pem(),
        }
    }

    /// A server with a certificate of this authority for `localhost`.
    pub(crate) fn acceptor(&self, alpn: &[&str], clients: Option<&Self>) -> TlsAcceptor {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                let mut roots = RootCertStore::empty();
                roots
                    .add(CertificateDer::from_pem_slice(clients.pem().as_bytes()).unwrap())
                    .unwrap();
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let identity = self.issue("localhost");
        let chain = vec![CertificateDer::from_pem_slice(identity.chain.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
        let mut config = builder.with_single_cert(chain, key).unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// Serves HTTP/1.1 over TLS, on one connection after the other.
fn serve_tls(listener: TcpListener, acceptor: TlsAcceptor) -> task::Task<()> {
    task::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            if let Ok(stream) = acceptor.accept(socket).await {
                serve(stream, "fine").await;
            }
        }
    })
}

pub(crate) fn trusting(authority: &Authority) -> TlsConfigBuilder {
    TlsConfig::builder()
        .roots(Roots::CustomOnly)
        .ca_pem(authority.pem())
}

fn channel_with(address: SocketAddr, tls: TlsConfigBuilder) -> Channel {
    Channel::builder(format!("https://localhost:{}/v1", address.port()))
        .tls(tls.build().unwrap())
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_server_of_an_own_authority_is_reached_with_its_certificate() {
    let authority = Authority::new();
    let (listener, address) = listen().await;
    let _server = serve_tls(listener, authority.acceptor(&["http/1.1"], None));
    let channel = channel_with(address, trusting(&authority));
    assert_eq!(fetch(&channel).await.unwrap(), "fine");
    assert_eq!(fetch(&channel).await.unwrap(), "fine");
    assert_eq!(channel.stats().opened, 1);
}

#[tokio::test]
async fn an_own_authority_is_trusted_beside_the_default_roots() {
    let authority = Authority::new();
    let (listener, address) = listen().await;
    let _server = serve_tls(listener, authority.acceptor(&[], None));
    let tls = TlsConfig::builder().ca_pem(authority.pem());
    assert_eq!(fetch(&channel_with(address, tls)).await.unwrap(), "fine");
}

#[tokio::test]
async fn an_unknown_authority_is_refused_with_the_remedy() {
    let (listener, address) = listen().await;
    let _server = serve_tls(listener, Authority::new().acceptor(&[], None));
    let channel = channel_with(address, trusting(&Authority::new()));
    let error = call(&channel).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    let text = error.to_string();
    assert!(
        text.contains(&format!("TLS handshake with localhost:{}", address.port())),
        "{text}"
    );
    assert!(text.contains("unknown issuer"), "{text}");
    assert!(text.contains("extra CA file"), "{text}");
}

#[tokio::test]
async fn a_certificate_for_another_host_is_refused() {
    let authority = Authority::new();
    let (listener, address) = listen().await;
    let _server = serve_tls(listener, authority.acceptor(&[], None));
    let channel = Channel::builder(format!("https://{address}"))
        .tls(trusting(&authority).build().unwrap())
        .build()
        .unwrap();
    let error = call(&channel).await.unwrap_err();
    assert!(
        error.to_string().contains("for another host name"),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_without_tls_is_recognised() {
    let (listener, address) = listen().await;
    let _server = task::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let answer = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
        tokio::io::AsyncWriteExt::write_all(&mut socket, answer)
            .await
            .unwrap();
        std::future::pending::<()>().await;
    });
    let channel = channel_with(address, trusting(&Authority::new()));
    let error = call(&channel).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(
        error.to_string().contains("does not speak TLS"),
        "{}",
        error.report()
    );
}

#[tokio::test]
async fn a_client_certificate_is_presented_when_the_server_asks() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let (listener, address) = listen().await;
    let _server = serve_tls(listener, authority.acceptor(&[], Some(&clients)));
    let identity = clients.issue("client.test");
    let tls = trusting(&authority).client_pem(&identity.chain, &identity.key);
    assert_eq!(fetch(&channel_with(address, tls)).await.unwrap(), "fine");
}

#[tokio::test]
async fn a_missing_client_certificate_is_named() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let (listener, address) = listen().await;
    let _server = serve_tls(listener, authority.acceptor(&[], Some(&clients)));
    let error = call(&channel_with(address, trusting(&authority)))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(
        error.to_string().contains("client certificate"),
        "{}",
        error.report()
    );
}

#[tokio::test]
async fn http2_never_offers_http_1_only() {
    let authority = Authority::new();
    let (listener, address) = listen().await;
    let acceptor = authority.acceptor(&["h2", "http/1.1"], None);
    let _server = serve_tls(listener, acceptor);
    let channel = Channel::builder(format!("https://localhost:{}", address.port()))
        .http2(Http2::Never)
        .tls(trusting(&authority).build().unwrap())
        .build()
        .unwrap();
    assert_eq!(fetch(&channel).await.unwrap(), "fine");
}

#[test]
fn all_faults_of_the_settings_are_told_at_once_and_no_key() {
    let identity = Authority::new().issue("client.test");
    let error = TlsConfig::builder()
        .ca_pem("nothing")
        .client_pem(&identity.key, "-----BEGIN hunter2")
        .build()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let text = error.report().to_string();
    for part in [
        "extra CA file",
        "client certificate file",
        "client key file",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(!text.contains("hunter2"), "{text}");

    let other = Authority::new().issue("client.test");
    let error = TlsConfig::builder()
        .roots(Roots::CustomOnly)
        .ca_pem(Authority::new().pem())
        .client_pem(&identity.chain, &other.key)
        .build()
        .unwrap_err();
    assert!(
        error.to_string().contains("client certificate and key"),
        "{error}"
    );

    let error = TlsConfig::builder()
        .roots(Roots::CustomOnly)
        .build()
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("no certificate authority is trusted"),
        "{error}"
    );
}

#[test]
fn debug_shows_what_is_set_and_no_key() {
    let authority = Authority::new();
    let identity = authority.issue("client.test");
    let builder = trusting(&authority).client_pem(&identity.chain, &identity.key);
    let shown = format!("{builder:?}") + &format!("{:?}", builder.build().unwrap());
    assert!(shown.contains("client_certificate: true"), "{shown}");
    assert!(shown.len() < 400, "{shown}");
}
