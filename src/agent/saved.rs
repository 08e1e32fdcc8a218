//! Writes an agent as JSON, and reads it.
//!
//! ```json
//! {"format": "slatesim tabular_q", "version": 1, "options": {...}, "layout": {...}, "counters": {...},
//!  "table": [{"key": [0, 3], "value": 4.0, "count": 17}, ...]}
//! ```

use super::error::AgentError;
use super::layout::Layout;
use super::options::TabularQOptions;
use super::q_table::{Entry, QTable};
use super::tabular_q::{Counters, TabularQ};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const FORMAT: &str = "slatesim tabular_q";
/// Rises if older versions cannot read what is saved.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Saved<'a> {
    format: &'static str,
    version: u32,
    options: &'a TabularQOptions,
    layout: &'a Layout,
    counters: &'a Counters,
    table: Vec<Row<&'a [u32]>>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row<K> {
    key: K,
    value: f64,
    count: u64,
}

/// The name of the file that a saved agent is read from, for messages.
pub(super) struct Source<'a>(pub(super) &'a str);

impl Source<'_> {
    pub(super) fn refuse(&self, field: &str, problem: impl Into<String>) -> AgentError {
        AgentError::Field {
            origin: self.0.to_owned(),
            field: field.to_owned(),
            problem: problem.into(),
        }
    }

    /// Takes a field out of an object.
    pub(super) fn take(
        &self,
        object: &mut Map<String, Value>,
        field: &str,
    ) -> Result<Value, AgentError> {
        object
            .remove(field)
            .ok_or_else(|| self.refuse(field, "is missing"))
    }

    fn read<T: DeserializeOwned>(&self, field: &str, value: Value) -> Result<T, AgentError> {
        serde_json::from_value(value)
            .map_err(|error| self.refuse(field, format!("cannot be read: {error}")))
    }

    /// Reads a struct; the error names the field that cannot be read.
    pub(super) fn read_struct<T>(&self, name: &str, value: Value) -> Result<T, AgentError>
    where
        T: Default + Serialize + DeserializeOwned,
    {
        let error = match serde_json::from_value(value.clone()) {
            Ok(read) => return Ok(read),
            Err(error) => error,
        };
        // Tries each field among valid ones: the first that makes reading fail is the wrong one.
        let good = serde_json::to_value(T::default()).ok();
        if let (Value::Object(given), Some(Value::Object(good))) = (value, good) {
            let mut known = good.keys();
            if let Some(field) = known.find(|field| !given.contains_key(*field)) {
                return Err(self.refuse(&format!("{name}.{field}"), "is missing"));
            }
            for (field, value) in given {
                let mut among_good = good.clone();
                among_good.insert(field.clone(), value);
                self.read::<T>(&format!("{name}.{field}"), Value::Object(among_good))?;
            }
        }
        Err(self.refuse(name, format!("cannot be read: {error}")))
    }

    /// Reads the object of a saved agent, checks format and version, and removes these.
    pub(super) fn object(
        &self,
        text: &str,
        format: &str,
        version: u32,
    ) -> Result<Map<String, Value>, AgentError> {
        let value: Value = serde_json::from_str(text).map_err(|source| AgentError::Syntax {
            origin: self.0.to_owned(),
            source,
        })?;
        let Value::Object(mut object) = value else {
            return Err(self.refuse("format", "is missing"));
        };
        let given: String = self.read("format", self.take(&mut object, "format")?)?;
        if given != format {
            return Err(self.refuse("format", format!("is {given:?}, expected {format:?}")));
        }
        let given: u32 = self.read("version", self.take(&mut object, "version")?)?;
        if given != version {
            let problem = format!("is {given}; this slatesim reads version {version}");
            return Err(self.refuse("version", problem));
        }
        Ok(object)
    }

    /// Reads the layout of keys.
    pub(super) fn layout(&self, object: &mut Map<String, Value>) -> Result<Layout, AgentError> {
        let layout: Layout = self.read_struct("layout", self.take(object, "layout")?)?;
        match layout.problem() {
            Some((field, problem)) => Err(self.refuse(field, problem)),
            None => Ok(layout),
        }
    }

    fn agent(&self, text: &str) -> Result<TabularQ, AgentError> {
        let mut object = self.object(text, FORMAT, VERSION)?;
        let options = self.read_struct("options", self.take(&mut object, "options")?)?;
        let layout = self.layout(&mut object)?;
        let counters: Counters =
            self.read_struct("counters", self.take(&mut object, "counters")?)?;
        if !(0.0..=1.0).contains(&counters.temperature) {
            let problem = format!("is {}, expected from 0 to 1", counters.temperature);
            return Err(self.refuse("counters.temperature", problem));
        }
        let rows: Vec<Value> = self.read("table", self.take(&mut object, "table")?)?;
        if let Some(field) = object.keys().next() {
            return Err(self.refuse(field, "is unknown"));
        }
        let table = self.table(rows, layout.key_length())?;
        TabularQ::of_parts(options, layout, counters, table)
    }

    fn table(&self, rows: Vec<Value>, key_length: usize) -> Result<QTable, AgentError> {
        let mut table = QTable::default();
        for (number, row) in rows.into_iter().enumerate() {
            let name = format!("table[{number}]");
            let Row::<Vec<u32>> { key, value, count } = self.read_struct(&name, row)?;
            if key.len() != key_length {
                let problem = format!("has {} numbers, expected {key_length}", key.len());
                return Err(self.refuse(&format!("{name}.key"), problem));
            }
            if table.insert(&key, Entry { value, count }).is_some() {
                return Err(self.refuse(&format!("{name}.key"), "stands there twice"));
            }
        }
        Ok(table)
    }
}

