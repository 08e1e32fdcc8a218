use super::compare::compare;
use super::generate::{Drawn, Limits, Refusals, draw};
use super::*;
use crate::backend::{BackendError, BackendInfo, Observer, Stepper};
use crate::config::{Config, Sources};
use crate::statistics::{EpisodeBlock, Statistics};
use std::collections::BTreeSet;

const LIMITS: Limits = Limits {
    largest_count: 400,
    longest_slate: 60,
    largest_regression: u32::MAX,
};

fn drawn(case: u64) -> Option<Drawn> {
    let registry = Registry::built_in();
    let declarations = registry.declarations();
    draw(
        &registry,
        &declarations,
        LIMITS,
        (7, case),
        &mut Refusals::new(),
    )
}

fn simulation(settings: &[&str]) -> Simulation {
    let registry = Registry::built_in();
    let sources = settings.iter().fold(Sources::new(), |sources, setting| {
        sources.set(setting).unwrap()
    });
    let config = Config::resolve(&sources, &registry.declarations()).unwrap();
    registry.simulation(&config).unwrap()
}

/// A backend that is correct except for a planted fault.
#[derive(Debug)]
struct Planted {
    cpu: cpu::CpuBackend,
    /// The simulation that it runs instead of the one that it is given.
    instead: Option<Simulation>,
    /// In rollouts, one episode in this many is a step too long.
    longer: Option<usize>,
}

impl Planted {
    fn new() -> Self {
        Self {
            cpu: cpu::cpu(Some(1)).unwrap(),
            instead: None,
            longer: None,
        }
    }

    fn what<'a>(&'a self, asked: &'a Simulation) -> &'a Simulation {
        self.instead.as_ref().unwrap_or(asked)
    }
}

impl Backend for Planted {
    fn info(&self) -> BackendInfo {
        self.cpu.info()
    }

    fn rollout(
        &self,
        asked: &Simulation,
        episodes: Range<u64>,
        observer: &dyn Observer,
    ) -> Result<Statistics, BackendError> {
        self.cpu.rollout(self.what(asked), episodes, observer)
    }

    fn episodes(
        &self,
        asked: &Simulation,
        episodes: Range<u64>,
    ) -> Result<Vec<EpisodeBlock>, BackendError> {
        let mut blocks = self.cpu.episodes(self.what(asked), episodes)?;
        if let Some(every) = self.longer {
            for block in &mut blocks {
                block
                    .lengths
                    .iter_mut()
                    .step_by(every)
                    .for_each(|length| *length += 1);
            }
        }
        Ok(blocks)
    }

    fn shared_stepper(
        &self,
        asked: &Simulation,
        num_lanes: usize,
        users_per_env: usize,
    ) -> Result<Box<dyn Stepper>, BackendError> {
        self.cpu
            .shared_stepper(self.what(asked), num_lanes, users_per_env)
    }
}

fn fault(planted: &Planted, simulation: &Simulation, episodes: u64) -> Option<String> {
    let reference = reference::reference(Some(1)).unwrap();
    compare(simulation, &|_, _| None, [&reference, planted], 0..episodes)
        .unwrap()
        .fault
}

#[test]
fn lives_that_are_right_are_found_alike() {
    for settings in [
        [
            "environment.name=long_term_satisfaction",
            "policy.name=random",
        ],
        ["environment.name=interest_evolution", "policy.name=greedy"],
        ["environment.name=item_transition", "policy.name=table"],
    ] {
        let simulation = simulation(&settings);
        assert_eq!(
            fault(&Planted::new(), &simulation, 256),
            None,
            "{settings:?}"
        );
    }
}

#[test]
fn one_length_in_two_hundred_that_differs_is_found() {
    let simulation = simulation(&["environment.name=interest_evolution"]);
    let planted = Planted {
        longer: Some(200),
        ..Planted::new()
    };
    let fault = fault(&planted, &simulation, 200).unwrap();
    assert!(fault.contains("the rollout has length"), "{fault}");
}

