//! Which provider and model are meant.

use super::{
    book::{Book, of_key},
    build::Build,
};
use crate::{
    error::{ConfigError, Fault},
    key::{Key, Path, all, find, snake},
    layer::Origin,
    provider::ProviderSettings,
    vendor::Vendor,
};

/// A provider and a model.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Target {
    Vendor {
        vendor: Vendor,
        model: String,
        inferred: bool,
    },
    /// A named provider, by its canonical name, with a model that overrides its own.
    Named { name: String, model: Option<String> },
}

/// What came of a selection.
pub(super) struct Selection {
    pub(super) outcome: Result<Option<ProviderSettings>, Vec<Fault>>,
    /// The sections that were read for it.
    pub(super) sections: Vec<String>,
}

/// The kind of model that is selected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Purpose {
    Chat,
    Embedding,
}

// === impl Selection ===

impl Selection {
    fn none() -> Self {
        Self {
            outcome: Ok(None),
            sections: Vec::new(),
        }
    }

    fn fault(fault: Fault) -> Self {
        Self {
            outcome: Err(vec![fault]),
            sections: Vec::new(),
        }
    }
}

// === impl Book ===

impl Book {
    /// The default provider and model.
    pub(super) fn llm(&self) -> Selection {
        let spec = self.text("llm.model");
        let named = self.text("providers.provider");
        let target = match (spec, named) {
            (Some((spec, at)), Some((name, other))) => self.one_of((spec, at), (name, other)),
            (Some((spec, at)), None) => self.target(spec, Some(at), Purpose::Chat),
            (None, Some((name, at))) => self.default_name(name, at),
            (None, None) => return self.unselected(),
        };
        match target {
            Ok(target) => self.selected(&target, Purpose::Chat),
            Err(fault) => Selection::fault(fault),
        }
    }

    /// The default embedding provider and model.
    pub(super) fn embedding(&self) -> Selection {
        let target = match (
            self.text("embeddings.model"),
            self.text("embeddings.provider"),
        ) {
            (Some((spec, at)), older) => {
                let vendor = older.and_then(|(vendor, _)| Vendor::find(vendor));
                match vendor.filter(|_| !spec.contains('/')) {
                    Some(vendor) => Ok(Target::Vendor {
                        vendor,
                        model: spec.to_owned(),
                        inferred: false,
                    }),
                    None => self.target(spec, Some(at), Purpose::Embedding),
                }
            }
            (None, Some((vendor, at))) => self.older_embedding(vendor, at),
            (None, None) => return Selection::none(),
        };
        match target {
            Ok(target) => self.selected(&target, Purpose::Embedding),
            Err(fault) => Selection::fault(fault),
        }
    }

    pub(crate) fn for_model(&self, spec: &str) -> Result<ProviderSettings, ConfigError> {
        self.on_demand(spec, Purpose::Chat)
    }

    pub(crate) fn for_embedding_model(&self, spec: &str) -> Result<ProviderSettings, ConfigError> {
        self.on_demand(spec, Purpose::Embedding)
    }

    fn on_demand(&self, spec: &str, purpose: Purpose) -> Result<ProviderSettings, ConfigError> {
        let target = self.target(spec.trim(), None, purpose)?;
        let built = Build::of(self, &target, purpose)?;
        let (outcome, sections) = built.finish();
        let mut faults = self.faults_in(&sections);
        match outcome {
            Ok(provider) if faults.is_empty() => Ok(provider),
            Ok(_) => Err(ConfigError::new(faults)),
            Err(missing) => {
                faults.extend(missing);
                Err(ConfigError::new(faults))
            }
        }
    }

    /// All complete named providers. What another one lacks is a warning.
    pub(super) fn named_providers(&mut self, used: &[String]) -> Vec<ProviderSettings> {
        let mut complete = Vec::new();
        for name in self.provider_names().into_keys() {
            let section = format!("providers.{name}");
            let target = Target::Named { name, model: None };
            let (outcome, sections) = match Build::of(self, &target, Purpose::Chat) {
                Ok(build) => build.finish(),
                Err(fault) => (Err(vec![fault]), Vec::new()),
            };
            let malformed = !self.faults_in(&sections).is_empty();
            match outcome {
                Ok(provider) if !malformed => complete.push(provider),
                Ok(_) => {}
                Err(_) if used.contains(&section) => {}
                Err(faults) => faults.iter().for_each(|fault| self.warn(fault.to_string())),
            }
        }
        complete
    }

