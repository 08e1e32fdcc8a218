//! Promise: a policy and a layer of one's own are registered like the built-in ones, and make the same slates on every backend.

#![cfg(feature = "cli")]
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test may panic, and its numbers are small"
)]

#[path = "../examples/custom_policy.rs"]
mod custom_policy;

use crate::common;
use slatesim::authoring::*;
use slatesim::backend::cpu::cpu;
use slatesim::backend::reference::reference;
use slatesim::backend::{Backend, Simulation, Unobserved};
use slatesim::config::{Config, Sources};
use slatesim::evaluation::trace::{Cell, Recording, columns, record};
use slatesim::evaluation::{Extent, compare};
use slatesim::validation::{Effort, Rung, Subject, cases, validate};
use std::ops::ControlFlow;

/// A layer that turns slates round.
#[derive(Clone, Copy, Debug)]
struct Reversed;

impl LayerDefinition for Reversed {
    type Twin<N: Number> = Self;

    fn twin<N: Number>(&self) -> Self {
        *self
    }

    fn entry() -> Entry {
        Entry::layer("reversed", "the last position first", Vec::new())
    }

    // Where the user looks at all positions: what a layer writes to one must not depend on how many follow that nobody looks at.
    fn specimens() -> Vec<Specimen> {
        let settings = ["environment.name=interest_exploration", "max_steps=20"];
        vec![Specimen::new("slates turned round", &settings)]
    }

    fn new(_settings: &Settings, _context: &PolicyContext<'_>) -> Result<Self, ConfigError> {
        Ok(Self)
    }

