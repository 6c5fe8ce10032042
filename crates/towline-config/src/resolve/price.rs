//! Which provider's models the prices are for.

use super::{
    book::{Book, Held, of_key},
    spec::{Purpose, Target},
};
use crate::{
    error::Fault,
    key::{Path, PriceEntry, Typed},
    provider::ProviderSettings,
};
use towline_core::Prices;

// === impl Book ===

impl Book {
    /// What the models of a provider cost, which was built of `target`. An entry of its own name goes before
    /// one of its vendor, which holds for a named provider only at the vendor's own address: another server
    /// has its own prices.
    pub(super) fn prices_of(
        &self,
        target: &Target,
        provider: &ProviderSettings,
    ) -> Vec<(String, Prices)> {
        let own = match target {
            Target::Named { name, .. } => Some(name),
            Target::Vendor { .. } => None,
        };
        let is_vendors = own.is_none() || provider.is_at_home();
        let (mut vendors, mut owns) = (Vec::new(), Vec::new());
        let Some((held, entries)) = self.price_entries() else {
            return vendors;
        };
        for entry in entries {
            match self.priced(entry, held) {
                Ok(Target::Vendor { vendor, model, .. }) if vendor == provider.vendor() => {
                    vendors.extend(is_vendors.then_some((model, entry.prices)));
                }
                Ok(Target::Named { name, model }) if Some(&name) == own => {
                    owns.extend(model.map(|model| (model, entry.prices)));
                }
                _ => {}
            }
        }
        vendors.append(&mut owns);
        vendors
    }

    /// Prices of nobody's, and of what has one already.
    pub(super) fn price_faults(&self) -> Vec<Fault> {
        let Some((held, entries)) = self.price_entries() else {
            return Vec::new();
        };
        let (mut seen, mut faults) = (Vec::new(), Vec::new());
        for entry in entries {
            match self.priced(entry, held) {
                Ok(target) if seen.contains(&target) => {
                    let problem = format!("'{}' has prices twice", entry.target);
                    let fault = of_key(&held.key, problem, "leave one of them out");
                    faults.push(fault.with_origin(held.origin.name.clone()));
                }
                Ok(target) => seen.push(target),
                Err(fault) => faults.push(fault),
            }
        }
        faults
    }

    fn price_entries(&self) -> Option<(&Held, &[PriceEntry])> {
        let held = self.get(&Path::of("prices"))?;
        match &held.value {
            Typed::Prices(entries) => Some((held, entries)),
            _ => None,
        }
    }

    /// A price is one of a provider's model: the name of a provider alone does not say which.
    fn priced(&self, entry: &PriceEntry, held: &Held) -> Result<Target, Fault> {
        let spec = &entry.target;
        if spec.contains('/') {
            return self.target_of(spec, Some(&held.origin), Purpose::Chat, &held.key);
        }
        let problem = format!("'{spec}' is no provider and model");
        let remedy = "write provider/model, such as openai/gpt-4o";
        Err(of_key(&held.key, problem, remedy).with_origin(held.origin.name.clone()))
    }
}
