//! Base64 with the standard alphabet and padding, for the manifest within the entry.
//!
//! Source: Josefsson, RFC 4648 (2006), section 4.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// `bytes` as text.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |i| group.get(i).map_or(0, |&byte: &u8| u32::from(byte));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            text.push(if i > group.len() {
                '='
            } else {
                char::from(ALPHABET[(bits >> (18 - 6 * i) & 63) as usize])
            });
        }
    }
    text
}

/// The bytes of `text`; `None` where it is not what [`encode`] makes of any.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (groups, []) = text.as_chunks::<4>() else {
        return None;
    };
    for (i, group) in groups.iter().enumerate() {
        let is_last = i + 1 == groups.len();
        let n = match group {
            [_, _, b'=', b'='] if is_last => 2,
            [_, _, _, b'='] if is_last => 3,
            _ => 4,
        };
        let mut bits = 0;
        for &letter in &group[..n] {
            bits = bits << 6 | value(letter)?;
        }
        bits <<= 6 * (4 - n);
        let unused = (1 << (8 * (4 - n))) - 1;
        if bits & unused != 0 {
            return None;
        }
        bytes.extend_from_slice(&bits.to_be_bytes()[1..n]);
    }
    Some(bytes)
}

fn value(letter: u8) -> Option<u32> {
    Some(u32::from(match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::base64::Engine as _;
    use ::base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bytes_are_written_as_the_crate_writes_them_and_read_back(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let text = encode(&bytes);
            prop_assert_eq!(&text, &STANDARD.encode(&bytes));
            prop_assert_eq!(decode(text.as_bytes()), Some(bytes));
        }

        #[test]
        fn any_text_is_read_or_refused_as_the_crate_does(text in "[A-Za-z0-9+/=.]{0,12}") {
            prop_assert_eq!(decode(text.as_bytes()), STANDARD.decode(&text).ok());
        }
    }
}
