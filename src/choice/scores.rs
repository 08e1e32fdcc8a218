//! The scores that an environment can give, so that choice models refuse parameters with which no score is of use.

use crate::config::{ConfigError, Settings};

/// What an environment knows of the scores that it gives to documents.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// No score is larger in magnitude.
    pub bound: f64,
    /// The key that the bound comes from.
    pub key: &'static str,
    /// How scores come from its value, for errors: `features of which 20 make scores`.
    pub origin: String,
}

impl Scores {
    /// Refuses scores that can be larger than `most` in magnitude; `reason` goes on the sentence about them.
    ///
    /// # Errors
    /// [`ConfigError`] for the key that the scores come from.
    pub fn check_at_most(
        &self,
        settings: &Settings,
        most: f64,
        reason: &str,
    ) -> Result<(), ConfigError> {
        if self.bound > most {
            let allowed = format!("{} up to {most}, {reason}", self.origin);
            return Err(settings.invalid(self.key, allowed));
        }
        Ok(())
    }

    /// Refuses a floor that no score reaches; `key` is the key of the floor.
    ///
    /// # Errors
    /// [`ConfigError`] for `key`.
    pub fn check_floor(
        &self,
        settings: &Settings,
        key: &'static str,
        floor: f64,
    ) -> Result<(), ConfigError> {
        if floor > self.bound {
            let allowed = format!("at most {}, the highest score there can be", self.bound);
            return Err(settings.invalid(key, allowed));
        }
        Ok(())
    }
}
