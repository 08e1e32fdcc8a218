//! Test MDP: six states and four actions, with known exact values; for testing agents and policies that learn.
//!
//! ```text
//! start       state ~ starting_probs
//! offer       candidate j stands for action j mod 4
//! consumed    the first document of the slate, always: reward REWARDS[action][state]
//! then        state ~ TRANSITIONS[action][state]
//! ```
//!
//! An episode never ends by itself. The state is finite and fully observed: [`exact`](crate::exact) computes the values of all
//! actions. Twin: `shaders/environment/test_mdp.wgsl`.
//!
//! If `RecSim` resamples documents, it continues counting them, so that step 1 offers the documents numbered after those of
//! step 0; here every step offers the same.
//!
//! # Source
//! `RecSim` 0.2.4, `testing/test_environment.py`.

mod specimens;

use super::{Definition, Environment, Observable, Outline, RandomWords};
use crate::choice::{Choices, first::First};
use crate::config::{
    Column, ConfigError, Corpus, Entry, MOST_CANDIDATES, MOST_POSITIONS, Settings,
};
use crate::distribution::{categorical, categorical_step, cumulative, uniform};
use crate::exact::{FiniteModel, Outcome};
use crate::number::{Mask, Number, Word};
use crate::shader::{ShaderSource, embedded};
use crate::specimen::Specimen;
use crate::{keys, twin_struct};

/// How many states there are.
pub const NUM_STATES: usize = 6;
/// How many actions there are.
pub const NUM_ACTIONS: usize = 4;
// WGSL: the same names in shaders/environment/test_mdp.wgsl.
const STATES: u32 = 6;
const ACTIONS: u32 = 4;
/// The most candidates for the exact solver, which lists the outcomes of every candidate.
const MAX_SOLVED_CANDIDATES: u32 = 4096;

/// Probabilities of the next state. Shape `[action][state][next]`.
pub const TRANSITIONS: [[[f64; NUM_STATES]; NUM_STATES]; NUM_ACTIONS] = [
    [
        [0.0, 0.1, 0.1, 0.8, 0.0, 0.0],
        [0.0, 0.0, 0.1, 0.1, 0.8, 0.0],
        [0.0, 0.0, 0.0, 0.1, 0.1, 0.8],
        [0.8, 0.0, 0.0, 0.0, 0.1, 0.1],
        [0.0, 0.0, 0.0, 0.0, 0.0, 1.0],
        [1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    ],
    [
        [0.0, 0.0, 0.1, 0.1, 0.8, 0.0],
        [0.0, 0.0, 0.0, 0.1, 0.1, 0.8],
        [0.8, 0.0, 0.0, 0.0, 0.1, 0.1],
        [0.1, 0.8, 0.0, 0.0, 0.0, 0.1],
        [1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        [0.0, 1.0, 0.0, 0.0, 0.0, 0.0],
    ],
    [
        [0.0, 0.0, 0.0, 0.1, 0.1, 0.8],
        [0.8, 0.0, 0.0, 0.0, 0.1, 0.1],
        [0.1, 0.8, 0.0, 0.0, 0.0, 0.1],
        [0.1, 0.1, 0.8, 0.0, 0.0, 0.0],
        [0.0, 1.0, 0.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 1.0, 0.0, 0.0, 0.0],
    ],
    [
        [0.8, 0.0, 0.0, 0.0, 0.1, 0.1],
        [0.1, 0.8, 0.0, 0.0, 0.0, 0.1],
        [0.1, 0.1, 0.8, 0.0, 0.0, 0.0],
        [0.0, 0.1, 0.1, 0.8, 0.0, 0.0],
        [0.0, 0.0, 1.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 1.0, 0.0, 0.0],
    ],
];

/// Rewards. Shape `[action][state]`.
pub const REWARDS: [[f64; NUM_STATES]; NUM_ACTIONS] = [
    [-10.0, 0.0, 0.0, 4.0, 0.0, 5.0],
    [-10.0, 0.0, 1.0, 0.0, 0.0, 0.0],
    [-10.0, 1.0, 0.0, 2.0, 0.0, 2.0],
    [-10.0, 0.0, 0.0, 0.0, 0.0, 5.0],
];

twin_struct! {
    /// A user: its state.
    pub struct User {
        /// The state.
        state: Word,
    }
}

twin_struct! {
    /// A document.
    pub struct Document {
        /// The action that it stands for.
        action: Word,
    }
}

/// A user's response to the document.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Response<N> {
    /// The reward of the action in the state.
    pub reward: N,
}

/// The noise of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Draws<N> {
    /// Uniform: selects the next state by its cumulative probabilities.
    pub next: N,
}

