//! What a key holds, and how a written value becomes one.

mod address;
mod duration;
mod limit;
mod price;

pub(crate) use self::price::PriceEntry;
use self::{
    address::{base_url, proxy, url},
    duration::Span,
};
use crate::stack::Ratio;
use figment::value::Value;
use std::time::Duration;
use towline_core::Secret;

/// What a key holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Text,
    Secret,
    /// The path of a file whose trimmed content is the secret.
    SecretFile,
    /// An `http` or `https` address.
    Url,
    /// An address that paths are added to: no query, and no user and password.
    BaseUrl,
    /// An address that may hold a password, or `none`.
    Proxy,
    Bool,
    /// A whole number, at least this.
    Count(u64),
    /// A whole number, from the first to the second.
    Within(u64, u64),
    /// A whole number from 1 to this, or `off`.
    Cap(u64),
    Port,
    Duration,
    /// A duration, or `off`.
    Clock,
    /// A share of a whole, at least this many millionths.
    Ratio(u32),
    Path,
    List,
    /// Model specs and names of named providers, or `none`.
    Models,
    /// Texts that may hold commas.
    Phrases,
    /// What models cost, or `none`.
    Prices,
    Headers,
    Choice(&'static [&'static str]),
    Vendor,
}

/// A value that passed the check of its kind.
#[derive(Clone, Debug)]
pub(crate) enum Typed {
    Text(String),
    Secret(Secret),
    Bool(bool),
    Count(u64),
    Duration(Duration),
    Ratio(Ratio),
    /// What could be limited is not.
    Off,
    List(Vec<String>),
    Prices(Vec<PriceEntry>),
}

/// Why a value did not pass: what was found, never the value of a secret.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Mismatch {
    pub(crate) found: String,
    pub(crate) hint: Option<String>,
}

/// Checks a value against a kind. Text is read as number, switch or duration where those are
/// wanted, since variables hold nothing else.
pub(crate) fn check(kind: Kind, value: &Value) -> Result<Typed, Mismatch> {
    match kind {
        // Whether the vendor is known is told with the name of the provider.
        Kind::Text | Kind::Vendor | Kind::Path | Kind::SecretFile => text(value).map(Typed::Text),
        Kind::Secret => text(value).map(|text| Typed::Secret(Secret::new(text))),
        Kind::Url => url(text(value)?).map(Typed::Text),
        Kind::BaseUrl => base_url(text(value)?).map(Typed::Text),
        Kind::Proxy => proxy(&text(value)?).map(Typed::Secret),
        Kind::Choice(words) => choice(words, &text(value)?).map(Typed::Text),
        Kind::Bool => flag(value).map(Typed::Bool),
        Kind::Count(least) => count(value, least, u64::MAX).map(Typed::Count),
        Kind::Within(least, most) => count(value, least, most).map(Typed::Count),
        Kind::Cap(most) => limit::cap(value, most),
        Kind::Port => count(value, 1, u64::from(u16::MAX)).map(Typed::Count),
        Kind::Duration => span(value).map(Typed::Duration),
        Kind::Clock => limit::clock(value),
        Kind::Ratio(least) => limit::ratio(value, least).map(Typed::Ratio),
        Kind::List => list(value, &[',']).map(Typed::List),
        // Whether a target is known is told with the target.
        Kind::Models => list_or_none(value, &[',']).map(Typed::List),
        Kind::Phrases => list(value, &['\n', '\r']).map(Typed::List),
        Kind::Prices => price::prices(value).map(Typed::Prices),
        // Maps are taken apart into single headers before they come here.
        Kind::Headers => Err(Mismatch::found(shape(value))),
    }
}

/// Text, trimmed. A whole number is text too: `project = 1234` needs no quotes.
fn text(value: &Value) -> Result<String, Mismatch> {
    match value {
        Value::String(_, text) => Ok(text.trim().to_owned()),
        Value::Char(_, c) => Ok(c.to_string()),
        Value::Num(_, number) => match (number.to_i128(), number.to_u128()) {
            (Some(whole), _) => Ok(whole.to_string()),
            (None, Some(whole)) => Ok(whole.to_string()),
            // 1.10 has become 1.1 by now.
            (None, None) => Err(Mismatch::found("a number").hint("put it in quotes")),
        },
        Value::Bool(..) => Err(Mismatch::found("true or false").hint("put it in quotes")),
        Value::Empty(..) | Value::Dict(..) | Value::Array(..) => Err(Mismatch::found(shape(value))),
    }
}

