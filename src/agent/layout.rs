//! The layout of a key: which observed numbers it has, in which order.

use super::discretisation::Bins;
use super::error::AgentError;
use crate::environment::Observable;
use crate::vec_env::{AutoresetMode, Space, Spaces, VecEnv};
use ndarray::{ArrayView1, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

/// The most numbers that a saved agent may have observed of a document or of a user: far more than any environment has.
const MAX_COLUMNS: usize = 1 << 24;

/// The sizes and observations from which an agent makes keys of situations and slates.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Layout {
    /// How many documents are offered.
    pub(super) num_candidates: u32,
    /// How many of them are shown.
    pub(super) slate_size: u32,
    /// The observed quantities of a document.
    pub(super) document: Vec<Leaf>,
    /// The observed quantities of the user.
    pub(super) user: Vec<Leaf>,
}

/// An observed quantity.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Leaf {
    pub(super) name: String,
    /// Its first column in the observation.
    pub(super) column: usize,
    /// How many numbers it has.
    pub(super) length: usize,
    /// How many values it has, if these are whole numbers.
    pub(super) values: Option<u32>,
}

/// A situation, as whole numbers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Situation {
    /// The numbers of each candidate.
    documents: Vec<Vec<u32>>,
    /// The numbers of the user.
    user: Vec<u32>,
}

impl Situation {
    /// Writes the key of a slate.
    pub(super) fn key(&self, slate: &[u32], key: &mut Vec<u32>) {
        key.clear();
        for &candidate in slate {
            key.extend(&self.documents[candidate as usize]);
        }
        key.extend(&self.user);
    }
}

/// Lists the observed quantities in alphabetical order, each with its columns.
fn leaves(space: &Space) -> Vec<Leaf> {
    let mut column = 0;
    let leaf = |observable: &Observable| {
        let leaf = Leaf {
            name: observable.name.to_owned(),
            column,
            length: observable.length,
            values: observable.discrete.then(|| num_values(observable)),
        };
        column += observable.length;
        leaf
    };
    let mut leaves: Vec<Leaf> = space.columns.iter().map(leaf).collect();
    leaves.sort_by(|a, b| a.name.cmp(&b.name));
    leaves
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "discrete observables count from 0, and the conversion saturates"
)]
fn num_values(observable: &Observable) -> u32 {
    (observable.high as u32).saturating_add(1)
}

/// Appends the whole numbers of an observation.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole numbers from 0, and the conversion saturates"
)]
fn discretise(leaves: &[Leaf], bins: &Bins, observed: ArrayView1<'_, f32>) -> Vec<u32> {
    let number = |leaf: &Leaf, column: usize| match leaf.values {
        Some(_) => observed[column] as u32,
        None => bins.bin(f64::from(observed[column])),
    };
    let numbers = leaves.iter().flat_map(|leaf| {
        let columns = leaf.column..leaf.column + leaf.length;
        columns.map(move |column| number(leaf, column))
    });
    numbers.collect()
}

fn describe(leaves: &[Leaf]) -> String {
    let one = |leaf: &Leaf| match leaf.values {
        Some(values) => format!("{} (below {values})", leaf.name),
        None if leaf.length > 1 => format!("{} ({} numbers)", leaf.name, leaf.length),
        None => leaf.name.clone(),
    };
    match leaves {
        [] => "nothing".to_owned(),
        _ => leaves.iter().map(one).collect::<Vec<_>>().join(", "),
    }
}

impl Layout {
    /// Makes the layout of keys from the spaces of an environment.
    pub(super) fn new(spaces: &Spaces) -> Self {
        let size = |length: usize| u32::try_from(length).expect("sizes are counted in 32 bits");
        let documents = &spaces.documents;
        Self {
            num_candidates: size(documents.shape[documents.shape.len() - 2]),
            slate_size: size(*spaces.slates.shape.last().expect("slates have positions")),
            document: leaves(documents),
            user: leaves(&spaces.users),
        }
    }

