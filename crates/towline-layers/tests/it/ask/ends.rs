//! Streams through all layers that can be asked, whatever the provider sends and the reader does.

use super::Whole;
use crate::support::{failed, paused, question, upstream};
use futures_core::Stream;
use proptest::{collection::vec, prelude::*};
use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};
use towline_core::{
    Attempt, Body, Ending, Error, ErrorKind, Event, FinishReason, Head, Journey, Moment, Outcome,
    Response, Step, Usage, Watch,
};

/// One thing that a provider does.
#[derive(Clone, Copy, Debug)]
enum Act {
    Text,
    Usage,
    Ping,
    /// Nothing for a moment.
    Rest,
    /// The terminal event.
    Finish,
    /// An error in band.
    Fail(ErrorKind),
}

/// What a provider does, and whether somebody holds it. After the last act the connection is cut.
struct Script {
    acts: VecDeque<Act>,
    _held: Arc<()>,
}

/// What somebody outside the stack sees of an answer.
#[derive(Clone, Debug, Default)]
struct Seen {
    ends: Vec<Outcome>,
    after_the_end: usize,
}

struct Outside(Arc<Mutex<Seen>>);

/// A call, read up to some event or to its end.
#[derive(Debug)]
struct Run {
    /// Those that were read: of each, whether it is the end.
    items: Vec<(bool, Result<Event, Error>)>,
    seen: Seen,
    attempts: Vec<Attempt>,
    /// Successes and failures that the breaker counts.
    counted: (u64, u64),
    held: [usize; 4],
    connected: bool,
}

// === impl Script ===

impl Stream for Script {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = match self.acts.pop_front() {
            None => return Poll::Ready(None),
            Some(Act::Rest) => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Some(Act::Text) => Ok(Event::Text("a".into())),
            Some(Act::Usage) => Ok(Event::Usage(Usage::inclusive(1, 1))),
            Some(Act::Ping) => Ok(Event::Ping),
            Some(Act::Finish) => Ok(Event::Finish(FinishReason::Stop)),
            Some(Act::Fail(kind)) => Err(failed(kind)),
        };
        Poll::Ready(Some(item))
    }
}

// === impl Outside ===

impl Watch for Outside {
    fn on_event(&mut self, _event: &Event, _moment: &Moment) -> Result<(), Error> {
        let mut seen = self.0.lock().unwrap();
        seen.after_the_end += usize::from(!seen.ends.is_empty());
        Ok(())
    }

    fn on_end(&mut self, ending: Ending<'_>, _usage: Option<&Usage>, _moment: &Moment) {
        self.0.lock().unwrap().ends.push(match ending {
            Ending::Whole(_) => Outcome::Whole,
            Ending::Failed(error) => Outcome::Failed(error.kind()),
            _ => Outcome::Dropped,
        });
    }
}

fn is_end(item: &Result<Event, Error>) -> bool {
    matches!(item, Err(_) | Ok(Event::Finish(_)))
}

fn attempts(journey: &Journey) -> Vec<Attempt> {
    let steps = journey.steps().into_iter();
    let attempts = steps.filter_map(|step| match step {
        Step::Attempt(attempt) => Some(attempt),
        _ => None,
    });
    attempts.collect()
}

