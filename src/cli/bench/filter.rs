//! `--environment` and `--policy`: what of everything is measured.

use crate::cli::usage::Usage;
use crate::config::Catalogue;

/// Names of environments and policies; none stands for all.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Filter<'a> {
    environments: &'a [String],
    policies: &'a [String],
}

impl<'a> Filter<'a> {
    /// Checks the names.
    pub(super) fn new(
        environments: &'a [String],
        policies: &'a [String],
        catalogue: &Catalogue,
    ) -> Result<Self, Usage> {
        let known = catalogue.environments.iter().map(|entry| entry.name);
        Usage::unless_known("--environment", environments, &known.collect::<Vec<_>>())?;
        let known = catalogue.policies.iter().map(|entry| entry.name);
        Usage::unless_known("--policy", policies, &known.collect::<Vec<_>>())?;
        Ok(Self {
            environments,
            policies,
        })
    }

    pub(super) fn has_environment(&self, name: &str) -> bool {
        has(self.environments, name)
    }

    pub(super) fn has_policy(&self, name: &str) -> bool {
        has(self.policies, name)
    }

    /// The error where nothing is left.
    pub(super) fn nothing(&self) -> Usage {
        let names = |names: &[String], all: &str| match names {
            [] => all.to_owned(),
            _ => names.join(", "),
        };
        Usage(format!(
            "nothing to measure: `--policy` = {} does not run with default settings in `--environment` = {}; policies \
             with keys that must be given, and those that need what an environment lacks, are not measured",
            names(self.policies, "any"),
            names(self.environments, "any"),
        ))
    }
}

fn has(names: &[String], name: &str) -> bool {
    names.is_empty() || names.iter().any(|given| given == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_names_stand_for_all() {
        let filter = Filter::default();
        assert!(filter.has_environment("any") && filter.has_policy("any"));
    }
}
