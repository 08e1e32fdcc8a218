//! The documents that all users share where `resample_documents` = false: drawn, and overwritten with those that are given.

use super::Registry;
use crate::backend::{Corpus, Model};
use crate::config::{self, CommonKeys, Config, ConfigError, SeedKeys, Settings};
use crate::environment::{Field, Kind};
use crate::memory;
use std::sync::Arc;

impl Registry {
    /// Draws the documents of a configuration with `resample_documents` = false, in the form that `document.corpus` takes: with
    /// the columns of that key, or with all fields of a document if an environment has no such key.
    ///
    /// # Errors
    /// [`ConfigError`] if settings contradict each other.
    ///
    /// # Panics
    /// As [`Registry::simulation`].
    pub fn corpus(&self, config: &Config) -> Result<config::Corpus, ConfigError> {
        let settings = &config.environment.settings;
        let registered = self
            .entry(&config.environment.name)
            .expect("the environment of a configuration is registered");
        let (model, _) = self.make(&config.environment.name, settings)?;
        let num_candidates = CommonKeys::read(settings).num_candidates;
        let drawn = draw_corpus(
            model.as_ref(),
            document_seed(config),
            num_candidates,
            settings,
        )?;
        let layout = model.document_layout();
        let names: Vec<String> = layout.iter().flat_map(Field::names).collect();
        let column = |name: &str| -> Option<Vec<f64>> {
            let field = names.iter().position(|field| field == name)?;
            let documents = drawn.fields.chunks_exact(drawn.num_fields);
            Some(documents.map(|document| document[field]).collect())
        };
        let fields = names.iter().map(String::as_str);
        let asked_for = registered.entry.corpus_columns(settings, fields.clone());
        let asked_for =
            asked_for.unwrap_or_else(|| fields.map(|name| (name.to_owned(), false)).collect());
        let columns = asked_for.into_iter().filter_map(|(name, is_optional)| {
            let values = column(&name)?;
            // An optional column of zeros means nothing, and is left out.
            let is_nothing = is_optional && values.iter().all(|&value| value == 0.0);
            (!is_nothing).then_some((name, values))
        });
        Ok(config::Corpus::of_columns(columns.collect()))
    }
}

/// Returns the seed of the corpus.
pub(super) fn document_seed(config: &Config) -> u64 {
    let settings = &config.environment.settings;
    let own = settings
        .declares(SeedKeys::document_seed)
        .then(|| SeedKeys::read(settings).document_seed);
    own.flatten().unwrap_or(config.seed)
}

/// Rounds to single precision, in which lanes compute, so that the reference has the same documents.
#[allow(
    clippy::cast_possible_truncation,
    reason = "rounding to single precision is what this does"
)]
fn single(number: f64) -> f64 {
    f64::from(number as f32)
}

/// Draws the corpus from the seed, and overwrites it with the documents that the configuration gives.
pub(super) fn draw_corpus(
    model: &dyn Model,
    seed: u64,
    num_candidates: u32,
    settings: &Settings,
) -> Result<Corpus, ConfigError> {
    let num_fields = model.num_fields().1 as u64;
    let bytes = num_fields * u64::from(num_candidates) * 8;
    if let Some(available) = memory::available()
        && bytes > available
    {
        let allowed = format!(
            "as many documents as can be held: these take {}, and {} are available",
            memory::told(bytes),
            memory::told(available)
        );
        return Err(settings.invalid(CommonKeys::num_candidates, allowed));
    }
    let mut corpus = model.sample_corpus(seed, num_candidates);
    let fields = Arc::make_mut(&mut corpus.fields);
    for field in fields.iter_mut() {
        *field = single(*field);
    }
    let given = settings
        .declares("document.corpus")
        .then(|| settings.read::<Option<config::Corpus>>("document.corpus"))
        .flatten();
    let Some(given) = given else {
        return Ok(corpus);
    };
    let layout = model.document_layout();
    let names: Vec<String> = layout.iter().flat_map(Field::names).collect();
    // A list must be given completely, since missing entries would be drawn.
    for field in &layout {
        let entries = field.names();
        let is_given = |name: &String| given.columns.iter().any(|(column, _)| column == name);
        if let (Kind::Numbers(length), true) = (field.kind, entries.iter().any(is_given))
            && !entries.iter().all(is_given)
        {
            let allowed = format!(
                "documents with all {length} of {}[0], {0}[1], ...",
                field.name
            );
            return Err(settings.invalid("document.corpus", allowed));
        }
    }
    for (name, values) in &given.columns {
        let Some(field) = names.iter().position(|field| field == name) else {
            let allowed = format!("documents of {}", names.join(", "));
            return Err(settings.invalid("document.corpus", allowed));
        };
        let documents = fields.chunks_exact_mut(corpus.num_fields);
        for (document, &value) in documents.zip(values) {
            document[field] = single(value);
        }
    }
    Ok(corpus)
}
