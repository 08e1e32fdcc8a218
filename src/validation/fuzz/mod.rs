//! Runs random configurations on two backends, and searches for episodes that differ.
//!
//! A case is a configuration drawn from the declared keys: values next to the defaults and values at the ends of what is
//! allowed. Its episodes are run on the reference and on the backend, and compared one by one (length, clicks, returns), with
//! the sums of each block by step, topic and position. Episodes that differ are stepped on both sides up to the first
//! difference, which is a rounding edge or a fault (see the module `explain`).
//!
//! The configurations are a function of the seed and the number of the case; for the `gpu` they are smaller.

mod compare;
mod difference;
mod draw;
mod explain;
mod generate;
mod judge;
mod nudge;
mod retry;
mod sensitivity;
mod shadow;
mod verdict;

pub use verdict::Edges;

use super::rung::Subject;
use crate::backend::{BLOCK_EPISODES, Backend, BackendError, Simulation, cpu, reference};
use crate::config::Declarations;
use crate::registry::Registry;
use crate::rng::Philox;
use crate::validation::error::ValidationError;
use compare::{Comparison, compare};
use generate::{Drawn, Given, Limits, MOST_STEPS, Refusals};
use serde::Serialize;
use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};
use std::panic::{AssertUnwindSafe, catch_unwind};
use toml::Value as Toml;

/// The range of cases to draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fuzz {
    /// The seed of the configurations.
    pub seed: u64,
    /// The numbers of the cases.
    pub cases: Range<u64>,
}

/// What was drawn, and which differences were found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FuzzReport {
    /// The seed of the configurations.
    pub seed: u64,
    /// Cases that were run.
    pub cases: u64,
    /// Cases that failed.
    pub failures: Vec<FuzzFailure>,
    /// Cases without a configuration that resolves, and cases that the device refused, counted by reason.
    pub not_run: BTreeMap<String, u64>,
    /// How many cases had each environment.
    pub environments: BTreeMap<String, u64>,
    /// How many cases had each choice model.
    pub choice_models: BTreeMap<String, u64>,
    /// How many cases had each source of documents.
    pub documents: BTreeMap<String, u64>,
    /// How many cases had each policy.
    pub policies: BTreeMap<String, u64>,
    /// How many cases had each layer.
    pub layers: BTreeMap<String, u64>,
    /// How often each key was set.
    pub keys: BTreeMap<String, u64>,
    /// Episodes that were compared.
    pub episodes: u64,
    /// User-steps that were compared.
    pub user_steps: u64,
    /// Episodes that differ by a rounding edge, by kind.
    pub edges: Edges,
    /// Cases with many rounding edges, counted by policy: regressions that single precision can hardly solve. If it is rounded,
    /// the reference itself changes as often.
    pub sensitive: BTreeMap<String, u64>,
    /// How often configurations were refused and drawn again, by reason.
    pub refused: BTreeMap<String, u64>,
}

/// A case in which episodes differ, or which panics.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FuzzFailure {
    /// The number of the case.
    pub case: u64,
    /// What differs, and where.
    pub what: String,
    /// A configuration file for the case, without the keys that the failure does not need.
    pub configuration: String,
    /// The command that runs the case again.
    pub command: String,
}

impl FuzzReport {
    /// Lists the environments, choice models, policies and layers that no case had.
    #[must_use]
    pub fn missing(&self, declarations: &Declarations) -> Vec<String> {
        let kinds = [
            (
                "environment",
                &declarations.environments,
                &self.environments,
            ),
            ("policy", &declarations.policies, &self.policies),
            ("layer", &declarations.layers, &self.layers),
        ];
        let missing = kinds.into_iter().flat_map(|(kind, entries, drawn)| {
            let names = entries.iter().map(|entry| entry.name);
            let missing = names.filter(|name| !drawn.contains_key(*name));
            missing.map(move |name| format!("{kind} {name}"))
        });
        missing.collect()
    }

