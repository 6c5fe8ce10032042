//! `cargo xtask bench layers`.

mod verdict;

use crate::{Fault, HELP, build, document, table::Table};
use std::process::Command;

const PACKAGE: &str = "peer-layers";
/// The bare service, called itself and through a clone for each call.
const BARE: [&str; 2] = ["bare", "bare, a clone per call"];
const STACK: &str = "default stack";
const LIMITED: &str = "default stack, limits on";
const LIMITED_SERVICE: &str = "limits on, as a service";
const TOWER: &str = "tower, shareable";
const RESILIENCE: &str = "tower-resilience";
/// The variants that are called through a clone for each call, and those that need not be.
const SHARED: &[&str] = &[
    STACK,
    LIMITED,
    LIMITED_SERVICE,
    "default stack, as a service",
    "default stack, several targets",
    "tower, without a rate limit",
    TOWER,
    RESILIENCE,
];
/// What shows the pace of a machine, and what it took, in nanoseconds, on the machine that the limits in
/// nanoseconds were set on: what is no service, and one that is.
const CLOCKS: [(&str, f64); 2] = [("the clock", 16.4), ("two locks and the clock", 28.4)];
const TOWER_THERE: f64 = 827.0;
const SETUP: &str = "\
**Counting.** Time on the processor; one program, one thread. The service in the middle answers at once with a
whole answer; its own cost, call and allocations, is taken off every figure. Each round runs every
variant once, in turn, every other round backwards; *min* is the quickest round and *p25* the round that
a quarter of them were quicker than. Layers alone are called as the layer around them calls them; the
whole stacks as a server does that serves many at once: tower's through a clone for each call, which is how
a service is handed to many tasks (one task that makes many calls needs no clone), and the default stack
through a shared reference, as `towline::Client` does (`towline_layers::ask`). It
is in the order of `towline::Stack`: journey, drain, guard, total deadline, tenant limit,
retry, breaker, slots, limit, record of the attempt, clocks of the attempt; fallback, balance and hedge are
left out, as that does where there is one deployment to ask. *Several targets* is the same with a deployment
beside the first and a target to fall back to, which are not asked. The client adds the names of errors; where it has
several targets it forgets their types, at one allocation more for a call. Nothing of it is limited, as where
nobody says what the account has; *limits on* is the default stack with requests and tokens per minute and 1,000
slots that are counted and never used up, as the others count theirs, and *as a service* it is called through
a clone for each call, as theirs are. Nothing fails, no body is streamed. *tower, shareable* is timeout, load
shed, concurrency limit, retry, timeout, buffer and rate limit; *tower-resilience* is retry, breaker, rate
limiter, bulkhead and time limiter. The limits in nanoseconds were set on a machine that took 16.4 ns to read
the clock, 28.4 to take two locks and read it, and 827 for tower's shareable stack. *At that machine's pace* is
the figure divided by the smallest of the three ratios, so that no yardstick speaks better for it than the
others. The targets of single layers are held against what each takes that is called alone; the default stack
takes less than the sum of its layers. Times are reported; allocations fail `--check`. *Future* is the size of what
a call returns, which is moved once per layer where the layers are called, and not where they are asked.
";

/// One line of the program.
#[derive(Clone)]
struct Line {
    name: String,
    low: f64,
    quarter: f64,
    allocations: f64,
    future: f64,
}

/// What was asked for.
struct Options {
    rounds: u32,
    check: bool,
    built: bool,
    writes: bool,
}

/// Builds, measures, reports.
pub(crate) fn run(given: &[String]) -> Result<(), Fault> {
    let options = Options::read(given)?;
    let program = match options.built {
        true => build::program(PACKAGE),
        false => build::build(PACKAGE)?,
    };
    let before = load();
    let rounds = options.rounds.to_string();
    let said = build::text(Command::new(program).env_clear().args([&rounds, "20000"]))?;
    let lines: Vec<Line> = said.lines().map(Line::read).collect::<Result<_, _>>()?;
    let net = lines
        .iter()
        .filter(|line| !BARE.contains(&line.name.as_str()))
        .map(|line| line.net(&lines))
        .collect::<Result<Vec<_>, _>>()?;
    let pace = pace(&net)?;
    let (stacks, missed) = verdict::stacks(&net, pace)?;
    let date = build::ask("date", &["-u", "+%Y-%m-%d"]).unwrap_or_else(|| "undated".to_owned());
    let bare = named(&lines, BARE[0])?.low;
    let text = format!(
        "## Layers\n\n{date}, {rounds} rounds of 20,000 calls, load {before} before and {} after. The bare \
         service takes {bare:.0} ns. What took 1 ns on the machine of the limits takes {pace:.2} here, at least.\n\n{stacks}\n### Each\n\n{}\n### Targets\n\n{}\n{SETUP}",
        load(),
        each(&net),
        verdict::layers(&net, pace)?
    );
    println!("{text}");
    if options.writes {
        document::write("layers", &text)?;
    }
    if options.check && missed {
        return Err("a hard limit is missed".into());
    }
    Ok(())
}

