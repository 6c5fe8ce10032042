//! Which cases are of this dialect, and how each is asked for.

use bytes::Bytes;
use serde_json::Value;
use tower::ServiceExt as _;
use towline_core::{Completion, Error, Request};
use towline_ollama::{Ollama, OllamaConfig};
use towline_testkit::corpus::{
    Answer, Canned, Case, Corpus,
    watch::{Seen, now, watch},
};

/// A call as the client makes it.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) model: String,
    pub(crate) stream: bool,
}

// === impl Ask ===

impl Ask {
    fn of(case: &Case) -> Self {
        let body: Value = serde_json::from_str(&case.request.body).unwrap_or_default();
        let stream = body.get("stream").and_then(Value::as_bool);
        Self {
            model: case.model(),
            stream: stream.unwrap_or(case.stream),
        }
    }

    pub(crate) fn request(&self) -> Request {
        Request::new(self.model.as_str(), "ask").with_stream(self.stream)
    }

    /// What a canned answer looks like to the caller, its body in these pieces.
    pub(crate) fn see(&self, canned: &Canned, frames: Vec<Bytes>) -> Seen {
        now(watch(client(canned.with_frames(frames)), self.request()))
    }

    /// What an answer looks like to the caller, its body in one piece.
    pub(crate) fn see_whole(&self, answer: &Answer) -> Seen {
        self.see(&Canned::new(answer), vec![answer.body.clone()])
    }

    /// The collected answer.
    pub(crate) fn collect(&self, answer: &Answer) -> Result<Completion, Error> {
        let call = client(Canned::new(answer)).oneshot(self.request());
        now(async { call.await?.collect().await })
    }
}

pub(crate) fn client<S>(http: S) -> Ollama<S> {
    client_at("http://corpus.invalid", http)
}

pub(crate) fn client_at<S>(base_url: &str, http: S) -> Ollama<S> {
    let config = OllamaConfig::builder(base_url);
    Ollama::new(config.build().unwrap(), http)
}

/// The chats with their calls; `None` without a corpus.
pub(crate) fn chats() -> Option<(Corpus, Vec<(Case, Ask)>)> {
    let corpus = Corpus::open()?;
    let chats = native(&corpus, "ollama_chat");
    let asked = chats.into_iter().map(|case| {
        let ask = Ask::of(&case);
        (case, ask)
    });
    let asked = asked.collect();
    Some((corpus, asked))
}

/// The cases of one of the native interfaces: the server has those of `OpenAI`, too.
pub(crate) fn native(corpus: &Corpus, api: &str) -> Vec<Case> {
    let mut cases = corpus.cases().unwrap();
    cases.retain(|case| {
        case.provider == "ollama" && case.api == api && case.request.path.starts_with("/api/")
    });
    let root = corpus.root().display();
    assert!(!cases.is_empty(), "no case of {api} in {root}");
    cases
}
