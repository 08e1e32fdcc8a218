//! Configurations and backends from Python's values.

use crate::errors::{Kind, exception, raise};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use slatesim::backend::{BackendChoice, BackendSettings, Opened, open};
use slatesim::config::{ConfigFile, Override, Sources};
use std::path::PathBuf;

/// One value: where it was given, its dotted key, and the value itself.
pub(crate) type Given<'py> = (String, String, Bound<'py, PyAny>);

/// Combines a file and values, later ones over earlier ones.
pub(crate) fn sources(
    py: Python<'_>,
    file: Option<PathBuf>,
    values: Vec<Given<'_>>,
) -> PyResult<Sources> {
    let mut sources = Sources::new();
    if let Some(path) = file {
        // Another thread may have to write what is read here.
        let file = py.detach(|| ConfigFile::read(path));
        let file = file.map_err(|error| raise(py, error))?;
        sources = sources.with_file(file);
    }
    for (place, key, value) in values {
        let value = text_of(&value, &key)?;
        sources = sources.with_override(Override::flag(&place, &key, value));
    }
    Ok(sources)
}

/// The deepest nesting of lists and tables.
const DEEPEST: usize = 32;

/// Writes a value of Python as TOML; `key` is its key, for errors.
pub(crate) fn text_of(value: &Bound<'_, PyAny>, key: &str) -> PyResult<String> {
    Ok(toml_of(value, key, 0)?.to_string())
}

/// Turns a value of Python into one of TOML, within `depth` lists and tables.
fn toml_of(value: &Bound<'_, PyAny>, key: &str, depth: usize) -> PyResult<toml::Value> {
    if depth > DEEPEST {
        let message = format!(
            "`{key}` is nested deeper than {DEEPEST} lists and tables, which is not allowed"
        );
        return Err(exception(value.py(), Kind::Config, message));
    }
    if let Some(plain) = plain(value, key, depth)? {
        return Ok(plain);
    }
    // Arrays and numbers of NumPy, columns of data frames.
    if value.hasattr("tolist")? {
        let listed = value.call_method0("tolist")?;
        if let Some(plain) = plain(&listed, key, depth + 1)? {
            return Ok(plain);
        }
    }
    if let Ok(path) = value.extract::<PathBuf>() {
        return Ok(toml::Value::String(path.display().to_string()));
    }
    // Numbers of other libraries, and those of NumPy that Python has not.
    if value.hasattr("__float__")? {
        return Ok(toml::Value::Float(value.extract()?));
    }
    let type_name = value.get_type().name()?;
    let message = format!(
        "`{key}` is of the type {type_name}; allowed are numbers, texts, switches, paths, and lists, tables and arrays of them"
    );
    Err(exception(value.py(), Kind::Config, message))
}

/// Turns a value of Python's own types into one of TOML; `None` if it is of another type.
fn plain(value: &Bound<'_, PyAny>, key: &str, depth: usize) -> PyResult<Option<toml::Value>> {
    Ok(Some(if let Ok(switch) = value.cast::<PyBool>() {
        toml::Value::Boolean(switch.is_true())
    } else if value.cast::<PyInt>().is_ok() {
        // TOML has no larger integers; a seed may be a text.
        match value.extract::<i64>() {
            Ok(integer) => toml::Value::Integer(integer),
            Err(_) => toml::Value::String(value.str()?.to_str()?.to_owned()),
        }
    } else if let Ok(number) = value.cast::<PyFloat>() {
        toml::Value::Float(number.value())
    } else if let Ok(text) = value.cast::<PyString>() {
        toml::Value::String(text.to_str()?.to_owned())
    } else if let Ok(table) = value.cast::<PyDict>() {
        let mut entries = toml::Table::new();
        for (name, value) in table.iter() {
            let Ok(name) = name.extract::<String>() else {
                let message = format!("`{key}` has the key {name:?}; allowed are texts");
                return Err(exception(value.py(), Kind::Config, message));
            };
            entries.insert(name, toml_of(&value, key, depth + 1)?);
        }
        toml::Value::Table(entries)
    } else if value.cast::<PyList>().is_ok() || value.cast::<PyTuple>().is_ok() {
        let entries = value.try_iter()?;
        let entries = entries.map(|entry| toml_of(&entry?, key, depth + 1));
        toml::Value::Array(entries.collect::<PyResult<_>>()?)
    } else {
        return Ok(None);
    }))
}

/// The settings of a backend, as Python gives them.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct BackendArgs {
    backend: String,
    num_threads: Option<usize>,
    batch_size: Option<u32>,
    adapter: Option<String>,
}

impl BackendArgs {
    /// Returns how many episodes run together, if that was given.
    pub(crate) fn batch_size(&self) -> Option<u64> {
        self.batch_size.map(u64::from)
    }

    /// Opens the backend.
    pub(crate) fn open(&self, py: Python<'_>) -> PyResult<Opened> {
        let choice = self.backend.parse::<BackendChoice>();
        let choice = choice.map_err(|error| raise(py, error))?;
        let adapter = match &self.adapter {
            None => None,
            Some(text) => Some(text.parse().map_err(|error| {
                exception(py, Kind::Config, format!("`adapter` = {text:?}: {error}"))
            })?),
        };
        let settings = BackendSettings {
            threads: self.num_threads,
            batch_size: self.batch_size,
            adapter,
        };
        py.detach(|| open(choice, settings))
            .map_err(|error| raise(py, error))
    }
}
