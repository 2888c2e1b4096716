//! Plain text: paragraphs between blank lines; the first line is the title where it looks like one.

use littoral_guest::Document;

use super::writer::Writer;
use super::{IngestOptions, Skipped, Unit, charset, clean, paths};

/// Longest first line taken for a title, in bytes.
const TITLE_BYTES: usize = 120;

pub(super) fn parse(unit: &Unit, options: &IngestOptions) -> Result<Document, Skipped> {
    let text = charset::utf8(unit)?;
    let mut document =
        paragraphs(&text, title(&text), options).ok_or_else(|| unit.too_much_text())?;
    document.id.clone_from(&unit.id_hint);
    document.url = paths::url(&unit.id_hint, unit.kind, options);
    Ok(document)
}

/// A document of the paragraphs of `text`, without id; `None` when it is too long.
pub(super) fn paragraphs(text: &str, title: String, options: &IngestOptions) -> Option<Document> {
    let mut writer = Writer::new(title, false, options.limits.text_bytes);
    for line in text.lines() {
        if line.trim().is_empty() {
            writer.paragraph(10);
        } else {
            writer.push(line);
            writer.space();
        }
    }
    writer.finish()
}

/// The first line, where it is short, stands alone and does not end like a sentence.
fn title(text: &str) -> String {
    let mut lines = text.trim_start().lines();
    let first = clean::line(lines.next().unwrap_or_default());
    let alone = lines.next().is_none_or(|next| {
        next.trim().is_empty()
            || next
                .trim()
                .chars()
                .all(|c| matches!(c, '=' | '-' | '~' | '*'))
    });
    let sentence = first.ends_with(['.', ',', ';', ':', '。']);
    if alone && !sentence && first.len() <= TITLE_BYTES {
        first
    } else {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_cut_at_blank_lines_and_a_heading_line_is_the_title() {
        let text = "The harbour\n\nFirst\nline.\n  \nSecond.\n";
        let document = paragraphs(text, title(text), &IngestOptions::default()).unwrap();
        assert_eq!(document.title, "The harbour");
        assert_eq!(document.text, "The harbour\n\nFirst line.\n\nSecond.");
        assert_eq!(title("It rained.\n\nMore"), "");
        assert_eq!(title("One\ntwo"), "");
    }
}
