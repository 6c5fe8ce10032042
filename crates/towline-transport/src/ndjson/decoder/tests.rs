use super::Decoder;
use bytes::Bytes;
use proptest::{collection::vec, prelude::*, sample::select};
use towline_core::ErrorKind;

/// The lines, and whether an error ended them.
fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, max: usize) -> (Vec<Bytes>, bool) {
    let mut decoder = Decoder::with_max_bytes(max);
    let mut lines = Vec::new();
    for piece in pieces {
        decoder.push(Bytes::copy_from_slice(piece));
        while let Some(line) = decoder.next() {
            match line {
                Ok(line) => lines.push(line),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Protocol);
                    assert!(decoder.next().is_none());
                    return (lines, true);
                }
            }
        }
    }
    if let Some(line) = decoder.finish() {
        lines.push(line.unwrap());
    }
    assert!(decoder.finish().is_none());
    (lines, false)
}

fn reference(input: &[u8], max: usize) -> (Vec<Bytes>, bool) {
    let mut lines = Vec::new();
    for line in input.split(|byte| *byte == b'\n') {
        if line.len() > max {
            return (lines, true);
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if !line.iter().all(u8::is_ascii_whitespace) {
            lines.push(Bytes::copy_from_slice(line));
        }
    }
    (lines, false)
}

#[test]
fn lines_end_in_lf_or_crlf_and_blank_ones_are_skipped() {
    let (lines, _) = decode([&b"\n{\"a\":1}\r\n \r\n\n{\"b\":2}\n\t\n"[..]], 99);
    assert_eq!(lines, ["{\"a\":1}", "{\"b\":2}"]);
}

#[test]
fn the_last_line_may_lack_its_end() {
    assert_eq!(
        decode([&b"{}\n{\"done\":true}"[..]], 99).0,
        ["{}", "{\"done\":true}"]
    );
    assert_eq!(
        decode([&b"{}\n{\"done\":true}\r"[..]], 99).0,
        ["{}", "{\"done\":true}"]
    );
    assert_eq!(decode([&b"{}\n  "[..]], 99).0, ["{}"]);
}

#[test]
fn a_line_beyond_the_bound_is_an_error_that_names_it() {
    let mut decoder = Decoder::with_max_bytes(8);
    decoder.push(Bytes::from_static(b"12345678\n123456789"));
    assert_eq!(decoder.next().unwrap().unwrap(), "12345678");
    let error = decoder.next().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.to_string().contains("bound of 8 bytes"), "{error}");
    assert!(decoder.finish().is_none(), "nothing after an error");
}

#[test]
fn a_line_in_one_piece_is_a_slice_of_it() {
    let piece = Bytes::from(b"{\"a\":1}\n".repeat(3));
    let range = piece.as_ptr_range();
    let mut decoder = Decoder::new();
    decoder.push(piece);
    assert_eq!(
        decoder
            .by_ref()
            .filter(|line| range.contains(&line.as_ref().unwrap().as_ptr()))
            .count(),
        3
    );
}

#[test]
fn pieces_may_be_pushed_ahead() {
    let mut decoder = Decoder::new();
    for piece in ["{\"a\"", ":1}\n{}", "\n", "{\"b\"", ":2}"] {
        decoder.push(Bytes::copy_from_slice(piece.as_bytes()));
    }
    let mut lines = Vec::new();
    while let Some(line) = decoder.finish() {
        lines.push(line.unwrap());
    }
    assert_eq!(lines, ["{\"a\":1}", "{}", "{\"b\":2}"]);
}

proptest! {
    #[test]
    fn any_split_gives_what_the_reference_gives(
        tokens in vec(select(vec![&b"\n"[..], b"\r\n", b"\r", b" ", b"{\"a\":1}", b"x", b"\xFF", b"longer text"]), 0..60),
        sizes in vec(1_usize..9, 1..80),
        max in select(vec![4_usize, 20, usize::MAX]),
    ) {
        let input = tokens.concat();
        let mut pieces = Vec::new();
        let mut rest = &input[..];
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, tail) = rest.split_at((*size).min(rest.len()));
            pieces.push(piece);
            rest = tail;
        }
        let expected = reference(&input, max);
        prop_assert_eq!(decode([&input[..]], max), reference(&input, max));
        prop_assert_eq!(decode(pieces, max), expected);
    }
}