impl TabularQ {
    /// Writes the whole agent as JSON: its table, its options and its counters.
    ///
    /// # Panics
    /// Never: everything in it has a form in JSON.
    pub fn to_json(&self) -> String {
        let rows = self.table.iter();
        let saved = Saved {
            format: FORMAT,
            version: VERSION,
            options: &self.options,
            layout: &self.layout,
            counters: &self.counters,
            table: rows
                .map(|(key, Entry { value, count })| Row { key, value, count })
                .collect(),
        };
        serde_json::to_string(&saved).expect("names, numbers and lists have a form in JSON")
    }

    /// Reads an agent that [`to_json`](Self::to_json) has written; it continues as that agent would have.
    ///
    /// # Errors
    /// [`AgentError::Syntax`] for a text that is no JSON; [`AgentError::Field`] for a value that no saved agent has, with the
    /// name of the field; [`AgentError::Option`] and [`AgentError::Slates`] as [`new`](Self::new).
    pub fn from_json(text: &str) -> Result<Self, AgentError> {
        Source("the text").agent(text)
    }

    /// Saves the agent to a file, which is written beside its place and moved there when it is complete: no reader finds a part
    /// of it, and an old file stays until then.
    ///
    /// # Errors
    /// [`AgentError::File`] if the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), AgentError> {
        save(path.as_ref(), &self.to_json())
    }

    /// Loads an agent from a file; see [`from_json`](Self::from_json).
    ///
    /// # Errors
    /// [`AgentError::File`] if the file cannot be read; else those of [`from_json`](Self::from_json).
    pub fn load(path: impl AsRef<Path>) -> Result<Self, AgentError> {
        let path = path.as_ref();
        let text = load(path)?;
        Source(&path.display().to_string()).agent(&text)
    }
}

/// Writes a text beside a file, and moves it to the file's place.
pub(super) fn save(path: &Path, text: &str) -> Result<(), AgentError> {
    let beside = beside(path);
    let written = write(&beside, text).and_then(|()| fs::rename(&beside, path));
    written.map_err(|source| {
        // The file may not exist, and the cause of the failure is already known.
        let _ = fs::remove_file(&beside);
        failure("save to", path, source)
    })
}

/// Reads the text of a file.
pub(super) fn load(path: &Path) -> Result<String, AgentError> {
    fs::read_to_string(path).map_err(|source| failure("load", path, source))
}

fn failure(action: &'static str, path: &Path, source: io::Error) -> AgentError {
    AgentError::File {
        action,
        path: path.display().to_string(),
        source,
    }
}

/// Names a file in the same folder, by the number of this process, that can be moved to the file's place.
fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}", std::process::id()));
    path.with_file_name(name)
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
