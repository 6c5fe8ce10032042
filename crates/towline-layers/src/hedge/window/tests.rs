use super::{SIZE, Window};
use proptest::prelude::{prop_assert_eq, proptest};
use std::time::Duration;

const MIN: usize = 5;

proptest! {
    /// The model sorts the last samples anew.
    #[test]
    fn the_delay_is_the_percentile_of_the_last_calls(
        times in proptest::collection::vec(0_u64..1_000, 1..600),
        millionths in 0_u32..=1_000_000,
    ) {
        let window = Window::new();
        for (index, time) in times.iter().enumerate() {
            window.record(Duration::from_nanos(*time), millionths, MIN);
            let seen = index + 1;
            let mut last = times[seen.saturating_sub(SIZE)..seen].to_vec();
            last.sort_unstable();
            let rank = (last.len() * usize::try_from(millionths).unwrap()).div_ceil(1_000_000);
            let expected = (seen >= MIN).then(|| Duration::from_nanos(last[rank.max(1) - 1]));
            prop_assert_eq!(window.percentile(), expected);
        }
    }
}

#[test]
fn a_time_beyond_all_clocks_is_a_sample_too() {
    let window = Window::new();
    window.record(Duration::MAX, 1_000_000, 1);
    assert!(window.percentile().is_some());
}
