use super::{Framing, boundaries};
use bytes::Bytes;
use towline_transport::sse;

const STREAM: &[u8] =
    b": hello\n\ndata: {\"a\":1}\n\nevent: x\ndata: {\"b\":\"\xC3\xA4\"}\n\ndata: [DONE]\n\n";

/// The events of a stream, without comments.
fn events(stream: Bytes) -> Vec<sse::Event> {
    let mut decoder = sse::Decoder::new();
    decoder.push(stream);
    let mut events = Vec::new();
    for frame in decoder {
        if let sse::Frame::Event(event) = frame.unwrap() {
            events.push(event);
        }
    }
    events
}

#[test]
fn every_framing_holds_the_same_events_in_other_bytes() {
    let original = events(Bytes::from_static(STREAM));
    assert_eq!(original.len(), 3);
    for framing in Framing::ALL {
        let framed = framing.apply(&Bytes::from_static(STREAM));
        assert_ne!(framed, STREAM, "{framing:?}");
        let mut found = events(framed);
        for event in &mut found {
            // Line ends inside the data are white space between JSON tokens.
            event.data = event.data.iter().copied().filter(|b| *b != b'\n').collect();
        }
        assert_eq!(found, original, "{framing:?}");
    }
}

#[test]
fn a_boundary_is_where_an_event_is_complete() {
    let first = b": hello\n\n".len();
    let found = boundaries(STREAM);
    assert_eq!(found.first(), Some(&first));
    assert_eq!(found.last(), Some(&STREAM.len()));
    assert_eq!(found.len(), 4);
    assert_eq!(boundaries(b"data: 1\r\n\r\ndata: 2"), [11]);
    assert_eq!(boundaries(b"data: 1\r\rdata: 2\r\r"), [9, 18]);
}
