//! Turns real numbers into whole ones: the index of the bin that they fall into.

/// Evenly spaced edges, and the intervals between them.
///
/// ```text
/// edge i = low + i (high - low) / (n - 1),   i = 0 ... n - 1
/// ```
///
/// # Source
/// `NumPy`'s `linspace` and `digitize`, as `RecSim` 0.2.4 uses them.
#[derive(Clone, Debug, PartialEq)]
pub struct Bins {
    edges: Vec<f64>,
}

impl Bins {
    /// Spaces edges evenly from `low` to `high`, both included; with one edge or fewer, the only one is `low`.
    pub fn new(low: f64, high: f64, num_edges: u32) -> Self {
        let last = num_edges.max(1) - 1;
        let step = (high - low) / f64::from(last.max(1));
        let mut edges: Vec<f64> = (0..=last)
            .map(|edge| low + f64::from(edge) * step)
            .collect();
        if last > 0 {
            edges[last as usize] = high;
        }
        Self { edges }
    }

    /// Counts the edges that are not above a number: 0 below the lowest edge, all of them from the highest on.
    pub fn bin(&self, value: f64) -> u32 {
        let below = self.edges.partition_point(|&edge| edge <= value);
        u32::try_from(below).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `RecSim` 0.2.4, `test_dicretize_gym_leaf`.
    #[test]
    fn numbers_fall_into_the_bins_of_recsim() {
        let bins = Bins::new(0.0, 10.0, 100);
        let cases = [
            (-1e-4, 0),
            (0.0, 1),
            (10.0 - 1e-4, 99),
            (10.0, 100),
            (11.0, 100),
            (-1e-5, 0),
            (10.0 - 1e-5, 99),
        ];
        for (value, bin) in cases {
            assert_eq!(bins.bin(value), bin, "{value}");
        }
        for edge in 0..100 {
            let value = f64::from(edge) * (10.0 / 99.0);
            assert_eq!(bins.bin(value + 1e-9), edge + 1);
            assert_eq!(bins.bin(value - 1e-9), edge);
        }
    }

    #[test]
    fn what_is_not_a_number_and_a_single_edge_have_a_bin_too() {
        assert_eq!(Bins::new(0.0, 10.0, 100).bin(f64::NAN), 0);
        assert_eq!(Bins::new(0.0, 10.0, 1).bin(5.0), 1);
        assert_eq!(Bins::new(0.0, 10.0, 2).bin(5.0), 1);
    }
}
