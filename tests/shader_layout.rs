//! Promise: every shader composes and validates without a GPU, for everything that can be configured, and its structs
//! lie in memory as the host writes them.
#![allow(clippy::unwrap_used, reason = "a test")]

use naga::valid::{Capabilities, ValidationFlags, Validator};
use rayon::prelude::*;
use slatesim::backend::gpu::{Entry, GpuOptions, ShaderError, compose_program};
use slatesim::backend::{Plan, Simulation};
use slatesim::choice::ChoiceModel;
use slatesim::config::{Config, ConfigError, Layers, Settings};
use slatesim::environment::long_term_satisfaction::{
    LongTermSatisfaction, LongTermSatisfactionDefinition,
};
use slatesim::environment::{
    Definition, Field, Outline, interest_evolution, interest_exploration, item_transition,
    long_term_satisfaction, test_mdp,
};
use slatesim::number::Number;
use slatesim::registry;
use slatesim::shader::{ShaderDefs, ShaderSource};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Overrides of the configuration, as `--set` takes them.
type Overrides = &'static [&'static str];

/// An environment: its name, its variants, its choice models, and the fields of its host structs.
struct Tested {
    name: &'static str,
    variants: &'static [Overrides],
    choices: &'static [Overrides],
    /// A feature that a greedy policy can rank by.
    feature: &'static str,
    parameters: &'static [&'static str],
    user: &'static [&'static str],
    document: &'static [&'static str],
}

const ENVIRONMENTS: &[Tested] = &[
    Tested {
        name: "long_term_satisfaction",
        variants: &[
            &[],
            // The tutorial variant, and one whose clusters do not fit into registers.
            &[
                "environment.document.num_clusters=4",
                "environment.user.observation_noise_stddev=0.1",
            ],
            &["environment.document.num_clusters=100"],
            &["environment.resample_documents=false"],
        ],
        choices: &[
            &["environment.choice.model=first"],
            &["environment.choice.model=multinomial_logit"],
            &[
                "environment.choice.model=multinomial_logit",
                "environment.choice.no_click_mass=0.5",
            ],
        ],
        feature: "clickbait_score",
        parameters: long_term_satisfaction::Parameters::FIELDS,
        user: long_term_satisfaction::User::<f64>::FIELDS,
        document: long_term_satisfaction::Document::<f64>::FIELDS,
    },
    Tested {
        name: "interest_exploration",
        variants: &[
            &[],
            &[
                "environment.user.type_distribution=[0.5, 0.25, 0.25]",
                "environment.user.mean_affinity=[[1,2,3,4,5],[1,2,3,4,5],[1,2,3,4,5]]",
                "environment.user.stddev_affinity=[[0,0.1,0.2,0.3,0.4],[0,0.1,0.2,0.3,0.4],[0,0.1,0.2,0.3,0.4]]",
                "environment.document.topic_distribution=[0.2, 0.2, 0.2, 0.2, 0.2]",
                "environment.document.topic_quality_mean=[1,2,3,4,5]",
                "environment.document.topic_quality_stddev=[0,0.1,0.2,0.3,0.4]",
            ],
            &["environment.resample_documents=false"],
        ],
        choices: &[&[]],
        feature: "quality",
        parameters: &["unused"],
        user: interest_exploration::User::<f64>::FIELDS,
        document: interest_exploration::Document::<f64>::FIELDS,
    },
    Tested {
        name: "interest_evolution",
        variants: &[
            &[],
            &[
                "environment.resample_documents=false",
                "environment.document.num_features=10",
            ],
            &[
                "environment.document.sampler=distribution",
                "environment.document.num_features=7",
            ],
            &[
                "environment.document.sampler=distribution",
                "environment.resample_documents=false",
            ],
        ],
        choices: &[
            &["environment.choice.model=multinomial_proportional"],
            &["environment.choice.model=multinomial_logit"],
            &["environment.choice.model=exponential_cascade"],
            &["environment.choice.model=proportional_cascade"],
        ],
        feature: "features[3]",
        parameters: interest_evolution::Parameters::FIELDS,
        user: interest_evolution::User::<f64>::FIELDS,
        document: interest_evolution::Document::<f64>::FIELDS,
    },
    Tested {
        name: "item_transition",
        variants: &[
            &["environment.num_candidates=10", "environment.slate_size=1"],
            &[
                "environment.num_candidates=10",
                "environment.slate_size=1",
                "environment.resample_documents=true",
            ],
        ],
        choices: &[&[]],
        feature: "document",
        parameters: item_transition::Parameters::FIELDS,
        user: item_transition::User::<f64>::FIELDS,
        document: item_transition::Document::<f64>::FIELDS,
    },
    Tested {
        name: "test_mdp",
        variants: &[&[], &["environment.resample_documents=true"]],
        choices: &[&[]],
        feature: "action",
        parameters: &["unused"],
        user: test_mdp::User::<f64>::FIELDS,
        document: test_mdp::Document::<f64>::FIELDS,
    },
];

