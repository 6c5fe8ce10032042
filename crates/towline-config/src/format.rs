//! File formats, each behind the feature of its name.

mod dotenv;
#[cfg(feature = "hocon")]
mod hocon;
#[cfg(feature = "json")]
mod json;
#[cfg(feature = "toml")]
mod toml;
#[cfg(feature = "yaml")]
mod yaml;

pub(crate) use self::dotenv::Reading as DotEnvReading;

use crate::{error::Fault, substitute};
use figment::value::Dict;
use std::{collections::BTreeMap, fmt, path::Path};

/// The format of a settings file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Format {
    /// TOML, feature `toml`.
    Toml,
    /// YAML, feature `yaml`.
    Yaml,
    /// JSON, feature `json`.
    Json,
    /// HOCON, the format of LLM4S's `application.conf`, feature `hocon`.
    Hocon,
    /// Lines of `NAME=value`, feature `dotenv`. Its variables rank below the environment.
    DotEnv,
}

/// A settings file that has been read.
pub(crate) struct Text<'a> {
    pub(crate) format: Format,
    /// For messages.
    pub(crate) name: &'a str,
    #[cfg_attr(
        not(any(
            feature = "toml",
            feature = "yaml",
            feature = "json",
            feature = "hocon"
        )),
        expect(dead_code, reason = "read by the formats that are on")
    )]
    pub(crate) contents: &'a str,
    /// The folder that HOCON includes are relative to.
    #[cfg_attr(
        not(feature = "hocon"),
        expect(dead_code, reason = "only HOCON has includes")
    )]
    pub(crate) folder: Option<&'a Path>,
}

/// The tree of a file, its variables substituted. What is missing is left out and told.
pub(crate) fn parse(text: &Text<'_>, variables: &BTreeMap<String, String>) -> (Dict, Vec<Fault>) {
    match text.format {
        Format::Hocon => parse_hocon(text, variables),
        Format::Toml | Format::Yaml | Format::Json | Format::DotEnv => match parse_plain(text) {
            Ok(tree) => substitute::in_tree(text.name, tree, variables),
            Err(fault) => (Dict::new(), vec![fault]),
        },
    }
}

/// The variables of a `.env` file.
pub(crate) fn parse_dotenv(
    name: &str,
    contents: &str,
    variables: &BTreeMap<String, String>,
) -> DotEnvReading {
    if cfg!(feature = "dotenv") {
        dotenv::parse(name, contents, variables)
    } else {
        DotEnvReading {
            faults: vec![switched_off(Format::DotEnv, name)],
            ..DotEnvReading::default()
        }
    }
}

fn parse_plain(text: &Text<'_>) -> Result<Dict, Fault> {
    match text.format {
        #[cfg(feature = "toml")]
        Format::Toml => toml::parse(text),
        #[cfg(feature = "yaml")]
        Format::Yaml => yaml::parse(text),
        #[cfg(feature = "json")]
        Format::Json => json::parse(text),
        other => Err(switched_off(other, text.name)),
    }
}

#[cfg(feature = "hocon")]
fn parse_hocon(text: &Text<'_>, variables: &BTreeMap<String, String>) -> (Dict, Vec<Fault>) {
    hocon::parse(text, variables)
}

#[cfg(not(feature = "hocon"))]
fn parse_hocon(text: &Text<'_>, _variables: &BTreeMap<String, String>) -> (Dict, Vec<Fault>) {
    (Dict::new(), vec![switched_off(text.format, text.name)])
}

fn switched_off(format: Format, name: &str) -> Fault {
    let problem = format!("{format} files cannot be read by this build");
    let feature = format.feature();
    let remedy = format!("switch on the feature '{feature}' of towline-config");
    Fault::new(problem, remedy).with_origin(name)
}

/// A fault in the text of a file. The text itself is not shown: it may hold a secret.
#[cfg(any(
    feature = "toml",
    feature = "yaml",
    feature = "json",
    feature = "hocon"
))]
fn malformed(text: &Text<'_>, place: Option<(u64, u64)>, what: &str) -> Fault {
    let place = place.map_or_else(String::new, |(line, column)| {
        format!(" at line {line}, column {column}")
    });
    let what = if what.is_empty() {
        String::new()
    } else {
        format!(", {what}")
    };
    let problem = format!("not valid {}{place}{what}", text.format);
    Fault::new(problem, text.format.remedy()).with_origin(text.name)
}

#[cfg(any(feature = "toml", feature = "json", feature = "hocon"))]
fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

// === impl Format ===

impl Format {
    /// What to look for where a text of this format is not valid.
    #[cfg(any(
        feature = "toml",
        feature = "yaml",
        feature = "json",
        feature = "hocon"
    ))]
    const fn remedy(self) -> &'static str {
        match self {
            Self::Toml => {
                "write [towline.section] above lines of key = \"text\", in straight quotes"
            }
            Self::Yaml => "indent with blanks, write key: value, and quote texts that hold : or #",
            Self::Json => "look there for a comma, quote or bracket that is missing or too much",
            Self::Hocon => {
                "write towline { key = \"text\" }; ${?NAME} may be unset, ${NAME} must not"
            }
            Self::DotEnv => "write NAME=value",
        }
    }

    /// The format that a file name stands for, by its ending; `.env` and `.env.local` are `.env` files.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        if name == ".env" || name.starts_with(".env.") {
            return Some(Self::DotEnv);
        }
        match path.extension()?.to_str()?.to_lowercase().as_str() {
            "toml" => Some(Self::Toml),
            "yaml" | "yml" => Some(Self::Yaml),
            "json" => Some(Self::Json),
            "conf" | "hocon" => Some(Self::Hocon),
            "env" => Some(Self::DotEnv),
            _ => None,
        }
    }

    const fn feature(self) -> &'static str {
        match self {
            Self::Toml => "toml",
            Self::Yaml => "yaml",
            Self::Json => "json",
            Self::Hocon => "hocon",
            Self::DotEnv => "dotenv",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Toml => "TOML",
            Self::Yaml => "YAML",
            Self::Json => "JSON",
            Self::Hocon => "HOCON",
            Self::DotEnv => ".env",
        })
    }
}

#[cfg(test)]
mod tests;
