//! The median and the spread of the rates of several runs.

use serde::Serialize;

/// Rates of some runs, in user-steps per second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The slowest run.
    pub min: f64,
    /// The fastest run.
    pub max: f64,
    /// Half of the distance between the quartiles, divided by the median: how far off a typical run is.
    pub relative_half_iqr: f64,
}

impl Spread {
    /// Summarises the rates of some runs, at least one.
    ///
    /// # Panics
    /// Without a rate.
    pub fn of(mut rates: Vec<f64>) -> Self {
        rates.sort_unstable_by(f64::total_cmp);
        let median = quantile(&rates, 0.5);
        Self {
            median,
            min: quantile(&rates, 0.0),
            max: quantile(&rates, 1.0),
            relative_half_iqr: 0.5 * (quantile(&rates, 0.75) - quantile(&rates, 0.25)) / median,
        }
    }
}

/// Returns the median of some numbers, at least one.
pub(super) fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    quantile(&numbers, 0.5)
}

/// Returns a quantile of sorted numbers, by linear interpolation between neighbours.
///
/// # Source
/// Hyndman and Fan (1996), definition 7.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a position in a list"
)]
fn quantile(sorted: &[f64], probability: f64) -> f64 {
    let place = probability * (sorted.len() - 1) as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    sorted[below] + (place - place.floor()) * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_lie_between_neighbours() {
        // R: quantile(c(1, 2, 4, 8), c(.25, .5, .75)) gives 1.75, 3, 5.
        let spread = Spread::of(vec![8.0, 1.0, 4.0, 2.0]);
        assert_eq!((spread.min, spread.median, spread.max), (1.0, 3.0, 8.0));
        assert_eq!(spread.relative_half_iqr, 0.5 * (5.0 - 1.75) / 3.0);
    }

    #[test]
    fn one_run_has_no_spread() {
        let spread = Spread::of(vec![3.0]);
        assert_eq!((spread.median, spread.relative_half_iqr), (3.0, 0.0));
    }
}
