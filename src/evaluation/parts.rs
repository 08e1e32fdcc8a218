//! Parts of comparisons and of sweeps, which several machines run, and what they give together: the same bits as one machine.

use super::compare::Comparison;
use super::error::EvaluationError;
use super::json_numbers::{hash_of_entries, read_integers, write_large_as_text};
use super::merge::{all_backends, merge};
use super::report::Report;
use super::{Campaign, Shard, Sweep, SweptPoint};
use crate::backend::{BackendInfo, Simulation};
use crate::config::Config;
use crate::json;
use crate::statistics::Moments;
use crate::text_file::quotable;
use serde::Deserialize;
use serde_json::{Value, json};

/// Holds what a part has run: some episodes of some of the simulations.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Reports of simulations, each with its place among all.
    reports: Vec<(usize, Report)>,
    /// The moments of the difference of each pair of a comparison, in the order of [`Comparison::differences`]; empty in a part
    /// of a sweep.
    differences: Vec<Moments>,
}

/// Holds what parts give together, and warnings about putting them together.
#[derive(Clone, Debug)]
pub struct Joined<T> {
    /// The result.
    pub result: T,
    /// What is doubtful about it. Sentences without a full stop.
    pub warnings: Vec<String>,
}

impl Part {
    /// Makes a part of a comparison, which ran a shard of the episodes of all variants.
    ///
    /// # Panics
    /// If there are not as many configurations as were compared.
    #[must_use]
    pub fn of_comparison(
        compared: &[(String, Config)],
        shard: Shard,
        comparison: &Comparison,
    ) -> Self {
        assert_eq!(compared.len(), comparison.statistics.len(), "one each");
        let first = comparison.first;
        let variants = compared.iter().zip(&comparison.statistics);
        let reports = variants.map(|((_, config), statistics)| {
            let campaign = Campaign {
                backend: comparison.backend.clone(),
                asked: first..first.saturating_add(comparison.asked),
                done: first..first.saturating_add(comparison.done),
                statistics: statistics.clone(),
                seconds: comparison.seconds / compared.len() as f64,
            };
            Report::new(config, Some(shard), &campaign)
        });
        Self {
            reports: reports.enumerate().collect(),
            differences: comparison
                .differences()
                .map(|(_, moments)| moments.clone())
                .collect(),
        }
    }

    /// Makes a part of a sweep, which ran some of the points, each with its place among all.
    #[must_use]
    pub fn of_points(reports: Vec<(usize, Report)>) -> Self {
        Self {
            reports,
            differences: Vec::new(),
        }
    }

    /// Writes the part as JSON, with hashes of everything.
    ///
    /// # Panics
    /// Never: reports and moments are something that JSON can hold.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut differences = json!(self.differences);
        write_large_as_text(&mut differences);
        let hash = hash_of_differences(&differences);
        let part = json!({
            "reports": self.reports,
            "differences": differences,
            "hash": hash,
        });
        part.to_string()
    }

    /// Reads a part back; `name` is what errors call it, such as the path of its file.
    ///
    /// # Errors
    /// [`EvaluationError::Merge`] if the text is no part, or is damaged.
    pub fn from_json(name: &str, text: &str) -> Result<Self, EvaluationError> {
        let refused = |why: String| EvaluationError::Merge {
            what: name.to_owned(),
            why,
        };
        let no_part = |error: serde_json::Error| {
            let error = quotable(&error.to_string());
            refused(format!("it is no part of a comparison or a sweep: {error}"))
        };
        let value = json::read(text.as_bytes()).map_err(no_part)?;
        let Written {
            reports,
            mut differences,
            hash,
        } = Written::deserialize(&value).map_err(no_part)?;
        if hash != hash_of_differences(&differences) {
            let why = "the file is damaged: its `differences` are not what its `hash` is of";
            return Err(refused(why.to_owned()));
        }
        read_integers(&mut differences);
        let reports = reports
            .into_iter()
            .map(|(index, report)| Ok((index, Report::from_json(name, &report.to_string())?)))
            .collect::<Result<Vec<_>, EvaluationError>>()?;
        Ok(Self {
            reports,
            differences: Deserialize::deserialize(&differences).map_err(no_part)?,
        })
    }
}

/// A part as it is written.
#[derive(Deserialize)]
struct Written {
    reports: Vec<(usize, Value)>,
    differences: Value,
    hash: String,
}

