//! Reading weights: inline, or from a safetensors file.

use safetensors::{Dtype, SafeTensors};
use toml::Value as Toml;

use super::{Tensor, Weights, WeightsSource};
use crate::config::assignment::Assignment;
use crate::config::named_file::{named_bytes, resolve_path};
use crate::config::quote::{clip, type_name};
use crate::config::value::number;
use crate::config::{Allowed, ConfigError};

/// Reads the weights that are given for a key.
///
/// A relative path is relative to the folder of the configuration file that names it, or for a flag to the working folder.
pub(in crate::config) fn read(given: &Assignment) -> Result<Weights, ConfigError> {
    match &given.value {
        Toml::Array(list) if !list.is_empty() => inline(given),
        Toml::String(path) if !path.trim().is_empty() => {
            let path = resolve_path(path, &given.origin);
            let bytes = named_bytes(&given.key, &path)?;
            let tensors = tensors(&bytes).map_err(|problem| ConfigError::Weights {
                key: given.key.clone(),
                value: clip(&given.value.to_string()),
                problem,
                origin: given.origin.clone(),
            })?;
            let hash = fnv1a(&bytes);
            Ok(Weights {
                source: WeightsSource::File { path, hash },
                tensors,
            })
        }
        other => Err(ConfigError::WrongType {
            key: given.key.clone(),
            value: clip(&other.to_string()),
            found: type_name(other),
            allowed: Allowed::Weights.to_string(),
            origin: given.origin.clone(),
        }),
    }
}

