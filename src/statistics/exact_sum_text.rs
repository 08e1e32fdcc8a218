//! Writes exact sums as text and reads them back.

use super::exact_sum::ExactSum;
use super::magnitude::{LOWEST_EXPONENT, MAX_BITS};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

const NON_FINITE: &str = " non-finite ";

/// Reports why a text is not an exact sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseSumError;

impl fmt::Display for ParseSumError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(
            "an exact sum is written like -0x1f3p-20 with at most 4288 bits above 2^-2148, \
             then \" non-finite N\" where terms were left out",
        )
    }
}

impl std::error::Error for ParseSumError {}

impl fmt::Display for ExactSum {
    /// Writes the sum as a hexadecimal integer times a power of two: `-0x1f3p-20`.
    ///
    /// The integer is odd (zero is `0x0p+0`), so that equal sums have equal text. It is C's notation:
    /// `strtod` and Python's `float.fromhex` read it. Left-out terms follow as ` non-finite 3`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.magnitude();
        if magnitude.negative {
            formatter.write_str("-")?;
        }
        let digits = &magnitude.digits;
        match digits.first() {
            None => formatter.write_str("0x0p+0")?,
            Some(lowest) => {
                let shift = lowest.trailing_zeros();
                let odd_digit = |index: usize| {
                    let above = digits.get(index + 1).copied().unwrap_or(0);
                    let wide = u64::from(above) << 32 | u64::from(digits[index]);
                    (wide >> shift) & 0xffff_ffff
                };
                formatter.write_str("0x")?;
                let mut leading = true;
                for index in (0..digits.len()).rev() {
                    match (leading, odd_digit(index)) {
                        (true, 0) => {}
                        (true, digit) => {
                            write!(formatter, "{digit:x}")?;
                            leading = false;
                        }
                        (false, digit) => write!(formatter, "{digit:08x}")?,
                    }
                }
                let low = i32::try_from(magnitude.low).expect("digit indices stay below 2^31");
                let shift = i32::try_from(shift).expect("a shift within a digit is below 32");
                write!(formatter, "p{:+}", low * 32 + shift + LOWEST_EXPONENT)?;
            }
        }
        if self.non_finite() > 0 {
            write!(formatter, "{NON_FINITE}{}", self.non_finite())?;
        }
        Ok(())
    }
}

impl FromStr for ExactSum {
    type Err = ParseSumError;

    fn from_str(text: &str) -> Result<Self, ParseSumError> {
        let mut sum = Self::new();
        let number = match text.split_once(NON_FINITE) {
            None => text,
            Some((number, count)) => {
                sum.count_non_finite(count.parse().ok().ok_or(ParseSumError)?);
                number
            }
        };
        let (negative, number) = match number.strip_prefix('-') {
            None => (false, number),
            Some(number) => (true, number),
        };
        let (hex, exponent) = number
            .strip_prefix("0x")
            .and_then(|number| number.split_once('p'))
            .ok_or(ParseSumError)?;
        let exponent: i32 = exponent.parse().ok().ok_or(ParseSumError)?;
        let lowest = exponent
            .checked_sub(LOWEST_EXPONENT)
            .and_then(|position| usize::try_from(position).ok())
            .ok_or(ParseSumError)?;
        let is_hex = !hex.is_empty() && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        let fits = lowest <= MAX_BITS && hex.len() <= (MAX_BITS - lowest).div_ceil(4);
        if !is_hex || !fits {
            return Err(ParseSumError);
        }
        for (index, piece) in hex.as_bytes().rchunks(8).enumerate() {
            let piece = std::str::from_utf8(piece).ok().ok_or(ParseSumError)?;
            let digit = u64::from_str_radix(piece, 16).ok().ok_or(ParseSumError)?;
            sum.deposit(lowest + 32 * index, digit, negative);
        }
        Ok(sum)
    }
}

impl Serialize for ExactSum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ExactSum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = ExactSum;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an exact sum such as \"-0x1f3p-20\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ExactSum, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sum_of(terms: &[f64]) -> ExactSum {
        let mut sum = ExactSum::new();
        for &term in terms {
            sum.add(term);
        }
        sum
    }

    #[test]
    fn sums_are_written_as_odd_integers_times_powers_of_two() {
        assert_eq!(ExactSum::new().to_string(), "0x0p+0");
        assert_eq!(sum_of(&[1.0]).to_string(), "0x1p+0");
        assert_eq!(sum_of(&[-0.75]).to_string(), "-0x3p-2");
        assert_eq!(sum_of(&[96.0]).to_string(), "0x3p+5");
        assert_eq!(sum_of(&[5e-324]).to_string(), "0x1p-1074");
        assert_eq!(
            sum_of(&[2f64.powi(40), 1.0]).to_string(),
            "0x10000000001p+0"
        );
        assert_eq!(sum_of(&[1.0, f64::NAN]).to_string(), "0x1p+0 non-finite 1");
    }

    #[test]
    fn malformed_text_is_an_error() {
        let too_long = format!("0x{}p-2148", "f".repeat(1073));
        let malformed = [
            "",
            "1",
            "0x",
            "0xp+0",
            "0x1",
            "0x1p",
            "0x1p+",
            "0xgp+0",
            "0x+1p+0",
            "--0x1p+0",
            "0x1p-2149",
            "0x1p+2141",
            "0x1p+99999999999",
            "0x1p-2147483648",
            "0x1p+0 non-finite",
            "0x1p+0 non-finite -1",
            "0x1p+0 non-finite x",
            "0xép+0",
            &too_long,
        ];
        for text in malformed {
            assert_eq!(text.parse::<ExactSum>(), Err(ParseSumError), "{text}");
            assert!(serde_json::from_value::<ExactSum>(text.into()).is_err());
        }
        assert!(serde_json::from_str::<ExactSum>("1.5").is_err());
    }

    #[test]
    fn the_longest_text_that_is_taken_can_be_summed() {
        let longest = format!(
            "-0x{}p-2148 non-finite 18446744073709551615",
            "f".repeat(1072)
        );
        let mut sum: ExactSum = longest.parse().expect("it has 4288 bits");
        let copy = sum.clone();
        sum.merge(&copy);
        assert_eq!(sum.value(), f64::NEG_INFINITY);
        assert_eq!(sum.non_finite(), u64::MAX);
    }

    proptest! {
        #[test]
        fn equal_sums_have_equal_text_and_come_back(
            bits in prop::collection::vec(any::<u64>(), 0..30),
        ) {
            let terms: Vec<f64> = bits.iter().map(|&bits| f64::from_bits(bits)).collect();
            let forward = sum_of(&terms);
            let backward = sum_of(&terms.iter().rev().copied().collect::<Vec<_>>());
            let text = serde_json::to_string(&forward).unwrap();
            prop_assert_eq!(&text, &serde_json::to_string(&backward).unwrap());
            let read: ExactSum = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(read, forward);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "-?(0x)?[0-9a-f]{0,20}p?[+-]?[0-9]{0,5}( non-finite )?[0-9]{0,3}") {
            if let Ok(sum) = text.parse::<ExactSum>() {
                prop_assert_eq!(sum.to_string().parse(), Ok(sum));
            }
        }
    }
}
