//! Takes a step again from a state that is changed a little.

use super::difference::{Deed, Difference};
use super::nudge::{Nudge, is_single, nudged, nudged_word};
use crate::backend::{LaneState, Stepper};
use crate::environment::{Field, Kind};
use crate::number::ScalarWord;
use crate::rng::{Philox, STEP, Stream, halves, key};
use crate::validation::error::ValidationError;
use std::sync::Arc;

/// How many sets of nudged documents are tried, and with how many nudged users each.
const SETS: usize = 12;
const USERS: usize = 8;

/// What one side does at the step when it starts from the given state.
pub(super) struct Retried {
    /// Whether its slate is the other side's, up to and including the first position where the two differ.
    pub(super) is_same_slate: bool,
    /// Whether its slate, up to that position, is the one that this side showed originally.
    pub(super) shows_own_slate: bool,
    /// What happens when it is given the other side's slate.
    pub(super) outcome: Deed,
}

impl Difference<'_> {
    /// Returns the largest magnitude among the fields of the user and the memory of the policy.
    fn largest_before(&self) -> f64 {
        let before = self.before[1].iter();
        before.fold(0.0, |most, numbers| largest(numbers).max(most))
    }

    /// Lets one side take the step from the backend's state, once with its own slate and once with the other side's.
    pub(super) fn retry(
        &self,
        nudge: Nudge,
        rng: &mut Philox,
    ) -> Result<Vec<Retried>, ValidationError> {
        let plan = &self.simulation.plan;
        let is_drawn = plan.corpus.is_none();
        let is_nudged = nudge.by > 0.0;
        let (sets, users) = if is_nudged { (SETS, USERS) } else { (1, 1) };
        let mut retried = Vec::new();
        for set in 0..sets {
            // One set in three leaves the policy unchanged.
            let policy = (is_nudged && set % 3 > 0).then(|| (self.nudged_policy)(nudge.by, rng));
            let mut simulation = match policy.flatten() {
                Some(nudged) => nudged,
                None => self.simulation.clone(),
            };
            simulation.plan.max_steps = plan.max_steps;
            // Given documents are rounded in the same way on both sides, so they are nudged only along with exact numbers.
            if is_nudged && (is_drawn || nudge.includes_exact) {
                let model = &self.simulation.model;
                let mut documents = plan.corpus.clone().unwrap_or_else(|| {
                    let (seed, count) = (plan.seed, plan.num_candidates);
                    model.sample_documents(seed, self.episode, self.step, count)
                });
                let numbers = are_numbers(&model.document_layout());
                let num_fields = documents.num_fields;
                // Scores add the numbers of documents to those of users and memory, so rounding errors are as large as those of
                // the largest of them.
                let size = match nudge.is_of_sums {
                    true => largest(&documents.fields).max(self.largest_before()),
                    false => 0.0,
                };
                for fields in Arc::make_mut(&mut documents.fields).chunks_exact_mut(num_fields) {
                    for (field, _) in fields.iter_mut().zip(&numbers).filter(|(_, is)| **is) {
                        *field = nudged(*field, nudge.by, nudge.includes_exact, rng);
                        *field += nudged(size, nudge.by, true, rng) - size;
                    }
                }
                simulation.plan.corpus = Some(documents);
            }
            let mut stepper = self.backends[nudge.side].stepper(&simulation, users)?;
            self.retry_with(stepper.as_mut(), nudge, users, rng, &mut retried)?;
        }
        Ok(retried)
    }

    fn retry_with(
        &self,
        stepper: &mut dyn Stepper,
        nudge: Nudge,
        users: usize,
        rng: &mut Philox,
        retried: &mut Vec<Retried>,
    ) -> Result<(), ValidationError> {
        let plan = &self.simulation.plan;
        let numbers = are_numbers(&self.simulation.model.user_layout());
        let [user, policy] = &self.before[1];
        let [exact_user, exact_policy] = &self.before[0];
        // A number that is exact in single precision on the reference is exact on the backend as well, unless the two differ.
        let mut nudge_all = |own: &[f64], exact: &[f64], numbers: Option<&[bool]>| {
            let mut all = vec![0.0; own.len() * users];
            for (field, (&own, &exact)) in own.iter().zip(exact).enumerate() {
                for lane in 0..users {
                    let is_number = numbers.is_none_or(|numbers| numbers[field]);
                    let is_rounded = own != exact || !is_single(exact);
                    let moves = is_number && (nudge.includes_exact || is_rounded) && lane > 0;
                    let by = if moves { nudge.by } else { 0.0 };
                    all[field * users + lane] = nudged(own, by, true, rng);
                }
            }
            all
        };
        let state = LaneState {
            users: nudge_all(user, exact_user, Some(&numbers)),
            policy: nudge_all(policy, exact_policy, None),
            episodes: vec![self.episode; users],
            steps: vec![self.step; users],
        };
        stepper.start(&vec![Some(self.episode); users])?;
        stepper.set_state(&state)?;
        let slates = stepper.recommend()?;
        stepper.set_state(&state)?;
        let wanted = &self.wanted(nudge).slate;
        let words = self.words();
        let words: Vec<[u32; 4]> = (0..users)
            .map(|_| {
                let mut words = words;
                words[0] = nudged_word(words[0], nudge.by, rng);
                words
            })
            .collect();
        // The slate is judged separately, so the step gets the other side's slate whatever this side recommends.
        let outcome = stepper.step_with_words(&wanted.repeat(users), &words)?;
        let slate_size = plan.slate_size as usize;
        let [expected, found] = &self.deeds;
        let both = expected.slate.iter().zip(&found.slate);
        let same = both.take_while(|(expected, found)| expected == found);
        let decided = slate_size.min(same.count() + 1);
        let own = &self.deeds[nudge.side].slate;
        for lane in 0..users {
            let shown = &slates[lane * slate_size..][..decided];
            retried.push(Retried {
                is_same_slate: shown == &wanted[..decided],
                shows_own_slate: shown == &own[..decided],
                outcome: Deed {
                    slate: Vec::new(),
                    chosen: outcome.chosen[lane],
                    reward: outcome.rewards[lane],
                    has_ended: outcome.terminated[lane],
                },
            });
        }
        Ok(())
    }

    /// Returns the random words of the step, as a backend draws them.
    fn words(&self) -> [u32; 4] {
        let episode = halves(self.episode).map(ScalarWord);
        let stream = Stream::new(
            key(self.simulation.plan.seed),
            episode,
            ScalarWord(self.step),
        );
        stream.words(STEP, ScalarWord(0)).map(|word| word.0)
    }
}

/// Tells for each field of a struct whether it is a number rather than a word.
pub(super) fn are_numbers(layout: &[Field]) -> Vec<bool> {
    let of_field = |field: &Field| vec![field.kind != Kind::Word; field.names().len()];
    layout.iter().flat_map(of_field).collect()
}

/// Returns the largest magnitude of some numbers.
pub(super) fn largest(numbers: &[f64]) -> f64 {
    let numbers = numbers.iter().filter(|number| number.is_finite());
    numbers.fold(0.0, |most, number| number.abs().max(most))
}
