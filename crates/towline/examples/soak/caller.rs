//! One of those who ask: a stream after the other, read to its end or left on the way.

use crate::{
    stack::Model,
    weather::{Dice, LETTERS, faults},
};
use std::{
    collections::BTreeMap,
    fmt::{self, Write},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::{sleep, timeout};
use towline::{
    core::{CompletionOptions, Context, Error, Priority, Request},
    layers::ask::Ask,
};

/// The longest that a caller waits before it asks again.
const MOST_PATIENCE: Duration = Duration::from_millis(500);

/// How whole answers are counted.
const WHOLE: &str = "ok";

/// What came of all calls.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    counts: Mutex<BTreeMap<String, u64>>,
}

/// Asks until it is told to stop.
pub(crate) async fn ask(model: Model, seed: u64, tally: Arc<Tally>, stop: Arc<AtomicBool>) {
    let mut dice = Dice(seed);
    while !stop.load(Ordering::Relaxed) {
        let request = request(&mut dice);
        let call = answer(model.clone(), request);
        let result = match dice.below(10) {
            // Leaves at any moment.
            0 => timeout(Duration::from_millis(dice.below(1500)), call).await,
            _ => Ok(call.await),
        };
        let result = result.ok();
        let patience = result.as_ref().map_or(Duration::ZERO, patience);
        tally.count(result);
        sleep(patience).await;
    }
}

/// How long to leave it alone: who is refused and asks again at once keeps the machine busy, and nobody
/// else gets a turn.
fn patience(result: &Result<(), Error>) -> Duration {
    let refused = result.as_ref().err();
    let refused = refused.filter(|error| error.refused_by().is_some());
    let hint = refused.map(|error| error.retry_after().unwrap_or(MOST_PATIENCE));
    hint.unwrap_or_default().min(MOST_PATIENCE)
}

async fn answer(model: Model, request: Request) -> Result<(), Error> {
    let mut answer = model.ask(request).await?;
    while let Some(event) = answer.body_mut().next().await {
        let _event = event?;
    }
    Ok(())
}

/// A question that breaks some of the providers that it may be sent to.
fn request(dice: &mut Dice) -> Request {
    let mut prompt = format!("Say something about number {}.", dice.below(2000));
    let faults = u64::try_from(faults().len()).unwrap_or(1);
    for letter in LETTERS {
        if dice.below(4) == 0 {
            // Writing to a string cannot fail.
            let _written = write!(prompt, " [{letter}{}]", dice.below(faults));
        }
    }
    let context = Context::default()
        .with_tenant(format!("tenant-{}", dice.below(10)))
        .with_priority(match dice.below(3) {
            0 => Priority::Background,
            1 => Priority::Normal,
            _ => Priority::Interactive,
        });
    Request::new("sim-chat", prompt.as_str())
        .with_stream(dice.below(20) != 0)
        .with_options(CompletionOptions::new().with_max_tokens(200))
        .with_context(context)
}

// === impl Tally ===

impl Tally {
    /// How many answers were whole.
    pub(crate) fn whole(&self) -> u64 {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.get(WHOLE).copied().unwrap_or(0)
    }

    /// Counts a call: good, with its error, or left.
    fn count(&self, result: Option<Result<(), Error>>) {
        let name = match result {
            None => "left".to_owned(),
            Some(Ok(())) => WHOLE.to_owned(),
            Some(Err(error)) => match error.refused_by() {
                None => error.kind().as_str().to_owned(),
                Some(layer) => format!("{}/{layer}", error.kind().as_str()),
            },
        };
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(name).or_default() += 1;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        write!(f, "{} calls", counts.values().sum::<u64>())?;
        for (name, count) in counts.iter() {
            write!(f, ", {name} {count}")?;
        }
        Ok(())
    }
}
