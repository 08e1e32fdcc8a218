//! Exact solutions of environments with a finite state: values of a policy, to check Monte Carlo against, and the best policy.
//!
//! With V, M, L the mean of the return, of its square, and of the length from a state s on, under a policy pi:
//!
//! ```text
//! V(s) = sum_a pi(a|s) sum_o p_o (r_o + (1 - e_o) V(s_o))
//! M(s) = sum_a pi(a|s) sum_o p_o (r_o^2 + (1 - e_o) (2 r_o V(s_o) + M(s_o)))
//! L(s) = 1 + sum_a pi(a|s) sum_o p_o (1 - e_o) L(s_o)
//! ```
//!
//! over the outcomes o of an action: probability p, reward r, next state `s_o`, probability e that the episode ends. They are
//! solved by sweeping over the states until nothing changes.
//!
//! # Precision
//! Sweeps end when no value changes by more than 1e-14 of itself; where episodes end with probability e at least, the
//! error is below 1e-14 / e.
//!
//! # Source
//! Bellman (1957), "Dynamic programming"; Sobel (1982), "The variance of discounted Markov decision processes", for the
//! second moment, here without discount.

/// Relative change of a value below which it counts as unchanged.
const TOLERANCE: f64 = 1e-14;
const MAX_SWEEPS: u32 = 1_000_000;

/// Why there is no exact value.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ExactError {
    /// The table of a policy has the wrong shape.
    #[error("`policy table` has shape {given:?}, expected {expected:?}")]
    Shape {
        /// The shape it has.
        given: Vec<usize>,
        /// The shape it should have: states and actions.
        expected: Vec<usize>,
    },
    /// Episodes may never end, so the values are not bounded.
    #[error("episodes can last for ever: the exact return has no bound")]
    Endless,
    /// Truncated episodes are longer than is solved.
    #[error(
        "`max_steps` = {given} is not allowed; allowed are at most {MAX_SWEEPS} where episodes may go on to the end"
    )]
    Sweeps {
        /// Steps after which episodes are truncated.
        given: u32,
    },
    /// The discount factor is not between 0 and 1.
    #[error("a discount factor of {given}, expected from 0 to 1")]
    Discount {
        /// The factor.
        given: f64,
    },
}

/// One possible result of an action.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// Its probability.
    pub probability: f64,
    /// The reward.
    pub reward: f64,
    /// The state after it.
    pub next: usize,
    /// Probability that the episode ends with it.
    pub p_end: f64,
}

/// A finite set of states with the outcomes of every action.
///
/// Environments of finite state bring theirs:
///
/// ```
/// use slatesim::backend::{Backend, Simulation, Unobserved, cpu::cpu};
///
/// let simulation = Simulation::of("item_transition").policy("random").build()?;
/// let model = simulation.model.finite_model().expect("the state is finite");
/// let random = model.evaluate(&model.uniform())?;
/// let best = model.evaluate(&model.optimal()?)?;
/// println!("random slates earn {}, the best there are {}", random.return_mean, best.return_mean);
/// assert!(best.return_mean > 9.0 * random.return_mean);
/// // What episodes estimate is this mean.
/// let returns = cpu(Some(1))?.rollout(&simulation, 0..2560, &Unobserved)?.summary().returns;
/// let (mean, error) = (returns.mean.expect("there are episodes"), returns.standard_error.expect("they differ"));
/// assert!((mean - random.return_mean).abs() < 4.0 * error);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct FiniteModel {
    /// Probability that an episode starts in a state.
    pub start: Vec<f64>,
    /// Outcomes. Shape `[state][action][outcome]`, the same number of actions in every state.
    pub outcomes: Vec<Vec<Vec<Outcome>>>,
}

/// The exact figures of a policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Exact {
    /// Mean of the return.
    pub return_mean: f64,
    /// Standard deviation of the return between episodes.
    pub return_standard_deviation: f64,
    /// Mean of the length, in steps.
    pub length_mean: f64,
    /// Mean of the return from each state on.
    pub values: Vec<f64>,
}

/// A number for each action in each state, shape `[state][action]`; for a policy that depends on the state only, the
/// probability of the action.
pub type Table = Vec<Vec<f64>>;

impl FiniteModel {
    /// Returns how many states there are.
    pub fn num_states(&self) -> usize {
        self.outcomes.len()
    }

    /// Returns how many actions there are in every state.
    pub fn num_actions(&self) -> usize {
        self.outcomes[0].len()
    }

