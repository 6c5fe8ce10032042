use super::{Flight, Look};
use std::{sync::Arc, task::Poll};
use tokio_test::task;
use towline_core::{Context, Priority, Request};

fn of(tenant: Option<&'static str>, priority: Priority) -> Request {
    let context = Context::new().with_priority(priority);
    Request::new("model", "question").with_context(match tenant {
        Some(tenant) => context.with_tenant(tenant),
        None => context,
    })
}

#[test]
fn co3_equal_hashes_do_not_make_tenants_share() {
    let normal = Priority::Normal;
    let tenants = [None, Some(""), Some("a"), Some("b")];
    for own in tenants {
        let flight = Flight::new(of(own, normal), 7, 0);
        for other in tenants {
            assert_eq!(flight.join(&of(other, normal)), own == other);
        }
    }
}

#[test]
fn equal_hashes_do_not_make_questions_equal() {
    let flight = Flight::new(of(None, Priority::Normal), 7, 0);
    let other = of(None, Priority::Normal).with_model("other");
    assert!(!flight.join(&other));
    assert!(
        !flight.join(&of(None, Priority::Interactive)),
        "it may wait too long"
    );
    assert!(flight.join(&of(None, Priority::Background)));
}

#[test]
fn nobody_joins_a_call_that_is_over() {
    let request = of(None, Priority::Normal);
    let flight = Flight::new(request.clone(), 7, 0);
    assert!(flight.join(&request));
    assert!(!flight.leave());
    assert!(flight.leave(), "the last");
    assert!(!flight.join(&request));
}

#[test]
fn who_comes_while_the_call_is_polled_is_woken_where_it_rang_meanwhile() {
    let request = of(None, Priority::Normal);
    let flight = Arc::new(Flight::new(request, 7, 0));
    let (first, second) = (flight.bell().enter(), flight.bell().enter());
    let mut other = task::spawn(());
    let looked = Arc::clone(&flight);
    let waits = other.enter(|cx, _| cx.waker().clone());
    flight
        .open()
        .begin(Box::pin(std::future::poll_fn(move |cx| {
            // It rings while it is polled, and only then the second comes.
            cx.waker().wake_by_ref();
            looked.bell().wait(second, &waits);
            assert!(matches!(looked.answer(), Look::Wait));
            Poll::Pending
        })));
    let Look::Turn(turn) = flight.answer() else {
        panic!("it was never polled");
    };
    assert!(!turn.poll(first));
    assert!(other.is_woken(), "the first may never come back");
    assert!(flight.leave());
}

#[test]
fn a_turn_that_is_not_used_fails_the_call() {
    let flight = Flight::new(of(None, Priority::Normal), 7, 0);
    drop(flight.open());
    let Look::Found(Err(error)) = flight.answer() else {
        panic!("nobody makes it any more");
    };
    assert_eq!(error.refused_by(), Some("coalesce"));
}
