//! Which connection a call gets, when it comes back, and when a request is sent twice.

use crate::support::{call, channel_to, closed, fetch, listen, ok, read_request, serve};
use bytes::Bytes;
use http_body::{Body as _, Frame};
use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream},
    net::TcpListener,
    task::yield_now,
    time::{advance, sleep, timeout},
};
use towline_core::{Error, ErrorKind, task};
use towline_transport::{Channel, Dial, DialFuture, Io, PoolStats, ResponseBody};

/// Serves every connection, answering with its number.
fn serve_all(listener: TcpListener) -> task::Task<()> {
    task::spawn(async move {
        let mut running = Vec::new();
        for number in 0.. {
            let (socket, _) = listener.accept().await.unwrap();
            running.push(task::spawn(async move {
                serve(socket, &format!("{number}")).await
            }));
        }
    })
}

async fn frame(body: &mut ResponseBody) -> Option<Result<Frame<Bytes>, Error>> {
    poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await
}

fn assert_stats(stats: PoolStats, opened: u64, reused: u64, idle: usize, in_use: usize) {
    let found = (stats.opened, stats.reused, stats.idle, stats.in_use);
    assert_eq!(
        found,
        (opened, reused, idle, in_use),
        "opened, reused, idle, in use"
    );
}

#[tokio::test]
async fn calls_one_after_the_other_use_one_connection() {
    let (listener, address) = listen().await;
    let _server = serve_all(listener);
    let channel = channel_to(address);
    for _ in 0..3 {
        assert_eq!(fetch(&channel).await.unwrap(), "0");
    }
    assert_stats(channel.stats(), 1, 2, 1, 0);
}

#[tokio::test]
async fn the_connection_used_last_is_taken_first() {
    let (listener, address) = listen().await;
    let _server = serve_all(listener);
    let channel = channel_to(address);
    let (a, b, c) = (
        call(&channel).await,
        call(&channel).await,
        call(&channel).await,
    );
    assert_stats(channel.stats(), 3, 0, 0, 3);
    for response in [c, a, b] {
        response.unwrap().into_body().collect(9).await.unwrap();
    }
    assert_stats(channel.stats(), 3, 0, 3, 0);
    // b came back last.
    for _ in 0..3 {
        assert_eq!(fetch(&channel).await.unwrap(), "1");
    }
    let held = call(&channel).await.unwrap();
    assert_eq!(fetch(&channel).await.unwrap(), "0");
    drop(held);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_on_a_warm_pool_of_its_size_opens_nothing() {
    let (listener, address) = listen().await;
    let _server = serve_all(listener);
    let channel = channel_to(address);
    for round in 0..20 {
        let calls: Vec<_> = (0..64)
            .map(|_| {
                let channel = channel.clone();
                task::spawn(async move { fetch(&channel).await.unwrap() })
            })
            .collect();
        for call in calls {
            call.await.unwrap();
        }
        // Calls that ended before others began may leave fewer than 64 to open.
        assert!(
            channel.stats().opened <= 64,
            "round {round}: {:?}",
            channel.stats()
        );
        assert_eq!(channel.stats().in_use, 0);
    }
}

#[tokio::test]
async fn calls_at_once_on_an_empty_pool_open_one_connection_each() {
    let (listener, address) = listen().await;
    let _server = serve_all(listener);
    let channel = channel_to(address);
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(call(&channel).await.unwrap());
    }
    assert_stats(channel.stats(), 8, 0, 0, 8);
    for response in held {
        response.into_body().collect(9).await.unwrap();
    }
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(call(&channel).await.unwrap());
    }
    assert_stats(channel.stats(), 8, 8, 0, 8);
}

#[tokio::test]
async fn a_connection_comes_back_at_the_end_of_the_body_and_not_at_the_head() {
    let (listener, address) = listen().await;
    let channel = channel_to(address);
    let server = async {
        let (mut first, _) = listener.accept().await.unwrap();
        read_request(&mut first).await.unwrap().unwrap();
        first
            .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n")
            .await
            .unwrap();
        let (second, _) = listener.accept().await.unwrap();
        (first, second)
    };
    let client = async {
        let response = call(&channel).await.unwrap();
        assert_stats(channel.stats(), 1, 0, 0, 1);
        (
            response,
            task::spawn({
                let channel = channel.clone();
                async move { fetch(&channel).await.unwrap() }
            }),
        )
    };
    let ((mut first, second), (response, other)) = tokio::join!(server, client);
    while channel.stats().in_use < 2 {
        yield_now().await;
    }
    assert_stats(channel.stats(), 2, 0, 0, 2);
    let second = task::spawn(async move { serve(second, "b").await });
    assert_eq!(other.await.unwrap(), "b");
    assert_stats(channel.stats(), 2, 0, 1, 1);
    first.write_all(b"0\r\n\r\n").await.unwrap();
    assert_eq!(response.into_body().collect(9).await.unwrap(), "a");
    assert_stats(channel.stats(), 2, 0, 2, 0);
    drop((first, second));
}

