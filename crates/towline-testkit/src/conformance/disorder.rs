//! Events that come twice or in each other's place.
//!
//! Nobody can tell a piece of text that came twice from two that are equal, where events have no
//! numbers. So what was said may hold one piece twice, or two neighbours in each other's place, or
//! lack the one that came behind the end: that and nothing else, or there is an error.

use super::{
    Dialect,
    bench::{Bench, Read, Setup, hold, streamed},
};
use serde_json::json;
use towline_core::{CompletionOptions, Event, ToolSpec, Usage};
use towline_sim::{Fault, Reply, Rule, ToolCall};

/// Pieces that differ from each other, so that each is known again.
const TEXT: &str = "one two three four five six";

pub(super) async fn disordered_events(setup: &Setup) -> Result<(), String> {
    let bench = setup.bench().await?;
    let whole = read(&bench, || Reply::text(TEXT), None).await?;
    hold!(whole.end.is_ok(), "undamaged, it ends with {:?}", whole.end);
    for event in 0..events(&bench)? {
        let fault = Fault::DuplicateEvent(event);
        let twice = read(&bench, || Reply::text(TEXT), Some(fault)).await?;
        hold_twice(&whole, &twice).map_err(|why| format!("event {event} twice: {why}"))?;
        let fault = Fault::SwapEvents(event, event + 1);
        let swapped = read(&bench, || Reply::text(TEXT), Some(fault)).await?;
        hold_swapped(&whole, &swapped).map_err(|why| format!("event {event} late: {why}"))?;
    }
    calls(setup, &bench).await
}

async fn read(
    bench: &Bench,
    reply: impl Fn() -> Reply,
    fault: Option<Fault>,
) -> Result<Read, String> {
    let rule = Rule::any().respond(reply());
    bench.once(match fault {
        Some(fault) => rule.fault(fault),
        None => rule,
    });
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}});
    let tools = [ToolSpec::new("weather", "The weather.", &schema)];
    let options = CompletionOptions::new().with_tools(tools);
    let read = bench.read(streamed().with_options(options)).await;
    read.ends_properly()?;
    let starts = read.events.iter();
    let starts = starts.filter(|event| matches!(event, Event::Start(_)));
    hold!(starts.count() <= 1, "begins more than once: {read:?}");
    Ok(read)
}

/// How many events the newest answer had.
fn events(bench: &Bench) -> Result<usize, String> {
    let last = bench.sim.journal().pop().ok_or("the journal is empty")?;
    let events = usize::try_from(last.events_sent()).unwrap_or(usize::MAX);
    hold!(events > 1, "the simulator sent {events} events");
    Ok(events)
}

fn pieces(read: &Read) -> Vec<&str> {
    read.events.iter().filter_map(Event::as_text).collect()
}

fn hold_twice(whole: &Read, twice: &Read) -> Result<(), String> {
    if twice.end.is_err() {
        return Ok(());
    }
    let (before, after) = (pieces(whole), pieces(twice));
    let double = before.iter().enumerate().any(|(place, piece)| {
        let mut doubled = before.clone();
        doubled.insert(place, piece);
        doubled == after
    });
    hold!(after == before || double, "the text is {:?}", twice.text());
    let (before, after) = (usage_of(whole), usage_of(twice));
    hold!(after == before, "the usage is {after:?}, not {before:?}");
    Ok(())
}

fn hold_swapped(whole: &Read, swapped: &Read) -> Result<(), String> {
    if swapped.end.is_err() {
        return Ok(());
    }
    let (before, mut after) = (pieces(whole), pieces(swapped));
    if after.len() + 1 == before.len() {
        after.extend(before.last());
    }
    let moved = (before.iter().zip(&after)).filter(|(one, other)| one != other);
    let moved: Vec<_> = moved.collect();
    let exchanged = match moved.as_slice() {
        [] => true,
        [(a, b), (c, d)] => a == d && b == c,
        _ => false,
    };
    hold!(
        after.len() == before.len() && exchanged,
        "the text is {:?}",
        swapped.text()
    );
    // What came behind the end is not counted.
    let said = usages(whole);
    let counted = usages(swapped);
    hold!(
        counted.iter().all(|usage| said.contains(usage)),
        "the usage is {counted:?}"
    );
    Ok(())
}

/// A call stays one call, of the tool that was called.
async fn calls(setup: &Setup, bench: &Bench) -> Result<(), String> {
    let reply =
        || Reply::tool_calls([ToolCall::new("weather", json!({"n": 42})).with_id("call_a")]);
    let whole = read(bench, reply, None).await?;
    hold!(whole.end.is_ok(), "undamaged, it ends with {:?}", whole.end);
    for event in 0..events(bench)? {
        for fault in [
            Fault::DuplicateEvent(event),
            Fault::SwapEvents(event, event + 1),
        ] {
            let place = format!("{fault:?}");
            let rule = Rule::any().respond(reply()).fault(fault);
            bench.once(rule);
            let Ok(answer) = bench.collect(streamed()).await else {
                continue;
            };
            let names: Vec<&str> = answer.tool_calls().map(|call| call.name()).collect();
            // Calls without ids that come twice are two.
            let most = if setup.dialect == Dialect::Ollama {
                2
            } else {
                1
            };
            hold!(
                names.len() <= most && names.iter().all(|name| *name == "weather"),
                "{place}: the calls are {names:?}"
            );
        }
    }
    Ok(())
}

/// The last word on usage.
fn usage_of(read: &Read) -> Option<Usage> {
    usages(read).pop()
}

/// All that was said about usage. The estimate depends on nothing but the question and the answer, which
/// are the same each time.
fn usages(read: &Read) -> Vec<Usage> {
    let usages = read.events.iter().filter_map(|event| match event {
        Event::Usage(usage) => Some(usage.clone()),
        _ => None,
    });
    usages.collect()
}