/// The policies and layers, each in the environments that can feed it; `greedy` needs the name of a feature besides.
const POLICIES: &[(&str, Overrides)] = &[
    ("random", &[]),
    ("random", &["policy.with_replacement=true"]),
    ("static", &[]),
    ("greedy", &["policy.order=max"]),
    ("greedy", &["policy.order=min"]),
    // An oracle, in place of a feature.
    ("greedy", &["policy.by=score"]),
    ("greedy_pctr", &["policy.belief=[0.5]"]),
    ("cluster_bandit", &[]),
    ("cluster_bandit", &["policy.faithful=true"]),
    (
        "cluster_bandit",
        &["policy.algorithm=kl_ucb", "policy.by=score"],
    ),
    (
        "cluster_bandit",
        &["policy.algorithm=kl_ucb", "policy.faithful=true"],
    ),
    (
        "cluster_bandit",
        &["policy.algorithm=thompson_sampling", "policy.by=quality"],
    ),
    (
        "cluster_bandit",
        &["policy.algorithm=thompson_sampling", "policy.faithful=true"],
    ),
    // For environments with a finite state.
    ("table", &[]),
    ("linear_softmax", &["policy.weights=[0.5, -1]"]),
    (
        "linear_softmax",
        &["policy.weights=[0.5, -1, 2]", "policy.temperature=0"],
    ),
    (
        "mlp",
        &["policy.weights=[[[0.5, -1, 0.1], [1, 2, 0.3]], [[1, -1, 0]]]"],
    ),
    (
        "mlp",
        &[
            "policy.weights=[[[0.5, -1, 0.1], [1, 2, 0.3]], [[1, -1, 0]]]",
            "policy.activation=gelu",
        ],
    ),
    (
        "mlp",
        &[
            "policy.weights=[[[0.5, -1, 0.1], [1, 2, 0.3]], [[1, -1, 0]]]",
            "policy.activation=gelu_tanh",
        ],
    ),
    (
        "mlp",
        &[
            "policy.weights=[[[0.5, -1, 0.1], [1, 2, 0.3]], [[1, -1, 0]]]",
            "policy.activation=tanh",
        ],
    ),
    (
        "mlp",
        &[
            "policy.weights=[[[0.5, -1, 0.1], [1, 2, 0.3]], [[1, -1, 0]]]",
            "policy.activation=silu",
        ],
    ),
    ("linear_ucb", &[]),
    ("linear_thompson", &["policy.target=reward"]),
    ("glm_ucb", &[]),
    ("glm_thompson", &["policy.history_length=12"]),
    (
        "linear_ucb",
        &[
            "policy.layer.name=fixed_length_history",
            "policy.layer.remember_response=false",
            "policy.layer.layer.name=temporal_aggregation",
            "environment.resample_documents=false",
        ],
    ),
    ("random", &["policy.layer.name=fixed_length_history"]),
    // With the clicks and impressions of two topics among the inputs.
    (
        "mlp",
        &[
            "policy.weights=[[[1, 2, 3, 4, 5, 6, 0.5]]]",
            "policy.temperature=0.5",
            "policy.layer.name=cluster_click_statistics",
        ],
    ),
    ("random", &["policy.layer.name=epsilon_greedy"]),
    (
        "greedy",
        &[
            "policy.by=quality",
            "policy.layer.name=cluster_click_statistics",
            "policy.layer.layer.name=epsilon_greedy",
        ],
    ),
];

