use super::within;
use std::{
    cell::Cell,
    future::{pending, poll_fn},
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::time::{Instant, sleep};
use towline_core::{Error, ErrorKind};

const INNER: Duration = Duration::from_secs(3);
const OUTER: Duration = Duration::from_secs(10);

fn late(kind: ErrorKind) -> Error {
    Error::new(kind)
}

/// What never ends, for as long as the inner clock lets it.
async fn bounded() -> Result<(), Error> {
    let due = Instant::now() + INNER;
    let work = pin!(pending::<Result<(), Error>>());
    within(work, || Some(due), || late(ErrorKind::Overloaded)).await
}

/// Runs `work` for as long as the outer clock lets it; which clock rang, and when.
async fn outer(work: impl Future<Output = Result<(), Error>>) -> (ErrorKind, Duration) {
    let start = Instant::now();
    let due = start + OUTER;
    let work = pin!(work);
    let result = within(work, || Some(due), || late(ErrorKind::Timeout)).await;
    let took = Instant::now().saturating_duration_since(start);
    (result.unwrap_err().kind(), took)
}

#[tokio::test(start_paused = true)]
async fn the_inner_clock_rings_first_and_the_outer_one_after_what_comes_behind_it() {
    assert_eq!(outer(bounded()).await, (ErrorKind::Overloaded, INNER));
    let twice = async {
        let _late = bounded().await;
        pending().await
    };
    assert_eq!(outer(twice).await, (ErrorKind::Timeout, OUTER));
}

#[tokio::test(start_paused = true)]
async fn the_outer_clock_rings_where_the_inner_one_ends_later() {
    let work = async {
        sleep(Duration::from_secs(8)).await;
        bounded().await
    };
    assert_eq!(outer(work).await, (ErrorKind::Timeout, OUTER));
}

#[tokio::test(start_paused = true)]
async fn an_inner_clock_that_is_dropped_as_soon_as_it_is_set_wakes_nobody() {
    let work = async {
        {
            let mut dropped = pin!(bounded());
            poll_fn(|cx| {
                assert!(dropped.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
        }
        pending().await
    };
    assert_eq!(outer(work).await, (ErrorKind::Timeout, OUTER));
}

#[tokio::test(start_paused = true)]
async fn an_inner_clock_that_wakes_another_task_does_not_count() {
    let work = async {
        let mut other = pin!(bounded());
        poll_fn(|_| {
            // As an executor within this task would.
            let mut nobody = Context::from_waker(Waker::noop());
            let _polled = other.as_mut().poll(&mut nobody);
            Poll::Pending
        })
        .await
    };
    assert_eq!(outer(work).await, (ErrorKind::Timeout, OUTER));
}

#[tokio::test(start_paused = true)]
async fn of_three_clocks_each_rings_in_its_time() {
    let middle = || async {
        let due = Instant::now() + Duration::from_secs(5);
        let work = pin!(async {
            let _late = bounded().await;
            pending().await
        });
        within(work, || Some(due), || late(ErrorKind::Server)).await
    };
    assert_eq!(
        outer(middle()).await,
        (ErrorKind::Server, Duration::from_secs(5))
    );
    let twice = async {
        let _late = middle().await;
        middle().await
    };
    assert_eq!(outer(twice).await.1, OUTER);
}

#[tokio::test(start_paused = true)]
async fn an_inner_clock_that_is_put_off_beyond_the_outer_one_does_not_hold_it_up() {
    let start = Instant::now();
    let due = Cell::new(start + INNER);
    let work = async {
        let work = pin!(pending::<Result<(), Error>>());
        let asked = || {
            // Put off as often as it is looked at.
            let now = due.get();
            due.set(now + INNER + INNER);
            Some(now)
        };
        within(work, asked, || late(ErrorKind::Overloaded)).await
    };
    assert_eq!(outer(work).await, (ErrorKind::Timeout, OUTER));
}

#[tokio::test(start_paused = true)]
async fn an_inner_clock_that_rang_and_has_no_moment_any_more_wakes_nobody() {
    let due = Instant::now() + INNER;
    let work = async {
        let work = pin!(pending::<Result<(), Error>>());
        let asked = || Some(due).filter(|due| Instant::now() < *due);
        within(work, asked, || late(ErrorKind::Overloaded)).await
    };
    assert_eq!(outer(work).await, (ErrorKind::Timeout, OUTER));
}
