//! The server of the client benchmark: canned replies on one thread.
//!
//! Prints `server=ADDRESS stats=ADDRESS` and runs until its standard input closes, so that it never
//! outlives the program that started it. The second address tells how many connections the first has
//! accepted. A request under `/paced/` is streamed with a pause before each chunk.

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    Request, Response,
    body::{Frame, Incoming},
    header::{CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use memchr::memmem;
use peer_harness::{BoxError, dialect::Dialect, pin};
use std::{cell::Cell, convert::Infallible, io::Read as _, rc::Rc, sync::OnceLock, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    runtime::{Builder, LocalOptions},
    task::spawn_local,
};

/// Time between two chunks of a paced stream.
const PAUSE: Duration = Duration::from_millis(1);
/// A request streams if it says so this close to its beginning or end.
const LOOK: usize = 4096;

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// What is sent, for each dialect.
type Replies = fn(&str) -> &'static Canned;

/// What is sent in a dialect, built once.
struct Canned {
    stream_type: &'static str,
    reply: Bytes,
    events: Vec<Bytes>,
}

fn main() -> Result<(), BoxError> {
    let place = std::env::args()
        .nth(1)
        .ok_or("say where to run: any, first or last")?;
    pin(place.parse()?)?;
    std::thread::spawn(|| {
        let mut rest = Vec::new();
        let _closed = std::io::stdin().read_to_end(&mut rest);
        std::process::exit(0);
    });
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())?;
    runtime.block_on(serve())
}

async fn serve() -> Result<(), BoxError> {
    let (server, stats) = (bind().await?, bind().await?);
    println!(
        "server={} stats={}",
        server.local_addr()?,
        stats.local_addr()?
    );
    let accepted = Rc::new(Cell::new(0_u64));
    spawn_local(tell(stats, Rc::clone(&accepted)));
    loop {
        let (stream, _) = server.accept().await?;
        accepted.set(accepted.get() + 1);
        stream.set_nodelay(true)?;
        spawn_local(connection(stream, canned));
    }
}

async fn bind() -> Result<TcpListener, BoxError> {
    Ok(TcpListener::bind(("127.0.0.1", 0)).await?)
}

async fn connection(stream: TcpStream, canned: Replies) {
    let service = service_fn(move |request| answer(request, canned));
    // A client that ends closes its connections; that is no failure.
    let _ended = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(
    request: Request<Incoming>,
    canned: Replies,
) -> Result<Response<Body>, hyper::Error> {
    let path = request.uri().path();
    let (paced, canned) = (path.starts_with("/paced/"), canned(path));
    let body = request.into_body().collect().await?.to_bytes();
    let (kind, body) = match (wants_stream(&body), paced) {
        (true, true) => (canned.stream_type, paced_body(canned)),
        (true, false) => (canned.stream_type, burst_body(canned)),
        (false, _) => (
            "application/json",
            Full::new(canned.reply.clone()).boxed_unsync(),
        ),
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    // More than any row asks for: one that heeds the limit of its server would be measured waiting.
    for (name, value) in [
        ("x-request-id", "req_0123456789abcdef0123456789abcdef"),
        ("openai-processing-ms", "312"),
        ("x-ratelimit-limit-requests", "30000000"),
        ("x-ratelimit-remaining-requests", "29999999"),
        ("x-ratelimit-remaining-tokens", "199843"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// What is sent to a request for `path`.
fn canned(path: &str) -> &'static Canned {
    static CANNED: [OnceLock<Canned>; 5] = [const { OnceLock::new() }; 5];
    let dialect = Dialect::at(path);
    let [openai, anthropic, ollama, azure, responses] = &CANNED;
    let cell = match dialect {
        Dialect::OpenAi => openai,
        Dialect::Anthropic => anthropic,
        Dialect::Ollama => ollama,
        Dialect::Azure => azure,
        Dialect::Responses => responses,
    };
    cell.get_or_init(|| Canned {
        stream_type: dialect.stream_type(),
        reply: Bytes::from(dialect.reply()),
        events: dialect.events().into_iter().map(Bytes::from).collect(),
    })
}

fn wants_stream(body: &[u8]) -> bool {
    let head = body.get(..LOOK).unwrap_or(body);
    let tail = body.get(body.len().saturating_sub(LOOK)..).unwrap_or(body);
    let says = |part| memmem::find(part, b"\"stream\":true").is_some();
    says(head) || says(tail)
}

fn burst_body(canned: &'static Canned) -> Body {
    let frames = canned
        .events
        .iter()
        .map(|event| Ok(Frame::data(event.clone())));
    StreamBody::new(stream::iter(frames)).boxed_unsync()
}

fn paced_body(canned: &'static Canned) -> Body {
    let frames = stream::unfold(canned.events.iter(), |mut events| async move {
        let event = events.next()?;
        tokio::time::sleep(PAUSE).await;
        Some((Ok(Frame::data(event.clone())), events))
    });
    StreamBody::new(frames).boxed_unsync()
}

/// Tells the number of connections accepted so far to whoever asks, once per connection.
async fn tell(listener: TcpListener, accepted: Rc<Cell<u64>>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut question = [0_u8; 1];
        let _asked = stream.read(&mut question).await;
        let _told = stream
            .write_all(accepted.get().to_string().as_bytes())
            .await;
    }
}
