//! Writes a linear bandit as JSON, and reads it.
//!
//! ```json
//! {"format": "slatesim linear_bandit", "version": 1, "options": {...}, "layout": {...}, "state": {...}}
//! ```

use super::error::AgentError;
use super::layout::Layout;
use super::linear_bandit::{LinearBandit, dimension};
use super::linear_model::LinearState;
use super::linear_options::LinearBanditOptions;
use super::saved::{Source, load, save};
use serde::Serialize;
use std::path::Path;

const FORMAT: &str = "slatesim linear_bandit";
/// Rises if older versions cannot read what is saved.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Saved<'a> {
    format: &'static str,
    version: u32,
    options: &'a LinearBanditOptions,
    layout: &'a Layout,
    state: &'a LinearState,
}

fn read(source: &Source<'_>, text: &str) -> Result<LinearBandit, AgentError> {
    let mut object = source.object(text, FORMAT, VERSION)?;
    let options: LinearBanditOptions =
        source.read_struct("options", source.take(&mut object, "options")?)?;
    options.check()?;
    let layout = source.layout(&mut object)?;
    let state: LinearState = source.read_struct("state", source.take(&mut object, "state")?)?;
    if let Some(field) = object.keys().next() {
        return Err(source.refuse(field, "is unknown"));
    }
    let dim = dimension(&layout, &options);
    let window = match options.algorithm.is_logistic() {
        true => state.observations.min(u64::from(options.window)),
        false => 0,
    };
    let rows = usize::try_from(window).unwrap_or(usize::MAX);
    let lengths = [
        (
            "state.precision",
            state.precision.len(),
            dim.saturating_mul(dim),
        ),
        ("state.response", state.response.len(), dim),
        (
            "state.features",
            state.features.len(),
            rows.saturating_mul(dim),
        ),
        ("state.rewards", state.rewards.len(), rows),
    ];
    for (field, given, expected) in lengths {
        if given != expected {
            let problem = format!("has {given} numbers, expected {expected}");
            return Err(source.refuse(field, problem));
        }
    }
    LinearBandit::of_parts(options, layout, state)
}

impl LinearBandit {
    /// Writes the whole agent as JSON: its state and its options.
    ///
    /// # Panics
    /// Never: everything in it has a form in JSON.
    pub fn to_json(&self) -> String {
        let saved = Saved {
            format: FORMAT,
            version: VERSION,
            options: &self.options,
            layout: &self.layout,
            state: &self.model.state,
        };
        serde_json::to_string(&saved).expect("names, numbers and lists have a form in JSON")
    }

    /// Reads an agent that [`to_json`](Self::to_json) has written; it continues as that agent would have.
    ///
    /// # Errors
    /// [`AgentError::Syntax`] for a text that is no JSON; [`AgentError::Field`] for a value that no saved agent has, with the
    /// name of the field; [`AgentError::Option`] and [`AgentError::NoContext`] as [`new`](Self::new).
    pub fn from_json(text: &str) -> Result<Self, AgentError> {
        read(&Source("the text"), text)
    }

    /// Saves the agent to a file, which is written beside its place and moved there when it is complete.
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
        read(&Source(&path.display().to_string()), &load(path)?)
    }
}
