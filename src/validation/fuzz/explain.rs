//! Why an episode went another way: two lives side by side, step by step, up to the first difference.
//!
//! A difference is a *rounding edge* if one side does what the other did once the numbers that single precision had to round
//! are a little other ones: the documents, the state of the user, what the policy remembers, and the draw of the choice. A
//! difference that no such nudge makes is a fault. Numbers that single precision holds exactly are nudged only if
//! nothing else explains it, and such *ties* are counted apart: one now and then is an edge of what is computed in between,
//! many are a fault.

use crate::backend::{Backend, LaneState, Simulation, StepOutcome, Stepper};
use crate::environment::{Field, Kind};
use crate::error::Error;
use crate::number::ScalarWord;
use crate::rng::{Philox, STEP, Stream, halves, key};
use rand::RngExt;
use serde::Serialize;
use std::sync::Arc;

/// Relative difference of a reward that rounding explains: an exponential of arguments up to some 40, and some operations.
const SAME_REWARD: f64 = 3e-5;
/// Nudges that are tried, the least first, relative to the number.
const NUDGES: [f64; 4] = [3e-7, 2e-6, 1e-5, LARGEST_NUDGE];
const LARGEST_NUDGE: f64 = 4e-5;
/// States that are further apart than so many times what they may drift have jumped.
const JUMP: f64 = 16.0;
/// Nudged sets of documents, and users that see each of them.
const SETS: usize = 12;
const USERS: usize = 8;
/// How far states may have drifted apart at a difference that their drift makes, relative to their size and to all changes so far.
const DRIFT: f64 = 2e-5;

/// Makes the simulation with the numbers of its policy moved by so much of their size; nothing where it has none.
pub(super) type NudgedPolicy<'a> = &'a dyn Fn(f64, &mut Philox) -> Option<Simulation>;

/// The rounding error of single precision.
const SINGLE: f64 = 1.2e-7;

/// Counts differences that rounding explains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Edges {
    /// Another document clicked, or none.
    pub choices: u64,
    /// Another slate.
    pub slates: u64,
    /// Another reward, by a step of a function.
    pub rewards: u64,
    /// Any of these where the states had drifted apart, within what rounding makes of many steps.
    pub drifts: u64,
    /// Any of these between numbers that single precision holds exactly.
    pub ties: u64,
    /// An end of the session that came sooner or later.
    pub ends: u64,
}

impl Edges {
    /// Adds those of another case.
    pub fn add(&mut self, other: &Self) {
        self.choices += other.choices;
        self.slates += other.slates;
        self.rewards += other.rewards;
        self.drifts += other.drifts;
        self.ties += other.ties;
        self.ends += other.ends;
    }

    /// Counts all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.choices + self.slates + self.rewards + self.drifts + self.ties + self.ends
    }
}

/// What became of one episode that was looked at step by step.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    /// No step differs; what the steps add up to.
    Alike(Life),
    /// The first difference is a rounding edge.
    Edge(Edge),
    /// The first difference is none.
    Fault(String),
}

/// A kind of rounding edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    Choice,
    Slate,
    Reward,
    Drift,
    Tie,
    End,
}

impl Edges {
    pub(super) fn count(&mut self, edge: Edge) {
        *match edge {
            Edge::Choice => &mut self.choices,
            Edge::Slate => &mut self.slates,
            Edge::Reward => &mut self.rewards,
            Edge::Drift => &mut self.drifts,
            Edge::Tie => &mut self.ties,
            Edge::End => &mut self.ends,
        } += 1;
    }
}

/// What the steps of an episode add up to, on the backend.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Life {
    pub(super) length: u32,
    pub(super) clicks: u32,
    pub(super) total: f64,
    /// The sum of the magnitudes of rewards.
    pub(super) magnitude: f64,
    /// The sum of the differences of rewards from the reference's.
    pub(super) difference: f64,
}

