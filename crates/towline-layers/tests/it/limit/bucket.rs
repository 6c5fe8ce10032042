//! The bucket of one key, asked by itself.

use super::{SECOND, requests, store::far_bucket};
use std::time::Duration;
use tokio::time::{Instant, advance};
use towline_core::Moment;
use towline_layers::limit::{
    Booking, Bucket, Demand, Dimension, Key, LocalBucket, LocalStore, Quotas, Rules, Store, Verdict,
};

fn local(quotas: Quotas) -> LocalBucket {
    LocalStore::new(Rules::new(quotas)).bucket(&Key::default())
}

fn is_granted(bucket: &LocalBucket, demand: &Demand) -> bool {
    matches!(
        bucket.admit_now(demand, None, &Moment::new()),
        Some(Verdict::Granted(_))
    )
}

#[tokio::test(start_paused = true)]
async fn its_level_is_what_could_be_taken_now() {
    let bucket = local(requests(1, 5));
    assert_eq!(bucket.level(Dimension::Requests), Some(5));
    assert_eq!(bucket.level(Dimension::Tokens), None, "not limited");
    assert!(is_granted(&bucket, &Demand::call()));
    assert!(is_granted(&bucket, &Demand::call()));
    assert_eq!(bucket.level(Dimension::Requests), Some(3));
    advance(SECOND).await;
    assert_eq!(bucket.level(Dimension::Requests), Some(4));
}

/// Streams are told of one by one, where whole answers are settled in one step.
#[tokio::test(start_paused = true)]
async fn what_was_served_is_where_the_guess_of_a_rate_starts() {
    for (served, pace) in [(10, SECOND * 60 / 540), (0, SECOND * 60 / 6)] {
        let bucket = local(Quotas::unlimited());
        for _ in 0..served {
            bucket.served();
        }
        bucket.rejected(&Demand::call(), Some(SECOND), true);
        advance(SECOND).await;
        assert!(is_granted(&bucket, &Demand::call()));
        let wait = bucket.wait(&Demand::call(), &Demand::default()).unwrap();
        let off = wait.abs_diff(pace);
        assert!(off < Duration::from_millis(1), "{served} served: {wait:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_has_to_ask_somebody_knows_nothing_at_once() {
    let bucket = far_bucket(requests(10, 2));
    let call = Demand::call();
    assert!(bucket.admit_now(&call, None, &Moment::new()).is_none());
    assert_eq!(bucket.wait(&call, &Demand::default()), None);
    let booking = Booking::new(call, Instant::now() + SECOND);
    assert_eq!(bucket.wait_to_pass(&call, &booking), None);
}

#[test]
fn debug_is_its_name() {
    let bucket = local(Quotas::unlimited());
    assert_eq!(format!("{bucket:?}"), "LocalBucket { .. }");
}