/// Reads `[0.5, 0.7]` or `[[[0.5, 0.7, 0.1], ...], ...]`.
fn inline(given: &Assignment) -> Result<Weights, ConfigError> {
    let bad = |problem: String| ConfigError::Weights {
        key: given.key.clone(),
        value: clip(&given.value.to_string()),
        problem,
        origin: given.origin.clone(),
    };
    let list = given.value.as_array().map_or(&[][..], Vec::as_slice);
    let numbers = |list: &[Toml], place: &str| -> Result<Vec<f64>, ConfigError> {
        let values = list.iter().map(|value| number(value).map(single));
        let values: Option<Vec<f64>> = values.collect();
        let values = values.ok_or_else(|| bad(format!("it is not {}", Allowed::Weights)))?;
        match values.iter().position(|value| !value.is_finite()) {
            Some(at) => Err(bad(format!(
                "number {at}{place} is {:?}; allowed are finite 32-bit numbers",
                number(&list[at]).unwrap_or(f64::NAN)
            ))),
            None => Ok(values),
        }
    };
    if list.iter().all(|value| number(value).is_some()) {
        let values = numbers(list, "")?;
        let tensor = Tensor {
            name: "weight".to_owned(),
            shape: vec![values.len()],
            values,
        };
        return Ok(Weights {
            source: WeightsSource::List,
            tensors: vec![tensor],
        });
    }
    let mut tensors = Vec::new();
    for (index, layer) in list.iter().enumerate() {
        let units = layer.as_array().map_or(&[][..], Vec::as_slice);
        let rows = units
            .iter()
            .zip(0..)
            .map(|(unit, row): (&Toml, usize)| {
                let place = format!(" of unit {row} of layer {index}");
                numbers(unit.as_array().map_or(&[][..], Vec::as_slice), &place)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let width = rows.first().map_or(0, Vec::len);
        if width < 2 || rows.iter().any(|row| row.len() != width) {
            return Err(bad(format!(
                "layer {index} is no list of units of equal length, each a list of weights and a bias"
            )));
        }
        let split = rows.iter().filter_map(|row| row.split_last());
        let (biases, weights): (Vec<f64>, Vec<&[f64]>) =
            split.map(|(bias, weights)| (*bias, weights)).unzip();
        tensors.push(Tensor {
            name: format!("layers.{index}.weight"),
            shape: vec![rows.len(), width - 1],
            values: weights.concat(),
        });
        tensors.push(Tensor {
            name: format!("layers.{index}.bias"),
            shape: vec![rows.len()],
            values: biases,
        });
    }
    Ok(Weights {
        source: WeightsSource::Layers,
        tensors,
    })
}

/// Rounds to single precision.
#[allow(clippy::cast_possible_truncation, reason = "rounding is the purpose")]
fn single(value: f64) -> f64 {
    f64::from(value as f32)
}

/// Reads the tensors of a safetensors file, or returns what is wrong with it.
fn tensors(bytes: &[u8]) -> Result<Vec<Tensor>, String> {
    let file = SafeTensors::deserialize(bytes)
        .map_err(|error| format!("it is not a safetensors file: {error}"))?;
    let mut tensors = file
        .iter()
        .map(|(name, view)| {
            let values: Vec<f64> = match view.dtype() {
                Dtype::F32 => view
                    .data()
                    .as_chunks::<4>()
                    .0
                    .iter()
                    .map(|bytes| f64::from(f32::from_le_bytes(*bytes)))
                    .collect(),
                Dtype::F64 => view
                    .data()
                    .as_chunks::<8>()
                    .0
                    .iter()
                    .map(|bytes| single(f64::from_le_bytes(*bytes)))
                    .collect(),
                dtype => {
                    return Err(format!(
                        "its tensor `{name}` is of type {dtype}; allowed is F32 or F64"
                    ));
                }
            };
            match values.iter().position(|value| !value.is_finite()) {
                Some(position) => Err(format!(
                    "its tensor `{name}` of shape {:?} holds {} at place {position}; allowed are finite 32-bit numbers",
                    view.shape(),
                    values[position]
                )),
                None => Ok(Tensor {
                    name: name.to_owned(),
                    shape: view.shape().to_vec(),
                    values,
                }),
            }
        })
        .collect::<Result<Vec<_>, String>>()?;
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(tensors)
}

/// Hashes bytes, to tell one set of weights from another; not safe against deliberate collisions.
///
/// # Source
/// Fowler, Noll and Vo, FNV-1a, 64 bits.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Entry, Key};
    use safetensors::tensor::{TensorView, serialize};

    fn entry() -> Entry {
        Entry::policy("scorer", "", vec![Key::weights("weights").of_any_type()])
    }

    /// Writes a file of one tensor and reads it as the key of a policy.
    fn of_file(dtype: Dtype, shape: &[usize], data: &[u8]) -> Result<Weights, String> {
        let view = TensorView::new(dtype, shape.to_vec(), data).unwrap();
        let bytes = serialize([("weight", view)], None).unwrap();
        of_bytes(&bytes)
    }

    fn of_bytes(bytes: &[u8]) -> Result<Weights, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.safetensors");
        std::fs::write(&path, bytes).unwrap();
        of_text(&format!("weights={:?}", path.to_str().unwrap()))
    }

    fn of_text(text: &str) -> Result<Weights, String> {
        let settings = entry().settings_with(&[text]);
        let settings = settings.map_err(|error| error.to_string())?;
        Ok(settings.read("weights"))
    }

    /// Known answers of the FNV authors' test suite.
    #[test]
    fn the_hash_is_fnv1a() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn numbers_of_both_precisions_are_read_and_rounded_to_single() {
        let singles: Vec<u8> = [0.1f32, -2.5]
            .iter()
            .flat_map(|x| x.to_le_bytes())
            .collect();
        let weights = of_file(Dtype::F32, &[1, 2], &singles).unwrap();
        assert_eq!(weights.tensors[0].shape, [1, 2]);
        assert_eq!(weights.tensors[0].values, [f64::from(0.1f32), -2.5]);
        let doubles: Vec<u8> = [0.1f64].iter().flat_map(|x| x.to_le_bytes()).collect();
        let weights = of_file(Dtype::F64, &[1], &doubles).unwrap();
        assert_eq!(weights.tensors[0].values, [f64::from(0.1f32)]);
        let json = serde_json::to_value(&weights).unwrap();
        assert_eq!(json["fnv1a64"].as_str().unwrap().len(), 16);
    }

    #[test]
    fn weights_of_two_files_are_equal_where_the_contents_are() {
        let source = |path: &str, hash| WeightsSource::File {
            path: path.into(),
            hash,
        };
        assert_eq!(source("a", 1), source("b", 1));
        assert_ne!(source("a", 1), source("a", 2));
        assert_ne!(source("a", 1), WeightsSource::List);
        assert_ne!(WeightsSource::Layers, WeightsSource::List);
    }

    #[test]
    fn a_file_that_holds_no_usable_numbers_is_refused_with_key_tensor_and_reason() {
        let refusal =
            |dtype, shape: &[usize], data: &[u8]| of_file(dtype, shape, data).unwrap_err();
        let dtype = refusal(Dtype::I32, &[1], &[0; 4]);
        assert!(dtype.starts_with("`policy.weights` = "), "{dtype}");
        assert!(
            dtype.contains("`weight` is of type I32; allowed is F32 or F64"),
            "{dtype}"
        );
        let nan = refusal(Dtype::F32, &[1], &f32::NAN.to_le_bytes());
        assert!(
            nan.contains("`weight` of shape [1] holds NaN at place 0"),
            "{nan}"
        );
        let large = refusal(Dtype::F64, &[1], &1e300f64.to_le_bytes());
        assert!(large.contains("holds inf"), "{large}");
        let other = of_bytes(b"no tensors in here").unwrap_err();
        assert!(other.contains("it is not a safetensors file"), "{other}");
        let missing = of_text("weights=\"/no/such/file\"").unwrap_err();
        assert!(
            missing.contains("`policy.weights` names, /no/such/file"),
            "{missing}"
        );
    }

    #[test]
    fn inline_weights_are_a_list_or_layers_and_are_written_back_as_they_were() {
        for text in [
            "[0.5,-1.0]",
            "[[[1.0,2.0,0.5],[0.0,1.0,0.0]],[[3.0,4.0,0.25]]]",
        ] {
            let weights = of_text(&format!("weights={text}")).unwrap();
            assert_eq!(serde_json::to_string(&weights).unwrap(), text);
        }
        let layers = of_text("weights=[[[1, 2, 0.5], [0, 1, 0]], [[3, 4, 0.25]]]").unwrap();
        assert_eq!(
            layers.tensor("layers.0.weight").unwrap().values,
            [1.0, 2.0, 0.0, 1.0]
        );
        assert_eq!(layers.tensor("layers.0.bias").unwrap().values, [0.5, 0.0]);
        assert_eq!(layers.tensor("layers.1.weight").unwrap().shape, [1, 2]);
        for bad in [
            "[[[1, 2], [1]]]",
            "[1, nan]",
            "[[1, 2]]",
            "7",
            "[]",
            "[\"a\"]",
        ] {
            let error = of_text(&format!("weights={bad}")).unwrap_err();
            assert!(error.starts_with("`policy.weights`"), "{bad}: {error}");
        }
        let infinite = of_text("weights=[[[1, 2], [1, 1e39]]]").unwrap_err();
        assert!(
            infinite.contains("number 1 of unit 1 of layer 0 is 1e39; allowed are finite 32-bit"),
            "{infinite}"
        );
    }
}
