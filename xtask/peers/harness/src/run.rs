//! Warm-up, measured part, checks.

use crate::{
    BoxError, Client, Reply,
    args::{Args, Mode},
    counting,
    dialect::Dialect,
    machine,
    workload::{self, Prompt},
};
use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::runtime::{Builder, LocalOptions};

/// Simultaneous requests are repeated this often, to see whether any opens a connection.
const BURSTS: u64 = 20;
/// A run takes seconds; under callgrind, minutes.
const LIMIT: Duration = Duration::from_secs(600);

/// Runs the row and returns its line of results.
pub(crate) fn run<C: Client>() -> Result<String, BoxError> {
    let args = Args::read()?;
    machine::pin(args.place)?;
    limit_time();
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())?;
    runtime.block_on(async {
        let pace = if args.mode == Mode::Paced {
            "/paced"
        } else {
            ""
        };
        let client = Rc::new(C::new(&format!("http://{}{pace}/v1", args.server)).await?);
        if args.mode == Mode::Pool {
            connections(&client, &args).await
        } else {
            times(&client, &args).await
        }
    })
}

/// Ends the program if it hangs.
fn limit_time() {
    std::thread::spawn(|| {
        std::thread::sleep(LIMIT);
        eprintln!("not done after {} s", LIMIT.as_secs());
        std::process::exit(2);
    });
}

/// Measures `args.count` calls after `args.warm` others.
async fn times<C: Client>(client: &Rc<C>, args: &Args) -> Result<String, BoxError> {
    let before_all = accepted(args.stats)?;
    share(client, args.mode, args.warm, args.tasks).await?;
    if args.counting {
        counting::start();
    }
    let (allocated, cpu, start) = (counting::count(), machine::cpu_micros()?, Instant::now());
    let mut latencies = share(client, args.mode, args.count, args.tasks).await?;
    let (wall, cpu) = (start.elapsed(), machine::cpu_micros()? - cpu);
    let counted = counting::count();
    latencies.sort_unstable();
    Ok(format!(
        "count={} cpu_us={cpu} wall_us={} p50_us={} p99_us={} allocs={} bytes={} opened={}",
        args.count,
        wall.as_micros(),
        quantile(&latencies, 50).as_micros(),
        quantile(&latencies, 99).as_micros(),
        counted.calls - allocated.calls,
        counted.bytes - allocated.bytes,
        accepted(args.stats)? - before_all,
    ))
}

/// Sends `args.tasks` requests at once, again and again; counts connections.
async fn connections<C: Client>(client: &Rc<C>, args: &Args) -> Result<String, BoxError> {
    let cold = accepted(args.stats)?;
    share(client, Mode::Small, args.tasks, args.tasks).await?;
    let warm = accepted(args.stats)?;
    for _ in 0..BURSTS {
        share(client, Mode::Small, args.tasks, args.tasks).await?;
    }
    let after = accepted(args.stats)?;
    Ok(format!(
        "warm_opened={} burst_opened={}",
        warm - cold,
        after - warm
    ))
}

/// Shares `count` calls among `tasks` tasks and returns how long each call took.
async fn share<C: Client>(
    client: &Rc<C>,
    mode: Mode,
    count: u64,
    tasks: u64,
) -> Result<Vec<Duration>, BoxError> {
    if tasks == 1 {
        return sequence(client.as_ref(), mode, count).await;
    }
    let running: Vec<_> = (0..tasks)
        .map(|task| {
            let client = Rc::clone(client);
            let own = count / tasks + u64::from(task < count % tasks);
            tokio::task::spawn_local(async move { sequence(client.as_ref(), mode, own).await })
        })
        .collect();
    let mut latencies = Vec::with_capacity(usize::try_from(count)?);
    for task in running {
        latencies.append(&mut task.await??);
    }
    Ok(latencies)
}

async fn sequence<C: Client>(
    client: &C,
    mode: Mode,
    count: u64,
) -> Result<Vec<Duration>, BoxError> {
    let mut latencies = Vec::with_capacity(usize::try_from(count)?);
    let mut last = Instant::now();
    for _ in 0..count {
        match mode {
            Mode::Small | Mode::Pool => check_reply(client.complete(Prompt::Small).await?)?,
            Mode::Long => check_reply(client.complete(Prompt::Long).await?)?,
            Mode::Burst | Mode::Paced => check_stream(client.stream().await?)?,
        }
        let now = Instant::now();
        latencies.push(now - last);
        last = now;
    }
    Ok(latencies)
}

fn check_reply(reply: Reply) -> Result<(), BoxError> {
    let wanted = match reply {
        Reply::Raw { .. } => Reply::Raw { bytes: reply_len() },
        Reply::Decoded { .. } => Reply::Decoded {
            text: workload::reply_text_len(),
            pieces: 1,
            tokens: workload::REPLY_TOKENS,
        },
    };
    same(reply, wanted)
}

fn check_stream(reply: Reply) -> Result<(), BoxError> {
    let wanted = match reply {
        Reply::Raw { .. } => Reply::Raw {
            bytes: stream_len(),
        },
        Reply::Decoded { .. } => Reply::Decoded {
            text: stream_text_len(),
            pieces: workload::DELTAS,
            tokens: workload::STREAM_TOKENS,
        },
    };
    same(reply, wanted)
}

fn same(reply: Reply, wanted: Reply) -> Result<(), BoxError> {
    if reply == wanted {
        Ok(())
    } else {
        Err(format!("the row read {reply:?}, the server sent {wanted:?}").into())
    }
}

// The lengths are asked for once per call, so each is worked out once per program.

fn reply_len() -> usize {
    static LEN: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
    *LEN.get_or_init(|| Dialect::asked().reply().len())
}

fn stream_len() -> usize {
    static LEN: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
    *LEN.get_or_init(|| Dialect::asked().events().iter().map(String::len).sum())
}

fn stream_text_len() -> usize {
    static LEN: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
    *LEN.get_or_init(|| Dialect::asked().stream_text_len())
}

fn quantile(sorted: &[Duration], percent: usize) -> Duration {
    let index = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(index).copied().unwrap_or_default()
}

/// Asks the server, on its other port, how many connections it has accepted.
fn accepted(stats: SocketAddr) -> Result<u64, BoxError> {
    let mut stream = TcpStream::connect(stats)?;
    stream.write_all(b"\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text.trim().parse()?)
}
