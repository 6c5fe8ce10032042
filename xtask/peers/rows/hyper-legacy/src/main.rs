//! Row *hyper legacy*, the base of every ratio: the pooled client of hyper-util, a body made
//! beforehand, a reply that is not decoded. Speaks the dialect that it is told to.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Uri,
    body::Incoming,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue},
};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::TokioExecutor,
};
use peer_harness::{
    BoxError, Client, Reply,
    dialect::Dialect,
    workload::{API_KEY, Prompt},
};
use std::process::ExitCode;

struct Legacy {
    client: legacy::Client<HttpConnector, Full<Bytes>>,
    url: Uri,
    authorization: HeaderValue,
    small: Bytes,
    long: Bytes,
    stream: Bytes,
}

impl Client for Legacy {
    async fn new(base_url: &str) -> Result<Self, BoxError> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let (dialect, server) = (Dialect::asked(), base_url.trim_end_matches("/v1"));
        Ok(Self {
            client: legacy::Client::builder(TokioExecutor::new()).build(connector),
            url: format!("{server}{}", dialect.path()).parse()?,
            authorization: format!("Bearer {API_KEY}").parse()?,
            small: dialect.request(Prompt::Small, false).into(),
            long: dialect.request(Prompt::Long, false).into(),
            stream: dialect.request(Prompt::Small, true).into(),
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

impl Legacy {
    async fn send(&self, body: &Bytes) -> Result<Reply, BoxError> {
        let request = Request::post(self.url.clone())
            .header(AUTHORIZATION, self.authorization.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(Full::new(body.clone()))?;
        let response = self.client.request(request).await?;
        let bytes = read(response.into_body()).await?;
        Ok(Reply::Raw { bytes })
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
    peer_harness::main::<Legacy>()
}
