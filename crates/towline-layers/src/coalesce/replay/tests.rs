use super::{Piece, Replay, weight};
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use towline_core::Event;

fn text(length: usize) -> Event {
    Event::Text("x".repeat(length).into())
}

proptest! {
    #[test]
    fn what_is_kept_is_the_end_of_the_answer_within_the_bound(
        lengths in proptest::collection::vec(0_usize..200, 1..60),
        bound in 0_usize..4_000,
    ) {
        let mut replay = Replay::new(bound);
        for (place, length) in (0_u64..).zip(&lengths) {
            replay.push(text(*length));
            prop_assert_eq!(replay.get(place), Piece::Here(&text(*length)), "the newest stays");
            prop_assert_eq!(replay.get(place + 1), Piece::Ahead);
        }
        let kept: Vec<_> = (0_u64..)
            .zip(&lengths)
            .skip_while(|(place, _)| replay.get(*place) == Piece::Gone)
            .collect();
        for (place, length) in &kept {
            prop_assert_eq!(replay.get(*place), Piece::Here(&text(**length)));
        }
        let bytes: usize = kept.iter().map(|(_, length)| weight(&text(**length))).sum();
        prop_assert!(bytes <= bound || kept.len() == 1);
        prop_assert_eq!(replay.is_whole(), kept.len() == lengths.len());
    }
}
