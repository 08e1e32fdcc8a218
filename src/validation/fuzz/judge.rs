//! Decides whether rounding explains the first difference between two runs of an episode.

use super::difference::{Difference, SAME_REWARD, SINGLE};
use super::nudge::{LARGEST_NUDGE, NUDGES, Nudge};
use super::retry::{Retried, largest};
use super::shadow::furthest_shadow;
use super::verdict::{Edge, Verdict};
use crate::backend::Simulation;
use crate::environment::Field;
use crate::rng::Philox;
use crate::validation::error::ValidationError;

/// How far states may have drifted apart where a difference is explained by their drift, relative to their size and to all
/// changes so far.
const DRIFT: f64 = 2e-5;
/// The share of the distance that a shadow must reach for the drift to count as one of rounding.
const AS_FAR: f64 = 0.5;

/// Tells whether the policy scores by a regression over what it has observed.
fn is_regression(simulation: &Simulation) -> bool {
    let shaders = simulation.plan.policy.shaders();
    let import = "#import slatesim::posterior";
    shaders.iter().any(|shader| shader.text.contains(import))
}

impl Difference<'_> {
    pub(super) fn verdict(&self) -> Result<Verdict, ValidationError> {
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
        // The reference takes the step from the backend's state: does it do what the backend did?
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
            // The episode ends when what is left of a budget passes 0, so the rounding error is relative to what is left.
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

    /// Tells whether the reference itself mostly shows another slate if its starting numbers are nudged: a regression whose
    /// matrix single precision cannot solve may show any slate. Its starting numbers are sums, whose rounding error is that of
    /// their largest term.
    fn is_decided_by_rounding(&self, rng: &mut Philox) -> Result<bool, ValidationError> {
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

    fn explains(&self, edge: Edge, nudge: Nudge, retried: &Retried) -> bool {
        match edge {
            Edge::Slate => retried.is_same_slate,
            _ => retried.outcome.has_same_outcome(self.wanted(nudge)),
        }
    }

    /// Tells whether one of the retried steps gives the wanted result; the wanted reward may lie between theirs.
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

    /// Returns how far each number of the user may have drifted if rounding errors do not grow.
    fn allowed_drifts(&self) -> Vec<f64> {
        let [[expected, _], _] = &self.before;
        // Single precision may keep a number as the sum of two, and the rounding error is that of the larger one.
        let largest = largest(expected);
        let numbers = expected.iter().zip(&self.changes);
        let allowed =
            numbers.map(|(number, changed)| DRIFT * (number.abs() + changed) + SINGLE * largest);
        allowed.collect()
    }

    /// Finds the number that has drifted furthest beyond what is allowed, if any: how many times as far, and its name.
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