/// The host twin.
#[derive(Clone, Debug)]
pub struct TestMdp<N: Number> {
    /// Cumulative probabilities of the first state.
    pub start: Vec<N>,
    /// Rewards. Shape `[action][state]`, row by row.
    pub rewards: Vec<N::Element>,
    /// Cumulative probabilities of the next state. Shape `[action][state][next]`, row by row.
    pub transitions: Vec<N::Element>,
}

/// Returns the row of an action in a state, in the tables by action and state. Numbers beyond the last, set from outside, count
/// as the last.
#[inline(always)]
fn place<W: Word>(action: W, state: W) -> W {
    let existing = |index: W, count: u32| {
        let last = W::splat(count - 1);
        W::select(index.less_than(last), index, last)
    };
    existing(action, ACTIONS) * W::splat(STATES) + existing(state, STATES)
}

impl<N: Number> Environment<N> for TestMdp<N> {
    type User = User<N>;
    type Document = Document<N>;
    type Response = Response<N>;
    type Draws = Draws<N>;

    fn new_user(&self) -> User<N> {
        User::zero()
    }

    fn new_document(&self) -> Document<N> {
        Document::zero()
    }

    #[inline(always)]
    fn sample_user(&self, random: &RandomWords<N::Word>, user: &mut User<N>) {
        user.state = categorical(uniform::<N>(random.block(0)[0]), &self.start);
    }

    #[inline(always)]
    fn sample_document(
        &self,
        candidate: N::Word,
        _random: &RandomWords<N::Word>,
        document: &mut Document<N>,
    ) {
        document.action = candidate & N::Word::splat(ACTIONS - 1);
    }

    #[inline(always)]
    fn draw(&self, words: [N::Word; 2], _random: &RandomWords<N::Word>) -> Draws<N> {
        Draws {
            next: uniform(words[0]),
        }
    }

    // The first document is consumed whatever its score.
    #[inline(always)]
    fn score(&self, _user: &User<N>, _document: &Document<N>) -> N {
        N::splat(1.0)
    }

    #[inline(always)]
    fn respond(&self, user: &User<N>, document: &Document<N>, _draws: &Draws<N>) -> Response<N> {
        Response {
            reward: N::gather(&self.rewards, place(document.action, user.state)),
        }
    }

    #[inline(always)]
    fn transition(
        &self,
        user: &mut User<N>,
        document: &Document<N>,
        _response: &Response<N>,
        _weight: N,
        _clicked: N::Mask,
        draws: &Draws<N>,
    ) {
        let row = place(document.action, user.state) * N::Word::splat(STATES);
        user.state = N::Word::splat(0);
        for next in 0..STATES - 1 {
            let cumulative = N::gather(&self.transitions, row + N::Word::splat(next));
            user.state = categorical_step(user.state, draws.next, cumulative);
        }
    }

    #[inline(always)]
    fn is_terminal(&self, _user: &User<N>) -> N::Mask {
        N::Mask::splat(false)
    }

    #[inline(always)]
    fn reward(&self, response: &Response<N>) -> N {
        response.reward
    }

    #[inline(always)]
    fn observe_user(&self, user: &User<N>, _random: &RandomWords<N::Word>, observation: &mut [N]) {
        observation[0] = N::from_word(user.state);
    }

    #[inline(always)]
    fn observe_document(&self, document: &Document<N>, observation: &mut [N]) {
        observation[0] = N::from_word(document.action);
    }

    #[inline(always)]
    fn observe_response(
        &self,
        _document: &Document<N>,
        response: &Response<N>,
        clicked: N::Mask,
        observation: &mut [N],
    ) {
        observation[0] = N::select(clicked, response.reward, N::splat(0.0));
    }
}

