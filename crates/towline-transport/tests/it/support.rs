//! Servers that do exactly what a test says, byte by byte.

use bytes::Bytes;
use std::{fmt::Write as _, io, net::SocketAddr};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tower_service::Service as _;
use towline_core::Error;
use towline_transport::{Channel, RequestBody, ResponseBody};

/// More than any answer here.
pub(crate) const LIMIT: usize = 64 * 1024;

/// A request as the server read it.
#[derive(Debug)]
pub(crate) struct Seen {
    /// `POST /v1/x HTTP/1.1`
    pub(crate) line: String,
    /// Lower case, one `name: value` per line.
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
}

pub(crate) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

pub(crate) fn channel_to(address: SocketAddr) -> Channel {
    Channel::builder(format!("http://{address}/v1"))
        .build()
        .unwrap()
}

pub(crate) fn post(path: &str, body: &'static str) -> http::Request<RequestBody> {
    let body = RequestBody::from(Bytes::from_static(body.as_bytes()));
    http::Request::post(path)
        .header("content-type", "application/json")
        .body(body)
        .unwrap()
}

/// Sends one small request, up to the head of the answer.
pub(crate) async fn call(channel: &Channel) -> Result<http::Response<ResponseBody>, Error> {
    channel.clone().call(post("/v1/x", "{\"n\":1}")).await
}

/// Sends one small request and reads the whole answer.
pub(crate) async fn fetch(channel: &Channel) -> Result<String, Error> {
    let bytes = call(channel).await?.into_body().collect(LIMIT).await?;
    Ok(String::from_utf8(bytes.to_vec()).unwrap())
}

/// Reads one request, or `None` if the client closed the connection before it.
pub(crate) async fn read_request<S>(socket: &mut S) -> io::Result<Option<Seen>>
where
    S: AsyncRead + Unpin,
{
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match socket.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(error) if head.is_empty() && error.kind() == io::ErrorKind::UnexpectedEof => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
    }
    let head = String::from_utf8(head).unwrap();
    let (line, headers) = head.split_once("\r\n").unwrap();
    let headers = headers.replace("\r\n", "\n");
    let length = headers
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    socket.read_exact(&mut body).await?;
    Ok(Some(Seen {
        line: line.to_owned(),
        headers,
        body,
    }))
}

pub(crate) fn ok(body: &str) -> Vec<u8> {
    let mut answer = String::new();
    write!(
        answer,
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    answer.into_bytes()
}

/// Answers every request on a connection with `body`, until the client closes. How many there were.
pub(crate) async fn serve<S>(mut socket: S, body: &str) -> usize
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut count = 0;
    while let Ok(Some(_)) = read_request(&mut socket).await {
        count += 1;
        if socket.write_all(&ok(body)).await.is_err() {
            break;
        }
    }
    count
}

/// Reads until the client is gone: a FIN or a reset.
pub(crate) async fn closed(socket: &mut TcpStream) {
    let mut rest = [0; 1024];
    while socket.read(&mut rest).await.is_ok_and(|read| read > 0) {}
}
