//! The key goes to the provider and nowhere else.

use super::bench::{Bench, Setup, hold, hold_kind, question, streamed, unexpected};
use serde_json::json;
use std::error::Error as StdError;
use towline_core::{Error, ErrorKind, Request};
use towline_sim::{Fault, Reply, Rule};

/// A key that no text holds by chance.
const KEY: &str = "sk-planted-5f1d7c0a93e2b846d1";

pub(super) async fn key_stays_secret(setup: &Setup) -> Result<(), String> {
    let bench = setup.bench_with_key(KEY).await?;
    let response = bench.call(question()).await.map_err(unexpected)?;
    hold_silent("the response", &format!("{response:?}"))?;
    let answer = response.collect().await.map_err(unexpected)?;
    hold_silent("the answer", &format!("{answer:?}"))?;

    for request in [question(), streamed()] {
        echoed(&bench, &request).await?;
        let faults = [
            Fault::status(401),
            Fault::status(500),
            Fault::ResetHead,
            Fault::CutAfterBytes(10),
            Fault::MalformedJson(0),
            Fault::BadUtf8AfterEvents(0),
        ];
        for fault in faults {
            bench.once(Rule::any().fault(fault));
            hold_silent_error(&bench.fails(request.clone()).await?)?;
        }
        let nowhere = setup.bench_nowhere(KEY).await?;
        let error = nowhere.fails(request).await?;
        hold_kind(&error, &[ErrorKind::Transport])?;
        hold_silent_error(&error)?;
    }

    // Without the key the provider refuses: it was the key that let the first call through.
    let stranger = setup.bench().await?;
    let wants_key = setup.bench_with_key(KEY).await?;
    stranger.once(Rule::any().fault(Fault::status(401)));
    hold_kind(&stranger.fails(question()).await?, &[ErrorKind::Auth])?;
    wants_key.whole(question()).await?;
    Ok(())
}

/// A provider that repeats the key in its error, as some do.
async fn echoed(bench: &Bench, request: &Request) -> Result<(), String> {
    let body = json!({"error": {
        "message": format!("Incorrect API key provided: {KEY}. You can find yours online."),
        "type": "invalid_request_error",
        "param": null,
        "code": "invalid_api_key",
    }});
    let html = format!("<html><body>denied: {KEY}</body></html>");
    let rules = [
        Rule::any().fault(Fault::status(401).with_body(body.clone())),
        Rule::any().fault(Fault::status(403).with_body(html)),
        Rule::any().fault(Fault::in_band_error(0, body.clone())),
        Rule::any().fault(Fault::in_band_error(2, body)),
        Rule::any().respond(Reply::raw(200, [("content-type", "text/html")], KEY)),
    ];
    for rule in rules {
        bench.once(rule);
        hold_silent_error(&bench.fails(request.clone()).await?)?;
    }
    Ok(())
}

/// Neither the error nor anything in its chain shows the key, in either form of print.
fn hold_silent_error(error: &Error) -> Result<(), String> {
    hold_silent(
        "an error",
        &format!("{error} {error:?} {error:#?} {}", error.report()),
    )?;
    let mut cause = error.source();
    while let Some(source) = cause {
        hold_silent("the source of an error", &format!("{source} {source:?}"))?;
        cause = source.source();
    }
    Ok(())
}

fn hold_silent(what: &str, printed: &str) -> Result<(), String> {
    // Not even in part: the second half would do.
    let half = KEY.get(KEY.len() / 2..).unwrap_or(KEY);
    hold!(!printed.contains(half), "{what} shows the key: {printed}");
    Ok(())
}