fn simulation(overrides: impl IntoIterator<Item = String>) -> Simulation {
    try_simulation(overrides).unwrap_or_else(|error| panic!("{error}"))
}

fn try_simulation(overrides: impl IntoIterator<Item = String>) -> Result<Simulation, ConfigError> {
    let sizes = ["environment.num_candidates=7", "environment.slate_size=3"];
    // Needed by environments that never end, and of no consequence here.
    let mut layers = Layers::new().set("max_steps=9").unwrap();
    for text in sizes.map(str::to_owned).into_iter().chain(overrides) {
        layers = layers.set(&text).unwrap();
    }
    registry::simulation(&Config::resolve(&layers, &registry::catalogue())?)
}

/// Makes every combination of environment, choice model and policy, each with a description.
fn simulations() -> Vec<(&'static Tested, String, Simulation)> {
    let mut simulations = Vec::new();
    for tested in ENVIRONMENTS {
        for variant in tested.variants {
            for choice in tested.choices {
                for (policy, settings) in POLICIES {
                    let greedy =
                        (*policy == "greedy").then(|| format!("policy.by={}", tested.feature));
                    let overrides: Vec<String> = [format!("environment.name={}", tested.name)]
                        .into_iter()
                        .chain([format!("policy.name={policy}")])
                        .chain(greedy)
                        .chain(
                            [*variant, *choice, *settings]
                                .concat()
                                .into_iter()
                                .map(str::to_owned),
                        )
                        .collect();
                    let description = overrides.join(" ");
                    match try_simulation(overrides) {
                        Ok(simulation) => simulations.push((tested, description, simulation)),
                        // The environment cannot feed the policy.
                        Err(error) if error.to_string().starts_with("`policy.") => {}
                        Err(error) => panic!("{description}: {error}"),
                    }
                }
            }
        }
    }
    simulations
}

/// Makes every combination of environment and choice model, with one policy.
fn simulations_of_one_policy() -> Vec<(&'static Tested, String, Simulation)> {
    let mut simulations = simulations();
    simulations.retain(|(_, description, _)| description.contains("policy.name=static"));
    assert!(!simulations.is_empty());
    simulations
}

fn default_simulation() -> Simulation {
    simulation(["environment.name=long_term_satisfaction".to_owned()])
}

fn composed(
    simulation: &Simulation,
    entry: Entry,
    options: &GpuOptions,
    native_u64: bool,
) -> naga::Module {
    compose_program(simulation, entry, options, native_u64)
        .unwrap_or_else(|error| panic!("{error}"))
}

fn validated(module: &naga::Module, native_u64: bool) -> naga::valid::ModuleInfo {
    let mut capabilities = Capabilities::default();
    capabilities.set(Capabilities::SHADER_INT64, native_u64);
    Validator::new(ValidationFlags::all(), capabilities)
        .validate(module)
        .unwrap_or_else(|error| panic!("{error:?}"))
}

