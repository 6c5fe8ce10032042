//! Whether a client would work.

use super::{Embedder, Inner};
use crate::provider::OPENAI_VENDORS;
use std::{fmt, time::Duration};
use towline_config::ProviderSettings;
use towline_core::{Error, ErrorKind, ModelInfo, Secret};

/// How long the call has, whatever the other limits are.
const LIMIT: Duration = Duration::from_secs(10);

/// How many models a message names.
const NAMED: usize = 3;

/// What [`Client::validate`](super::Client::validate) found.
///
/// `Display` prints it as one sentence.
#[derive(Clone, Debug)]
pub struct Validation {
    provider: String,
    model: String,
    verdict: Verdict,
    warnings: Vec<String>,
}

/// What the settings say of key and address.
#[derive(Clone, Debug, Default)]
pub(crate) struct Access {
    key: Key,
    /// What is wrong with the key at first sight.
    key_fault: Option<&'static str>,
    /// What is wrong where no list of models is at the address, if one has to be.
    no_list: Option<String>,
}

/// What a list of models proves of the key.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Key {
    /// Nobody knows whether there is one: the target was made elsewhere.
    #[default]
    Unknown,
    Unset,
    /// Nobody gets the list without a good one.
    Proven,
    /// Nothing: the list may be open to all.
    Unproven,
}

/// How far the check went.
#[derive(Clone, Debug)]
enum Verdict {
    /// Address and model are good, and the key where there is one.
    Good(Key),
    /// The provider can be reached; why nothing more is known.
    Open(String),
}

/// Vendors whose lists of models may be had without a key, and servers that ask for one only when
/// told to. A server of one's own is another one of them, whatever the vendor.
const OPEN_LISTS: &[&str] = &[
    "openrouter",
    "huggingface",
    "nvidia",
    "requesty",
    "openai-compatible",
    "llamacpp",
    "vllm",
    "lmstudio",
    "ollama",
];

/// Vendors that may have no list of models.
const UNLISTED: &[&str] = &["perplexity", "openai-compatible"];

/// Why a key may be bad though the list of models came.
const UNPROVEN: &str = "the key was not tested: the list of models may be open to all";

// === impl Validation ===

impl Validation {
    /// The provider, by its name in the configuration.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// The model that was looked for.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Whether address and model, and the key where one is set, are known to be good. Otherwise the
    /// provider is reachable, and [`unverified`](Self::unverified) says what is not known.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.unverified().is_none()
    }

    /// Why key or model could not be checked.
    #[must_use]
    pub fn unverified(&self) -> Option<&str> {
        match &self.verdict {
            Verdict::Good(Key::Unproven) => Some(UNPROVEN),
            Verdict::Good(_) => None,
            Verdict::Open(reason) => Some(reason),
        }
    }

    /// What works, and is probably not what was meant.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl fmt::Display for Validation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            provider, model, ..
        } = self;
        match &self.verdict {
            Verdict::Good(Key::Proven) => {
                write!(f, "{provider}: key, address and model {model} are good")
            }
            Verdict::Good(Key::Unproven) => {
                write!(
                    f,
                    "{provider}: address and model {model} are good; {UNPROVEN}"
                )
            }
            Verdict::Good(Key::Unset | Key::Unknown) => {
                write!(f, "{provider}: address and model {model} are good")
            }
            Verdict::Open(reason) => {
                write!(f, "{provider}: reachable, could not be verified: {reason}")
            }
        }
    }
}

// === impl Access ===

impl Access {
    pub(crate) fn of_settings(settings: &ProviderSettings) -> Self {
        let vendor = settings.vendor().as_str();
        // A resource of Azure is at a home of its own, and wants a key at each.
        let at_home = settings.is_at_home() || vendor == "azure";
        let key = match settings.api_key() {
            None => Key::Unset,
            Some(_) if at_home && !OPEN_LISTS.contains(&vendor) => Key::Proven,
            Some(_) => Key::Unproven,
        };
        // What speaks the dialect of Anthropic elsewhere seldom has a list.
        let listed = !UNLISTED.contains(&vendor) && (at_home || vendor != "anthropic");
        Self {
            key,
            key_fault: settings.api_key().and_then(key_fault),
            no_list: listed.then(|| no_list(settings, at_home)),
        }
    }
}

fn no_list(settings: &ProviderSettings, at_home: bool) -> String {
    let setting = settings.address_key();
    let mut text =
        format!("URL: there is no list of models at this address; {setting} is probably wrong");
    if OPENAI_VENDORS.contains(&settings.vendor().as_str()) && !at_home {
        text.push_str(
            ", it often ends in /v1 (for a server that lists no models, choose openai-compatible)",
        );
    }
    text
}

/// The settings at first sight, then the list of models.
pub(super) async fn validate(inner: &Inner) -> Result<Validation, Error> {
    at_first_sight(inner)?;
    let verdict = match tokio::time::timeout(LIMIT, inner.target.models()).await {
        Ok(Ok(models)) => find_model(inner, &models),
        Ok(Err(error)) => explain(inner, error),
        Err(_elapsed) => Err(Error::new(ErrorKind::Timeout).with_message(format!(
            "network: no answer within {LIMIT:?}; is the address right, and the way to it open?"
        ))),
    };
    Ok(Validation {
        provider: inner.names.provider.to_string(),
        model: inner.names.model.to_string(),
        verdict: verdict?,
        warnings: warnings(inner),
    })
}

