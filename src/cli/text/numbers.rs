//! Numbers for people, with as many digits as are significant.

/// Digits of a number that has no uncertainty, or whose uncertainty is unknown.
pub(crate) const DIGITS: usize = 6;
/// Below this a number is written with an exponent.
const SMALLEST_PLAIN: f64 = 1e-5;
/// From this on a number is written with an exponent.
const LARGEST_PLAIN: f64 = 1e15;

/// Writes a mean with its standard error: the error to two significant digits, the mean to the same decimals.
pub(crate) fn estimate(mean: Option<f64>, standard_error: Option<f64>) -> String {
    let Some(mean) = mean else {
        return "-".to_owned();
    };
    match standard_error {
        None => significant(mean, DIGITS),
        Some(error) if error == 0.0 || !error.is_finite() => {
            format!("{} ± {error}", significant(mean, DIGITS))
        }
        Some(error) => {
            let decimals = decimals(error, 2);
            if mean.abs() >= LARGEST_PLAIN || error < 1e-12 {
                format!("{mean:.5e} ± {error:.1e}")
            } else {
                format!("{mean:.decimals$} ± {error:.decimals$}")
            }
        }
    }
}

/// Writes a number with this many significant digits, without trailing zeros.
pub(crate) fn significant(number: f64, digits: usize) -> String {
    let size = number.abs();
    if number == 0.0 || !number.is_finite() {
        return number.to_string();
    }
    if !(SMALLEST_PLAIN..LARGEST_PLAIN).contains(&size) {
        return format!("{number:.*e}", digits - 1);
    }
    let text = format!("{number:.*}", decimals(number, digits));
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// Writes an optional number, `-` where there is none.
pub(crate) fn optional(number: Option<f64>, digits: usize) -> String {
    number.map_or_else(|| "-".to_owned(), |number| significant(number, digits))
}

/// Returns how many decimals show `digits` significant digits of a number after rounding.
fn decimals(number: f64, digits: usize) -> usize {
    // The exponent is that of the rounded number, because rounding may carry: 0.0996 is 1.0e-1 to two digits.
    let text = format!("{:.*e}", digits - 1, number.abs());
    let exponent = text
        .split_once('e')
        .and_then(|(_, exponent)| exponent.parse::<i64>().ok());
    let decimals = digits as i64 - 1 - exponent.unwrap_or(0);
    usize::try_from(decimals.max(0)).unwrap_or(0)
}

/// Writes a throughput with three significant digits and a unit prefix.
pub(crate) fn rate(user_steps_per_second: f64) -> String {
    let prefixes = [(1e9, "G "), (1e6, "M "), (1e3, "k ")];
    let found = prefixes
        .iter()
        .find(|(unit, _)| user_steps_per_second >= 0.9995 * unit);
    let (unit, prefix) = found.copied().unwrap_or((1.0, ""));
    let value = user_steps_per_second / unit;
    format!("{value:.*} {prefix}user-steps/s", decimals(value, 3).min(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_error_has_two_digits_and_the_mean_its_decimals() {
        for (mean, error, text) in [
            (1157.962345, 0.01123, "1157.962 ± 0.011"),
            (1157.962345, 0.0996, "1157.96 ± 0.10"),
            (0.000_587_3, 0.000_026_4, "0.000587 ± 0.000026"),
            (-0.003_05, 0.000_028, "-0.003050 ± 0.000028"),
            (949.6, 1.57, "949.6 ± 1.6"),
            (949.6, 157.2, "950 ± 157"),
            (949.6, 9.96, "950 ± 10"),
            (120.0, 0.0, "120 ± 0"),
            (1e20, 3e14, "1.00000e20 ± 3.0e14"),
        ] {
            assert_eq!(estimate(Some(mean), Some(error)), text);
        }
        assert_eq!(estimate(Some(3.5), None), "3.5");
        assert_eq!(estimate(None, None), "-");
    }

    #[test]
    fn numbers_have_the_digits_asked_for_and_no_more() {
        for (number, text) in [
            (0.0, "0"),
            (120.0, "120"),
            (1157.962345, "1157.96"),
            (123_456_789.0, "123456789"),
            (0.058, "0.058"),
            (-2.5, "-2.5"),
            (1.0e-7, "1.00000e-7"),
            (3.0e20, "3.00000e20"),
            (999_999.7, "1000000"),
        ] {
            assert_eq!(significant(number, DIGITS), text);
        }
    }

    #[test]
    fn rates_have_three_digits_and_a_prefix() {
        for (number, text) in [
            (97_612_345.0, "97.6 M user-steps/s"),
            (1_234.0, "1.23 k user-steps/s"),
            (999_900.0, "1.00 M user-steps/s"),
            (612.0, "612 user-steps/s"),
            (1.23e10, "12.3 G user-steps/s"),
        ] {
            assert_eq!(rate(number), text);
        }
    }
}
