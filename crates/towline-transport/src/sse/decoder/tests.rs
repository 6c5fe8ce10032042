use super::{Decoder, Ending};
use crate::sse::{Event, Frame};
use bytes::Bytes;
use proptest::{collection::vec, prelude::*, sample::select};
use towline_core::ErrorKind;

/// What a decoder made of a whole input.
#[derive(Debug, PartialEq)]
struct Outcome {
    frames: Vec<Frame>,
    failed: bool,
    ending: Option<Ending>,
}

impl Outcome {
    const fn failed(frames: Vec<Frame>) -> Self {
        Self {
            frames,
            failed: true,
            ending: None,
        }
    }

    const fn ended(frames: Vec<Frame>, ending: Ending) -> Self {
        Self {
            frames,
            failed: false,
            ending: Some(ending),
        }
    }
}

fn event(name: Option<&str>, data: &str) -> Frame {
    Frame::Event(Event {
        name: name.map(|name| Bytes::copy_from_slice(name.as_bytes())),
        data: Bytes::copy_from_slice(data.as_bytes()),
    })
}

/// Pushes the pieces one by one, each after the decoder wanted more.
fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, max: usize) -> Outcome {
    let mut decoder = Decoder::with_max_bytes(max);
    let mut frames = Vec::new();
    for piece in pieces {
        decoder.push(Bytes::copy_from_slice(piece));
        while let Some(frame) = decoder.next() {
            match frame {
                Ok(frame) => frames.push(frame),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Protocol);
                    assert!(decoder.next().is_none());
                    return Outcome::failed(frames);
                }
            }
        }
    }
    Outcome::ended(frames, decoder.finish())
}

fn frames(input: &str) -> Vec<Frame> {
    let outcome = decode([input.as_bytes()], usize::MAX);
    assert!(!outcome.failed);
    outcome.frames
}

/// `None` for a comment.
fn name_and_value(line: &[u8]) -> Option<(&[u8], &[u8])> {
    match line.iter().position(|byte| *byte == b':') {
        Some(0) => None,
        Some(colon) => {
            let value = &line[colon + 1..];
            Some((&line[..colon], value.strip_prefix(b" ").unwrap_or(value)))
        }
        None => Some((line, &[])),
    }
}

/// The rules once more, on the whole input and with no thought of speed.
fn reference(input: &[u8], max: usize) -> Outcome {
    let mut rest = input.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(input);
    let half_mark = !input.is_empty() && b"\xEF\xBB".starts_with(input);
    let mut frames = Vec::new();
    let mut name: Vec<u8> = Vec::new();
    let mut data: Option<Vec<u8>> = None;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        if end.unwrap_or(rest.len()) > max {
            return Outcome::failed(frames);
        }
        let Some(end) = end else {
            break;
        };
        let line = rest[..end].to_vec();
        let width = if rest[end..].starts_with(b"\r\n") {
            2
        } else {
            1
        };
        rest = &rest[end + width..];
        if line.is_empty() {
            let event_name = std::mem::take(&mut name);
            if let Some(data) = data.take() {
                let name = (!event_name.is_empty()).then(|| Bytes::from(event_name));
                frames.push(Frame::Event(Event {
                    name,
                    data: Bytes::from(data),
                }));
            }
            continue;
        }
        let Some((field, value)) = name_and_value(&line) else {
            frames.push(Frame::Comment);
            continue;
        };
        if field == b"event" {
            name = value.to_vec();
        } else if field == b"data" {
            let joined = match data.take() {
                None => value.to_vec(),
                Some(before) => [&before[..], b"\n", value].concat(),
            };
            if joined.len() > max {
                return Outcome::failed(frames);
            }
            data = Some(joined);
        }
    }
    let cut_off = !rest.is_empty() || half_mark || data.is_some() || !name.is_empty();
    let ending = if cut_off {
        Ending::CutOff
    } else {
        Ending::Clean
    };
    Outcome::ended(frames, ending)
}

#[test]
fn line_ends_may_be_lf_crlf_cr_and_mixed() {
    for input in [
        "event: e\ndata: 1\n\ndata: 2\n\n",
        "event: e\r\ndata: 1\r\n\r\ndata: 2\r\n\r\n",
        "event: e\rdata: 1\r\rdata: 2\r\r",
        "event: e\ndata: 1\r\n\rdata: 2\r\n\n",
    ] {
        assert_eq!(
            frames(input),
            [event(Some("e"), "1"), event(None, "2")],
            "{input:?}"
        );
    }
}

