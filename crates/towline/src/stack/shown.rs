//! What a stack shows of itself: its layers, from the outermost to the innermost.

use super::{Stack, deployment::Deployment, named::NamedLayer};
use std::fmt;
use towline_layers::{hedge::HedgePolicy, journey::JourneyLayer};

/// One of the targets of a fallback, with the deployments that share its calls.
struct Target<'a> {
    first: &'a Deployment,
    beside: &'a [Deployment],
    hedge: &'a HedgePolicy,
    sticky: bool,
}

/// A list of deployments, and whether like goes to like.
struct Balance<'a> {
    target: &'a Target<'a>,
}

// === impl Stack ===

/// Shows the layers in their order, those that are off too.
impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = |first, beside| Target {
            first,
            beside,
            hedge: &self.hedge,
            sticky: self.sticky,
        };
        let others = self.others.iter().map(|other| target(other, &[]));
        let targets: Vec<_> = std::iter::once(target(&self.first, &self.beside))
            .chain(others)
            .collect();
        f.debug_struct("Stack")
            .field("journey", &JourneyLayer::new())
            .field("names", &NamedLayer::new(self.name()))
            .field("drain", &self.drain)
            .field("guard", &self.guard)
            .field("total", &self.total)
            .field("coalesce", &self.coalesce)
            .field("tenants", &self.tenants)
            .field("continuation", &self.continues)
            .field("filtered", &self.filtered)
            .field("fallback", &targets)
            .finish()
    }
}

// === impl Target ===

impl fmt::Debug for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("name", &self.first.name)
            .field("retry", &self.first.retry)
            .field("hedge", self.hedge)
            .field("balance", &Balance { target: self })
            .finish()
    }
}

// === impl Balance ===

impl fmt::Debug for Balance<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Target { first, beside, .. } = self.target;
        let deployments: Vec<_> = std::iter::once(*first).chain(*beside).collect();
        f.debug_struct("Balance")
            .field("sticky", &self.target.sticky)
            .field("deployments", &deployments)
            .finish()
    }
}

// === impl Deployment ===

/// Shows what tells it from others, and its layers in their order. Its retries are those of its target.
impl fmt::Debug for Deployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deployment")
            .field("name", &self.name)
            .field("model", &self.model)
            .field("weight", &self.weight)
            .field("capabilities", &self.capabilities)
            .field("window", &self.window)
            .field("names", &NamedLayer::new(self.provider.clone()))
            .field("breaker", &self.breaker)
            .field("slots", &self.concurrency)
            .field("limit", &self.limit)
            .field("record", &self.record)
            .field("clocks", &self.clocks)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}
