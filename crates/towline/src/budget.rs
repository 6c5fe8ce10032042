//! How many tokens a conversation may take: context window, reserve for the answer, headroom.

use towline_core::{Error, ErrorKind};

/// What to leave free of the context window beside the reserve for the answer, because tokens are
/// counted by estimate.
///
/// # Examples
///
/// ```
/// use towline::Headroom;
///
/// # fn main() -> Result<(), towline_core::Error> {
/// // 128,000 tokens in all, 4,096 for the answer, 8 % to be sure.
/// assert_eq!(Headroom::Standard.budget(128_000, 4_096), 113_991);
/// assert_eq!(Headroom::custom(0.5)?.budget(10_000, 2_000), 4_000);
/// assert!(Headroom::custom(1.0).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Headroom {
    /// Nothing: the count is exact.
    None,
    /// 5 %.
    Light,
    /// 8 %, the default.
    #[default]
    Standard,
    /// 15 %.
    Conservative,
    /// Another share, made by [`Headroom::custom`].
    Custom(Share),
}

/// A share that was checked to lie in `0.0..1.0`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    value: f64,
}

/// Context windows that are known by the model's name, for one group of vendors.
///
/// The first row whose text is part of the name counts. The tables are the LLM4S guide's; they are
/// what is left when neither the settings nor a registry of models know better.
struct Table {
    vendors: &'static [&'static str],
    windows: &'static [(&'static str, u64)],
    other: u64,
    reserve: u64,
}

// Source: LLM4S provider configurations of 2026, read 2026-11-24.
const TABLES: &[Table] = &[
    Table {
        vendors: &["openai", "azure", "openrouter", "requesty"],
        windows: &[
            ("gpt-4o", 128_000),
            ("gpt-4-turbo", 128_000),
            ("o1-", 128_000),
            ("gpt-4", 8_192),
            ("gpt-3.5-turbo", 16_384),
        ],
        other: 8_192,
        reserve: 4_096,
    },
    Table {
        vendors: &["anthropic"],
        windows: &[("claude-instant", 100_000)],
        other: 200_000,
        reserve: 4_096,
    },
    Table {
        vendors: &["ollama"],
        windows: &[
            ("llama2", 4_096),
            ("llama3", 8_192),
            ("codellama", 16_384),
            ("mistral", 32_768),
        ],
        other: 8_192,
        reserve: 4_096,
    },
    Table {
        vendors: &["gemini", "vertexai"],
        windows: &[("gemini-1.0", 32_768)],
        other: 1_048_576,
        reserve: 8_192,
    },
    Table {
        vendors: &["deepseek"],
        windows: &[],
        other: 128_000,
        reserve: 8_192,
    },
    Table {
        vendors: &["cohere", "mistral"],
        windows: &[],
        other: 128_000,
        reserve: 4_096,
    },
    Table {
        vendors: &["zai"],
        windows: &[("glm-4.7", 200_000)],
        other: 128_000,
        reserve: 4_096,
    },
];

/// For every other vendor.
const COMPATIBLE_WINDOW: u64 = 8_192;

/// For every other vendor: this, or a quarter of the window where that is less.
const COMPATIBLE_RESERVE: u64 = 2_048;

/// The context window of a model, by its name.
pub(crate) fn known_window(vendor: &str, model: &str) -> u64 {
    let Some(table) = table(vendor) else {
        return COMPATIBLE_WINDOW;
    };
    let row = table.row(&model.to_lowercase());
    row.map_or(table.other, |(_, window)| window)
}

