//! Every backend runs the same episodes, also where single precision and the limits of drivers are strained.
//!
//! Lengths and clicks are compared episode by episode with the reference, which computes in double precision. Rounding may send
//! one of many thousand episodes another way; each case says how many it allows.

use crate::common;
use slatesim::backend::Simulation;
use slatesim::backend::gpu::GpuOptions;
use slatesim::backend::{BLOCK_EPISODES, Backend, cpu, reference};
use slatesim::config::{Config, Sources};
use slatesim::registry::{self, Registry};

fn simulation(settings: &[&str]) -> Simulation {
    let resolved = Registry::built_in().resolve(settings);
    resolved.expect("a good configuration")
}

#[test]
fn settings_that_single_precision_loses_are_refused() {
    let exploration = "environment.name=interest_exploration";
    let exploration_of = |policy: &'static str| [exploration, "max_steps=5", policy];
    let refusals: [(Vec<&str>, &str); 6] = [
        (
            [
                &exploration_of("policy.name=cluster_bandit")[..],
                &["policy.algorithm=kl_ucb", "policy.ci_scaling=1e-3"],
            ]
            .concat(),
            "at least 0.01 for `kl_ucb`",
        ),
        (
            [
                &exploration_of("policy.name=linear_thompson")[..],
                &["policy.exploration_scale=1e-6"],
            ]
            .concat(),
            "0, or a number of at least 0.001",
        ),
        (
            [
                &exploration_of("policy.name=glm_thompson")[..],
                &["policy.optimism_scaling=1e-9"],
            ]
            .concat(),
            "0, or a number of at least 0.001",
        ),
        (
            [
                &exploration_of("policy.name=mlp")[..],
                &["policy.weights=[[[3, 0, 1e8]], [[1, 0]]]"],
            ]
            .concat(),
            "allowed are numbers from -10000 to 10000",
        ),
        (
            [
                &exploration_of("policy.name=linear_softmax")[..],
                &["policy.weights=[1e5, 0]"],
            ]
            .concat(),
            "allowed are numbers from -10000 to 10000",
        ),
        (
            [
                &exploration_of("policy.name=linear_softmax")[..],
                &["policy.weights=[100, 0]", "policy.temperature=1e-6"],
            ]
            .concat(),
            "0, or a number of at least",
        ),
    ];
    for (settings, told) in refusals {
        let sources = settings.iter().fold(Sources::new(), |sources, setting| {
            sources.set(setting).expect("written well")
        });
        let config =
            Config::resolve(&sources, &registry::declarations()).expect("allowed by itself");
        let refused = registry::simulation(&config)
            .expect_err("not together")
            .to_string();
        assert!(refused.contains(told), "{settings:?}: {refused}");
    }
}

/// Length, clicks and return of each episode.
fn lives(backend: &dyn Backend, simulation: &Simulation, episodes: u64) -> Vec<(u32, u32, f64)> {
    let blocks = backend.episodes(simulation, 0..episodes).expect("it runs");
    let lives = blocks.iter().flat_map(|block| {
        let counts = block.lengths.iter().zip(&block.clicks);
        counts
            .zip(&block.returns)
            .map(|((&length, &clicks), &total)| (length, clicks, total))
    });
    lives.collect()
}

/// Compares so many episodes of two backends; up to `edges` may go another way.
fn compare_lives(
    name: &str,
    settings: &[&str],
    expected: &[(u32, u32, f64)],
    found: &[(u32, u32, f64)],
    edges: usize,
) {
    let integers = |life: &(u32, u32, f64)| (life.0, life.1);
    let pairs = expected.iter().zip(found);
    let others: Vec<_> = pairs.filter(|(a, b)| integers(a) != integers(b)).collect();
    assert!(
        others.len() <= edges,
        "{name}, {settings:?}: {} of {} episodes differ, such as {:?}",
        others.len(),
        found.len(),
        others.first()
    );
    let totals = |lives: &[(u32, u32, f64)]| lives.iter().map(|life| life.2).sum::<f64>();
    let (a, b) = (totals(&expected[..found.len()]), totals(found));
    assert!(
        (a - b).abs() <= 1e-5 * a.abs().max(1.0) * (1 + others.len()) as f64,
        "{name}, {settings:?}: returns {a} and {b}"
    );
}

