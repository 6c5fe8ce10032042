//! When a call begins, ends and is given up.

use super::bench::{Setup, hold, question, streamed, unexpected};
use std::{future::poll_fn, task::Poll};
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

pub(super) async fn no_retry(setup: &Setup) -> Result<(), String> {
    let faults = [
        Fault::status(429),
        Fault::status(500),
        Fault::status(503),
        Fault::ResetHead,
        Fault::CleanEndAfterEvents(1),
    ];
    for fault in faults {
        for request in [question(), streamed()] {
            let bench = setup.bench().await?;
            bench.sim.on(Rule::any().fault(fault.clone()));
            let first = bench.collect(request).await;
            let requests = bench.sim.stats().requests();
            hold!(
                requests == 1,
                "{fault:?}: {requests} requests for one call, {first:?}"
            );
        }
    }
    Ok(())
}