#[tokio::test]
async fn an_answer_without_a_body_frees_the_connection_at_the_head() {
    let (listener, address) = listen().await;
    let channel = channel_to(address);
    let _server = task::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        while read_request(&mut socket).await.unwrap().is_some() {
            socket
                .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
                .await
                .unwrap();
        }
    });
    let first = call(&channel).await.unwrap();
    assert_stats(channel.stats(), 1, 0, 1, 0);
    let second = call(&channel).await.unwrap();
    assert_stats(channel.stats(), 1, 1, 1, 0);
    drop((first, second));
    assert_stats(channel.stats(), 1, 1, 1, 0);
}

#[tokio::test]
async fn a_request_that_met_a_closed_connection_is_sent_again_on_a_fresh_one() {
    let memory = Memory::default();
    let channel = memory.channel(Duration::from_secs(55), 9);
    let server = async {
        let mut server = memory.newest().await;
        read_request(&mut server).await.unwrap().unwrap();
        server.write_all(&ok("first")).await.unwrap();
        server
    };
    let (fetched, server) = tokio::join!(fetch(&channel), server);
    assert_eq!(fetched.unwrap(), "first");
    drop(server);
    // The server's end is gone, and nothing on this side has looked: there was no await since.
    assert_stats(channel.stats(), 1, 0, 1, 0);
    let (response, second) = tokio::join!(fetch(&channel), memory.serve_newest());
    assert_eq!(response.unwrap(), "fine");
    assert_stats(channel.stats(), 2, 1, 1, 0);
    drop(channel);
    assert_eq!(second.await, Some(1), "it arrived once");
}

#[tokio::test]
async fn a_connection_known_to_be_closed_is_not_taken() {
    let (listener, address) = listen().await;
    let channel = channel_to(address);
    let _server = task::spawn(async move {
        for body in ["first", "second"] {
            let (mut socket, _) = listener.accept().await.unwrap();
            read_request(&mut socket).await.unwrap().unwrap();
            socket.write_all(&ok(body)).await.unwrap();
        }
    });
    assert_eq!(fetch(&channel).await.unwrap(), "first");
    while channel.stats().idle > 0 {
        yield_now().await;
    }
    assert_eq!(fetch(&channel).await.unwrap(), "second");
    assert_eq!((channel.stats().opened, channel.stats().reused), (2, 0));
}

/// A close may come at any moment on the way of a connection from its reader to the idle ones, seen by
/// another thread.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_close_is_overlooked_while_a_connection_becomes_idle() {
    let (listener, address) = listen().await;
    let channel = channel_to(address);
    let _server = task::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            // A call may take the connection before the close arrives: it sees an error, or resends.
            if let Ok(Some(_)) = read_request(&mut socket).await {
                let _written = socket.write_all(&ok("fine")).await;
            }
        }
    });
    for round in 0..200 {
        let calls: Vec<_> = (0..4)
            .map(|_| {
                let channel = channel.clone();
                task::spawn(async move { fetch(&channel).await })
            })
            .collect();
        for call in calls {
            if let Err(error) = call.await.unwrap() {
                assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
            }
        }
        let all_seen = async {
            while channel.stats().idle > 0 {
                yield_now().await;
            }
        };
        let seen = timeout(Duration::from_secs(10), all_seen).await;
        assert!(seen.is_ok(), "round {round}: {:?}", channel.stats());
    }
}

#[tokio::test]
async fn a_close_is_seen_though_its_reader_came_late_and_idle_connections_never_expire() {
    let (listener, address) = listen().await;
    let origin = format!("http://{address}");
    let channel = Channel::builder(origin).idle_timeout(Duration::MAX);
    let channel = channel.build().unwrap();
    let served = task::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        read_request(&mut socket).await.unwrap().unwrap();
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-end\r\n\r\n";
        let body = "4\r\nfine\r\n0\r\nx-end: 1\r\n\r\n";
        let answer = format!("{head}{body}");
        socket.write_all(answer.as_bytes()).await.unwrap();
    });
    let mut body = call(&channel).await.unwrap().into_body();
    let data = frame(&mut body).await.unwrap().unwrap();
    assert!(data.is_data());
    let trailers = frame(&mut body).await.unwrap().unwrap();
    assert!(trailers.is_trailers());
    // The socket is closed, and this side hears of it, before the body is asked for its end.
    served.await.unwrap();
    for _ in 0..1000 {
        yield_now().await;
    }
    assert!(frame(&mut body).await.is_none());
    let seen = timeout(Duration::from_secs(10), async {
        while channel.stats().idle > 0 {
            yield_now().await;
        }
    });
    assert!(seen.await.is_ok(), "{:?}", channel.stats());
}

