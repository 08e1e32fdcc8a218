//! Which shape of dispatch is the fastest, found by trying on real batches: none of it changes a bit of the results.

use crate::backend::gpu::device::context::Gpu;
use std::time::Duration;

/// Sizes of workgroups that are tried, the default first.
const WORKGROUP_SIZES: [u32; 3] = [64, 128, 256];
/// The parts of the steps of a dispatch that are tried, all steps first: with fewer, numbers that one kernel leaves for the
/// next may still be in a cache.
const FUSION_DIVISORS: [u32; 3] = [1, 2, 4];
/// Batches that try each shape. The fastest counts, because disturbances only make a batch slower.
const REPEATS: usize = 3;
/// Batches before the first trial, in which the number of fused steps settles.
const SETTLING_BATCHES: u64 = 8;
/// Batches that must be left, so that it pays to find a better shape.
const MIN_BATCHES: u64 = 4 * (WORKGROUP_SIZES.len() * FUSION_DIVISORS.len() * REPEATS) as u64;
/// How long these must take as things are: compiling two more shaders takes tenths of a second.
const MIN_TIME: Duration = Duration::from_secs(3);
/// A shape replaces the default where it takes less than this share of its time.
const WORTHWHILE: f64 = 0.98;

/// How a dispatch is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DispatchShape {
    /// Invocations of a workgroup.
    pub(crate) workgroup_size: u32,
    /// Steps of a dispatch at most.
    pub(crate) fusion: u32,
}

/// Trials of shapes on the first dispatches of batches.
#[derive(Debug)]
pub(super) struct Calibration {
    /// Each with the least seconds by user-step so far.
    trials: Vec<(DispatchShape, f64)>,
    num_begun: usize,
    num_ended: usize,
}

/// Tells whether it pays to calibrate, from the work that is left and the speed so far.
pub(super) fn pays(batches_done: u64, batches_left: u64, elapsed: Duration) -> bool {
    let by_batch = elapsed.as_secs_f64() / batches_done.max(1) as f64;
    batches_done >= SETTLING_BATCHES
        && batches_left >= MIN_BATCHES
        && by_batch * batches_left as f64 >= MIN_TIME.as_secs_f64()
}

/// Lists the workgroup sizes that a device can have.
pub(super) fn workgroup_sizes(gpu: &Gpu) -> impl Iterator<Item = u32> {
    let limits = gpu.limits();
    let most = limits
        .max_compute_workgroup_size_x
        .min(limits.max_compute_invocations_per_workgroup);
    WORKGROUP_SIZES
        .into_iter()
        .filter(move |&size| size <= most)
}

impl Calibration {
    /// Plans the trials of some workgroup sizes, the default first, and of dispatches of up to `fusion` steps.
    pub(super) fn new(workgroup_sizes: impl Iterator<Item = u32>, fusion: u32) -> Self {
        let shapes = workgroup_sizes.flat_map(|workgroup_size| {
            let fusions = FUSION_DIVISORS.map(|divisor| fusion / divisor);
            let fusions = fusions.into_iter().filter(|&fusion| fusion > 0);
            fusions.map(move |fusion| DispatchShape {
                workgroup_size,
                fusion,
            })
        });
        Self {
            trials: shapes.map(|shape| (shape, f64::INFINITY)).collect(),
            num_begun: 0,
            num_ended: 0,
        }
    }

    /// Returns the next trial to make, if there is one: its index and its shape.
    pub(super) fn next(&mut self) -> Option<(usize, DispatchShape)> {
        if self.num_begun == self.trials.len() * REPEATS {
            return None;
        }
        // In turns, so that a device that grows slower or faster with time favours no shape.
        let index = self.num_begun % self.trials.len();
        self.num_begun += 1;
        Some((index, self.trials[index].0))
    }

    /// Takes the seconds of a trial; `None` if they are not known. After the last one, returns the shape to go on with.
    pub(super) fn ended(
        &mut self,
        index: usize,
        seconds_by_user_step: Option<f64>,
    ) -> Option<DispatchShape> {
        let (_, least) = &mut self.trials[index];
        *least = least.min(seconds_by_user_step.unwrap_or(f64::INFINITY));
        self.num_ended += 1;
        if self.num_ended < self.trials.len() * REPEATS {
            return None;
        }
        let (default, seconds) = self.trials[0];
        let best = self.trials.iter().min_by(|a, b| a.1.total_cmp(&b.1));
        let better = best.filter(|(_, least)| *least < WORTHWHILE * seconds);
        Some(better.map_or(default, |&(shape, _)| shape))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs all trials, with the seconds that each shape takes.
    fn chosen(seconds: impl Fn(DispatchShape) -> Option<f64>) -> DispatchShape {
        let mut calibration = Calibration::new([64, 256].into_iter(), 120);
        while let Some((index, shape)) = calibration.next() {
            if let Some(shape) = calibration.ended(index, seconds(shape)) {
                assert_eq!(calibration.next(), None);
                return shape;
            }
        }
        panic!("no shape was chosen");
    }

    const DEFAULT: DispatchShape = DispatchShape {
        workgroup_size: 64,
        fusion: 120,
    };

    #[test]
    fn the_fastest_shape_is_chosen_if_it_is_worth_it() {
        let best = DispatchShape {
            workgroup_size: 256,
            fusion: 30,
        };
        let seconds = |faster: f64| move |shape| Some(if shape == best { faster } else { 1.0 });
        assert_eq!(chosen(seconds(0.9)), best);
        assert_eq!(chosen(seconds(0.99)), DEFAULT);
    }

    #[test]
    fn a_clock_that_fails_leaves_the_default() {
        assert_eq!(chosen(|_| None), DEFAULT);
    }

    #[test]
    fn every_shape_is_tried_as_often_as_any_other() {
        let mut calibration = Calibration::new([64, 128, 256].into_iter(), 3);
        let mut tried = std::collections::BTreeMap::new();
        while let Some((_, shape)) = calibration.next() {
            *tried
                .entry((shape.workgroup_size, shape.fusion))
                .or_insert(0) += 1;
        }
        // A quarter of three steps is none.
        assert_eq!(tried.len(), 6);
        assert!(tried.values().all(|&times| times == REPEATS));
    }

    #[test]
    fn short_work_is_not_calibrated() {
        let second = Duration::from_secs(1);
        assert!(pays(8, 1000, second));
        assert!(!pays(7, 1000, second));
        assert!(!pays(8, 20, 100 * second));
        assert!(!pays(800, 1000, second));
    }
}
