//! Five hundred streams at a time through the whole stack, against providers with every fault there
//! is, for minutes; then everything has to be as it was before.
//!
//! `cargo xtask soak --minutes 10`, or
//! `cargo run --release -p towline --features full --example soak -- MINUTES [SEED]`.
//!
//! The load comes in ten spells, and it prints a line every ten seconds. After each spell it checks that there
//! were answers, no slot is taken, nobody waits, no call is inside, no connection is open and only the stack's
//! own few tasks are left, and looks how much memory is in use; in the end, that this did not rise, no task is
//! left and nothing panicked. It fails otherwise. The time is that of the load; the rests come to it.

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

/// How often the load rests. What is in use under load goes up and down with the weather; at rest it is told
/// to the kilobyte.
const SPELLS: u32 = 10;

/// Tasks that the stack may have at rest: each of its three pools looks after its connections.
const OWN_TASKS: usize = 3;

/// How often it says how it goes.
const TELL: u32 = 10;

const SECOND: Duration = Duration::from_secs(1);

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
    let (tasks_before, mut memory) = (tasks(), Memory::start());
    let weather = Arc::new(Weather::start(seed).await?);
    let soaked = Soaked::new(&weather)?;
    let tally = Arc::new(Tally::default());
    let mut faults = Vec::new();
    for spell in 0..SPELLS {
        let mut told = weather.open().await;
        let (before, seed) = (tally.whole(), seed ^ u64::from(spell << 16));
        let lost = load(time / SPELLS, seed, &tally, &soaked, &weather, &mut memory).await;
        if lost > 0 {
            told.push(format!("{lost} callers did not come to their end"));
        }
        if tally.whole() == before {
            told.push("no answer was whole".to_owned());
        }
        told.extend(soaked.faults_at_rest(&weather).await);
        told.extend(tasks_left(tasks_before + OWN_TASKS).await);
        memory.rest().await;
        println!("at rest: {}; {} tasks, {memory}", soaked.state(), tasks());
        let of_spell = |fault| format!("spell {} of {SPELLS}: {fault}", spell + 1);
        faults.extend(told.into_iter().map(of_spell));
    }
    println!("the load is over: {tally}");
    faults.extend(soaked.fault_of_gate().await);
    drop((soaked, weather));
    faults.extend(tasks_left(tasks_before).await);
    faults.extend(memory.faults().await);
    let panics = PANICS.load(Ordering::Relaxed);
    if panics > 0 {
        faults.push(format!("{panics} panics"));
    }
    Ok(faults)
}

/// Everybody asks until the time is over, and comes to an end. How many did not.
async fn load(
    time: Duration,
    seed: u64,
    tally: &Arc<Tally>,
    soaked: &Soaked,
    weather: &Arc<Weather>,
    memory: &mut Memory,
) -> usize {
    let stop = Arc::new(AtomicBool::new(false));
    let outages = weather::outages(Arc::clone(weather), seed, Arc::clone(&stop));
    let mut at_work = vec![task::spawn(outages)];
    at_work.extend((0..STREAMS).map(|number| {
        let (model, tally) = (soaked.model.clone(), Arc::clone(tally));
        let seed = seed ^ (number << 32);
        task::spawn(caller::ask(model, seed, tally, Arc::clone(&stop)))
    }));
    let over = Instant::now() + time;
    let mut seconds = 0_u32;
    while Instant::now() < over {
        sleep(over.saturating_duration_since(Instant::now()).min(SECOND)).await;
        memory.under_load();
        seconds += 1;
        if seconds.is_multiple_of(TELL) {
            let (tasks, state) = (tasks(), soaked.state());
            println!("{tally} | {} | {tasks} tasks | {state}", memory::told());
        }
    }
    stop.store(true, Ordering::Relaxed);
    let mut lost = 0;
    for task in at_work {
        lost += usize::from(task.await.is_none());
    }
    lost
}

fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

/// Connections take a moment to close.
async fn tasks_left(allowed: usize) -> Vec<String> {
    let told = |tasks| format!("{tasks} tasks are left of {allowed} allowed");
    let left = || (tasks() > allowed).then(|| told(tasks()));
    stack::until_none(|| left().into_iter().collect()).await
}