/// Steps some episodes on both sides.
pub(super) fn explain(
    simulation: &Simulation,
    nudged_policy: NudgedPolicy<'_>,
    [reference, subject]: [&dyn Backend; 2],
    episodes: &[u64],
) -> Result<Vec<Verdict>, Error> {
    let num_lanes = episodes.len();
    let mut oracle = reference.stepper(simulation, num_lanes)?;
    let mut found = subject.stepper(simulation, num_lanes)?;
    let starts: Vec<_> = episodes.iter().copied().map(Some).collect();
    oracle.start(&starts)?;
    found.start(&starts)?;
    let mut verdicts: Vec<Option<Verdict>> = vec![None; num_lanes];
    let mut lives = vec![Life::default(); num_lanes];
    let mut changes: Vec<f64> = Vec::new();
    let mut last: Option<[LaneState; 2]> = None;
    // The step after which the states had drifted apart, with the same deeds on both sides: something that is not seen, such as
    // the sign of a change, may have gone another way.
    let mut jumps: Vec<Option<Jump<'_>>> = (0..num_lanes).map(|_| None).collect();
    let mut last_deeds: Vec<Option<[Deed; 2]>> = vec![None; num_lanes];
    let mut has_drifted = vec![false; num_lanes];
    for step in 0..simulation.plan.num_steps() {
        if verdicts.iter().all(Option::is_some) {
            break;
        }
        let states = [oracle.state()?, found.state()?];
        add_changes(
            &mut changes,
            last.as_ref().map(|[last, _]| last),
            &states[0],
        );
        let mut taken = Vec::new();
        for stepper in [&mut oracle, &mut found] {
            let slates = stepper.recommend()?;
            let outcome = stepper.step(&slates)?;
            taken.push((slates, outcome));
        }
        let slate_size = simulation.plan.slate_size as usize;
        for lane in 0..num_lanes {
            if verdicts[lane].is_some() {
                continue;
            }
            let of = |(slates, outcome): &(Vec<u32>, StepOutcome)| Deed {
                slate: slates[lane * slate_size..][..slate_size].to_vec(),
                chosen: outcome.chosen[lane],
                reward: outcome.rewards[lane],
                has_ended: outcome.terminated[lane],
            };
            let deeds = [of(&taken[0]), of(&taken[1])];
            let difference = Difference {
                simulation,
                nudged_policy,
                backends: [reference, subject],
                episode: episodes[lane],
                step,
                before: [states[0].lane(lane), states[1].lane(lane)],
                changes: (changes.iter().skip(lane).step_by(num_lanes))
                    .copied()
                    .collect(),
                deeds: deeds.clone(),
            };
            let last_deeds_of_lane = last_deeds[lane].replace(deeds.clone());
            if !has_drifted[lane] && difference.drift().is_some() {
                // Those that begin apart have not jumped.
                has_drifted[lane] = true;
                if let (Some(last), Some(deeds)) = (&last, last_deeds_of_lane)
                    && difference.has_jumped()
                {
                    jumps[lane] = Some(Jump {
                        last: Difference {
                            step: step - 1,
                            before: [last[0].lane(lane), last[1].lane(lane)],
                            changes: difference.changes.clone(),
                            deeds,
                            ..difference
                        },
                        after: states[1].lane(lane)[0].clone(),
                    });
                }
            }
            let life = &mut lives[lane];
            life.length += 1;
            life.clicks += u32::from(deeds[1].chosen.is_some());
            life.total += deeds[1].reward;
            life.magnitude += deeds[1].reward.abs();
            if deeds[0].is_like(&deeds[1]) {
                life.difference += (deeds[0].reward - deeds[1].reward).abs();
                if deeds[0].has_ended {
                    verdicts[lane] = Some(Verdict::Alike(*life));
                }
                continue;
            }
            verdicts[lane] = Some(difference.verdict(jumps[lane].as_ref())?);
        }
        last = Some(states);
    }
    let alike = |(verdict, life): (Option<Verdict>, Life)| verdict.unwrap_or(Verdict::Alike(life));
    Ok(verdicts.into_iter().zip(lives).map(alike).collect())
}