    /// Finds what is wrong with a layout that was read: the field, and the problem. Observed quantities must fill the columns
    /// from 0 on, without gaps.
    pub(super) fn problem(&self) -> Option<(&'static str, String)> {
        let of = |field: &'static str, leaves: &[Leaf]| {
            let mut leaves: Vec<&Leaf> = leaves.iter().collect();
            leaves.sort_by_key(|leaf| leaf.column);
            let mut end = 0;
            for leaf in leaves {
                if leaf.column != end || leaf.length > MAX_COLUMNS - end {
                    let problem = format!(
                        "has {:?} of {} numbers in column {}, expected column {end}, and at most {MAX_COLUMNS} columns",
                        leaf.name, leaf.length, leaf.column
                    );
                    return Some((field, problem));
                }
                end += leaf.length;
            }
            None
        };
        of("layout.document", &self.document).or_else(|| of("layout.user", &self.user))
    }

    /// Counts the numbers of a document and those of the user.
    pub(super) fn sizes(&self) -> [usize; 2] {
        let size = |leaves: &[Leaf]| leaves.iter().map(|leaf| leaf.length).sum();
        [size(&self.document), size(&self.user)]
    }

    /// Counts the numbers of a key.
    pub(super) fn key_length(&self) -> usize {
        let [document, user] = self.sizes();
        self.slate_size as usize * document + user
    }

    /// Returns how many states there are, if the state is one whole number.
    pub(super) fn num_states(&self) -> Option<u32> {
        match self.user.as_slice() {
            [state] if state.length == 1 => state.values,
            _ => None,
        }
    }

    /// Refuses an environment with another layout.
    fn check(&self, spaces: &Spaces) -> Result<(), AgentError> {
        let found = Self::new(spaces);
        if found == *self {
            return Ok(());
        }
        let mut differing = found.describe().into_iter().zip(self.describe());
        let (given, expected) = differing
            .find(|(given, expected)| given != expected)
            .unwrap_or_else(|| {
                let columns = |of: &str| format!("what it shows in {of} columns");
                (columns("other"), columns("its own"))
            });
        Err(AgentError::Environment { given, expected })
    }

    /// Refuses environments with another layout, or whose new episodes do not begin within the step that ends the old ones.
    pub(super) fn check_env(&self, env: &VecEnv) -> Result<(), AgentError> {
        self.check(&env.spaces())?;
        let mode = |mode: AutoresetMode| format!("autoreset mode {mode:?}");
        match env.autoreset_mode() {
            AutoresetMode::SameStep => Ok(()),
            other => Err(AgentError::Environment {
                given: mode(other),
                expected: mode(AutoresetMode::SameStep),
            }),
        }
    }

    /// Describes the layout, part by part.
    fn describe(&self) -> [String; 4] {
        [
            format!("{} candidates", self.num_candidates),
            format!("slates of {}", self.slate_size),
            format!("documents that show {}", describe(&self.document)),
            format!("users who show {}", describe(&self.user)),
        ]
    }

    /// Turns an observation into a situation.
    pub(super) fn situation(
        &self,
        bins: &Bins,
        user: ArrayView1<'_, f32>,
        documents: ArrayView2<'_, f32>,
    ) -> Situation {
        let documents = documents.axis_iter(Axis(0));
        Situation {
            documents: documents
                .map(|document| discretise(&self.document, bins, document))
                .collect(),
            user: discretise(&self.user, bins, user),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vec_env::DataType;

    fn observed(columns: Vec<Observable>) -> Vec<Leaf> {
        leaves(&Space {
            shape: vec![1, columns.iter().map(|observable| observable.length).sum()],
            dtype: DataType::Float32,
            columns,
        })
    }

    /// `RecSim` 0.2.4, `test_dicretize_gym_leaf`: a box of two by two, and a discrete space.
    #[test]
    fn observations_become_the_whole_numbers_of_recsim() {
        let bins = Bins::new(0.0, 10.0, 100);
        let square = observed(vec![Observable {
            length: 4,
            ..Observable::number("square", 0.0, 10.0)
        }]);
        let numbers = [-1e-5, 10.0 - 1e-5, 11.0, 0.0];
        let found = discretise(&square, &bins, ArrayView1::from(&numbers));
        assert_eq!(found, [0, 99, 100, 1]);
        let discrete = observed(vec![Observable::discrete("discrete", 5)]);
        assert_eq!(discretise(&discrete, &bins, ArrayView1::from(&[4.0])), [4]);
    }

    #[test]
    fn numbers_are_in_alphabetical_order_of_their_names() {
        let bins = Bins::new(0.0, 1.0, 11);
        let features = Observable {
            length: 2,
            ..Observable::number("features", 0.0, 1.0)
        };
        let leaves = observed(vec![
            Observable::number("quality", 0.0, 1.0),
            features,
            Observable::discrete("cluster_id", 20),
        ]);
        let document = [0.15, 0.25, 0.35, 17.0];
        let found = discretise(&leaves, &bins, ArrayView1::from(&document));
        assert_eq!(found, [17, 3, 4, 2]);
        let described = describe(&leaves);
        assert_eq!(
            described,
            "cluster_id (below 20), features (2 numbers), quality"
        );
    }
}
