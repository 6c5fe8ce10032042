//! What is asked through it.

use super::{COOLDOWN, SECOND, config, guarded_by, trip};
use crate::support::{Way, question};
use tokio::time::advance;
use tokio_test::{assert_pending, assert_ready, assert_ready_err, task};
use tower::ServiceExt;
use towline_core::ErrorKind;
use towline_layers::breaker::BreakerState;

#[tokio::test(start_paused = true)]
async fn asked_it_counts_failures_and_opens_and_closes_as_it_does_called() {
    for way in Way::BOTH {
        let (breaker, service, mut handle) = guarded_by(way, config());
        let ask = || task::spawn(service.clone().oneshot(question(false)));
        for _ in 0..3 {
            let mut call = ask();
            assert_pending!(call.poll());
            handle.next().await.fail(ErrorKind::Server);
            assert_eq!(assert_ready_err!(call.poll()).kind(), ErrorKind::Server);
        }
        assert_eq!(breaker.state(), BreakerState::Open, "{way:?}");
        let error = assert_ready_err!(ask().poll());
        let told = (error.refused_by(), error.retry_after());
        assert_eq!(told, (Some("breaker"), Some(COOLDOWN)), "{way:?}");
        advance(COOLDOWN).await;
        let mut probe = ask();
        assert_pending!(probe.poll());
        assert_eq!((breaker.status().probes(), handle.total()), (1, 4));
        handle.next().await.reply("well");
        assert!(assert_ready!(probe.poll()).is_ok());
        assert_eq!(breaker.state(), BreakerState::Closed, "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn asked_it_follows_a_stream_to_its_end_as_it_does_called() {
    for (way, whole) in Way::BOTH
        .into_iter()
        .flat_map(|way| [(way, true), (way, false)])
    {
        let (breaker, service, mut handle) = guarded_by(way, config());
        trip(&breaker).await;
        advance(COOLDOWN + SECOND).await;
        let mut probe = task::spawn(service.clone().oneshot(question(true)));
        assert_pending!(probe.poll());
        let feed = handle.next().await.stream();
        let answer = assert_ready!(probe.poll()).unwrap();
        feed.text("half");
        assert_eq!(breaker.state(), BreakerState::HalfOpen, "{way:?}");
        match whole {
            true => feed.finish(),
            false => feed.fail(ErrorKind::Server),
        }
        assert_eq!(answer.collect().await.is_ok(), whole);
        let expected = match whole {
            true => BreakerState::Closed,
            false => BreakerState::Open,
        };
        assert_eq!(breaker.state(), expected, "{way:?}");
    }
}