/// Compares so many episodes of `cpu`, and fewer of `gpu`, with the reference; up to `edges` may go another way.
fn compare(settings: &[&str], episodes: u64, edges: usize) {
    let simulation = simulation(settings);
    let reference = reference::reference(None).expect("threads");
    let expected = lives(&reference, &simulation, episodes);
    let cpu = cpu::cpu(None).expect("threads");
    let gpu = common::any_gpu();
    let others: [(&str, Option<&dyn Backend>, u64); 2] = [
        ("cpu", Some(&cpu), episodes),
        (
            "gpu",
            gpu.as_ref().map(|gpu| gpu as &dyn Backend),
            episodes.min(BLOCK_EPISODES),
        ),
    ];
    for (name, backend, episodes) in others {
        let Some(backend) = backend else { continue };
        let found = lives(backend, &simulation, episodes);
        compare_lives(name, settings, &expected, &found, edges);
    }
}

/// Interest evolution as it is has 40 inputs. Software Vulkan compiles one kernel of it for a minute, and validation, which
/// needs some, has 20.
#[test]
fn regressions_of_40_inputs_rank_alike_on_every_backend() {
    compare(
        &[
            "environment.name=interest_evolution",
            "max_steps=12",
            "policy.name=linear_ucb",
        ],
        64,
        0,
    );
}

/// A dispatch of three candidates begins in the middle of a block of draws.
#[test]
fn softmax_over_parts_of_the_candidates_draws_the_same_slates() {
    let Some(gpu) = common::any_gpu() else { return };
    let gpu = gpu.with_options(GpuOptions {
        part_size: Some(3),
        ..gpu.options().clone()
    });
    let settings = [
        "environment.name=interest_exploration",
        "max_steps=20",
        "policy.name=linear_softmax",
        "policy.weights=[1.0, -0.5]",
    ];
    let simulation = simulation(&settings);
    let expected = lives(&cpu::cpu(None).expect("threads"), &simulation, 256);
    let found = lives(&gpu, &simulation, 256);
    compare_lives("gpu", &settings, &expected, &found, 0);
}

/// The most inputs that a regression takes: of its kernel, software Vulkan would compile for six minutes.
#[test]
fn regressions_of_64_inputs_rank_alike_on_cpu() {
    for policy in ["linear_ucb", "linear_thompson"] {
        let policy = format!("policy.name={policy}");
        let settings = [
            "environment.name=interest_evolution",
            "environment.document.sampler=distribution",
            "environment.document.num_features=32",
            "max_steps=40",
            &policy,
        ];
        let simulation = simulation(&settings);
        let expected = lives(
            &reference::reference(None).expect("threads"),
            &simulation,
            64,
        );
        let found = lives(&cpu::cpu(None).expect("threads"), &simulation, 64);
        compare_lives("cpu", &settings, &expected, &found, 0);
    }
}

/// Quirk E3: watching is cut to the budget and its bonus is not, so that a share of ever less is left. In single precision
/// it vanished after some hundred watches, in double precision after seven times as many.
#[test]
fn a_budget_that_shrinks_without_end_ends_no_session_early() {
    let one_document = [
        "environment.name=interest_evolution",
        "environment.num_candidates=1",
        "environment.slate_size=1",
        "environment.resample_documents=false",
        "environment.document.corpus=[{cluster_id=0, quality=1, video_length=4}]",
        "environment.choice.model=multinomial_logit",
        "environment.choice.no_click_mass=-5",
    ];
    compare(&one_document, 4096, 2);
    compare(
        &[
            "environment.name=interest_evolution",
            "policy.name=greedy",
            "policy.by=score",
            "environment.document.sampler=distribution",
            "environment.choice.model=multinomial_logit",
        ],
        2048,
        2,
    );
}

#[test]
fn budgets_of_decimals_last_as_long_on_every_backend() {
    for budget in [
        "60.0000001",
        "59.9999999",
        "0.1",
        "10.1",
        "16777216e-6",
        "119.99999",
    ] {
        let budget = format!("environment.user.time_budget={budget}");
        compare(&[&budget], 300, 0);
    }
}

/// Nobody clicks, so that a session lasts as many penalties as the budget has.
#[test]
fn penalties_of_decimals_are_counted_down_alike() {
    for (budget, penalty) in [
        ("200", "0.1"),
        ("70", "0.7"),
        ("60", "0.6"),
        ("30", "0.3"),
        ("1000", "0.9"),
        ("0.7", "0.1"),
    ] {
        let budget = format!("environment.user.time_budget={budget}");
        let penalty = format!("environment.user.step_penalty={penalty}");
        compare(
            &[
                "environment.name=interest_evolution",
                "environment.choice.model=multinomial_logit",
                "environment.choice.no_click_mass=100",
                &budget,
                &penalty,
            ],
            64,
            0,
        );
    }
}

