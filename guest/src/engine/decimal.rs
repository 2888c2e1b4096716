//! Decimal numbers as written, in order.
//!
//! Sort keys hold numbers as text. They are compared digit by digit, which is exact however many
//! digits there are and needs none of the tables that a conversion to floating point does.

use std::cmp::Ordering;

/// A number taken apart: its digits without zeros around them, and where its point lies.
#[derive(Debug, Default, PartialEq, Eq)]
struct Decimal {
    is_negative: bool,
    /// Digits before the point, counted from the first that is not zero; less than 0 for zeros
    /// after it.
    magnitude: i64,
    digits: Vec<u8>,
}

/// The order of two numbers: digits with a point and an exponent, `inf`, or `nan`, which is the
/// highest. What is no number counts as zero.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let [a, b] = [a, b].map(|text| read(text.trim()).unwrap_or_default());
    let sign = |number: &Decimal| match (number.digits.is_empty(), number.is_negative) {
        (true, _) => 0,
        (false, true) => -1,
        (false, false) => 1,
    };
    let absolute = || (a.magnitude, &a.digits).cmp(&(b.magnitude, &b.digits));
    sign(&a).cmp(&sign(&b)).then_with(|| match sign(&a) {
        0 => Ordering::Equal,
        1 => absolute(),
        _ => absolute().reverse(),
    })
}

fn read(text: &str) -> Option<Decimal> {
    let bytes = text.as_bytes();
    let is_negative = bytes.first() == Some(&b'-');
    let bytes = &bytes[usize::from(matches!(bytes.first(), Some(b'-' | b'+')))..];
    let whole = |magnitude, is_negative| Decimal {
        is_negative,
        magnitude,
        digits: vec![1],
    };
    if bytes.eq_ignore_ascii_case(b"nan") {
        return Some(whole(i64::MAX, false));
    }
    if bytes.eq_ignore_ascii_case(b"inf") || bytes.eq_ignore_ascii_case(b"infinity") {
        return Some(whole(i64::MAX - 1, is_negative));
    }
    let (mut digits, mut point) = (Vec::new(), None);
    let mut exponent = 0i64;
    for (i, &byte) in bytes.iter().enumerate() {
        match byte {
            b'0'..=b'9' => digits.push(byte),
            b'.' if point.is_none() => point = Some(digits.len()),
            b'e' | b'E' => {
                exponent = integer(&bytes[i + 1..])?;
                break;
            }
            _ => return None,
        }
    }
    let before = point.unwrap_or(digits.len());
    let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
    digits.drain(..zeros);
    while digits.last() == Some(&b'0') {
        digits.pop();
    }
    Some(Decimal {
        is_negative,
        magnitude: before as i64 - zeros as i64 + exponent,
        digits,
    })
}

/// A whole number with a sign, kept within bounds that no text's digits reach.
fn integer(bytes: &[u8]) -> Option<i64> {
    let is_negative = bytes.first() == Some(&b'-');
    let digits = &bytes[usize::from(matches!(bytes.first(), Some(b'-' | b'+')))..];
    let mut value = 0i64;
    for &digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = (value * 10 + i64::from(digit - b'0')).min(1 << 48);
    }
    Some(if is_negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_ordered_as_such() {
        let ascending = [
            "-inf",
            "-1e9",
            "-12",
            "-1.5",
            "-0.02",
            "0",
            "1e-30",
            "0.02",
            ".5",
            "0.50001",
            "1",
            "1.5",
            "007",
            "12",
            "1.3e1",
            "100",
            "1e9",
            "9007199254740993.5",
            "9007199254740994",
            "1e400",
            "infinity",
            "NaN",
        ];
        for (i, a) in ascending.iter().enumerate() {
            for (j, b) in ascending.iter().enumerate() {
                assert_eq!(compare(a, b), i.cmp(&j), "{a} {b}");
            }
        }
        for (a, b) in [
            ("1.0", "+1"),
            ("-0", "0"),
            ("0.10e1", " 1 "),
            ("", "0"),
            ("x", "0e7"),
        ] {
            assert_eq!(compare(a, b), Ordering::Equal, "{a} {b}");
        }
    }

    proptest! {
        #[test]
        fn numbers_are_ordered_as_floating_point_orders_them(
            a in "-?[0-9]{1,4}(\\.[0-9]{0,3})?(e-?[0-9])?", b in "-?[0-9]{1,4}(\\.[0-9]{0,3})?(e-?[0-9])?"
        ) {
            let number = |text: &str| text.parse::<f64>().unwrap();
            let expected = number(&a).partial_cmp(&number(&b)).unwrap();
            prop_assert_eq!(compare(&a, &b), expected);
        }
    }
}
