//! The words for what can go wrong, in one place: each names the step and the one at fault.

use crate::ProxyConfig;
use std::{borrow::Cow, error::Error as StdError, io, time::Duration};
use towline_core::{Error, ErrorKind};

pub(crate) fn config(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Config).with_message(message)
}

pub(crate) fn transport(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Transport).with_message(message)
}

pub(crate) fn protocol(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Protocol).with_message(message)
}

/// The connect timeout ran out while `step` was under way.
pub(crate) fn connect_timeout(origin: &str, limit: Duration, step: &str) -> Error {
    Error::new(ErrorKind::Timeout).with_message(format!(
        "no connection to {origin} within the connect timeout of {limit:?}; it ran out {step}"
    ))
}

/// A call failed before the response head.
pub(crate) fn exchange(origin: &str, error: hyper::Error) -> Error {
    if error.is_parse() {
        return protocol(format!(
            "{origin} does not answer in HTTP as it should; check that the base URL names an HTTP server"
        ))
        .with_source(error);
    }
    if let Some(problem) = find::<rustls::Error>(&error).map(tls_problem) {
        return transport(format!("TLS with {origin} broke off: {problem}")).with_source(error);
    }
    let message = if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        format!("{origin} closed the connection before its answer")
    } else {
        format!("the connection to {origin} broke before the answer")
    };
    transport(message).with_source(error)
}

/// The proxy said no, with `status`.
pub(crate) fn proxy_refused(proxy: &ProxyConfig, target: &str, status: u16) -> Error {
    let remedy = match status {
        407 if proxy.authorization().is_some() => {
            "; it does not accept the user and password given"
        }
        407 => "; it wants a user and password",
        403 => "; its rules do not allow this host",
        502..=504 => "; it cannot reach this host",
        _ => "",
    };
    transport(format!(
        "proxy {} refused the way to {target} with status {status}{remedy}",
        proxy.address()
    ))
}

/// A response body broke off.
pub(crate) fn body(origin: &str, error: hyper::Error) -> Error {
    let message = if error.is_parse() {
        format!("the answer of {origin} has a malformed body")
    } else {
        format!("{origin} closed the connection in the middle of its answer")
    };
    transport(message).with_source(error)
}

/// The TLS handshake with `host:port` failed.
pub(crate) fn handshake(target: &str, error: io::Error) -> Error {
    let problem = find::<rustls::Error>(&error).map(tls_problem);
    let message = match problem {
        Some(problem) => format!("TLS handshake with {target} failed: {problem}"),
        None if error.kind() == io::ErrorKind::UnexpectedEof => format!(
            "TLS handshake with {target} failed: the server closed the connection; \
             is it an https server?"
        ),
        None => format!("TLS handshake with {target} failed"),
    };
    transport(message).with_source(error)
}

/// What rustls says, in terms of what to do about it.
fn tls_problem(error: &rustls::Error) -> Cow<'static, str> {
    use rustls::{AlertDescription as Alert, CertificateError as Cert, Error as Tls};
    match error {
        Tls::InvalidCertificate(Cert::UnknownIssuer) => Cow::Borrowed(
            "the certificate was issued by an authority that is not trusted here (unknown issuer); \
             if the server or a proxy has its own authority, add its certificate as an extra CA file",
        ),
        Tls::InvalidCertificate(Cert::NotValidForName | Cert::NotValidForNameContext { .. }) => {
            Cow::Borrowed(
                "the certificate is for another host name; check the host in the base URL",
            )
        }
        Tls::InvalidCertificate(Cert::Expired | Cert::ExpiredContext { .. }) => {
            Cow::Borrowed("the certificate has expired; check the server, and the clock here")
        }
        Tls::InvalidCertificate(Cert::NotValidYet | Cert::NotValidYetContext { .. }) => {
            Cow::Borrowed("the certificate is not valid yet; check the clock here")
        }
        Tls::InvalidCertificate(Cert::BadSignature) => Cow::Borrowed(
            "the certificate was not signed by the authority it names; the extra CA file may be out \
             of date",
        ),
        Tls::InvalidCertificate(other) => Cow::Owned(format!("bad certificate: {other:?}")),
        Tls::AlertReceived(
            Alert::CertificateRequired | Alert::BadCertificate | Alert::AccessDenied,
        ) => Cow::Borrowed("the server wants a client certificate, or refused the one it got"),
        Tls::InvalidMessage(_) => {
            Cow::Borrowed("the server does not speak TLS; is the base URL's scheme right?")
        }
        other => Cow::Owned(other.to_string()),
    }
}

/// The first error of type `T` in the chain of causes, inside I/O errors too.
pub(crate) fn find<'a, T: StdError + 'static>(
    error: &'a (dyn StdError + 'static),
) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        next = match error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}
