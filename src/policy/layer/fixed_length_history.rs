//! The last few observations of the user and of responses, for the policy to read. Twin:
//! `shaders/policy/layer/fixed_length_history.wgsl`.
//!
//! ```text
//! state = (entry 0, entry 1, ...), the newest first;   entry = (user_t, responses to the slate of step t - 1)
//! ```
//!
//! The first entry of an episode has an observation of the user but no response yet: that part is zero, and so are all entries
//! before it. Responses stand position by position.
//!
//! # Source
//! `RecSim`'s `FixedLengthHistoryLayer`, which also counts the observation at the start as an entry.

use super::{Layer, LayerDefinition};
use crate::config::{ConfigError, Entry, Settings};
use crate::keys;
use crate::number::Number;
use crate::policy::{Feedback, Offer, PolicyContext};
use crate::shader::{ShaderDef, ShaderDefs, ShaderSource, embedded};
use crate::specimen::Specimen;

/// The name in configurations.
const NAME: &str = "fixed_length_history";
/// The most numbers of a history.
const MAX_NUMBERS: u32 = 1024;

keys! {
    /// The keys of the layer.
    pub struct Keys from "RecSim 0.2.4, FixedLengthHistoryLayer" {
        /// entries, the newest first; all together have at most 1024 numbers
        history_length: u32 = integer("history_length", 1, 1, MAX_NUMBERS).in_unit("entries"),
        /// keep what was observed of the user
        remember_user: bool = boolean("remember_user", true),
        /// keep what was observed of the responses to the slate before
        remember_response: bool = boolean("remember_response", true),
    }
}

/// The host twin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedLengthHistory {
    /// How many entries there are.
    pub history_length: usize,
    /// Numbers of the user in an entry.
    pub user_size: usize,
    /// Numbers of the response to one document in an entry.
    pub response_size: usize,
    /// Documents in a slate.
    pub slate_size: usize,
}

impl FixedLengthHistory {
    fn entry_size(&self) -> usize {
        self.user_size + self.slate_size * self.response_size
    }
}

impl LayerDefinition for FixedLengthHistory {
    type Twin<N: Number> = Self;

    fn twin<N: Number>(&self) -> Self {
        *self
    }

    fn entry() -> Entry {
        let about = "the last few observations of the user and responses, for the policy to see";
        Entry::layer(NAME, about, Keys::declared())
    }

    fn specimens() -> Vec<Specimen> {
        vec![Specimen::composed(&[
            "policy.layer.name=fixed_length_history",
        ])]
    }

    fn new(settings: &Settings, context: &PolicyContext<'_>) -> Result<Self, ConfigError> {
        let keys = Keys::read(settings);
        let kept = |is_kept: bool, size: usize| if is_kept { size } else { 0 };
        let layer = Self {
            history_length: keys.history_length as usize,
            user_size: kept(keys.remember_user, context.outline.user_size()),
            response_size: kept(keys.remember_response, context.outline.response_size()),
            slate_size: context.slate_size as usize,
        };
        let (entry, most) = (layer.entry_size(), MAX_NUMBERS as usize);
        if entry == 0 {
            let needs = "something to remember: users or responses of which something is observed";
            return Err(settings.unfit(NAME, needs));
        }
        if layer.history_length.saturating_mul(entry) > most {
            let allowed = format!("at most {}: entries have {entry} numbers", most / entry);
            return Err(settings.invalid(Keys::history_length, allowed));
        }
        Ok(layer)
    }

    fn shader(&self) -> ShaderSource {
        embedded!(
            "layer::fixed_length_history",
            "policy/layer/fixed_length_history.wgsl"
        )
    }

    fn shader_defs(&self) -> ShaderDefs {
        let size = |name: &str, size: usize| {
            let size = u32::try_from(size).expect("histories are short");
            (name.to_owned(), ShaderDef::UInt(size))
        };
        ShaderDefs::from([
            size("HISTORY_NUMBERS", self.state_size()),
            size("HISTORY_ENTRY", self.entry_size()),
            size("HISTORY_USER", self.user_size),
            size("HISTORY_RESPONSE", self.response_size),
            (
                "REMEMBERS_USER".to_owned(),
                ShaderDef::Bool(self.user_size > 0),
            ),
        ])
    }

    fn state_size(&self) -> usize {
        self.history_length * self.entry_size()
    }
}

impl<N: Number> Layer<N> for FixedLengthHistory {
    #[inline(always)]
    fn prepare(&self, offer: &mut dyn Offer<N>, state: &mut [N]) {
        if self.user_size > 0 {
            offer.observe_user(&mut state[..self.user_size]);
        }
    }

    #[inline(always)]
    fn observe(&self, feedback: &mut dyn Feedback<N>, state: &mut [N]) {
        let entry = self.entry_size();
        state.copy_within(..state.len() - entry, entry);
        if self.response_size > 0 {
            let responses = state[self.user_size..entry].chunks_exact_mut(self.response_size);
            for (position, response) in responses.enumerate() {
                feedback.observe_response(position, response);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::listed::Listed;

    #[test]
    fn the_newest_comes_first_and_the_start_counts_as_an_entry() {
        let layer = FixedLengthHistory {
            history_length: 3,
            user_size: 1,
            response_size: 2,
            slate_size: 1,
        };
        let mut state = [0.0; 9];
        let mut expected = vec![0.0; 9];
        for step in 0..5 {
            let user = 10.0 + f64::from(step);
            let mut seen = Listed {
                user: vec![user],
                responses: vec![vec![user + 0.25, user + 0.5]],
                ..Listed::features(&[0.0])
            };
            layer.prepare(&mut seen, &mut state);
            let response = if step == 0 {
                [0.0, 0.0]
            } else {
                [user - 0.75, user - 0.5]
            };
            expected.splice(0..0, [user, response[0], response[1]]);
            assert_eq!(state, expected[..9], "step {step}");
            layer.observe(&mut seen, &mut state);
        }
    }
}