    fn count(&mut self, drawn: &Drawn) {
        let parts = &drawn.parts;
        let one = |counts: &mut BTreeMap<String, u64>, name: &str| {
            *counts.entry(name.to_owned()).or_default() += 1;
        };
        one(&mut self.environments, &parts.environment);
        one(&mut self.choice_models, &parts.choice_model);
        one(&mut self.documents, &parts.documents);
        one(&mut self.policies, &parts.policy);
        for layer in &parts.layers {
            one(&mut self.layers, layer);
        }
        for (key, _) in &drawn.given.0 {
            one(&mut self.keys, &named(key, parts));
        }
    }
}

/// Names a key by the model that declares it: `policy greedy: order`.
fn named(key: &str, parts: &generate::Parts) -> String {
    if let Some(rest) = key.strip_prefix("environment.") {
        return format!("environment {}: {rest}", parts.environment);
    }
    let Some(mut rest) = key.strip_prefix("policy.") else {
        return format!("run: {key}");
    };
    let mut depth = 0;
    while let Some(inner) = rest.strip_prefix("layer.") {
        rest = inner;
        depth += 1;
    }
    match depth {
        0 => format!("policy {}: {rest}", parts.policy),
        _ => {
            let layer = parts.layers.get(depth - 1).map_or("", String::as_str);
            format!("layer {layer}: {rest}")
        }
    }
}

/// The effort of all user-steps of a case: some tenths of a second.
const EFFORT: f64 = 4e7;
/// The same for the few episodes that show how long episodes are.
const PILOT_EFFORT: f64 = 1e7;
/// How many episodes show how long episodes are.
const PILOT_EPISODES: u64 = 8;
/// The most episodes of a case.
const MOST_EPISODES: f64 = 1024.0;
/// The most runs of a failing case to find keys that the failure does not need.
const SHRINKS: usize = 60;

/// The backends that are compared.
struct Bench<'a> {
    registry: &'a Registry,
    declarations: Declarations,
    limits: Limits,
    reference: cpu::CpuBackend,
    cpu: cpu::CpuBackend,
    subject: Subject<'a>,
    steps: u32,
    shrinks: usize,
}

/// Draws cases and compares their episodes. `on_case` receives each case when it is done, and may end the search.
///
/// # Errors
/// [`ValidationError::Backend`] if the threads of the backends cannot be started; everything else is a failure of a case.
pub fn fuzz(
    subject: Subject<'_>,
    registry: &Registry,
    asked: &Fuzz,
    on_case: &mut dyn FnMut(u64, &FuzzReport) -> ControlFlow<()>,
) -> Result<FuzzReport, ValidationError> {
    let is_gpu = matches!(subject, Subject::Gpu(_));
    let bench = Bench {
        registry,
        declarations: registry.declarations(),
        // Shaders are compiled for each size, which takes a minute for a hundred positions.
        limits: if is_gpu {
            Limits {
                largest_count: 40,
                longest_slate: 6,
                largest_regression: 8,
            }
        } else {
            Limits {
                largest_count: 400,
                longest_slate: 60,
                largest_regression: u32::MAX,
            }
        },
        reference: reference::reference(None)?,
        cpu: cpu::cpu(None)?,
        subject,
        steps: if is_gpu { 2000 } else { MOST_STEPS },
        shrinks: if is_gpu { 10 } else { SHRINKS },
    };
    let mut report = FuzzReport {
        seed: asked.seed,
        ..FuzzReport::default()
    };
    for case in asked.cases.clone() {
        bench.run(asked.seed, case, &mut report);
        if on_case(case, &report).is_break() {
            break;
        }
    }
    Ok(report)
}

/// The result of running a case.
enum Outcome {
    Compared(Comparison, u64),
    NotRun(String),
}

/// Runs something that may panic, and returns a panic as its text.
fn caught<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
        format!("it panics: {}", text.unwrap_or("(no message)"))
    })
}

