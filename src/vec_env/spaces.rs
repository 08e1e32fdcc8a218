//! Descriptions of the arrays between an agent and its environments.

use crate::backend::{Columns, Plan};
use crate::environment::{Field, Kind, Observable};
use serde::Serialize;
use std::ops::Range;

/// The type of the numbers of an array; serialised under its name in `NumPy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum DataType {
    /// Single precision.
    Float32,
    /// 32 bits without sign.
    Uint32,
}

/// Describes one array.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Space {
    /// The lengths of its axes.
    pub shape: Vec<usize>,
    /// The type of its numbers.
    pub dtype: DataType,
    /// The observables along its last axis in order, with bounds.
    pub columns: Vec<Observable>,
}

impl Space {
    /// Finds an observable by name; returns its place along the last axis.
    pub fn columns(&self, name: &str) -> Option<Range<usize>> {
        let mut end = 0;
        self.columns.iter().find_map(|observable| {
            let first = end;
            end += observable.length;
            (observable.name == name).then_some(first..end)
        })
    }
}

/// Describes the arrays that go in and out of a [`VecEnv`](super::VecEnv); they never change.
///
/// The shapes are those of environments of one user. With several users, users, responses and slates have two axes, `num_envs`
/// and `users_per_env`, instead of `num_envs`.
///
/// ```
/// use slatesim::backend::{Simulation, cpu::cpu};
/// use slatesim::vec_env::VecEnv;
///
/// let simulation = Simulation::of("interest_evolution").set("num_candidates", 10)?.set("slate_size", 2)?.build()?;
/// let spaces = VecEnv::new(&simulation, &cpu(Some(1))?, 3)?.spaces();
/// assert_eq!(spaces.slates.shape, [3, 2]);
/// assert_eq!(spaces.documents.shape[..2], [3, 10]);
/// for observable in &spaces.responses.columns {
///     println!("{} of {}", observable.length, observable.name);
/// }
/// let watch_time = spaces.responses.columns("watch_time").expect("it is observed");
/// assert_eq!(watch_time.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Spaces {
    /// [`Observation::users`](super::Observation::users), shape `[num_envs, user_size]`.
    pub users: Space,
    /// [`Observation::documents`](super::Observation::documents), shape
    /// `[num_envs, num_candidates, document_size]`, or `[num_candidates, document_size]` where they are shared.
    pub documents: Space,
    /// [`Observation::responses`](super::Observation::responses), shape `[num_envs, slate_size, response_size]`.
    pub responses: Space,
    /// The slates that [`step`](super::VecEnv::step) takes, shape `[num_envs, slate_size]`.
    ///
    /// [`EMPTY`](super::EMPTY) at the end of a slate is allowed as well.
    pub slates: Space,
}

impl Spaces {
    /// Describes the arrays of chosen columns; `users` are the leading axes of arrays of users, the first of them that of the
    /// environments.
    pub(super) fn new(plan: &Plan, fields: &[Field], columns: &Columns, users: &[usize]) -> Self {
        let outline = &plan.outline;
        let slate_size = plan.slate_size as usize;
        let observed = |axes: &[usize], columns: Vec<Observable>| {
            let last = columns.iter().map(|observable| observable.length).sum();
            Space {
                shape: [axes, &[last]].concat(),
                dtype: DataType::Float32,
                columns,
            }
        };
        let num_candidates = plan.num_candidates as usize;
        let document_axes: &[usize] = match plan.corpus {
            Some(_) => &[num_candidates],
            None => &[users[0], num_candidates],
        };
        let slate_axes = [users, &[slate_size]].concat();
        let hidden: Vec<Observable> = fields.iter().map(hidden).collect();
        let mut of_users = chosen(&outline.user, &columns.users);
        of_users.extend(chosen(&hidden, &columns.hidden));
        Self {
            users: observed(users, of_users),
            documents: observed(document_axes, chosen(&outline.document, &columns.documents)),
            responses: observed(&slate_axes, chosen(&outline.response, &columns.responses)),
            slates: Space {
                shape: slate_axes,
                dtype: DataType::Uint32,
                columns: vec![Observable {
                    length: slate_size,
                    ..Observable::discrete("candidate", plan.num_candidates)
                }],
            },
        }
    }
}

/// Describes a field of the state of users, whose bounds nobody has declared.
pub(super) fn hidden(field: &Field) -> Observable {
    let number = Observable::number(field.name, f64::NEG_INFINITY, f64::INFINITY);
    match field.kind {
        Kind::Number => number,
        Kind::Numbers(length) => Observable { length, ..number },
        Kind::Word => Observable {
            low: 0.0,
            discrete: true,
            ..number
        },
    }
}

/// Returns the observables some of whose numbers are chosen, which are all of them or none.
fn chosen(observables: &[Observable], numbers: &[usize]) -> Vec<Observable> {
    let mut chosen = Vec::new();
    let mut first = 0;
    for observable in observables {
        if numbers.contains(&first) {
            chosen.push(observable.clone());
        }
        first += observable.length;
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_name_at_their_place() {
        let feature = |name, length| Observable {
            length,
            ..Observable::number(name, 0.0, 1.0)
        };
        let space = Space {
            shape: vec![5, 6],
            dtype: DataType::Float32,
            columns: vec![
                feature("quality", 1),
                feature("features", 4),
                feature("length", 1),
            ],
        };
        assert_eq!(space.columns("quality"), Some(0..1));
        assert_eq!(space.columns("features"), Some(1..5));
        assert_eq!(space.columns("length"), Some(5..6));
        assert_eq!(space.columns("topic"), None);
    }
}
