//! One of those that share the calls.

use super::latency::{Known, Latency};
use crate::health::Health;
use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};
use tokio::time::Instant;
use towline_core::{ErrorKind, Metered, Text};

/// A deployment: a service, and what is known of it.
#[derive(Clone, Debug)]
pub struct Deployment<S> {
    name: Text,
    service: S,
    weight: NonZeroU32,
    model: Option<Text>,
    health: Option<Health>,
}

/// How a deployment fares.
#[derive(Clone, Debug, PartialEq)]
pub struct DeploymentStatus {
    name: Text,
    pending: u32,
    latency: Option<Duration>,
    ejected: Option<Duration>,
}

/// A deployment, and its share of the calls.
#[derive(Debug)]
pub(super) struct Slot<S> {
    pub(super) deployment: Deployment<S>,
    /// Of the name, for those who stick to it.
    pub(super) hash: u64,
    pub(super) load: Load,
    /// Where nobody tells of its health: what its refusals told.
    heard: Health,
    /// What its provider told: it takes nothing for a while.
    aside: Health,
}

/// What is going on at a deployment.
#[derive(Debug, Default)]
pub(super) struct Load {
    /// Calls whose answer has not ended.
    pending: AtomicU32,
    /// Until the first content of a stream.
    pub(super) streams: Latency,
    /// Of a whole answer, for each hundred tokens.
    pub(super) wholes: Latency,
}

// === impl Deployment ===

impl<S> Deployment<S> {
    /// `service`, under the name by which it is avoided and known to people.
    #[must_use]
    pub fn new(name: impl Into<Text>, service: S) -> Self {
        Self {
            name: name.into(),
            service,
            weight: NonZeroU32::MIN,
            model: None,
            health: None,
        }
    }

    /// Gets this share of the calls, compared to the others. Default 1.
    #[must_use]
    pub const fn with_weight(mut self, weight: NonZeroU32) -> Self {
        self.weight = weight;
        self
    }

    /// Is asked for this model, whatever the caller asks for.
    #[must_use]
    pub fn with_model(mut self, model: impl Into<Text>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Learns from `health` whether it takes calls: the breaker inside `service` has one. Without this
    /// a breaker is noticed when it refuses a call.
    #[must_use]
    pub fn with_health(mut self, health: &Health) -> Self {
        self.health = Some(health.clone());
        self
    }

    /// The name.
    #[must_use]
    pub const fn name(&self) -> &Text {
        &self.name
    }

    /// The share of the calls, compared to the others.
    #[must_use]
    pub const fn weight(&self) -> NonZeroU32 {
        self.weight
    }

    /// Whether an error of this kind speaks of it. A model that the caller has named may be missing or
    /// forbidden everywhere.
    pub(super) const fn is_spoken_of(&self, kind: ErrorKind) -> bool {
        self.model.is_some() || !matches!(kind, ErrorKind::NotFound | ErrorKind::Permission)
    }

    pub(super) const fn service(&self) -> &S {
        &self.service
    }

    /// The request for this deployment.
    pub(super) fn address<Req: Metered>(&self, request: &mut Req) {
        if let Some(model) = &self.model {
            request.set_model(model.clone());
        }
    }
}

// === impl Slot ===

impl<S> Slot<S> {
    pub(super) fn new(deployment: Deployment<S>) -> Self {
        Self {
            hash: hash(&deployment.name),
            deployment,
            load: Load::default(),
            heard: Health::new(),
            aside: Health::new(),
        }
    }

    fn health(&self) -> &Health {
        self.deployment.health.as_ref().unwrap_or(&self.heard)
    }

    /// Whether it takes calls.
    pub(super) fn admits(&self, now: Instant) -> bool {
        self.is_well(now) && !self.is_aside(now)
    }

    /// Whether nothing of ours keeps calls from it. Its provider may want to be left alone.
    pub(super) fn is_well(&self, now: Instant) -> bool {
        self.health().admits(now)
    }

    /// Whether its provider wants to be left alone.
    pub(super) fn is_aside(&self, now: Instant) -> bool {
        !self.aside.admits(now)
    }

    /// It answers after all.
    pub(super) fn take_back(&self) {
        self.aside.admit();
    }

    /// How long it takes none.
    pub(super) fn retry_after(&self, now: Instant) -> Duration {
        let told = self.aside.retry_after(now);
        self.health().retry_after(now).max(told)
    }

    /// Its provider takes no calls for `rest`.
    pub(super) fn set_aside(&self, now: Instant, rest: Duration) {
        self.aside.eject_at_least_until(now + rest.min(LONGEST));
    }

    /// Its breaker refused a call, and takes none for `rest`.
    pub(super) fn refused(&self, now: Instant, rest: Duration) {
        // Where there is somebody who tells, what is told is newer.
        if self.deployment.health.is_none() {
            self.heard.eject_until(now + rest.min(LONGEST));
        }
    }

    pub(super) fn status(&self, now: Instant) -> DeploymentStatus {
        let known = self
            .load
            .streams
            .known()
            .or_else(|| self.load.wholes.known());
        let seconds = known.map(Known::seconds);
        DeploymentStatus {
            name: self.deployment.name.clone(),
            pending: self.load.pending(),
            latency: seconds.and_then(|seconds| Duration::try_from_secs_f32(seconds).ok()),
            ejected: (!self.admits(now)).then(|| self.retry_after(now)),
        }
    }
}

/// No refusal keeps calls away for longer than this without being asked again.
pub(super) const LONGEST: Duration = Duration::from_mins(5);

/// FNV-1a: names are short.
pub(super) fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

// === impl Load ===

impl Load {
    pub(super) fn begin(&self) {
        self.pending.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn end(&self) {
        self.pending.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn pending(&self) -> u32 {
        self.pending.load(Ordering::Relaxed)
    }

    pub(super) const fn latency(&self, streamed: bool) -> &Latency {
        if streamed {
            &self.streams
        } else {
            &self.wholes
        }
    }
}

// === impl DeploymentStatus ===

impl DeploymentStatus {
    /// The name.
    #[must_use]
    pub const fn name(&self) -> &Text {
        &self.name
    }

    /// Calls whose answer has not ended.
    #[must_use]
    pub const fn pending(&self) -> u32 {
        self.pending
    }

    /// How long answers take to begin, with a penalty for failures; of whole answers, for each
    /// hundred tokens. `None` where nothing is known.
    #[must_use]
    pub const fn latency(&self) -> Option<Duration> {
        self.latency
    }

    /// How long it takes no calls from now on, [`Duration::MAX`] where nobody has said. `None` where it
    /// takes calls.
    #[must_use]
    pub const fn ejected(&self) -> Option<Duration> {
        self.ejected
    }
}
