//! Weights of a policy.

mod read;

pub(super) use read::read;

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::nearest::nearest_name;
use super::quote::clip;

/// Holds named tensors, and where they were given.
///
/// Numbers are rounded to single precision, so that all backends compute with the same numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// Where they were given.
    pub source: WeightsSource,
    /// The tensors, ordered by name.
    pub tensors: Vec<Tensor>,
}

/// Says where weights were given.
///
/// Two files are equal if their hashes are, whatever their paths.
#[derive(Debug, Clone)]
pub enum WeightsSource {
    /// One list of numbers in the configuration: the tensor `weight`.
    List,
    /// A list of layers in the configuration, each a list of units, each a list of numbers of which the last is the bias:
    /// the tensors `layers.0.weight`, `layers.0.bias`, and so on.
    Layers,
    /// A file.
    File {
        /// Its path.
        path: PathBuf,
        /// FNV-1a of its bytes, 64 bits.
        hash: u64,
    },
}

impl PartialEq for WeightsSource {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::List, Self::List) | (Self::Layers, Self::Layers) => true,
            (Self::File { hash, .. }, Self::File { hash: other, .. }) => hash == other,
            _ => false,
        }
    }
}

/// Holds an array of numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// Its shape, the slowest index first.
    pub shape: Vec<usize>,
    /// Its numbers, row by row.
    pub values: Vec<f64>,
}

impl Weights {
    /// Returns the tensor of a name.
    #[must_use]
    pub fn tensor(&self, name: &str) -> Option<&Tensor> {
        self.tensors.iter().find(|tensor| tensor.name == name)
    }

    /// Lists the tensors with their shapes, for a message.
    #[must_use]
    pub fn listed(&self) -> String {
        if self.tensors.is_empty() {
            return "no tensors".to_owned();
        }
        let tensor = |tensor: &Tensor| format!("{} {:?}", tensor.name, tensor.shape);
        clip(
            &self
                .tensors
                .iter()
                .map(tensor)
                .collect::<Vec<_>>()
                .join(", "),
        )
    }

    /// Refuses tensors that are not expected: a misspelt bias would count as no bias, and a tensor beside the layers would be
    /// ignored.
    ///
    /// # Errors
    /// A sentence that names an unexpected tensor (preferably one spelled like a missing name of `possible`, with that name),
    /// and what is allowed.
    pub fn refuse_unasked(
        &self,
        is_asked: impl Fn(&Tensor) -> bool,
        possible: &[String],
        allowed: &str,
    ) -> Result<(), String> {
        let absent = possible.iter().filter(|name| self.tensor(name).is_none());
        let absent: Vec<&str> = absent.map(String::as_str).collect();
        let unasked = self.tensors.iter().filter(|tensor| !is_asked(tensor));
        let hinted = unasked.map(|tensor| {
            let nearest = nearest_name(&tensor.name, absent.iter().copied());
            (&tensor.name, nearest)
        });
        let mut first = None;
        for (name, nearest) in hinted {
            if nearest.is_some() {
                first = Some((name, nearest));
                break;
            }
            first = first.or(Some((name, None)));
        }
        let Some((name, nearest)) = first else {
            return Ok(());
        };
        let hint = nearest.map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"));
        let name = clip(name);
        Err(format!(
            "its tensor `{name}` is not asked for{hint}: allowed are {allowed}"
        ))
    }

    /// Writes the inline form of [`WeightsSource::Layers`] back.
    fn layers(&self) -> Vec<Vec<Vec<f64>>> {
        let layer = |index: usize| {
            let weight = self.tensor(&format!("layers.{index}.weight"))?;
            let bias = self.tensor(&format!("layers.{index}.bias"))?;
            let units = weight.values.chunks(weight.shape[1]);
            let unit = |(weights, &bias): (&[f64], &f64)| [weights, &[bias]].concat();
            Some(units.zip(&bias.values).map(unit).collect())
        };
        (0..).map_while(layer).collect()
    }
}

/// Keys under which weights from a file are written.
const PATH: &str = "file";
const HASH: &str = "fnv1a64";

impl Serialize for Weights {
    /// Writes the inline form, or the path and the hash of the file.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.source {
            WeightsSource::List => self.tensors[0].values.serialize(serializer),
            WeightsSource::Layers => self.layers().serialize(serializer),
            WeightsSource::File { path, hash } => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry(PATH, &path.to_string_lossy())?;
                map.serialize_entry(HASH, &format!("{hash:016x}"))?;
                map.end()
            }
        }
    }
}

impl fmt::Display for Weights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            WeightsSource::List => write!(f, "{:?}", self.tensors[0].values),
            WeightsSource::Layers => write!(f, "{:?}", self.layers()),
            WeightsSource::File { path, .. } => write!(f, "{:?}", path.to_string_lossy()),
        }
    }
}