fn hash_of_differences(differences: &Value) -> String {
    format!(
        "{:016x}",
        hash_of_entries(vec![("differences", differences)])
    )
}

/// Makes the report of a run that has not begun, of a backend's arithmetic.
fn plan(config: &Config, simulation: &Simulation, first: u64, backend: &BackendInfo) -> Report {
    let campaign = Campaign {
        backend: backend.clone(),
        asked: first..first.saturating_add(config.episodes),
        done: first..first,
        statistics: simulation.statistics(),
        seconds: 0.0,
    };
    Report::new(config, None, &campaign)
}

/// Puts together the reports of each of some simulations, with their configurations; the second result has the backends, and
/// the third the seconds.
fn join(
    configs: &[&Config],
    simulations: &[Simulation],
    first: u64,
    parts: &[(String, Part)],
) -> Result<(Vec<Joined<Report>>, BackendInfo, f64), EvaluationError> {
    let mut all: Vec<(usize, (String, Report))> = Vec::new();
    for (name, part) in parts {
        let reports = part.reports.iter().cloned();
        all.extend(reports.map(|(index, report)| (index, (name.clone(), report))));
    }
    if let Some((index, (name, _))) = all.iter().find(|(index, _)| *index >= configs.len()) {
        return Err(EvaluationError::Merge {
            what: name.clone(),
            why: format!(
                "it has a result {index} of {} that there are",
                configs.len()
            ),
        });
    }
    let backends: Vec<(String, Report)> = all.iter().map(|(_, named)| named.clone()).collect();
    let seconds = backends.iter().map(|(_, report)| report.seconds).sum();
    let backend = all_backends(&backends);
    let mut joined = Vec::new();
    for (index, (config, simulation)) in configs.iter().zip(simulations).enumerate() {
        let of_this = all.iter().filter(|(place, _)| *place == index);
        let of_this: Vec<(String, Report)> = of_this.map(|(_, named)| named.clone()).collect();
        let arithmetic = of_this
            .first()
            .map_or(&backend, |(_, report)| &report.backend);
        let mut plan = plan(config, simulation, first, arithmetic);
        if of_this
            .iter()
            .any(|(_, report)| !report.state.statistics.has_curves())
        {
            plan.drop_curves();
        }
        let mut reports = vec![("the configuration".to_owned(), plan)];
        reports.extend(of_this);
        let merged = merge(&reports)?;
        joined.push(Joined {
            result: merged.report,
            warnings: merged.warnings,
        });
    }
    Ok((joined, backend, seconds))
}

/// Returns the warnings about all, each once.
fn warnings(joined: &[Joined<Report>]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for warning in joined.iter().flat_map(|one| &one.warnings) {
        if !all.contains(warning) {
            all.push(warning.clone());
        }
    }
    all
}

impl Comparison {
    /// Puts the parts of a comparison together, each with the name that errors call it by: the same comparison as of one machine,
    /// but for the time. Episodes of parts that are not there are missing; without parts, all of them.
    ///
    /// `first` is the first episode of the whole comparison.
    ///
    /// # Errors
    /// [`EvaluationError::Merge`] if a part is of other configurations, or if two parts have the same episode.
    pub fn of_parts(
        compared: &[(String, Config)],
        simulations: &[Simulation],
        first: u64,
        parts: &[(String, Part)],
    ) -> Result<Joined<Self>, EvaluationError> {
        let configs: Vec<&Config> = compared.iter().map(|(_, config)| config).collect();
        let (joined, backend, seconds) = join(&configs, simulations, first, parts)?;
        let mut comparison = Self::new(simulations, backend);
        comparison.first = first;
        comparison.asked = configs[0].episodes;
        comparison.seconds = seconds;
        for (name, part) in parts {
            let episodes = part
                .reports
                .first()
                .map_or(0, |(_, report)| report.episodes);
            let is_of = |moments: &Moments| moments.count() + moments.non_finite() == episodes;
            let are_all = part.reports.len() == compared.len();
            let are_paired = part.differences.len() == comparison.differences.len();
            if !(are_all && are_paired && part.differences.iter().all(is_of)) {
                return Err(EvaluationError::Merge {
                    what: name.clone(),
                    why: format!(
                        "it is no part of a comparison of {} variants",
                        compared.len()
                    ),
                });
            }
            for (moments, more) in comparison.differences.iter_mut().zip(&part.differences) {
                moments.merge(more);
            }
        }
        let warnings = warnings(&joined);
        comparison.done = joined[0].result.episodes;
        comparison.statistics = (joined.into_iter())
            .map(|one| one.result.state.statistics)
            .collect();
        Ok(Joined {
            result: comparison,
            warnings,
        })
    }
}

