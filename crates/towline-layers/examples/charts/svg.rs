//! Line charts as SVG, as plain as it gets. The same numbers give the same bytes.

use std::fmt::Write;

/// One picture: panels below each other, over one time axis.
pub(crate) struct Chart {
    title: &'static str,
    seconds: f64,
    panels: Vec<Panel>,
}

/// One pair of axes.
pub(crate) struct Panel {
    label: &'static str,
    across: Across,
    lines: Vec<Line>,
}

/// What lies from left to right.
#[derive(Clone, Copy)]
enum Across {
    /// The time of the picture.
    Time,
    /// So many of a hundred.
    Percent,
}

struct Line {
    name: String,
    points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 760.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 40.0;
const PANEL: f64 = 150.0;
const GAP: f64 = 62.0;

/// Told apart without colours too, by the strokes below.
const COLOURS: [&str; 4] = ["#c0392b", "#1f618d", "#1e8449", "#7d3c98"];
const STROKES: [&str; 4] = ["4 3", "none", "9 3", "2 2"];

// === impl Chart ===

impl Chart {
    pub(crate) const fn new(title: &'static str, seconds: f64) -> Self {
        Self {
            title,
            seconds,
            panels: Vec::new(),
        }
    }

    pub(crate) fn panel(mut self, panel: Panel) -> Self {
        self.panels.push(panel);
        self
    }

    pub(crate) fn render(&self) -> String {
        let mut out = String::new();
        let mut top = TOP;
        for panel in &self.panels {
            top += 20.0;
            panel.render(&mut out, top, self.seconds);
            top += PANEL + GAP;
        }
        let height = top - 10.0;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH:.0} {height:.0}\" \
             font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
             {}{out}</svg>\n",
            text(LEFT, 24.0, "start", self.title).replace("<text", "<text font-weight=\"bold\"")
        )
    }
}

// === impl Panel ===

impl Panel {
    pub(crate) const fn new(label: &'static str) -> Self {
        Self {
            label,
            across: Across::Time,
            lines: Vec::new(),
        }
    }

    /// With percentiles from left to right, in place of the time.
    pub(crate) const fn by_percent(mut self) -> Self {
        self.across = Across::Percent;
        self
    }

    pub(crate) fn line(mut self, name: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        self.lines.push(Line {
            name: name.into(),
            points,
        });
        self
    }

    fn render(&self, out: &mut String, top: f64, seconds: f64) {
        let points = self.lines.iter().flat_map(|line| &line.points);
        let most = round_up(points.map(|(_, y)| *y).fold(1.0, f64::max));
        let (bottom, right) = (top + PANEL, WIDTH - RIGHT);
        let (whole, unit) = match self.across {
            Across::Time => (seconds, "s"),
            Across::Percent => (100.0, "%"),
        };
        let x = |at: f64| (right - LEFT).mul_add(at / whole, LEFT);
        let y = |value: f64| bottom - PANEL * value / most;
        out.push_str(&text(LEFT, top - 6.0, "start", self.label));
        for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
            let height = y(most * tick);
            rule(out, (LEFT, height), (right, height));
            let label = number(most * tick);
            out.push_str(&text(LEFT - 6.0, height + 4.0, "end", &label));
            let label = format!("{} {unit}", number(whole * tick));
            out.push_str(&text(x(whole * tick), bottom + 16.0, "middle", &label));
        }
        let mut legend = LEFT;
        let styles = COLOURS.iter().zip(STROKES);
        for (line, (colour, stroke)) in self.lines.iter().zip(styles) {
            let style = format!(
                "fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.6\" stroke-dasharray=\"{stroke}\""
            );
            let path: Vec<String> = line
                .points
                .iter()
                .map(|(time, value)| format!("{:.1},{:.1}", x(*time), y(*value)))
                .collect();
            put(
                out,
                &format!("<polyline {style} points=\"{}\"/>", path.join(" ")),
            );
            let at = bottom + 32.0;
            let end = legend + 24.0;
            put(
                out,
                &format!("<path {style} d=\"M{legend:.1} {at:.1}H{end:.1}\"/>"),
            );
            out.push_str(&text(legend + 30.0, at + 4.0, "start", &line.name));
            legend += 6.4_f64.mul_add(width(&line.name), 52.0);
        }
    }
}

/// Characters, as a number to reckon with.
fn width(name: &str) -> f64 {
    name.chars().map(|_| 1.0).sum()
}

fn rule(out: &mut String, from: (f64, f64), to: (f64, f64)) {
    put(
        out,
        &format!(
            "<path d=\"M{:.1} {:.1}L{:.1} {:.1}\" stroke=\"#ddd\"/>",
            from.0, from.1, to.0, to.1
        ),
    );
}

fn text(x: f64, y: f64, anchor: &str, text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>\n")
}

fn put(out: &mut String, line: &str) {
    // Writing to a string cannot fail.
    let _written = writeln!(out, "{line}");
}

/// The next of 1, 2, 4, 5, 8 and ten times these that is not below.
fn round_up(value: f64) -> f64 {
    let scale = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 4.0, 5.0, 8.0, 10.0];
    let step = steps.into_iter().find(|step| step * scale >= value);
    step.unwrap_or(10.0) * scale
}

/// Without a fraction where there is none.
fn number(value: f64) -> String {
    match value.fract().abs() < 0.001 {
        true => format!("{value:.0}"),
        false => format!("{value:.2}"),
    }
}
