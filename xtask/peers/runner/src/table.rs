//! Markdown tables that can be read as they are.

/// A table whose first row is its head.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    /// Columns that hold words and stand to the left; the others hold numbers.
    words: &'static [usize],
}

// === impl Table ===

impl Table {
    /// A table with this head, whose columns `words` hold words and not numbers.
    pub(crate) fn new(words: &'static [usize], head: &[&str]) -> Self {
        let head = head.iter().map(|&cell| cell.to_owned()).collect();
        Self {
            rows: vec![head],
            words,
        }
    }

    /// Adds a row.
    pub(crate) fn push(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }

    /// Draws it, padded.
    pub(crate) fn draw(&self) -> String {
        let widths = self.widths();
        let mut text = String::new();
        for (index, row) in self.rows.iter().enumerate() {
            let cells: Vec<String> = widths
                .iter()
                .enumerate()
                .map(|(column, &width)| {
                    let cell = row.get(column).map_or("", String::as_str);
                    if self.words.contains(&column) {
                        format!("{cell:<width$}")
                    } else {
                        format!("{cell:>width$}")
                    }
                })
                .collect();
            text.push_str(&format!("| {} |\n", cells.join(" | ")));
            if index == 0 {
                text.push_str(&self.rule(&widths));
            }
        }
        text
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        (0..columns)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells
                    .map(|cell| cell.chars().count())
                    .max()
                    .unwrap_or(0)
                    .max(3)
            })
            .collect()
    }

    fn rule(&self, widths: &[usize]) -> String {
        let cells: Vec<String> = widths
            .iter()
            .enumerate()
            .map(|(column, &width)| {
                if self.words.contains(&column) {
                    "-".repeat(width)
                } else {
                    format!("{}:", "-".repeat(width - 1))
                }
            })
            .collect();
        format!("| {} |\n", cells.join(" | "))
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn draws_markdown_with_padded_columns() {
        let mut table = Table::new(&[0], &["row", "µs"]);
        table.push(vec!["hyper".to_owned(), "12.5".to_owned()]);
        assert_eq!(
            table.draw(),
            "| row   |   µs |\n| ----- | ---: |\n| hyper | 12.5 |\n"
        );
    }
}
