//! Single steps of users with slates from outside, the lanes shared out among threads.

mod lane_range;
mod state;

use crate::backend::error::BackendError;
use crate::backend::observation::{Columns, Rows, Sizes, Stored, Tables};
use crate::backend::plan::Plan;
use crate::backend::stepper::{
    Followed, Follower, Kept, LaneState, LastKept, StepOutcome, SteppedUsers, Stepper,
};
use crate::environment::Environment;
use crate::number::Number;
use lane_range::{LaneRange, OutcomeRows, RowLayout, StepInput};
use std::mem::take;
use std::ops::Range;
use std::sync::Arc;

/// The fewest lanes of a range.
const LEAST_LANES: usize = 256;
/// How many numbers vectors of users must write before other threads help. These take some 200 microseconds; to wake a thread
/// and wait for it took 50 to 100 on a virtual machine. Tests have fewer lanes, which are to be shared out all the same.
const LEAST_NUMBERS: usize = if cfg!(test) { 8 } else { 131_072 };
/// The same where users are computed one by one, which takes longer.
const LEAST_SINGLE_NUMBERS: usize = LEAST_NUMBERS / 8;
/// How many numbers a step, or the beginning of an episode, counts as.
const STEP_NUMBERS: usize = 8;

/// Steps users, the ranges of lanes side by side.
#[derive(Debug)]
pub(in crate::backend) struct LaneStepper<N: Number, E: Environment<N>> {
    ranges: Vec<LaneRange<N, E>>,
    kept: LastKept,
    sharing: Sharing,
    plan: Plan,
    users_per_env: usize,
}

/// How lanes are shared out.
#[derive(Debug)]
struct Sharing {
    /// The lanes of each range, in their order.
    lanes: Vec<Range<usize>>,
    num_lanes: usize,
    least_numbers: usize,
    /// The threads that the ranges are for.
    pool: Option<Arc<rayon::ThreadPool>>,
}

impl Sharing {
    /// Makes a range for each thread, as far as there are lanes for it. Lanes of one environment stay in one range, and each
    /// range but the last has whole vectors, of `lanes_of_a_vector` users.
    fn new(users: SteppedUsers, lanes_of_a_vector: usize) -> Self {
        let SteppedUsers {
            num_lanes,
            users_per_env,
            pool,
        } = users;
        let num_threads = (pool.as_ref()).map_or(1, |pool| pool.current_num_threads());
        let most_ranges = num_threads.min(num_lanes / LEAST_LANES).max(1);
        let envs = (num_lanes / users_per_env).div_ceil(most_ranges);
        let step = envs.next_multiple_of(lanes_of_a_vector) * users_per_env;
        let firsts = (0..num_lanes).step_by(step);
        Self {
            lanes: firsts
                .map(|first| first..num_lanes.min(first + step))
                .collect(),
            num_lanes,
            least_numbers: match lanes_of_a_vector {
                1 => LEAST_SINGLE_NUMBERS,
                _ => LEAST_NUMBERS,
            },
            pool,
        }
    }

    /// Shares out rows that have `size` numbers for each lane.
    fn rows<'a, T>(&self, rows: &'a [T], size: usize) -> impl Iterator<Item = &'a [T]> {
        let lanes = self.lanes.iter();
        lanes.map(move |lanes| &rows[lanes.start * size..lanes.end * size])
    }

    /// Shares out rows that have `size` numbers for every `users` lanes.
    fn rows_mut<'a, T>(
        &self,
        mut rows: &'a mut [T],
        size: usize,
        users: usize,
    ) -> impl Iterator<Item = &'a mut [T]> {
        self.lanes.iter().map(move |lanes| {
            let (first, others) = take(&mut rows).split_at_mut(lanes.len() / users * size);
            rows = others;
            first
        })
    }

    /// Lets each range work on its share: on all threads at once, if there are enough numbers for each lane (`numbers`) to
    /// make that worthwhile. The caller's thread works too, which saves waking another one.
    fn each<R: Send, T: Send>(
        &self,
        ranges: &mut [R],
        numbers: usize,
        shares: impl Iterator<Item = T>,
        work: impl Fn(&mut R, T) + Sync,
    ) {
        let mut shared = ranges.iter_mut().zip(shares);
        match &self.pool {
            Some(pool) if numbers * self.num_lanes >= self.least_numbers => {
                pool.in_place_scope(|scope| {
                    let first = shared.next();
                    for (range, share) in shared {
                        let work = &work;
                        scope.spawn(move |_| work(range, share));
                    }
                    if let Some((range, share)) = first {
                        work(range, share);
                    }
                });
            }
            _ => shared.for_each(|(range, share)| work(range, share)),
        }
    }
}

