//! How much time the measurements take.

/// Times and numbers of runs.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Timed runs of each workload, in turns; the median is reported.
    pub runs: usize,
    /// Seconds that a timed run of the main job should last.
    pub main_seconds: f64,
    /// Seconds that a timed run should last if there are few workloads.
    case_seconds: f64,
    /// Seconds that the runs of all environments and policies may take together.
    budget_seconds: f64,
}

/// The time of all other runs, such as those that find the size, in units of timed runs.
const OTHER_RUNS: f64 = 3.0;

impl Effort {
    /// Some minutes for everything.
    pub const FULL: Self = Self {
        runs: 5,
        main_seconds: 0.4,
        case_seconds: 0.3,
        budget_seconds: 180.0,
    };

    /// Some seconds for everything; the figures are rough.
    pub const QUICK: Self = Self {
        runs: 3,
        main_seconds: 0.05,
        case_seconds: 0.02,
        budget_seconds: 8.0,
    };

    /// Chooses `QUICK` or `FULL`.
    pub fn new(is_quick: bool) -> Self {
        if is_quick { Self::QUICK } else { Self::FULL }
    }

    /// Returns how long a timed run should last if this many workloads are measured.
    pub(super) fn seconds(&self, num_workloads: usize) -> f64 {
        let runs = num_workloads as f64 * (self.runs as f64 + OTHER_RUNS);
        self.case_seconds.min(self.budget_seconds / runs.max(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_workloads_share_the_budget() {
        let effort = Effort::FULL;
        assert_eq!(effort.seconds(1), effort.case_seconds);
        assert_eq!(effort.seconds(1000), effort.budget_seconds / 8000.0);
    }
}
