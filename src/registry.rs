//! All environments and policies by name: from a checked configuration to something that runs.

use crate::backend::{Corpus, Model, Plan, Simulation};
use crate::choice::ChoiceModel;
use crate::config::{Catalogue, Config, ConfigError, Entry, Settings};
use crate::environment::{self, Outline};
use crate::policy::{self, PolicyModel};
use crate::rng::BLOCKS_PER_PURPOSE;
use std::sync::Arc;

/// Where an environment has neither a horizon nor a `max_steps`, episodes are truncated here, as `RecSim`'s runner does.
const DEFAULT_MAX_STEPS: u32 = 27_000;

/// Slates are held in the registers of a GPU lane, or spill from them; longer ones than this are nobody's page.
const MAX_SLATE_SIZE: u32 = 1024;

/// Declares the environments: module and definition.
macro_rules! environments {
    ($($module:ident :: $definition:ident),+ $(,)?) => {
        /// Lists the environments with their configuration keys.
        fn environment_entries() -> Vec<Entry> {
            vec![$(environment::$module::entry()),+]
        }

        /// Makes an environment and its choice model from checked settings.
        fn environment(name: &str, settings: &Settings) -> Result<(Arc<dyn Model>, ChoiceModel), ConfigError> {
            $(if name == environment::$module::NAME {
                let definition = environment::$module::$definition::new(settings)?;
                let choice = environment::$module::$definition::choice(settings)?;
                return Ok((Arc::new(definition), choice));
            })+
            unreachable!("the catalogue has no environment {name}")
        }
    };
}

environments! {
    long_term_satisfaction::LongTermSatisfactionDefinition,
}

/// Lists all environments and policies with their configuration keys.
pub fn catalogue() -> Catalogue {
    Catalogue {
        environments: environment_entries(),
        policies: policy::entries(),
    }
}

/// Makes what runs from a checked configuration.
///
/// # Errors
/// [`ConfigError`] if settings contradict each other.
pub fn simulation(config: &Config) -> Result<Simulation, ConfigError> {
    let settings = &config.environment.settings;
    let (model, choice) = environment(&config.environment.name, settings)?;
    let outline = model.outline();
    let num_candidates = settings.count("num_candidates");
    let most_candidates = BLOCKS_PER_PURPOSE / outline.document_blocks;
    if num_candidates > most_candidates {
        return Err(settings.invalid("num_candidates", format!("at most {most_candidates}")));
    }
    let slate_size = settings.count("slate_size");
    if slate_size > MAX_SLATE_SIZE {
        return Err(settings.invalid("slate_size", format!("at most {MAX_SLATE_SIZE}")));
    }
    let corpus = (!settings.boolean("resample_documents"))
        .then(|| corpus(model.as_ref(), config.seed, num_candidates, settings));
    let default_max_steps = if outline.horizon.is_some() {
        u32::MAX
    } else {
        DEFAULT_MAX_STEPS
    };
    let plan = Plan {
        seed: config.seed,
        max_steps: config.max_steps.unwrap_or(default_max_steps),
        num_candidates,
        slate_size,
        corpus,
        choice,
        policy: policy_of(config, &outline)?,
        outline,
    };
    Ok(Simulation { model, plan })
}

fn policy_of(config: &Config, outline: &Outline) -> Result<PolicyModel, ConfigError> {
    PolicyModel::new(&config.policy.name, &config.policy.settings, outline)
}

/// Draws the corpus of the seed, and puts what the configuration gives over it.
fn corpus(model: &dyn Model, seed: u64, num_candidates: u32, settings: &Settings) -> Corpus {
    let mut corpus = model.sample_corpus(seed, num_candidates);
    if let Some(given) = settings
        .declares("document.corpus")
        .then(|| settings.corpus("document.corpus"))
        .flatten()
    {
        let names = model.document_fields();
        for (name, values) in &given.columns {
            let field = names
                .iter()
                .position(|field| field == name)
                .expect("a corpus has columns that documents have");
            for (document, &value) in corpus
                .fields
                .chunks_exact_mut(corpus.num_fields)
                .zip(values)
            {
                document[field] = value;
            }
        }
    }
    corpus
}