    fn selected(&self, target: &Target, purpose: Purpose) -> Selection {
        match Build::of(self, target, purpose) {
            Ok(build) => {
                let (outcome, sections) = build.finish();
                Selection {
                    outcome: outcome.map(Some),
                    sections,
                }
            }
            Err(fault) => Selection::fault(fault),
        }
    }

    /// Both styles are present: the higher layer wins, the same layer must agree.
    fn one_of(
        &self,
        (spec, at): (&str, &Origin),
        (name, other): (&str, &Origin),
    ) -> Result<Target, Fault> {
        match at.rank().cmp(&other.rank()) {
            std::cmp::Ordering::Greater => self.target(spec, Some(at), Purpose::Chat),
            std::cmp::Ordering::Less => self.default_name(name, other),
            std::cmp::Ordering::Equal => {
                let by_name = self.default_name(name, other)?;
                let by_spec = self.target(spec, Some(at), Purpose::Chat)?;
                if self.same(&by_name, &by_spec) {
                    return Ok(by_name);
                }
                Err(Fault::new(format!(
                    "towline.llm.model and towline.providers.provider point to different models, '{spec}' and '{name}'"
                ))
                .with_key("towline.llm.model")
                .with_variables(["LLM_MODEL".to_owned(), "TOWLINE_PROVIDERS_PROVIDER".to_owned()])
                .with_origin(format!("{at} and {other}"))
                .with_remedy("keep one of them"))
            }
        }
    }

    /// Whether two targets are one vendor and model.
    fn same(&self, a: &Target, b: &Target) -> bool {
        a == b || self.meaning(a) == self.meaning(b)
    }

    fn meaning(&self, target: &Target) -> (Option<String>, Option<String>) {
        match target {
            Target::Vendor { vendor, model, .. } => {
                (Some(vendor.as_str().to_owned()), Some(model.clone()))
            }
            Target::Named { name, model } => {
                let field = |field: &str| {
                    self.text(&format!("providers.{name}.{field}"))
                        .map(|(text, _)| text.to_owned())
                };
                (field("provider"), model.clone().or_else(|| field("model")))
            }
        }
    }

    /// The target of `providers.provider`.
    fn default_name(&self, name: &str, origin: &Origin) -> Result<Target, Fault> {
        match self.named(name) {
            Some(name) => Ok(Target::Named { name, model: None }),
            None => Err(of_key(
                &key("providers.provider"),
                format!("Configured provider '{name}' was not found"),
            )
            .with_origin(origin.name.clone())
            .with_remedy(self.names_remedy())),
        }
    }

    fn names_remedy(&self) -> String {
        let names: Vec<String> = self.provider_names().into_values().collect();
        if names.is_empty() {
            "there are no named providers: add a section towline.providers.<name>".to_owned()
        } else {
            format!("named providers are {}", names.join(", "))
        }
    }

    /// The canonical name of a named provider, however it is spelled.
    fn named(&self, name: &str) -> Option<String> {
        let canonical = snake(name);
        self.provider_names()
            .contains_key(&canonical)
            .then_some(canonical)
    }