impl<N: Number, E: Environment<N>> LaneStepper<N, E> {
    /// Makes users to step, at the beginning of their first episodes.
    pub(in crate::backend) fn new(
        environment: impl Fn() -> E,
        plan: &Plan,
        users: SteppedUsers,
    ) -> Self {
        let users_per_env = users.users_per_env;
        let sharing = Sharing::new(users, N::LANES);
        let lanes = sharing.lanes.iter().cloned();
        let ranges = lanes.map(|lanes| {
            let starts: Vec<_> = lanes.clone().map(|lane| Some(lane as u64)).collect();
            let mut range = LaneRange::new(environment(), plan, lanes, users_per_env);
            range.start(&starts);
            range
        });
        Self {
            ranges: ranges.collect(),
            kept: LastKept::default(),
            sharing,
            plan: plan.clone(),
            users_per_env,
        }
    }

    fn take_step(&mut self, input: StepInput<'_>) -> StepOutcome {
        self.kept.forget();
        let Self {
            ranges, sharing, ..
        } = self;
        let mut outcome = StepOutcome::new(sharing.num_lanes);
        let rewards = sharing.rows_mut(&mut outcome.rewards, 1, 1);
        let chosen = sharing.rows_mut(&mut outcome.chosen, 1, 1);
        let terminated = sharing.rows_mut(&mut outcome.terminated, 1, 1);
        let truncated = sharing.rows_mut(&mut outcome.truncated, 1, 1);
        let rows = rewards.zip(chosen).zip(terminated.zip(truncated));
        let rows = rows.map(|((rewards, chosen), (terminated, truncated))| OutcomeRows {
            rewards,
            chosen,
            terminated,
            truncated,
        });
        let slate_size = self.plan.slate_size as usize;
        sharing.each(ranges, STEP_NUMBERS, rows, |range, rows| {
            range.step(input.of(range.lanes.range(), slate_size), rows);
        });
        outcome
    }

    /// Lets each range write the rows of its lanes.
    fn write_rows<T: Stored>(
        &mut self,
        columns: &Columns,
        mut tables: Tables<'_, T>,
        write: impl Fn(&mut LaneRange<N, E>, Tables<'_, T>, &RowLayout) + Sync,
    ) {
        let sizes = self.sizes();
        let row = sizes.row(columns);
        let layout = RowLayout::new(&sizes, columns);
        let Self {
            ranges, sharing, ..
        } = self;
        let users_per_env = self.users_per_env;
        let shares = sharing.lanes.iter();
        let shares = shares.map(|lanes| tables.cut(lanes.len(), users_per_env, row));
        let [users, documents, responses] = row;
        let numbers = users + documents / users_per_env + responses;
        sharing.each(ranges, numbers, shares, |range, tables| {
            write(range, tables, &layout);
        });
    }

    /// Writes the present observation.
    fn write_now(&mut self, columns: &Columns, rows: Rows<'_>) {
        match rows {
            Rows::Single(tables) => self.write_rows(columns, tables, LaneRange::observe),
            Rows::Half(tables) => self.write_rows(columns, tables, LaneRange::observe),
        }
    }

    /// Writes the rows of lanes that have begun another episode since lanes were kept, as they were then.
    fn write_kept(&mut self, columns: &Columns, rows: Rows<'_>) {
        match rows {
            Rows::Single(tables) => self.write_rows(columns, tables, LaneRange::observe_kept),
            Rows::Half(tables) => self.write_rows(columns, tables, LaneRange::observe_kept),
        }
    }

    /// Copies numbers on all threads: most of a large copy is new memory, which the system makes for the thread that writes to
    /// it.
    fn copy<T: Stored>(&mut self, from: &[T], to: &mut [T]) {
        let share = from.len().div_ceil(self.ranges.len()).max(1);
        let shares = from.chunks(share).zip(to.chunks_mut(share));
        let numbers = from.len() / self.sharing.num_lanes;
        self.sharing
            .each(&mut self.ranges, numbers, shares, |_, (from, to)| {
                to.copy_from_slice(from);
            });
    }

    fn copy_tables<T: Stored>(&mut self, from: Tables<'_, T>, to: Tables<'_, T>) {
        match (from, to) {
            (Tables::Apart(from), Tables::Apart(to)) => {
                for (from, to) in from.into_iter().zip(to) {
                    self.copy(from, to);
                }
            }
            (Tables::Together(from), Tables::Together(to)) => self.copy(from, to),
            _ => unreachable!("both are arranged in the same way"),
        }
    }
}

impl<E: Environment<f64>> Follower for LaneStepper<f64, E> {
    fn follow(
        &mut self,
        slates: &[u32],
        choices: &[Option<u32>],
    ) -> Result<Followed, BackendError> {
        let rows = self.sharing.rows(slates, self.plan.slate_size as usize);
        let ranges = self.ranges.iter_mut().zip(rows);
        let propensities = ranges
            .flat_map(|(range, slates)| range.ask_about(slates))
            .collect();
        let outcome = self.take_step(StepInput {
            slates,
            words: None,
            choices: Some(choices),
        });
        Ok(Followed {
            outcome,
            propensities,
        })
    }
}

impl<N: Number, E: Environment<N>> Stepper for LaneStepper<N, E> {
    fn start(&mut self, starts: &[Option<u64>]) -> Result<(), BackendError> {
        let starts = self.sharing.rows(starts, 1);
        self.sharing
            .each(&mut self.ranges, STEP_NUMBERS, starts, LaneRange::start);
        Ok(())
    }

