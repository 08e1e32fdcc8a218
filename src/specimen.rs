//! Specimens: settings under which a model is checked. Each model has its own.
//!
//! `slatesim validate` runs them on a backend and on the reference; tests compose the shaders of each and compare their layouts
//! with the Rust twins, and check that planted faults are found.

/// The source of most known figures.
pub(crate) const RECSIM: &str = "RecSim 0.2.4, 10,000 episodes";

/// Settings under which a model is checked, and what is known about the result.
#[derive(Clone, Debug, PartialEq)]
pub struct Specimen {
    /// A name for it; the seed of its episodes follows from it.
    pub name: &'static str,
    /// The settings, as `--set` takes them; the name of the model that they belong to may be left out.
    pub settings: Vec<String>,
    /// Figures that are known from outside.
    pub known: Vec<Known>,
    /// Whether episodes are run; if not, only the shaders are composed.
    pub is_run: bool,
}

/// A known number, with its standard error, which is 0 for closed forms.
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
    /// Clicks per user-step.
    ClickRate,
}

impl Specimen {
    /// Makes a specimen whose episodes are run.
    #[must_use]
    pub fn new(name: &'static str, settings: &[&str]) -> Self {
        Self {
            name,
            settings: settings.iter().map(|&setting| setting.to_owned()).collect(),
            known: Vec::new(),
            is_run: true,
        }
    }

    /// Makes a specimen whose shaders are only composed: they differ from those of another specimen, but not in what they do.
    #[must_use]
    pub fn composed(settings: &[&str]) -> Self {
        Self {
            is_run: false,
            ..Self::new("composed only", settings)
        }
    }

    /// Returns the value of a key in the settings.
    #[must_use]
    pub fn given(&self, key: &str) -> Option<&str> {
        let mut settings = self.settings.iter();
        settings.find_map(|setting| setting.strip_prefix(key)?.strip_prefix('='))
    }

    /// Sets a key, unless the settings have it already.
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
