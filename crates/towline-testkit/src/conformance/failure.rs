//! Failures that the provider reports.

use super::{
    Dialect,
    bench::{Bench, Setup, hold, hold_kind, question, streamed, unexpected},
};
use std::time::Duration;
use towline_core::{ErrorKind, Event, Request};
use towline_sim::{Fault, Reply, Rule};

/// What a status means where the body says nothing else.
const STATUSES: &[(u16, ErrorKind)] = &[
    (400, ErrorKind::InvalidRequest),
    (401, ErrorKind::Auth),
    (403, ErrorKind::Permission),
    (404, ErrorKind::NotFound),
    (408, ErrorKind::Timeout),
    (409, ErrorKind::Server),
    (413, ErrorKind::TooLarge),
    (418, ErrorKind::InvalidRequest),
    (422, ErrorKind::InvalidRequest),
    (429, ErrorKind::RateLimit),
    (500, ErrorKind::Server),
    (501, ErrorKind::Unsupported),
    (502, ErrorKind::Server),
    (503, ErrorKind::Overloaded),
    (504, ErrorKind::Timeout),
    (529, ErrorKind::Overloaded),
    (599, ErrorKind::Server),
];

pub(super) async fn error_status(setup: &Setup) -> Result<(), String> {
    let bench = setup.bench().await?;
    for request in [question(), streamed()] {
        for (status, kind) in STATUSES {
            // Only the servers of OpenAI's dialects have a meaning for 501.
            if *status == 501 && !setup.dialect.is_openai() {
                continue;
            }
            bench.once(Rule::any().fault(Fault::status(*status)));
            let error = bench.fails(request.clone()).await?;
            hold_kind(&error, &[*kind]).map_err(|reason| format!("{status}: {reason}"))?;
            hold!(
                error.status() == Some(*status),
                "the status is missing in {error:?}"
            );
            hold!(error.provider().is_some(), "no provider in {error:?}");
            hold!(error.model().is_some(), "no model in {error:?}");
        }
        let wait = Fault::status(429).with_header("retry-after", "7");
        bench.once(Rule::any().fault(wait));
        let error = bench.fails(request).await?;
        let wait = error.retry_after();
        hold!(wait == Some(Duration::from_secs(7)), "the wait is {wait:?}");
    }
    Ok(())
}

pub(super) async fn foreign_body(setup: &Setup) -> Result<(), String> {
    const HTML: &str = "<!DOCTYPE html><html><body>Bad gateway</body></html>";
    let bench = setup.bench().await?;
    for request in [question(), streamed()] {
        let html = |status| Reply::raw(status, [("content-type", "text/html")], HTML);
        bench.reply_once(html(502));
        let error = bench.fails(request.clone()).await?;
        hold_kind(&error, &[ErrorKind::Server])?;

        bench.reply_once(html(200));
        let error = bench.fails(request.clone()).await?;
        hold_kind(&error, &[ErrorKind::Protocol])?;
        let said = error.report().to_string();
        hold!(
            said.contains("text/html"),
            "the content type is not named: {said}"
        );

        let nothing = [("content-type", "application/json")];
        bench.reply_once(Reply::raw(500, nothing, ""));
        hold_kind(&bench.fails(request.clone()).await?, &[ErrorKind::Server])?;
        only_an_error(&bench, request).await?;
    }
    let empty = [("content-type", "application/json")];
    bench.reply_once(Reply::raw(200, empty, ""));
    let error = bench.fails(question()).await?;
    hold_kind(&error, &[ErrorKind::Protocol, ErrorKind::Truncated])?;
    no_stream(setup, &bench, HTML).await
}