/// What can be told without a call. The address was checked when the client was made.
fn at_first_sight(inner: &Inner) -> Result<(), Error> {
    let mut faults = Vec::new();
    if inner.names.model.is_empty() {
        faults.push("model: none is configured, set LLM_MODEL to `provider/model`".to_owned());
    }
    if let Some(fault) = inner.access.key_fault {
        faults.push(format!("{}: {fault}", key(inner)));
    }
    if faults.is_empty() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Config).with_message(faults.join("; ")))
}

/// What no key looks like, whatever the vendor: the traces of a paste that went wrong.
fn key_fault(key: &Secret) -> Option<&'static str> {
    let key = key.expose();
    if key.starts_with(['"', '\'']) || key.ends_with(['"', '\'']) {
        Some("it stands in quotes; give it without them")
    } else if key.len() > 7
        && key
            .get(..7)
            .is_some_and(|s| s.eq_ignore_ascii_case("bearer "))
    {
        Some("it starts with `Bearer`; give the key alone")
    } else if key.contains(char::is_whitespace) {
        Some("there is white space in it")
    } else if !key.is_ascii() {
        Some("there are letters in it that no key has")
    } else if key.starts_with('<') || key.starts_with("${") || key.contains("...") {
        Some("it is a placeholder, not a key")
    } else {
        None
    }
}

/// The key, with the place it came from.
fn key(inner: &Inner) -> String {
    match &inner.key_origin {
        Some(origin) => format!("key ({origin})"),
        None => "key".to_owned(),
    }
}

fn warnings(inner: &Inner) -> Vec<String> {
    let mut warnings = Vec::new();
    if inner.reserve >= inner.window {
        warnings.push(format!(
            "the reserve for the answer ({} tokens) takes the whole context window ({}): no tokens \
             are left for a conversation; set context_window or reserve_completion",
            inner.reserve, inner.window
        ));
    }
    if let Embedder::Broken(reason) = &inner.embedder {
        warnings.push(format!("embeddings cannot be used: {reason}"));
    }
    warnings
}

/// Puts the part at fault before the error. A provider without a list leaves things open.
fn explain(inner: &Inner, error: Error) -> Result<Verdict, Error> {
    let unlisted = || Ok(Verdict::Open("it lists no models".to_owned()));
    let part = match (error.kind(), inner.access.key) {
        (ErrorKind::Unsupported, _) => return unlisted(),
        (ErrorKind::NotFound, _) => match &inner.access.no_list {
            Some(part) => part.clone(),
            None => {
                let reason = "it has no list of models at this address; if calls fail, check the \
                              address, which often ends in /v1";
                return Ok(Verdict::Open(reason.to_owned()));
            }
        },
        _ if error.status() == Some(501) => return unlisted(),
        (ErrorKind::Auth | ErrorKind::Permission, Key::Unset) => {
            format!(
                "access: it asks for a key, and {} has no api_key",
                inner.names.provider
            )
        }
        (ErrorKind::Auth, _) => key(inner),
        (ErrorKind::Permission, _) => format!("{} is known, and may not list models", key(inner)),
        (ErrorKind::Transport | ErrorKind::Timeout, _) => "network".to_owned(),
        (ErrorKind::Protocol, _) => "URL: the answer is not that of a model provider".to_owned(),
        (ErrorKind::RateLimit | ErrorKind::Quota, Key::Proven) => {
            "account: key and address are good".to_owned()
        }
        (ErrorKind::RateLimit | ErrorKind::Quota, _) => "account: the address is good".to_owned(),
        (ErrorKind::Overloaded | ErrorKind::Server, _) => {
            "provider: the address is good".to_owned()
        }
        _ => "provider".to_owned(),
    };
    let message = match error.message() {
        Some(message) => format!("{part}: {message}"),
        None => part,
    };
    Err(error.with_message(message))
}

/// Fails when the list is there and the model is not in it.
fn find_model(inner: &Inner, models: &[ModelInfo]) -> Result<Verdict, Error> {
    let model = &*inner.names.model;
    if models.is_empty() {
        return Ok(Verdict::Open("its list of models is empty".to_owned()));
    }
    if models.iter().any(|listed| names(listed.id(), model)) {
        return Ok(Verdict::Good(inner.access.key));
    }
    let near = near(model, models);
    let offer = if near.is_empty() {
        let first = models.iter().take(NAMED).map(ModelInfo::id);
        let first: Vec<&str> = first.collect();
        format!(
            "it has {} models, such as {}",
            models.len(),
            first.join(", ")
        )
    } else {
        format!("did you mean {}?", near.join(" or "))
    };
    Err(Error::new(ErrorKind::NotFound).with_message(format!(
        "model: {model} is not in the provider's list; {offer}"
    )))
}

/// Whether a listed id is the model that was asked for. Some lists add a folder before the name or
/// a tag behind it, which calls may leave out.
fn names(listed: &str, model: &str) -> bool {
    let is = |name: &str| name.eq_ignore_ascii_case(model);
    is(listed)
        || listed.rsplit_once('/').is_some_and(|(_, name)| is(name))
        || listed.strip_suffix(":latest").is_some_and(is)
}

/// The listed models most like the one asked for, best first.
fn near<'a>(model: &str, models: &'a [ModelInfo]) -> Vec<&'a str> {
    let wanted = model.to_lowercase();
    let likeness = |listed: &ModelInfo| strsim::jaro_winkler(&wanted, &listed.id().to_lowercase());
    let mut scored: Vec<(f64, &str)> = models
        .iter()
        .map(|listed| (likeness(listed), listed.id()))
        .filter(|(score, _)| *score > 0.8)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().take(NAMED).map(|(_, id)| id).collect()
}
