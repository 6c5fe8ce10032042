use super::Line;
use std::{
    future::{Future, pending, poll_fn},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll, Waker},
};
use tokio::sync::Notify;
use tokio_test::{assert_pending, assert_ready, task::spawn};

/// Counts how often the driver is polled, and keeps the waker that it is polled with.
#[derive(Clone, Default)]
struct Seen {
    polls: Arc<AtomicU32>,
    waker: Arc<Mutex<Option<Waker>>>,
}

impl Seen {
    fn note(&self, cx: &Context<'_>) -> u32 {
        *self.waker.lock().unwrap() = Some(cx.waker().clone());
        self.polls.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn polls(&self) -> u32 {
        self.polls.load(Ordering::SeqCst)
    }

    fn wake(&self) {
        self.waker.lock().unwrap().clone().unwrap().wake();
    }
}

/// A line whose driver does `act` at each of its polls.
fn line(
    act: impl Fn(u32, &mut Context<'_>) -> Poll<()> + Send + 'static,
) -> (Line, Seen, Arc<Notify>) {
    let (seen, idle) = (Seen::default(), Arc::new(Notify::new()));
    let driver = poll_fn({
        let seen = seen.clone();
        move |cx| {
            let count = seen.note(cx);
            act(count, cx)
        }
    });
    (Line::new(driver, Arc::clone(&idle)), seen, idle)
}

/// What waits for nothing that ever comes.
fn nothing(line: &mut Line) -> impl Future<Output = ()> {
    poll_fn(|cx| line.drive(cx, |_| Poll::Pending))
}

#[test]
fn what_the_driver_brings_is_there_in_the_same_poll() {
    let (mut line, seen, _) = line(|_, cx| {
        cx.waker().wake_by_ref();
        Poll::Pending
    });
    let mut reader = spawn(poll_fn(|cx| {
        line.drive(cx, |_| match seen.polls() {
            0 => Poll::Pending,
            polls => Poll::Ready(polls),
        })
    }));
    assert_eq!(assert_ready!(reader.poll()), 1);
    assert!(!reader.is_woken(), "who polls need not be woken");
}

#[test]
fn a_driver_that_has_nothing_to_do_is_polled_once_and_wakes_who_waits() {
    let (mut line, seen, _) = line(|_, _| Poll::Pending);
    let mut reader = spawn(nothing(&mut line));
    assert_pending!(reader.poll());
    assert_eq!(seen.polls(), 1);
    assert!(!reader.is_woken());
    seen.wake();
    assert!(reader.is_woken());
}

#[test]
fn who_waited_last_is_woken() {
    let (mut line, seen, _) = line(|_, _| Poll::Pending);
    let mut first = spawn(());
    first.enter(|cx, _| assert_pending!(line.drive::<()>(cx, |_| Poll::Pending)));
    let mut second = spawn(());
    second.enter(|cx, _| assert_pending!(line.drive::<()>(cx, |_| Poll::Pending)));
    seen.wake();
    assert!(!first.is_woken());
    assert!(second.is_woken());
}

#[test]
fn a_driver_that_always_has_more_to_do_lets_others_have_a_turn() {
    let (mut line, seen, _) = line(|_, cx| {
        cx.waker().wake_by_ref();
        Poll::Pending
    });
    let mut reader = spawn(nothing(&mut line));
    assert_pending!(reader.poll());
    assert_eq!(seen.polls(), u32::from(super::ROUNDS));
    assert!(reader.is_woken(), "and comes back");
}

#[test]
fn the_end_of_the_driver_is_told_by_what_waits_for_it() {
    let (mut line, seen, _) = line(|_, _| Poll::Ready(()));
    let ended = seen.clone();
    let mut reader = spawn(poll_fn(|cx| {
        line.drive(cx, |_| match ended.polls() {
            0 => Poll::Pending,
            _ => Poll::Ready("closed"),
        })
    }));
    assert_eq!(assert_ready!(reader.poll()), "closed");
    drop(reader);
    line.look();
    assert_eq!(seen.polls(), 1, "what is over is not polled again");
}

#[test]
fn an_idle_line_that_stirs_tells_who_looks_after_it() {
    let (mut line, seen, idle) = line(|_, _| Poll::Pending);
    let mut reader = spawn(nothing(&mut line));
    assert_pending!(reader.poll());
    drop(reader);
    line.take();
    line.leave();
    line.rest();
    let mut told = spawn(idle.notified());
    assert_pending!(told.poll());
    seen.wake();
    assert_ready!(told.poll());
    line.look();
    assert_eq!(seen.polls(), 2);
}

#[test]
fn what_the_last_exchange_left_to_do_is_done_before_the_line_lies_idle() {
    let (mut line, seen, idle) = line(|_, _| Poll::Pending);
    line.look();
    let mut reader = spawn(());
    // As a body does that was read to its end.
    reader.enter(|cx, _| {
        assert_ready!(line.drive(cx, |cx| {
            cx.waker().wake_by_ref();
            Poll::Ready(())
        }))
    });
    assert!(!reader.is_woken(), "who got all waits for nothing");
    line.leave();
    assert_eq!(seen.polls(), 2);
    line.rest();
    assert_pending!(spawn(idle.notified()).poll());
}

#[test]
fn what_happens_between_the_last_look_and_the_end_of_the_body_is_looked_at() {
    let (mut line, seen, _) = line(|count, cx| {
        if count == 1 {
            // It brings the end of the body, and with it a wake of its own.
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    });
    let mut reader = spawn(());
    reader.enter(|cx, _| {
        let end = line.drive(cx, |_| match seen.polls() {
            0 => Poll::Pending,
            _ => Poll::Ready(()),
        });
        assert_ready!(end);
    });
    assert_eq!(seen.polls(), 1);
    line.leave();
    assert_eq!(seen.polls(), 2, "the wake may have been of two things");
}

#[test]
fn what_happens_while_its_reader_is_busy_is_looked_at_before_it_lies_idle() {
    let (mut line, seen, _) = line(|_, _| Poll::Pending);
    line.look();
    line.take();
    let mut reader = spawn(());
    reader.enter(|cx, _| assert_ready!(line.drive(cx, |_| Poll::Ready("trailers"))));
    seen.wake();
    reader.enter(|cx, _| assert_ready!(line.drive(cx, |_| Poll::Ready("the end"))));
    line.leave();
    assert_eq!(seen.polls(), 2);
}

#[test]
fn what_stirs_on_the_way_to_the_idle_ones_is_told_to_who_looks_after_them() {
    let (mut line, seen, idle) = line(|_, _| Poll::Pending);
    line.look();
    line.take();
    line.leave();
    // As from another thread: the server closes.
    seen.wake();
    line.rest();
    assert_ready!(spawn(idle.notified()).poll());
    assert!(line.has_stirred());
    assert!(!line.has_stirred(), "it is told once");
}

#[test]
fn what_its_new_owner_does_before_he_waits_stirs_nobody() {
    let (mut line, seen, idle) = line(|_, _| Poll::Pending);
    line.look();
    line.take();
    seen.wake();
    let mut told = spawn(idle.notified());
    assert_pending!(told.poll());
    let mut reader = spawn(nothing(&mut line));
    assert_pending!(reader.poll());
    assert_eq!(seen.polls(), 2);
    seen.wake();
    assert!(reader.is_woken());
}

#[test]
fn what_stirs_between_two_polls_is_not_lost() {
    let (mut line, seen, _) = line(|_, _| Poll::Pending);
    let stir = seen.clone();
    let mut reader = spawn(poll_fn(|cx| {
        line.drive::<()>(cx, |_| {
            if stir.polls() == 1 {
                // As from another thread, after the driver was polled and before the poll ends.
                stir.wake();
            }
            Poll::Pending
        })
    }));
    assert_pending!(reader.poll());
    assert_pending!(reader.poll());
    assert!(seen.polls() >= 3);
}

#[test]
fn a_line_promises_to_be_sendable_and_shareable() {
    const fn promised<T: Send + Sync + 'static>() {}
    promised::<Line>();
    promised::<crate::ResponseBody>();
    drop(Line::new(pending(), Arc::default()));
}
