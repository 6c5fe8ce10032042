//! `.env` files, read into a map. The process environment is never touched.

use crate::{
    error::Fault,
    key::is_variable,
    substitute::{self, Substituted},
};
use std::collections::BTreeMap;

/// What a file says, and what is wrong with it.
#[derive(Default)]
pub(crate) struct Reading {
    pub(crate) known: BTreeMap<String, String>,
    /// What is wrong in names of ours.
    pub(crate) faults: Vec<Fault>,
    /// What is wrong elsewhere: the file may serve other programs, with other rules.
    pub(crate) warnings: Vec<String>,
}

/// Reads a file of lines `NAME=value`.
///
/// `export` before the name is allowed, `#` begins a comment at the start of a line or behind a
/// blank, single quotes hold text as it is, double quotes know `\n \r \t \" \\ \$`; quoted text may
/// run over several lines. `${NAME}` is replaced outside single quotes: by an earlier line, or by
/// `variables`, which win. A `$` without brace is itself, since passwords hold it.
pub(super) fn parse(name: &str, contents: &str, variables: &BTreeMap<String, String>) -> Reading {
    let mut reading = Reading::default();
    let mut rest = contents.strip_prefix('\u{feff}').unwrap_or(contents);
    let mut line = 1;
    while !rest.is_empty() {
        let (statement, after) = next_statement(rest);
        match read(statement) {
            Ok(None) => {}
            Ok(Some((key, value))) => match value.filled(&reading.known, variables) {
                Ok(value) => {
                    reading.known.insert(key, value);
                }
                Err(missing) => {
                    let ours = is_variable(&key);
                    reading.tell(ours, substitute::unset(name, &[key], &missing));
                }
            },
            // The line is not shown: it may hold a secret.
            Err(what) => reading.tell(
                is_variable(leading_name(statement)),
                Fault::new(
                    format!("line {line} is not of the form NAME=value: {what}"),
                    "mend the line, or put # before it; a value with blanks goes into quotes",
                )
                .with_origin(name),
            ),
        }
        line += statement.matches('\n').count() + 1;
        rest = after;
    }
    reading
}

/// What looks like a name at the start of a statement.
fn leading_name(statement: &str) -> &str {
    let line = without_export(statement.trim());
    let end = line.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    line.get(..end.unwrap_or(line.len())).unwrap_or(line)
}

fn without_export(line: &str) -> &str {
    line.strip_prefix("export ").unwrap_or(line).trim()
}

/// A value before substitution.
enum Raw {
    Literal(String),
    Open(String),
}

/// Cuts at the next line end that is not inside quotes.
fn next_statement(text: &str) -> (&str, &str) {
    let first_line = text.split('\n').next().unwrap_or_default();
    let quote = first_line
        .split_once('=')
        .and_then(|(_, value)| value.trim_start().chars().next())
        .filter(|c| matches!(c, '"' | '\''))
        .filter(|_| !first_line.trim_start().starts_with('#'));
    let end = quote
        .and_then(|quote| closing(text, quote))
        .map_or(0, |closed| closed + 1);
    let after = text.get(end..).unwrap_or_default();
    let line_end = after.find('\n').map_or(text.len(), |at| end + at);
    let statement = text.get(..line_end).unwrap_or(text);
    (statement, text.get(line_end + 1..).unwrap_or_default())
}

/// Where the quote that opens behind the first `=` is closed.
fn closing(text: &str, quote: char) -> Option<usize> {
    let opened = text
        .find('=')
        .and_then(|at| text.get(at..)?.find(quote).map(|q| at + q))?;
    let mut escaped = false;
    text.char_indices()
        .skip_while(|(at, _)| *at <= opened)
        .find(|(_, c)| {
            let closes = *c == quote && !escaped;
            escaped = quote == '"' && *c == '\\' && !escaped;
            closes
        })
        .map(|(at, _)| at)
}

fn read(statement: &str) -> Result<Option<(String, Raw)>, &'static str> {
    let line = statement.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let Some((key, value)) = line.split_once('=') else {
        // `export NAME` hands on a variable that is set elsewhere.
        let hands_on = line.starts_with("export ") && substitute::is_name(without_export(line));
        return if hands_on {
            Ok(None)
        } else {
            Err("there is no '='")
        };
    };
    let key = without_export(key.trim());
    if !substitute::is_name(key) {
        return Err("the name has other characters than letters, digits and '_'");
    }
    let value = value.trim();
    let raw = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => quoted(value, quote)?,
        _ => Raw::Open(without_comment(value).to_owned()),
    };
    Ok(Some((key.to_owned(), raw)))
}

fn quoted(value: &str, quote: char) -> Result<Raw, &'static str> {
    let mut text = String::new();
    let mut chars = value.chars();
    chars.next();
    loop {
        match chars.next().ok_or("a quote is not closed")? {
            c if c == quote => break,
            '\\' if quote == '"' => match chars.next().ok_or("a quote is not closed")? {
                'n' => text.push('\n'),
                'r' => text.push('\r'),
                't' => text.push('\t'),
                // Before a brace two signs are the escape of the substitution.
                '$' if chars.as_str().starts_with('{') => text.push_str("$$"),
                c => text.push(c),
            },
            c => text.push(c),
        }
    }
    let after = chars.as_str().trim();
    if !after.is_empty() && !after.starts_with('#') {
        return Err("there is text behind the closing quote");
    }
    Ok(if quote == '"' {
        Raw::Open(text)
    } else {
        Raw::Literal(text)
    })
}

fn without_comment(value: &str) -> &str {
    let comment = value
        .char_indices()
        .zip(std::iter::once(' ').chain(value.chars()))
        .find(|((_, c), before)| *c == '#' && before.is_whitespace());
    let end = comment.map_or(value.len(), |((at, _), _)| at);
    value.get(..end).unwrap_or(value).trim_end()
}

// === impl Reading ===

impl Reading {
    fn tell(&mut self, ours: bool, fault: Fault) {
        if ours {
            self.faults.push(fault);
        } else {
            self.warnings.push(fault.to_string());
        }
    }
}

// === impl Raw ===

impl Raw {
    fn filled(
        self,
        known: &BTreeMap<String, String>,
        variables: &BTreeMap<String, String>,
    ) -> Result<String, Vec<String>> {
        match self {
            Self::Literal(text) => Ok(text),
            Self::Open(text) => {
                let look = |name: &str| variables.get(name).or_else(|| known.get(name)).cloned();
                match substitute::in_text(&text, look) {
                    Substituted::Text(text) => Ok(text),
                    Substituted::Absent => Ok(String::new()),
                    Substituted::Missing(names) => Err(names),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
