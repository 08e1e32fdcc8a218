//! The least-squares slope of reward over the step index.

/// Fits reward = a + slope · step by least squares, from the sums over an episode; 0 where it has less than two steps.
///
/// ```text
/// S1 = Σ reward, S2 = Σ step · reward, steps 0 .. n-1:
/// slope = (S2 - (n - 1)/2 · S1) / (n (n² - 1) / 12)
/// ```
#[must_use]
pub fn least_squares_slope(sum: f64, step_weighted_sum: f64, length: u32) -> f64 {
    if length < 2 {
        return 0.0;
    }
    let steps = f64::from(length);
    12.0 * (step_weighted_sum - 0.5 * (steps - 1.0) * sum) / (steps * (steps * steps - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_of_a_line_is_its_own() {
        for length in [2, 3, 120] {
            let rewards = (0..length).map(|step| 5.0 - 0.25 * f64::from(step));
            let (mut sum, mut weighted) = (0.0, 0.0);
            for (step, reward) in (0..length).zip(rewards) {
                sum += reward;
                weighted += f64::from(step) * reward;
            }
            let slope = least_squares_slope(sum, weighted, length);
            assert!((slope + 0.25).abs() < 1e-12, "{length} steps: {slope}");
        }
        assert_eq!(least_squares_slope(7.0, 0.0, 1), 0.0);
    }
}
