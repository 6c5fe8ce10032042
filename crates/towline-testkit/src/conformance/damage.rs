//! Answers that are damaged on their way.

use super::{
    Dialect,
    bench::{Bench, Read, Setup, hold, hold_kind, question, streamed},
};
use towline_core::{ErrorKind, Event};
use towline_sim::{Fault, Reply, Rule};

/// Short, because every byte of its stream is cut once, and with letters of two to four bytes.
const TEXT: &str = "Zwölf 東 🦀";

/// How many events and bytes the whole answer has.
async fn extent(bench: &Bench) -> Result<(usize, u64), String> {
    bench.reply_once(Reply::text(TEXT));
    bench.whole(streamed()).await?;
    let last = bench.sim.journal().pop().ok_or("the journal is empty")?;
    let events = usize::try_from(last.events_sent()).unwrap_or(usize::MAX);
    hold!(events > 3, "the simulator sent {events} events");
    Ok((events, last.bytes_sent()))
}

async fn damaged(bench: &Bench, fault: Fault) -> Result<Read, String> {
    bench.once(Rule::any().respond(Reply::text(TEXT)).fault(fault));
    let read = bench.read(streamed()).await;
    read.ends_properly()?;
    Ok(read)
}

/// A stream that did not arrive whole: an error of one of `kinds`, with what arrived.
fn hold_broken(read: &Read, kinds: &[ErrorKind], place: &str) -> Result<(), String> {
    let Err(error) = &read.end else {
        return Err(format!("{place}: succeeds with {:?}", read.text()));
    };
    hold_kind(error, kinds).map_err(|reason| format!("{place}: {reason}"))?;
    let delivered = read.text();
    let kept = error.partial().map(|partial| partial.text().into_owned());
    let kept = kept.unwrap_or_default();
    hold!(
        kept == delivered,
        "{place}: kept {kept:?}, delivered {delivered:?}"
    );
    hold!(
        TEXT.starts_with(&kept),
        "{place}: kept {kept:?} was never said"
    );
    let content = read.events.iter().any(Event::is_content);
    let retryable = error.is_retryable();
    hold!(
        retryable != content,
        "{place}: retryable is {retryable}, {read:?}"
    );
    Ok(())
}

pub(super) async fn truncation(setup: &Setup) -> Result<(), String> {
    let bench = setup.bench().await?;
    let (events, bytes) = extent(&bench).await?;
    for after in 0..events {
        let read = damaged(&bench, Fault::CleanEndAfterEvents(after)).await?;
        hold_broken(
            &read,
            &[ErrorKind::Truncated],
            &format!("end after {after} events"),
        )?;
        let read = damaged(&bench, Fault::CutAfterEvents(after)).await?;
        hold_broken(
            &read,
            &[ErrorKind::Truncated],
            &format!("cut after {after} events"),
        )?;
    }
    let unframed = u64::from(!setup.dialect.has_framed_end());
    for after in 0..bytes - unframed {
        let read = damaged(&bench, Fault::CutAfterBytes(after)).await?;
        hold_broken(
            &read,
            &[ErrorKind::Truncated],
            &format!("cut after {after} bytes"),
        )?;
    }
    // An answer that is no stream: an error of any of the kinds that say so.
    for after in [0, 1, 20, 100] {
        let cut = Rule::any()
            .respond(Reply::text(TEXT))
            .fault(Fault::CutAfterBytes(after));
        bench.once(cut);
        let error = bench.fails(question()).await?;
        hold_kind(&error, &[ErrorKind::Truncated, ErrorKind::Transport])?;
    }
    Ok(())
}

pub(super) async fn reset(setup: &Setup) -> Result<(), String> {
    let kinds = [ErrorKind::Transport, ErrorKind::Truncated];
    let bench = setup.bench().await?;
    let (_, bytes) = extent(&bench).await?;
    for request in [question(), streamed()] {
        bench.once(Rule::any().fault(Fault::ResetHead));
        let error = bench.fails(request).await?;
        hold_kind(&error, &[ErrorKind::Transport])?;
        hold!(
            error.is_retryable(),
            "a reset before the head can be tried again: {error:?}"
        );
    }
    for after in (0..bytes).step_by(97) {
        let read = damaged(&bench, Fault::ResetAfterBytes(after)).await?;
        // A reset may overtake bytes that were sent before it.
        hold_broken(&read, &kinds, &format!("reset after {after} bytes"))?;
    }
    Ok(())
}

pub(super) async fn bad_utf8(setup: &Setup) -> Result<(), String> {
    spoiled(setup, Fault::BadUtf8AfterEvents).await
}

pub(super) async fn malformed_json(setup: &Setup) -> Result<(), String> {
    spoiled(setup, Fault::MalformedJson).await
}

/// Each event in turn cannot be read. The terminal one is then no terminal event.
async fn spoiled(setup: &Setup, fault: fn(usize) -> Fault) -> Result<(), String> {
    let bench = setup.bench().await?;
    let (events, _) = extent(&bench).await?;
    // The name of the last event may say all there is to say.
    let last = usize::from(setup.dialect == Dialect::Anthropic);
    for event in 0..events - last {
        let read = damaged(&bench, fault(event)).await?;
        let place = format!("event {event}");
        hold_broken(&read, &[ErrorKind::Protocol, ErrorKind::Truncated], &place)?;
        if event + 1 < events {
            hold_broken(&read, &[ErrorKind::Protocol], &place)?;
        }
    }
    bench.once(Rule::any().respond(Reply::text(TEXT)).fault(fault(0)));
    let error = bench.fails(question()).await?;
    hold_kind(&error, &[ErrorKind::Protocol])
}

pub(super) async fn wrong_content_length(setup: &Setup) -> Result<(), String> {
    let kinds = [
        ErrorKind::Protocol,
        ErrorKind::Transport,
        ErrorKind::Truncated,
    ];
    let bench = setup.bench().await?;
    for off_by in [-20, -1, 1, 1000] {
        let fault = Fault::WrongContentLength(off_by);
        bench.once(Rule::any().respond(Reply::text(TEXT)).fault(fault));
        let error = bench.fails(question()).await;
        let error = error.map_err(|reason| format!("off by {off_by}: {reason}"))?;
        hold_kind(&error, &kinds)?;
        // What was left on the connection is not taken for the next answer.
        bench.reply_once(Reply::text("another answer"));
        let next = bench.whole(question()).await?;
        hold!(
            next.text() == "another answer",
            "the next text is {:?}",
            next.text()
        );
    }
    Ok(())
}