impl Bench<'_> {
    fn run(&self, seed: u64, case: u64, report: &mut FuzzReport) {
        report.cases += 1;
        let mut refusals = Refusals::new();
        let drawn = caught(|| {
            generate::draw(
                self.registry,
                &self.declarations,
                self.limits,
                (seed, case),
                &mut refusals,
            )
        });
        for (reason, count) in refusals {
            *report.refused.entry(reason).or_default() += count;
        }
        let command = format!(
            "slatesim validate --fuzz 1 --first-case {case} --seed {seed} --backend {}",
            self.name()
        );
        let failure = |what: String, given: &Given| FuzzFailure {
            case,
            what,
            configuration: given.to_toml(),
            command: command.clone(),
        };
        let mut drawn = match drawn {
            Ok(Some(drawn)) => drawn,
            Ok(None) => {
                let reason = "no configuration resolved".to_owned();
                *report.not_run.entry(reason).or_default() += 1;
                return;
            }
            Err(panic) => {
                report.failures.push(failure(panic, &Given::default()));
                return;
            }
        };
        report.count(&drawn);
        let first = first_episode(seed, case);
        match caught(|| self.compare_all(&mut drawn.given, Some(drawn.simulation), first)) {
            Ok(Outcome::NotRun(reason)) => *report.not_run.entry(reason).or_default() += 1,
            Ok(Outcome::Compared(comparison, episodes)) => {
                report.episodes += episodes;
                report.user_steps += comparison.user_steps;
                report.edges.add(&comparison.edges);
                if comparison.is_sensitive {
                    let policy = drawn.parts.policy.clone();
                    *report.sensitive.entry(policy).or_default() += 1;
                }
                if let Some(fault) = comparison.fault {
                    let (given, what) = self.shrunk(&drawn.given, first, fault);
                    report.failures.push(failure(what, &given));
                }
            }
            Err(panic) => {
                let (given, what) = self.shrunk(&drawn.given, first, panic);
                report.failures.push(failure(what, &given));
            }
        }
    }

    fn name(&self) -> &'static str {
        match self.subject {
            Subject::Cpu(_) => "cpu",
            Subject::Gpu(_) => "gpu",
        }
    }

    /// Runs a case on all backends; writes its number of steps and episodes into the configuration.
    fn compare_all(&self, given: &mut Given, made: Option<Simulation>, first: u64) -> Outcome {
        let simulation = match self.sized(given, made, first) {
            Ok(simulation) => simulation,
            Err(reason) => return Outcome::NotRun(reason),
        };
        let Some(Toml::Integer(episodes)) = given.get("episodes") else {
            return Outcome::NotRun("without a number of episodes".to_owned());
        };
        let episodes = episodes.unsigned_abs();
        let subjects: Vec<&dyn Backend> = match self.subject {
            Subject::Cpu(backend) => vec![backend],
            Subject::Gpu(backend) => vec![&self.cpu, backend],
        };
        let nudged_policy = |by: f64, rng: &mut Philox| {
            let mut nudged = given.clone();
            let is_any = nudged.nudge_policy(by, rng);
            is_any.then(|| nudged.resolve(self.registry, &self.declarations).ok())?
        };
        let mut all = Comparison::default();
        for subject in subjects {
            let name = subject.info().name;
            match compare(
                &simulation,
                &nudged_policy,
                [&self.reference, subject],
                first..first + episodes,
            ) {
                Ok(comparison) => {
                    all.user_steps += comparison.user_steps;
                    all.differing += comparison.differing;
                    all.edges.add(&comparison.edges);
                    all.is_sensitive |= comparison.is_sensitive;
                    if let Some(fault) = comparison.fault {
                        all.fault = Some(format!("{name}: {fault}"));
                        break;
                    }
                }
                Err(error) => {
                    // A case that is too large for this device is no failure.
                    if let ValidationError::Backend(BackendError::Gpu(error)) = &error
                        && let Some(lack) = error.too_large()
                    {
                        return Outcome::NotRun(lack.to_owned());
                    }
                    all.fault = Some(format!("{name}: {error}"));
                    break;
                }
            }
        }
        Outcome::Compared(all, episodes)
    }

    /// Sets the number of steps and episodes from what they cost, unless they are set.
    fn sized(
        &self,
        given: &mut Given,
        made: Option<Simulation>,
        first: u64,
    ) -> Result<Simulation, String> {
        let resolve = |given: &Given| {
            let resolved = given.resolve(self.registry, &self.declarations);
            resolved.map_err(|error| format!("cannot be made anew: {error}"))
        };
        let mut simulation = match made {
            Some(made) => made,
            None => resolve(given)?,
        };
        if given.get("episodes").is_some() {
            return Ok(simulation);
        }
        let work = work_of(&simulation);
        let most = (PILOT_EFFORT / (work * PILOT_EPISODES as f64)).max(2.0);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a few"
        )]
        let most = (most as u64).min(self.steps.into());
        if u64::from(simulation.plan.num_steps()) > most {
            let most = i64::try_from(most).map_err(|error| error.to_string())?;
            given.set("max_steps".to_owned(), Toml::Integer(most));
            simulation = resolve(given)?;
        }
        let pilot = self
            .reference
            .episodes(&simulation, first..first + PILOT_EPISODES)
            .map_err(|error| error.to_string())?;
        let steps: u64 = pilot
            .iter()
            .flat_map(|block| &block.lengths)
            .map(|&length| u64::from(length))
            .sum();
        let length = steps as f64 / PILOT_EPISODES as f64;
        let episodes = EFFORT / (work * length.max(1.0));
        #[allow(clippy::cast_possible_truncation, reason = "a few")]
        let episodes = episodes.clamp(PILOT_EPISODES as f64, MOST_EPISODES) as i64;
        given.set("episodes".to_owned(), Toml::Integer(episodes));
        Ok(simulation)
    }

    /// Removes the keys that the failure does not need from a failing configuration.
    fn shrunk(&self, given: &Given, first: u64, fault: String) -> (Given, String) {
        let (mut given, mut fault) = (given.clone(), fault);
        let mut left = self.shrinks;
        let mut keys: Vec<String> = given.0.iter().map(|(key, _)| key.clone()).collect();
        // Later keys depend on earlier ones, so they are removed first.
        keys.reverse();
        for key in keys {
            let is_needed = ["environment.name", "policy.name", "max_steps", "episodes"]
                .contains(&key.as_str());
            if is_needed || left == 0 {
                continue;
            }
            let mut smaller = given.clone();
            // A layer is removed with its keys and with the layers around it.
            match key.strip_suffix("layer.name") {
                Some(inner) => {
                    let section = format!("{inner}layer.");
                    smaller.0.retain(|(key, _)| !key.starts_with(&section));
                }
                None => {
                    smaller.remove(&key);
                }
            }
            if smaller.resolve(self.registry, &self.declarations).is_err() {
                continue;
            }
            left -= 1;
            let still = match caught(|| self.compare_all(&mut smaller, None, first)) {
                Ok(Outcome::Compared(comparison, _)) => comparison.fault,
                Ok(Outcome::NotRun(_)) => None,
                Err(panic) => Some(panic),
            };
            if let Some(still) = still {
                (given, fault) = (smaller, still);
            }
        }
        (given, fault)
    }
}

