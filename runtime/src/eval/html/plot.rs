//! Plots, drawn as SVG.

use super::escape;
use std::fmt::Write;

/// Size of a plot in its own units.
const WIDTH: f64 = 720.0;

/// Room on the left for names and numbers.
const LEFT: f64 = 150.0;

/// A value with its interval.
pub(super) struct Bar {
    pub(super) value: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// A named place in a plane.
pub(super) struct Point<'a> {
    pub(super) name: &'a str,
    pub(super) x: f64,
    pub(super) y: f64,
}

fn open(height: f64, label: &str) -> String {
    let label = escape(label);
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\" \
         aria-label=\"{label}\">"
    )
}

/// Horizontal bars from 0 to 1 with their intervals.
pub(super) fn bars(names: &[&str], bars: &[Bar]) -> String {
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

/// Points with their names; axes hold all of them.
pub(super) fn scatter(points: &[Point<'_>], x_label: &str, y_label: &str) -> String {
    let height = 300.0;
    let mut out = open(height, &format!("{y_label} against {x_label}"));
    let span = |values: &mut dyn Iterator<Item = f64>| {
        let values: Vec<f64> = values.collect();
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let room = ((high - low) * 0.1).max(high.abs() * 0.02).max(0.01);
        if low.is_finite() {
            (low - room, high + room)
        } else {
            (0.0, 1.0)
        }
    };
    let (x_low, x_high) = span(&mut points.iter().map(|point| point.x));
    let (y_low, y_high) = span(&mut points.iter().map(|point| point.y));
    let x = |value: f64| 60.0 + (value - x_low) / (x_high - x_low) * (WIDTH - 180.0);
    let y = |value: f64| 250.0 - (value - y_low) / (y_high - y_low) * 235.0;
    let _ = write!(
        out,
        "<path d=\"M60 10V250H{:.0}\" fill=\"none\" stroke=\"#8a9ba5\"/><text x=\"60\" y=\"290\">{}</text>\
         <text x=\"0\" y=\"10\">{}</text>",
        WIDTH - 100.0,
        escape(x_label),
        escape(y_label)
    );
    for share in [0.0, 0.5, 1.0] {
        let (at_x, at_y) = (
            x_low + (x_high - x_low) * share,
            y_low + (y_high - y_low) * share,
        );
        let _ = write!(
            out,
            "<text x=\"{:.0}\" y=\"268\">{at_x:.0}</text><text x=\"12\" y=\"{:.0}\">{at_y:.3}</text>",
            x(at_x),
            y(at_y) + 4.0
        );
    }
    for point in points {
        let _ = write!(
            out,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\" fill=\"#4a90a4\"/><text x=\"{:.1}\" y=\"{:.1}\">{}\
             </text>",
            x(point.x),
            y(point.y),
            x(point.x) + 7.0,
            y(point.y) + 4.0,
            escape(point.name)
        );
    }
    out.push_str("</svg>");
    out
}

/// A line of changes between −1 and 1, as they come.
pub(super) fn differences(values: &[f64]) -> String {
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
