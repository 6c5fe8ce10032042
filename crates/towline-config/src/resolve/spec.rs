//! Reading a spec such as `openai/gpt-4o`.

use super::{
    book::{Book, of_key},
    build::{known_vendors, nearest_vendor},
    select::key,
};
use crate::{
    error::Fault,
    key::{Key, snake},
    layer::Origin,
    vendor::Vendor,
};

/// A provider and a model.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Target {
    Vendor {
        vendor: Vendor,
        model: String,
        /// Whether the spec named no vendor.
        inferred: bool,
    },
    /// A named provider, by its canonical name, with a model that overrides its own.
    Named { name: String, model: Option<String> },
}

/// What the model is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Purpose {
    Chat,
    Embedding,
}

// === impl Book ===

impl Book {
    /// The canonical name of a named provider, however it is spelled.
    pub(super) fn named(&self, name: &str) -> Option<String> {
        let canonical = snake(name);
        self.provider_names()
            .contains_key(&canonical)
            .then_some(canonical)
    }

    /// Reads a spec. Only the first slash counts; the vendor may be in any case.
    pub(super) fn target(
        &self,
        spec: &str,
        origin: Option<&Origin>,
        purpose: Purpose,
    ) -> Result<Target, Fault> {
        self.target_of(spec, origin, purpose, &key(purpose.key()))
    }

    /// As [`target`](Self::target), for a spec of another key.
    pub(super) fn target_of(
        &self,
        spec: &str,
        origin: Option<&Origin>,
        purpose: Purpose,
        from: &Key,
    ) -> Result<Target, Fault> {
        let found = match spec.split_once('/') {
            Some((prefix, model)) => self.prefixed(spec, prefix.trim(), model.trim()),
            None => self.bare(spec),
        };
        found.map_err(|(problem, remedy)| {
            let remedy = remedy
                .unwrap_or_else(|| format!("write provider/model, such as {}", purpose.example()));
            let fault = of_key(from, problem, remedy);
            match origin {
                Some(origin) => fault.with_origin(origin.name.clone()),
                None => fault,
            }
        })
    }

    /// A spec without slash: a named provider, or a model whose vendor is inferred.
    fn bare(&self, spec: &str) -> Result<Target, (String, Option<String>)> {
        if spec.is_empty() {
            return Err(("Missing model spec".to_owned(), None));
        }
        Ok(match self.named(spec) {
            Some(name) => Target::Named { name, model: None },
            None => Target::Vendor {
                vendor: self.inferred(),
                model: spec.to_owned(),
                inferred: true,
            },
        })
    }

    fn prefixed(
        &self,
        spec: &str,
        prefix: &str,
        model: &str,
    ) -> Result<Target, (String, Option<String>)> {
        if prefix.is_empty() {
            return Err((format!("Unable to infer provider for model '{spec}'"), None));
        }
        if model.is_empty() {
            return Err((format!("Missing model name in '{spec}'"), None));
        }
        let model = model.to_owned();
        if let Some(vendor) = Vendor::find(prefix) {
            return Ok(Target::Vendor {
                vendor,
                model,
                inferred: false,
            });
        }
        if let Some(name) = self.named(prefix) {
            let model = Some(model);
            return Ok(Target::Named { name, model });
        }
        let prefix = prefix.to_lowercase();
        let remedy = nearest_vendor(&prefix).map_or_else(
            || {
                format!(
                    "put the provider first, such as together/{spec}; {}",
                    known_vendors()
                )
            },
            |vendor| format!("did you mean {vendor}/{model}?"),
        );
        Err((
            format!("Unknown provider prefix: {prefix} in '{spec}'"),
            Some(remedy),
        ))
    }

    /// The vendor of a model without prefix.
    fn inferred(&self) -> Vendor {
        let router = self
            .text("openai.base_url")
            .is_some_and(|(url, _)| url.contains("openrouter.ai"));
        let router = router.then(|| Vendor::find("openrouter")).flatten();
        router.unwrap_or_else(Vendor::openai)
    }
}

// === impl Purpose ===

impl Purpose {
    const fn example(self) -> &'static str {
        match self {
            Self::Chat => "openai/gpt-4o",
            Self::Embedding => "openai/text-embedding-3-small",
        }
    }

    const fn key(self) -> &'static str {
        match self {
            Self::Chat => "llm.model",
            Self::Embedding => "embeddings.model",
        }
    }
}