impl Sweep {
    /// Puts the parts of a sweep together, each with the name that errors call it by: the same figures as of one machine. Points
    /// of parts that are not there have no episodes.
    ///
    /// `first` is the first episode of each point.
    ///
    /// # Errors
    /// [`EvaluationError::Merge`] if a part is of other configurations, or if two parts have the same episode of a point.
    pub fn of_parts(
        configs: &[&Config],
        simulations: &[Simulation],
        first: u64,
        parts: &[(String, Part)],
    ) -> Result<Joined<Self>, EvaluationError> {
        let (joined, backend, seconds) = join(configs, simulations, first, parts)?;
        let warnings = warnings(&joined);
        let points = joined.into_iter().map(|one| {
            let statistics = one.result.state.statistics;
            SweptPoint {
                max_steps: statistics.conditions().max_steps,
                summary: statistics.summary(),
            }
        });
        Ok(Joined {
            result: Self {
                backend,
                first,
                asked: configs.first().map_or(0, |config| config.episodes),
                points: points.collect(),
                launches: None,
                seconds,
            },
            warnings,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{Unobserved, cpu};
    use crate::config::{Arrangement, Axis, Point, Sources, Variant};
    use crate::evaluation::{
        ComparisonReport, Extent, MAX_COMPARED, MAX_POINTS, SweepReport, compare, evaluate, sweep,
    };
    use crate::registry;

    /// Blocks of three shards and a part of one.
    const EPISODES: u64 = 900;

    fn sources() -> Sources {
        let sources = Sources::new();
        let sources = sources.set("environment.user.time_budget=5").unwrap();
        sources.set(&format!("episodes={EPISODES}")).unwrap()
    }

    fn compared() -> (Vec<(String, Config)>, Vec<Simulation>) {
        let variants = ["random", "greedy", "static"].map(Variant::of_policy);
        let declarations = registry::declarations();
        let compared = sources().resolve_variants(variants.to_vec(), MAX_COMPARED, &declarations);
        let compared = compared.unwrap();
        let simulations = compared
            .iter()
            .map(|(_, config)| registry::simulation(config).unwrap());
        let simulations = simulations.collect();
        (compared, simulations)
    }

    fn part(index: u64, first: u64) -> Part {
        let (compared, simulations) = compared();
        let shard = Shard::new(index, 3).unwrap();
        let episodes = shard.episodes(EPISODES);
        let extent = Extent::From {
            first: first + episodes.start,
            episodes: episodes.end - episodes.start,
        };
        let backend = cpu::cpu(Some(1)).unwrap();
        let comparison = compare(&simulations, &backend, extent, None, &Unobserved).unwrap();
        Part::of_comparison(&compared, shard, &comparison)
    }

    /// The report without what depends on the clock.
    fn timeless(comparison: &Comparison) -> Value {
        let (compared, _) = compared();
        let mut report = json!(ComparisonReport::new(&compared, comparison));
        report["seconds"] = Value::Null;
        report["user_steps_per_second"] = Value::Null;
        report
    }

    #[test]
    fn parts_of_a_comparison_in_any_order_give_its_bits() {
        let (compared, simulations) = compared();
        let backend = cpu::cpu(Some(1)).unwrap();
        let extent = Extent::From {
            first: 512,
            episodes: EPISODES,
        };
        let whole = compare(&simulations, &backend, extent, None, &Unobserved).unwrap();
        let parts = [2, 0, 1].map(|index| {
            let name = format!("part {index}");
            let read = Part::from_json(&name, &part(index, 512).to_json()).unwrap();
            (name, read)
        });
        let joined = Comparison::of_parts(&compared, &simulations, 512, &parts).unwrap();
        assert!(joined.warnings.is_empty(), "{:?}", joined.warnings);
        assert_eq!(timeless(&joined.result), timeless(&whole));

        let some = Comparison::of_parts(&compared, &simulations, 512, &parts[..2]).unwrap();
        assert!(some.result.is_partial());
        assert_eq!(
            (some.result.done, some.result.asked),
            (EPISODES - 256, EPISODES)
        );
        let none = Comparison::of_parts(&compared, &simulations, 512, &[]).unwrap();
        assert_eq!((none.result.done, none.result.asked), (0, EPISODES));
    }

    #[test]
    fn parts_that_do_not_belong_together_are_refused_by_name() {
        let (compared, simulations) = compared();
        let refused = |parts: &[(&str, Part)]| {
            let parts = parts
                .iter()
                .map(|(name, part)| ((*name).to_owned(), part.clone()));
            let parts: Vec<(String, Part)> = parts.collect();
            let joined = Comparison::of_parts(&compared, &simulations, 0, &parts);
            joined.unwrap_err().to_string()
        };
        let twice = refused(&[("a", part(0, 0)), ("b", part(0, 0))]);
        assert!(
            twice.contains("a and b") && twice.contains("both hold episode 0"),
            "{twice}"
        );
        let mut fewer = part(0, 0);
        fewer.reports.pop();
        let fewer = refused(&[("a", fewer)]);
        assert!(
            fewer.contains("a") && fewer.contains("3 variants"),
            "{fewer}"
        );
        let mut others = part(0, 0);
        others.reports.swap(0, 1);
        others.reports[0].0 = 0;
        others.reports[1].0 = 1;
        let others = refused(&[("a", others)]);
        assert!(
            others.contains("`policy.name` is \"random\" and \"greedy\""),
            "{others}"
        );
        let beyond = part(2, 512);
        let beyond = Comparison::of_parts(&compared, &simulations, 0, &[("a".to_owned(), beyond)]);
        assert!(beyond.is_ok_and(|joined| joined.result.is_partial()));
    }

    #[test]
    fn a_damaged_part_is_refused() {
        let text = part(0, 0).to_json();
        assert!(Part::from_json("a", &text).is_ok());
        let at = text.find("\"differences\"").unwrap();
        let digit = at
            + text[at..]
                .find(|letter: char| letter.is_ascii_digit())
                .unwrap();
        let mut damaged = text.clone();
        let other = if &text[digit..=digit] == "1" {
            "2"
        } else {
            "1"
        };
        damaged.replace_range(digit..=digit, other);
        for damaged in [&damaged, "", "{}", "[1, 2]", &text[..text.len() / 2]] {
            let refused = Part::from_json("a", damaged).unwrap_err().to_string();
            assert!(refused.starts_with("cannot merge a: "), "{refused}");
        }
    }

    #[test]
    fn parts_of_a_sweep_give_its_figures() {
        let axes = [Axis::parse("environment.user.sensitivity=0.01,0.03,0.1").unwrap()];
        let declarations = registry::declarations();
        let points = sources().resolve_points(&axes, Arrangement::Grid, MAX_POINTS, &declarations);
        let points: Vec<Point> = points.unwrap();
        let configs: Vec<&Config> = points.iter().map(|point| &point.config).collect();
        let simulations: Vec<Simulation> = configs
            .iter()
            .map(|config| registry::simulation(config).unwrap())
            .collect();
        let backend = cpu::cpu(Some(1)).unwrap();
        let whole = sweep(&simulations, &backend, EPISODES, true, &Unobserved).unwrap();
        let mut parts: Vec<(String, Part)> = (0..3)
            .map(|index| {
                let campaign = evaluate(&simulations[index], &backend, 0..EPISODES, &Unobserved);
                let report = Report::new(configs[index], None, &campaign.unwrap());
                (
                    format!("part {index}"),
                    Part::of_points(vec![(index, report)]),
                )
            })
            .collect();
        parts.rotate_left(1);
        let timeless = |mut sweep: Sweep| {
            sweep.seconds = 1.0;
            json!(SweepReport::new(&points, sweep))
        };
        let joined = Sweep::of_parts(&configs, &simulations, 0, &parts).unwrap();
        assert_eq!(timeless(joined.result), timeless(whole));
        parts.pop();
        let joined = Sweep::of_parts(&configs, &simulations, 0, &parts).unwrap();
        assert!(joined.result.is_partial());
        assert_eq!(joined.result.points[0].summary.episodes, 0);
    }
}
