//! Plots, drawn as SVG.

use super::escape;
use std::fmt::Write;

/// Size of a plot in its own units.
const WIDTH: f64 = 720.0;

/// Room on the left for names and numbers.
const LEFT: f64 = 150.0;

/// A value with its interval.
pub(crate) struct Bar {
    pub(crate) value: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// A named place in a plane.
pub(crate) struct Point<'a> {
    pub(crate) name: &'a str,
    pub(crate) x: f64,
    pub(crate) y: f64,
}

fn open(height: f64, label: &str) -> String {
    let label = escape(label);
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\" \
         aria-label=\"{label}\">"
    )
}

/// Horizontal bars from 0 to 1 with their intervals.
pub(crate) fn bars(names: &[&str], bars: &[Bar]) -> String {
    let height = 28.0 * bars.len() as f64 + 24.0;
    let mut out = open(height, "figures by run, with intervals");
    let x = |value: f64| LEFT + value.clamp(0.0, 1.0) * (WIDTH - LEFT - 60.0);
    for (i, (name, bar)) in names.iter().zip(bars).enumerate() {
        let y = 28.0 * i as f64 + 4.0;
        // A string takes all that is written to it, here and below.
        let _ = write!(
            out,
            "<text x=\"0\" y=\"{:.0}\">{}</text><rect x=\"{LEFT}\" y=\"{y:.0}\" width=\"{:.1}\" \
             height=\"18\" fill=\"#4a90a4\"/><path d=\"M{:.1} {:.0}H{:.1}\" stroke=\"#d9822b\" \
             stroke-width=\"2\"/><text x=\"{:.1}\" y=\"{:.0}\">{:.3}</text>",
            y + 14.0,
            escape(name),
            x(bar.value) - LEFT,
            x(bar.low),
            y + 9.0,
            x(bar.high),
            x(bar.high.max(bar.value)) + 6.0,
            y + 14.0,
            bar.value
        );
    }
    out.push_str("</svg>");
    out
}

/// Two axes that hold all of some places.
struct Axes {
    x: (f64, f64),
    y: (f64, f64),
}

impl Axes {
    fn of(places: &[(f64, f64)]) -> Self {
        let span = |values: &mut dyn Iterator<Item = f64>| {
            let values: Vec<f64> = values.collect();
            let low = values.iter().copied().fold(f64::INFINITY, f64::min);
            let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let room = ((high - low) * 0.1).max(high.abs() * 0.02).max(0.01);
            // Nothing that is counted or measured here is below nothing.
            let least = if low >= 0.0 { 0.0 } else { f64::NEG_INFINITY };
            if low.is_finite() {
                ((low - room).max(least), high + room)
            } else {
                (0.0, 1.0)
            }
        };
        Self {
            x: span(&mut places.iter().map(|place| place.0)),
            y: span(&mut places.iter().map(|place| place.1)),
        }
    }

    fn x(&self, value: f64) -> f64 {
        60.0 + (value - self.x.0) / (self.x.1 - self.x.0) * (WIDTH - 180.0)
    }

    fn y(&self, value: f64) -> f64 {
        250.0 - (value - self.y.0) / (self.y.1 - self.y.0) * 215.0
    }

    /// A drawing of them, to which places are added before it is closed.
    fn open(&self, x_label: &str, y_label: &str) -> String {
        let mut out = open(300.0, &format!("{y_label} against {x_label}"));
        let _ = write!(
            out,
            "<path d=\"M60 30V250H{:.0}\" fill=\"none\" stroke=\"#8a9ba5\"/><text x=\"60\" y=\"290\">{}\
             </text><text x=\"60\" y=\"18\">{}</text>",
            WIDTH - 100.0,
            escape(x_label),
            escape(y_label)
        );
        for share in [0.0, 0.5, 1.0] {
            let (at_x, at_y) = (
                self.x.0 + (self.x.1 - self.x.0) * share,
                self.y.0 + (self.y.1 - self.y.0) * share,
            );
            let _ = write!(
                out,
                "<text x=\"{:.0}\" y=\"268\">{at_x:.0}</text><text x=\"12\" y=\"{:.0}\">{at_y:.3}</text>",
                self.x(at_x),
                self.y(at_y) + 4.0
            );
        }
        out
    }

    /// A place with its name.
    fn point(&self, point: &Point<'_>, out: &mut String) {
        let (x, y) = (self.x(point.x), self.y(point.y));
        let _ = write!(
            out,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"#4a90a4\"/><text x=\"{:.1}\" y=\"{:.1}\">{}\
             </text>",
            x + 7.0,
            y - 6.0,
            escape(point.name)
        );
    }
}

/// Points with their names; axes hold all of them.
pub(crate) fn scatter(points: &[Point<'_>], x_label: &str, y_label: &str) -> String {
    let places: Vec<(f64, f64)> = points.iter().map(|point| (point.x, point.y)).collect();
    let axes = Axes::of(&places);
    let mut out = axes.open(x_label, y_label);
    for point in points {
        axes.point(point, &mut out);
    }
    out.push_str("</svg>");
    out
}

/// Places joined by a line as they come, of which one has a name.
pub(crate) fn curve(
    places: &[(f64, f64)],
    named: Option<&Point<'_>>,
    x_label: &str,
    y_label: &str,
) -> String {
    let axes = Axes::of(places);
    let mut out = axes.open(x_label, y_label);
    let line: Vec<String> = places
        .iter()
        .map(|&(x, y)| format!("{:.1},{:.1}", axes.x(x), axes.y(y)))
        .collect();
    let _ = write!(
        out,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"#4a90a4\" stroke-width=\"2\"/>",
        line.join(" ")
    );
    if let Some(point) = named {
        axes.point(point, &mut out);
    }
    out.push_str("</svg>");
    out
}

/// A line of changes between −1 and 1, as they come.
pub(crate) fn differences(values: &[f64]) -> String {
    let mut out = open(160.0, "change of each query");
    out.push_str("<path d=\"M40 80H720\" stroke=\"#8a9ba5\"/>");
    for (label, y) in [("+1", 14.0), ("0", 84.0), ("−1", 154.0)] {
        let _ = write!(out, "<text x=\"0\" y=\"{y:.0}\">{label}</text>");
    }
    let step = (WIDTH - 40.0) / values.len().max(1) as f64;
    for (i, value) in values
        .iter()
        .enumerate()
        .filter(|(_, value)| **value != 0.0)
    {
        let colour = if *value < 0.0 { "#c0504d" } else { "#4f9d69" };
        let _ = write!(
            out,
            "<path d=\"M{:.1} 80V{:.1}\" stroke=\"{colour}\" stroke-width=\"{:.1}\"/>",
            40.0 + (i as f64 + 0.5) * step,
            80.0 - value.clamp(-1.0, 1.0) * 70.0,
            step.clamp(0.5, 12.0)
        );
    }
    out.push_str("</svg>");
    out
}
