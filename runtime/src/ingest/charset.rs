//! From bytes to text.

use std::borrow::Cow;

use encoding_rs::{Encoding, WINDOWS_1252};

use super::{Skipped, Unit};

/// How far into an HTML page its charset may be declared, in bytes.
/// Source: WHATWG HTML, "prescan a byte stream to determine its encoding".
const PRESCAN_BYTES: usize = 1024;

/// Text in UTF-8, or in UTF-16 with a byte-order mark.
///
/// # Errors
///
/// `not-utf8`, and `binary` where there are NUL bytes.
pub(super) fn utf8(unit: &Unit) -> Result<Cow<'_, str>, Skipped> {
    let bytes = &unit.bytes;
    if let Some((encoding, bom)) = Encoding::for_bom(bytes) {
        let (text, bad) = encoding.decode_without_bom_handling(&bytes[bom..]);
        if !bad {
            return Ok(text);
        }
    } else if let Ok(text) = std::str::from_utf8(bytes) {
        if memchr::memchr(0, bytes).is_some() {
            return Err(unit.skip("binary", "the file has NUL bytes, so it is not text"));
        }
        return Ok(Cow::Borrowed(text));
    }
    Err(unit.skip(
        "not-utf8",
        "the text is not UTF-8; convert it, for instance with iconv",
    ))
}

/// HTML in whatever charset: byte-order mark, then UTF-8 where it is valid, then the declared
/// charset, then windows-1252 as browsers do.
pub(super) fn html(bytes: &[u8]) -> Cow<'_, str> {
    if let Some((encoding, bom)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(&bytes[bom..]).0;
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    declared(bytes)
        .unwrap_or(WINDOWS_1252)
        .decode_without_bom_handling(bytes)
        .0
}

fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = &bytes[..bytes.len().min(PRESCAN_BYTES)].to_ascii_lowercase();
    let at = memchr::memmem::find(head, b"charset")? + b"charset".len();
    let label: Vec<u8> = head[at..]
        .iter()
        .copied()
        .skip_while(|b| b.is_ascii_whitespace() || matches!(b, b'=' | b'"' | b'\''))
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b':'))
        .collect();
    Encoding::for_label(&label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legacy_charsets_are_read_as_declared() {
        assert_eq!(
            html(b"<meta charset=\"iso-8859-2\">\xb3"),
            "<meta charset=\"iso-8859-2\">ł"
        );
        assert_eq!(
            html(b"<meta charset=shift_jis>\x83\x65"),
            "<meta charset=shift_jis>テ"
        );
        assert_eq!(html(b"caf\xe9"), "café");
        assert_eq!(html(b"\xff\xfeh\0i\0"), "hi");
        assert_eq!(
            html("<meta charset=latin1>é".as_bytes()),
            "<meta charset=latin1>é"
        );
    }
}
