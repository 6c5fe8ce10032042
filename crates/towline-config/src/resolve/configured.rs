//! Every provider that is configured, selected or not.

use super::{
    book::Book,
    build::Built,
    spec::{Purpose, Target},
};
use crate::{
    configured::Configured, error::ConfigError, provider::ProviderSettings, vendor::Vendor,
};

// === impl Book ===

impl Book {
    /// The named providers, then the vendors whose section says how to reach them. `selected` stands
    /// in the place of its own section: it has a model.
    pub(crate) fn configured(
        &self,
        selected: &Result<Option<ProviderSettings>, ConfigError>,
    ) -> Vec<Configured> {
        let named = self.provider_names().into_iter().map(|(name, shown)| {
            let target = Target::Named { name, model: None };
            Configured::new(shown, self.complete(&target, Purpose::Chat))
        });
        let mut all: Vec<Configured> = named.collect();
        match selected {
            Ok(Some(provider)) => put(&mut all, provider),
            Err(error) if self.is_selected() => {
                all.push(Configured::new("llm.model".to_owned(), Err(error.clone())));
            }
            Ok(None) | Err(_) => {}
        }
        for vendor in Vendor::all().filter(|vendor| self.is_reached(*vendor)) {
            if all.iter().any(|known| known.name() == vendor.as_str()) {
                continue;
            }
            let target = Target::Vendor {
                vendor,
                model: String::new(),
                inferred: false,
            };
            let outcome = self.complete(&target, Purpose::Chat);
            all.push(Configured::new(vendor.as_str().to_owned(), outcome));
        }
        all
    }

    /// Whether somebody chose a model or a provider.
    fn is_selected(&self) -> bool {
        ["llm.model", "providers.provider"]
            .iter()
            .any(|key| self.text(key).is_some())
    }

    /// Whether the section of a vendor, of those that answer a chat, says how to reach it.
    fn is_reached(&self, vendor: Vendor) -> bool {
        let section = vendor.section();
        let shared = format!("credentials.{section}");
        let is_of = |name: &str| name == section || name == shared;
        let embeds_only = matches!(vendor.as_str(), "voyage" | "jina");
        !embeds_only
            && self.iter().any(|(_, held)| {
                held.key.is_access() && held.key.section.as_deref().is_some_and(is_of)
            })
    }

    /// The provider of a target, or everything that is wrong with it.
    pub(super) fn complete(
        &self,
        target: &Target,
        purpose: Purpose,
    ) -> Result<ProviderSettings, ConfigError> {
        let built = Built::of(self, target, purpose);
        let mut faults = self.faults_in(&built.sections);
        match built.outcome {
            Ok(provider) if faults.is_empty() => return Ok(provider),
            Ok(_) => {}
            Err(missing) => faults.extend(missing),
        }
        Err(ConfigError::new(faults))
    }
}

/// Puts the selected provider in the place of the one of its name.
fn put(all: &mut Vec<Configured>, provider: &ProviderSettings) {
    let name = provider.name().to_owned();
    let entry = Configured::new(name, Ok(provider.clone()));
    match all.iter_mut().find(|known| known.name() == entry.name()) {
        Some(known) => *known = entry,
        None => all.push(entry),
    }
}
