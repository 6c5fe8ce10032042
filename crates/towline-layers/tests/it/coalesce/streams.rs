//! A streamed answer, read by several.

use super::{call, coalesced};
use crate::support::{Feed, question, upstream};
use std::time::Duration;
use tokio::time::{Instant, advance};
use tokio_test::{assert_pending, assert_ready, task};
use tower::Layer;
use towline_core::{Clock, Context, ErrorKind, Event, Response, Usage};
use towline_layers::coalesce::CoalesceLayer;

/// What can be read now.
fn read(answer: &mut Response) -> Vec<Event> {
    let mut events = Vec::new();
    loop {
        let mut next = task::spawn(answer.body_mut().next());
        match next.poll() {
            std::task::Poll::Ready(Some(event)) => events.push(event.unwrap()),
            _ => return events,
        }
    }
}

fn words(events: &[Event]) -> String {
    events.iter().filter_map(Event::as_text).collect()
}

#[tokio::test(start_paused = true)]
async fn co1_a_stream_is_given_to_each_from_its_start() {
    let (service, mut handle) = coalesced();
    let mut first = call(&service, question(true));
    assert_pending!(first.poll());
    let feed = handle.next().await.stream();
    let mut first = assert_ready!(first.poll()).unwrap();
    feed.text("a");
    feed.text("b");
    assert_eq!(words(&read(&mut first)), "ab");
    let mut late = call(&service, question(true));
    let mut late = assert_ready!(late.poll()).unwrap();
    assert_eq!(words(&read(&mut late)), "ab", "told again");
    feed.text("c");
    feed.send(Event::Usage(Usage::inclusive(3, 4)));
    feed.finish();
    for answer in [first, late] {
        let whole = answer.collect().await.unwrap();
        assert_eq!(whole.text(), "abc");
        assert_eq!(whole.usage().unwrap().total(), Some(7));
    }
    assert_eq!((handle.total(), service.under_way()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn co2_a_stream_goes_on_when_its_first_reader_leaves() {
    let (service, mut handle) = coalesced();
    let mut first = call(&service, question(true));
    let mut second = call(&service, question(true));
    assert_pending!(first.poll());
    assert_pending!(second.poll());
    let feed = handle.next().await.stream();
    let mut first = assert_ready!(first.poll()).unwrap();
    let second = assert_ready!(second.poll()).unwrap();
    feed.text("half");
    assert_eq!(words(&read(&mut first)), "half");
    drop(first);
    assert!(!feed.is_abandoned());
    feed.text(" and half");
    feed.finish();
    assert_eq!(second.collect().await.unwrap().text(), "half and half");
}

#[tokio::test(start_paused = true)]
async fn co2_a_stream_is_closed_with_its_last_reader() {
    let (service, mut handle) = coalesced();
    let mut calls = [question(true), question(true)].map(|request| call(&service, request));
    assert_pending!(calls[0].poll());
    let feed = handle.next().await.stream();
    let answers = calls
        .each_mut()
        .map(|call| assert_ready!(call.poll()).unwrap());
    feed.text("half");
    drop(answers);
    assert!(feed.is_abandoned());
    assert_eq!((handle.live(), service.under_way()), (0, 0));
}

/// A stream with two readers, whose buffer holds some ten pieces.
async fn two_readers() -> (Feed, Response, Response, CoalescedUpstream) {
    let (model, mut handle) = upstream();
    let piece = size_of::<Event>() + 1;
    let service = CoalesceLayer::new().with_buffer(10 * piece).layer(model);
    let mut calls = [question(true), question(true)].map(|request| call(&service, request));
    assert_pending!(calls[0].poll());
    let feed = handle.next().await.stream();
    let [fast, slow] = calls
        .each_mut()
        .map(|call| assert_ready!(call.poll()).unwrap());
    (feed, fast, slow, service)
}

type CoalescedUpstream = towline_layers::coalesce::Coalesce<crate::support::Upstream>;

#[tokio::test(start_paused = true)]
async fn co4_a_slow_reader_stalls_nobody_and_is_given_up_at_the_bound() {
    let (feed, mut fast, mut slow, service) = two_readers().await;
    for _ in 0..10 {
        feed.text("x");
        assert_eq!(words(&read(&mut fast)), "x");
    }
    assert_eq!(
        words(&read(&mut slow)),
        "xxxxxxxxxx",
        "the buffer holds ten"
    );
    for _ in 0..11 {
        feed.text("y");
        assert_eq!(words(&read(&mut fast)), "y", "nobody is waited for");
    }
    let error = slow.body_mut().next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated);
    assert_eq!(error.refused_by(), Some("coalesce"));
    assert_eq!(error.partial().unwrap().text(), "xxxxxxxxxx");
    assert!(slow.body_mut().next().await.is_none());
    feed.finish();
    assert!(fast.collect().await.is_ok());
    drop(slow);
    assert_eq!(service.under_way(), 0);
}

#[tokio::test(start_paused = true)]
async fn co4_a_reader_that_is_alone_reads_at_his_pace() {
    let (feed, fast, mut slow, _service) = two_readers().await;
    drop(fast);
    for _ in 0..100 {
        feed.text("x");
    }
    feed.finish();
    let events = read(&mut slow);
    assert_eq!(words(&events).len(), 100);
}

#[tokio::test(start_paused = true)]
async fn co4_nobody_joins_an_answer_whose_start_is_gone() {
    let (feed, mut fast, _slow, service) = two_readers().await;
    for _ in 0..11 {
        feed.text("x");
    }
    assert_eq!(read(&mut fast).len(), 11);
    let _own = call(&service, question(true));
    assert_eq!(service.under_way(), 2);
}

#[tokio::test(start_paused = true)]
async fn co4_a_reader_who_was_woken_and_does_not_read_stalls_nobody() {
    let (service, mut handle) = coalesced();
    let mut calls = [question(true), question(true)].map(|request| call(&service, request));
    assert_pending!(calls[0].poll());
    let feed = handle.next().await.stream();
    let [mut idle, mut eager] = calls
        .each_mut()
        .map(|call| assert_ready!(call.poll()).unwrap());
    let mut waits = task::spawn(idle.body_mut().next());
    assert_pending!(waits.poll());
    let mut next = task::spawn(eager.body_mut().next());
    assert_pending!(next.poll());
    feed.text("x");
    assert!(waits.is_woken() && next.is_woken());
    assert!(assert_ready!(next.poll()).unwrap().is_ok());
    drop(next);
    feed.text("y");
    assert_eq!(words(&read(&mut eager)), "y");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_off_breaks_off_for_each_after_what_arrived() {
    let (service, mut handle) = coalesced();
    let mut calls = [question(true), question(true)].map(|request| call(&service, request));
    assert_pending!(calls[0].poll());
    let feed = handle.next().await.stream();
    let [mut ahead, behind] = calls
        .each_mut()
        .map(|call| assert_ready!(call.poll()).unwrap());
    feed.text("half");
    assert_eq!(words(&read(&mut ahead)), "half");
    feed.fail(ErrorKind::Server);
    for answer in [ahead, behind] {
        let error = answer.collect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Server);
        assert_eq!(error.partial().unwrap().text(), "half");
        assert!(!error.is_retryable());
    }
    assert_eq!((handle.live(), service.under_way()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_the_reading_of_its_caller_alone() {
    let (service, mut handle) = coalesced();
    let deadline = Instant::now() + Duration::from_secs(1);
    let short = question(true).with_context(Context::new().with_deadline(deadline));
    let mut calls = [short, question(true)].map(|request| call(&service, request));
    assert_pending!(calls[0].poll());
    let feed = handle.next().await.stream();
    let [mut short, mut long] = calls
        .each_mut()
        .map(|call| assert_ready!(call.poll()).unwrap());
    feed.text("a");
    assert_eq!(words(&read(&mut short)), "a");
    advance(Duration::from_millis(1_001)).await;
    let error = short.body_mut().next().await.unwrap().unwrap_err();
    assert_eq!(error.clock(), Some(Clock::Total));
    assert_eq!(error.partial().unwrap().text(), "a");
    feed.text("b");
    assert_eq!(words(&read(&mut long)), "ab");
}
