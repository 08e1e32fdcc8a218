//! Compares single steps, from states that the test sets.

use super::cases::Case;
use super::error::ValidationError;
use super::rung::{Effort, Rung, Subject};
use crate::backend::{EMPTY, IDLE, LaneState, Observation, StepOutcome, Stepper, reference};
use crate::environment::Kind;
use crate::number::{Lanes, Number};
use crate::rng::Philox;
use crate::statistics::{CompensatedSum, EpisodeBlock};
use rand::RngExt;

/// Largest relative error of a float after one step, and absolute error below 1. Rewards are exponentials, whose relative error
/// is the absolute error of the argument: the edge value 12 for the satisfaction makes arguments of 60, in steps of 4e-6.
const TOLERANCE: f64 = 1e-5;
/// Share of the choices that may fall the other way: a threshold is known to some 2^-22.
const FLIP_SHARE: f64 = 2e-6;
/// Number of flips that is always allowed.
const FEW_FLIPS: u64 = 2;

/// Values at which formulas often go wrong.
const EDGES: [f32; 8] = [0.0, 1.0, -1.0, 0.5, 1e-6, -1e-6, 0.999_999_9, 12.0];

/// Counts differences.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) integers: u64,
    pub(super) flips: u64,
    pub(super) worst: f64,
}

impl Tally {
    pub(super) fn float(&mut self, expected: f64, found: f64) {
        let error = (expected - found).abs() / expected.abs().max(1.0);
        self.worst = self
            .worst
            .max(if error.is_nan() { f64::INFINITY } else { error });
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.integers += other.integers;
        self.flips += other.flips;
        self.worst = self.worst.max(other.worst);
    }

    fn flips_allowed(&self) -> u64 {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a bound"
        )]
        let share = (self.integers as f64 * FLIP_SHARE) as u64;
        FEW_FLIPS + share
    }

    pub(super) fn rung(&self, name: &'static str, case: &Case) -> Rung {
        let allowed = self.flips_allowed();
        Rung {
            name,
            case: case.name().to_owned(),
            passed: self.worst <= TOLERANCE && self.flips <= allowed && self.integers > 0,
            measured: format!(
                "{} flips in {} integers ({allowed} allowed), largest relative error {:.1e} ({TOLERANCE:e} allowed)",
                self.flips, self.integers, self.worst
            ),
        }
    }
}

/// Takes single steps from the same states on the backend and on the reference.
pub(super) fn single_steps(
    subject: Subject<'_>,
    effort: Effort,
    case: &Case,
) -> Result<Rung, ValidationError> {
    let (num_lanes, rounds) = if effort == Effort::Full {
        (4096, 12)
    } else {
        (512, 3)
    };
    let simulation = &case.simulation;
    let reference = reference::reference(None)?;
    let mut subject = subject.backend().stepper(simulation, num_lanes)?;
    let mut oracle = crate::backend::Backend::stepper(&reference, simulation, num_lanes)?;
    let mut rng = Philox::new(19);
    let mut tally = Tally::default();
    // Words are indices: an edge value would not be a valid state.
    let layout = simulation.model.user_layout();
    let are_words = layout.iter().flat_map(|field| {
        let is_word = field.kind == Kind::Word;
        vec![is_word; field.names().len()]
    });
    let numbers: Vec<usize> = are_words
        .enumerate()
        .filter_map(|(field, is_word)| (!is_word).then_some(field))
        .collect();
    // Indices far apart, and on both sides of 2^32.
    let starts: Vec<_> = (0..num_lanes as u64)
        .map(|lane| Some(lane * 0x1000_0001))
        .collect();
    oracle.start(&starts)?;
    subject.start(&starts)?;
    compare_states(&oracle.state()?, &subject.state()?, &mut tally);
    let plan = &simulation.plan;
    if let (Some(expected), Some(found)) = (oracle.corpus()?, subject.corpus()?) {
        compare_singles(&expected, &found, &mut tally);
    }
    let slate_size = plan.slate_size as usize;
    let [mut expected, mut found] = [Observation::default(), Observation::default()];
    for round in 0..rounds {
        let mut state = singles(oracle.state()?);
        if round % 3 == 2 {
            put_edges(&mut state, &numbers, simulation.plan.max_steps, &mut rng);
        }
        oracle.set_state(&state)?;
        subject.set_state(&state)?;
        oracle.observe(&mut expected)?;
        subject.observe(&mut found)?;
        compare_observations(&expected, &found, &mut tally);
        let mut slates: Vec<u32> = (0..num_lanes * slate_size)
            .map(|_| rng.random_range(0..plan.num_candidates))
            .collect();
        if round % 3 == 1 {
            shorten(&mut slates, slate_size, plan.choice.allows_empty());
        }
        let (expected, found) = (oracle.step(&slates)?, subject.step(&slates)?);
        let same = compare_outcomes(&expected, &found, &mut tally);
        let responses = (oracle.responses()?, subject.responses()?);
        compare_responses(&responses.0, &responses.1, &same, &mut tally);
        compare_states_where(&oracle.state()?, &subject.state()?, &same, &mut tally);
    }
    Ok(tally.rung("single steps", case))
}

/// Empties the last positions of every slate, with all lengths in turn, and makes every fifth lane idle.
fn shorten(slates: &mut [u32], slate_size: usize, allows_empty: bool) {
    let shortest = usize::from(!allows_empty);
    for (lane, slate) in slates.chunks_exact_mut(slate_size).enumerate() {
        slate[shortest + lane % (slate_size + 1 - shortest)..].fill(EMPTY);
        if lane % 5 == 0 {
            slate[0] = IDLE;
        }
    }
}

