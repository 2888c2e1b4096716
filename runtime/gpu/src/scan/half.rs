//! Floats of 16 bits.

/// The bits of the nearest float of 16 bits, ties to even; what is too large becomes infinite.
pub(super) fn bits(x: f32) -> u16 {
    let bits = x.to_bits();
    let sign = (bits >> 16) as u16 & 0x8000;
    let magnitude = bits & 0x7FFF_FFFF;
    if magnitude >= 0x4780_0000 {
        // 65,536 and up, infinity, and what is no number.
        let rest = if magnitude > 0x7F80_0000 {
            0x7E00
        } else {
            0x7C00
        };
        return sign | rest;
    }
    if magnitude < 0x3880_0000 {
        // Below the normal range, in steps of 2⁻²⁴: exact, since adding a half rounds in the unit.
        let rounded = f32::from_bits(magnitude) + 0.5;
        return sign | (rounded.to_bits() - 0.5f32.to_bits()) as u16;
    }
    let odd = (magnitude >> 13) & 1;
    let rounded = magnitude - 0x3800_0000 + 0x0FFF + odd;
    sign | (rounded >> 13) as u16
}

/// The value of a float of 16 bits.
#[cfg(test)]
fn value(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    sign * match exponent {
        0 => fraction * (-24f32).exp2(),
        31 => f32::INFINITY,
        _ => (1.0 + fraction / 1024.0) * ((exponent - 15) as f32).exp2(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_float_of_16_bits_comes_back_and_between_two_the_nearer_is_taken() {
        for half in 0..0x7C00u16 {
            let exact = value(half);
            assert_eq!(bits(exact), half);
            assert_eq!(bits(-exact), half | 0x8000);
            if half == 0x7BFF {
                continue;
            }
            let middle = f32::midpoint(exact, value(half + 1));
            assert_eq!(bits(middle), half + (half & 1));
            assert_eq!(bits(middle.next_down()), half);
            assert_eq!(bits(middle.next_up()), half + 1);
        }
        assert_eq!(bits(65_520.0), 0x7C00);
        assert_eq!(bits(f32::NEG_INFINITY), 0xFC00);
    }
}
