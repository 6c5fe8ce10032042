//! What the layers may cost, and whether they keep to it.

use super::{LIMITED, LIMITED_SERVICE, Line, RESILIENCE, STACK, TOWER, named};
use crate::{Fault, table::Table};

/// What the default stack may cost: nanoseconds, allocations, and shares of what the others cost.
const MOST_NANOS: f64 = 450.0;
const MOST_ALLOCATIONS: f64 = 2.0;
const MOST_OF: [(&str, f64); 2] = [(TOWER, 0.6), (RESILIENCE, 0.5)];
/// What each layer may cost, in nanoseconds.
const TARGETS: &[(&str, f64)] = &[
    ("timeout, total and attempt", 45.0),
    ("retry", 15.0),
    ("limit, 4 dimensions", 45.0),
    ("limit, 4 dimensions by string", 90.0),
    ("limit, 4 dimensions and slot", 70.0),
    ("breaker", 25.0),
    ("fallback", 20.0),
    ("hedge, off", 30.0),
    ("balance, 16 targets", 60.0),
    ("shed", 5.0),
    ("drain", 15.0),
    ("coalesce", 300.0),
];

/// The table of the whole stacks, and whether a limit that repeats is missed.
pub(super) fn stacks(net: &[Line], pace: f64) -> Result<(String, bool), Fault> {
    let mut table = Table::new(&[0, 3], &["limit", "at most", "measured", ""]);
    let mut missed = false;
    for name in [STACK, LIMITED, LIMITED_SERVICE] {
        let stack = named(net, name)?;
        let mut push = |what: String, most: f64, value: f64, digits: usize| {
            let measured = format!("{value:.digits$}");
            let what = format!("{name}: {what}");
            table.push(vec![
                what,
                most.to_string(),
                measured,
                standing(value, most),
            ]);
        };
        push("ns here".to_owned(), MOST_NANOS, stack.low, 0);
        let paced = stack.low / pace;
        push("ns at that machine's pace".to_owned(), MOST_NANOS, paced, 0);
        let allocated = stack.allocations;
        push("allocations".to_owned(), MOST_ALLOCATIONS, allocated, 2);
        for (other, most) in MOST_OF {
            let ratio = stack.low / named(net, other)?.low;
            push(format!("time, x {other}"), most, ratio, 2);
        }
        missed |= allocated > MOST_ALLOCATIONS;
    }
    Ok((table.draw(), missed))
}

/// The table of the single layers, headed by how many of them cost more than they may.
pub(super) fn layers(net: &[Line], pace: f64) -> Result<String, Fault> {
    let head = [
        "layer",
        "at most",
        "ns here",
        "",
        "ns at that machine's pace",
        "",
    ];
    let mut table = Table::new(&[0, 3, 5], &head);
    let (mut here, mut there) = (0, 0);
    for (name, most) in TARGETS {
        let low = named(net, name)?.low;
        let paced = low / pace;
        here += u32::from(low > *most);
        there += u32::from(paced > *most);
        table.push(vec![
            (*name).to_owned(),
            most.to_string(),
            format!("{low:.0}"),
            standing(low, *most),
            format!("{paced:.0}"),
            standing(paced, *most),
        ]);
    }
    let (all, table) = (TARGETS.len(), table.draw());
    Ok(format!(
        "Of {all} layers {here} cost more than they may here, and {there} at that machine's pace.\n\n{table}"
    ))
}

fn standing(value: f64, most: f64) -> String {
    let word = if value <= most { "met" } else { "**missed**" };
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Line, TARGETS, layers};

    #[test]
    fn a_layer_that_costs_more_than_it_may_is_told_and_counted() {
        let line = |(name, most): &(&str, f64)| {
            let low = if *name == "retry" { 22.5 } else { *most };
            Line::read(&format!("{name}\t{low}\t{low}\t0\t8"))
        };
        let lines: Result<Vec<_>, _> = TARGETS.iter().map(line).collect();
        let text = layers(&lines.expect("lines"), 1.5).expect("table");
        assert!(text.starts_with("Of 12 layers 1 cost more"), "{text}");
        assert!(text.contains("and 0 at that machine's pace"), "{text}");
        assert_eq!(text.matches("**missed**").count(), 1, "{text}");
    }
}