fn choice(words: &[&str], text: &str) -> Result<String, Mismatch> {
    let plain = |word: &str| word.to_lowercase().replace('-', "_");
    let word = words.iter().find(|word| plain(word) == plain(text));
    word.map(|word| (*word).to_owned())
        .ok_or_else(|| Mismatch::found("another word"))
}

fn flag(value: &Value) -> Result<bool, Mismatch> {
    if let Value::Bool(_, flag) = value {
        return Ok(*flag);
    }
    match text(value)?.to_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err(Mismatch::found(shape(value))),
    }
}

fn count(value: &Value, least: u64, most: u64) -> Result<u64, Mismatch> {
    let digits: String = text(value)?.chars().filter(|c| *c != '_').collect();
    let number: u64 = digits.parse().map_err(|_| Mismatch::found(shape(value)))?;
    if number < least {
        return Err(Mismatch::found(format!("a number below {least}")));
    }
    if number > most {
        return Err(Mismatch::found(format!("a number above {most}")));
    }
    Ok(number)
}

fn span(value: &Value) -> Result<Duration, Mismatch> {
    let bare = "write the unit, such as \"30 s\" or \"500 ms\"";
    if matches!(value, Value::Num(..)) {
        return Err(Mismatch::found("a bare number").hint(bare));
    }
    match duration::parse(&text(value)?) {
        Span::Of(duration) if duration.is_zero() => {
            Err(Mismatch::found("zero").hint("leave the key out for the default"))
        }
        Span::Of(duration) => Ok(duration),
        Span::Bare => Err(Mismatch::found("a bare number").hint(bare)),
        Span::Not => {
            Err(Mismatch::found(shape(value)).hint("units are ms, s, min (or m), h and d"))
        }
        Span::TooLong => Err(Mismatch::found("more than a thousand years")),
    }
}

fn list(value: &Value, separators: &[char]) -> Result<Vec<String>, Mismatch> {
    let items: Vec<String> = match value {
        Value::Array(_, items) => items.iter().map(text).collect::<Result<_, _>>()?,
        value => text(value)?
            .split(separators)
            .map(|item| item.trim().to_owned())
            .collect(),
    };
    Ok(items.into_iter().filter(|item| !item.is_empty()).collect())
}

/// A list, or `none`, which empties that of a lower layer.
fn list_or_none(value: &Value, separators: &[char]) -> Result<Vec<String>, Mismatch> {
    let items = list(value, separators)?;
    match items.as_slice() {
        [only] if only.eq_ignore_ascii_case("none") => Ok(Vec::new()),
        _ => Ok(items),
    }
}

/// What kind of thing a value is, for messages.
fn shape(value: &Value) -> &'static str {
    match value {
        Value::String(..) | Value::Char(..) => "other text",
        Value::Bool(..) => "true or false",
        Value::Num(..) => "a number",
        Value::Empty(..) => "nothing",
        Value::Dict(..) => "a section",
        Value::Array(..) => "a list",
    }
}

// === impl Kind ===

