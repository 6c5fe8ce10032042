//! `docs/BENCHMARKS.md`: each command rewrites its own part and leaves the rest.

use crate::{Fault, build};
use std::fs;

const PATH: &str = "docs/BENCHMARKS.md";
const HEAD: &str = "\
# Benchmarks

Written by `cargo xtask bench client`, `layers` and `size`; edits between the marks are lost.
";

/// Replaces the part called `name` by `text`, or adds it at the end.
pub(crate) fn write(name: &str, text: &str) -> Result<(), Fault> {
    let path = build::product(PATH);
    let old = fs::read_to_string(&path).unwrap_or_else(|_| HEAD.to_owned());
    fs::write(&path, replace(&old, name, text))?;
    eprintln!("wrote {PATH}");
    Ok(())
}

fn replace(old: &str, name: &str, text: &str) -> String {
    let (open, close) = (
        format!("<!-- {name} -->"),
        format!("<!-- end of {name} -->"),
    );
    let part = format!("{open}\n{}\n{close}", text.trim_end());
    match (old.find(&open), old.find(&close)) {
        (Some(start), Some(end)) if start < end => {
            let before = old.get(..start).unwrap_or_default();
            let after = old.get(end + close.len()..).unwrap_or_default();
            format!("{before}{part}{after}")
        }
        _ => format!("{}\n\n{part}\n", old.trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::replace;

    #[test]
    fn adds_a_part_then_replaces_it_and_keeps_the_others() {
        let one = replace("# B\n", "one", "1");
        let both = replace(&one, "two", "2");
        assert_eq!(
            replace(&both, "one", "new"),
            "# B\n\n<!-- one -->\nnew\n<!-- end of one -->\n\n<!-- two -->\n2\n<!-- end of two -->\n"
        );
    }
}
