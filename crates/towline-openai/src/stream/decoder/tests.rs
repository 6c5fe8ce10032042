use super::Decoder;
use crate::{Flavor, OpenAiConfig};
use bytes::Bytes;
use proptest::prelude::{Just, any, prop, prop_assert_eq, prop_oneof, proptest};
use std::sync::Arc;
use towline_core::Event;
use towline_transport::{
    Decode,
    sse::{self, Frame},
};

fn decoder() -> Decoder {
    let config = OpenAiConfig::builder("http://localhost/v1").flavor(Flavor::OPENAI);
    Decoder::new(Arc::new(config.build().unwrap()))
}

fn push(decoder: &mut Decoder, chunk: &str) -> Result<Vec<Event>, String> {
    let data = Bytes::copy_from_slice(chunk.as_bytes());
    let mut event = sse::Event::default();
    event.data = data;
    let first = decoder
        .push(Frame::Event(event))
        .map_err(|error| error.to_string())?;
    Ok(first
        .into_iter()
        .chain(std::iter::from_fn(|| decoder.pop()))
        .collect())
}

fn chunk(text: &str, rest: &str) -> String {
    format!("{{\"id\":\"c\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":{text}}}{rest}")
}

#[test]
fn an_event_named_error_is_one_whatever_it_looks_like() {
    let mut decoder = decoder();
    for text in ["\"a\"", "\"b\"", "\"c\""] {
        push(&mut decoder, &chunk(text, "}]}")).unwrap();
    }
    let mut event = sse::Event::default();
    event.name = Some(Bytes::from_static(b"error"));
    event.data = Bytes::from(chunk("\"d\"", "}]}"));
    decoder.push(Frame::Event(event)).unwrap_err();
}

proptest! {
    /// A decoder that has learned says of every chunk what one that has not learned says.
    #[test]
    fn what_is_read_by_the_template_is_what_the_parser_reads(
        texts in prop::collection::vec(
            prop_oneof!["[a-z \u{e4}\u{1F600}]{0,6}", "\\PC{0,6}", "[\"\\\\\\n]{0,3}"], 1..12
        ),
        raw in any::<bool>(),
        rest in prop_oneof![
            Just("}]}"), Just("}],\"usage\":null}"), Just("}],\"obfuscation\":\"PAD\"}"),
            Just(",\"finish_reason\":null}]}"), Just(",\"p\":\"PAD\"}],\"x\":[\"content\"]}"),
            Just(",\"finish_reason\":\"stop\"}]}"), Just("}],\"error\":{\"message\":\"m\"}}"),
        ],
        pads in prop::collection::vec("[a-zA-Z0-9]{0,9}", 12),
    ) {
        let mut learned = decoder();
        let mut chunks = vec![chunk("\"first\"", rest), chunk("\"second\"", rest)];
        for (text, pad) in texts.iter().zip(&pads) {
            // Raw text may break the JSON: then both have to say so.
            let text = if raw { format!("\"{text}\"") } else { serde_json::to_string(text).unwrap() };
            chunks.push(chunk(&text, &rest.replace("PAD", pad)));
        }
        for chunk in &chunks {
            let mut fresh = decoder();
            push(&mut fresh, "{\"id\":\"c\",\"choices\":[]}").unwrap();
            let expected = push(&mut fresh, chunk);
            let mut got = push(&mut learned, chunk);
            if let Ok(events) = &mut got {
                events.retain(|event| !matches!(event, Event::Start(_)));
            }
            prop_assert_eq!(got, expected, "{}", chunk);
        }
    }
}
