//! The line decoder takes any bytes in any pieces, and the pieces make no difference.
//!
//! The first byte of the input sets the bound, the second the sizes of the pieces.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use towline_transport::ndjson::Decoder;

fuzz_target!(|input: &[u8]| {
    let [bound, step, input @ ..] = input else {
        return;
    };
    let max = usize::from(*bound) * 4;
    let step = usize::from(*step) % 17 + 1;
    let whole = decode([input], max);
    assert_eq!(decode(input.chunks(step), max), whole);
    assert_eq!(decode(input.chunks(1), max), whole);
});

/// The lines, and whether an error ended them.
fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, max: usize) -> (Vec<Bytes>, bool) {
    let mut decoder = Decoder::with_max_bytes(max);
    let mut lines = Vec::new();
    for piece in pieces {
        decoder.push(Bytes::copy_from_slice(piece));
        while let Some(line) = decoder.next() {
            match line {
                Ok(line) => lines.push(line),
                Err(_) => return (lines, true),
            }
        }
    }
    while let Some(line) = decoder.finish() {
        match line {
            Ok(line) => lines.push(line),
            Err(_) => return (lines, true),
        }
    }
    assert!(
        lines
            .iter()
            .all(|line| line.len() <= max && !line.contains(&b'\n'))
    );
    (lines, false)
}
