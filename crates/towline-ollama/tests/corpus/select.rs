//! Which cases are of this dialect, and how each is asked for.

use serde_json::Value;
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};
use towline_ollama::{Ollama, OllamaConfig};
use towline_testkit::corpus::{Case, Corpus};

/// What is asked of the client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Api {
    Chat,
    /// Recorded of the interface of before `/api/embed`, which answers with one vector.
    Embeddings,
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
    /// How the case is asked for; `None` when it is of another dialect.
    pub(crate) fn of(case: &Case) -> Option<Self> {
        let native = case.provider == "ollama" && case.request.path.starts_with("/api/");
        let api = match case.api.as_str() {
            "ollama_chat" if native => Api::Chat,
            "embeddings" if native => Api::Embeddings,
            _ => return None,
        };
        let body: Value = serde_json::from_str(&case.request.body).unwrap_or_default();
        let stream = body.get("stream").and_then(Value::as_bool);
        Some(Self {
            api,
            model: case.model(),
            stream: api == Api::Chat && stream.unwrap_or(case.stream),
        })
    }

    pub(crate) fn client<S>(http: S) -> Ollama<S> {
        Self::client_at("http://corpus.invalid", http)
    }

    pub(crate) fn client_at<S>(base_url: &str, http: S) -> Ollama<S> {
        let config = OllamaConfig::builder(base_url);
        Ollama::new(config.build().unwrap(), http)
    }
}

/// The cases of the dialect with their calls; `None` without a corpus.
pub(crate) fn cases() -> Option<(Corpus, Vec<(Case, Ask)>)> {
    let corpus = Corpus::open()?;
    let cases = corpus.cases().unwrap();
    let asked = cases.into_iter().filter_map(|case| {
        let ask = Ask::of(&case)?;
        Some((case, ask))
    });
    let asked: Vec<_> = asked.collect();
    let root = corpus.root().display();
    assert!(!asked.is_empty(), "no case of the dialect in {root}");
    Some((corpus, asked))
}

/// The chat calls among them.
pub(crate) fn chats() -> Option<(Corpus, Vec<(Case, Ask)>)> {
    let (corpus, mut cases) = cases()?;
    cases.retain(|(_, ask)| ask.api == Api::Chat);
    Some((corpus, cases))
}

/// Runs `check` for every item on as many threads as there are processors; results in order.
pub(crate) fn for_each<T: Sync, R: Send>(items: &[T], check: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else {
                return done;
            };
            done.push((index, check(item)));
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let mut done: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let parts = workers.into_iter().map(|worker| worker.join().unwrap());
        parts.flatten().collect()
    });
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}
