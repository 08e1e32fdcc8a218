//! Small runs, their reports, and an observer that interrupts them.

use crate::backend::cpu::{Arithmetic, CpuBackend};
use crate::backend::{Observer, Unobserved};
use crate::config::{Config, Sources};
use crate::evaluation::{Report, Shard, evaluate};
use crate::registry;
use std::sync::atomic::{AtomicU64, Ordering};

/// Resolves what is set over the defaults.
pub(crate) fn resolved(given: &[&str]) -> Config {
    let set = |sources: Sources, text: &&str| sources.set(text);
    let sources = given.iter().try_fold(Sources::new(), set);
    Config::resolve(&sources.expect("written well"), &registry::declarations())
        .expect("a good configuration")
}

/// Makes a run of a thousand short episodes, with what is given set.
pub(crate) fn short_run(given: &[&str]) -> Config {
    let short = ["environment.user.time_budget=5", "episodes=1000"];
    resolved(&[&short, given].concat())
}

/// Makes a run of `item_transition`, with what is given set.
pub(crate) fn item_transition(seed: u64, given: &[&str]) -> Config {
    let seed = format!("seed={seed}");
    resolved(&[&["environment.name=item_transition", &seed], given].concat())
}

/// Runs [`short_run`], or a shard of it, and reports.
pub(crate) fn report(arithmetic: Arithmetic, shard: Option<&str>, given: &[&str]) -> Report {
    let config = short_run(given);
    let simulation = registry::simulation(&config).expect("a good configuration");
    let backend = CpuBackend::new(arithmetic, Some(2)).expect("two threads");
    let shard = shard.map(|text| text.parse::<Shard>().expect("a shard"));
    let episodes = shard.map_or(0..config.episodes, |shard| shard.episodes(config.episodes));
    let campaign =
        evaluate(&simulation, &backend, episodes, &Unobserved).expect("the cpu does not fail");
    Report::new(&config, shard, &campaign)
}

/// Interrupts once it has heard of an episode.
#[derive(Debug, Default)]
pub(crate) struct Impatient(AtomicU64);

impl Observer for Impatient {
    fn finished(&self, episodes: u64, _user_steps: u64) {
        self.0.fetch_add(episodes, Ordering::Relaxed);
    }
    fn is_interrupted(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}
