use super::{AgeBound, QueueGauge, shedder::Shedder};
use proptest::{collection::vec, prelude::*};
use std::{collections::VecDeque, time::Duration};
use tokio::time::Instant;
use towline_core::Priority;

const SECOND: Duration = Duration::from_secs(1);

fn rule() -> AgeBound {
    AgeBound::new(8 * SECOND)
}

#[test]
fn a_burst_that_drains_costs_nobody_anything() {
    let mut shedder = Shedder::new(rule());
    let start = Instant::now();
    for tenth in 0..39 {
        let now = start + tenth * SECOND / 10;
        assert!(!shedder.step(Some(start), now), "at {tenth}");
        assert!(!shedder.on_arrival(Some(start), now), "at {tenth}");
    }
}

#[test]
fn a_queue_that_stays_old_lets_go_of_one_for_each_that_comes() {
    let mut shedder = Shedder::new(rule());
    let start = Instant::now();
    assert!(!shedder.on_arrival(Some(start), start + 2 * SECOND));
    let now = start + 4 * SECOND;
    assert!(shedder.on_arrival(Some(start), now));
    assert!(shedder.on_arrival(Some(start), now));
    assert!(!shedder.on_arrival(Some(now), now), "the oldest is young");
    let later = now + 3 * SECOND;
    assert!(!shedder.on_arrival(Some(now), later), "it counts anew");
}

#[test]
fn a_queue_that_stays_old_lets_go_faster_and_faster() {
    let mut shedder = Shedder::new(rule());
    let start = Instant::now();
    let mut gone = Vec::new();
    for tenth in 0..200_u32 {
        let now = start + tenth * SECOND / 10;
        // The oldest always came three seconds ago.
        while shedder.step(Some(now.checked_sub(3 * SECOND).unwrap()), now) {
            gone.push(tenth);
        }
    }
    let pauses: Vec<_> = gone.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(
        gone.first(),
        Some(&10),
        "two seconds after the target was crossed"
    );
    assert!(pauses.is_sorted_by(|a, b| a + 1 >= *b), "{pauses:?}");
    assert!(gone.len() > 20, "{gone:?}");
}

#[test]
fn the_gate_closes_first_for_what_nobody_waits_for() {
    let gate = |priority| rule().gate(priority);
    assert_eq!(gate(Priority::Background), 2 * SECOND);
    assert_eq!(gate(Priority::Normal), 5 * SECOND);
    assert_eq!(gate(Priority::Interactive), 8 * SECOND);
    let odd = rule().with_target(20 * SECOND);
    assert_eq!(odd.gate(Priority::Normal), 8 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_gauge_tells_length_and_age_to_all_its_clones() {
    let gauge = QueueGauge::new();
    let other = gauge.clone();
    gauge.show(3, Some(Instant::now()));
    tokio::time::advance(2 * SECOND).await;
    assert_eq!((other.len(), other.oldest_age()), (3, Some(2 * SECOND)));
    gauge.show(0, None);
    assert_eq!((other.len(), other.oldest_age()), (0, None));
}

proptest! {
    #[test]
    fn sh1_nothing_is_shed_where_the_server_keeps_up(
        gaps in vec(0..200_u64, 1..300),
        service in 1..100_u64,
    ) {
        // One server. Calls come in clumps, on the average no faster than it serves.
        let mut shedder = Shedder::new(rule());
        let start = Instant::now();
        let mut queue = VecDeque::new();
        let (mut now, mut free) = (start, start);
        for gap in gaps {
            now += Duration::from_millis(gap.max(service));
            while let Some(first) = queue.front().copied() && free <= now {
                let began = free.max(first);
                queue.pop_front();
                free = began + Duration::from_millis(service);
            }
            queue.push_back(now);
            prop_assert!(!shedder.on_arrival(queue.front().copied(), now));
            prop_assert!(!shedder.step(queue.front().copied(), now));
        }
    }
}
