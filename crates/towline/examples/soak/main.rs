//! Five hundred streams at a time through the whole stack, against providers with every fault there
//! is, for minutes; then everything has to be as it was before.
//!
//! `cargo xtask soak --minutes 10`, or
//! `cargo run --release -p towline --features full --example soak -- MINUTES [SEED]`.
//!
//! It prints a line every ten seconds. When the load is over it checks that no slot is taken, nobody
//! waits, no call is inside, no task is left, memory is flat and nothing panicked. It fails otherwise.

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

mod caller;
mod memory;
mod stack;
mod weather;

use self::{caller::Tally, memory::Memory, stack::Soaked, weather::Weather};
use std::{
    error::Error,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    runtime::Handle,
    time::{Instant, sleep},
};
use towline::core::task;

const STREAMS: u64 = 500;

static PANICS: AtomicU64 = AtomicU64::new(0);

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let minutes: u64 = arguments.next().map_or(Ok(10), |text| text.parse())?;
    let seed: u64 = arguments.next().map_or(Ok(1), |text| text.parse())?;
    count_panics();
    println!("{STREAMS} streams, {minutes} minutes, seed {seed}");
    let faults = run(Duration::from_secs(60 * minutes), seed).await?;
    for fault in &faults {
        println!("FAULT: {fault}");
    }
    if faults.is_empty() {
        println!("everything is as it was");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}

fn count_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        usual(panic);
    }));
}

/// The whole soak. Returns what was not as it should be.
async fn run(time: Duration, seed: u64) -> Result<Vec<String>, Box<dyn Error>> {
    let tasks_before = tasks();
    let weather = Arc::new(Weather::start(seed).await?);
    let soaked = Soaked::new(&weather)?;
    let tally = Arc::new(Tally::default());
    let stop = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..STREAMS)
        .map(|number| {
            let (model, tally) = (soaked.model.clone(), Arc::clone(&tally));
            let stop = Arc::clone(&stop);
            task::spawn(caller::ask(model, seed ^ (number << 32), tally, stop))
        })
        .collect();
    let outages = task::spawn(weather::outages(Arc::clone(&weather), seed));
    let memory = watch(time, &tally, &soaked).await;
    stop.store(true, Ordering::Relaxed);
    let mut lost = 0;
    for caller in callers {
        lost += u64::from(caller.await.is_none());
    }
    drop(outages);
    println!("the load is over: {tally}");
    let mut faults = soaked.faults_at_rest(&weather).await;
    if lost > 0 {
        faults.push(format!("{lost} callers did not come to their end"));
    }
    drop(soaked);
    match alone(weather).await {
        Some(weather) => weather.stop().await,
        None => faults.push("the weather is still in use".to_owned()),
    }
    faults.extend(tasks_left(tasks_before).await);
    faults.extend(memory.fault());
    let panics = PANICS.load(Ordering::Relaxed);
    if panics > 0 {
        faults.push(format!("{panics} panics"));
    }
    Ok(faults)
}

/// Says how it goes until the time is over.
async fn watch(time: Duration, tally: &Tally, soaked: &Soaked) -> Memory {
    let start = Instant::now();
    let mut memory = Memory::default();
    let mut second = 0_u32;
    while Instant::now().saturating_duration_since(start) < time {
        sleep(Duration::from_secs(1)).await;
        second += 1;
        memory.sample(second);
        if second.is_multiple_of(10) {
            let (rss, tasks, state) = (memory.last(), tasks(), soaked.state());
            println!("{second:>5} s | {tally} | RSS {rss:.1} MiB | {tasks} tasks | {state}");
        }
    }
    memory
}

/// A task that was told to end takes a moment for it.
async fn alone(mut weather: Arc<Weather>) -> Option<Weather> {
    for _ in 0..100 {
        match Arc::try_unwrap(weather) {
            Ok(weather) => return Some(weather),
            Err(shared) => weather = shared,
        }
        sleep(Duration::from_millis(100)).await;
    }
    None
}

fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

/// Connections take a moment to close.
async fn tasks_left(before: usize) -> Option<String> {
    for _ in 0..100 {
        if tasks() <= before {
            println!("tasks: {before} before, {} after", tasks());
            return None;
        }
        sleep(Duration::from_millis(100)).await;
    }
    Some(format!(
        "{before} tasks before the load, {} after it",
        tasks()
    ))
}