    /// Makes the table that takes every action with the same probability.
    pub fn uniform(&self) -> Table {
        let num_actions = self.num_actions();
        vec![vec![1.0 / num_actions as f64; num_actions]; self.num_states()]
    }

    /// Makes the table that takes one action in each state.
    pub fn deterministic(&self, action: impl Fn(usize) -> usize) -> Table {
        let row = |state| {
            let mut row = vec![0.0; self.num_actions()];
            row[action(state)] = 1.0;
            row
        };
        (0..self.num_states()).map(row).collect()
    }

    /// Returns the exact figures of a policy.
    ///
    /// # Errors
    /// [`ExactError::Shape`] unless the table has a row for each state and a column for each action; [`ExactError::Endless`] if
    /// episodes may never end under it.
    pub fn evaluate(&self, table: &Table) -> Result<Exact, ExactError> {
        self.check_table(table)?;
        self.check_ends()?;
        let expect = |of: &dyn Fn(&Outcome) -> f64, state: usize| self.expect(table, state, of);
        let values = self.fixed_point(&|values: &[f64], state| {
            expect(&|o| o.reward + (1.0 - o.p_end) * values[o.next], state)
        })?;
        let squares = self.fixed_point(&|squares: &[f64], state| {
            let square = |o: &Outcome| {
                let rest = 2.0 * o.reward * values[o.next] + squares[o.next];
                o.reward * o.reward + (1.0 - o.p_end) * rest
            };
            expect(&square, state)
        })?;
        let lengths = self.fixed_point(&|lengths: &[f64], state| {
            1.0 + expect(&|o| (1.0 - o.p_end) * lengths[o.next], state)
        })?;
        let return_mean = self.mean(&values);
        let variance = self.mean(&squares) - return_mean * return_mean;
        Ok(Exact {
            return_mean,
            return_standard_deviation: variance.max(0.0).sqrt(),
            length_mean: self.mean(&lengths),
            values,
        })
    }

    /// Returns the exact figures of a policy if episodes are truncated after `max_steps`; `values` are those at their beginning.
    ///
    /// Takes up to `max_steps` sweeps, whether or not episodes end by themselves.
    ///
    /// # Errors
    /// [`ExactError::Shape`] unless the table has a row for each state and a column for each action; [`ExactError::Sweeps`] if
    /// there are more than a million steps, and they change the figures to the end.
    pub fn evaluate_truncated(&self, table: &Table, max_steps: u32) -> Result<Exact, ExactError> {
        self.check_table(table)?;
        let mut figures = vec![[0.0; 3]; self.num_states()];
        for step in 0..max_steps {
            if step == MAX_SWEEPS {
                return Err(ExactError::Sweeps { given: max_steps });
            }
            let update = |state: usize| {
                let value = |o: &Outcome| o.reward + (1.0 - o.p_end) * figures[o.next][0];
                let square = |o: &Outcome| {
                    let [value, square, _] = figures[o.next];
                    o.reward * o.reward + (1.0 - o.p_end) * (2.0 * o.reward * value + square)
                };
                let length = |o: &Outcome| 1.0 + (1.0 - o.p_end) * figures[o.next][2];
                [
                    self.expect(table, state, &value),
                    self.expect(table, state, &square),
                    self.expect(table, state, &length),
                ]
            };
            let next: Vec<[f64; 3]> = (0..self.num_states()).map(update).collect();
            let stands_still = next == figures;
            figures = next;
            if stands_still {
                break;
            }
        }
        let column =
            |column: usize| -> Vec<f64> { figures.iter().map(|row| row[column]).collect() };
        let values = column(0);
        let return_mean = self.mean(&values);
        let variance = self.mean(&column(1)) - return_mean * return_mean;
        Ok(Exact {
            return_mean,
            return_standard_deviation: variance.max(0.0).sqrt(),
            length_mean: self.mean(&column(2)),
            values,
        })
    }

    /// Averages over the actions of a policy in a state and their outcomes.
    fn expect(&self, table: &Table, state: usize, of: &dyn Fn(&Outcome) -> f64) -> f64 {
        let actions = table[state].iter().zip(&self.outcomes[state]);
        let of_action =
            |outcomes: &[Outcome]| -> f64 { outcomes.iter().map(|o| o.probability * of(o)).sum() };
        actions.map(|(&p, outcomes)| p * of_action(outcomes)).sum()
    }

    /// Averages over the distribution of the first state.
    fn mean(&self, values: &[f64]) -> f64 {
        let weighted = self.start.iter().zip(values);
        weighted.map(|(p, value)| p * value).sum()
    }