    /// Reads a spec. Only the first slash counts; the prefix may be in any case.
    fn target(
        &self,
        spec: &str,
        origin: Option<&Origin>,
        purpose: Purpose,
    ) -> Result<Target, Fault> {
        let key = match purpose {
            Purpose::Chat => key("llm.model"),
            Purpose::Embedding => key("embeddings.model"),
        };
        let fault = |problem: String, remedy: String| {
            let fault = of_key(&key, problem).with_remedy(remedy);
            match origin {
                Some(origin) => fault.with_origin(origin.name.clone()),
                None => fault.with_origin("--model"),
            }
        };
        let example = purpose.example();
        let Some((prefix, model)) = spec.split_once('/') else {
            return match self.named(spec) {
                Some(name) => Ok(Target::Named { name, model: None }),
                None if spec.is_empty() => Err(fault(
                    "Missing model spec".to_owned(),
                    format!("write provider/model, such as {example}"),
                )),
                None => Ok(Target::Vendor {
                    vendor: self.inferred(),
                    model: spec.to_owned(),
                    inferred: true,
                }),
            };
        };
        let (prefix, model) = (prefix.trim().to_lowercase(), model.trim());
        if prefix.is_empty() {
            let problem = format!("Unable to infer provider for model '{spec}'");
            return Err(fault(
                problem,
                format!("write provider/model, such as {example}"),
            ));
        }
        if model.is_empty() {
            let problem = format!("Missing model name in '{spec}'");
            return Err(fault(
                problem,
                format!("write provider/model, such as {example}"),
            ));
        }
        if let Some(vendor) = Vendor::find(&prefix) {
            let model = model.to_owned();
            return Ok(Target::Vendor {
                vendor,
                model,
                inferred: false,
            });
        }
        if let Some(name) = self.named(&prefix) {
            let model = Some(model.to_owned());
            return Ok(Target::Named { name, model });
        }
        let known: Vec<&str> = Vendor::all().map(Vendor::as_str).collect();
        Err(fault(
            format!("Unknown provider prefix: {prefix} in '{spec}'"),
            format!(
                "put the provider first, such as together/{spec}; known are {}",
                known.join(", ")
            ),
        ))
    }

    /// The vendor of a model without prefix.
    fn inferred(&self) -> Vendor {
        let router = self
            .text("openai.base_url")
            .is_some_and(|(url, _)| url.contains("openrouter.ai"));
        let router = router.then(|| Vendor::find("openrouter")).flatten();
        router.unwrap_or(Vendor::openai())
    }

    fn older_embedding(&self, vendor: &str, origin: &Origin) -> Result<Target, Fault> {
        let of = |problem: String| {
            of_key(&key("embeddings.provider"), problem).with_origin(origin.name.clone())
        };
        let Some(vendor) = Vendor::find(vendor) else {
            return Err(of(format!("unknown embedding provider '{vendor}'"))
                .with_remedy("for example openai, voyage or ollama"));
        };
        let name = format!("embeddings.{}.model", vendor.section());
        let default = || all().get(&name).and_then(|key| key.default.as_deref());
        match self.text(&name).map(|(model, _)| model).or_else(default) {
            Some(model) => Ok(Target::Vendor {
                vendor,
                model: model.to_owned(),
                inferred: false,
            }),
            None => Err(of_key(
                &key(&name),
                format!("Missing embedding model of {}", vendor.title()),
            )
            .with_remedy(format!("set it, or EMBEDDING_MODEL={vendor}/<model>"))),
        }
    }

    /// No model is selected: fine when nothing is configured, else a fault.
    fn unselected(&self) -> Selection {
        if !self.any_provider() {
            return Selection::none();
        }
        let names: Vec<String> = self.provider_names().into_values().collect();
        if let Some(first) = names.first() {
            return Selection::fault(
                of_key(
                    &key("providers.provider"),
                    "No default provider configured under towline.providers.provider",
                )
                .with_remedy(format!(
                    "set it to one of {}, such as {first}, or set LLM_MODEL",
                    names.join(", ")
                )),
            );
        }
        let vendor = self.iter().find_map(|(_, held)| {
            Vendor::find(held.key.section.as_deref()?).filter(|_| held.key.is_access())
        });
        let example = match vendor {
            Some(vendor) if vendor != "openai" => format!("LLM_MODEL={vendor}/<model>"),
            _ => "LLM_MODEL=openai/gpt-4o".to_owned(),
        };
        Selection::fault(
            of_key(&key("llm.model"), "Missing model spec: set LLM_MODEL")
                .with_remedy(format!("for example {example}")),
        )
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
}

/// A key of the table.
fn key(name: &str) -> Key {
    find(&Path::of(name)).unwrap_or_else(|| Key::unlisted(name))
}
