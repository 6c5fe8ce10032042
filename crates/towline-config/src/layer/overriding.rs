//! Overrides from the command line: `towline.llm.model=openai/gpt-4o`.

use super::{Entry, Layer, Origin, file};
use crate::error::Fault;
use figment::value::Value;

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
        let fault = Fault::new("an override is not of the form key=value")
            .with_origin("--set")
            .with_remedy("for example --set towline.llm.model=openai/gpt-4o");
        return (Vec::new(), vec![fault]);
    };
    let segments = split(written);
    let Some((root, rest)) = segments
        .split_first()
        .filter(|(root, _)| file::is_root(root))
    else {
        let full = format!("towline.{}", written.trim());
        let fault = Fault::new(format!("unknown key '{}'", written.trim()))
            .with_origin("--set")
            .with_remedy(format!("keys begin with 'towline.': did you mean {full}?"));
        return (Vec::new(), vec![fault]);
    };
    let mut sink = file::Sink::new(&origin, root);
    sink.leaf(rest, Value::from(value.trim()));
    sink.finish()
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
