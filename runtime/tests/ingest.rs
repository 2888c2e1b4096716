//! Formats that are parsed in a child process, good and hostile, with the built program as child.

use std::io::{Cursor, Write};
use std::time::{Duration, Instant};

use littoral_runtime::ingest::{Document, IngestOptions, Skipped, SourceKind, Unit, parse};

fn options() -> IngestOptions {
    IngestOptions {
        executable: Some(env!("CARGO_BIN_EXE_littoral").into()),
        ..IngestOptions::default()
    }
}

fn read(kind: SourceKind, bytes: &[u8], options: &IngestOptions) -> Result<Document, Skipped> {
    let unit = Unit {
        kind,
        id_hint: "a/b".into(),
        path: "in/a/b".into(),
        line: 0,
        bytes: bytes.into(),
    };
    let start = Instant::now();
    let result = parse(&unit, options);
    assert!(start.elapsed() < Duration::from_secs(options.limits.child_seconds + 5));
    result
}

/// A PDF of the given objects, with a right cross-reference table.
fn pdf(objects: &[String]) -> Vec<u8> {
    let mut out = b"%PDF-1.4\n".to_vec();
    let mut offsets = Vec::new();
    for (i, object) in objects.iter().enumerate() {
        offsets.push(out.len());
        out.extend(format!("{} 0 obj\n{object}\nendobj\n", i + 1).bytes());
    }
    let xref = out.len();
    out.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
    for offset in offsets {
        out.extend(format!("{offset:010} 00000 n \n").bytes());
    }
    let size = objects.len() + 1;
    let trailer = format!("trailer\n<</Size {size}/Root 1 0 R/Info 6 0 R>>\nstartxref\n{xref}\n");
    out.extend(trailer.bytes());
    out.extend(b"%%EOF\n");
    out
}

fn pages(text: &str, kids: &str) -> Vec<String> {
    let content = format!("BT /F1 12 Tf 72 700 Td ({text}) Tj ET");
    vec![
        "<</Type/Catalog/Pages 2 0 R>>".into(),
        format!("<</Type/Pages/Kids[{kids}]/Count 1>>"),
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F1 5 0 R>>>>\
         /Contents 4 0 R>>"
            .into(),
        format!(
            "<</Length {}>>\nstream\n{content}\nendstream",
            content.len()
        ),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".into(),
        "<</Title(The tides)>>".into(),
    ]
}

fn docx(body: &str) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let mut add = |name: &str, text: &str| {
        archive
            .start_file(name, zip::write::SimpleFileOptions::default())
            .expect("an entry");
        archive.write_all(text.as_bytes()).expect("its text");
    };
    let ns = "xmlns:w=\"urn:w\" xmlns:dc=\"urn:dc\"";
    add(
        "word/document.xml",
        &format!("<w:document {ns}><w:body>{body}</w:body></w:document>"),
    );
    add(
        "word/styles.xml",
        &format!(
            "<w:styles {ns}><w:style w:styleId=\"berschrift2\"><w:name w:val=\"heading 2\"/>\
             </w:style></w:styles>"
        ),
    );
    let core = "<dc:title>Tides &amp; winds</dc:title><dc:language>de-DE</dc:language>";
    add("docProps/core.xml", &format!("<core {ns}>{core}</core>"));
    archive.finish().expect("an archive").into_inner()
}

#[test]
fn a_pdf_yields_its_text_and_title() {
    let bytes = pdf(&pages("The tide comes in twice a day.", "3 0 R"));
    let document = read(SourceKind::Pdf, &bytes, &options()).unwrap();
    assert_eq!(document.title, "The tides");
    assert_eq!(document.text, "The tide comes in twice a day.");
    assert_eq!(document.id, "a/b");
}

#[test]
fn a_docx_yields_headings_by_style_paragraphs_and_rows() {
    let bytes = docx(
        "<w:p><w:pPr><w:pStyle w:val=\"berschrift2\"/></w:pPr><w:r><w:t>High</w:t></w:r></w:p>\
         <w:p><w:r><w:t>A &lt;b&gt;</w:t><w:tab/><w:t/></w:r><w:r><w:t>c</w:t></w:r>\
         <w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>\
         <w:tbl><w:tr><w:tc><w:p><w:r><w:t>1</w:t></w:r></w:p></w:tc>\
         <w:tc><w:p><w:r><w:t>2</w:t></w:r></w:p></w:tc></w:tr></w:tbl>",
    );
    let document = read(SourceKind::Docx, &bytes, &options()).unwrap();
    assert_eq!(document.text, "High\n\nA <b> c\n\n1 | 2");
    assert_eq!(document.lang.as_deref(), Some("de-DE"));
    assert_eq!(document.title, "Tides & winds");
    assert_eq!(document.parts.len(), 3);
}

#[test]
fn long_markdown_goes_to_the_child_and_comes_back_the_same() {
    let text = format!("# T\n\n{}", "word ".repeat(100_000));
    let document = read(SourceKind::Markdown, text.as_bytes(), &options()).unwrap();
    assert_eq!(document.title, "T");
    assert_eq!(document.text.len(), 499_999);
}

#[test]
fn hostile_files_are_skipped_in_bounded_time_and_the_host_lives_on() {
    let mut options = options();
    options.limits.child_seconds = 3;
    let good = pdf(&pages("text", "3 0 R"));
    let arrays = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let pdfs = [
        b"".to_vec(),
        b"not a pdf".to_vec(),
        good[..good.len() / 2].to_vec(),
        pdf(&pages("loop", "2 0 R")),
        pdf(&[pages("deep", "3 0 R"), vec![arrays]].concat()),
        pdf(&pages("", "3 0 R")),
        pdf(&pages(&"(".repeat(100_000), "3 0 R")),
    ];
    for bytes in pdfs {
        if let Err(skipped) = read(SourceKind::Pdf, &bytes, &options) {
            assert_eq!(skipped.path, "in/a/b");
            assert!(!skipped.message.is_empty());
        }
    }
    let deep = "<w:p>".repeat(500_000);
    let zeros = format!("<w:p><w:r><w:t>{}</w:t></w:r></w:p>", " ".repeat(140 << 20));
    for bytes in [b"PK\x03\x04".to_vec(), docx(""), docx(&deep), docx(&zeros)] {
        assert!(read(SourceKind::Docx, &bytes, &options).is_err());
    }
    for pattern in ["[^", "> ", "*a_ ", "[a](<b", "<!--", "|"] {
        let text = pattern.repeat((4 << 20) / pattern.len());
        let _ = read(SourceKind::Markdown, text.as_bytes(), &options);
    }
    assert!(read(SourceKind::Pdf, &good, &options).is_ok());
}

#[test]
fn a_program_that_is_not_there_or_says_nothing_is_a_reason_to_skip() {
    let mut options = options();
    options.executable = Some("/nonexistent/littoral".into());
    let skipped = read(SourceKind::Pdf, b"x", &options).unwrap_err();
    assert_eq!(skipped.code, "parser-unavailable");
    options.executable = Some("/bin/false".into());
    assert_eq!(
        read(SourceKind::Pdf, b"x", &options).unwrap_err().code,
        "parser-crashed"
    );
}