/// Tells at which share of the steps the reference does otherwise if single precision rounds what it begins with: how sensitive
/// lives are to rounding, whatever backend they are lived on.
pub(super) fn sensitivity(
    simulation: &Simulation,
    nudged_policy: NudgedPolicy<'_>,
    reference: &dyn Backend,
    episodes: &[u64],
) -> Result<f64, Error> {
    const LAST_STEP: u32 = 400;
    let num_lanes = episodes.len();
    let mut oracle = reference.stepper(simulation, num_lanes)?;
    oracle.start(&episodes.iter().copied().map(Some).collect::<Vec<_>>())?;
    let slate_size = simulation.plan.slate_size as usize;
    let mut has_ended = vec![false; num_lanes];
    let (mut tried, mut moved) = (0_u32, 0_u64);
    let [mut next, mut after] = [0, 1];
    for step in 0..simulation.plan.num_steps().min(LAST_STEP) {
        let state = oracle.state()?;
        let slates = oracle.recommend()?;
        let outcome = oracle.step(&slates)?;
        let is_sampled = step == next;
        if is_sampled {
            // More of the first steps, which all episodes have.
            (next, after) = (after, (next + after).max(after + 1));
        }
        for lane in (0..num_lanes).filter(|&lane| is_sampled && !has_ended[lane]) {
            let deed = Deed {
                slate: slates[lane * slate_size..][..slate_size].to_vec(),
                chosen: outcome.chosen[lane],
                reward: outcome.rewards[lane],
                has_ended: outcome.terminated[lane],
            };
            let before = state.lane(lane);
            let same = Difference {
                simulation,
                nudged_policy,
                backends: [reference, reference],
                episode: episodes[lane],
                step,
                before: [before.clone(), before],
                changes: Vec::new(),
                deeds: [deed.clone(), deed],
            };
            let nudge = Nudge {
                by: LARGEST_NUDGE,
                includes_exact: true,
                is_of_sums: true,
                side: 0,
            };
            let mut rng = Philox::new(u64::from(step) ^ episodes[lane].rotate_left(32));
            for retried in same.retry(nudge, &mut rng)? {
                let is_same =
                    retried.is_same_slate && retried.outcome.has_same_outcome(&same.deeds[0]);
                tried += 1;
                moved += u64::from(!is_same);
            }
        }
        for lane in 0..num_lanes {
            has_ended[lane] |= outcome.terminated[lane];
        }
    }
    Ok(moved as f64 / f64::from(tried.max(1)))
}

/// Adds how much each number of the users has moved.
fn add_changes(changes: &mut Vec<f64>, last: Option<&LaneState>, now: &LaneState) {
    match last {
        None => changes.resize(now.users.len(), 0.0),
        Some(last) => {
            for ((change, last), now) in changes.iter_mut().zip(&last.users).zip(&now.users) {
                *change += (now - last).abs();
            }
        }
    }
}

impl LaneState {
    /// Returns the fields of the user and the memory of the policy of one lane.
    fn lane(&self, lane: usize) -> [Vec<f64>; 2] {
        let num_lanes = self.episodes.len();
        [&self.users, &self.policy].map(|all| {
            let own = all.iter().skip(lane).step_by(num_lanes);
            own.copied().collect()
        })
    }
}

/// What a user did at a step.
#[derive(Clone, Debug, PartialEq)]
struct Deed {
    slate: Vec<u32>,
    chosen: Option<u32>,
    reward: f64,
    has_ended: bool,
}

impl Deed {
    fn is_like(&self, other: &Self) -> bool {
        self.slate == other.slate && self.has_same_outcome(other)
    }

    fn has_same_outcome(&self, other: &Self) -> bool {
        self.chosen == other.chosen
            && self.has_ended == other.has_ended
            && is_same_reward(self.reward, other.reward)
    }

    fn text(&self) -> String {
        const MOST_SHOWN: usize = 8;
        let shown = &self.slate[..self.slate.len().min(MOST_SHOWN)];
        let dots = if shown.len() < self.slate.len() {
            " ..."
        } else {
            ""
        };
        let chosen = self.chosen.map_or("nothing".to_owned(), |position| {
            format!("position {position}")
        });
        let end = if self.has_ended {
            ", and the session ends"
        } else {
            ""
        };
        format!(
            "slate {shown:?}{dots}, chosen {chosen}, reward {:e}{end}",
            self.reward
        )
    }
}

/// Tells whether two rewards are the same up to rounding.
fn is_same_reward(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= SAME_REWARD * a.abs().max(1e-30)
}

