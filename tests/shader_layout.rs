//! Promise: every shader composes and validates without a GPU, for everything that can be configured, and its structs
//! lie in memory as the host writes them.
#![allow(clippy::unwrap_used, reason = "a test")]

use naga::valid::{Capabilities, ValidationFlags, Validator};
use rayon::prelude::*;
use slatesim::backend::gpu::{GpuOptions, Kernel, ShaderError, compose_program};
use slatesim::backend::{Plan, Simulation};
use slatesim::choice::Choices;
use slatesim::config::{self, ConfigError, Entry};
use slatesim::environment::long_term_satisfaction::{
    LongTermSatisfaction, LongTermSatisfactionDefinition,
};
use slatesim::environment::{Definition, Field, Outline};
use slatesim::number::Number;
use slatesim::registry::Registry;
use slatesim::shader::{ShaderDefs, ShaderSource};
use slatesim::specimen::Specimen;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Settings, as `--set` takes them.
type Settings = Vec<String>;

/// Lists the forms that an environment takes: those of its specimens, and every combination of its samplers and choice models.
fn forms_of(environment: &Entry, specimens: &[Specimen]) -> BTreeSet<Settings> {
    let of_it = |specimen: &&Specimen| specimen.given("environment.name") == Some(environment.name);
    let of_environment = |setting: &&String| !setting.starts_with("policy.");
    let brought = specimens.iter().filter(of_it).map(|specimen| {
        let settings = specimen.settings.iter().filter(of_environment);
        settings.cloned().collect::<Settings>()
    });
    let named = format!("environment.name={}", environment.name);
    let variants = environment.variants().into_iter().map(|variant| {
        let words = variant
            .into_iter()
            .map(|(key, word)| format!("environment.{key}={word}"));
        std::iter::once(named.clone()).chain(words).collect()
    });
    brought.chain(variants).collect()
}

/// Lists the forms that policies and layers take in the specimens of all models.
fn forms_of_policies(specimens: &[Specimen]) -> BTreeSet<Settings> {
    let of_policy = |setting: &&String| setting.starts_with("policy.");
    let forms = specimens.iter().map(|specimen| {
        specimen
            .settings
            .iter()
            .filter(of_policy)
            .cloned()
            .collect()
    });
    forms.collect()
}