#[test]
fn a_crlf_split_between_two_reads_is_one_line_end() {
    let pieces = [&b"data: 1\r"[..], b"\ndata: 2\r", b"\n\r", b"\ndata: 3\n\n"];
    let outcome = decode(pieces, usize::MAX);
    assert_eq!(outcome.frames, [event(None, "1\n2"), event(None, "3")]);
    assert_eq!(outcome.ending, Some(Ending::Clean));
}

#[test]
fn an_event_does_not_wait_for_the_byte_after_its_last_cr() {
    let mut decoder = Decoder::new();
    decoder.push(Bytes::from_static(b"data: 1\r\r"));
    assert_eq!(decoder.next().unwrap().unwrap(), event(None, "1"));
    assert_eq!(decoder.ending(), Ending::Clean);
}

#[test]
fn one_byte_order_mark_at_the_start_is_skipped() {
    assert_eq!(frames("\u{feff}data: 1\n\n"), [event(None, "1")]);
    // A second one, or one later, is text of a field that nobody knows.
    assert_eq!(frames("\u{feff}\u{feff}data: 1\n\n"), []);
    assert_eq!(frames("data: 1\n\n\u{feff}data: 2\n\n"), [event(None, "1")]);
    assert_eq!(frames("data: \u{feff}\n\n"), [event(None, "\u{feff}")]);
}

#[test]
fn one_space_after_the_colon_is_dropped_and_a_colon_may_be_missing() {
    assert_eq!(frames("data:x\n\n"), [event(None, "x")]);
    assert_eq!(frames("data:  x \n\n"), [event(None, " x ")]);
    assert_eq!(frames("data\n\n"), [event(None, "")]);
    assert_eq!(frames("data\ndata\n\n"), [event(None, "\n")]);
    assert_eq!(frames("data: a: b\n\n"), [event(None, "a: b")]);
    assert_eq!(frames("datax: 1\n\n data: 2\n\n"), []);
}

#[test]
fn data_lines_are_joined_with_a_line_feed() {
    assert_eq!(
        frames("data: a\ndata:\ndata: b\n\n"),
        [event(None, "a\n\nb")]
    );
}

#[test]
fn an_event_without_data_is_not_dispatched_and_leaves_nothing_behind() {
    assert_eq!(frames("event: e\n\ndata: 1\n\n"), [event(None, "1")]);
    assert_eq!(frames("id: 7\nretry: 10\n\n\n\n"), []);
    assert_eq!(
        frames("event: a\nevent: b\ndata: 1\n\n"),
        [event(Some("b"), "1")]
    );
    assert_eq!(frames("event: a\nevent:\ndata: 1\n\n"), [event(None, "1")]);
}

#[test]
fn a_comment_is_reported_and_never_makes_an_event() {
    assert_eq!(frames(": OPENROUTER PROCESSING\n\n"), [Frame::Comment]);
    assert_eq!(
        frames(":\n\n:data: x\n\n"),
        [Frame::Comment, Frame::Comment]
    );
    assert_eq!(
        frames("data: 1\n: ping\ndata: 2\n\n"),
        [Frame::Comment, event(None, "1\n2")]
    );
}

#[test]
fn what_the_end_cuts_off_is_not_dispatched_and_is_told() {
    for (input, count, ending) in [
        ("", 0, Ending::Clean),
        ("data: 1\n\n", 1, Ending::Clean),
        ("data: 1\r\n\r", 1, Ending::Clean),
        (": ping\n", 1, Ending::Clean),
        ("data: 1\n\ndata: 2", 1, Ending::CutOff),
        ("data: 1\n\ndata: 2\n", 1, Ending::CutOff),
        ("data: 1\n\nevent: e\n", 1, Ending::CutOff),
        ("data: 1\n\n: pi", 1, Ending::CutOff),
        ("data", 0, Ending::CutOff),
    ] {
        let outcome = decode([input.as_bytes()], usize::MAX);
        assert_eq!(outcome.frames.len(), count, "{input:?}");
        assert_eq!(outcome.ending, Some(ending), "{input:?}");
    }
    assert_eq!(decode([&b"\xEF\xBB"[..]], 9).ending, Some(Ending::CutOff));
}

#[test]
fn a_line_or_event_beyond_the_bound_is_an_error_that_names_it() {
    let mut decoder = Decoder::with_max_bytes(16);
    decoder.push(Bytes::from_static(b"data: 0123456789\n\ndata: 0123456789a"));
    assert_eq!(decoder.next().unwrap().unwrap(), event(None, "0123456789"));
    let error = decoder.next().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.to_string().contains("bound of 16 bytes"), "{error}");
    decoder.push(Bytes::from_static(b"\n\ndata: 1\n\n"));
    assert!(decoder.next().is_none(), "nothing after an error");

    // Joined lines count together, with the line feeds between them.
    assert!(!decode([&b"data: 12345678\ndata: 1234567\n\n"[..]], 16).failed);
    assert!(decode([&b"data: 12345678\ndata: 12345678\n\n"[..]], 16).failed);
    // A comment counts too, else it would fill the memory.
    assert!(decode([&b": 0123456789 0123456789"[..]], 16).failed);
}

