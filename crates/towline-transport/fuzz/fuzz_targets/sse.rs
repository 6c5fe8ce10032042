//! The event decoder takes any bytes in any pieces, and the pieces make no difference.
//!
//! The first byte of the input sets the bound, the second the sizes of the pieces.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use towline_transport::sse::{Decoder, Ending, Frame};

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

/// The frames, and how it ended: `None` by an error.
fn decode<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    max: usize,
) -> (Vec<Frame>, Option<Ending>) {
    let mut decoder = Decoder::with_max_bytes(max);
    let mut frames = Vec::new();
    for piece in pieces {
        decoder.push(Bytes::copy_from_slice(piece));
        while let Some(frame) = decoder.next() {
            match frame {
                Ok(frame) => frames.push(bounded(frame, max)),
                Err(_) => return (frames, None),
            }
        }
    }
    (frames, Some(decoder.finish()))
}

fn bounded(frame: Frame, max: usize) -> Frame {
    if let Frame::Event(event) = &frame {
        assert!(event.data.len() <= max);
        assert!(
            event
                .name
                .as_ref()
                .is_none_or(|name| !name.is_empty() && name.len() <= max)
        );
    }
    frame
}
