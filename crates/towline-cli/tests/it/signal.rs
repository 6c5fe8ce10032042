//! Signals stop the program and the exchange.

use crate::program::{Ended, Program};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::json;
use std::time::Duration;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::Child,
    time::timeout,
};
use towline_sim::{Fault, Outcome, Reply, Rule, Simulator, SseEvent, Stall, ToolCall};

pub(crate) fn send(child: &Child, signal: Signal) {
    let id = i32::try_from(child.id().unwrap()).unwrap();
    kill(Pid::from_raw(id), signal).unwrap();
}

/// Interrupts a call that will not end by itself.
async fn interrupted(fault: Fault, args: &[&str], signal: Signal) -> Ended {
    let sim = Simulator::start().await.unwrap();
    sim.on(Rule::any().fault(fault));
    let child = Program::with(&sim).command(args).spawn().unwrap();
    sim.wait_for(|sim| sim.stats().requests() == 1).await;
    send(&child, signal);
    let ended = Ended::of(child.wait_with_output().await.unwrap());
    sim.wait_for(|sim| sim.journal()[0].outcome() == Outcome::ClientLeft)
        .await;
    ended.expect(130)
}

#[tokio::test]
async fn ctrl_c_cancels_the_call_before_its_head() {
    let ended = interrupted(
        Fault::StallHead(Stall::Forever),
        &["chat", "Hi"],
        Signal::SIGINT,
    )
    .await;
    assert_eq!(
        (ended.stdout.as_str(), ended.stderr.as_str()),
        ("", "cancelled\n")
    );
}

#[tokio::test]
async fn ctrl_c_cancels_a_stream() {
    let fault = Fault::StallAfterEvents(2, Stall::Forever);
    interrupted(fault, &["chat", "Hi"], Signal::SIGINT).await;
}

#[tokio::test]
async fn a_closed_terminal_and_a_request_to_terminate_cancel_too() {
    for signal in [Signal::SIGHUP, Signal::SIGTERM] {
        interrupted(
            Fault::StallAfterEvents(2, Stall::Forever),
            &["chat", "Hi"],
            signal,
        )
        .await;
    }
}

#[tokio::test]
async fn a_cancelled_call_is_an_object_for_a_program() {
    let fault = Fault::StallHead(Stall::Forever);
    let ended = interrupted(fault, &["chat", "--json", "Hi"], Signal::SIGINT).await;
    assert_eq!(ended.json()["error"]["kind"], "cancelled");
    assert_eq!(ended.json()["error"]["provider"], serde_json::Value::Null);
}

#[tokio::test]
async fn validate_can_be_cancelled() {
    interrupted(
        Fault::StallHead(Stall::Forever),
        &["validate"],
        Signal::SIGINT,
    )
    .await;
}

/// The exit code of a program whose output nobody reads beyond its first byte, after `signals`.
async fn unread(reply: Reply, args: &[&str], is_notice: bool, signals: &[Signal]) -> (i32, String) {
    let sim = Simulator::start().await.unwrap();
    sim.on(Rule::any().respond(reply));
    let mut child = Program::with(&sim).command(args).spawn().unwrap();
    let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let (mut pipe, other): (Box<dyn AsyncRead + Unpin>, Box<dyn AsyncRead + Unpin>) = if is_notice {
        (Box::new(stderr), Box::new(stdout))
    } else {
        (Box::new(stdout), Box::new(stderr))
    };
    // It is writing, and a pipe does not hold what it writes.
    let first = pipe.read_u8().await.unwrap();
    for signal in signals {
        send(&child, *signal);
    }
    let status = timeout(Duration::from_secs(30), child.wait()).await;
    let code = status.expect("it ends").unwrap().code().unwrap_or(-1);
    let mut rest = vec![first];
    pipe.read_to_end(&mut rest).await.unwrap();
    drop(other);
    (code, String::from_utf8_lossy(&rest).into_owned())
}

const LONG: usize = 1_000_000;

#[tokio::test]
async fn an_answer_that_nobody_reads_does_not_keep_the_program_alive() {
    let args = ["chat", "--no-stream", "--json", "Hi"];
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let reply = Reply::text("x".repeat(LONG));
        let (code, read) = unread(reply, &args, false, &[signal]).await;
        assert_eq!(code, 130);
        assert!(read.starts_with("{\"id\""), "{}", &read[..40]);
        assert!(!read.contains("cancelled"), "there is one object only");
    }
    let text = Reply::text("x".repeat(LONG));
    let (code, _) = unread(text, &["chat", "Hi"], false, &[Signal::SIGINT]).await;
    assert_eq!(code, 130);
}

#[tokio::test]
async fn an_error_that_nobody_reads_does_not_keep_the_program_alive() {
    let delta = json!({"choices": [{"index": 0, "delta": {"content": "x".repeat(LONG / 10)}}]});
    let cut = || Reply::sse((0..10).map(|_| SseEvent::data(delta.clone())));
    let args = ["chat", "--json", "Hi"];
    for signals in [
        &[Signal::SIGINT][..],
        &[Signal::SIGINT, Signal::SIGINT, Signal::SIGTERM],
    ] {
        let (code, read) = unread(cut(), &args, false, signals).await;
        assert_eq!(code, 130);
        assert!(read.starts_with("{\"error\""), "{}", &read[..40]);
    }
}

#[tokio::test]
async fn a_notice_that_nobody_reads_does_not_keep_the_program_alive() {
    let call = || ToolCall::new("weather", json!({"city": "x".repeat(LONG)}));
    for signals in [
        &[Signal::SIGTERM][..],
        &[Signal::SIGINT, Signal::SIGINT, Signal::SIGTERM],
    ] {
        let reply = Reply::tool_calls([call()]);
        let (code, read) = unread(reply, &["chat", "Hi"], true, signals).await;
        assert_eq!(code, 130);
        assert!(read.starts_with("the model asks"), "{}", &read[..40]);
    }
}
