//! The report of a training as one page: how loss and nDCG@10 went, and what it was trained on and how.

use super::tuned::Point;
use crate::eval::html::{END, escape, head, plot};
use serde_json::Value;
use std::fmt::Write;

/// Fields of a record that have a table of their own.
const LOOKS: [&str; 2] = ["curve", "shares"];

/// The page of a training with `record`, which has its `curve` and the step that did best.
pub fn page(record: &Value, curve: &[Point], best_step: u32) -> String {
    let text = |name: &str| record[name].as_str().unwrap_or_default();
    let (target, data) = (escape(text("target")), escape(text("data")));
    let mut out = head(&format!("Training of a {target} on {data}"));
    out.push_str(
        "<h2>nDCG@10</h2><p class=\"note\">Of queries of the training that were set aside to choose when to \
         end; no held-out query is among them.</p>",
    );
    let place = |point: &Point, value: f64| (f64::from(point.step), value);
    let ndcg: Vec<(f64, f64)> = curve.iter().map(|p| place(p, p.ndcg)).collect();
    let best = curve.iter().find(|point| point.step == best_step);
    let best = best.map(|point| plot::Point {
        name: "chosen",
        x: f64::from(point.step),
        y: point.ndcg,
    });
    out.push_str(&plot::curve(&ndcg, best.as_ref(), "steps", "nDCG@10"));
    out.push_str("<h2>Loss</h2><p class=\"note\">Mean since the look before.</p>");
    // Before the first step there is none.
    let steps = curve.iter().filter(|point| point.step > 0);
    let loss: Vec<(f64, f64)> = steps.map(|p| place(p, p.loss)).collect();
    out.push_str(&plot::curve(&loss, None, "steps", "loss"));
    out.push_str("<h2>Looks</h2><table><tr><th>step<th>loss<th>nDCG@10</tr>");
    for point in curve {
        let mark = if point.step == best_step { " ←" } else { "" };
        // A string takes all that is written to it.
        let _ = write!(
            out,
            "<tr><td>{}<td>{}<td>{:.4}{mark}</tr>",
            point.step,
            point.shown_loss(),
            point.ndcg
        );
    }
    for look in record["shares"].as_array().into_iter().flatten() {
        let is_kept = look["share"] == record["share"];
        let _ = write!(
            out,
            "<tr><td>{} of the change<td>–<td>{:.4}{}</tr>",
            look["share"],
            look["ndcg"].as_f64().unwrap_or_default(),
            if is_kept { " ←" } else { "" }
        );
    }
    out.push_str("</table><h2>Record</h2><table>");
    rows("", record, &mut out);
    out.push_str("</table>");
    out.push_str(END);
    out
}

/// A row for each field of `value` that is not among the looks, those of structures behind their name.
fn rows(name: &str, value: &Value, out: &mut String) {
    let text = match value {
        Value::Object(fields) => {
            for (field, value) in fields
                .iter()
                .filter(|(field, _)| !LOOKS.contains(&field.as_str()))
            {
                let name = match name {
                    "" => field.clone(),
                    name => format!("{name}, {field}"),
                };
                rows(&name, value, out);
            }
            return;
        }
        Value::Array(values) => {
            let values = values.iter().map(shown);
            values.collect::<Vec<_>>().join(", ")
        }
        value => shown(value),
    };
    let _ = write!(out, "<tr><td>{}<td>{}</tr>", escape(name), escape(&text));
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "–".to_owned(),
        // Options have 32 bits, and further digits say nothing.
        Value::Number(number) if number.is_f64() => {
            (number.as_f64().unwrap_or_default() as f32).to_string()
        }
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_page_has_both_curves_the_record_and_no_markup_of_names() {
        let point = |step: u32| Point {
            step,
            loss: 1.0 / f64::from(step + 1),
            ndcg: 0.5 + 0.01 * f64::from(step),
        };
        let record = json!({
            "target": "encoder", "data": "<script>", "curve": [1],
            "share": 0.5, "shares": [{"share": 0.75, "ndcg": 0.71}, {"share": 0.5, "ndcg": 0.72}],
            "options": {"rank": 8, "dims": [256, 128], "rate": f64::from(0.3f32)},
        });
        let page = page(&record, &[point(0), point(10), point(20)], 20);
        assert_eq!(page.matches("<polyline").count(), 2);
        assert!(page.contains("options, rank<td>8") && page.contains("<td>256, 128"));
        assert!(page.contains("options, rate<td>0.3<") && page.contains("<td>0<td>–<td>0.5000"));
        assert!(page.contains("chosen") && page.contains("<td>0.7000 ←"));
        assert!(page.contains("0.75 of the change<td>–<td>0.7100<") && page.contains("0.7200 ←"));
        assert!(!page.contains("<script") && !page.contains("NaN") && !page.contains("curve<td>"));
    }
}
