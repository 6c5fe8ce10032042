//! Which cases are of this dialect, and how each is asked for.

use serde_json::Value;
use std::{
    sync::{Mutex, PoisonError},
    thread,
};
use towline_openai::{Flavor, OpenAi, OpenAiConfig};
use towline_testkit::corpus::{Case, Corpus};

/// Who speaks the dialect. Other providers in the corpus have their own, and crates of their own.
const PROVIDERS: &[&str] = &[
    "azure",
    "bedrock",
    "cerebras",
    "deepseek",
    "groq",
    "huggingface",
    "llamacpp",
    "mistral",
    "mistralrs",
    "ollama",
    "openai",
    "openrouter",
    "perplexity",
    "together",
    "xai",
];

/// What is asked of the client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Api {
    Chat,
    Responses,
    Embeddings,
    Models,
}

/// A call as the client makes it.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) api: Api,
    pub(crate) flavor: Flavor,
    pub(crate) model: String,
    pub(crate) stream: bool,
    pub(crate) inputs: usize,
}

// === impl Ask ===

impl Ask {
    pub(crate) fn complete(api: Api, provider: &str, stream: bool) -> Self {
        Self {
            api,
            flavor: flavor(provider),
            model: "model".to_owned(),
            stream,
            inputs: 0,
        }
    }

    /// How the case is asked for; `None` when it is of another dialect.
    pub(crate) fn of(case: &Case) -> Option<Self> {
        if !PROVIDERS.contains(&case.provider.as_str()) {
            return None;
        }
        // Ollama's own embeddings interface, in Ollama's own form.
        if case.request.path.starts_with("/api/") && case.provider == "ollama" {
            return None;
        }
        let api = match case.api.as_str() {
            "chat" => Api::Chat,
            "responses" => Api::Responses,
            "embeddings" => Api::Embeddings,
            "models" => Api::Models,
            _ => return None,
        };
        let body: Value = serde_json::from_str(&case.request.body).unwrap_or_default();
        let asked = body.get("stream").and_then(Value::as_bool);
        let inputs = match body.get("input") {
            Some(Value::Array(inputs)) => inputs.len(),
            _ => 1,
        };
        Some(Self {
            api,
            flavor: flavor(&case.provider),
            model: case.model(),
            stream: asked.unwrap_or(case.stream),
            inputs,
        })
    }

    pub(crate) fn client<S>(&self, http: S) -> OpenAi<S> {
        self.client_at("http://corpus.invalid/v1", http)
    }

    pub(crate) fn client_at<S>(&self, base_url: &str, http: S) -> OpenAi<S> {
        let api = match self.api {
            Api::Responses => towline_openai::Api::Responses,
            _ => towline_openai::Api::Chat,
        };
        let config = OpenAiConfig::builder(base_url).flavor(self.flavor).api(api);
        OpenAi::new(config.build().unwrap(), http)
    }
}

/// Bedrock has no row of its own: it is one more compatible server.
fn flavor(provider: &str) -> Flavor {
    let known = Flavor::by_name(provider);
    assert!(
        known.is_some() || provider == "bedrock",
        "no flavor {provider}"
    );
    known.unwrap_or(Flavor::COMPATIBLE)
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
    assert!(
        !asked.is_empty(),
        "no case of the dialect in {}",
        corpus.root().display()
    );
    Some((corpus, asked))
}

/// Runs `check` for every item on as many threads as there are processors; results in order.
pub(crate) fn for_each<T: Sync, R: Send>(items: &[T], check: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = Mutex::new(0..items.len());
    let done = Mutex::new(Vec::with_capacity(items.len()));
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let index = next.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some(index) = index else { break };
                    let result = check(&items[index]);
                    let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                    done.push((index, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}
