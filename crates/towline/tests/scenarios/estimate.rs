//! Calls that use more or less than was estimated, or do not say.

use crate::support::{Model, SECOND, attempts, client, client_of, question, row, since, used};
use serde_json::json;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};
use towline::Client;
use towline_core::{Context, Error};
use towline_sim::{Reply, Rule, Simulator, SseEvent};

const MILLI: Duration = Duration::from_millis(1);

/// What a provider counts, in tokens, of which 1,000 flow in a second. It is charged what a call will
/// have used when the call comes.
#[derive(Debug)]
struct Account {
    most: i128,
    level: i128,
    at: Instant,
    lowest: i128,
}

impl Account {
    fn charge(&mut self, tokens: u64) {
        let refill = i128::try_from(since(self.at).as_millis()).unwrap();
        self.level = (self.level + refill).min(self.most) - i128::from(tokens);
        (self.at, self.lowest) = (Instant::now(), self.lowest.min(self.level));
    }
}

/// A client with such a limit, of so many at once, and what its provider counts. Its calls take so long,
/// and use as many tokens as their seed says.
async fn accounted(refund: &str, most: u32, time: Duration) -> (Client, Arc<Mutex<Account>>) {
    let account = Arc::new(Mutex::new(Account {
        most: most.into(),
        level: most.into(),
        at: Instant::now(),
        lowest: most.into(),
    }));
    let charged = Arc::clone(&account);
    let model = Model::new(move |request| {
        let tokens = request.context().seed();
        charged.lock().unwrap().charge(tokens);
        async move {
            sleep(time).await;
            Ok(used(tokens))
        }
    });
    let refund = format!("limit.refund={refund}");
    let burst = format!("limit.burst={}", f64::from(most) / 60_000.0);
    let keys = [
        "limit.tokens_per_minute=60000",
        "timeout.total=off",
        &refund,
        &burst,
    ];
    (client_of(&[&model], &keys).await, account)
}

/// So many calls that are estimated at 1,000 tokens and use `tokens`.
fn using(client: &Client, calls: usize, tokens: u64) -> JoinSet<()> {
    let call = move |client: Client| async move {
        let context = Context::new().with_token_estimate(1000).with_seed(tokens);
        let request = question().with_context(context);
        client.call(request).await.map(drop).unwrap();
    };
    let calls = (0..calls).map(|_| call(client.clone()));
    calls.collect()
}

#[tokio::test(start_paused = true)]
async fn scenario_26_what_was_estimated_too_low_is_paid_first() {
    let (client, account) = accounted("replay", 6000, MILLI * 100).await;
    let start = Instant::now();
    using(&client, 60, 5000).join_all().await;
    let (took, lowest) = (since(start), account.lock().unwrap().lowest);
    // Six are under way before anybody knows, and no more.
    assert!(lowest >= 6000 - 6 * 5000, "{lowest}");
    // When the last one comes, 59 are paid for and 1,000 are there.
    let last = SECOND * (59 * 5 + 1 - 6);
    assert!((last..last + SECOND).contains(&took), "{took:?}");
    row(
        "26",
        "x5: debt",
        format!("{took:.1?} of 290 s, lowest {lowest}"),
    );
}

#[tokio::test(start_paused = true)]
async fn scenario_26_what_was_estimated_too_high_comes_back() {
    for refund in ["replay", "min-deficit"] {
        let (client, account) = accounted(refund, 60_000, SECOND * 90).await;
        let start = Instant::now();
        using(&client, 200, 50).join_all().await;
        let (took, lowest) = (since(start), account.lock().unwrap().lowest);
        assert!(lowest >= 0, "{refund}: {lowest}");
        // 60 go at once and one a second. When the first end after 90 s, they make room for the last 50;
        // if nothing came back, those would take 50 s more.
        let last = SECOND * (90 + 90);
        assert!((last..last + SECOND).contains(&took), "{refund}: {took:?}");
        row(
            "26",
            "/20: refund without overdraft",
            format!("{refund}: {took:.1?} of 180 s, lowest {lowest}"),
        );
    }
}