    fn recommend(&mut self) -> Result<Vec<u32>, BackendError> {
        if self.users_per_env > 1 {
            return Err(BackendError::SharedDocuments {
                given: self.users_per_env,
            });
        }
        let slate_size = self.plan.slate_size as usize;
        let mut slates = vec![0; self.sharing.num_lanes * slate_size];
        let rows = self.sharing.rows_mut(&mut slates, slate_size, 1);
        // At worst the policy looks at all candidates.
        let numbers = self.plan.num_candidates as usize;
        self.sharing
            .each(&mut self.ranges, numbers, rows, LaneRange::recommend);
        Ok(slates)
    }

    fn step(&mut self, slates: &[u32]) -> Result<StepOutcome, BackendError> {
        Ok(self.take_step(StepInput {
            slates,
            words: None,
            choices: None,
        }))
    }

    fn step_with_words(
        &mut self,
        slates: &[u32],
        words: &[[u32; 4]],
    ) -> Result<StepOutcome, BackendError> {
        Ok(self.take_step(StepInput {
            slates,
            words: Some(words),
            choices: None,
        }))
    }

    fn sizes(&self) -> Sizes {
        let num_fields = self.ranges[0].lanes.num_fields();
        let num_lanes = self.sharing.num_lanes;
        Sizes::new(&self.plan, num_fields, num_lanes, self.users_per_env)
    }

    fn observe_into(&mut self, columns: &Columns, rows: Rows<'_>) -> Result<(), BackendError> {
        self.write_now(columns, rows);
        Ok(())
    }

    fn corpus(&mut self) -> Result<Option<Vec<f32>>, BackendError> {
        let is_shared = self.plan.corpus.is_some();
        Ok(is_shared.then(|| self.ranges[0].corpus()))
    }

    fn keep(&mut self) -> Result<Kept, BackendError> {
        for range in &mut self.ranges {
            range.lanes.keep();
        }
        Ok(self.kept.set())
    }

    fn observe_kept_into(
        &mut self,
        kept: &Kept,
        columns: &Columns,
        mut rows: Rows<'_>,
    ) -> Result<(), BackendError> {
        self.kept.check(kept)?;
        self.write_now(columns, rows.reborrow());
        self.write_kept(columns, rows);
        Ok(())
    }

    /// Looks back only at those lanes that have begun another episode since: the other lanes observe the same as now.
    fn observe_now_and_kept_into(
        &mut self,
        columns: &Columns,
        mut now: Rows<'_>,
        kept: &Kept,
        mut then: Rows<'_>,
    ) -> Result<(), BackendError> {
        self.kept.check(kept)?;
        self.write_now(columns, now.reborrow());
        match (now, then.reborrow()) {
            (Rows::Single(now), Rows::Single(then)) => self.copy_tables(now, then),
            (Rows::Half(now), Rows::Half(then)) => self.copy_tables(now, then),
            _ => unreachable!("both have the same precision"),
        }
        self.write_kept(columns, then);
        Ok(())
    }