    fn shader(&self) -> ShaderSource {
        let text = "
            #import environment::User
            #import slatesim::rng::Stream

            fn revise(stream: Stream, user: User, state: ptr<function, array<f32, #{POLICY_STATE}>>, slate: ptr<function, array<u32, #{NUM_SHOWN}>>) {
                let before = *slate;
                for (var position = 0u; position < #{NUM_SHOWN}u; position++) {
                    (*slate)[position] = before[#{NUM_SHOWN}u - 1u - position];
                }
            }
        ";
        let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
        ShaderSource::layer("reversed", "tests/custom_policies.rs", lines.join("\n"))
    }

    fn is_read(&self) -> bool {
        false
    }
}

impl<N: Number> Layer<N> for Reversed {
    fn revise(
        &self,
        _offer: &mut dyn Offer<N>,
        _draws: &Draws<N::Word>,
        _state: &mut [N],
        _scratch: &mut Scratch<N>,
        slate: &mut [N::Word],
    ) {
        slate.reverse();
    }
}

fn registry() -> Registry {
    Registry::built_in()
        .with_policy::<custom_policy::Mmr>()
        .with_layer::<Reversed>()
}

fn simulation(settings: &[&str]) -> Simulation {
    registry().resolve(settings).unwrap()
}

/// Length, clicks and return of each of 512 episodes.
fn lives(backend: &dyn Backend, settings: &[&str]) -> Vec<(u32, u32, f64)> {
    let blocks = backend.episodes(&simulation(settings), 0..512).unwrap();
    let lives = blocks.iter().flat_map(|block| {
        let counts = block.lengths.iter().zip(&block.clicks);
        counts
            .zip(&block.returns)
            .map(|((&length, &clicks), &total)| (length, clicks, total))
    });
    lives.collect()
}

/// Compares with the reference; up to 2 lives may go another way by rounding.
fn assert_same_lives(backend: &dyn Backend, settings: &[&str]) {
    let expected = lives(&reference(None).unwrap(), settings);
    let found = lives(backend, settings);
    assert_eq!(expected.len(), found.len());
    let differing = expected.iter().zip(&found).filter(|(expected, found)| {
        (expected.0, expected.1) != (found.0, found.1)
            || (expected.2 - found.2).abs() > 1e-4 * expected.2.abs().max(1.0)
    });
    let count = differing.count();
    assert!(count <= 2, "{settings:?}: {count} lives differ");
}

const SUBJECTS: [&[&str]; 4] = [
    &[
        "environment.name=interest_exploration",
        "environment.slate_size=3",
        "max_steps=20",
        "policy.name=mmr",
    ],
    &[
        "environment.name=interest_evolution",
        "environment.slate_size=4",
        "environment.num_candidates=12",
        "policy.name=mmr",
        "policy.by=quality",
        "policy.diversity=2",
    ],
    &[
        "environment.name=interest_exploration",
        "environment.slate_size=3",
        "max_steps=20",
        "policy.name=mmr",
        "policy.layer.name=reversed",
    ],
    &[
        "environment.name=interest_exploration",
        "max_steps=20",
        "policy.name=cluster_bandit",
        "policy.layer.name=reversed",
        "policy.layer.layer.name=epsilon_greedy",
    ],
];

#[test]
fn policies_and_layers_of_ones_own_live_the_same_lives_on_the_cpu() {
    for settings in SUBJECTS {
        assert_same_lives(&cpu(None).unwrap(), settings);
    }
}

#[test]
fn policies_and_layers_of_ones_own_live_the_same_lives_on_the_gpu() {
    if let Some(gpu) = common::any_gpu() {
        for settings in SUBJECTS {
            assert_same_lives(&gpu, settings);
        }
    }
}

/// The two specimens that the policy brings, and that of the layer.
#[test]
fn policies_and_layers_of_ones_own_are_validated_like_the_built_in_ones() {
    let Some(gpu) = common::any_gpu() else { return };
    let mut own = cases(&registry()).unwrap();
    own.retain(|case| {
        let mut models = case.specimen.settings.iter();
        models.any(|set| ["policy.name=mmr", "policy.layer.name=reversed"].contains(&set.as_str()))
    });
    assert_eq!(own.len(), 3);
    let mut failed = Vec::new();
    let rungs = validate(
        Subject::Gpu(&gpu),
        Effort::Quick,
        &own,
        &mut |rung: &Rung| {
            failed.extend((!rung.passed).then(|| rung.clone()));
            ControlFlow::Continue(())
        },
    );
    assert!(failed.is_empty(), "{failed:#?}");
    let rungs = rungs.unwrap();
    for case in &own {
        let climbed = |name: &str| {
            let mut rungs = rungs.iter();
            rungs.any(|rung| rung.name == name && rung.case == case.name())
        };
        for name in ["single steps", "step equals rollout", "trajectories"] {
            assert!(climbed(name), "{name} of {}: {rungs:#?}", case.name());
        }
    }
    // Where little effort is asked for, only the first case climbs it.
    assert!(rungs.iter().any(|rung| rung.name == "invariance"));
}

#[test]
fn without_diversity_and_fatigue_the_best_documents_are_shown() {
    let common = [
        "environment.name=interest_exploration",
        "environment.slate_size=3",
        "max_steps=20",
        "policy.by=quality",
    ];
    let mmr = [
        &common[..],
        &["policy.name=mmr", "policy.diversity=0", "policy.fatigue=0"],
    ];
    let greedy = [&common[..], &["policy.name=greedy"]];
    let backend = cpu(None).unwrap();
    assert_eq!(
        lives(&backend, &mmr.concat()),
        lives(&backend, &greedy.concat())
    );
}

/// Four documents, two of each topic, of values 4, 3, 2, 1. With a diversity of 2.5 the second is the best of the other topic:
/// 2 > 3 - 2.5; then 3 - 2.5 = 0.5 is more than 1 - 2.5. After a step the topics have 2 and 1, and with a fatigue of 10 the
/// other topic comes first.
#[test]
fn slates_are_those_of_the_formula() {
    let simulation = simulation(&[
        "environment.name=interest_exploration",
        "environment.slate_size=3",
        "environment.resample_documents=false",
        "environment.document.corpus=[{cluster_id=0, quality=4}, {cluster_id=0, quality=3}, {cluster_id=1, quality=2}, {cluster_id=1, quality=1}]",
        "max_steps=2",
        "policy.name=mmr",
        "policy.by=quality",
        "policy.diversity=2.5",
        "policy.fatigue=10",
    ]);
    let backend = cpu(Some(1)).unwrap();
    let mut stepper = backend.stepper(&simulation, 1).unwrap();
    stepper.start(&[Some(0)]).unwrap();
    let first = stepper.recommend().unwrap();
    assert_eq!(first, [0, 2, 1]);
    stepper.step(&first).unwrap();
    assert_eq!(stepper.recommend().unwrap(), [2, 3, 0]);
}

const SMALL: [&str; 5] = [
    "environment.name=interest_exploration",
    "environment.slate_size=2",
    "environment.num_candidates=5",
    "max_steps=4",
    "policy.name=mmr",
];

/// The propensities of 8 episodes of 4 steps, as a trace records them; NaN where there is none.
fn propensities(settings: &[&str]) -> Vec<f64> {
    let simulation = simulation(&[&SMALL[..], settings].concat());
    let recording = Recording::default();
    let names = columns(&simulation, recording.with_candidates);
    let place = names
        .iter()
        .position(|column| column.name() == "propensity");
    let mut found = Vec::new();
    let mut on_row = |row: &[Cell]| {
        found.push(match row[place.unwrap()] {
            Cell::Double(number) => number,
            _ => f64::NAN,
        });
        Ok(())
    };
    let backend = cpu(Some(1)).unwrap();
    let recorded = record(
        &simulation,
        &backend,
        0..8,
        &recording,
        &Unobserved,
        &mut on_row,
    );
    assert_eq!(recorded.unwrap(), 8);
    assert_eq!(found.len(), 32);
    found
}

#[test]
fn traces_tell_the_propensities_of_a_policy_of_ones_own() {
    // Nothing is drawn.
    assert!(propensities(&[]).iter().all(|found| found.is_nan()));
    // Under exploration, the policy's slate has 0.5 more than each of the 5 * 4 slates: 0.525 and 0.025.
    let exploring = propensities(&[
        "policy.layer.name=epsilon_greedy",
        "policy.layer.epsilon=0.5",
    ]);
    let is = |found: f64, expected: f64| (found - expected).abs() < 1e-12;
    let own = exploring.iter().filter(|&&found| is(found, 0.525)).count();
    let others = exploring.iter().filter(|&&found| is(found, 0.025)).count();
    assert_eq!(own + others, 32, "{exploring:?}");
    assert!(own > 0 && others > 0, "{exploring:?}");
    // Nothing is known of what a layer makes of slates that does not say so.
    let reversed = propensities(&[
        "policy.layer.name=reversed",
        "policy.layer.layer.name=epsilon_greedy",
        "policy.layer.layer.epsilon=0.5",
    ]);
    assert!(reversed.iter().all(|found| found.is_nan()), "{reversed:?}");
}

#[test]
fn a_policy_of_ones_own_is_compared_with_built_in_ones() {
    let with = |more: &[&str]| simulation(&[&SMALL[..4], &["policy.by=quality"], more].concat());
    let plain = with(&["policy.name=mmr", "policy.diversity=0", "policy.fatigue=0"]);
    let diverse = with(&["policy.name=mmr", "policy.diversity=5"]);
    let greedy = with(&["policy.name=greedy"]);
    let backend = cpu(Some(1)).unwrap();
    let extent = Extent::Episodes(512);
    let compared = compare(
        &[plain, greedy, diverse],
        &backend,
        extent,
        None,
        &Unobserved,
    )
    .unwrap();
    let difference = |pair| {
        let found = compared.differences().find(|(found, _)| *found == pair);
        found.unwrap().1.mean().unwrap()
    };
    assert_eq!(difference((0, 1)), 0.0);
    assert_ne!(difference((1, 2)), 0.0);
}

#[test]
fn a_policy_of_ones_own_is_listed_and_its_keys_are_checked() {
    let declarations = registry().declarations();
    assert!(
        declarations
            .policies
            .iter()
            .any(|entry| entry.name == "mmr")
    );
    let sources = Sources::new()
        .set("policy.name=mmr")
        .and_then(|sources| sources.set("policy.recovry=0.5"))
        .unwrap();
    let refused = Config::resolve(&sources, &declarations)
        .unwrap_err()
        .to_string();
    assert!(refused.contains("`policy.recovery`"), "{refused}");
    let unfit = simulation_error(&["environment.name=long_term_satisfaction", "policy.name=mmr"]);
    assert!(unfit.contains("documents of topics"), "{unfit}");
}

fn simulation_error(settings: &[&str]) -> String {
    registry().resolve(settings).unwrap_err().to_string()
}

#[test]
#[should_panic(expected = "there is a policy \"mmr\" already")]
fn a_name_is_registered_once() {
    let _ = registry().with_policy::<custom_policy::Mmr>();
}
