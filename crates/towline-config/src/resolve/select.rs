//! Which provider and model are meant.

use super::{
    book::{Book, of_key},
    build::Built,
    spec::{Purpose, Target},
};
use crate::{
    error::{ConfigError, Fault},
    key::{Key, Path, all, find},
    layer::Origin,
    provider::ProviderSettings,
    vendor::Vendor,
};

/// What came of a selection.
pub(super) struct Selection {
    pub(super) outcome: Result<Option<ProviderSettings>, Vec<Fault>>,
    /// The sections that were read for it.
    pub(super) sections: Vec<String>,
    pub(super) warning: Option<String>,
}

// === impl Selection ===

impl Selection {
    fn none() -> Self {
        Self {
            outcome: Ok(None),
            sections: Vec::new(),
            warning: None,
        }
    }

    fn fault(fault: Fault) -> Self {
        Self {
            outcome: Err(vec![fault]),
            sections: Vec::new(),
            warning: None,
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
        self.complete(&target, purpose)
    }

    /// All complete named providers. What another one lacks is a warning.
    pub(super) fn named_providers(&mut self, used: &[String]) -> Vec<ProviderSettings> {
        let mut complete = Vec::new();
        for name in self.provider_names().into_keys() {
            let section = format!("providers.{name}");
            let target = Target::Named { name, model: None };
            let built = Built::of(self, &target, Purpose::Chat);
            let malformed = !self.faults_in(&built.sections).is_empty();
            match built.outcome {
                Ok(provider) if !malformed => complete.push(provider),
                Ok(_) => {}
                Err(_) if used.contains(&section) => {}
                Err(faults) => faults.iter().for_each(|fault| self.warn(fault.to_string())),
            }
        }
        complete
    }

    fn selected(&self, target: &Target, purpose: Purpose) -> Selection {
        let built = Built::of(self, target, purpose);
        Selection {
            outcome: built.outcome.map(Some),
            sections: built.sections,
            warning: built.warning,
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
                let problem = format!(
                    "towline.llm.model and towline.providers.provider point to different models, '{spec}' and '{name}'"
                );
                Err(Fault::new(problem, "keep one of them")
                    .with_key("towline.llm.model")
                    .with_variables([
                        "LLM_MODEL".to_owned(),
                        "TOWLINE_PROVIDERS_PROVIDER".to_owned(),
                    ])
                    .with_origin(format!("{at} and {other}")))
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
                self.names_remedy(),
            )
            .with_origin(origin.name.clone())),
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

    fn older_embedding(&self, vendor: &str, origin: &Origin) -> Result<Target, Fault> {
        let Some(vendor) = Vendor::find(vendor) else {
            let problem = format!("unknown embedding provider '{vendor}'");
            let remedy = "for example openai, voyage or ollama";
            let fault = of_key(&key("embeddings.provider"), problem, remedy);
            return Err(fault.with_origin(origin.name.clone()));
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
                format!("set it, or EMBEDDING_MODEL={vendor}/<model>"),
            )),
        }
    }

    /// No model is selected: fine when nothing is configured, else a fault.
    fn unselected(&self) -> Selection {
        // A selection of the wrong type is a fault already.
        let bad = ["llm.model", "providers.provider"].map(|name| self.is_bad(&Path::of(name)));
        if bad.contains(&true) || !self.any_provider() {
            return Selection::none();
        }
        let names: Vec<String> = self.provider_names().into_values().collect();
        if let Some(first) = names.first() {
            return Selection::fault(of_key(
                &key("providers.provider"),
                "No default provider configured under towline.providers.provider",
                format!(
                    "set it to one of {}, such as {first}, or set LLM_MODEL",
                    names.join(", ")
                ),
            ));
        }
        let vendor = self.iter().find_map(|(_, held)| {
            Vendor::find(held.key.section.as_deref()?).filter(|_| held.key.is_access())
        });
        let example = match vendor {
            Some(vendor) if vendor != "openai" => format!("LLM_MODEL={vendor}/<model>"),
            _ => "LLM_MODEL=openai/gpt-4o".to_owned(),
        };
        Selection::fault(of_key(
            &key("llm.model"),
            "Missing model spec: set LLM_MODEL",
            format!("for example {example}"),
        ))
    }
}

/// A key of the table.
pub(super) fn key(name: &str) -> Key {
    find(&Path::of(name)).unwrap_or_else(|| Key::unlisted(name))
}