#[test]
fn a_parameter_that_is_a_little_off_is_found() {
    for (settings, wrong) in [
        (
            ["environment.name=long_term_satisfaction", "max_steps=60"],
            "environment.user.choc_mean=5.005",
        ),
        (
            ["environment.name=interest_exploration", "max_steps=60"],
            "environment.choice.no_click_mass=5.005",
        ),
        (
            // Qualities have an effect only on when a session ends.
            ["environment.name=interest_evolution", "max_steps=300"],
            "environment.document.max_utility=3.003",
        ),
        (
            ["environment.name=interest_evolution", "max_steps=300"],
            "environment.user.time_budget=200.2",
        ),
        (
            ["environment.name=item_transition", "max_steps=60"],
            "environment.user.p_exit_accepted=0.11",
        ),
    ] {
        let right = simulation(&settings);
        let planted = Planted {
            instead: Some(simulation(&[settings[0], settings[1], wrong])),
            ..Planted::new()
        };
        let fault = fault(&planted, &right, 2048);
        assert!(fault.is_some(), "{wrong}");
    }
}

#[test]
fn sessions_that_end_by_a_budget_next_to_another_are_found() {
    let settings = [
        "environment.name=long_term_satisfaction",
        "policy.name=random",
    ];
    let planted = Planted {
        instead: Some(simulation(&[
            settings[0],
            "environment.user.time_budget=60.00001",
        ])),
        ..Planted::new()
    };
    let fault = fault(&planted, &simulation(&settings), 256);
    assert!(fault.is_some());
}

#[test]
fn a_case_is_a_function_of_its_seed_and_number() {
    for case in 0..20 {
        let (first, again) = (drawn(case), drawn(case));
        assert_eq!(
            first.map(|drawn| drawn.given),
            again.map(|drawn| drawn.given),
            "case {case}"
        );
    }
}

#[test]
fn a_case_runs_as_the_file_that_it_is_printed_as() {
    let registry = Registry::built_in();
    for case in 0..50 {
        if let Some(drawn) = drawn(case) {
            let file = crate::config::ConfigFile::from_text("case.toml", drawn.given.to_toml());
            let config =
                Config::resolve(&Sources::new().with_file(file), &registry.declarations()).unwrap();
            let again = registry.simulation(&config).unwrap();
            assert_eq!(again.plan, drawn.simulation.plan, "case {case}");
        }
    }
}

#[test]
fn three_hundred_cases_have_every_environment_policy_layer_choice_model_and_source_of_documents() {
    let mut report = FuzzReport::default();
    for case in 0..300 {
        if let Some(drawn) = drawn(case) {
            report.count(&drawn);
        }
    }
    let declarations = Registry::built_in().declarations();
    assert_eq!(report.missing(&declarations), Vec::<String>::new());
    for model in [
        "first",
        "multinomial_logit",
        "multinomial_proportional",
        "exponential_cascade",
        "proportional_cascade",
    ] {
        assert!(report.choice_models.contains_key(model), "{model}");
    }
    assert_eq!(report.documents.len(), 3, "{:?}", report.documents);
    let cases: u64 = report.environments.values().sum();
    assert!(cases > 280, "{cases} of 300 cases resolve");
}

#[test]
fn a_thousand_cases_set_every_key() {
    let mut report = FuzzReport::default();
    for case in 0..1000 {
        if let Some(drawn) = drawn(case) {
            report.count(&drawn);
        }
    }
    let declarations = Registry::built_in().declarations();
    let kinds = [
        ("environment", &declarations.environments),
        ("policy", &declarations.policies),
        ("layer", &declarations.layers),
    ];
    let declared: BTreeSet<String> = kinds
        .into_iter()
        .flat_map(|(kind, entries)| {
            entries.iter().flat_map(move |entry| {
                let key = move |key: &crate::config::Key| {
                    format!("{kind} {}: {}", entry.name, key.name())
                };
                entry.keys.iter().map(key)
            })
        })
        .collect();
    let never: Vec<_> = declared
        .iter()
        .filter(|key| !report.keys.contains_key(*key))
        // Its documents are its actions, so a list of documents changes nothing.
        .filter(|key| *key != "environment test_mdp: document.corpus")
        .collect();
    assert!(never.is_empty(), "{never:?}");
}