/// What calls itself a stream of events and is none: a page, nothing at all, or the JSON of an error
/// as it stands, on one line or on many.
async fn no_stream(setup: &Setup, bench: &Bench, html: &str) -> Result<(), String> {
    let kind = match setup.dialect {
        Dialect::Ollama => "application/x-ndjson",
        _ => "text/event-stream",
    };
    for body in [html, "", "\n\n"] {
        bench.reply_once(Reply::raw(200, [("content-type", kind)], body.to_owned()));
        let error = bench.fails(streamed()).await?;
        hold_kind(&error, &[ErrorKind::Protocol, ErrorKind::Truncated])
            .map_err(|why| format!("{body:?} as {kind}: {why}"))?;
    }
    let error = setup.dialect.server_error();
    for body in [
        format!("{error}"),
        format!("{error:#}"),
        format!("{error}\n"),
    ] {
        bench.reply_once(Reply::raw(200, [("content-type", kind)], body.clone()));
        let error = bench.fails(streamed()).await?;
        // JSON on many lines is no line of JSON.
        let kinds: &[ErrorKind] = match setup.dialect {
            Dialect::Ollama => &[ErrorKind::Server, ErrorKind::Protocol],
            _ => &[ErrorKind::Server],
        };
        hold_kind(&error, kinds).map_err(|why| format!("{body:?} as {kind}: {why}"))?;
        hold!(
            error.is_retryable() || error.kind() == ErrorKind::Protocol,
            "{error:?}"
        );
        hold!(error.provider().is_some(), "no provider in {error:?}");
    }
    Ok(())
}

/// Status 200, and in the body nothing but an error.
async fn only_an_error(bench: &Bench, request: Request) -> Result<(), String> {
    bench.once(Rule::any().fault(Fault::in_band_status(0, 500)));
    let error = bench.fails(request).await?;
    hold_kind(&error, &[ErrorKind::Server])
}

/// What an error inside a stream is about is known as it is outside.
async fn of_each_kind(bench: &Bench) -> Result<(), String> {
    for (status, kinds) in [
        (429, &[ErrorKind::RateLimit][..]),
        (500, &[ErrorKind::Server]),
        // Some dialects have no word for it.
        (529, &[ErrorKind::Overloaded, ErrorKind::Server]),
    ] {
        bench.once(Rule::any().fault(Fault::in_band_status(0, status)));
        let error = bench.fails(streamed()).await?;
        hold_kind(&error, kinds).map_err(|why| format!("{status} inside a stream: {why}"))?;
        hold!(error.is_retryable(), "{status} inside a stream: {error:?}");
    }
    Ok(())
}

pub(super) async fn in_band_error(setup: &Setup) -> Result<(), String> {
    let bench = setup.bench().await?;
    let reply = || Reply::text("one two three");
    bench.reply_once(reply());
    bench.whole(streamed()).await?;
    let events = bench
        .sim
        .journal()
        .last()
        .map_or(0, towline_sim::Exchange::events_sent);
    let events = usize::try_from(events).unwrap_or(0);
    hold!(events > 3, "the simulator sent {events} events");
    // Behind the terminal event an error has no meaning any more.
    for after in 0..events {
        for goes_on in [false, true] {
            let fault = Fault::InBandStatus {
                after_events: after,
                status: 500,
                goes_on,
            };
            bench.once(Rule::any().respond(reply()).fault(fault));
            let read = bench.read(streamed()).await;
            read.ends_properly()?;
            let place = format!("error after {after} events, goes on: {goes_on}");
            let error = read
                .end
                .as_ref()
                .err()
                .ok_or_else(|| format!("{place}: succeeds"))?;
            hold_kind(error, &[ErrorKind::Server]).map_err(|why| format!("{place}: {why}"))?;
            let kept = error.partial().map(|partial| partial.text().into_owned());
            let kept = kept.unwrap_or_default();
            hold!(
                kept == read.text(),
                "{place}: kept {kept:?}, delivered {:?}",
                read.text()
            );
            let delivered = read.events.iter().any(Event::is_content);
            hold!(
                error.is_retryable() != delivered,
                "{place}: retryable is {}",
                error.is_retryable()
            );
        }
    }
    of_each_kind(&bench).await?;
    // The client is still of use.
    bench.reply_once(reply());
    bench.whole(streamed()).await.map_err(unexpected)?;
    Ok(())
}