/// Chooses the first episode of a case: mostly 0, else where an index needs more than 32 bits, or far beyond.
fn first_episode(seed: u64, case: u64) -> u64 {
    let [.., word] = Philox::block(seed, case);
    match word % 12 {
        0 => (1 << 32) - BLOCK_EPISODES,
        1 => 1 << 40,
        _ => 0,
    }
}

/// Estimates what a user-step costs, in some nanoseconds of the reference.
fn work_of(simulation: &Simulation) -> f64 {
    let plan = &simulation.plan;
    let fields = |layout: Vec<crate::environment::Field>| -> usize {
        layout.iter().map(|field| field.names().len()).sum()
    };
    let user = fields(simulation.model.user_layout()) as f64;
    let document = fields(simulation.model.document_layout()) as f64;
    let slate = f64::from(plan.slate_size);
    let policy = plan.policy.policy();
    let looks = !matches!(policy.name(), "random" | "static");
    let candidates = if looks {
        f64::from(plan.num_candidates)
    } else {
        slate
    };
    let memory = plan.policy.state_size() as f64;
    let tables = plan.policy.tables().len() as f64;
    let of_candidate = 20.0 + 4.0 * document + 2.0 * tables + memory;
    60.0 + 2.0 * user + candidates * (of_candidate + slate) + slate * (20.0 + user) + 40.0 * memory
}

#[cfg(test)]
mod tests;