impl Kind {
    /// What is expected, for messages.
    pub(crate) fn expected(self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Secret => "a secret as text".to_owned(),
            Self::SecretFile | Self::Path => "the path of a file".to_owned(),
            Self::Url | Self::BaseUrl => "an http or https address".to_owned(),
            Self::Proxy => "the http address of a proxy, or none".to_owned(),
            Self::Bool => "true or false".to_owned(),
            Self::Count(0) => "a whole number".to_owned(),
            Self::Count(least) => format!("a whole number of at least {least}"),
            Self::Within(least, most) => format!("a whole number from {least} to {most}"),
            Self::Cap(_) => "a whole number of at least 1, or off".to_owned(),
            Self::Port => "a port, 1 to 65535".to_owned(),
            Self::Clock => "a duration such as \"30 s\", or off".to_owned(),
            Self::Ratio(0) => "a share from 0 to 1, such as 0.2 or 20%".to_owned(),
            Self::Ratio(_) => "a share above 0 and up to 1, such as 0.5 or 50%".to_owned(),
            Self::Models => {
                "a list of provider/model, or text with commas such as \"openai/a,groq/b\""
                    .to_owned()
            }
            Self::Phrases => "a list of texts, or one text per line".to_owned(),
            Self::Prices => "a list of provider/model = input 2.50, output 10".to_owned(),
            Self::Duration => "a duration such as \"30 s\"".to_owned(),
            Self::List => "a list, or text with commas".to_owned(),
            Self::Headers => "a table, or name=value,name=value".to_owned(),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::Vendor => "a provider".to_owned(),
        }
    }

    /// What to write instead, where the value itself gives no better hint.
    pub(crate) fn remedy(self) -> String {
        let example = match self {
            Self::Text => "write it as one text",
            Self::Secret => {
                "write it as one text, or name a file that holds it with the key's _file"
            }
            Self::SecretFile | Self::Path => "write it as one text, such as /etc/towline/file",
            Self::Url | Self::BaseUrl => "for example https://llm.example.com/v1",
            Self::Proxy => "for example http://proxy.example.com:3128",
            Self::Bool => "write true or false, or leave the key out for the default",
            Self::Count(least) | Self::Within(least, _) => {
                return format!("for example {}, digits alone", least.max(1));
            }
            Self::Cap(most) => {
                let most = match most {
                    u64::MAX => String::new(),
                    most => format!(" up to {most}"),
                };
                return format!("write digits alone{most}, such as 100, or off for no limit");
            }
            Self::Port => "for example 9464, digits alone",
            Self::Duration => "for example \"30 s\" or \"500 ms\"",
            Self::Clock => "for example \"30 s\", or off for no limit",
            Self::Ratio(_) => "for example 0.5 or 50%",
            Self::Models => "for example openai/gpt-4o",
            Self::Phrases | Self::List => "write a list of texts",
            Self::Prices => {
                "for example \"openai/gpt-4o = input 2.50, output 10, cache_read 1.25\", in US dollars \
                 for a million tokens"
            }
            Self::Headers => {
                "the form is name=value,name=value or a table of them, not name: value; %2C stands \
                 for a comma in a value"
            }
            Self::Choice(_) => "write one of these words, or leave the key out for the default",
            Self::Vendor => "for example openai or anthropic",
        };
        example.to_owned()
    }

    /// The name of the kind on the reference page.
    pub(crate) fn title(self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Secret => "secret".to_owned(),
            Self::SecretFile => "path of a secret".to_owned(),
            Self::Path => "path".to_owned(),
            Self::Url | Self::BaseUrl => "address".to_owned(),
            Self::Proxy => "proxy".to_owned(),
            Self::Bool => "true or false".to_owned(),
            Self::Count(_) | Self::Within(..) => "number".to_owned(),
            Self::Cap(_) => "number or `off`".to_owned(),
            Self::Clock => "duration or `off`".to_owned(),
            Self::Ratio(_) => "share".to_owned(),
            Self::Models => "list of models".to_owned(),
            Self::Phrases => "list of phrases".to_owned(),
            Self::Prices => "list of prices".to_owned(),
            Self::Port => "port".to_owned(),
            Self::Duration => "duration".to_owned(),
            Self::List => "list".to_owned(),
            Self::Headers => "headers".to_owned(),
            Self::Choice(words) => words
                .iter()
                .map(|word| format!("`{word}`"))
                .collect::<Vec<_>>()
                .join(", "),
            Self::Vendor => "provider".to_owned(),
        }
    }
}

// === impl Mismatch ===

impl Mismatch {
    fn found(what: impl Into<String>) -> Self {
        Self {
            found: what.into(),
            hint: None,
        }
    }

    fn hint(mut self, hint: &str) -> Self {
        self.hint = Some(hint.to_owned());
        self
    }
}
