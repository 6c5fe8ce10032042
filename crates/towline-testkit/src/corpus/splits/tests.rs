use super::{STRIDE, Splits};
use bytes::Bytes;
use std::collections::BTreeSet;

fn joined(pieces: &[Bytes]) -> Vec<u8> {
    pieces.concat()
}

#[test]
fn a_short_body_is_cut_at_every_byte() {
    let body = Bytes::from_static(b"abcd");
    let splits: Vec<_> = Splits::of(&body).collect();
    let lengths: Vec<Vec<usize>> = splits
        .iter()
        .map(|pieces| pieces.iter().map(Bytes::len).collect())
        .collect();
    let expected: [&[usize]; 5] = [&[4], &[1, 1, 1, 1], &[1, 3], &[2, 2], &[3, 1]];
    assert_eq!(lengths, expected);
    assert!(splits.iter().all(|pieces| joined(pieces) == *b"abcd"));
}

#[test]
fn a_long_body_is_cut_at_every_byte_and_at_many_at_once() {
    let body = Bytes::from(vec![7; 30_000]);
    let splits: Vec<_> = Splits::of(&body).collect();
    assert_eq!(splits.len(), 2 + STRIDE);
    let mut cuts = BTreeSet::new();
    for pieces in splits.iter().skip(2) {
        assert_eq!(joined(pieces), body);
        assert!(pieces.iter().all(|piece| !piece.is_empty()));
        let mut at = 0;
        for piece in pieces {
            at += piece.len();
            cuts.insert(at);
        }
    }
    assert!(cuts.into_iter().eq(1..=30_000));
}

#[test]
fn bodies_too_short_to_cut_arrive_whole() {
    for length in [0, 1] {
        let body = Bytes::from(vec![7; length]);
        assert_eq!(Splits::of(&body).count(), 1, "{length} bytes");
    }
}