#[tokio::test]
async fn a_request_that_was_written_is_never_sent_again() {
    let (listener, address) = listen().await;
    let channel = channel_to(address);
    let requests = Arc::new(Mutex::new(0));
    let _server = task::spawn({
        let requests = Arc::clone(&requests);
        async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                // The first request of a connection is answered, the second one is dropped.
                read_request(&mut socket).await.unwrap().unwrap();
                *requests.lock().unwrap() += 1;
                socket.write_all(&ok("fine")).await.unwrap();
                if read_request(&mut socket).await.unwrap().is_some() {
                    *requests.lock().unwrap() += 1;
                }
            }
        }
    });
    assert_eq!(fetch(&channel).await.unwrap(), "fine");
    let error = fetch(&channel).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    let text = error.to_string();
    assert!(
        text.contains("closed the connection before its answer"),
        "{text}"
    );
    assert!(text.contains(channel.origin()), "{text}");
    assert_eq!(*requests.lock().unwrap(), 2);
    assert_stats(channel.stats(), 1, 1, 0, 0);
}

#[tokio::test]
async fn two_closed_connections_in_a_row_are_an_error() {
    let (listener, address) = listen().await;
    let channel = channel_to(address);
    let _server = task::spawn(async move {
        let mut count = 0;
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            count += 1;
            assert!(count <= 2, "sent again more than once");
            drop(socket);
        }
    });
    // Whether the close is seen before or after the first byte is up to the kernel: the kind is not.
    let error = fetch(&channel).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert_eq!(channel.stats().in_use, 0);
}

#[tokio::test]
async fn dropping_the_last_channel_closes_idle_connections() {
    let (listener, address) = listen().await;
    let channel = channel_to(address);
    let server = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        read_request(&mut socket).await.unwrap().unwrap();
        socket.write_all(&ok("fine")).await.unwrap();
        socket
    };
    let (mut socket, fetched) = tokio::join!(server, fetch(&channel));
    fetched.unwrap();
    let clone = channel.clone();
    drop(channel);
    assert_eq!(clone.stats().idle, 1);
    drop(clone);
    closed(&mut socket).await;
}

#[tokio::test]
async fn a_call_under_way_outlives_its_channel() {
    let (listener, address) = listen().await;
    let channel = channel_to(address);
    let server = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        read_request(&mut socket).await.unwrap().unwrap();
        socket
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfi")
            .await
            .unwrap();
        socket
    };
    let (mut socket, response) = tokio::join!(server, call(&channel));
    drop(channel);
    socket.write_all(b"ne").await.unwrap();
    assert_eq!(
        response.unwrap().into_body().collect(9).await.unwrap(),
        "fine"
    );
    closed(&mut socket).await;
}

#[tokio::test]
async fn a_server_that_answers_early_does_not_block_the_next_call() {
    let (listener, address) = listen().await;
    let channel = channel_to(address);
    // Far more than the socket buffers take: the rest of it can never be written.
    let big = vec![b'x'; 64 * 1024 * 1024];
    let _server = task::spawn(async move {
        let (mut first, _) = listener.accept().await.unwrap();
        let mut head = [0; 512];
        first.read_exact(&mut head).await.unwrap();
        let refused = b"HTTP/1.1 413 Payload Too Large\r\ncontent-length: 3\r\n\r\nbig";
        first.write_all(refused).await.unwrap();
        let (second, _) = listener.accept().await.unwrap();
        serve(second, "fine").await;
        drop(first);
    });
    let request = http::Request::post("/").body(big.into()).unwrap();
    let response = tower_service::Service::call(&mut channel.clone(), request)
        .await
        .unwrap();
    assert_eq!(response.status(), 413);
    assert_eq!(response.into_body().collect(9).await.unwrap(), "big");
    assert_eq!(fetch(&channel).await.unwrap(), "fine");
    assert_eq!(channel.stats().opened, 2);
}

/// Dials into memory, so that a paused clock moves by no one's hand but the test's.
#[derive(Clone, Default)]
struct Memory {
    servers: Arc<Mutex<Vec<DuplexStream>>>,
}

