//! A breaker that is slow and plain: it keeps every result with its time.

use crate::{
    breaker::{BreakerConfig, BreakerState},
    verdict::Verdict,
};
use std::time::Duration;
use tokio::time::Instant;

/// The model.
#[derive(Debug)]
pub(super) struct Model {
    config: BreakerConfig,
    began: Instant,
    state: Stage,
    /// How many changes of state there were.
    changes: u32,
    /// Results since it closed last: when, and whether good.
    results: Vec<(Instant, bool)>,
    failures: u32,
    rate_limits: u32,
    times: u32,
    closed: Option<Instant>,
    /// How many tried, ever.
    tries: u32,
}

#[derive(Debug)]
enum Stage {
    Closed,
    Open {
        until: Instant,
    },
    /// The numbers of those that try, when the last began, and how many were good.
    Trying {
        live: Vec<u32>,
        last: Instant,
        good: u32,
    },
}

/// A call that the model let in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Admitted {
    changes: u32,
    /// Its number, if it tries whether the deployment is back.
    number: Option<u32>,
}

impl Admitted {
    pub(super) const fn is_probe(self) -> bool {
        self.number.is_some()
    }
}

impl Model {
    pub(super) const fn new(config: BreakerConfig, began: Instant) -> Self {
        Self {
            config,
            began,
            state: Stage::Closed,
            changes: 0,
            results: Vec::new(),
            failures: 0,
            rate_limits: 0,
            times: 0,
            closed: None,
            tries: 0,
        }
    }

    pub(super) fn admit(&mut self, now: Instant) -> Result<Admitted, Duration> {
        if let Stage::Open { until } = self.state {
            if now < until {
                return Err(until - now);
            }
            let live = Vec::new();
            let (last, good) = (now, 0);
            self.change(Stage::Trying { live, last, good });
        }
        let mut number = None;
        let patience = self.cooldown().max(Duration::from_secs(1));
        if let Stage::Trying { live, last, good } = &mut self.state {
            let (slots, needed) = (self.config.probes().get(), self.config.successes().get());
            let count = u32::try_from(live.len()).unwrap();
            let second = Duration::from_secs(1);
            if count >= slots || count + *good >= slots.max(needed) {
                if now < *last + patience {
                    return Err(self.config.cooldown().min(second));
                }
                live.clear();
            }
            self.tries += 1;
            live.push(self.tries);
            *last = now;
            number = Some(self.tries);
        }
        Ok(Admitted {
            changes: self.changes,
            number,
        })
    }

    pub(super) fn settle(
        &mut self,
        now: Instant,
        call: Admitted,
        verdict: Verdict,
        hint: Option<Duration>,
    ) {
        let hint = hint.unwrap_or_default().min(self.config.max_hint());
        let said_something = matches!(verdict, Verdict::Failure(_) | Verdict::RateLimited);
        if let (Stage::Open { until }, true) = (&mut self.state, said_something) {
            *until = (now + hint).max(*until);
        }
        if call.changes != self.changes {
            return;
        }
        if let Stage::Trying { live, good, .. } = &mut self.state {
            live.retain(|number| Some(*number) != call.number);
            if verdict == Verdict::Success {
                *good += 1;
                if *good == self.config.successes().get() {
                    self.close(now);
                }
            } else if said_something {
                self.times += 1;
                let cooldown = self.cooldown().max(hint);
                self.open(now, cooldown);
            }
            return;
        }
        self.count(now, verdict, hint);
    }

    fn count(&mut self, now: Instant, verdict: Verdict, hint: Duration) {
        match verdict {
            Verdict::Nothing => {}
            Verdict::RateLimited => {
                self.rate_limits += 1;
                let most = self.config.rate_limits();
                if most.is_some_and(|most| self.rate_limits > most.get()) {
                    let cooldown = match hint {
                        Duration::ZERO => self.count_up(now),
                        hint => hint,
                    };
                    self.open(now, cooldown);
                }
            }
            Verdict::Success | Verdict::Failure(_) => {
                let good = verdict == Verdict::Success;
                self.results.push((now, good));
                self.rate_limits = 0;
                self.failures = if good { 0 } else { self.failures + 1 };
                if self.trips(now) {
                    let cooldown = self.count_up(now).max(hint);
                    self.open(now, cooldown);
                }
            }
        }
    }

    fn trips(&self, now: Instant) -> bool {
        let row = self.config.failures();
        if row.is_some_and(|most| self.failures >= most.get()) {
            return true;
        }
        let (good, bad) = self.counts(now);
        let Some((failed, of)) = self.config.ratio() else {
            return false;
        };
        let enough = good + bad >= u64::from(self.config.min_requests().get());
        let share = bad * u64::from(of.get()) >= (good + bad) * u64::from(failed.get());
        enough && share && bad > 0
    }

    /// How long it stays open now, having stayed closed for so long.
    fn count_up(&mut self, now: Instant) -> Duration {
        let last = self.cooldown();
        let soon = |closed: Instant| now - closed < last.max(self.config.window());
        self.times = match self.closed {
            Some(closed) if soon(closed) => self.times + 1,
            _ => 1,
        };
        self.cooldown()
    }

    fn cooldown(&self) -> Duration {
        let mut cooldown = self.config.cooldown();
        for _ in 1..self.times {
            cooldown = (cooldown * 2).min(self.config.max_cooldown());
        }
        cooldown
    }

    fn open(&mut self, now: Instant, cooldown: Duration) {
        (self.failures, self.rate_limits) = (0, 0);
        let until = now + cooldown;
        self.change(Stage::Open { until });
    }

    fn close(&mut self, now: Instant) {
        self.closed = Some(now);
        self.results.clear();
        (self.failures, self.rate_limits) = (0, 0);
        self.change(Stage::Closed);
    }

    fn change(&mut self, state: Stage) {
        self.state = state;
        self.changes += 1;
    }

    /// Of the last ten parts of the window, of which the one that is not over is the last.
    pub(super) fn counts(&self, now: Instant) -> (u64, u64) {
        let part =
            |at: Instant| (at - self.began).as_nanos() / (self.config.window() / 10).as_nanos();
        let recent = |at: Instant| part(at) + 10 > part(now);
        let count = |which: bool| {
            let results = self.results.iter();
            let those = results.filter(|(at, good)| *good == which && recent(*at));
            u64::try_from(those.count()).unwrap()
        };
        (count(true), count(false))
    }

    pub(super) const fn state(&self) -> BreakerState {
        match self.state {
            Stage::Closed => BreakerState::Closed,
            Stage::Open { .. } => BreakerState::Open,
            Stage::Trying { .. } => BreakerState::HalfOpen,
        }
    }

    pub(super) fn rest(&self, now: Instant) -> Duration {
        match self.state {
            Stage::Open { until } => until.saturating_duration_since(now),
            _ => Duration::ZERO,
        }
    }

    pub(super) fn probes(&self) -> u32 {
        match &self.state {
            Stage::Trying { live, .. } => u32::try_from(live.len()).unwrap(),
            _ => 0,
        }
    }
}