/// Reads the answer of a provider that says something and then does `acts`: up to `patience` events,
/// or beyond its end.
async fn run(acts: &[Act], patience: usize) -> Run {
    let (model, mut handle) = upstream();
    let whole = Whole::new(model);
    let held = Arc::new(());
    let mut call = whole.ask(question(true));
    assert!(call.poll().is_pending());
    let script = Script {
        acts: [Act::Text].iter().chain(acts).copied().collect(),
        _held: Arc::clone(&held),
    };
    let answer = Response::new(Head::new("upstream", "model"), Body::stream(script));
    handle.next().await.answer(Ok(answer));
    let mut answer = call.await.unwrap();
    let journey = answer.head().journey().expect("a record").clone();
    let seen = Arc::default();
    answer.body_mut().watch(Outside(Arc::clone(&seen)));
    let mut items = Vec::new();
    let mut over = false;
    // Where the end was read, it is asked for more.
    while over || items.len() < patience {
        let Some(item) = answer.body_mut().next().await else {
            break;
        };
        over |= is_end(&item);
        items.push((is_end(&item), item));
    }
    drop(answer);
    let status = whole.breaker.status();
    let seen = seen.lock().unwrap().clone();
    Run {
        items,
        seen,
        attempts: attempts(&journey),
        counted: (status.succeeded(), status.failed()),
        held: whole.held(),
        connected: Arc::strong_count(&held) > 1,
    }
}

/// How an answer ends that does `acts`, and how many events it has with its end.
fn expected(acts: &[Act]) -> (Outcome, usize) {
    let speaks = |act: &&Act| !matches!(act, Act::Rest);
    for (before, act) in acts.iter().filter(speaks).enumerate() {
        // The first event comes before all acts.
        match act {
            Act::Finish => return (Outcome::Whole, before + 2),
            Act::Fail(kind) => return (Outcome::Failed(*kind), before + 2),
            _ => {}
        }
    }
    let cut = Outcome::Failed(ErrorKind::Truncated);
    (cut, acts.iter().filter(speaks).count() + 2)
}

/// Everything that has an end agrees on it: the reader, who watches outside, the record, the breaker.
fn check(acts: &[Act], patience: usize) -> Result<(), TestCaseError> {
    let run = paused().block_on(run(acts, patience));
    let (ending, length) = expected(acts);
    let read = patience >= length;
    let ending = if read { ending } else { Outcome::Dropped };
    prop_assert_eq!(run.items.len(), length.min(patience), "{:?}", run);
    let ends = run.items.iter().filter(|(is_end, _)| *is_end).count();
    prop_assert_eq!(ends, usize::from(read), "{:?}", run);
    prop_assert!(run.items.iter().rev().skip(1).all(|(is_end, _)| !is_end));
    prop_assert_eq!(&run.seen.ends, &[ending], "who watches");
    prop_assert_eq!(run.seen.after_the_end, 0);
    let outcomes: Vec<_> = run.attempts.iter().map(Attempt::outcome).collect();
    prop_assert_eq!(outcomes, [ending], "the record");
    let counted = match ending {
        Outcome::Whole => (1, 0),
        Outcome::Failed(_) => (0, 1),
        _ => (0, 0),
    };
    prop_assert_eq!(run.counted, counted, "the breaker");
    prop_assert_eq!((run.held, run.connected), ([0; 4], false));
    Ok(())
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => Just(Act::Text),
        1 => Just(Act::Usage),
        1 => Just(Act::Ping),
        2 => Just(Act::Rest),
        1 => Just(Act::Finish),
        1 => Just(Act::Fail(ErrorKind::Transport)),
        1 => Just(Act::Fail(ErrorKind::Server)),
    ]
}

proptest! {
    /// Whatever comes after the first terminal event, and wherever the reader leaves.
    #[test]
    fn x2_a_stream_through_all_layers_has_one_end_and_nothing_after_it(
        acts in vec(act(), 0..12),
        patience in 0_usize..20,
    ) {
        check(&acts, patience)?;
    }
}

/// Each of the four endings, with a provider that does not stop at its own.
#[test]
fn x2_a_stream_that_is_whole_fails_is_cut_or_is_left_ends_once() {
    let (more, fail) = (Act::Text, Act::Fail(ErrorKind::Transport));
    for terminal in [Act::Finish, fail] {
        check(&[more, terminal, more, Act::Finish, fail], usize::MAX).unwrap();
    }
    check(&[more, Act::Rest, more], usize::MAX).unwrap();
    check(&[more, more, Act::Finish, more], 2).unwrap();
}