    fn check_table(&self, table: &Table) -> Result<(), ExactError> {
        let expected = [self.num_states(), self.num_actions()];
        let given = [table.len(), table.first().map_or(0, Vec::len)];
        if given != expected || table.iter().any(|row| row.len() != expected[1]) {
            return Err(ExactError::Shape {
                given: given.to_vec(),
                expected: expected.to_vec(),
            });
        }
        Ok(())
    }

    /// Detects at once that no outcome ends an episode, which sweeps would find only after a very long time.
    fn check_ends(&self) -> Result<(), ExactError> {
        let mut outcomes = self.outcomes.iter().flatten().flatten();
        if outcomes.any(|outcome| outcome.p_end > 0.0) {
            Ok(())
        } else {
            Err(ExactError::Endless)
        }
    }

    /// Returns the policy of largest expected return; ties go to the lower action.
    ///
    /// # Errors
    /// [`ExactError::Endless`] if the return has no bound.
    pub fn optimal(&self) -> Result<Table, ExactError> {
        Ok(self.best(&self.action_values(1.0)?))
    }

    /// Returns the largest expected discounted return of each action in each state, which Q learning estimates. Shape
    /// `[state][action]`.
    ///
    /// ```text
    /// Q(s, a) = sum_o p_o (r_o + discount (1 - e_o) max_b Q(s_o, b))
    /// ```
    ///
    /// # Errors
    /// [`ExactError::Discount`] for a factor that is not in [0, 1]; [`ExactError::Endless`] if the return has no bound, which
    /// is possible only with a factor of 1.
    pub fn action_values(&self, discount: f64) -> Result<Table, ExactError> {
        if !(0.0..=1.0).contains(&discount) {
            return Err(ExactError::Discount { given: discount });
        }
        if discount == 1.0 {
            self.check_ends()?;
        }
        let action_value = |values: &[f64], outcomes: &[Outcome]| -> f64 {
            let of = |o: &Outcome| {
                o.probability * (o.reward + discount * (1.0 - o.p_end) * values[o.next])
            };
            outcomes.iter().map(of).sum()
        };
        let values = self.fixed_point(&|values: &[f64], state| {
            let actions = self.outcomes[state].iter();
            actions
                .map(|outcomes| action_value(values, outcomes))
                .fold(f64::NEG_INFINITY, f64::max)
        })?;
        let row = |actions: &Vec<Vec<Outcome>>| {
            actions
                .iter()
                .map(|outcomes| action_value(&values, outcomes))
                .collect()
        };
        Ok(self.outcomes.iter().map(row).collect())
    }

    /// Returns the policy of largest expected reward in the next step alone; ties go to the lower action.
    pub fn greedy(&self) -> Table {
        let reward = |outcomes: &Vec<Outcome>| -> f64 {
            outcomes.iter().map(|o| o.probability * o.reward).sum()
        };
        let row = |actions: &Vec<Vec<Outcome>>| actions.iter().map(reward).collect();
        self.best(&self.outcomes.iter().map(row).collect())
    }

    /// Makes the table that takes the first action of largest value in each state.
    fn best(&self, values: &Table) -> Table {
        self.deterministic(|state| {
            let mut best = (0, f64::NEG_INFINITY);
            for (action, &value) in values[state].iter().enumerate() {
                if value > best.1 {
                    best = (action, value);
                }
            }
            best.0
        })
    }

