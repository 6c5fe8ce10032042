use super::{Key, QUANTUM, Queue, STEP, Ticket};
use proptest::{collection::vec, prelude::*};
use std::{collections::BTreeMap, time::Duration};
use tokio::time::Instant;
use towline_core::{Priority, Text};

const PRIORITIES: [Priority; 3] = [
    Priority::Background,
    Priority::Normal,
    Priority::Interactive,
];
const NAMES: [Option<&str>; 4] = [None, Some("a"), Some("b"), Some("c")];

/// A step of a test: what, which tenant or ticket, which priority, what cost.
type Step = (u8, usize, usize, u64);

/// The payload numbers the tickets in the order of their arrival.
struct Bench {
    queue: Queue<usize>,
    keys: BTreeMap<usize, Key>,
    start: Instant,
    now: Instant,
}

impl Bench {
    fn new(quantum: u64) -> Self {
        let start = Instant::now();
        Self {
            queue: Queue::new(quantum),
            keys: BTreeMap::new(),
            start,
            now: start,
        }
    }

    fn push(&mut self, number: usize, tenant: usize, priority: Priority, cost: u64) {
        let key = self.queue.push(Ticket {
            tenant: NAMES[tenant % NAMES.len()].map(Text::from),
            priority,
            cost,
            since: self.now,
            payload: number,
        });
        self.keys.insert(number, key);
    }

    fn remove(&mut self, number: usize) -> bool {
        let key = self.keys.remove(&number);
        key.and_then(|key| self.queue.remove(key)).is_some()
    }

    fn head(&mut self) -> Option<usize> {
        self.queue.head().map(|(_, ticket)| ticket.payload)
    }

    fn pop(&mut self, number: usize) -> Option<Ticket<usize>> {
        let key = self.keys.remove(&number)?;
        self.queue.pop(key, self.now)
    }

    fn serve(&mut self) -> Option<Ticket<usize>> {
        let head = self.head()?;
        self.pop(head)
    }

    fn order(&mut self) -> Vec<usize> {
        let order = self.queue.order(self.now);
        order.map(|(_, ticket)| ticket.payload).collect()
    }