/// The first difference between two lives.
struct Difference<'a> {
    simulation: &'a Simulation,
    nudged_policy: NudgedPolicy<'a>,
    /// The reference, and the backend.
    backends: [&'a dyn Backend; 2],
    episode: u64,
    step: u32,
    /// User and memory before the step: of the reference, and of the backend.
    before: [[Vec<f64>; 2]; 2],
    /// How much each number of the user has moved since the beginning.
    changes: Vec<f64>,
    /// What the reference did, and the backend.
    deeds: [Deed; 2],
}

/// What one side does if it begins where it is told.
struct Retried {
    /// Whether the slate is the other side's up to the first position where the two differ, and there.
    is_same_slate: bool,
    /// What it does with the other side's slate.
    outcome: Deed,
    /// The user after it.
    after: Vec<f64>,
}

/// A step after which the states were further apart than rounding makes them, and before not.
struct Jump<'a> {
    last: Difference<'a>,
    /// The user of the backend after it.
    after: Vec<f64>,
}

impl Jump<'_> {
    /// Tells whether the reference makes the same step if it begins a rounding away.
    fn is_explained(&self) -> Result<bool, Error> {
        let last = &self.last;
        let mut rng = Philox::new(u64::from(last.step) ^ last.episode.rotate_left(32));
        for includes_exact in [false, true] {
            for by in NUDGES {
                let nudge = Nudge {
                    by,
                    includes_exact,
                    is_of_sums: false,
                    side: 0,
                };
                let mut retried = last.retry(nudge, &mut rng)?.into_iter();
                if retried.any(|retried| last.apart(&retried.after, &self.after, 1.0).is_none()) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

/// How numbers are moved.
#[derive(Clone, Copy)]
struct Nudge {
    /// Relative to the number.
    by: f64,
    /// Whether those are moved, too, that single precision holds exactly.
    includes_exact: bool,
    /// Whether those of documents are moved by as much of the largest number that a policy sees, rather than of themselves.
    is_of_sums: bool,
    /// Which side then takes the step: 0 for the reference, which is to do what the backend did, 1 for the backend, which is
    /// to do what the reference did.
    side: usize,
}

impl Difference<'_> {
    fn verdict(&self, jump: Option<&Jump<'_>>) -> Result<Verdict, Error> {
        let [expected, found] = &self.deeds;
        let is_end = expected.slate == found.slate
            && expected.chosen == found.chosen
            && expected.has_ended != found.has_ended;
        let edge = if expected.slate != found.slate {
            Edge::Slate
        } else if is_end {
            Edge::End
        } else if expected.chosen != found.chosen {
            Edge::Choice
        } else {
            Edge::Reward
        };
        // From the backend's own state: is the step right?
        let mut rng = Philox::new(u64::from(self.step) ^ self.episode.rotate_left(32));
        let none = Nudge {
            by: 0.0,
            includes_exact: false,
            is_of_sums: false,
            side: 0,
        };
        let plain = self.retry(none, &mut rng)?;
        if plain
            .iter()
            .any(|retried| self.explains(edge, none, retried))
        {
            let Some(drift) = self.drift() else {
                return Ok(Verdict::Edge(if is_end { Edge::End } else { Edge::Drift }));
            };
            return match jump {
                Some(jump) if jump.is_explained()? => Ok(Verdict::Edge(Edge::Drift)),
                _ => Ok(self.fault(&format!("the states have drifted apart: {drift}"))),
            };
        }
        for includes_exact in [false, true] {
            // The end is a comparison with what is left of a budget, in its own size.
            let nudges = NUDGES.into_iter().filter(|&by| !is_end || by <= 1e-5);
            for (by, side) in nudges.flat_map(|by| [(by, 0), (by, 1)]) {
                let nudge = Nudge {
                    by,
                    includes_exact,
                    is_of_sums: includes_exact && edge == Edge::Slate,
                    side,
                };
                let retried = self.retry(nudge, &mut rng)?;
                if self.is_explained(edge, nudge, &retried) {
                    return Ok(Verdict::Edge(match (edge, includes_exact) {
                        (Edge::End, _) => Edge::End,
                        (_, true) => Edge::Tie,
                        (edge, false) => edge,
                    }));
                }
            }
        }
        Ok(self.fault(
            "from the same state the two do otherwise, and no rounding makes the one do what the other did",
        ))
    }

    /// Returns the largest magnitude of what the user is and the policy remembers.
    fn largest_before(&self) -> f64 {
        let before = self.before[1].iter();
        before.fold(0.0, |most, numbers| largest(numbers).max(most))
    }

    /// Returns what a side is to do.
    fn wanted(&self, nudge: Nudge) -> &Deed {
        &self.deeds[1 - nudge.side]
    }

    fn explains(&self, edge: Edge, nudge: Nudge, retried: &Retried) -> bool {
        match edge {
            Edge::Slate => retried.is_same_slate,
            _ => retried.outcome.has_same_outcome(self.wanted(nudge)),
        }
    }

    /// Tells whether one of several does what is wanted; the reward may lie between theirs.
    fn is_explained(&self, edge: Edge, nudge: Nudge, retried: &[Retried]) -> bool {
        if retried
            .iter()
            .any(|retried| self.explains(edge, nudge, retried))
        {
            return true;
        }
        if edge == Edge::Slate {
            return false;
        }
        let wanted = self.wanted(nudge);
        let alike = retried.iter().map(|retried| &retried.outcome);
        let alike =
            alike.filter(|deed| deed.chosen == wanted.chosen && deed.has_ended == wanted.has_ended);
        let (low, high) = alike.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), deed| {
            (low.min(deed.reward), high.max(deed.reward))
        });
        let room = SAME_REWARD * low.abs().max(high.abs());
        (low - room..=high + room).contains(&wanted.reward)
    }

    /// Lets one side take the step from the backend's state: with its own slate, and with the other's.
    fn retry(&self, nudge: Nudge, rng: &mut Philox) -> Result<Vec<Retried>, Error> {
        let plan = &self.simulation.plan;
        let is_drawn = plan.corpus.is_none();
        let is_nudged = nudge.by > 0.0;
        let (sets, users) = if is_nudged { (SETS, USERS) } else { (1, 1) };
        let mut retried = Vec::new();
        for set in 0..sets {
            // One set in three with the policy as it is.
            let policy = (is_nudged && set % 3 > 0).then(|| (self.nudged_policy)(nudge.by, rng));
            let mut simulation = match policy.flatten() {
                Some(nudged) => nudged,
                None => self.simulation.clone(),
            };
            simulation.plan.max_steps = plan.max_steps;
            // What is given is rounded alike on both sides.
            if is_nudged && (is_drawn || nudge.includes_exact) {
                let model = &self.simulation.model;
                let mut documents = plan.corpus.clone().unwrap_or_else(|| {
                    let (seed, count) = (plan.seed, plan.num_candidates);
                    model.sample_documents(seed, self.episode, self.step, count)
                });
                let numbers = are_numbers(&model.document_layout());
                let num_fields = documents.num_fields;
                // Scores add up the documents' numbers and those of users and memory, whose rounding is as large as they are.
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
    ) -> Result<(), Error> {
        let plan = &self.simulation.plan;
        let numbers = are_numbers(&self.simulation.model.user_layout());
        let [user, policy] = &self.before[1];
        let [exact_user, exact_policy] = &self.before[0];
        // What the reference has as an exact single is one in the backend as well, unless they differ.
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
        // Whatever it would have shown: the slate is judged by itself.
        let outcome = stepper.step_with_words(&wanted.repeat(users), &words)?;
        let after = stepper.state()?;
        let slate_size = plan.slate_size as usize;
        let [expected, found] = &self.deeds;
        let both = expected.slate.iter().zip(&found.slate);
        let same = both.take_while(|(expected, found)| expected == found);
        let decided = slate_size.min(same.count() + 1);
        for lane in 0..users {
            retried.push(Retried {
                is_same_slate: slates[lane * slate_size..][..decided] == wanted[..decided],
                outcome: Deed {
                    slate: Vec::new(),
                    chosen: outcome.chosen[lane],
                    reward: outcome.rewards[lane],
                    has_ended: outcome.terminated[lane],
                },
                after: after.lane(lane)[0].clone(),
            });
        }
        Ok(())
    }

    /// Returns the words of the step, as a backend draws them.
    fn words(&self) -> [u32; 4] {
        let episode = halves(self.episode).map(ScalarWord);
        let stream = Stream::new(
            key(self.simulation.plan.seed),
            episode,
            ScalarWord(self.step),
        );
        stream.words(STEP, ScalarWord(0)).map(|word| word.0)
    }

    /// Tells which number has drifted further than rounding makes it, if one has.
    fn drift(&self) -> Option<String> {
        let [[expected, _], [found, _]] = &self.before;
        self.apart(expected, found, 1.0)
    }

    /// Tells whether the states are so far apart that a single step has put them there: what only drifts is found before.
    fn has_jumped(&self) -> bool {
        let [[expected, _], [found, _]] = &self.before;
        self.apart(expected, found, JUMP).is_some()
    }

    /// Tells which number of two users is further apart than `factor` times what rounding makes, if one is.
    fn apart(&self, expected: &[f64], found: &[f64], factor: f64) -> Option<String> {
        let layout = self.simulation.model.user_layout();
        let names: Vec<String> = layout.iter().flat_map(Field::names).collect();
        // Single precision may keep a number as a sum of two, the second of which is what it takes from the first.
        let largest = expected
            .iter()
            .fold(0.0, |most: f64, number| most.max(number.abs()));
        let numbers = expected.iter().zip(found).zip(&self.changes);
        numbers.zip(names).find_map(|(((expected, found), changed), name)| {
            let allowed = factor * (DRIFT * (expected.abs() + changed) + SINGLE * largest);
            ((expected - found).abs() > allowed).then(|| {
                format!("`{name}` is {expected:e} on the reference and {found:e} here, {allowed:.1e} apart is allowed")
            })
        })
    }

    fn fault(&self, why: &str) -> Verdict {
        let [expected, found] = &self.deeds;
        let state = |side: usize| {
            let [user, policy] = &self.before[side];
            let some = |numbers: &[f64]| {
                let shown: Vec<String> = (numbers.iter().take(8))
                    .map(|number| format!("{number:e}"))
                    .collect();
                shown.join(", ")
            };
            let memory = match policy.is_empty() {
                true => String::new(),
                false => format!("; memory {}", some(policy)),
            };
            format!("{}{memory}", some(user))
        };
        Verdict::Fault(format!(
            "episode {}, step {}: {why}\n  reference: {}\n  here:      {}\n  user before, reference: {}\n  user before, here:      {}",
            self.episode,
            self.step,
            expected.text(),
            found.text(),
            state(0),
            state(1),
        ))
    }
}

/// Tells of each number of a struct whether it is one, and no word.
fn are_numbers(layout: &[Field]) -> Vec<bool> {
    let of_field = |field: &Field| vec![field.kind != Kind::Word; field.names().len()];
    layout.iter().flat_map(of_field).collect()
}

/// Tells whether single precision holds a number exactly.
#[allow(
    clippy::cast_possible_truncation,
    reason = "rounding is what is asked for"
)]
fn is_single(number: f64) -> bool {
    f64::from(number as f32) == number
}

/// Returns the largest magnitude of some numbers.
fn largest(numbers: &[f64]) -> f64 {
    let numbers = numbers.iter().filter(|number| number.is_finite());
    numbers.fold(0.0, |most, number| number.abs().max(most))
}

/// Moves a number a little; one that single precision holds exactly only if asked to.
fn nudged(number: f64, nudge: f64, includes_exact: bool, rng: &mut Philox) -> f64 {
    if nudge == 0.0 || (!includes_exact && is_single(number)) {
        return number;
    }
    let by = f64::from(rng.random_range(-1_000_000..=1_000_000_i32)) / 1e6;
    number * (1.0 + nudge * by)
}

/// Moves a word, which stands for a share of 2^32.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "kept within a word"
)]
fn nudged_word(word: u32, nudge: f64, rng: &mut Philox) -> u32 {
    let by = f64::from(rng.random_range(-1_000_000..=1_000_000_i32)) / 1e6;
    let moved = f64::from(word) + 4_294_967_296.0 * nudge * by;
    moved.round().clamp(0.0, f64::from(u32::MAX)) as u32
}