    /// Sweeps over the states, each with the newest values of the others, until nothing changes.
    fn fixed_point(&self, update: &dyn Fn(&[f64], usize) -> f64) -> Result<Vec<f64>, ExactError> {
        let mut values = vec![0.0; self.num_states()];
        for _ in 0..MAX_SWEEPS {
            let mut stands_still = true;
            for state in 0..values.len() {
                let value = update(&values, state);
                stands_still &= (value - values[state]).abs() <= TOLERANCE * value.abs();
                values[state] = value;
            }
            if stands_still {
                return Ok(values);
            }
        }
        Err(ExactError::Endless)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::Definition;
    use crate::environment::item_transition::ItemTransitionDefinition;

    fn item_transition() -> FiniteModel {
        let settings = ItemTransitionDefinition::entry().settings_with(&[]);
        let definition = ItemTransitionDefinition::new(&settings.unwrap()).unwrap();
        definition.finite_model().unwrap()
    }

    #[track_caller]
    fn assert_exact(found: &Exact, mean: f64, standard_deviation: f64, length: f64) {
        approx::assert_relative_eq!(found.return_mean, mean, max_relative = 1e-12);
        let found_deviation = found.return_standard_deviation;
        approx::assert_relative_eq!(found_deviation, standard_deviation, max_relative = 1e-11);
        approx::assert_relative_eq!(found.length_mean, length, max_relative = 1e-12);
    }

    #[test]
    fn a_truncation_that_nobody_reaches_changes_nothing() {
        let model = item_transition();
        let whole = model.evaluate(&model.uniform()).unwrap();
        let cut = model
            .evaluate_truncated(&model.uniform(), u32::MAX)
            .unwrap();
        assert_exact(
            &cut,
            whole.return_mean,
            whole.return_standard_deviation,
            whole.length_mean,
        );
        // Of one step: an acceptance or none.
        let first = model.evaluate_truncated(&model.uniform(), 1).unwrap();
        let p = first.return_mean;
        assert!(p > 0.0 && p < whole.return_mean);
        approx::assert_relative_eq!(
            first.return_standard_deviation,
            (p - p * p).sqrt(),
            max_relative = 1e-12
        );
        assert_eq!(first.length_mean, 1.0);
    }

    /// Values from a linear solver outside of this project: see tests/data/README.md.
    #[test]
    fn figures_of_item_transition_are_those_of_a_linear_solve() {
        let model = item_transition();
        assert_exact(
            &model.evaluate(&model.uniform()).unwrap(),
            0.978_353_020_565_992_2,
            1.320_766_220_985_078_8,
            5.489_176_510_282_999,
        );
        assert_exact(
            &model.evaluate(&model.greedy()).unwrap(),
            8.924_550_256_435_964,
            8.563_025_584_513_056,
            9.462_275_128_217_986,
        );
        assert_exact(
            &model.evaluate(&model.deterministic(|_| 0)).unwrap(),
            1.028_915_115_944_362_6,
            1.357_771_360_933_623_5,
            5.514_457_557_972_181,
        );
    }

    #[test]
    fn no_change_of_one_action_improves_the_optimum() {
        let model = item_transition();
        let optimal = model.optimal().unwrap();
        let best = model.evaluate(&optimal).unwrap();
        assert!(best.return_mean >= 8.924_550_256_435_964 * (1.0 - 1e-12));
        for state in 0..10 {
            for action in 0..10 {
                let mut other = optimal.clone();
                other[state] = vec![0.0; 10];
                other[state][action] = 1.0;
                let other = model.evaluate(&other).unwrap();
                let improves = (0..10).any(|s| other.values[s] > best.values[s] * (1.0 + 1e-12));
                assert!(!improves, "{state} {action}");
            }
        }
    }

    #[test]
    fn a_coin_that_ends_the_episode_has_geometric_figures() {
        // Length geometric with q = 1/4: mean 4, variance (1 - q) / q^2 = 12; the return is half the length.
        let outcome = Outcome {
            probability: 1.0,
            reward: 0.5,
            next: 0,
            p_end: 0.25,
        };
        let model = FiniteModel {
            start: vec![1.0],
            outcomes: vec![vec![vec![outcome]]],
        };
        let exact = model.evaluate(&model.uniform()).unwrap();
        assert_exact(&exact, 2.0, 3f64.sqrt(), 4.0);
    }

    #[test]
    fn what_cannot_be_solved_is_an_error() {
        let outcome = Outcome {
            probability: 1.0,
            reward: 1.0,
            next: 0,
            p_end: 0.0,
        };
        let model = FiniteModel {
            start: vec![1.0],
            outcomes: vec![vec![vec![outcome]]],
        };
        assert!(matches!(
            model.evaluate(&model.uniform()),
            Err(ExactError::Endless)
        ));
        assert!(matches!(model.optimal(), Err(ExactError::Endless)));
        // The geometric series, and its first five terms.
        let series = model.action_values(0.75).unwrap()[0][0];
        approx::assert_relative_eq!(series, 4.0, max_relative = 1e-12);
        let truncated = model.evaluate_truncated(&model.uniform(), 5).unwrap();
        assert_eq!((truncated.return_mean, truncated.length_mean), (5.0, 5.0));
        assert_eq!(truncated.return_standard_deviation, 0.0);
        let error = model
            .evaluate_truncated(&model.uniform(), u32::MAX)
            .unwrap_err();
        assert!(matches!(error, ExactError::Sweeps { .. }), "{error}");
        let error = model.action_values(1.5).unwrap_err().to_string();
        assert_eq!(error, "a discount factor of 1.5, expected from 0 to 1");
        let item_transition = item_transition();
        let error = item_transition.evaluate(&vec![vec![1.0]; 10]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`policy table` has shape [10, 1], expected [10, 10]"
        );
    }
}
