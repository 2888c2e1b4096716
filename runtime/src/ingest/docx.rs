//! DOCX: paragraphs and headings of `word/document.xml`. Runs in the child process only.

use std::collections::HashMap;
use std::io::{Cursor, Read};

use littoral_guest::{Document, PartKind};
use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};
use zip::ZipArchive;
use zip::result::ZipError;

use super::writer::Writer;
use super::{IngestOptions, Skipped, SourceKind, Unit, clean, paths};

pub(super) fn parse(unit: &Unit, options: &IngestOptions) -> Result<Document, Skipped> {
    let bad = |message: String| unit.skip("bad-docx", format!("{message}; is the file damaged?"));
    if unit.bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]) {
        // An OLE container: what an encrypted document is wrapped in.
        return Err(unit.skip(
            "encrypted",
            "the file is encrypted or in the old .doc format",
        ));
    }
    let mut archive = ZipArchive::new(Cursor::new(unit.bytes.as_slice()))
        .map_err(|error| bad(format!("cannot be read as a zip file: {error}")))?;
    let mut entry = |name: &str| -> Result<String, Skipped> {
        let file = match archive.by_name(name) {
            Ok(file) => file,
            Err(ZipError::FileNotFound) => return Ok(String::new()),
            Err(error) => return Err(bad(error.to_string())),
        };
        // Markup is several times as long as its text.
        let limit = (options.limits.text_bytes as u64).min(128 << 20);
        let mut xml = String::new();
        file.take(limit + 1)
            .read_to_string(&mut xml)
            .map_err(|error| bad(error.to_string()))?;
        if xml.len() as u64 > limit {
            Err(unit.too_much_text())
        } else {
            Ok(xml)
        }
    };
    let levels = levels(&entry("word/styles.xml")?).map_err(|e| bad(e.to_string()))?;
    let core = core(&entry("docProps/core.xml")?).unwrap_or_default();
    let body = entry("word/document.xml")?;
    if body.is_empty() {
        return Err(bad("there is no word/document.xml in it".into()));
    }
    let mut writer = Writer::new(core.title, true, options.limits.text_bytes);
    write(&body, &levels, &mut writer).map_err(|error| bad(error.to_string()))?;
    let mut document = writer.finish().ok_or_else(|| unit.too_much_text())?;
    if document.parts.is_empty() {
        return Err(unit.skip("no-text", "the document has no text"));
    }
    document.id.clone_from(&unit.id_hint);
    document.url = paths::url(&unit.id_hint, SourceKind::Docx, options);
    document.lang = core.lang;
    Ok(document)
}

/// Heading levels of styles, by style id. Names are the same in every language of the program.
fn levels(xml: &str) -> Result<HashMap<String, u8>, quick_xml::Error> {
    let mut out = HashMap::new();
    let mut style = String::new();
    let mut reader = Reader::from_str(xml);
    loop {
        match reader.read_event()? {
            Event::Eof => return Ok(out),
            Event::Start(tag) | Event::Empty(tag) => match tag.local_name().into_inner() {
                "style" => style = value(&tag, "styleId").unwrap_or_default(),
                "name" => {
                    let name = value(&tag, "val").unwrap_or_default().to_ascii_lowercase();
                    let level = name
                        .strip_prefix("heading ")
                        .and_then(|n| n.trim().parse().ok());
                    let level = if name == "title" { Some(1) } else { level };
                    if let Some(level) = level {
                        out.entry(style.clone()).or_insert(level);
                    }
                }
                "outlineLvl" => {
                    let level = value(&tag, "val").and_then(|v| v.parse::<u8>().ok());
                    if let Some(level) = level.filter(|level| *level < 6) {
                        out.insert(style.clone(), level + 1);
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }
}

#[derive(Default)]
struct Core {
    title: String,
    lang: Option<String>,
}

fn core(xml: &str) -> Result<Core, quick_xml::Error> {
    let mut core = Core::default();
    let mut at = String::new();
    let mut reader = Reader::from_str(xml);
    loop {
        match reader.read_event()? {
            Event::Eof => break,
            Event::Start(tag) => tag.local_name().into_inner().clone_into(&mut at),
            Event::End(_) => at.clear(),
            Event::Text(text) if at == "title" => core.title.push_str(&text.xml10_content()),
            Event::GeneralRef(name) if at == "title" => core.title.extend(character(&name)),
            Event::Text(text) if at == "language" => core.lang = clean::lang(&text.xml10_content()),
            _ => {}
        }
    }
    core.title = clean::line(&core.title);
    Ok(core)
}

fn write(
    xml: &str,
    levels: &HashMap<String, u8>,
    writer: &mut Writer,
) -> Result<(), quick_xml::Error> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().expand_empty_elements = true;
    let mut in_text = false;
    // Cells of the current row; rows within rows belong to the outer one.
    let mut rows = 0_usize;
    let mut due = false;
    loop {
        match reader.read_event()? {
            Event::Eof => return Ok(()),
            Event::Start(tag) => match tag.local_name().into_inner() {
                "t" => in_text = true,
                "p" if rows == 0 => writer.paragraph(10),
                "tr" => {
                    if rows == 0 {
                        writer.paragraph(10);
                    }
                    rows += 1;
                }
                "tc" => due = writer.has_text(),
                "pStyle" if rows == 0 => {
                    let style = value(&tag, "val").unwrap_or_default();
                    let guess = style.strip_prefix("Heading").and_then(|n| n.parse().ok());
                    if let Some(level) = levels.get(&style).copied().or(guess) {
                        let level: u8 = level.clamp(1, 6);
                        writer.block(
                            PartKind::Heading {
                                level,
                                anchor: None,
                            },
                            10,
                        );
                    }
                }
                "p" | "tab" | "br" | "cr" | "noBreakHyphen" => writer.space(),
                _ => {}
            },
            Event::End(tag) => match tag.local_name().into_inner() {
                "t" => in_text = false,
                "p" if rows == 0 => writer.paragraph(10),
                "tr" => {
                    rows = rows.saturating_sub(1);
                    if rows == 0 {
                        writer.paragraph(10);
                    }
                }
                _ => {}
            },
            Event::Text(text) if in_text => {
                if std::mem::take(&mut due) {
                    writer.space();
                    writer.push("|");
                    writer.space();
                }
                writer.push(&text.xml10_content());
            }
            Event::GeneralRef(name) if in_text => {
                if let Some(c) = character(&name) {
                    writer.push(c.encode_utf8(&mut [0; 4]));
                }
            }
            _ => {}
        }
    }
}

/// The character a reference stands for; documents declare no entities of their own.
fn character(name: &BytesRef<'_>) -> Option<char> {
    match &**name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => name.resolve_char_ref().ok().flatten(),
    }
}

/// The value of an attribute, whatever its prefix.
fn value(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = tag.attributes();
    attributes.with_checks(false);
    attributes
        .filter_map(Result::ok)
        .take(100)
        .find(|attribute| attribute.key.local_name().into_inner() == name)
        .map(|attribute| attribute.value.into_owned())
}
