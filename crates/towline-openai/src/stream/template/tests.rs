use super::Template;
use crate::{Flavor, OpenAiConfig, stream::Decoder};
use bytes::Bytes;
use proptest::prelude::{Just, any, prop, prop_assert_eq, prop_oneof, proptest};
use std::sync::Arc;
use towline_core::{Event, Text};
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

fn learn(chunk: &str, text: &str) -> Option<Template> {
    let chunk = Text::from(chunk);
    let at = chunk.find(text).unwrap();
    Template::learn(&chunk, &chunk[at..at + text.len()])
}

fn text(template: &Template, chunk: &str) -> Option<String> {
    let chunk = Bytes::copy_from_slice(chunk.as_bytes());
    template.text(&chunk).map(String::from)
}

#[test]
fn a_chunk_that_differs_only_in_its_text_is_read_without_parsing() {
    let template = learn(&chunk("\"Hi\"", "}]}"), "Hi").unwrap();
    assert_eq!(
        text(&template, &chunk("\" there ü\"", "}]}")),
        Some(" there ü".to_owned())
    );
}

#[test]
fn a_text_with_escapes_is_parsed_by_itself() {
    let template = learn(&chunk("\"Hi\"", "}]}"), "Hi").unwrap();
    let escaped = chunk("\"a\\n\\\"b\\\" \\u00fc\\\\\"", "}]}");
    assert_eq!(
        text(&template, &escaped),
        Some("a\n\"b\" \u{fc}\\".to_owned())
    );
}

#[test]
fn padding_of_any_length_does_not_matter() {
    let padded =
        |text: &str, pad: &str| chunk(text, &format!("}}],\"obfuscation\":\"{pad}\",\"n\":1}}"));
    let template = learn(&padded("\"Hi\"", "aB3"), "Hi").unwrap();
    assert_eq!(
        text(&template, &padded("\"you\"", "")),
        Some("you".to_owned())
    );
    assert_eq!(text(&template, &padded("\"you\"", "x\\\"")), None);
}

#[test]
fn anything_unusual_goes_to_the_parser() {
    let template = learn(&chunk("\"Hi\"", "}]}"), "Hi").unwrap();
    let rest = "}]}";
    for odd in [
        "\"\"",
        "null",
        "\"a\nb\"",
        "\"a\\x\"",
        "\"a\",\"content\":\"b\"",
        "\"a\\\"",
    ] {
        assert_eq!(text(&template, &chunk(odd, rest)), None, "{odd}");
    }
    assert_eq!(text(&template, &chunk("\"a\"", "}],\"usage\":{}}")), None);
    let mut broken = chunk("\"a\"", rest).into_bytes();
    let at = broken.iter().rposition(|byte| *byte == b'a').unwrap();
    broken[at] = 0xFF;
    assert_eq!(template.text(&Bytes::from(broken)), None);
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
