use super::{Performance, Step, arrange};
use crate::{
    fault::{Fault, Stall},
    plan::Plan,
};
use bytes::Bytes;
use http::StatusCode;
use proptest::prelude::*;
use std::time::Duration;

const TICK: Duration = Duration::from_millis(1);

fn stream(events: &[&'static str]) -> Plan {
    let items = events
        .iter()
        .map(|event| Bytes::from_static(event.as_bytes()));
    Plan::events(items.collect(), Duration::ZERO)
}

/// The steps in short: text as it is, `~` a pause, `!` a flush, `X` a cut, `R` a reset.
fn told(performance: &Performance) -> String {
    let steps = performance.steps.iter().map(|step| match step {
        Step::Data { bytes, ends_event } => {
            let end = if *ends_event { "." } else { "" };
            format!("{}{end}", String::from_utf8_lossy(bytes))
        }
        Step::Pause(_) => "~".to_owned(),
        Step::Flush => "!".to_owned(),
        Step::Cut => "X".to_owned(),
        Step::Reset => "R".to_owned(),
    });
    steps.collect()
}

fn arranged(faults: &[Fault]) -> String {
    told(&arrange(stream(&["aa", "bbb", "c"]), faults))
}

#[test]
fn nothing_happens_without_a_fault() {
    assert_eq!(arranged(&[]), "aa.bbb.c.");
}

#[test]
fn positions_count_events_and_bytes_and_stop_at_the_end() {
    assert_eq!(arranged(&[Fault::CutAfterEvents(0)]), "!X");
    assert_eq!(arranged(&[Fault::CutAfterEvents(2)]), "aa.bbb.!X");
    assert_eq!(arranged(&[Fault::CutAfterEvents(9)]), "aa.bbb.c.!X");
    assert_eq!(arranged(&[Fault::CutAfterBytes(2)]), "aa.!X");
    assert_eq!(arranged(&[Fault::CutAfterBytes(4)]), "aa.bb!X");
    assert_eq!(arranged(&[Fault::ResetAfterBytes(99)]), "aa.bbb.c.!R");
    assert_eq!(arranged(&[Fault::CleanEndAfterEvents(1)]), "aa.");
    let stall = Stall::Forever;
    assert_eq!(
        arranged(&[Fault::StallAfterBytes(3, stall.clone())]),
        "aa.b~bb.c."
    );
    assert_eq!(arranged(&[Fault::StallAfterEvents(3, stall)]), "aa.bbb.c.~");
}

#[test]
fn faults_apply_in_their_order() {
    let delay = Fault::DelayPerEvent(TICK);
    assert_eq!(
        arranged(&[delay.clone(), Fault::CutAfterEvents(1)]),
        "~aa.!X"
    );
    assert_eq!(
        arranged(&[Fault::StallAfterBytes(3, Stall::Forever), delay]),
        "~aa.~b~bb.~c."
    );
    assert_eq!(
        arranged(&[Fault::SwapEvents(0, 2), Fault::DuplicateEvent(0)]),
        "c.c.bbb.aa."
    );
}

#[test]
fn an_event_that_is_not_there_changes_nothing() {
    for fault in [
        Fault::DuplicateEvent(3),
        Fault::SwapEvents(0, 3),
        Fault::BadUtf8AfterEvents(3),
        Fault::MalformedJson(3),
    ] {
        assert_eq!(arranged(&[fault]), "aa.bbb.c.");
    }
}

#[test]
fn an_in_band_error_ends_the_stream_or_lets_it_go_on() {
    let error = Fault::in_band_error(1, serde_json::json!({}));
    assert_eq!(arranged(&[error]), "aa.data: {}\n\n.");
    let error = Fault::InBandError {
        after_events: 1,
        body: serde_json::json!({}),
        event: Some("error".to_owned()),
        goes_on: true,
    };
    assert_eq!(arranged(&[error]), "aa.event: error\ndata: {}\n\n.bbb.c.");
}

#[test]
fn broken_json_keeps_its_framing() {
    let performance = arrange(stream(&["data: {\"a\":1}\n\n"]), &[Fault::MalformedJson(0)]);
    assert_eq!(told(&performance), "data: {\"a\":1\n\n.");
}

#[test]
fn a_whole_answer_is_one_event_and_keeps_its_claimed_length() {
    let plan = || Plan::text(StatusCode::OK, "0123456789");
    let cut = arrange(plan(), &[Fault::CutAfterBytes(4)]);
    assert_eq!((told(&cut).as_str(), cut.length), ("0123!X", Some(10)));
    let ended = arrange(plan(), &[Fault::CleanEndAfterEvents(0)]);
    assert_eq!((told(&ended).as_str(), ended.length), ("", Some(0)));
    let error = arrange(
        plan(),
        &[Fault::in_band_error(0, serde_json::json!({"error": 1}))],
    );
    assert_eq!(
        (told(&error).as_str(), error.length),
        ("{\"error\":1}.", Some(11))
    );
}

proptest! {
    /// However a byte position splits the steps, what is sent before it is the same bytes.
    #[test]
    fn a_cut_leaves_exactly_the_bytes_before_it(
        sizes in proptest::collection::vec(0_usize..5, 0..6),
        at in 0_usize..30,
    ) {
        let items: Vec<Bytes> = sizes.iter().map(|size| Bytes::from(vec![b'x'; *size])).collect();
        let total: usize = sizes.iter().sum();
        let plan = Plan::events(items, Duration::ZERO);
        let cut = arrange(plan, &[Fault::CutAfterBytes(u64::try_from(at).unwrap())]);
        let sent: usize = cut.steps.iter().map(|step| match step {
            Step::Data { bytes, .. } => bytes.len(),
            _ => 0,
        }).sum();
        prop_assert_eq!(sent, at.min(total));
        prop_assert!(matches!(cut.steps.back(), Some(Step::Cut)));
    }
}
