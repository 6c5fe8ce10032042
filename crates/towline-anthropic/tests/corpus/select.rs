//! Which cases are of this dialect, and how each is asked for.

use bytes::Bytes;
use serde_json::Value;
use tower::ServiceExt as _;
use towline_anthropic::{Anthropic, AnthropicConfig};
use towline_core::{Completion, Error, Request};
use towline_testkit::corpus::{
    Answer, Canned, Case, Corpus,
    watch::{Seen, now, watch},
};

/// What is asked of the client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Api {
    Messages,
    CountTokens,
    Models,
}

/// A call as the client makes it.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) api: Api,
    pub(crate) model: String,
    pub(crate) stream: bool,
}

// === impl Ask ===

impl Ask {
    pub(crate) fn messages(stream: bool) -> Self {
        Self {
            api: Api::Messages,
            model: "model".to_owned(),
            stream,
        }
    }

    /// How the case is asked for.
    fn of(case: &Case) -> Self {
        let api = match case.api.as_str() {
            "messages" => Api::Messages,
            "count_tokens" => Api::CountTokens,
            "models" => Api::Models,
            other => panic!("{}: the interface {other} is not known", case.id),
        };
        let body: Value = serde_json::from_str(&case.request.body).unwrap_or_default();
        let asked = body.get("stream").and_then(Value::as_bool);
        Self {
            api,
            model: case.model(),
            stream: asked.unwrap_or(case.stream),
        }
    }

    pub(crate) fn request(&self) -> Request {
        Request::new(self.model.as_str(), "ask").with_stream(self.stream)
    }
}

pub(crate) fn client<S>(http: S) -> Anthropic<S> {
    client_at("http://corpus.invalid", http)
}

pub(crate) fn client_at<S>(base_url: &str, http: S) -> Anthropic<S> {
    Anthropic::new(AnthropicConfig::builder(base_url).build().unwrap(), http)
}

/// Everything of the provider, with its calls; `None` without a corpus.
pub(crate) fn cases() -> Option<(Corpus, Vec<(Case, Ask)>)> {
    let corpus = Corpus::open()?;
    let mut cases = corpus.cases().unwrap();
    cases.retain(|case| case.provider == "anthropic");
    let root = corpus.root().display();
    assert!(!cases.is_empty(), "no case of the dialect in {root}");
    let ask = |case: Case| (Ask::of(&case), case);
    let asked = cases.into_iter().map(ask).map(|(ask, case)| (case, ask));
    let asked = asked.collect();
    Some((corpus, asked))
}

/// The cases that are answered with a message.
pub(crate) fn message_cases() -> Option<(Corpus, Vec<(Case, Ask)>)> {
    let (corpus, mut cases) = cases()?;
    cases.retain(|(_, ask)| ask.api == Api::Messages);
    Some((corpus, cases))
}

/// What a canned answer looks like to the caller, its body in these pieces.
pub(crate) fn see(ask: &Ask, canned: &Canned, frames: Vec<Bytes>) -> Seen {
    now(watch(client(canned.with_frames(frames)), ask.request()))
}

/// What an answer looks like to the caller, its body in one piece.
pub(crate) fn see_whole(ask: &Ask, answer: &Answer) -> Seen {
    see(ask, &Canned::new(answer), vec![answer.body.clone()])
}

/// The collected answer.
pub(crate) fn collect(ask: &Ask, answer: &Answer) -> Result<Completion, Error> {
    now(async {
        let response = client(Canned::new(answer)).oneshot(ask.request()).await?;
        response.collect().await
    })
}