/// Strips what the composer appends to the names of items that come from modules.
fn plain(name: &str) -> &str {
    name.split_once("X_naga_oil_mod_X")
        .map_or(name, |(plain, _)| plain)
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Lists the files of a folder of the repository, as paths relative to it.
fn files(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(repository().join(folder)).unwrap();
    let mut paths = Vec::new();
    for entry in entries {
        let path = Path::new(folder).join(entry.unwrap().file_name());
        if repository().join(&path).is_dir() {
            paths.extend(files(path.to_str().unwrap()));
        } else {
            paths.push(path);
        }
    }
    paths.sort();
    paths
}

/// Finds the members of a struct by the binding of a variable of its type.
fn members_of_binding(
    module: &naga::Module,
    group: u32,
    binding: u32,
) -> Option<(Vec<Member>, u32)> {
    let (_, global) = module.global_variables.iter().find(|(_, global)| {
        global
            .binding
            .is_some_and(|at| (at.group, at.binding) == (group, binding))
    })?;
    members(&module.types[global.ty].inner, module)
}

/// A member of a WGSL struct: its name, its offset in bytes, and its type.
#[derive(Debug, PartialEq)]
struct Member {
    name: String,
    offset: u32,
    scalar: Option<naga::Scalar>,
    bytes: u32,
}

fn members(inner: &naga::TypeInner, module: &naga::Module) -> Option<(Vec<Member>, u32)> {
    let naga::TypeInner::Struct { members, span } = inner else {
        return None;
    };
    let member = |member: &naga::StructMember| {
        let inner = &module.types[member.ty].inner;
        Member {
            name: plain(member.name.as_deref().unwrap_or_default()).to_owned(),
            offset: member.offset,
            scalar: inner.scalar(),
            bytes: inner.size(module.to_ctx()),
        }
    };
    Some((members.iter().map(member).collect(), *span))
}

/// Finds the members of the environment's struct of a name.
fn members_of_struct(module: &naga::Module, name: &str) -> Option<Vec<Member>> {
    let decorated = format!("{name}X_naga_oil_mod_X");
    let (_, ty) = module.types.iter().find(|(_, ty)| {
        ty.name
            .as_deref()
            .is_some_and(|found| found.starts_with(&decorated))
    })?;
    Some(members(&ty.inner, module)?.0)
}

#[test]
fn every_kernel_validates_for_every_combination_and_together_they_reach_every_function() {
    let reached: BTreeSet<(String, String)> = simulations()
        .par_iter()
        .flat_map_iter(|(_, description, simulation)| {
            let mut reached = BTreeSet::new();
            let whole = GpuOptions::default();
            // Where a dispatch looks at some of the candidates.
            let in_parts = GpuOptions {
                part_size: Some(1),
                ..whole.clone()
            };
            let all = Entry::ALL.into_iter();
            let all = all.flat_map(|entry| [(entry, &whole, false), (entry, &whole, true)]);
            let cut = [Entry::Rollout, Entry::Recommend].map(|entry| (entry, &in_parts, false));
            for (entry, options, native_u64) in all.chain(cut) {
                let module = compose_program(simulation, entry, options, native_u64)
                    .unwrap_or_else(|error| panic!("{description}, {entry:?}: {error}"));
                validated(&module, native_u64);
                assert!(!module.entry_points.is_empty(), "{description}, {entry:?}");
                reached.extend(functions(simulation, &module));
            }
            reached
        })
        .collect();
    // What no kernel reaches would be parsed but not validated.
    let mut missed = Vec::new();
    for path in files("shaders") {
        let path = path.to_str().unwrap();
        let text = std::fs::read_to_string(repository().join(path)).unwrap();
        // Entry files are composed whole.
        let lines = text.lines().filter(|_| !text.contains("@compute"));
        for function in lines.filter_map(|line| line.strip_prefix("fn ")) {
            let function = function.split('(').next().unwrap();
            let is_reached = reached.contains(&(path.to_owned(), function.to_owned()));
            if !is_reached {
                missed.push(format!("{path}: {function}"));
            }
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

/// Lists the functions that a module has taken from files, with the file.
fn functions(simulation: &Simulation, module: &naga::Module) -> BTreeSet<(String, String)> {
    let file_of = |module: &str| match module {
        "environment" => simulation.model.shader().path,
        "choice" => simulation.plan.choice.definition().shader().path,
        "agent" => "made of policy and layers".to_owned(),
        "slatesim::inputs"
        | "slatesim::logistic"
        | "slatesim::posterior"
        | "slatesim::ranking"
        | "slatesim::ridge"
        | "slatesim::scoring"
        | "slatesim::shuffle"
        | "slatesim::sorting" => {
            format!("shaders/policy/{}.wgsl", &module["slatesim::".len()..])
        }
        name if name == "policy" || name.starts_with("layer::") => {
            let shaders = simulation.plan.policy.shaders();
            let found = shaders.into_iter().find(|shader| shader.module == name);
            found.expect("the module is one of the policy's").path
        }
        "slatesim::compensated" | "slatesim::exact_sum" | "slatesim::slope" => {
            format!("shaders/statistics/{}.wgsl", &module["slatesim::".len()..])
        }
        "slatesim::blocks"
        | "slatesim::candidates"
        | "slatesim::carried"
        | "slatesim::drive"
        | "slatesim::job"
        | "slatesim::part"
        | "slatesim::step_sums"
        | "slatesim::tables"
        | "slatesim::tallied"
        | "slatesim::workgroup_sums" => {
            format!("shaders/kernel/{}.wgsl", &module["slatesim::".len()..])
        }
        "slatesim::cascade" => "shaders/choice/cascade.wgsl".to_owned(),
        _ => format!("shaders/{}.wgsl", module.trim_start_matches("slatesim::")),
    };
    let names = module.functions.iter();
    names
        .filter_map(|(_, function)| {
            let name = function.name.as_deref()?;
            Some((file_of(&decoded_module(name)?), plain(name).to_owned()))
        })
        .collect()
}

#[test]
fn wide_integers_appear_only_where_the_adapter_has_them() {
    let uses_wide_integers = |native_u64, avoids_native_u64| {
        let options = GpuOptions {
            avoids_native_u64,
            ..GpuOptions::default()
        };
        let module = composed(&default_simulation(), Entry::Rollout, &options, native_u64);
        let is_wide = |expression: &naga::Expression| {
            matches!(
                expression,
                naga::Expression::As {
                    kind: naga::ScalarKind::Uint,
                    convert: Some(8),
                    ..
                }
            )
        };
        let mut functions = module.functions.iter();
        functions.any(|(_, function)| function.expressions.iter().any(|(_, found)| is_wide(found)))
    };
    assert!(uses_wide_integers(true, false));
    assert!(!uses_wide_integers(false, false));
    assert!(!uses_wide_integers(true, true));
}

/// WebGPU's `maxComputeWorkgroupStorageSize`, which every device has at least. Counts by topic are the only memory of a
/// workgroup that grows: 250 topics are the most that are counted there.
#[test]
fn the_memory_of_a_workgroup_suffices_on_every_device() {
    const LEAST: u32 = 16_384;
    let options = GpuOptions {
        workgroup_size: Some(256),
        ..GpuOptions::default()
    };
    let bytes_of_rollout: Vec<u32> = [10, 250, 260]
        .iter()
        .map(|topics| {
            let settings = [
                "environment.name=interest_evolution".to_owned(),
                format!("environment.document.num_features={topics}"),
            ];
            let simulation = simulation(settings);
            let bytes = |entry| {
                let module = composed(&simulation, entry, &options, false);
                validated(&module, false);
                let globals = module.global_variables.iter().map(|(_, global)| global);
                let shared = globals.filter(|global| global.space == naga::AddressSpace::WorkGroup);
                let size = |global: &naga::GlobalVariable| {
                    module.types[global.ty].inner.size(module.to_ctx())
                };
                shared.map(size).sum::<u32>()
            };
            for entry in Entry::ALL {
                assert!(bytes(entry) <= LEAST, "{entry:?}, {topics} topics");
            }
            bytes(Entry::Rollout)
        })
        .collect();
    let [few, most, too_many] = bytes_of_rollout[..] else {
        panic!("{bytes_of_rollout:?}")
    };
    assert_eq!(most - few, 4 * 2 * 240);
    assert!(too_many < few, "{bytes_of_rollout:?}");
}

/// Reads from a decorated name which module the item comes from.
fn decoded_module(name: &str) -> Option<String> {
    let (_, encoded) = name.split_once("X_naga_oil_mod_X")?;
    let (mut bytes, mut buffer, mut bits) = (Vec::new(), 0, 0);
    // Base 32 without padding: five bits a letter.
    for letter in encoded.strip_suffix('X')?.bytes() {
        let digit = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
            .iter()
            .position(|&known| known == letter)?;
        (buffer, bits) = ((buffer << 5 | digit) & 0xFFFF, bits + 5);
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(buffer >> bits & 0xFF).unwrap());
        }
    }
    String::from_utf8(bytes).ok()
}

#[test]
fn every_environment_and_policy_of_the_catalogue_is_tested_here() {
    let catalogue = registry::catalogue();
    let names = |entries: &[slatesim::config::Entry]| -> BTreeSet<&str> {
        entries.iter().map(|entry| entry.name).collect()
    };
    assert_eq!(
        names(&catalogue.environments),
        ENVIRONMENTS.iter().map(|tested| tested.name).collect()
    );
    assert_eq!(
        names(&catalogue.policies),
        POLICIES.iter().map(|(name, _)| *name).collect()
    );
    let simulations = simulations();
    for (policy, settings) in POLICIES {
        let is_composed = |description: &String| {
            // Settings may have spaces of their own.
            let padded = format!(" {description} ");
            let has = |setting: &str| padded.contains(&format!(" {setting} "));
            has(&format!("policy.name={policy}")) && settings.iter().all(|&setting| has(setting))
        };
        assert!(
            simulations
                .iter()
                .any(|(_, description, _)| is_composed(description)),
            "no environment feeds {policy} {settings:?}"
        );
    }
    for layer in names(&catalogue.layers) {
        let is_used = |(_, settings): &(&str, Overrides)| {
            settings
                .iter()
                .any(|setting| setting.ends_with(&format!("layer.name={layer}")))
        };
        assert!(POLICIES.iter().any(is_used), "{layer}");
    }
}

#[test]
fn no_shader_file_is_left_out() {
    let mut used: BTreeSet<PathBuf> = [
        "rng",
        "math",
        "distribution",
        "bandit",
        "regression",
        "policy/ranking",
        "policy/shuffle",
        "policy/sorting",
        "policy/inputs",
        "policy/scoring",
        "policy/ridge",
        "policy/logistic",
        "policy/posterior",
        "choice/cascade",
        "statistics/exact_sum",
        "statistics/slope",
        "statistics/compensated",
        "kernel/job",
        "kernel/tables",
        "kernel/part",
        "kernel/carried",
        "kernel/candidates",
        "kernel/blocks",
        "kernel/drive",
        "kernel/rollout",
        "kernel/step_sums",
        "kernel/workgroup_sums",
        "kernel/tallied",
        "kernel/fold",
        "kernel/tally",
        "kernel/step",
        "kernel/probe",
    ]
    .map(|stem| PathBuf::from(format!("shaders/{stem}.wgsl")))
    .into();
    for (_, _, simulation) in simulations() {
        used.insert(simulation.model.shader().path.into());
        used.insert(simulation.plan.choice.definition().shader().path.into());
        let mut shaders = simulation.plan.policy.shaders();
        // Made, not a file.
        shaders.retain(|shader| shader.module != "agent");
        used.extend(shaders.into_iter().map(|shader| shader.path.into()));
    }
    assert_eq!(used, files("shaders").into_iter().collect());
}

#[test]
fn every_shader_that_has_a_host_twin_shares_its_stem() {
    let mut twins = vec![
        PathBuf::from("rng.wgsl"),
        "math.wgsl".into(),
        "distribution.wgsl".into(),
        "bandit.wgsl".into(),
        "regression.wgsl".into(),
    ];
    for room in ["choice", "environment", "policy", "statistics"] {
        let shaders = files(&format!("shaders/{room}"));
        assert!(!shaders.is_empty(), "{room}");
        twins.extend(
            shaders
                .iter()
                .map(|path| path.strip_prefix("shaders").unwrap().to_owned()),
        );
    }
    for twin in twins {
        let host = repository().join("src").join(&twin).with_extension("rs");
        assert!(
            host.is_file(),
            "shaders/{} has no twin {}",
            twin.display(),
            host.display()
        );
        let name = host.file_name().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(repository().join("shaders").join(&twin)).unwrap();
        assert!(
            text.contains(name),
            "shaders/{} does not name its twin",
            twin.display()
        );
    }
}

#[test]
fn parameters_have_the_members_of_the_host_struct_in_its_order() {
    for (tested, description, simulation) in simulations_of_one_policy() {
        for entry in [Entry::Rollout, Entry::Step] {
            let module = composed(&simulation, entry, &GpuOptions::default(), false);
            let (found, span) =
                members_of_binding(&module, 0, 1).unwrap_or_else(|| panic!("{description}"));
            let expected: Vec<Member> = (0..)
                .zip(tested.parameters)
                .map(|(index, name)| Member {
                    name: (*name).to_owned(),
                    offset: 4 * index,
                    scalar: Some(naga::Scalar::F32),
                    bytes: 4,
                })
                .collect();
            assert_eq!(found, expected, "{description}");
            let written = 4 * simulation.model.parameters().len();
            assert_eq!(span as usize, written, "{description}");
            if let Some((found, span)) = members_of_binding(&module, 0, 2) {
                assert_eq!(
                    span as usize,
                    4 * simulation.plan.choice.definition().parameters().len(),
                    "{description}"
                );
                assert!(
                    found
                        .iter()
                        .all(|member| member.scalar == Some(naga::Scalar::F32)),
                    "{description}"
                );
            }
        }
    }
}

#[test]
fn users_and_documents_have_the_fields_of_the_host_structs_in_their_order() {
    for (tested, description, simulation) in simulations_of_one_policy() {
        let module = composed(&simulation, Entry::Rollout, &GpuOptions::default(), false);
        for (name, fields) in [("User", tested.user), ("Document", tested.document)] {
            let found =
                members_of_struct(&module, name).unwrap_or_else(|| panic!("{description}: {name}"));
            let found: Vec<&str> = found.iter().map(|member| member.name.as_str()).collect();
            // Lists without elements, which WGSL does not know, are left out there, at the end.
            let expected = &fields[..found.len().max(fields.len() - 1)];
            assert_eq!(found, expected, "{description}: {name}");
        }
        let layout = simulation.model.document_layout();
        let numbered: Vec<String> = layout.iter().flat_map(Field::names).collect();
        let mut names: Vec<&str> = numbered
            .iter()
            .map(|name| name.split_once('[').map_or(name.as_str(), |(name, _)| name))
            .collect();
        names.dedup();
        assert_eq!(names, tested.document[..names.len()], "{description}");
        assert_eq!(simulation.model.num_fields().1, numbered.len());
    }
}

/// The offset that the host gives a member of `Job`, and its size. Rust: `struct Job` in src/backend/gpu/program.rs.
const JOB: [(&str, u32, u32); 18] = [
    ("key", 0, 8),
    ("first_episode", 8, 8),
    ("num_lanes", 16, 4),
    ("stride", 20, 4),
    ("step_begin", 24, 4),
    ("step_end", 28, 4),
    ("max_steps", 32, 4),
    ("users_per_env", 36, 4),
    ("words_are_given", 40, 4),
    ("lanes_per_point", 44, 4),
    ("first_point", 48, 4),
    ("numbers_per_point", 52, 4),
    ("policy_numbers", 56, 4),
    ("corpus_numbers", 60, 4),
    ("candidate_begin", 64, 4),
    ("candidate_end", 68, 4),
    ("zero", 72, 4),
    ("unused", 76, 4),
];
const JOB_BYTES: u32 = 80;

#[test]
fn a_job_lies_in_memory_as_the_host_writes_it() {
    for entry in Entry::ALL {
        let module = composed(&default_simulation(), entry, &GpuOptions::default(), false);
        let (found, span) = members_of_binding(&module, 0, 0).unwrap();
        let found: Vec<(&str, u32, u32)> = found
            .iter()
            .map(|member| (member.name.as_str(), member.offset, member.bytes))
            .collect();
        assert_eq!(found, JOB, "{entry:?}");
        assert_eq!(span, JOB_BYTES, "{entry:?}");
    }
}

/// The built-in environment with a shader of the user's own.
#[derive(Debug)]
struct Custom {
    base: LongTermSatisfactionDefinition,
    text: String,
}

impl Definition for Custom {
    type Twin<N: Number> = LongTermSatisfaction<N>;

    fn entry() -> slatesim::config::Entry {
        LongTermSatisfactionDefinition::entry()
    }

    fn new(settings: &Settings) -> Result<Self, ConfigError> {
        Ok(Self {
            base: LongTermSatisfactionDefinition::new(settings)?,
            text: String::new(),
        })
    }

    fn choice(settings: &Settings) -> Result<ChoiceModel, ConfigError> {
        LongTermSatisfactionDefinition::choice(settings)
    }

    fn twin<N: Number>(&self) -> LongTermSatisfaction<N> {
        self.base.twin()
    }

    fn parameters(&self) -> Vec<f64> {
        Definition::parameters(&self.base)
    }

    fn shader(&self) -> ShaderSource {
        ShaderSource::environment("my_room/my_environment.wgsl", self.text.clone())
    }

    fn shader_defs(&self) -> ShaderDefs {
        Definition::shader_defs(&self.base)
    }

    fn outline(&self) -> Outline {
        Definition::outline(&self.base)
    }
}

/// Composes the rollout with the built-in environment's shader after a change of the user's.
fn with_change(find: &str, replace: &str) -> (Result<naga::Module, ShaderError>, usize) {
    let built_in = default_simulation();
    let original = built_in.model.shader().text.into_owned();
    let before = original.split(find).next().unwrap();
    assert!(original.contains(find), "{find}");
    let line = before.lines().count();
    let catalogue = registry::catalogue();
    let settings = catalogue
        .environment("long_term_satisfaction")
        .unwrap()
        .settings_with(&[])
        .unwrap();
    let custom = Custom {
        base: LongTermSatisfactionDefinition::new(&settings).unwrap(),
        text: original.replacen(find, replace, 1),
    };
    let outline = Definition::outline(&custom);
    let simulation = Simulation {
        model: Arc::new(custom),
        plan: Plan {
            outline,
            ..built_in.plan
        },
    };
    (
        compose_program(&simulation, Entry::Rollout, &GpuOptions::default(), false),
        line,
    )
}

#[test]
fn an_environment_of_the_users_own_composes_by_the_same_door() {
    let (module, _) = with_change(
        "1.0 - document.clickbait_score",
        "0.5 * document.clickbait_score",
    );
    validated(&module.unwrap(), false);
}

#[test]
fn a_module_that_lacks_a_function_of_the_interface_is_named_with_the_function() {
    let (result, _) = with_change("fn reward(", "fn prize(");
    assert_eq!(
        result.unwrap_err().to_string(),
        "my_room/my_environment.wgsl lacks `fn reward(parameters: Parameters, response: Response) -> f32`, which every \
         environment module defines"
    );
}

#[test]
fn a_broken_module_of_the_user_is_reported_with_file_line_and_caret() {
    for (find, replace, what) in [
        // A syntax error, a name that is not there, a type that does not fit.
        (
            "return response.engagement;",
            "return response.engagement",
            "expected",
        ),
        (
            "return response.engagement;",
            "return response.engagment;",
            "engagment",
        ),
        ("return response.engagement;", "return 1u;", "type"),
    ] {
        let (result, line) = with_change(find, replace);
        let shown = result.expect_err("the module is broken").to_string();
        assert!(shown.contains("my_room/my_environment.wgsl:"), "{shown}");
        assert!(shown.contains(what), "{shown}");
        let caret = shown
            .lines()
            .position(|line| line.contains('^'))
            .unwrap_or_else(|| panic!("no caret: {shown}"));
        let marked = shown.lines().nth(caret - 1).unwrap();
        let number: usize = marked.split('│').next().unwrap().trim().parse().unwrap();
        // A missing semicolon is noticed on the line after.
        assert!(
            (line..=line + 1).contains(&number),
            "line {line} expected: {shown}"
        );
    }
}
