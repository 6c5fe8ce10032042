//! Whatever two targets say, and whenever the reader leaves.

use super::two;
use crate::support::{Feed, question};
use proptest::prelude::{Just, Strategy, prop_assert, prop_assert_eq, prop_oneof, proptest};
use std::task::Poll;
use tokio_test::task;
use tower::ServiceExt;
use towline_core::{
    Error, ErrorKind, Event, FinishReason, ReasoningDelta, Start, ToolCallDelta, Usage,
};

/// How one target answers: events, and how it ends.
#[derive(Clone, Debug)]
struct Script {
    events: Vec<Event>,
    end: Option<ErrorKind>,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => "[a-c ]{0,4}".prop_map(|text| Event::Text(text.into())),
        1 => Just(Event::Ping),
        1 => Just(Event::Start(Start::new("id", "m"))),
        1 => (0_u64..9, 0_u64..9).prop_map(|(i, o)| Event::Usage(Usage::inclusive(i, o))),
        1 => Just(Event::Reasoning(ReasoningDelta::new("r"))),
        1 => Just(Event::ToolCall(ToolCallDelta::new(0, "{}").with_id("1").with_name("f"))),
    ]
}

fn script() -> impl Strategy<Value = Script> {
    let end = prop_oneof![
        Just(None),
        Just(Some(ErrorKind::Server)),
        Just(Some(ErrorKind::Truncated)),
        Just(Some(ErrorKind::ContentFilter)),
    ];
    let events = proptest::collection::vec(event(), 0..8);
    (events, end).prop_map(|(events, end)| Script { events, end })
}

fn play(script: &Script, feed: Feed) {
    for event in &script.events {
        feed.send(event.clone());
    }
    match script.end {
        None => feed.finish(),
        Some(kind) => feed.fail(kind),
    }
}

/// What a reader saw who left after `patience` polls, and whether anything is still held.
struct Seen {
    items: Vec<Result<Event, Error>>,
    over: bool,
    calls: (usize, usize),
    held: (usize, usize),
}

fn run(first: &Script, second: &Script, patience: usize) -> Seen {
    let (service, mut a, mut b) = two(true);
    let mut call = task::spawn(service.oneshot(question(true)));
    let (mut answer, mut items, mut over) = (None, Vec::new(), false);
    for _ in 0..patience {
        if let Some(exchange) = a.try_next() {
            play(first, exchange.stream());
        }
        if let Some(exchange) = b.try_next() {
            play(second, exchange.stream());
        }
        match &mut answer {
            None => {
                if let Poll::Ready(result) = call.poll() {
                    match result {
                        Ok(response) => answer = Some(response),
                        Err(error) => {
                            items.push(Err(error));
                            over = true;
                            break;
                        }
                    }
                }
            }
            Some(answer) => match task::spawn(answer.body_mut().next()).poll() {
                Poll::Ready(Some(item)) => items.push(item),
                Poll::Ready(None) => {
                    over = true;
                    break;
                }
                Poll::Pending => {}
            },
        }
    }
    drop((call, answer, a.try_next(), b.try_next()));
    Seen {
        items,
        over,
        calls: (a.total(), b.total()),
        held: (a.live(), b.live()),
    }
}

fn is_content(item: &Result<Event, Error>) -> bool {
    item.as_ref().is_ok_and(Event::is_content)
}

fn is_end(item: &Result<Event, Error>) -> bool {
    matches!(item, Err(_) | Ok(Event::Finish(_)))
}

fn is_seam(item: &Result<Event, Error>) -> bool {
    matches!(item, Ok(Event::Seam(_)))
}

proptest! {
    #[test]
    fn x1_continue_nothing_is_held_however_it_ends(
        first in script(),
        second in script(),
        patience in 0_usize..60,
    ) {
        prop_assert_eq!(run(&first, &second, patience).held, (0, 0));
    }

    #[test]
    fn x2_continue_there_is_one_end_and_nothing_after_it(
        first in script(),
        second in script(),
        patience in 0_usize..60,
    ) {
        let seen = run(&first, &second, patience);
        let ends = seen.items.iter().filter(|item| is_end(item)).count();
        prop_assert!(ends <= 1 && ends >= usize::from(seen.over), "one end, and it comes");
        prop_assert!(seen.items.iter().rev().skip(1).all(|item| !is_end(item)));
        // Each by the fallback, and one of them once more.
        prop_assert!(seen.calls.0 + seen.calls.1 <= 3);
        prop_assert!(seen.items.iter().filter(|item| is_seam(item)).count() <= 1);
    }

    #[test]
    fn fb4_continued_whatever_is_said_the_first_part_stands_and_usage_is_the_sum(
        first in script(),
        second in script(),
    ) {
        let seen = run(&first, &second, 200);
        prop_assert!(seen.over);
        let Some(seam) = seen.items.iter().position(is_seam) else {
            return Ok(());
        };
        let (before, after) = seen.items.split_at(seam);
        // All of the first answer but signs of life, and only text of it.
        let before: Vec<_> = before.iter().map(|item| item.as_ref().unwrap().clone()).collect();
        let told = |events: &[Event]| -> Vec<Event> {
            events.iter().filter(|event| **event != Event::Ping).cloned().collect()
        };
        prop_assert_eq!(told(&before), told(&first.events));
        prop_assert!(before.iter().all(|event| event.as_text().is_some() || !event.is_content()));
        // All content of the second, but for white space that was there before.
        let said = |events: &[Event]| -> String { events.iter().filter_map(Event::as_text).collect() };
        let rest: Vec<_> = after.iter().filter_map(|item| item.as_ref().ok().cloned()).collect();
        let (rest, second_text) = (said(&rest), said(&second.events));
        let prefix = second_text.strip_suffix(rest.as_str());
        prop_assert!(prefix.is_some_and(|cut| cut.trim().is_empty()), "{rest:?} of {second_text:?}");
        let usage = |events: &[Event]| {
            let last = |event: &Event| match event {
                Event::Usage(usage) => Some(usage.clone()),
                _ => None,
            };
            events.iter().rev().find_map(last)
        };
        let told = usage(&seen.items.iter().filter_map(|i| i.as_ref().ok().cloned()).collect::<Vec<_>>());
        let sum = match (usage(&first.events), usage(&second.events)) {
            (Some(one), Some(other)) => Some(one.plus(&other)),
            (one, other) => one.or(other),
        };
        let whole = seen.items.iter().any(|item| matches!(item, Ok(Event::Finish(FinishReason::Stop))));
        if whole {
            prop_assert_eq!(told, sum);
        }
        prop_assert!(seen.items.iter().any(is_content));
    }
}

#[test]
fn x3_continue_that_is_dropped_at_any_await_leaves_nothing_behind() {
    let text = |text: &'static str| Event::Text(text.into());
    let first = Script {
        events: vec![text("a"), Event::Ping, text("b")],
        end: Some(ErrorKind::Server),
    };
    let second = Script {
        events: vec![text("c"), Event::Usage(Usage::inclusive(1, 1))],
        end: None,
    };
    let whole = run(&first, &second, 100);
    assert!(whole.over && whole.items.iter().any(is_seam));
    for patience in 0..20 {
        assert_eq!(
            run(&first, &second, patience).held,
            (0, 0),
            "after {patience}"
        );
    }
}