impl Dial for Memory {
    fn dial<'a>(&'a self, _host: &'a str, _port: u16) -> DialFuture<'a> {
        Box::pin(async move {
            let (client, server) = tokio::io::duplex(64 * 1024);
            self.servers.lock().unwrap().push(server);
            Ok(Box::new(client) as Box<dyn Io>)
        })
    }
}

impl Memory {
    fn channel(&self, idle_timeout: Duration, max_idle: usize) -> Channel {
        Channel::builder("http://memory.test")
            .dial(self.clone())
            .idle_timeout(idle_timeout)
            .max_idle(max_idle)
            .build()
            .unwrap()
    }

    /// The server's end of the connection dialled last.
    async fn newest(&self) -> DuplexStream {
        loop {
            let newest = self.servers.lock().unwrap().pop();
            match newest {
                Some(server) => return server,
                None => yield_now().await,
            }
        }
    }

    /// Starts serving the connection dialled last; resolves when the client has closed it.
    async fn serve_newest(&self) -> task::Task<usize> {
        task::spawn(serve(self.newest().await, "fine"))
    }

    /// Makes a call that keeps its connection until the response is read.
    async fn open(&self, channel: &Channel) -> (http::Response<ResponseBody>, task::Task<usize>) {
        let (response, server) = tokio::join!(call(channel), self.serve_newest());
        (response.unwrap(), server)
    }
}

async fn settle() {
    for _ in 0..32 {
        yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_closes_at_the_idle_timeout() {
    let memory = Memory::default();
    let channel = memory.channel(Duration::from_secs(55), 9);
    let (first, first_server) = memory.open(&channel).await;
    let (second, second_server) = memory.open(&channel).await;
    first.into_body().collect(9).await.unwrap();
    advance(Duration::from_secs(20)).await;
    second.into_body().collect(9).await.unwrap();

    advance(Duration::from_millis(34_900)).await;
    settle().await;
    assert_eq!(channel.stats().idle, 2);
    advance(Duration::from_millis(200)).await;
    settle().await;
    assert_eq!(channel.stats().idle, 1, "the first was idle for 55 s");
    assert!(first_server.is_finished(), "and is really closed");
    assert!(!second_server.is_finished());

    advance(Duration::from_secs(20)).await;
    settle().await;
    assert_eq!(channel.stats().idle, 0);
    assert!(second_server.is_finished());
}

#[tokio::test(start_paused = true)]
async fn the_reaper_ends_with_the_last_idle_connection_and_starts_again() {
    let memory = Memory::default();
    let channel = memory.channel(Duration::from_secs(1), 9);
    let tasks = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    let before = tasks();
    for round in 1..=3 {
        let (response, server) = memory.open(&channel).await;
        response.into_body().collect(9).await.unwrap();
        assert!(tasks() > before);
        sleep(Duration::from_secs(2)).await;
        settle().await;
        assert_eq!(tasks(), before, "no driver, no reaper is left");
        assert_eq!(server.await, Some(1));
        assert_stats(channel.stats(), round, 0, 0, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_in_use_is_not_reaped() {
    let memory = Memory::default();
    let channel = memory.channel(Duration::from_secs(1), 9);
    let (response, server) = memory.open(&channel).await;
    response.into_body().collect(9).await.unwrap();
    let held = call(&channel).await.unwrap();
    sleep(Duration::from_secs(5)).await;
    settle().await;
    assert!(!server.is_finished());
    assert_eq!(held.into_body().collect(9).await.unwrap(), "fine");
    assert_stats(channel.stats(), 1, 1, 1, 0);
}

#[tokio::test(start_paused = true)]
async fn beyond_the_most_idle_connections_the_oldest_closes() {
    let memory = Memory::default();
    let channel = memory.channel(Duration::from_secs(55), 2);
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(memory.open(&channel).await);
    }
    let mut servers = Vec::new();
    for (response, server) in open {
        response.into_body().collect(9).await.unwrap();
        servers.push(server);
    }
    settle().await;
    assert_stats(channel.stats(), 3, 0, 2, 0);
    let finished: Vec<_> = servers.iter().map(task::Task::is_finished).collect();
    assert_eq!(finished, [true, false, false]);
}

#[tokio::test(start_paused = true)]
async fn with_no_idle_connection_allowed_each_call_opens_its_own() {
    let memory = Memory::default();
    let channel = memory.channel(Duration::from_secs(55), 0);
    for round in 1..=2 {
        let (response, server) = memory.open(&channel).await;
        response.into_body().collect(9).await.unwrap();
        assert_eq!(server.await, Some(1));
        assert_stats(channel.stats(), round, 0, 0, 0);
    }
}
