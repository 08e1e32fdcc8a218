//! How much time a bench takes.

/// Times and numbers of runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effort {
    /// Timed runs of each work, in turns; the median is told.
    pub(super) runs: usize,
    /// Seconds that a timed run should last where there are few of them.
    case_seconds: f64,
    /// Seconds that the runs of all environments and policies may take together.
    budget_seconds: f64,
    /// Seconds that a timed run of the main job should last.
    pub(super) main_seconds: f64,
    /// A run of the curves takes no longer than this.
    pub(super) longest_seconds: f64,
    /// Most environments that are stepped together.
    pub(super) most_envs: usize,
    /// Episodes whose kernels are timed.
    pub(super) kernel_episodes: u64,
}

const FULL: Effort = Effort {
    runs: 5,
    case_seconds: 0.3,
    budget_seconds: 180.0,
    main_seconds: 0.4,
    longest_seconds: 1.5,
    most_envs: usize::MAX,
    kernel_episodes: 1_000_000,
};

const QUICK: Effort = Effort {
    runs: 3,
    case_seconds: 0.02,
    budget_seconds: 8.0,
    main_seconds: 0.05,
    longest_seconds: 0.06,
    most_envs: 64,
    kernel_episodes: 20_000,
};

/// Runs besides the timed ones: sizing, above all.
const OTHER_RUNS: f64 = 3.0;

impl Effort {
    pub(super) fn new(is_quick: bool) -> Self {
        if is_quick { QUICK } else { FULL }
    }

    /// Returns how long a timed run should last where so many works are measured.
    pub(super) fn seconds(&self, num_works: usize) -> f64 {
        let runs = num_works as f64 * (self.runs as f64 + OTHER_RUNS);
        self.case_seconds.min(self.budget_seconds / runs.max(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_works_share_the_budget() {
        let effort = Effort::new(false);
        assert_eq!(effort.seconds(1), effort.case_seconds);
        assert_eq!(effort.seconds(1000), effort.budget_seconds / 8000.0);
    }
}
