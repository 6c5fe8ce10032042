//! The settings of the layers around a call.

use super::{
    book::{Book, Held, of_key},
    section::Sections,
    spec::{Purpose, Target},
};
use crate::{
    error::{ConfigError, Fault},
    key::{Path, Typed},
    provider::ProviderSettings,
    stack::{GuardSettings, Hearsay, Moves, StackSettings},
};

/// The targets of a list that are complete, and those that are there twice.
#[derive(Default)]
struct Targets {
    providers: Vec<ProviderSettings>,
    repeated: Vec<(&'static str, String)>,
}

// === impl Book ===

impl Book {
    /// The settings of the whole program, with the targets of its lists.
    pub(crate) fn stack(
        &self,
        selected: Option<&ProviderSettings>,
    ) -> Result<StackSettings, ConfigError> {
        let mut faults = Vec::new();
        let fallback = self.targets("fallback", &mut faults);
        let deployments = self.targets("balance.deployments", &mut faults);
        if !faults.is_empty() {
            return Err(ConfigError::new(faults));
        }
        let mut stack = self.stack_alone(selected);
        stack.fallback = fallback.providers;
        stack.deployments = deployments.providers;
        stack.hearsay.retry_keys = self.retry_keys(&stack);
        stack.hearsay.repeated = fallback.repeated;
        stack.hearsay.repeated.extend(deployments.repeated);
        Ok(stack)
    }

    /// The settings of the whole program, without the targets of its lists.
    pub(crate) fn stack_alone(&self, selected: Option<&ProviderSettings>) -> StackSettings {
        let general = Sections::new(self, &[], &[]);
        StackSettings {
            target: general.target(),
            selected: selected.cloned(),
            fallback: Vec::new(),
            moves: Moves {
                broken: general.is_on("fallback_continue"),
                filtered: general.is_on("fallback_filtered"),
            },
            hedge: general.hedge(),
            deployments: Vec::new(),
            sticky: general.is_on("balance.sticky"),
            per_tenant: general.rates("limit.per_tenant"),
            max_queue_age: general.duration("shed.max_queue_age"),
            coalesce: general.is_on("coalesce.enabled"),
            guard: GuardSettings {
                max_prompt_bytes: general.cap("guard.max_prompt_bytes"),
                forbidden: general.list("guard.forbidden"),
            },
            drain_timeout: general.span("drain.timeout"),
            hearsay: Hearsay {
                breaker_keys: self.breaker_keys(selected),
                retry_keys: Vec::new(),
                repeated: Vec::new(),
            },
        }
    }

    /// What the keys of the whole program contradict each other in.
    pub(super) fn contradictions(&self) -> Vec<Fault> {
        let general = Sections::new(self, &[], &[]);
        general.contradictions(&general.target())
    }

    fn targets(&self, list: &'static str, faults: &mut Vec<Fault>) -> Targets {
        let mut targets = Targets::default();
        let Some(held) = self.get(&Path::of(list)) else {
            return targets;
        };
        let Typed::List(specs) = &held.value else {
            return targets;
        };
        for spec in specs {
            let built = self
                .listed(spec, held)
                .map_err(|fault| vec![fault])
                .and_then(|target| self.complete_for(&target, list));
            match built {
                Ok(provider) if targets.has(&provider) => {
                    targets.repeated.push((list, spec.clone()));
                }
                Ok(provider) => targets.providers.push(provider),
                Err(wrong) => faults.extend(wrong),
            }
        }
        targets
    }

    /// A target of a list. A text without slash has to be a named provider here: a misspelled name
    /// would else be a model of `OpenAI`.
    fn listed(&self, spec: &str, held: &Held) -> Result<Target, Fault> {
        if !spec.contains('/') && self.named(spec).is_none() {
            let problem = format!("there is no named provider '{spec}'");
            let mut remedy = "write provider/model, such as openai/gpt-4o".to_owned();
            let names: Vec<String> = self.provider_names().into_values().collect();
            if !names.is_empty() {
                remedy.push_str(", or one of ");
                remedy.push_str(&names.join(", "));
            }
            let fault = of_key(&held.key, problem, remedy);
            return Err(fault.with_origin(held.origin.name.clone()));
        }
        self.target_of(spec, Some(&held.origin), Purpose::Chat, &held.key)
    }

    /// A complete provider; what it lacks says which list names it.
    fn complete_for(&self, target: &Target, list: &str) -> Result<ProviderSettings, Vec<Fault>> {
        self.complete(target, Purpose::Chat).map_err(|error| {
            let faults = error.faults().iter().cloned();
            faults
                .map(|fault| {
                    let place = format!("towline.{list} names this provider");
                    let remedy = format!("{}; {place}", fault.remedy());
                    fault.with_remedy(remedy)
                })
                .collect()
        })
    }

    /// The keys of the breaker that somebody set for the whole program or the selected provider.
    fn breaker_keys(&self, selected: Option<&ProviderSettings>) -> Vec<String> {
        let sections: Vec<_> = selected
            .into_iter()
            .flat_map(|one| self.near(one))
            .collect();
        self.keys_of("breaker", |section| {
            section.is_none_or(|section| sections.contains(section))
        })
    }

    /// The keys that somebody set for the retries of a provider that has none of its own in this stack.
    fn retry_keys(&self, stack: &StackSettings) -> Vec<(String, Vec<String>)> {
        let Some(selected) = &stack.selected else {
            return Vec::new();
        };
        let asked = std::iter::once(selected).chain(&stack.fallback);
        let used: Vec<_> = asked.flat_map(|one| self.near(one)).collect();
        let mut told = Vec::new();
        for beside in stack.deployments_beside(selected) {
            let own = self.near(beside);
            let keys = self.keys_of("retry", |section| {
                section.is_some_and(|section| own.contains(section) && !used.contains(section))
            });
            let known = |(_, other): &(String, Vec<String>)| *other == keys;
            if !keys.is_empty() && !told.iter().any(known) {
                told.push((beside.name().to_owned(), keys));
            }
        }
        told
    }

    /// The sections of a provider: its vendor's, and its own where it is named.
    fn near(&self, provider: &ProviderSettings) -> Vec<String> {
        let named = self.named(provider.name());
        let named = named.map(|name| format!("providers.{name}"));
        std::iter::once(provider.vendor().section())
            .chain(named)
            .collect()
    }

    /// The keys of a group that somebody set, in the sections that `is_near` says; none is that of the
    /// whole program.
    fn keys_of(&self, group: &str, is_near: impl Fn(Option<&String>) -> bool) -> Vec<String> {
        self.iter()
            .filter(|(path, held)| {
                let mut segments = path.segments().iter().rev();
                segments.nth(1).is_some_and(|segment| segment == group)
                    && is_near(held.key.section.as_ref())
            })
            .map(|(_, held)| held.key.full())
            .collect()
    }
}

// === impl Targets ===

impl Targets {
    fn has(&self, provider: &ProviderSettings) -> bool {
        self.providers
            .iter()
            .any(|known| known.is_same_target(provider))
    }
}

#[cfg(test)]
mod tests;
