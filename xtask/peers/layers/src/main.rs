//! What each layer costs a call that is answered at once: time and allocations, net of nothing.
//!
//! `peer-layers ROUNDS CALLS` measures every variant once per round, in another order each round, and
//! prints a line for each: `NAME<tab>MIN<tab>P25<tab>ALLOCATIONS<tab>FUTURE`, in nanoseconds, calls to
//! the allocator and bytes of the future of one call. `peer-layers profile NAME CALLS` makes calls of
//! one variant and nothing else, for a profiler.

mod layers;
mod model;
mod rivals;
mod stack;
mod variant;
mod yardstick;

use peer_harness::{BoxError, Place, counting, cpu_micros, pin};
use tokio::runtime::{Builder, Runtime};
use variant::Variant;

/// Calls before the first round, and calls among which allocations are counted.
const WARM: u32 = 2_000;

/// Nanoseconds per call, one entry for each round.
type Times = Vec<Vec<f64>>;

fn main() -> Result<(), BoxError> {
    pin(Place::Last)?;
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let mut variants = variants(&runtime)?;
    match words.as_slice() {
        ["profile", name, calls] => {
            let mut named = variants.iter_mut().filter(|variant| variant.name == *name);
            let variant = named.next().ok_or("no such variant")?;
            variant.run(&runtime, calls.parse()?)
        }
        [rounds, calls] => report(&runtime, &mut variants, rounds.parse()?, calls.parse()?),
        _ => Err("say how many rounds and how many calls in each".into()),
    }
}

/// Everything that is measured. The first is the bare service.
fn variants(runtime: &Runtime) -> Result<Vec<Variant>, BoxError> {
    // tower's buffer starts a task.
    let _inside = runtime.enter();
    let mut variants = layers::variants()?;
    variants.extend(stack::variants()?);
    variants.extend(rivals::variants()?);
    variants.extend(yardstick::variants());
    Ok(variants)
}

fn report(
    runtime: &Runtime,
    variants: &mut [Variant],
    rounds: usize,
    calls: u32,
) -> Result<(), BoxError> {
    let times = measure(runtime, variants, rounds, calls)?;
    counting::start();
    for (variant, mut times) in variants.iter_mut().zip(times) {
        times.sort_by(f64::total_cmp);
        let low = times.first().copied().unwrap_or(f64::NAN);
        let quarter = times.get(rounds / 4).copied().unwrap_or(f64::NAN);
        let before = counting::count().calls;
        variant.run(runtime, WARM)?;
        let allocated = f64::from(u32::try_from(counting::count().calls - before)?);
        println!(
            "{}\t{low}\t{quarter}\t{}\t{}",
            variant.name,
            allocated / f64::from(WARM),
            variant.future
        );
    }
    Ok(())
}

fn measure(
    runtime: &Runtime,
    variants: &mut [Variant],
    rounds: usize,
    calls: u32,
) -> Result<Times, BoxError> {
    for variant in &mut *variants {
        variant.run(runtime, WARM)?;
    }
    let count = variants.len();
    let mut times = vec![Vec::with_capacity(rounds); count];
    for round in 0..rounds {
        for step in 0..count {
            // Each round begins elsewhere and goes the other way round.
            let at = match round % 2 {
                0 => (round + step) % count,
                _ => (round + count - step) % count,
            };
            let (Some(variant), Some(own)) = (variants.get_mut(at), times.get_mut(at)) else {
                continue;
            };
            // Time on the processor: what others run meanwhile does not count.
            let start = cpu_micros()?;
            variant.run(runtime, calls)?;
            let micros = u32::try_from(cpu_micros()? - start)?;
            own.push(f64::from(micros) * 1e3 / f64::from(calls));
        }
    }
    Ok(times)
}