/// Rounds the users to single precision, so that both sides begin with the same numbers.
#[allow(clippy::cast_possible_truncation, reason = "rounding is the purpose")]
fn singles(mut state: LaneState) -> LaneState {
    for number in state.users.iter_mut().chain(&mut state.policy) {
        *number = f64::from(*number as f32);
    }
    state
}

/// Puts an edge value into one number of every fourth lane, and large episode indices and steps near truncation into others.
fn put_edges(state: &mut LaneState, numbers: &[usize], max_steps: u32, rng: &mut Philox) {
    let num_lanes = state.episodes.len();
    if !numbers.is_empty() {
        for lane in (0..num_lanes).step_by(4) {
            let field = numbers[rng.random_range(0..numbers.len())];
            let edge = EDGES[rng.random_range(0..EDGES.len())];
            state.users[field * num_lanes + lane] = f64::from(edge);
        }
    }
    for lane in (1..num_lanes).step_by(4) {
        state.episodes[lane] = u64::MAX - lane as u64;
        let before = if lane % 8 == 1 { 1 } else { 2 };
        state.steps[lane] = max_steps.saturating_sub(before);
    }
}

fn compare_states(expected: &LaneState, found: &LaneState, tally: &mut Tally) {
    compare_states_where(expected, found, &vec![true; expected.episodes.len()], tally);
}

fn compare_states_where(
    expected: &LaneState,
    found: &LaneState,
    lanes: &[bool],
    tally: &mut Tally,
) {
    let num_lanes = expected.episodes.len();
    for (expected, found) in [
        (&expected.users, &found.users),
        (&expected.policy, &found.policy),
    ] {
        for (index, (&expected, &found)) in expected.iter().zip(found).enumerate() {
            if lanes[index % num_lanes] {
                tally.float(expected, found);
            }
        }
        if expected.len() != found.len() {
            tally.worst = f64::INFINITY;
        }
    }
    let wrong = (0..num_lanes).filter(|&lane| {
        expected.episodes[lane] != found.episodes[lane] || expected.steps[lane] != found.steps[lane]
    });
    tally.flips += wrong.count() as u64;
    tally.integers += num_lanes as u64;
}

fn compare_observations(expected: &Observation, found: &Observation, tally: &mut Tally) {
    compare_singles(&expected.users, &found.users, tally);
    compare_singles(&expected.documents, &found.documents, tally);
}

fn compare_singles(expected: &[f32], found: &[f32], tally: &mut Tally) {
    let pairs = expected.iter().zip(found);
    pairs.for_each(|(&expected, &found)| tally.float(f64::from(expected), f64::from(found)));
    if expected.len() != found.len() {
        tally.worst = f64::INFINITY;
    }
}

/// Compares outcomes, and tells which lanes made the same choice.
fn compare_outcomes(expected: &StepOutcome, found: &StepOutcome, tally: &mut Tally) -> Vec<bool> {
    let num_lanes = expected.rewards.len();
    let mut same = vec![true; num_lanes];
    for lane in 0..num_lanes {
        tally.integers += 1;
        same[lane] = expected.chosen[lane] == found.chosen[lane]
            && expected.terminated[lane] == found.terminated[lane]
            && expected.truncated[lane] == found.truncated[lane];
        if !same[lane] {
            tally.flips += 1;
            continue;
        }
        tally.float(expected.rewards[lane], found.rewards[lane]);
    }
    same
}

/// Compares the responses of lanes that made the same choice.
fn compare_responses(expected: &[f32], found: &[f32], same: &[bool], tally: &mut Tally) {
    let width = expected.len() / same.len();
    for lane in (0..same.len()).filter(|&lane| same[lane]) {
        let response = lane * width..(lane + 1) * width;
        compare_singles(&expected[response.clone()], &found[response], tally);
    }
}

/// Steps users with the slates of the simulation's own policy until all episodes have ended; returns in single precision,
/// lengths and clicks.
pub(super) fn run_episodes(
    stepper: &mut dyn Stepper,
    num_lanes: usize,
    first: u64,
    max_steps: u32,
) -> Result<EpisodeBlock, ValidationError> {
    stepper.start(
        &(0..num_lanes as u64)
            .map(|lane| Some(first + lane))
            .collect::<Vec<_>>(),
    )?;
    let mut returns = vec![CompensatedSum::<Lanes<1>>::new(); num_lanes];
    let (mut lengths, mut clicks) = (vec![0; num_lanes], vec![0; num_lanes]);
    let mut running = vec![true; num_lanes];
    for _ in 0..max_steps {
        if !running.contains(&true) {
            break;
        }
        let slates = stepper.recommend()?;
        let outcome = stepper.step(&slates)?;
        for lane in (0..num_lanes).filter(|&lane| running[lane]) {
            returns[lane].add(Lanes::splat(outcome.rewards[lane]));
            lengths[lane] += 1;
            clicks[lane] += u32::from(outcome.chosen[lane].is_some());
        }
        for lane in 0..num_lanes {
            running[lane] &= !outcome.terminated[lane];
        }
    }
    Ok(EpisodeBlock {
        returns: returns.iter().map(|sum| sum.value().lane(0)).collect(),
        lengths,
        clicks,
        ..EpisodeBlock::default()
    })
}
