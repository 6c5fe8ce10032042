//! `cargo xtask soak --minutes N`: the whole stack under load and faults, then at rest.
//!
//! The load is an example of `towline`, built for release.

use crate::context::{self, Context, Stop};

/// How long, where nobody says.
const MINUTES: u64 = 10;

/// Builds and runs the soak: `--minutes N`, `--seed N`.
pub(crate) fn run(context: &Context, arguments: &[String]) -> Result<(), Stop> {
    let (minutes, seed) = read(arguments)?;
    let mut command = context.cargo(&["run", "--quiet", "--release", "--package", "towline"]);
    command.args(["--features", "full", "--example", "soak", "--"]);
    context::run(command.args([minutes.to_string(), seed.to_string()]))
}

fn read(arguments: &[String]) -> Result<(u64, u64), Stop> {
    let (mut minutes, mut seed) = (MINUTES, 1);
    for pair in arguments.chunks(2) {
        let value = pair.get(1).and_then(|text| text.parse().ok());
        match (pair.first().map(String::as_str), value) {
            (Some("--minutes"), Some(value)) => minutes = value,
            (Some("--seed"), Some(value)) => seed = value,
            _ => {
                let text = format!(
                    "takes --minutes N and --seed N, but got `{}`",
                    pair.join(" ")
                );
                return Err(Stop::Failed(text));
            }
        }
    }
    Ok((minutes, seed))
}

#[cfg(test)]
mod tests {
    use super::read;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn ten_minutes_are_the_default_and_both_numbers_can_be_given() {
        assert_eq!(read(&[]).ok(), Some((10, 1)));
        assert_eq!(read(&words("--seed 7 --minutes 2")).ok(), Some((2, 7)));
        assert!(read(&words("--minutes")).is_err());
        assert!(read(&words("--hours 3")).is_err());
    }
}
