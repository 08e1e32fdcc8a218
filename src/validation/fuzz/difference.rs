//! The first difference between two lives, and whether rounding explains it.

use super::explain::{Edge, Verdict};
use super::retry::{LARGEST_NUDGE, NUDGES, Nudge, NudgedPolicy, Retried, largest};
use super::shadow::furthest_shadow;
use crate::backend::{Backend, Simulation};
use crate::environment::Field;
use crate::error::Error;
use crate::rng::Philox;

/// Relative difference of a reward that rounding explains: an exponential of arguments up to some 40, and some operations.
const SAME_REWARD: f64 = 3e-5;
/// How far states may have drifted apart at a difference that their drift makes, relative to their size and to all changes so far.
const DRIFT: f64 = 2e-5;
/// A state has drifted as far as rounding takes it if a shadow goes this share of the distance.
const AS_FAR: f64 = 0.5;
/// The rounding error of single precision.
pub(super) const SINGLE: f64 = 1.2e-7;

/// What a user did at a step.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Deed {
    pub(super) slate: Vec<u32>,
    pub(super) chosen: Option<u32>,
    pub(super) reward: f64,
    pub(super) has_ended: bool,
}

impl Deed {
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.slate == other.slate && self.has_same_outcome(other)
    }

    pub(super) fn has_same_outcome(&self, other: &Self) -> bool {
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
pub(super) struct Difference<'a> {
    pub(super) simulation: &'a Simulation,
    pub(super) nudged_policy: NudgedPolicy<'a>,
    /// The reference, and the backend.
    pub(super) backends: [&'a dyn Backend; 2],
    pub(super) episode: u64,
    pub(super) step: u32,
    /// User and memory before the step: of the reference, and of the backend.
    pub(super) before: [[Vec<f64>; 2]; 2],
    /// How much each number of the user has moved since the beginning.
    pub(super) changes: Vec<f64>,
    /// What the reference did, and the backend.
    pub(super) deeds: [Deed; 2],
}

/// Tells whether a policy scores by a regression over what it has seen.
fn is_regression(simulation: &Simulation) -> bool {
    let shaders = simulation.plan.policy.shaders();
    let import = "#import slatesim::posterior";
    shaders.iter().any(|shader| shader.text.contains(import))
}

impl Difference<'_> {
    pub(super) fn verdict(&self) -> Result<Verdict, Error> {
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
            let allowed = self.allowed_drifts();
            let Some((excess, drift)) = self.drift(&allowed) else {
                return Ok(Verdict::Edge(if is_end { Edge::End } else { Edge::Drift }));
            };
            return Ok(if furthest_shadow(self, &allowed)? >= AS_FAR * excess {
                Verdict::Edge(Edge::Drift)
            } else {
                self.fault(&format!("the states have drifted apart: {drift}"))
            });
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
        if edge == Edge::Slate && self.is_decided_by_rounding(&mut rng)? {
            return Ok(Verdict::Edge(Edge::Tie));
        }
        Ok(self.fault(
            "from the same state the two do otherwise, and no rounding makes the one do what the other did",
        ))
    }

    /// Tells whether the reference itself mostly shows another slate if what it begins with is rounded: a regression whose matrix
    /// single precision cannot solve shows any. What such a one begins with is sums, rounded as their largest term is.
    fn is_decided_by_rounding(&self, rng: &mut Philox) -> Result<bool, Error> {
        let nudge = Nudge {
            by: LARGEST_NUDGE,
            includes_exact: true,
            is_of_sums: is_regression(self.simulation),
            side: 0,
        };
        let retried = self.retry(nudge, rng)?;
        let others = retried.iter().filter(|retried| !retried.shows_own_slate);
        Ok(2 * others.count() > retried.len())
    }

    /// Returns what a side is to do.
    pub(super) fn wanted(&self, nudge: Nudge) -> &Deed {
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

    /// Returns how far each number of the user may have drifted in a stable life.
    fn allowed_drifts(&self) -> Vec<f64> {
        let [[expected, _], _] = &self.before;
        // Single precision may keep a number as a sum of two, the second of which is what it takes from the first.
        let largest = largest(expected);
        let numbers = expected.iter().zip(&self.changes);
        let allowed =
            numbers.map(|(number, changed)| DRIFT * (number.abs() + changed) + SINGLE * largest);
        allowed.collect()
    }

    /// Tells how many times as far as allowed a number has drifted, and which one, if one has: the one that has drifted furthest.
    fn drift(&self, allowed: &[f64]) -> Option<(f64, String)> {
        let [[expected, _], [found, _]] = &self.before;
        let names = self.simulation.model.user_layout();
        let names = names.iter().flat_map(Field::names);
        let numbers = expected.iter().zip(found).zip(allowed).zip(names);
        let excess = |expected: f64, found: f64, allowed: f64| (expected - found).abs() / allowed;
        let furthest = numbers
            .map(|(((expected, found), allowed), name)| {
                let text = format!(
                    "`{name}` is {expected:e} on the reference and {found:e} here, {allowed:.1e} apart is allowed"
                );
                (excess(*expected, *found, *allowed), text)
            })
            .max_by(|(a, _), (b, _)| a.total_cmp(b));
        furthest.filter(|(excess, _)| *excess > 1.0)
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
