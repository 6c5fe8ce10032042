//! Whatever happens in whatever order, nothing is left behind.

use super::{COOLDOWN, SECOND, config, guarded_by, n, succeeds, trip};
use crate::support::{Exchange, Feed, Way, failed, paused, question};
use proptest::prelude::*;
use tokio::time::advance;
use tokio_test::{assert_pending, task};
use tower::ServiceExt;
use towline_core::{ErrorKind, Response};
use towline_layers::breaker::BreakerState;

/// Something that happens to one of the calls under way, or to time.
#[derive(Clone, Copy, Debug)]
enum Happening {
    Ask {
        streamed: bool,
    },
    Answer {
        which: usize,
        kind: Option<ErrorKind>,
    },
    End {
        which: usize,
        kind: Option<ErrorKind>,
    },
    Drop {
        which: usize,
    },
    Pass {
        seconds: u32,
    },
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let kind = prop_oneof![
        3 => Just(None),
        4 => Just(Some(ErrorKind::Server)),
        1 => Just(Some(ErrorKind::RateLimit)),
        1 => Just(Some(ErrorKind::InvalidRequest)),
    ];
    let which = 0..8_usize;
    let happening = prop_oneof![
        4 => any::<bool>().prop_map(|streamed| Happening::Ask { streamed }),
        3 => (which.clone(), kind.clone()).prop_map(|(which, kind)| Happening::Answer { which, kind }),
        3 => (which.clone(), kind).prop_map(|(which, kind)| Happening::End { which, kind }),
        2 => which.prop_map(|which| Happening::Drop { which }),
        1 => (0..20_u32).prop_map(|seconds| Happening::Pass { seconds }),
    ];
    prop::collection::vec(happening, 0..80)
}

type Calling = task::Spawn<
    std::pin::Pin<Box<dyn Future<Output = Result<Response, towline_core::Error>> + Send>>,
>;

/// One call, as far as it has come.
struct Call {
    calling: Option<Calling>,
    exchange: Option<Exchange>,
    feed: Option<Feed>,
    response: Option<Response>,
}

impl Call {
    fn poll(&mut self) {
        if let Some(calling) = &mut self.calling
            && let std::task::Poll::Ready(result) = calling.poll()
        {
            self.calling = None;
            self.response = result.ok();
        }
    }

    fn answer(&mut self, kind: Option<ErrorKind>) {
        match (self.exchange.take(), kind) {
            (Some(exchange), Some(kind)) => exchange.answer(Err(failed(kind))),
            (Some(exchange), None) if exchange.request.stream() => {
                self.feed = Some(exchange.stream());
            }
            (Some(exchange), None) => exchange.reply("well"),
            (None, _) => {}
        }
        self.poll();
    }
}

async fn run(way: Way, happenings: &[Happening]) {
    let probes = 2;
    let config = config().with_probes(n(probes)).with_successes(n(2));
    let (breaker, service, mut handle) = guarded_by(way, config);
    let mut calls: Vec<Call> = Vec::new();
    for happening in happenings {
        match *happening {
            Happening::Ask { streamed } => {
                let calling = Box::pin(service.clone().oneshot(question(streamed)));
                let mut call = Call {
                    calling: Some(task::spawn(calling as _)),
                    exchange: None,
                    feed: None,
                    response: None,
                };
                call.poll();
                call.exchange = handle.try_next();
                calls.push(call);
            }
            Happening::Answer { which, kind } => {
                if let Some(call) = calls.get_mut(which) {
                    call.answer(kind);
                }
            }
            Happening::End { which, kind } => {
                if let Some(call) = calls.get_mut(which)
                    && let (Some(feed), Some(mut response)) =
                        (call.feed.take(), call.response.take())
                {
                    match kind {
                        Some(kind) => feed.fail(kind),
                        None => feed.finish(),
                    }
                    while response.body_mut().next().await.is_some() {}
                }
            }
            Happening::Drop { which } => {
                if which < calls.len() {
                    calls.remove(which);
                }
            }
            Happening::Pass { seconds } => advance(SECOND * seconds).await,
        }
        assert!(breaker.status().probes() <= probes);
    }
    drop(calls);
    assert_eq!(breaker.status().probes(), 0, "no slot is left taken");
    assert_eq!(handle.live(), 0);
    // And it works as ever: whatever it is now, it can be brought back.
    breaker.force_half_open();
    for _ in 0..2 {
        assert!(succeeds(&breaker).await.is_ok());
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
}

proptest! {
    #[test]
    fn x1_breaker_gives_every_slot_back_whatever_happens(happenings in happenings()) {
        let runtime = paused();
        for way in Way::BOTH {
            runtime.block_on(run(way, &happenings));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn x3_breaker_frees_the_slot_of_a_probe_that_is_dropped_anywhere() {
    for (way, steps) in Way::BOTH
        .into_iter()
        .flat_map(|way| (0..5).map(move |n| (way, n)))
    {
        let (breaker, service, mut handle) = guarded_by(way, config());
        trip(&breaker).await;
        advance(COOLDOWN).await;
        let mut probe = task::spawn(service.clone().oneshot(question(true)));
        let mut kept = (None, None);
        if steps > 0 {
            assert_pending!(probe.poll());
            assert_eq!(breaker.status().probes(), 1);
        }
        if steps > 1 {
            kept.0 = Some(handle.next().await.stream());
        }
        if steps > 2 {
            let response = tokio_test::assert_ready!(probe.poll()).unwrap();
            assert_eq!(breaker.status().probes(), 1, "the body is the call");
            kept.1 = Some(response);
        }
        if steps > 3
            && let (Some(feed), Some(response)) = &mut kept
        {
            feed.text("first");
            assert!(response.body_mut().next().await.unwrap().is_ok());
        }
        drop(probe);
        drop(kept);
        assert_eq!(breaker.status().probes(), 0, "{way:?}, after {steps} steps");
        assert!(succeeds(&breaker).await.is_ok(), "the next one may try");
    }
}
