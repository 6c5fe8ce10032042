use super::{HEAD_START, race};
use std::{future, time::Duration};
use tokio::time::{Instant, sleep};

const TICK: Duration = Duration::from_millis(1);

async fn after(time: Duration, result: Result<u8, u8>) -> Result<u8, u8> {
    sleep(time).await;
    result
}

#[tokio::test(start_paused = true)]
async fn the_first_family_has_a_head_start() {
    let first = after(HEAD_START - TICK, Ok(1));
    assert_eq!(race(first, future::ready(Ok(2))).await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn a_slow_first_family_is_overtaken() {
    let start = Instant::now();
    let first = future::pending::<Result<u8, u8>>();
    assert_eq!(race(first, after(TICK, Ok(2))).await, Ok(2));
    assert_eq!(Instant::now() - start, HEAD_START + TICK);
}

#[tokio::test(start_paused = true)]
async fn a_failed_first_family_gives_way_at_once() {
    let start = Instant::now();
    let first = after(TICK, Err(1));
    assert_eq!(race(first, after(TICK, Ok(2))).await, Ok(2));
    assert_eq!(Instant::now() - start, TICK * 2);
}

#[tokio::test(start_paused = true)]
async fn the_first_error_is_told_when_both_fail() {
    let first = after(HEAD_START * 2, Err(1));
    assert_eq!(race(first, after(TICK, Err(2))).await, Err(1));
    assert_eq!(race(after(TICK, Err(1)), after(TICK, Err(2))).await, Err(1));
}
