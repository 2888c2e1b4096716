//! PDF: the text of each page, in paragraphs. Runs in the child process only.

use littoral_guest::Document;
use pdf_extract::{Document as Pdf, Object, PlainTextOutput, output_doc_page};

use super::writer::Writer;
use super::{IngestOptions, Skipped, SourceKind, Unit, clean, paths};

pub(super) fn parse(unit: &Unit, options: &IngestOptions) -> Result<Document, Skipped> {
    let mut pdf = Pdf::load_mem(&unit.bytes).map_err(|error| {
        unit.skip(
            "bad-pdf",
            format!("cannot be read as PDF: {error}; is the file damaged?"),
        )
    })?;
    // Many files are encrypted with an empty password, only to forbid printing.
    if pdf.is_encrypted() && pdf.decrypt("").is_err() {
        return Err(unit.skip(
            "encrypted",
            "the file asks for a password; save it without one",
        ));
    }
    let mut writer = Writer::new(title(&pdf), false, options.limits.text_bytes);
    for number in pdf.get_pages().into_keys() {
        let mut text = String::new();
        // A page that cannot be read is left out, the others stay.
        let _ = output_doc_page(&pdf, &mut PlainTextOutput::new(&mut text), number);
        page(&text, &mut writer);
        writer.paragraph(10);
    }
    let mut document = writer.finish().ok_or_else(|| unit.too_much_text())?;
    if document.parts.is_empty() {
        return Err(unit.skip(
            "no-text",
            "the pages hold no text; scanned pages need OCR first",
        ));
    }
    document.id.clone_from(&unit.id_hint);
    document.url = paths::url(&unit.id_hint, SourceKind::Pdf, options);
    Ok(document)
}

/// Writes the paragraphs of a page; a word broken at the end of a line is made whole.
fn page(text: &str, writer: &mut Writer) {
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let line = line.trim();
        if line.is_empty() {
            writer.paragraph(10);
            continue;
        }
        let goes_on = lines
            .peek()
            .is_some_and(|n| n.trim().starts_with(char::is_lowercase));
        match line.strip_suffix('-') {
            Some(start) if goes_on && start.ends_with(char::is_alphabetic) => writer.push(start),
            _ => {
                writer.push(line);
                writer.space();
            }
        }
    }
}

fn title(pdf: &Pdf) -> String {
    let info = pdf.trailer.get(b"Info").and_then(Object::as_reference);
    let title = info
        .and_then(|id| pdf.get_dictionary(id))
        .and_then(|info| info.get(b"Title"))
        .and_then(Object::as_str);
    let Ok(bytes) = title else {
        return String::new();
    };
    let text = if let Some(utf16) = bytes.strip_prefix(&[0xfe, 0xff]) {
        encoding_rs::UTF_16BE.decode_without_bom_handling(utf16).0
    } else if let Ok(text) = std::str::from_utf8(bytes) {
        text.into()
    } else {
        encoding_rs::WINDOWS_1252
            .decode_without_bom_handling(bytes)
            .0
    };
    clean::line(&text)
}
