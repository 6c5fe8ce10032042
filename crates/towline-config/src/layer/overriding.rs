//! Overrides from the command line: `towline.llm.model=openai/gpt-4o`.

use super::{Entry, Layer, Origin, file};
use crate::{
    error::Fault,
    key::{Path, find},
};
use figment::value::Value;

const EXAMPLE: &str = "for example --set towline.llm.model=openai/gpt-4o";

/// What `--set` adds. Later ones outrank earlier ones.
pub(crate) fn from_override(order: usize, text: &str) -> (Vec<Entry>, Vec<Fault>) {
    let origin = Origin {
        layer: Layer::Override,
        order,
        name: "--set".to_owned(),
        meant: true,
    };
    let Some((written, value)) = text.split_once('=') else {
        // The text is not shown: it may be a key pasted into the wrong place.
        let fault = Fault::new("an override is not of the form key=value", EXAMPLE);
        return (Vec::new(), vec![fault.with_origin("--set")]);
    };
    let segments = split(written);
    let Some((root, rest)) = segments
        .split_first()
        .filter(|(root, _)| file::is_root(root))
    else {
        return (Vec::new(), vec![unknown(written.trim())]);
    };
    let mut sink = file::Sink::new(&origin, root);
    sink.leaf(rest, Value::from(value.trim()));
    sink.finish()
}

/// A key of no section. It is shown where a key with `towline.` before it would be one: what else stands
/// there may be a secret, which ends in `=` where it is base64.
fn unknown(written: &str) -> Fault {
    let full = format!("towline.{written}");
    let known = find(&Path::of(&written.to_lowercase())).is_some();
    let (problem, remedy) = if known {
        (
            format!("unknown key '{written}'"),
            format!("keys begin with 'towline.': did you mean {full}?"),
        )
    } else {
        (
            "an override begins with no known section".to_owned(),
            format!("keys begin with 'towline.', {EXAMPLE}"),
        )
    };
    Fault::new(problem, remedy).with_origin("--set")
}

/// Cuts at dots that are not inside double quotes.
fn split(written: &str) -> Vec<String> {
    let mut segments = vec![String::new()];
    let mut quoted = false;
    for c in written.trim().chars() {
        match (c, segments.last_mut()) {
            ('"', _) => quoted = !quoted,
            ('.', _) if !quoted => segments.push(String::new()),
            (c, Some(last)) => last.push(c),
            (_, None) => {}
        }
    }
    segments
}
