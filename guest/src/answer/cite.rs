//! Addresses that lead to a quote.

use std::fmt::Write;

/// Quotes of more words are named by their first and last ones.
const WHOLE_WORDS: usize = 8;

/// Words that name an end of a longer quote.
const END_WORDS: usize = 4;

/// The address of `quote` in the document at `url`: the anchor of the heading above it, and a text
/// fragment, which browsers scroll to and mark. Empty where `url` is.
///
/// Source: WICG, "URL Fragment Text Directives".
pub fn cited_url(url: &str, anchor: Option<&str>, quote: &str) -> String {
    if url.is_empty() {
        return String::new();
    }
    let mut cited = url.to_owned();
    if !url.contains('#') {
        cited.push('#');
        if let Some(anchor) = anchor {
            encode(anchor, &mut cited);
        }
    }
    let words: Vec<&str> = quote.split_whitespace().collect();
    if words.is_empty() {
        return cited.trim_end_matches('#').to_owned();
    }
    cited.push_str(":~:text=");
    if words.len() <= WHOLE_WORDS {
        encode(&words.join(" "), &mut cited);
    } else {
        encode(&words[..END_WORDS].join(" "), &mut cited);
        cited.push(',');
        encode(&words[words.len() - END_WORDS..].join(" "), &mut cited);
    }
    cited
}

/// Appends `text` with all but letters, digits and a few marks as `%` and two hex digits. Hyphens,
/// commas and ampersands mean something in a text directive, so they are encoded too.
fn encode(text: &str, out: &mut String) {
    for &byte in text.as_bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'~') {
            out.push(byte as char);
        } else {
            // A string takes all that is written.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::cited_url;

    #[test]
    fn an_address_leads_to_heading_and_quote() {
        assert_eq!(
            cited_url("tides.html", Some("moon"), "High-water, twice a day."),
            "tides.html#moon:~:text=High%2Dwater%2C%20twice%20a%20day."
        );
        let long = "one two three four five six seven eight nine";
        assert_eq!(
            cited_url("a.html#b", None, long),
            "a.html#b:~:text=one%20two%20three%20four,six%20seven%20eight%20nine"
        );
        assert_eq!(cited_url("", Some("moon"), "x"), "");
        assert_eq!(cited_url("a", None, " "), "a");
    }
}