    fn state(&mut self) -> Result<LaneState, BackendError> {
        let num_lanes = self.sharing.num_lanes;
        let mut state = LaneState {
            users: vec![0.0; self.ranges[0].lanes.num_fields() * num_lanes],
            policy: vec![0.0; self.plan.policy.state_size() * num_lanes],
            episodes: vec![0; num_lanes],
            steps: vec![0; num_lanes],
        };
        for range in &self.ranges {
            range.lanes.store(&mut state);
        }
        Ok(state)
    }

    fn set_state(&mut self, state: &LaneState) -> Result<(), BackendError> {
        self.kept.forget();
        for range in &mut self.ranges {
            range.lanes.load(state);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::cpu::cpu;
    use crate::backend::{Backend, Observation, Simulation};
    use crate::validation::cases;

    /// Three threads, so that the last range is shorter than the others; one user an environment, and three.
    #[test]
    fn sharing_lanes_out_among_threads_changes_nothing() {
        for case in cases(&crate::registry::Registry::built_in()).unwrap() {
            for users_per_env in [1, 3] {
                compare_threads(case.name(), &case.simulation, users_per_env);
            }
        }
    }

    /// Begins other episodes in some environments, and returns the observations before that and after it.
    fn look_back(stepper: &mut dyn Stepper, starts: &[Option<u64>]) -> [Observation; 2] {
        let observe = |stepper: &mut dyn Stepper| {
            let mut observation = Observation::default();
            stepper.observe(&mut observation).unwrap();
            observation
        };
        let before = observe(stepper);
        let kept = stepper.keep().unwrap();
        stepper.start(starts).unwrap();
        let now = observe(stepper);
        let mut alone = Observation::default();
        stepper.observe_kept(&kept, &mut alone).unwrap();
        let sizes = stepper.sizes();
        let all = sizes.observable();
        let [mut both, mut then] = [Observation::default(), Observation::default()];
        let rows = both.rows(sizes.lengths(&all));
        let kept_rows = then.rows(sizes.lengths(&all));
        stepper
            .observe_now_and_kept_into(&all, rows, &kept, kept_rows)
            .unwrap();
        assert!(alone == before && then == before, "where lanes were kept");
        assert!(both == now && observe(stepper) == now, "where lanes are");
        [before, now]
    }

    fn compare_threads(name: &str, simulation: &Simulation, users_per_env: usize) {
        const NUM_LANES: usize = 4 * LEAST_LANES + 11;
        let slate_size = simulation.plan.slate_size as usize;
        let mut steppers = [1, 3].map(|threads| {
            cpu(Some(threads))
                .unwrap()
                .shared_stepper(simulation, NUM_LANES, users_per_env)
                .unwrap()
        });
        let starts: Vec<Option<u64>> = (0..NUM_LANES as u64).map(Some).collect();
        let slates: Vec<u32> = (0..NUM_LANES)
            .flat_map(|lane| (0..slate_size).map(move |position| (lane, position)))
            .map(|(lane, position)| {
                let candidate = (lane + position) % simulation.plan.num_candidates as usize;
                u32::try_from(candidate).unwrap()
            })
            .collect();
        // Every fifth environment begins another episode.
        let fresh: Vec<Option<u64>> = (0..NUM_LANES)
            .map(|lane| {
                (lane / users_per_env)
                    .is_multiple_of(5)
                    .then_some(1 << 32 | lane as u64)
            })
            .collect();
        let words: Vec<[u32; 4]> = (0..).take(NUM_LANES).map(|lane| [lane << 12; 4]).collect();
        let [one, three] = steppers.each_mut().map(|stepper| {
            stepper.start(&starts).unwrap();
            let recommended = match users_per_env {
                1 => stepper.recommend().unwrap(),
                _ => slates.clone(),
            };
            let first = stepper.step(&recommended).unwrap();
            let second = stepper.step_with_words(&slates, &words).unwrap();
            let state = stepper.state().unwrap();
            stepper.set_state(&state).unwrap();
            let after = stepper.state().unwrap();
            let [seen, now] = look_back(stepper.as_mut(), &fresh);
            (
                (recommended, first, second, seen, now),
                (state, after, stepper.responses().unwrap()),
                stepper.corpus().unwrap(),
            )
        });
        assert!(one == three, "{name}, {users_per_env} users");
        assert!(one.1.0 == one.1.1, "{name}, {users_per_env} users");
    }
}
