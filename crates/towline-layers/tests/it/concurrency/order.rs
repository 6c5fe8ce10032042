//! Who is next.

use super::{SECOND, bound, call, limit, with};
use crate::support::Handle;
use std::collections::BTreeMap;
use tokio::time::advance;
use tokio_test::{assert_pending, assert_ready_ok};
use towline_core::{Context, Priority};
use towline_layers::concurrency::ConcurrencyLayer;

/// Whose call is under way.
fn served(handle: &mut Handle) -> (Option<String>, Priority, Option<crate::support::Exchange>) {
    let exchange = handle.try_next().expect("a call");
    let context = exchange.request.context();
    let tenant = context.tenant().map(str::to_owned);
    (tenant, context.priority(), Some(exchange))
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_calls_of_one_tenant_do_not_delay_the_first_of_another() {
    let (mut service, mut handle, slots) = bound(&ConcurrencyLayer::new(limit(1)));
    let of =
        |tenant: &'static str| with(Context::new().with_tenant(tenant).with_token_estimate(500));
    let mut calls: Vec<_> = (0..10_000)
        .map(|_| call(&mut service, of("large")))
        .collect();
    for call in &mut calls {
        assert_pending!(call.poll());
    }
    let mut small = call(&mut service, of("small"));
    assert_pending!(small.poll());
    let mut before = 0;
    loop {
        let (tenant, _, exchange) = served(&mut handle);
        if tenant.as_deref() == Some("small") {
            break;
        }
        before += 1;
        exchange.unwrap().reply("whole");
        assert_ready_ok!(calls[before - 1].poll());
        if calls[before].is_woken() {
            assert_pending!(calls[before].poll());
        } else {
            assert!(small.is_woken());
            assert_pending!(small.poll());
        }
    }
    assert!(
        before <= 7,
        "{before} calls went before it: a quantum and one call"
    );
    assert_eq!(slots.waiting(), 10_000 - before);
}

#[tokio::test(start_paused = true)]
async fn every_priority_gets_its_share_and_old_calls_a_larger_one() {
    for (age, expected) in [(0, [1, 4, 16]), (60, [7, 7, 7])] {
        let (mut service, mut handle, _slots) = bound(&ConcurrencyLayer::new(limit(1)));
        let of = |priority| {
            with(
                Context::new()
                    .with_priority(priority)
                    .with_token_estimate(10),
            )
        };
        let mut holder = call(&mut service, of(Priority::Normal));
        assert_pending!(holder.poll());
        let mut calls = Vec::new();
        for priority in [
            Priority::Background,
            Priority::Normal,
            Priority::Interactive,
        ] {
            calls.extend((0..50).map(|_| call(&mut service, of(priority))));
        }
        for call in &mut calls {
            assert_pending!(call.poll());
        }
        advance(age * SECOND).await;
        served(&mut handle).2.unwrap().reply("whole");
        assert_ready_ok!(holder.poll());
        let mut shares = BTreeMap::<Priority, u32>::new();
        for _ in 0..21 {
            let mut next = calls.iter_mut().filter(|call| call.is_woken());
            assert_pending!(next.next().unwrap().poll());
            let (_, priority, exchange) = served(&mut handle);
            *shares.entry(priority).or_default() += 1;
            exchange.unwrap().reply("whole");
            let at = calls.iter().position(|call| call.is_woken()).unwrap();
            assert_ready_ok!(calls.remove(at).poll());
        }
        let shares: Vec<_> = shares.into_values().collect();
        assert_eq!(shares, expected, "after {age} s");
    }
}

#[tokio::test(start_paused = true)]
async fn calls_of_one_tenant_are_served_in_the_order_of_their_arrival() {
    let (mut service, mut handle, _slots) = bound(&ConcurrencyLayer::new(limit(2)));
    let mut calls = Vec::new();
    for number in 0..20_u64 {
        let mut call = call(&mut service, with(Context::new().with_seed(number)));
        assert_pending!(call.poll());
        calls.push(call);
    }
    for number in 0..20 {
        let exchange = handle.try_next().unwrap();
        assert_eq!(exchange.request.context().seed(), number);
        exchange.reply("whole");
        assert_ready_ok!(calls.remove(0).poll());
        if let Some(next) = calls.get_mut(1) {
            assert!(next.is_woken());
            assert_pending!(next.poll());
        }
    }
}