    fn drain(&mut self) -> Vec<usize> {
        let served = std::iter::from_fn(|| self.serve());
        served.map(|ticket| ticket.payload).collect()
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    vec((0..10_u8, 0..8_usize, 0..3_usize, 1..5_000_u64), 1..80)
}

proptest! {
    #[test]
    fn what_is_told_agrees_with_a_list(steps in steps()) {
        let mut bench = Bench::new(QUANTUM);
        let mut list: Vec<(usize, usize, usize, u64, Instant)> = Vec::new();
        for (number, (what, which, rank, cost)) in steps.into_iter().enumerate() {
            bench.now += Duration::from_secs(cost / 500);
            match what {
                0..5 => {
                    bench.push(number, which, PRIORITIES[rank], cost);
                    list.push((number, which % NAMES.len(), rank, cost, bench.now));
                }
                5..7 => {
                    let chosen = (!list.is_empty()).then(|| list.remove(which % list.len()));
                    if let Some((number, ..)) = chosen {
                        prop_assert!(bench.remove(number));
                        prop_assert!(!bench.remove(number));
                    }
                }
                7 => {
                    let chosen = (!list.is_empty()).then(|| list.remove(which % list.len()));
                    if let Some((number, ..)) = chosen {
                        prop_assert_eq!(bench.pop(number).map(|t| t.payload), Some(number));
                    }
                }
                _ => match bench.serve() {
                    Some(ticket) => {
                        let (tenant, at) = (ticket.tenant.clone(), ticket.payload);
                        // First come, first served, of those of one tenant and priority.
                        let peers = list.iter().filter(|(_, t, r, ..)| {
                            NAMES[*t].map(Text::from) == tenant && PRIORITIES[*r] == ticket.priority
                        });
                        prop_assert_eq!(peers.map(|(n, ..)| *n).min(), Some(at));
                        list.retain(|(n, ..)| *n != at);
                    }
                    None => prop_assert!(list.is_empty()),
                },
            }
            prop_assert_eq!(bench.queue.len(), list.len());
            let oldest = list.iter().map(|(.., since)| bench.now.saturating_duration_since(*since));
            prop_assert_eq!(bench.queue.oldest_age(bench.now), oldest.max());
            let lowest = list.iter().map(|(_, _, rank, ..)| *rank).min();
            let victim = bench.queue.victim().and_then(|key| bench.queue.get(key));
            prop_assert_eq!(victim.map(|t| t.priority), lowest.map(|rank| PRIORITIES[rank]));
            if let (Some(victim), Some(rank)) = (victim, lowest) {
                let mut weights = BTreeMap::<usize, (u64, usize)>::new();
                for (number, tenant, ..) in list.iter().filter(|(_, _, r, ..)| *r == rank) {
                    let entry = weights.entry(*tenant).or_default();
                    entry.1 = entry.1.max(*number);
                }
                for (_, tenant, _, cost, _) in list.iter().filter(|(_, _, r, ..)| *r == rank) {
                    weights.entry(*tenant).or_default().0 += cost;
                }
                let most = weights.values().map(|(weight, _)| *weight).max();
                let youngest = weights.values().filter(|(w, _)| Some(*w) == most).map(|(_, n)| *n);
                prop_assert!(youngest.collect::<Vec<_>>().contains(&victim.payload));
            }
        }
        let order = bench.order();
        prop_assert_eq!(order.len(), list.len());
        prop_assert_eq!(order, bench.drain());
        prop_assert!(bench.queue.is_empty());
        let known: usize = bench.queue.classes.iter().map(super::Class::known).sum();
        prop_assert_eq!(known, 0, "an empty queue remembers nobody");
    }

    #[test]
    fn rl4_two_tenants_that_wait_are_served_alike(
        steps in vec((0..3_u8, 0..4_usize, 1..3_000_u64), 1..200),
        quantum in 0..4_000_u64,
    ) {
        let mut bench = Bench::new(quantum);
        let mut served = [0_u64; 4];
        let mut waiting = [0_u32; 4];
        // Tokens served to both when the later of two began to wait.
        let mut since = [[None; 4]; 4];
        let mut most = 1;
        for (number, (what, tenant, cost)) in steps.into_iter().enumerate() {
            if what < 2 {
                most = most.max(cost);
                bench.push(number, tenant, Priority::Normal, cost);
                waiting[tenant] += 1;
            } else if let Some(ticket) = bench.serve() {
                let names = NAMES.map(|name| name.map(Text::from));
                let tenant = names.iter().position(|name| *name == ticket.tenant).unwrap();
                served[tenant] += ticket.cost;
                waiting[tenant] -= 1;
            }
            for a in 0..4 {
                for b in 0..a {
                    // A tenant that was just served its last waits no more, yet that service counted.
                    if let Some((at, bt)) = since[a][b] {
                        let (a, b): (u64, u64) = (served[a] - at, served[b] - bt);
                        prop_assert!(a.abs_diff(b) <= most + most.max(quantum));
                    }
                    let both = waiting[a] > 0 && waiting[b] > 0;
                    since[a][b] = both.then(|| since[a][b].unwrap_or((served[a], served[b])));
                }
            }
        }
    }

    #[test]
    fn rl7_one_that_leaves_leaves_no_trace(steps in steps(), which in 0..80_usize, stay in 0..80_usize) {
        let mut with = Bench::new(QUANTUM);
        let mut without = Bench::new(QUANTUM);
        let pushes: Vec<_> = (0..steps.len()).filter(|number| steps[*number].0 < 6).collect();
        prop_assume!(!pushes.is_empty());
        let ghost = pushes[which % pushes.len()];
        let mut here = false;
        for (number, (what, which, rank, cost)) in steps.into_iter().enumerate() {
            let step = Duration::from_secs(cost / 200);
            with.now += step;
            without.now += step;
            if number == ghost + stay && here {
                here = false;
                prop_assert!(with.remove(ghost));
            }
            if number == ghost {
                with.push(number, which, PRIORITIES[rank], cost);
                here = true;
            } else if what < 6 {
                with.push(number, which, PRIORITIES[rank], cost);
                without.push(number, which, PRIORITIES[rank], cost);
            } else {
                // The one is asked for its order and not for its head, which would bind it.
                let next = with.queue.choose().and_then(|key| with.queue.get(key).map(|t| t.payload));
                if here && (next == Some(ghost) || without.queue.is_empty()) {
                    here = false;
                    prop_assert!(with.remove(ghost));
                }
                let served = with.serve().map(|ticket| ticket.payload);
                prop_assert_eq!(without.serve().map(|ticket| ticket.payload), served);
            }
            // A queue with nobody in it but the ghost remembers more than an empty one.
            if here && without.queue.is_empty() {
                here = false;
                prop_assert!(with.remove(ghost));
            }
        }
        if here {
            prop_assert!(with.remove(ghost));
        }
        prop_assert_eq!(with.drain(), without.drain());
    }

    #[test]
    fn the_head_stays_whoever_comes_or_leaves(steps in steps()) {
        let mut bench = Bench::new(QUANTUM);
        bench.push(1_000, 0, Priority::Background, 100);
        bench.push(1_001, 1, Priority::Background, 4_000);
        bench.serve();
        let head = bench.head();
        let mut others = Vec::new();
        for (number, (what, which, rank, cost)) in steps.into_iter().enumerate() {
            match what {
                0..6 => {
                    bench.push(number, which, PRIORITIES[rank], cost);
                    others.push(number);
                }
                _ if others.is_empty() => {}
                6 => {
                    bench.remove(others.remove(which % others.len()));
                }
                _ => {
                    bench.pop(others.remove(which % others.len()));
                }
            }
            prop_assert_eq!(bench.head(), head);
        }
        let order = bench.order();
        prop_assert_eq!(order.first().copied(), head);
        prop_assert_eq!(order, bench.drain());
    }
}

/// Serves `tokens` of tickets that cost 100 while every class has more, and counts by class.
fn shares(bench: &mut Bench, calls: usize) -> [usize; 3] {
    let mut served = [0; 3];
    for _ in 0..calls {
        let ticket = bench.serve().unwrap();
        served[super::rank(ticket.priority)] += 1;
    }
    served
}

#[test]
fn every_class_has_its_share() {
    let mut bench = Bench::new(QUANTUM);
    for number in 0..3_000 {
        bench.push(number, number % 4, PRIORITIES[number % 3], 100);
    }
    assert_eq!(shares(&mut bench, 210), [10, 40, 160]);
}

#[test]
fn the_share_of_old_calls_grows() {
    let mut bench = Bench::new(QUANTUM);
    for number in 0..3_000 {
        bench.push(number, 0, PRIORITIES[number % 3], 100);
    }
    bench.now = bench.start + STEP;
    let [background, normal, interactive] = shares(&mut bench, 360);
    assert_eq!((background, normal, interactive), (40, 160, 160));
}

#[test]
fn a_person_that_waits_goes_before_what_nobody_waits_for() {
    let mut bench = Bench::new(QUANTUM);
    for number in 0..100 {
        bench.push(number, 0, Priority::Background, 1_000);
    }
    for _ in 0..10 {
        bench.serve();
    }
    bench.push(100, 1, Priority::Interactive, 1_000);
    assert_eq!(bench.head(), Some(100));
}

#[test]
fn a_small_tenant_does_not_wait_behind_a_large_one() {
    let mut bench = Bench::new(QUANTUM);
    for number in 0..10_000 {
        bench.push(number, 0, Priority::Normal, 500);
    }
    bench.serve();
    bench.push(10_000, 1, Priority::Normal, 500);
    let before = std::iter::from_fn(|| bench.serve()).take_while(|t| t.payload != 10_000);
    let tokens: u64 = before.map(|ticket| ticket.cost).sum();
    assert!(tokens <= QUANTUM + 500, "{tokens} tokens went before it");
}

#[test]
fn new_tenants_do_not_overtake_for_ever() {
    let mut queue = Queue::new(100);
    let now = Instant::now();
    let ticket = |tenant: String, cost, payload| Ticket {
        tenant: Some(tenant.into()),
        priority: Priority::Normal,
        cost,
        since: now,
        payload,
    };
    queue.push(ticket("old".into(), 10_000, false));
    queue.push(ticket("old".into(), 10, true));
    let mut served = 0;
    loop {
        // There is always somebody new, as many as may wait.
        while queue.len() < 50 {
            let name = format!("new {}", queue.next);
            queue.push(ticket(name, 1_000, false));
        }
        let key = queue.head().map(|(key, _)| key).unwrap();
        served += 1;
        if queue.pop(key, now).unwrap().payload {
            break;
        }
        assert!(served < 50 * (10_000 / 100 + 2), "it starves");
    }
}

#[test]
fn extremes_of_cost_and_age_are_bounded() {
    let mut bench = Bench::new(u64::MAX);
    bench.push(0, 0, Priority::Background, u64::MAX);
    bench.push(1, 1, Priority::Background, 0);
    bench.push(2, 0, Priority::Interactive, u64::MAX);
    bench.now += Duration::from_secs(u64::from(u32::MAX));
    assert_eq!(bench.order().len(), 3);
    assert_eq!(bench.drain().len(), 3);
    assert_eq!(bench.serve().map(|t| t.payload), None);
}
