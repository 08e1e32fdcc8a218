//! Settings under which a model is checked: each model brings its own.
//!
//! `slatesim validate` runs them on a backend beside the reference, tests compose and lay out the shaders of each, and faults are
//! planted under them.

/// The source of most figures.
pub(crate) const RECSIM: &str = "RecSim 0.2.4, 10,000 episodes";

/// Settings under which a model is checked, and what is known about the result.
#[derive(Clone, Debug, PartialEq)]
pub struct Specimen {
    /// A name for it; the seed of its episodes follows from it.
    pub name: &'static str,
    /// What is set, as `--set` takes it; the name of the model that brings it may be left out.
    pub settings: Vec<String>,
    /// Figures that are known from outside.
    pub known: Vec<Known>,
    /// Whether episodes are run, rather than the shaders composed only.
    pub is_run: bool,
}

/// A number known from outside, with its standard error; 0 for closed forms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Known {
    /// Where it comes from.
    pub source: &'static str,
    /// Which figure it is.
    pub figure: Figure,
    /// The value.
    pub mean: f64,
    /// Its standard error.
    pub standard_error: f64,
}

/// A figure of a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// Mean return.
    Return,
    /// Mean least-squares slope of reward over the step.
    RewardSlope,
    /// Mean length.
    Length,
    /// Clicks by user-steps.
    ClickRate,
}

impl Specimen {
    /// Names settings that episodes are run under.
    #[must_use]
    pub fn new(name: &'static str, settings: &[&str]) -> Self {
        Self {
            name,
            settings: settings.iter().map(|&setting| setting.to_owned()).collect(),
            known: Vec::new(),
            is_run: true,
        }
    }

    /// Lists settings whose shaders are composed only: they differ from those of another specimen, and what they do does not.
    #[must_use]
    pub fn composed(settings: &[&str]) -> Self {
        Self {
            is_run: false,
            ..Self::new("composed only", settings)
        }
    }

    /// Returns what the settings give a key.
    #[must_use]
    pub fn given(&self, key: &str) -> Option<&str> {
        let mut settings = self.settings.iter();
        settings.find_map(|setting| setting.strip_prefix(key)?.strip_prefix('='))
    }

    /// Gives a key a value, unless the settings give it one.
    pub(crate) fn with(mut self, key: &str, value: &str) -> Self {
        if self.given(key).is_none() {
            self.settings.push(format!("{key}={value}"));
        }
        self
    }

    /// Adds what is known about a figure.
    #[must_use]
    pub fn knows(
        mut self,
        source: &'static str,
        figure: Figure,
        mean: f64,
        standard_error: f64,
    ) -> Self {
        self.known.push(Known {
            source,
            figure,
            mean,
            standard_error,
        });
        self
    }
}