keys! {
    /// The keys of the environment.
    pub struct Keys {
        /// documents offered at a step; document j stands for action j mod 4
        num_candidates: u32 = integer("num_candidates", 10, ACTIONS, MOST_CANDIDATES).in_unit("documents"),
        /// documents in a slate; the first is consumed, always
        slate_size: u32 = integer("slate_size", 1, 1, MOST_POSITIONS).in_unit("documents"),
        /// of no consequence: every step offers the same documents
        resample_documents: bool = boolean("resample_documents", false),
        /// of no consequence: the actions that documents stand for, j mod 4, as they always do
        corpus: Option<Corpus> = corpus("document.corpus", &[Column::index("action")]),
        /// probability of each of the six states at the start of an episode
        starting_probs: Vec<f64> = distribution("starting_probs", &[1.0, 0.0, 0.0, 0.0, 0.0, 0.0])
            .from_source("RecSim 0.2.4, testing/test_environment.py"),
    }
}

/// The environment with its parameters.
#[derive(Clone, Debug)]
pub struct TestMdpDefinition {
    starting_probs: Vec<f64>,
    num_candidates: u32,
}

impl TestMdpDefinition {
    /// Returns the cumulative probabilities of the next state, as [`TestMdp::transitions`].
    fn transitions() -> Vec<f64> {
        let rows = TRANSITIONS.iter().flatten();
        rows.flat_map(|row| cumulative(row)).collect()
    }
}

impl Definition for TestMdpDefinition {
    type Twin<N: Number> = TestMdp<N>;

    fn entry() -> Entry {
        let about = "a known process of six states and four actions, for testing what learns";
        Entry::environment("test_mdp", about, Keys::declared())
            .draws_no_documents()
            .never_terminates()
    }

    fn specimens() -> Vec<Specimen> {
        specimens::specimens()
    }

    fn new(settings: &Settings) -> Result<Self, ConfigError> {
        let keys = Keys::read(settings);
        super::check_order(settings, keys.corpus.as_ref(), "action", |candidate| {
            candidate % NUM_ACTIONS
        })?;
        if keys.starting_probs.len() != NUM_STATES {
            let allowed = format!("a list of {NUM_STATES} numbers, one a state");
            return Err(settings.invalid(Keys::starting_probs, allowed));
        }
        Ok(Self {
            starting_probs: keys.starting_probs,
            num_candidates: keys.num_candidates,
        })
    }

    fn choices() -> Choices {
        Choices::fixed(First)
    }

    fn twin<N: Number>(&self) -> TestMdp<N> {
        let elements = |numbers: Vec<f64>| numbers.into_iter().map(N::element).collect();
        let start = cumulative(&self.starting_probs);
        TestMdp {
            start: start.into_iter().map(N::splat).collect(),
            rewards: elements(REWARDS.concat()),
            transitions: elements(Self::transitions()),
        }
    }

    fn tables(&self) -> Vec<f64> {
        [
            cumulative(&self.starting_probs),
            REWARDS.concat(),
            Self::transitions(),
        ]
        .concat()
    }

    fn shader(&self) -> ShaderSource {
        embedded!("environment", "environment/test_mdp.wgsl")
    }

    fn misfit_of_user(&self, fields: &[f64]) -> Option<String> {
        let state = *fields.first()?;
        (state >= STATES as f64)
            .then(|| format!("`state` is {state}, allowed is a whole number below {STATES}"))
    }

    fn outline(&self) -> Outline {
        Outline {
            user: vec![Observable::discrete("state", STATES)],
            document: vec![Observable::discrete("action", ACTIONS)],
            response: vec![Observable::number("reward", -10.0, 5.0)],
            ..Outline::default()
        }
    }