/// Models whose window is sure, by the whole name up to a date. By these a call is sent past a target;
/// the tables above, which are on the safe side for who has to keep below, would send calls past
/// models that could have answered.
///
/// Sources: OpenAI, "Models", `https://platform.openai.com/docs/models`; Anthropic, "Models overview",
/// `https://docs.anthropic.com/en/docs/about-claude/models`; as known in November 2026.
const SURE: &[(&[&str], &str, u64)] = &[
    (OPENAI, "gpt-4", 8_192),
    (OPENAI, "gpt-4-turbo", 128_000),
    (OPENAI, "gpt-4o", 128_000),
    (OPENAI, "gpt-4o-mini", 128_000),
    (ANTHROPIC, "claude-3-haiku", 200_000),
    (ANTHROPIC, "claude-3-opus", 200_000),
    (ANTHROPIC, "claude-3-5-haiku", 200_000),
    (ANTHROPIC, "claude-3-5-sonnet", 200_000),
    (ANTHROPIC, "claude-3-7-sonnet", 200_000),
    (ANTHROPIC, "claude-haiku-4-5", 200_000),
    (ANTHROPIC, "claude-opus-4", 200_000),
    (ANTHROPIC, "claude-opus-4-1", 200_000),
];
const OPENAI: &[&str] = &["openai", "azure"];
const ANTHROPIC: &[&str] = &["anthropic"];

/// The context window of a model whose name says it; none where [`known_window`] is a guess.
pub(crate) fn window_by_name(vendor: &str, model: &str) -> Option<u64> {
    let model = model.to_lowercase();
    let is_it = |name: &str| model.strip_prefix(name).is_some_and(is_date);
    let mut rows = SURE.iter();
    let row = rows.find(|(vendors, name, _)| vendors.contains(&vendor) && is_it(name));
    row.map(|(_, _, window)| *window)
}

/// Whether `rest` is nothing, or a date such as `-0613`, `-20250514`, `-2024-11-20` or `-latest`.
fn is_date(rest: &str) -> bool {
    let Some(date) = rest.strip_prefix('-') else {
        return rest.is_empty();
    };
    let digits = date.bytes().filter(u8::is_ascii_digit).count();
    let is_numeric = digits >= 4 && date.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    is_numeric || date == "latest"
}

/// The tokens to keep for the answer of a model whose window is `window`.
pub(crate) fn known_reserve(vendor: &str, window: u64) -> u64 {
    table(vendor).map_or_else(|| COMPATIBLE_RESERVE.min(window / 4), |table| table.reserve)
}

fn table(vendor: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.vendors.contains(&vendor))
}

// === impl Table ===

impl Table {
    /// The first row whose text is part of the name, which is in lower case.
    fn row(&self, model: &str) -> Option<(&'static str, u64)> {
        let mut rows = self.windows.iter();
        rows.find(|(part, _)| model.contains(part)).copied()
    }
}

// === impl Headroom ===

impl Headroom {
    /// Leaves `share` of the tokens free, from 0 up to but not including 1.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRequest`] when `share` lies outside, or is no number.
    pub fn custom(share: f64) -> Result<Self, Error> {
        if (0.0..1.0).contains(&share) {
            return Ok(Self::Custom(Share { value: share }));
        }
        Err(Error::new(ErrorKind::InvalidRequest).with_message(format!(
            "the headroom {share} is out of range: give a share from 0 up to but not including 1, \
             such as 0.08 for 8 %"
        )))
    }

    /// The share of the tokens that stays free.
    #[must_use]
    pub const fn share(self) -> f64 {
        match self {
            Self::None => 0.0,
            Self::Light => 0.05,
            Self::Standard => 0.08,
            Self::Conservative => 0.15,
            Self::Custom(share) => share.value,
        }
    }

    /// The tokens that a conversation may take: `window` without `reserve` and without this
    /// headroom, rounded down. 0 where the reserve takes the whole window.
    #[must_use]
    pub fn budget(self, window: u64, reserve: u64) -> u64 {
        let free = window.saturating_sub(reserve);
        #[expect(
            clippy::cast_precision_loss,
            reason = "exact up to 2^53 tokens, which no window reaches"
        )]
        let budget = free as f64 * (1.0 - self.share());
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and `free`, and rounding down is what is wanted"
        )]
        let budget = budget as u64;
        budget.min(free)
    }
}

#[cfg(test)]
mod tests;
