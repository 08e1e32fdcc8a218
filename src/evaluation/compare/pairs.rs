//! Every pair of the compared simulations, and the error probability that the interval of each pair may have.

use crate::statistics::{LEVEL, two_sided};

/// Counts the pairs.
pub(super) fn num_pairs(count: usize) -> usize {
    count * count.saturating_sub(1) / 2
}

/// Iterates over the pairs (0, 1), (0, 2), ... (1, 2), ...
pub(super) fn pairs(count: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..count).flat_map(move |a| (a + 1..count).map(move |b| (a, b)))
}

/// Returns the error probability of the interval of each pair with which the intervals of all pairs hold together.
pub(super) fn simultaneous_miss(num_compared: usize) -> f64 {
    (1.0 - LEVEL) / num_pairs(num_compared) as f64
}

/// Returns the critical value with which the intervals of all pairs hold together, by Bonferroni's inequality.
pub(super) fn simultaneous(num_compared: usize) -> f64 {
    two_sided(simultaneous_miss(num_compared))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_comes_once_and_in_order() {
        let all: Vec<(usize, usize)> = pairs(4).collect();
        assert_eq!(all, [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]);
        for count in 0..10 {
            assert_eq!(pairs(count).count(), num_pairs(count));
        }
    }
}