/// How many times slower this machine is than the one of the limits: by the yardstick that says least.
fn pace(net: &[Line]) -> Result<f64, Fault> {
    let mut least = f64::INFINITY;
    for (name, nanos) in CLOCKS.into_iter().chain([(TOWER, TOWER_THERE)]) {
        least = least.min(named(net, name)?.low / nanos);
    }
    Ok(least)
}

fn each(net: &[Line]) -> String {
    let head = [
        "variant",
        "ns, min",
        "ns, p25",
        "allocations",
        "future, bytes",
    ];
    let mut table = Table::new(&[0], &head);
    for line in net {
        table.push(vec![
            line.name.clone(),
            format!("{:.0}", line.low),
            format!("{:.0}", line.quarter),
            format!("{:.2}", line.allocations),
            format!("{:.0}", line.future),
        ]);
    }
    table.draw()
}

fn named<'a>(lines: &'a [Line], name: &str) -> Result<&'a Line, Fault> {
    let found = lines.iter().find(|line| line.name == name);
    found.ok_or_else(|| format!("{PACKAGE} did not measure {name:?}").into())
}

/// The load of the last minute, or a question mark where the system does not tell.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("?").to_owned()
}

// === impl Line ===

impl Line {
    fn read(line: &str) -> Result<Self, Fault> {
        let mut words = line.split('\t');
        let mut word = || words.next().ok_or_else(|| format!("not a line: {line:?}"));
        Ok(Self {
            name: word()?.to_owned(),
            low: word()?.parse()?,
            quarter: word()?.parse()?,
            allocations: word()?.parse()?,
            future: word()?.parse()?,
        })
    }

    /// Less what the bare service takes, called in the same way.
    fn net(&self, lines: &[Self]) -> Result<Self, Fault> {
        if CLOCKS.iter().any(|(name, _)| *name == self.name) {
            return Ok(self.clone());
        }
        let bare = named(
            lines,
            BARE[usize::from(SHARED.contains(&self.name.as_str()))],
        )?;
        Ok(Self {
            name: self.name.clone(),
            low: self.low - bare.low,
            quarter: self.quarter - bare.quarter,
            allocations: self.allocations - bare.allocations,
            future: self.future,
        })
    }
}

// === impl Options ===

impl Options {
    fn read(given: &[String]) -> Result<Self, Fault> {
        let mut options = Self {
            rounds: 41,
            check: false,
            built: false,
            writes: true,
        };
        for word in given {
            match word.as_str() {
                "--quick" => (options.rounds, options.writes) = (7, false),
                "--check" => options.check = true,
                "--built" => options.built = true,
                "--dry" => options.writes = false,
                other => return Err(format!("no such option: {other}\n\n{HELP}").into()),
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, STACK, pace};

    #[test]
    fn takes_off_the_bare_service_that_was_called_in_the_same_way() {
        let lines = [
            "the clock\t22\t23\t0\t0",
            "bare\t10\t11\t1\t8",
            "bare, a clone per call\t20\t21\t1\t8",
            "default stack\t100\t110\t3\t900",
        ];
        let lines: Result<Vec<_>, _> = lines.iter().map(|line| Line::read(line)).collect();
        let lines = lines.expect("lines");
        let stack = lines.iter().find(|line| line.name == STACK).expect("stack");
        let net = stack.net(&lines).expect("net");
        assert_eq!(
            (net.low, net.quarter, net.allocations, net.future),
            (80.0, 89.0, 2.0, 900.0)
        );
        let clock = lines[0].net(&lines).expect("net");
        assert_eq!((clock.low, clock.quarter), (22.0, 23.0), "no service");
    }

    #[test]
    fn the_pace_is_that_of_the_yardstick_that_says_least() {
        let lines = [
            "the clock\t32.8\t33\t0\t0",
            "two locks and the clock\t42.6\t43\t0\t0",
            "tower, shareable\t1654\t1700\t4\t312",
        ];
        let lines: Result<Vec<_>, _> = lines.iter().map(|line| Line::read(line)).collect();
        let pace = pace(&lines.expect("lines")).expect("pace");
        assert!((pace - 1.5).abs() < 1e-9, "{pace}");
    }
}