#[test]
fn the_data_of_an_event_in_one_piece_is_a_slice_of_it() {
    let piece = Bytes::from(b"data: {\"text\":\"hello\"}\n\n".repeat(3));
    let range = piece.as_ptr_range();
    let mut decoder = Decoder::new();
    decoder.push(piece);
    let mut count = 0;
    while let Some(Ok(Frame::Event(event))) = decoder.next() {
        assert!(range.contains(&event.data.as_ptr()));
        count += 1;
    }
    assert_eq!(count, 3);
}

#[test]
fn pieces_may_be_pushed_ahead() {
    let mut decoder = Decoder::new();
    for piece in ["da", "ta: 1\n", "\ndata: 2\n\nda", "ta: 3\n\n"] {
        decoder.push(Bytes::copy_from_slice(piece.as_bytes()));
    }
    assert_eq!(decoder.ending(), Ending::CutOff);
    let found: Vec<_> = decoder.by_ref().map(Result::unwrap).collect();
    assert_eq!(
        found,
        [event(None, "1"), event(None, "2"), event(None, "3")]
    );
    assert_eq!(decoder.ending(), Ending::Clean);
}

#[test]
fn every_split_of_a_stream_in_two_gives_the_same() {
    let input = "\u{feff}event: a\r\ndata: 1\r\n\r\n: c\r\rdata:é\ndata: x\n\nid: 1\rdata\r\r\n";
    let whole = decode([input.as_bytes()], usize::MAX);
    assert_eq!(whole.frames.len(), 4);
    for cut in 0..=input.len() {
        let (head, tail) = input.as_bytes().split_at(cut);
        assert_eq!(decode([head, tail], usize::MAX), whole, "cut at {cut}");
    }
    assert_eq!(decode(input.as_bytes().chunks(1), usize::MAX), whole);
}

/// Streams made of what matters to the rules.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    let token = select(vec![
        &b"\n"[..],
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"\r\n\r\n",
        b"data: ",
        b"data:",
        b"data",
        b"event: ",
        b"event",
        b"event: n\n",
        b"event:n\r\n",
        b"event: n\ndata: x\n\n",
        b"event: \r\ndata:{}\r\n\r\n",
        b"id: 1",
        b"retry:",
        b":",
        b" ",
        b"x",
        b"{\"a\":1}",
        b"\xEF\xBB\xBF",
        b"\xEF\xBB",
        b"\xC3\xA9",
        b"\xFF",
        b"\0",
        b"a longer piece of text that makes lines differ",
    ]);
    vec(token, 0..60).prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn any_split_gives_what_the_reference_gives(
        input in streams(),
        sizes in vec(1_usize..9, 1..80),
        max in select(vec![4_usize, 20, 60, usize::MAX]),
    ) {
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
        prop_assert_eq!(decode([&input[..]], max), Outcome { ..reference(&input, max) });
        prop_assert_eq!(decode(pieces, max), expected);
    }

    #[test]
    fn the_kind_of_line_end_makes_no_difference(
        events in vec((any::<bool>(), vec("[a-z ]{0,12}", 1..4)), 0..8),
        ends in vec(select(vec!["\n", "\r\n", "\r"]), 1..20),
    ) {
        let mut ends = ends.iter().cycle();
        let mut mixed = String::new();
        let mut plain = String::new();
        for (named, lines) in &events {
            let name = named.then(|| "event: n".to_owned());
            let data = lines.iter().map(|line| format!("data: {line}"));
            // A CR before an empty line that ends in LF would be one CRLF: a space keeps them apart.
            for line in name.into_iter().chain(data).chain([String::new()]) {
                let end = *ends.next().unwrap();
                let joins = mixed.ends_with('\r') && line.is_empty() && end == "\n";
                mixed.push_str(&line);
                mixed.push_str(if joins { "\r" } else { end });
                plain.push_str(&line);
                plain.push('\n');
            }
        }
        let expected = decode([plain.as_bytes()], usize::MAX);
        prop_assert_eq!(expected.frames.len(), events.len());
        prop_assert_eq!(decode([mixed.as_bytes()], usize::MAX), expected);
    }
}