#[tokio::test(start_paused = true)]
async fn scenario_26_what_has_flowed_in_meanwhile_does_not_come_back() {
    for (refund, safe) in [("replay", true), ("min-deficit", true), ("naive", false)] {
        let (client, account) = accounted(refund, 6000, SECOND * 90).await;
        let _early = using(&client, 6, 50);
        // The bucket is full again, and those that come now use what is estimated. A second later the
        // first six end.
        sleep(SECOND * 89).await;
        let start = Instant::now();
        using(&client, 60, 1000).join_all().await;
        let (took, lowest) = (since(start), account.lock().unwrap().lowest);
        assert_eq!(lowest >= 0, safe, "{refund}: {lowest}");
        let last = SECOND * (60 - 6 + 90);
        let exact = (last..last + SECOND).contains(&took);
        assert_eq!(exact, safe, "{refund}: {took:?}");
        row(
            "26",
            "/20: what flowed in meanwhile is not given twice",
            format!("{refund}: {took:.1?} of 144 s, lowest {lowest}"),
        );
    }
}

/// An answer of two events, that says what it used or does not.
fn hello(says_usage: bool) -> Reply {
    let chunk = |delta, reason, usage| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": reason});
        let chunk = json!({"id": "c", "model": "sim-chat", "choices": [choice], "usage": usage});
        SseEvent::data(chunk)
    };
    let usage = json!({"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20});
    let usage = says_usage.then_some(usage);
    Reply::sse([
        chunk(
            json!({"content": "Hello to all of you."}),
            json!(null),
            None,
        ),
        chunk(json!({}), json!("stop"), usage),
        SseEvent::done(),
    ])
}

#[tokio::test]
async fn scenario_27_where_usage_is_missing_the_reservation_is_kept_and_flagged() {
    // 600 of 1,000 tokens are reserved, and of 600 more there are 200 too few unless some come back.
    let keys = [
        "limit.tokens_per_minute=1000",
        "limit.mode=reject",
        // When another limit is learnt, what was under way keeps its reservation whatever it says.
        "limit.learn=false",
        "retry.max_attempts=1",
    ];
    let mut waits = Vec::new();
    for (says_usage, leaves, keeps) in [
        (true, false, false),
        (false, false, true),
        (true, true, true),
    ] {
        let sim = Simulator::start().await.unwrap();
        sim.on(Rule::any().respond(hello(says_usage)));
        let client = client(&[&sim], &keys).await;
        let context = Context::new().with_token_estimate(600);
        let request = question().with_stream(true).with_context(context);
        let answer = client.call(request.clone()).await.unwrap();
        let journey = answer.head().journey().unwrap().clone();
        match leaves {
            true => drop(answer),
            false => drop(answer.collect().await.unwrap()),
        }
        let attempt = &attempts(&journey)[0];
        assert_eq!(attempt.is_estimate(), keeps, "{attempt:?}");
        assert!(attempt.tokens().unwrap() > 0, "{attempt:?}");
        let again = client.call(request).await.map(drop);
        let refused = again.as_ref().err().and_then(Error::refused_by);
        assert_eq!(refused, keeps.then_some("limit"), "{again:?}");
        let wait = again.err().and_then(|error| error.retry_after());
        waits.extend(wait);
        // 200 tokens and what the answer may take flow in in 12 s, of which the test may take some.
        let range = SECOND * 8..=SECOND * 13;
        assert_eq!(
            wait.is_some_and(|wait| range.contains(&wait)),
            keeps,
            "{wait:?}"
        );
    }
    let [first, second] = waits[..] else {
        panic!("two were refused: {waits:?}")
    };
    row(
        "27",
        "reservation kept, flagged",
        format!(
            "600 of 1,000 booked, flagged as estimate; 600 more in {first:.1?}, and in {second:.1?} where the \
             caller left (some 12 s where nothing came back)"
        ),
    );
}
