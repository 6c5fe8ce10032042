//! Limits of providers and of tenants.

use crate::support::{
    MINUTE, Model, SECOND, client_at, client_of, failed, question, row, since, used, whole,
};
use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{Instant, sleep},
};
use towline_core::{Context, ErrorKind, Request, task};

const MILLI: Duration = Duration::from_millis(1);

/// The most in any tenth of a second.
fn peak(asked: &[Instant]) -> usize {
    let within = |from: &Instant| {
        asked
            .iter()
            .filter(|at| *at >= from && **at < *from + MILLI * 100)
            .count()
    };
    asked.iter().map(within).max().unwrap_or(0)
}

/// A server's own bucket: so many a second, and as many at once.
#[derive(Debug)]
struct Bucket {
    rate: u32,
    full_at: Instant,
    asked: Vec<Instant>,
}

impl Bucket {
    fn new(rate: u32) -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Self {
            rate,
            full_at: Instant::now(),
            asked: Vec::new(),
        }))
    }

    /// Takes one, or says how many whole seconds later one more would pass.
    fn take(&mut self) -> Result<(), u64> {
        let now = Instant::now();
        self.asked.push(now);
        let full_at = self.full_at.max(now) + SECOND / self.rate;
        let over = full_at.saturating_duration_since(now + SECOND);
        if over > Duration::ZERO {
            return Err(over.as_secs() + 1);
        }
        self.full_at = full_at;
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn scenario_11_after_a_429_the_whole_key_waits_and_drains_smoothly() {
    let start = Instant::now();
    let blocked = SECOND * 2;
    let model = Model::new(move |_| async move {
        let at = since(start);
        sleep(MILLI * 20).await;
        match at < blocked {
            true => Err(failed(ErrorKind::RateLimit).with_retry_after(blocked)),
            false => Ok(whole("a")),
        }
    });
    // 50 a second, 30 at once: more rejections in a row than open the breaker of one deployment among
    // others. Alone, the calls only have to wait.
    let keys = ["limit.requests_per_minute=3000", "limit.burst=0.01"];
    let client = client_of(&[&model], &keys).await;
    let mut calls = JoinSet::new();
    for _ in 0..400 {
        let client = client.clone();
        calls.spawn(async move { client.complete("Hi").await.is_ok() });
    }
    let passed = calls.join_all().await.into_iter().filter(|ok| *ok).count();
    assert_eq!(passed, 400);
    let asked = model.asked();
    let early = |at: &&Instant| at.saturating_duration_since(start) < MILLI * 100;
    let late: Vec<Instant> = asked
        .iter()
        .copied()
        .filter(|at| since_of(start, *at) >= blocked)
        .collect();
    let rejected = asked.iter().filter(early).count();
    assert_eq!(
        rejected + late.len(),
        asked.len(),
        "nothing was sent while the key waited"
    );
    assert!(asked.len() * 10 <= passed * 11, "{} requests", asked.len());
    assert!(peak(&late) <= 5 + 1, "{}", peak(&late));
    row(
        "11",
        "whole key waits, requests <= 1.1x admitted",
        format!(
            "{} requests for {passed}, peak {} per 100 ms afterwards",
            asked.len(),
            peak(&late)
        ),
    );
}

fn since_of(start: Instant, at: Instant) -> Duration {
    at.saturating_duration_since(start)
}

fn of_tenant(tenant: &'static str) -> Request {
    let context = Context::new().with_tenant(tenant);
    question().with_context(context.with_token_estimate(1000))
}

#[tokio::test(start_paused = true)]
async fn scenario_24_a_tenant_with_one_call_does_not_wait_behind_ten_thousand() {
    let model = Model::answering(MILLI);
    let keys = [
        "limit.requests_per_minute=600",
        "limit.burst=0.01",
        "limit.max_queued=20000",
        "timeout.total=off",
    ];
    let client = client_of(&[&model], &keys).await;
    let mut large = JoinSet::new();
    for _ in 0..10_000 {
        let client = client.clone();
        large.spawn(async move { client.call(of_tenant("large")).await.map(drop) });
    }
    sleep(SECOND * 30).await;
    let (start, before) = (Instant::now(), model.calls());
    client.call(of_tenant("small")).await.unwrap();
    let (took, ahead) = (since(start), model.calls() - before - 1);
    // A new tenant starts one quantum behind, which is 2,048 tokens: two calls and a bit.
    assert!(ahead <= 3 && took <= MILLI * 400, "{ahead} {took:?}");
    row(
        "24",
        "waits <= 1 quantum",
        format!("{took:.0?} at 10 calls/s, {ahead} calls went first"),
    );
}

fn of_tokens(tokens: u64) -> Request {
    question().with_context(Context::new().with_token_estimate(tokens))
}

#[tokio::test(start_paused = true)]
async fn scenario_25_a_large_call_is_served_by_its_booked_time_among_small_ones() {
    let model = Model::new(|request| async move {
        let tokens = request.context().token_estimate().unwrap_or(0);
        Ok(used(tokens))
    });
    let keys = ["limit.tokens_per_minute=200000", "timeout.total=off"];
    let client = client_of(&[&model], &keys).await;
    // Three times as many small ones as fit.
    let small = client.clone();
    let stream = task::spawn(async move {
        let mut calls = JoinSet::new();
        loop {
            let small = small.clone();
            calls.spawn(async move { small.call(of_tokens(1000)).await.map(drop) });
            sleep(MILLI * 100).await;
        }
    });
    sleep(MINUTE).await;
    let start = Instant::now();
    client.call(of_tokens(150_000)).await.unwrap();
    let took = since(start);
    drop(stream);
    // In the first minute 600,000 tokens came and 400,000 were served: 200,000 are ahead of it and take
    // a minute, and its own take 45 s.
    assert!(took <= SECOND * 106, "{took:?}");
    row(
        "25",
        "served by its booked time",
        format!("served after {took:.1?}, booked for 105 s"),
    );
}

#[tokio::test(start_paused = true)]
async fn scenario_35_two_thousand_calls_at_once_are_no_herd() {
    let bucket = Bucket::new(50);
    let server = Arc::clone(&bucket);
    let model = Model::new(move |_| {
        let taken = server.lock().unwrap().take();
        async move {
            sleep(MILLI * 20).await;
            let limited = |wait| failed(ErrorKind::RateLimit).with_retry_after(SECOND * wait);
            taken
                .map_err(|wait| limited(u32::try_from(wait).unwrap()))
                .map(|()| whole("a"))
        }
    });
    // 95 % of the server's rate, and its burst.
    let keys = [
        "limit.requests_per_minute=2850",
        "limit.burst=0.0175",
        "limit.max_queued=10000",
    ];
    let client = client_of(&[&model], &keys).await;
    let start = Instant::now();
    let mut calls = JoinSet::new();
    for _ in 0..2000 {
        let client = client.clone();
        calls.spawn(async move { client.complete("Hi").await.is_ok() });
    }
    let passed = calls.join_all().await.into_iter().filter(|ok| *ok).count();
    let (sent, peak) = (model.calls(), peak(&model.asked()));
    assert_eq!(passed, 2000);
    assert!(sent <= 2100, "{sent}");
    assert!(peak <= 50 + 5, "{peak} in a tenth of a second");
    row(
        "35",
        "requests <= 1.05x, peak <= burst + rate t",
        format!(
            "{sent} requests, peak {peak} per 100 ms, {:.0?}",
            since(start)
        ),
    );
}

/// Answers what comes on one connection.
async fn serve(mut socket: TcpStream, bucket: Arc<Mutex<Bucket>>) -> io::Result<()> {
    let (read, mut write) = socket.split();
    let mut read = BufReader::new(read);
    loop {
        let (mut line, mut length) = (String::new(), 0);
        while line != "\r\n" {
            line.clear();
            if read.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        read.read_exact(&mut body).await?;
        let taken = bucket.lock().unwrap().take();
        let (status, more, body) = match taken {
            Ok(()) => (
                "200 OK",
                String::new(),
                r#"{"id":"c","model":"m","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"a"}}]}"#,
            ),
            Err(wait) => (
                "429 Too Many Requests",
                format!("retry-after: {wait}\r\n"),
                r#"{"error":{"message":"slow down","type":"rate_limit_error"}}"#,
            ),
        };
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{more}\r\n{body}"
        );
        write.write_all(answer.as_bytes()).await?;
    }
}

#[tokio::test]
async fn a_herd_on_real_sockets_sends_as_many_requests_as_there_are_calls() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let bucket = Bucket::new(100);
    let server = Arc::clone(&bucket);
    let _server = task::spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((socket, _)) = listener.accept().await {
            connections.spawn(serve(socket, Arc::clone(&server)));
        }
    });
    let keys = ["limit.requests_per_minute=5700", "limit.burst=0.0106"];
    let client = client_at(&[format!("http://{address}/v1")], &keys).await;
    let start = Instant::now();
    let mut calls = JoinSet::new();
    for _ in 0..200 {
        let client = client.clone();
        calls.spawn(async move {
            client
                .complete("Hi")
                .await
                .map(drop)
                .map_err(|error| error.report().to_string())
        });
    }
    for call in calls.join_all().await {
        call.unwrap();
    }
    let asked = bucket.lock().unwrap().asked.clone();
    assert!(asked.len() <= 210, "{} requests", asked.len());
    let peak = peak(&asked);
    assert!(peak <= 100 + 10, "{peak} in a tenth of a second");
    row(
        "show 3",
        "requests <= 1.05x calls, peak <= burst + rate t",
        format!(
            "200 calls, {} requests, peak {peak} per 100 ms, {:.1?}",
            asked.len(),
            since(start)
        ),
    );
}

