//! The proxy's CONNECT: a byte stream through an HTTP proxy.

use crate::{ProxyConfig, fault, origin::Origin};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use towline_core::Error;

/// The longest answer head of a proxy.
const MAX_HEAD: usize = 8 * 1024;

/// Asks the proxy at the other end of `stream` for a way to the origin.
pub(crate) async fn open<S>(
    stream: &mut S,
    proxy: &ProxyConfig,
    origin: &Origin,
) -> Result<(), Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let host = origin.host();
    let target = if host.contains(':') {
        format!("[{host}]:{}", origin.port())
    } else {
        format!("{host}:{}", origin.port())
    };
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n").into_bytes();
    if let Some(authorization) = proxy.authorization() {
        request.extend_from_slice(b"proxy-authorization: ");
        request.extend_from_slice(authorization.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    let broke = |error: std::io::Error| {
        fault::transport(format!(
            "proxy {} closed the connection on CONNECT {target}",
            proxy.address()
        ))
        .with_source(error)
    };
    stream.write_all(&request).await.map_err(broke)?;
    stream.flush().await.map_err(broke)?;

    let head = read_head(stream).await.map_err(broke)?;
    match status(&head) {
        Some(200..=299) => Ok(()),
        Some(status) => Err(fault::proxy_refused(proxy, &target, status)),
        None => Err(fault::transport(format!(
            "proxy {} does not answer CONNECT {target} in HTTP; is it an HTTP proxy?",
            proxy.address()
        ))),
    }
}

/// Reads to the empty line and not one byte further: what follows belongs to TLS.
async fn read_head<S: AsyncRead + Unpin>(stream: &mut S) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(256);
    while !head.ends_with(b"\r\n\r\n") && !head.ends_with(b"\n\n") {
        if head.len() == MAX_HEAD {
            return Err(std::io::Error::other("the proxy's answer head is too long"));
        }
        head.push(stream.read_u8().await?);
    }
    Ok(head)
}

/// The status of `HTTP/1.1 200 Connection established`.
fn status(head: &[u8]) -> Option<u16> {
    let line = std::str::from_utf8(head.split(|byte| *byte == b'\n').next()?).ok()?;
    let mut words = line.split_ascii_whitespace();
    if !words.next()?.starts_with("HTTP/1.") {
        return None;
    }
    words.next()?.parse().ok()
}