    fn finite_model(&self) -> Option<FiniteModel> {
        if self.num_candidates > MAX_SOLVED_CANDIDATES {
            return None;
        }
        let outcomes = |state: usize, action: usize| {
            let nexts = TRANSITIONS[action][state].iter().enumerate();
            nexts
                .filter(|(_, probability)| **probability > 0.0)
                .map(|(next, &probability)| Outcome {
                    probability,
                    reward: REWARDS[action][state],
                    next,
                    p_end: 0.0,
                })
                .collect()
        };
        let candidates = |state| {
            (0..self.num_candidates as usize)
                .map(|candidate| outcomes(state, candidate % NUM_ACTIONS))
                .collect()
        };
        Some(FiniteModel {
            start: self.starting_probs.clone(),
            outcomes: (0..NUM_STATES).map(candidates).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(given: &[&str]) -> Result<TestMdpDefinition, ConfigError> {
        TestMdpDefinition::new(&TestMdpDefinition::entry().settings_with(given)?)
    }

    /// Optimal values of the actions by discount factor, a row for each state: `RecSim`'s `QVALUES0`, `QVALUES05` and
    /// `QVALUES09`.
    const OPTIMAL: [(f64, [[f64; NUM_ACTIONS]; NUM_STATES]); 3] = [
        (
            0.0,
            [
                [-10.0, -10.0, -10.0, -10.0],
                [0.0, 0.0, 1.0, 0.0],
                [0.0, 1.0, 0.0, 0.0],
                [4.0, 0.0, 2.0, 0.0],
                [0.0, 0.0, 0.0, 0.0],
                [5.0, 0.0, 2.0, 5.0],
            ],
        ),
        (
            0.5,
            [
                [-8.53022, -8.41259, -7.10072, -12.3547],
                [1.58741, 2.89928, -1.35468, 1.12842],
                [2.89928, -1.35468, 1.12842, 0.94964],
                [1.64532, 1.12842, 2.94964, 1.46978],
                [3.23741, -3.55036, 1.44964, 1.44964],
                [1.44964, 1.44964, 3.44964, 6.47482],
            ],
        ),
        (
            0.9,
            [
                [5.79888, 6.59282, 8.12425, -0.615864],
                [16.5928, 18.1242, 10.3841, 15.641],
                [18.1242, 10.3841, 15.641, 15.4118],
                [13.3841, 15.641, 17.4118, 15.7989],
                [18.6036, 7.31182, 16.3118, 16.3118],
                [12.3118, 16.3118, 18.3118, 20.6706],
            ],
        ),
    ];

    #[test]
    fn optimal_values_are_those_that_the_original_lists() {
        let model = definition(&[]).unwrap().finite_model().unwrap();
        for (discount, expected) in OPTIMAL {
            let values = model.action_values(discount).unwrap();
            for state in 0..NUM_STATES {
                for candidate in 0..10 {
                    let value = values[state][candidate];
                    let expected = expected[state][candidate % NUM_ACTIONS];
                    assert!(
                        (value - expected).abs() < 1e-4,
                        "{discount} {state} {candidate}: {value}, not {expected}"
                    );
                }
            }
        }
    }

    /// Exact fractions from a solver outside of this project: see tests/data/README.md.
    #[test]
    fn returns_of_50_steps_are_those_of_the_matrices() {
        let model = definition(&[]).unwrap().finite_model().unwrap();
        let uniform = model.evaluate_truncated(&model.uniform(), 50).unwrap();
        approx::assert_relative_eq!(
            uniform.return_mean,
            -87.104_851_408_411_45,
            max_relative = 1e-12
        );
        let greedy = model.evaluate_truncated(&model.greedy(), 50).unwrap();
        approx::assert_relative_eq!(
            greedy.return_mean,
            -126.085_458_160_127_47,
            max_relative = 1e-12
        );
        let first = model.evaluate_truncated(&model.uniform(), 1).unwrap();
        assert_eq!(first.return_mean, -10.0);
    }

    #[test]
    fn the_next_state_is_drawn_from_the_row_of_action_and_state() {
        let twin = definition(&[]).unwrap().twin::<f64>();
        for (action, rows) in (0..).zip(&TRANSITIONS) {
            for (state, row) in (0..).zip(rows) {
                let (mut cumulative, mut next) = (0.0, 0);
                for &probability in row {
                    let mut user = User {
                        state: crate::number::ScalarWord(state),
                    };
                    let document = Document {
                        action: crate::number::ScalarWord(action),
                    };
                    if probability > 0.0 {
                        let draws = Draws {
                            next: cumulative + 0.5 * probability,
                        };
                        let response = twin.respond(&user, &document, &draws);
                        let (row, column) = (action as usize, state as usize);
                        assert_eq!(twin.reward(&response), REWARDS[row][column]);
                        twin.transition(&mut user, &document, &response, 1.0, true, &draws);
                        assert_eq!(user.state.0, next, "action {action}, state {state}");
                    }
                    cumulative += probability;
                    next += 1;
                }
            }
        }
    }

    #[test]
    fn too_few_candidates_and_states_are_refused() {
        let message = definition(&["num_candidates=3"]).unwrap_err().to_string();
        assert!(
            message.starts_with("`environment.num_candidates` = 3 is") && message.contains('4'),
            "{message}"
        );
        let message = definition(&["starting_probs=[0.5, 0.5]"]).unwrap_err();
        let message = message.to_string();
        assert!(message.contains("6 numbers, one a state"), "{message}");
    }
}