#[test]
fn short_videos_fill_long_sessions_alike() {
    for length in ["0.1", "0.3", "0.7", "1.1"] {
        let length = format!("environment.document.video_length={length}");
        compare(
            &[
                "environment.name=interest_evolution",
                "environment.user.user_update_alpha=0",
                "environment.choice.model=multinomial_logit",
                "environment.choice.no_click_mass=-5",
                "environment.user.step_penalty=0.1",
                &length,
            ],
            256,
            1,
        );
    }
    // Without a penalty every session watches exactly its budget.
    compare(
        &[
            "environment.name=interest_evolution",
            "environment.user.sampler=distribution",
            "environment.document.sampler=distribution",
            "environment.user.step_penalty=0",
        ],
        1000,
        1,
    );
}

/// Mesa's software rasteriser leaves all loops of an invocation after 65,535 iterations together.
#[test]
fn many_candidates_and_long_slates_lose_no_step() {
    for candidates in ["9500", "70000"] {
        let candidates = format!("environment.num_candidates={candidates}");
        compare(&["policy.name=greedy", "max_steps=9", &candidates], 256, 0);
    }
    compare(
        &[
            "environment.name=interest_exploration",
            "policy.name=greedy",
            "policy.by=quality",
            "environment.num_candidates=180",
            "environment.slate_size=60",
            "max_steps=10",
        ],
        256,
        0,
    );
}

/// Reward 0.3 at every step: 27,000 of them were 8,097.86.
#[test]
fn a_million_equal_rewards_add_up_to_one_rounding() {
    let constant = [
        "environment.user.kale_mean=-2.4079456086518722",
        "environment.user.choc_mean=-2.4079456086518722",
        "environment.user.kale_stddev=0",
        "environment.user.choc_stddev=0",
        "environment.user.sensitivity=0",
    ];
    let cpu = cpu::cpu(None).expect("threads");
    let one_step = simulation(&[&constant[..], &["environment.user.time_budget=1"]].concat());
    let backends: [Option<Box<dyn Backend>>; 2] = [
        Some(Box::new(cpu)),
        common::any_gpu().map(|gpu| Box::new(gpu) as Box<dyn Backend>),
    ];
    for backend in backends.into_iter().flatten() {
        let reward = lives(backend.as_ref(), &one_step, 1)[0].2;
        for steps in [27_000_u32, 1_000_000] {
            let budget = format!("environment.user.time_budget={steps}");
            let simulation = simulation(&[&constant[..], &[&budget]].concat());
            let blocks = backend.episodes(&simulation, 0..1).expect("it runs");
            let (found, exact) = (blocks[0].returns[0], reward * f64::from(steps));
            assert!(
                (found - exact).abs() <= 1e-7 * exact,
                "{}: {found}, exact is {exact}",
                backend.info().name
            );
            assert!(
                blocks[0].slopes[0].abs() <= 1e-11,
                "{}",
                blocks[0].slopes[0]
            );
        }
    }
}

#[test]
fn discounted_returns_are_the_same_on_every_backend() {
    let simulation = simulation(&[
        "discount=[0, 0.5, 0.99, 1]",
        "environment.user.time_budget=30",
    ]);
    let reference = reference::reference(None).expect("threads");
    let expected = reference.episodes(&simulation, 0..300).expect("it runs");
    let cpu = cpu::cpu(None).expect("threads");
    let backends: [Option<Box<dyn Backend>>; 2] = [
        Some(Box::new(cpu)),
        common::any_gpu().map(|gpu| Box::new(gpu) as Box<dyn Backend>),
    ];
    for backend in backends.into_iter().flatten() {
        let found = backend.episodes(&simulation, 0..300).expect("it runs");
        for (a, b) in expected.iter().zip(&found) {
            for (index, (a, b)) in a.discounted.iter().zip(&b.discounted).enumerate() {
                for (a, b) in a.iter().zip(b) {
                    assert!((a - b).abs() <= 1e-5 * a.abs(), "{index}: {a} {b}");
                }
            }
            for (plain, at_one) in b.returns.iter().zip(&b.discounted[3]) {
                assert_eq!(plain, at_one, "a discount of 1 is none");
            }
        }
    }
}
