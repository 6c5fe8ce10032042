//! Row *hyper conn*: a request sender on a connection that is kept, a body made beforehand, a reply
//! that is not decoded.
//!
//! One connection carries one request at a time, so concurrent tasks share a list of idle senders,
//! and a sender is back in the list only when the reply has been read.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Uri,
    body::Incoming,
    client::conn::http1::{self, SendRequest},
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue},
};
use hyper_util::rt::TokioIo;
use peer_harness::{
    BoxError, Client, Reply,
    workload::{API_KEY, Prompt, request_json},
};
use std::{cell::RefCell, process::ExitCode};
use tokio::net::TcpStream;

struct Conn {
    idle: RefCell<Vec<SendRequest<Full<Bytes>>>>,
    authority: String,
    path: Uri,
    host: HeaderValue,
    authorization: HeaderValue,
    small: Bytes,
    long: Bytes,
    stream: Bytes,
}

impl Client for Conn {
    async fn new(base_url: &str) -> Result<Self, BoxError> {
        let url: Uri = format!("{base_url}/chat/completions").parse()?;
        let authority = url.authority().ok_or("no authority")?.to_string();
        Ok(Self {
            idle: RefCell::default(),
            path: url.path().parse()?,
            host: authority.parse()?,
            authority,
            authorization: format!("Bearer {API_KEY}").parse()?,
            small: request_json(Prompt::Small, false).into(),
            long: request_json(Prompt::Long, false).into(),
            stream: request_json(Prompt::Small, true).into(),
        })
    }

    async fn complete(&self, prompt: Prompt) -> Result<Reply, BoxError> {
        match prompt {
            Prompt::Small => self.send(&self.small).await,
            Prompt::Long => self.send(&self.long).await,
        }
    }

    async fn stream(&self) -> Result<Reply, BoxError> {
        self.send(&self.stream).await
    }
}

impl Conn {
    async fn send(&self, body: &Bytes) -> Result<Reply, BoxError> {
        let idle = self.idle.borrow_mut().pop();
        let mut sender = match idle {
            Some(sender) => sender,
            None => self.connect().await?,
        };
        sender.ready().await?;
        let request = Request::post(self.path.clone())
            .header(HOST, self.host.clone())
            .header(AUTHORIZATION, self.authorization.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(Full::new(body.clone()))?;
        let response = sender.send_request(request).await?;
        let bytes = read(response.into_body()).await?;
        self.idle.borrow_mut().push(sender);
        Ok(Reply::Raw { bytes })
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, BoxError> {
        let stream = TcpStream::connect(&self.authority).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::task::spawn_local(connection);
        Ok(sender)
    }
}

async fn read(mut body: Incoming) -> Result<usize, BoxError> {
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        bytes += frame?.data_ref().map_or(0, Bytes::len);
    }
    Ok(bytes)
}

fn main() -> ExitCode {
    peer_harness::main::<Conn>()
}