fn simulation(settings: impl IntoIterator<Item = String>) -> Simulation {
    let settings: Settings = settings.into_iter().collect();
    Registry::built_in()
        .resolve(&settings)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// The policy that is combined with everything.
const PLAIN_POLICY: &str = "policy.name=static";

/// A simulation to compose kernels of, with a description.
struct Combination {
    description: String,
    simulation: Simulation,
    /// Whether it is tried with 64-bit integers, too: these are seen by the draws alone.
    with_native_u64: bool,
}

/// Makes every pair of models. No module of a policy names one of a choice model, so it is enough that each form of a policy meets
/// each environment as each of its samplers has it, or else the first form that can feed it; and that one policy meets every form of
/// an environment, with each choice model.
fn combinations() -> Vec<Combination> {
    let registry = Registry::built_in();
    let specimens = registry.specimens();
    let policies = forms_of_policies(&specimens);
    let mut combinations = Vec::new();
    for environment in &registry.declarations().environments {
        let named = format!("environment.name={}", environment.name);
        let by_sampler: BTreeSet<Settings> = environment
            .variants()
            .into_iter()
            .map(|variant| {
                let words = variant
                    .into_iter()
                    .filter(|(key, _)| key.ends_with("sampler"));
                let settings = words.map(|(key, word)| format!("environment.{key}={word}"));
                std::iter::once(named.clone()).chain(settings).collect()
            })
            .collect();
        let others: BTreeSet<Settings> = forms_of(environment, &specimens);
        let forms = by_sampler.iter().chain(others.difference(&by_sampler));
        let mut fed = BTreeSet::new();
        for form in forms {
            let is_sampler = by_sampler.contains(form);
            for policy in &policies {
                let is_plain = policy[..] == [PLAIN_POLICY.to_owned()];
                if !is_sampler && !is_plain && fed.contains(policy) {
                    continue;
                }
                // Needed by environments that never end, and of no consequence here.
                let settings = [&["max_steps=9".to_owned()], &form[..], policy].concat();
                let description = settings.join(" ");
                match registry.resolve(&settings) {
                    Ok(simulation) => {
                        combinations.push(Combination {
                            description,
                            simulation,
                            with_native_u64: is_plain || fed.insert(policy),
                        });
                        fed.insert(policy);
                    }
                    // The environment cannot feed the policy.
                    Err(error) if error.to_string().starts_with("`policy.") => {}
                    Err(error) => panic!("{description}: {error}"),
                }
            }
        }
    }
    combinations
}

/// Makes every combination of environment and choice model, with one policy.
fn combinations_of_one_policy() -> Vec<Combination> {
    let mut combinations = combinations();
    combinations.retain(|one| one.description.ends_with(PLAIN_POLICY));
    assert!(!combinations.is_empty());
    combinations
}

fn default_simulation() -> Simulation {
    simulation(["environment.name=long_term_satisfaction".to_owned()])
}

fn composed(
    simulation: &Simulation,
    kernel: Kernel,
    options: &GpuOptions,
    native_u64: bool,
) -> naga::Module {
    compose_program(simulation, kernel, options, native_u64)
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
fn every_kernel_validates_for_every_pair_of_models_and_together_they_reach_every_function() {
    let reached: BTreeSet<(String, String)> = combinations()
        .par_iter()
        .flat_map_iter(|combination| {
            let Combination {
                description,
                simulation,
                with_native_u64,
            } = combination;
            let mut reached = BTreeSet::new();
            let whole = GpuOptions::default();
            // Where a dispatch looks at some of the candidates.
            let in_parts = GpuOptions {
                part_size: Some(1),
                ..whole.clone()
            };
            let all = Kernel::ALL.into_iter();
            let all = all.flat_map(|kernel| {
                let native = with_native_u64.then_some((kernel, &whole, true));
                std::iter::once((kernel, &whole, false)).chain(native)
            });
            let cut = [Kernel::Rollout, Kernel::Recommend].map(|kernel| (kernel, &in_parts, false));
            for (kernel, options, native_u64) in all.chain(cut) {
                let module = compose_program(simulation, kernel, options, native_u64)
                    .unwrap_or_else(|error| panic!("{description}, {kernel:?}: {error}"));
                validated(&module, native_u64);
                assert!(!module.entry_points.is_empty(), "{description}, {kernel:?}");
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
        // Kernel files are composed whole.
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
    let shared = files("shaders");
    let file_of = |module: &str| match module {
        "environment" => simulation.model.shader().path,
        "choice" => simulation.plan.choice.shader().path,
        "layered" => "made of policy and layers".to_owned(),
        name if name == "policy" || name.starts_with("layer::") => {
            let shaders = simulation.plan.policy.shaders();
            let found = shaders.into_iter().find(|shader| shader.module == name);
            found.expect("the module is one of the policy's").path
        }
        name => {
            let stem = name.trim_start_matches("slatesim::");
            let is_it = |path: &&PathBuf| path.file_stem().is_some_and(|found| found == stem);
            let found = shared.iter().find(is_it);
            found
                .unwrap_or_else(|| panic!("{name} has a file"))
                .to_str()
                .unwrap()
                .to_owned()
        }
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
        let module = composed(&default_simulation(), Kernel::Rollout, &options, native_u64);
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
            let bytes = |kernel| {
                let module = composed(&simulation, kernel, &options, false);
                validated(&module, false);
                let globals = module.global_variables.iter().map(|(_, global)| global);
                let shared = globals.filter(|global| global.space == naga::AddressSpace::WorkGroup);
                let size = |global: &naga::GlobalVariable| {
                    module.types[global.ty].inner.size(module.to_ctx())
                };
                shared.map(size).sum::<u32>()
            };
            for kernel in Kernel::ALL {
                assert!(bytes(kernel) <= LEAST, "{kernel:?}, {topics} topics");
            }
            bytes(Kernel::Rollout)
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
fn every_specimen_of_a_policy_or_a_layer_is_composed_with_some_environment() {
    let registry = Registry::built_in();
    let declarations = registry.declarations();
    let policies = forms_of_policies(&registry.specimens());
    let combinations = combinations();
    for policy in &policies {
        let ending = policy.join(" ");
        assert!(
            combinations
                .iter()
                .any(|one| one.description.ends_with(&ending)),
            "no environment feeds {ending}"
        );
    }
    let has = |setting: String| policies.iter().any(|policy| policy.contains(&setting));
    for policy in &declarations.policies {
        // The default, which specimens need not name.
        let is_default = policy.name == "random";
        assert!(
            is_default || has(format!("policy.name={}", policy.name)),
            "{}",
            policy.name
        );
    }
    for layer in &declarations.layers {
        assert!(
            has(format!("policy.layer.name={}", layer.name)),
            "{}",
            layer.name
        );
    }
}

#[test]
fn no_shader_file_is_left_out() {
    // What modules import by name, and the files of entry points.
    let lists = ["library", "kernel"].map(|list| {
        let path = format!("src/backend/gpu/shader/{list}.rs");
        std::fs::read_to_string(repository().join(path)).unwrap()
    });
    let all: BTreeSet<PathBuf> = files("shaders").into_iter().collect();
    let is_listed = |path: &&PathBuf| {
        let quoted = format!("{:?}", path.strip_prefix("shaders").unwrap());
        lists.iter().any(|list| list.contains(&quoted))
    };
    let mut used: BTreeSet<PathBuf> = all.iter().filter(is_listed).cloned().collect();
    for Combination { simulation, .. } in combinations() {
        used.insert(simulation.model.shader().path.into());
        used.insert(simulation.plan.choice.shader().path.into());
        let shaders = simulation.plan.policy.shaders();
        used.extend(shaders.into_iter().map(|shader| shader.path.into()));
    }
    assert_eq!(used, all);
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
    for combination in combinations_of_one_policy() {
        let Combination {
            description,
            simulation,
            ..
        } = combination;
        for kernel in [Kernel::Rollout, Kernel::Step] {
            let module = composed(&simulation, kernel, &GpuOptions::default(), false);
            let (found, span) =
                members_of_binding(&module, 0, 1).unwrap_or_else(|| panic!("{description}"));
            assert_members(&found, span, &simulation.model.parameters(), &description);
            if let Some((found, span)) = members_of_binding(&module, 0, 2) {
                let parameters = simulation.plan.choice.parameters();
                assert_members(&found, span, &parameters, &description);
            }
        }
    }
}

/// Compares the members of a WGSL struct with the numbers that the host writes into it.
fn assert_members(found: &[Member], span: u32, host: &[(&str, f64)], description: &str) {
    let expected: Vec<Member> = (0..)
        .zip(host)
        .map(|(index, (name, _))| Member {
            name: (*name).to_owned(),
            offset: 4 * index,
            scalar: Some(naga::Scalar::F32),
            bytes: 4,
        })
        .collect();
    assert_eq!(found, expected, "{description}");
    assert_eq!(span as usize, 4 * host.len(), "{description}");
}

#[test]
fn users_and_documents_have_the_fields_of_the_host_structs_in_their_order() {
    for combination in combinations_of_one_policy() {
        let Combination {
            description,
            simulation,
            ..
        } = combination;
        let module = composed(&simulation, Kernel::Rollout, &GpuOptions::default(), false);
        let layouts = [
            ("User", simulation.model.user_layout()),
            ("Document", simulation.model.document_layout()),
        ];
        for (name, layout) in layouts {
            let fields: Vec<&str> = layout.iter().map(|field| field.name).collect();
            let found =
                members_of_struct(&module, name).unwrap_or_else(|| panic!("{description}: {name}"));
            let found: Vec<&str> = found.iter().map(|member| member.name.as_str()).collect();
            // Lists without elements, which WGSL does not know, are left out there, at the end.
            let expected = &fields[..found.len().max(fields.len() - 1)];
            assert_eq!(found, expected, "{description}: {name}");
        }
        let layout = simulation.model.document_layout();
        let numbers = layout.iter().flat_map(Field::names).count();
        assert_eq!(simulation.model.num_fields().1, numbers);
    }
}

/// The offset that the host gives a member of `Job`, and its size. Rust: `struct Job` in src/backend/gpu/shader/job.rs.
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
    for kernel in Kernel::ALL {
        let module = composed(&default_simulation(), kernel, &GpuOptions::default(), false);
        let (found, span) = members_of_binding(&module, 0, 0).unwrap();
        let found: Vec<(&str, u32, u32)> = found
            .iter()
            .map(|member| (member.name.as_str(), member.offset, member.bytes))
            .collect();
        assert_eq!(found, JOB, "{kernel:?}");
        assert_eq!(span, JOB_BYTES, "{kernel:?}");
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

    fn entry() -> Entry {
        LongTermSatisfactionDefinition::entry()
    }

    fn new(settings: &config::Settings) -> Result<Self, ConfigError> {
        Ok(Self {
            base: LongTermSatisfactionDefinition::new(settings)?,
            text: String::new(),
        })
    }

    fn choices() -> Choices {
        LongTermSatisfactionDefinition::choices()
    }

    fn twin<N: Number>(&self) -> LongTermSatisfaction<N> {
        self.base.twin()
    }

    fn parameters(&self) -> Vec<(&'static str, f64)> {
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
    kernel_with_change(Kernel::Rollout, find, replace)
}

/// Composes any kernel with the built-in environment's shader after a change of the user's; returns also the line of the change.
fn kernel_with_change(
    kernel: Kernel,
    find: &str,
    replace: &str,
) -> (Result<naga::Module, ShaderError>, usize) {
    let built_in = default_simulation();
    let original = built_in.model.shader().text.into_owned();
    let before = original.split(find).next().unwrap();
    assert!(original.contains(find), "{find}");
    let line = before.lines().count();
    let declarations = Registry::built_in().declarations();
    let settings = declarations
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
        compose_program(&simulation, kernel, &GpuOptions::default(), false),
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
fn parameters_of_another_name_or_order_are_refused_with_both_lists() {
    for kernel in [Kernel::Rollout, Kernel::Sweep, Kernel::Step] {
        let (result, _) = kernel_with_change(
            kernel,
            "    choc_mean: f32,\n    choc_stddev: f32,",
            "    choc_stddev: f32,\n    choc_mean: f32,",
        );
        let refused = result.unwrap_err().to_string();
        assert!(
            refused.starts_with(
                "my_room/my_environment.wgsl: `struct Parameters` has the members memory_discount, sensitivity, \
                 innovation_stddev, choc_stddev, choc_mean,"
            ) && refused.contains("expected memory_discount, sensitivity, innovation_stddev, choc_mean, choc_stddev,"),
            "{kernel:?}: {refused}"
        );
    }
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
