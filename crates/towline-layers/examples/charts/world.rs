//! What all simulations share: calls, counts by time, and a runtime whose clock jumps.

use std::{
    future::Future,
    ops::Range,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;
use tower::util::BoxCloneSyncService;
use towline_core::{
    Body, Completion, CompletionOptions, Context, Error, FinishReason, Head, Part, Request,
    Response, task,
};

pub(crate) type Model = BoxCloneSyncService<Request, Response, Error>;

/// Counts what happens in each span of time.
pub(crate) struct Record {
    start: Instant,
    span: Duration,
    counts: Mutex<Vec<u32>>,
}

/// How long calls took, with the time since the start at which each began.
pub(crate) struct Latencies {
    start: Instant,
    calls: Mutex<Vec<(Duration, Duration)>>,
}

/// Runs a simulation: whenever everybody waits, the clock jumps to the next timer.
pub(crate) fn simulate<F: Future>(world: F) -> Result<F::Output, std::io::Error> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build()?;
    Ok(runtime.block_on(world))
}

/// A call of a thousand tokens, whose pauses are drawn from its number.
pub(crate) fn call(number: u64) -> Request {
    let context = Context::default().with_seed(number + 1);
    Request::new("model", "Hello?")
        .with_options(CompletionOptions::new().with_max_tokens(500))
        .with_context(context.with_token_estimate(500))
}

pub(crate) fn answer(request: &Request) -> Response {
    let words = Completion::new(vec![Part::from("Hi.")], FinishReason::Stop);
    Response::new(Head::new("server", request.model()), Body::complete(words))
}

/// Makes `calls` calls, one each `pause`, and waits for all of them. Tells `ended` of each when it
/// is over: when it began, and whether it has an answer.
pub(crate) async fn offer(
    model: &Model,
    calls: u64,
    pause: Duration,
    ended: impl Fn(Instant, bool) + Clone + Send + 'static,
) {
    let mut under_way = Vec::new();
    for number in 0..calls {
        let (model, ended) = (model.clone(), ended.clone());
        under_way.push(task::spawn(async move {
            let begun = Instant::now();
            let answer = tower::ServiceExt::oneshot(model, call(number)).await;
            ended(begun, answer.is_ok());
        }));
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }
    for call in under_way {
        call.await;
    }
}

/// A number that is the same each time and looks like a random one: `SplitMix64`.
pub(crate) const fn scattered(number: u64) -> u64 {
    let z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl Record ===

impl Record {
    pub(crate) fn new(start: Instant, span: Duration) -> Self {
        Self {
            start,
            span,
            counts: Mutex::default(),
        }
    }

    /// Counts one, now.
    pub(crate) fn count(&self) {
        let since = Instant::now().saturating_duration_since(self.start);
        let at = usize::try_from(since.as_millis() / self.span.as_millis()).unwrap_or(usize::MAX);
        let mut counts = lock(&self.counts);
        if counts.len() <= at {
            counts.resize(at.saturating_add(1), 0);
        }
        if let Some(count) = counts.get_mut(at) {
            *count += 1;
        }
    }

    pub(crate) fn total(&self) -> u32 {
        lock(&self.counts).iter().sum()
    }

    /// The most of one span.
    pub(crate) fn peak(&self) -> u32 {
        lock(&self.counts).iter().copied().max().unwrap_or_default()
    }

    /// The counts, each at the end of its span, up to the end of the picture.
    pub(crate) fn points(&self, seconds: f64) -> Vec<(f64, f64)> {
        let counts = lock(&self.counts);
        let counted = counts.iter().copied().chain(std::iter::repeat(0));
        let mut time = 0.0;
        let mut points = Vec::new();
        for count in counted {
            time += self.span.as_secs_f64();
            if time > seconds {
                return points;
            }
            points.push((time, f64::from(count)));
        }
        points
    }
}

// === impl Latencies ===

impl Latencies {
    pub(crate) fn new(start: Instant) -> Self {
        Self {
            start,
            calls: Mutex::default(),
        }
    }

    /// A call that began then ends now.
    pub(crate) fn note(&self, begun: Instant) {
        let since = begun.saturating_duration_since(self.start);
        let took = Instant::now().saturating_duration_since(begun);
        lock(&self.calls).push((since, took));
    }

    /// What the calls took that began in these seconds, the shortest first.
    pub(crate) fn sorted(&self, begun: Range<u64>) -> Vec<Duration> {
        let calls = lock(&self.calls);
        let calls = calls
            .iter()
            .filter(|(since, _)| begun.contains(&since.as_secs()));
        let mut took: Vec<Duration> = calls.map(|(_, took)| *took).collect();
        took.sort_unstable();
        took
    }

    /// The seconds within which so many of a hundred of them were over.
    pub(crate) fn percentile(&self, begun: Range<u64>, percent: usize) -> f64 {
        let took = self.sorted(begun);
        let at = (took.len() * percent).div_ceil(100).saturating_sub(1);
        took.get(at).copied().unwrap_or_default().as_secs_f64()
    }

    /// That percentile for the calls of each second, up to the end of the picture.
    pub(crate) fn points(&self, seconds: u32, percent: usize) -> Vec<(f64, f64)> {
        let each = (0..seconds).map(|second| {
            let begun = u64::from(second)..u64::from(second) + 1;
            (f64::from(second), self.percentile(begun, percent))
        });
        each.collect()
    }
}
