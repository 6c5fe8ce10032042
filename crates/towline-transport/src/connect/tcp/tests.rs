use super::{HEAD_START, TcpDial, race};
use socket2::SockRef;
use std::{
    future,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};
use tokio::{
    net::TcpListener,
    time::{Instant, sleep},
};

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

#[tokio::test]
async fn a_connection_has_nodelay_and_keepalive() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let time = Duration::from_secs(20);
    let stream = TcpDial::new(Some(time), time)
        .connect("127.0.0.1", port)
        .await
        .unwrap();
    assert!(stream.nodelay().unwrap());
    assert!(SockRef::from(&stream).keepalive().unwrap());
    assert_eq!(SockRef::from(&stream).tcp_keepalive_time().unwrap(), time);

    let stream = TcpDial::new(None, time)
        .connect("127.0.0.1", port)
        .await
        .unwrap();
    assert!(stream.nodelay().unwrap());
    assert!(!SockRef::from(&stream).keepalive().unwrap());
}

#[tokio::test]
async fn the_next_address_is_tried_when_one_refuses() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let good = listener.local_addr().unwrap();
    let refused = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let dial = TcpDial::new(None, Duration::from_secs(9));
    let stream = dial.any(vec![refused, good]).await.unwrap();
    assert_eq!(stream.peer_addr().unwrap(), good);

    let v6 = SocketAddr::new(Ipv4Addr::LOCALHOST.to_ipv6_mapped().into(), refused.port());
    let stream = dial.any(vec![v6, good]).await.unwrap();
    assert_eq!(stream.peer_addr().unwrap(), good);
    assert!(dial.any(vec![v6, refused]).await.unwrap_err().is_some());
    assert!(dial.any(Vec::new()).await.unwrap_err().is_none());
}
