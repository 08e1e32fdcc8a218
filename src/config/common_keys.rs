//! The keys that every run and every environment have, and the conditions between them.

use super::{Bounds, ConfigError, Key, Origin, Settings, Value};
use crate::keys;

keys! {
    /// The keys of a run that belong to neither the environment nor the policy.
    pub(super) struct RunKeys {
        /// key of all random numbers; above 2^63 - 1 as a string
        seed: u64 = unsigned("seed", 0, 0, u64::MAX),
        /// episodes to simulate
        episodes: u64 = unsigned("episodes", 10_000, 1, 1 << 63).in_unit("episodes"),
        /// steps after which an episode is truncated
        max_steps: Option<u32> = optional_integer("max_steps", 1, u32::MAX).in_unit("steps"),
        /// discount, or a list of discounts, of returns that are told besides the plain one
        discount: Option<Vec<f64>> = optional_numbers("discount", Bounds::UNIT),
    }
}

/// Lists the keys of a run that are neither the environment's nor the policy's.
#[must_use]
pub fn run_keys() -> Vec<Key> {
    RunKeys::declared()
}

/// Each document takes at least one random block at every step, and this is the number of blocks of a purpose.
pub(crate) const MOST_CANDIDATES: u32 = crate::rng::BLOCKS_PER_PURPOSE;

/// A GPU lane holds a slate in registers, or in slower memory if it is long; no real page has more positions than this.
pub(crate) const MOST_POSITIONS: u32 = 1024;

keys! {
    /// The keys that every environment has.
    pub(crate) struct CommonKeys from "RecSim 0.2.4, env_config of create_environment" {
        /// documents offered at a step; where it is not given and `document.corpus` is, as many as there are in it
        num_candidates: u32 = integer("num_candidates", 10, 1, MOST_CANDIDATES).in_unit("documents"),
        /// documents in a slate
        slate_size: u32 = integer("slate_size", 2, 1, MOST_POSITIONS).in_unit("documents"),
        /// draw new documents at every step; false: one corpus for all users and episodes
        resample_documents: bool = boolean("resample_documents", true),
    }
}

/// The key by which users choose.
pub(crate) const CHOICE_MODEL: &str = "choice.model";

keys! {
    /// The seed of the corpus. It comes last, so that its table stands where an environment's own keys have it.
    pub(crate) struct SeedKeys {
        /// key of the corpus that resample_documents = false draws; absent: `seed`, so that another seed has other documents
        document_seed: Option<u64> = optional_unsigned("document.seed", 0, u64::MAX),
    }
}

/// Takes the number of candidates from the given documents if it is not given itself, and the number of features from their
/// lists.
pub(super) fn follow_corpus(settings: &mut Settings) {
    let lists = settings.corpora().flat_map(|(name, corpus)| {
        let of_list = move |(column, _): &(String, Vec<f64>)| {
            let list = column.strip_suffix("[0]")?;
            let entries = corpus.columns.iter();
            let entries = entries.filter(|(entry, _)| {
                entry
                    .strip_prefix(list)
                    .is_some_and(|rest| rest.starts_with('['))
            });
            Some((name, format!("document.num_{list}"), entries.count()))
        };
        corpus.columns.iter().filter_map(of_list)
    });
    for (name, key, count) in lists.collect::<Vec<_>>() {
        if settings.declares(&key)
            && *settings.origin(&key) == Origin::Default
            && let Ok(count) = i128::try_from(count)
        {
            settings.follow(&key, Value::Integer(count), name);
        }
    }
    if *settings.origin(CommonKeys::num_candidates) != Origin::Default {
        return;
    }
    let given = settings
        .corpora()
        .next()
        .map(|(name, corpus)| (name, corpus.rows));
    if let Some((name, rows)) = given {
        // If it is out of the key's bounds, the checks below report it.
        if let Ok(rows) = i128::try_from(rows)
            && rows <= i128::from(MOST_CANDIDATES)
        {
            settings.follow(CommonKeys::num_candidates, Value::Integer(rows), name);
        }
    }
}

/// Says where the value of the key `one` was given, which contradicts that of `other`; nothing if both were given in the same place.
fn whence(settings: &Settings, one: &str, other: &str) -> String {
    let place = settings.origin(one);
    match place == settings.origin(other) {
        true => String::new(),
        false => format!(", {place}"),
    }
}

/// Checks conditions across the keys that all environments have.
pub(super) fn check_common(settings: &Settings) -> Result<(), ConfigError> {
    let common = CommonKeys::read(settings);
    let candidates = common.num_candidates;
    let seed = SeedKeys::document_seed;
    if settings.declares(seed) && settings.value(seed).is_some() {
        if common.resample_documents {
            let allowed = format!(
                "no seed of the documents unless `environment.resample_documents` = false; it is true{}: every step draws new ones",
                whence(settings, CommonKeys::resample_documents, seed)
            );
            return Err(settings.invalid(seed, allowed));
        }
        if let Some((name, _)) = settings.corpora().next() {
            let allowed = format!(
                "no seed of the documents where `environment.{name}` lists them{}",
                whence(settings, name, seed)
            );
            return Err(settings.invalid(seed, allowed));
        }
    }
    for (name, corpus) in settings.corpora() {
        if common.resample_documents {
            let allowed = format!(
                "no corpus unless `environment.resample_documents` = false; it is true{}",
                whence(settings, CommonKeys::resample_documents, name)
            );
            return Err(settings.invalid(name, allowed));
        }
        if corpus.rows != candidates as usize {
            let allowed = format!(
                "one document a candidate, and `environment.num_candidates` is {candidates}{}; where it is not given, it is the \
                 number of documents",
                whence(settings, CommonKeys::num_candidates, name)
            );
            return Err(settings.invalid(name, allowed));
        }
    }
    if common.slate_size > candidates {
        let allowed = format!(
            "an integer from 1 to `environment.num_candidates`, which is {candidates}{}",
            whence(settings, CommonKeys::num_candidates, CommonKeys::slate_size)
        );
        return Err(settings.invalid(CommonKeys::slate_size, allowed));
    }
    Ok(())
}