#[tokio::test(start_paused = true)]
async fn what_finds_no_slot_free_is_refused_where_it_is_not_to_wait() {
    let slots = ["concurrency.adaptive=true", "concurrency.max=1"];
    for (keys, waits) in [
        (&["limit.mode=reject"][..], false),
        (&["limit.max_queued=0"], false),
        (&["limit.max_wait=1ms"], false),
        (&[], true),
    ] {
        let model = Model::answering(SECOND);
        let keys: Vec<&str> = slots.iter().chain(keys).copied().collect();
        let client = client_of(&[&model], &keys).await;
        let (one, other) = tokio::join!(client.complete("Hi"), client.complete("Hi"));
        one.unwrap();
        let Err(error) = other else {
            assert!(waits, "{keys:?}");
            continue;
        };
        assert_eq!(error.refused_by(), Some("concurrency"), "{keys:?}");
        assert_eq!((model.calls(), waits), (1, false));
        // What it says to change is there.
        let message = error.message().unwrap();
        let mut named = message.split('`').skip(1).step_by(2).peekable();
        assert!(named.peek().is_some(), "{message}");
        let page = towline_config::reference();
        for key in named {
            assert!(page.contains(&format!("`towline.{key}`")), "{key}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_rejection_empties_the_providers_bucket_without_learning_and_never_the_tenants() {
    let first = Instant::now();
    let model = Model::new(move |_| async move {
        match Instant::now() == first {
            true => Err(failed(ErrorKind::RateLimit).with_retry_after(SECOND * 2)),
            false => Ok(whole("a")),
        }
    });
    let keys = [
        "limit.learn=false",
        "limit.mode=reject",
        "limit.requests_per_minute=600",
        "limit.per_tenant.requests_per_minute=600",
        "retry.max_attempts=1",
    ];
    let client = client_of(&[&model], &keys).await;
    let ask = || client.call(question().with_context(Context::new().with_tenant("t")));
    assert_eq!(ask().await.unwrap_err().refused_by(), None);
    let error = ask().await.unwrap_err();
    assert!(error.to_string().contains("limit of `first`"), "{error}");
    assert_eq!(error.retry_after(), Some(SECOND * 2));
    assert_eq!(model.calls(), 1);
    sleep(SECOND * 2).await;
    assert!(ask().await.is_ok());
}
