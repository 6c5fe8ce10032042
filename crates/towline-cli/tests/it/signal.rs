//! Signals stop the program and the exchange.

use crate::program::{Ended, Program};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::process::Child;
use towline_sim::{Fault, Outcome, Rule, Simulator, Stall};

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
