//! When a call begins, ends and is given up.

use super::bench::{Setup, hold, question, streamed, unexpected};
use std::{future::poll_fn, task::Poll, time::Duration};
use towline_core::Event;
use towline_sim::{Exchange, Fault, Reply, Rule, Simulator, Stall};

pub(super) async fn cancellation(setup: &Setup) -> Result<(), String> {
    let bench = setup.bench().await?;
    // A stream that is dropped between its events.
    let rule = Rule::any().respond(Reply::text("one two three four five six seven eight"));
    bench.once(rule.fault(Fault::StallAfterEvents(6, Stall::Forever)));
    let mut response = bench.call(streamed()).await.map_err(unexpected)?;
    loop {
        match response.body_mut().next().await {
            Some(Ok(Event::Text(_))) => break,
            Some(Ok(_)) => {}
            other => return Err(format!("the stream ends early: {other:?}")),
        }
    }
    hold!(
        !cancelled(&bench.sim),
        "the exchange ended before it was dropped"
    );
    drop(response);
    bench.sim.wait_for(cancelled).await;

    // A call that is dropped while it waits for the head.
    for request in [question(), streamed()] {
        let before = bench.sim.stats().requests();
        bench.once(Rule::any().fault(Fault::StallHead(Stall::Forever)));
        let mut call = Box::pin(bench.call(request));
        let mut arrived = Box::pin(bench.sim.wait_for(|sim| sim.stats().requests() > before));
        poll_fn(|cx| {
            if call.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err("a call without a head has ended".to_owned()));
            }
            arrived.as_mut().poll(cx).map(Ok)
        })
        .await?;
        drop(call);
        bench.sim.wait_for(cancelled).await;
    }

    // The client is still of use.
    bench.reply_once(Reply::text("fine"));
    bench.whole(streamed()).await?;
    Ok(())
}

/// Whether the client left the newest exchange before its end.
fn cancelled(sim: &Simulator) -> bool {
    let journal = sim.journal();
    journal.last().is_some_and(Exchange::cancelled)
}

/// Longer than any wait before another attempt, and shorter than the patience of the suite.
const LATER: Duration = Duration::from_secs(90);

/// All failures meet one client, and each is over before the next begins: whatever was tried again, at
/// once or later, met an answer in between and is one request too many in the end.
pub(super) async fn no_retry(setup: &Setup) -> Result<(), String> {
    let faults = [
        Fault::status(429).with_header("retry-after", "1"),
        Fault::status(500),
        Fault::status(503),
        Fault::ResetHead,
        Fault::CleanEndAfterEvents(1),
        Fault::in_band_status(1, 500),
    ];
    let bench = setup.bench().await?;
    let mut calls = 0;
    for fault in faults {
        for request in [question(), streamed()] {
            bench.once(Rule::any().fault(fault.clone()));
            let first = bench.collect(request).await;
            calls += 1;
            let requests = bench.sim.stats().requests();
            hold!(
                requests == calls,
                "{fault:?}: {requests} requests for {calls} calls, {first:?}"
            );
        }
    }
    // What was put off is due now.
    tokio::time::pause();
    tokio::time::advance(LATER).await;
    tokio::time::resume();
    // It has a whole exchange's time to arrive.
    bench.whole(streamed()).await?;
    let requests = bench.sim.stats().requests();
    hold!(
        requests == calls + 1,
        "{requests} requests for {} calls: some were sent again later",
        calls + 1
    );
    Ok(())
}
