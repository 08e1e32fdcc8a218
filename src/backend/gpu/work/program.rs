//! From a simulation to shaders: which modules, which definitions, which inputs.

use super::rollout::{SPAN, block, word};
use crate::backend::gpu::device::context::Gpu;
use crate::backend::gpu::device::pipeline::{
    RuntimeChecks, bind_group, bind_group_layouts, create_module, create_pipeline,
};
use crate::backend::gpu::device::stopwatch::Laps;
use crate::backend::gpu::error::GpuError;
use crate::backend::gpu::shader::compose::{NATIVE_U64, ShaderError, compose};
use crate::backend::gpu::shader::conversions::with_conversions;
use crate::backend::gpu::shader::{interface, iterations};
use crate::backend::gpu::{GpuOptions, Simulation};
use crate::rng::halves;
use crate::shader::{ShaderDef, ShaderDefs, ShaderSource, embedded};
use bytemuck::{Pod, Zeroable};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use wgpu::{BufferUsages, naga};

const DEFAULT_WORKGROUP_SIZE: u32 = 64;
/// Invocations of a workgroup of `tally`, which has all parts of some blocks and room for their sums.
pub(crate) const TALLY_WORKGROUP_SIZE: u32 = 256;
/// More counters than this would spill.
const MAX_SLOTS_IN_REGISTERS: u32 = 16;
/// Counts of a block that fit into the memory of a workgroup beside the sums of its steps: 2 of 16 KiB, which every device
/// has.
const MAX_COUNTS_IN_WORKGROUP: u32 = 512;

/// What all kernels are told.
// WGSL: struct Job in shaders/kernel/job.wgsl
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Job {
    pub(crate) key: [u32; 2],
    pub(crate) first_episode: [u32; 2],
    pub(crate) num_lanes: u32,
    pub(crate) stride: u32,
    pub(crate) step_begin: u32,
    pub(crate) step_end: u32,
    pub(crate) max_steps: u32,
    pub(crate) users_per_env: u32,
    pub(crate) words_are_given: u32,
    pub(crate) lanes_per_point: u32,
    pub(crate) first_point: u32,
    pub(crate) numbers_per_point: u32,
    pub(crate) policy_numbers: u32,
    pub(crate) corpus_numbers: u32,
    pub(crate) candidate_begin: u32,
    pub(crate) candidate_end: u32,
    pub(crate) zero: u32,
    pub(crate) unused: u32,
}

impl Job {
    /// A job of lanes that begin at one episode, without steps.
    pub(crate) fn of_lanes(seed: u64, first_episode: u64, num_lanes: u32, max_steps: u32) -> Self {
        Self {
            key: halves(seed),
            first_episode: halves(first_episode),
            num_lanes,
            stride: num_lanes,
            step_begin: 0,
            step_end: 0,
            max_steps,
            users_per_env: 1,
            words_are_given: 0,
            lanes_per_point: num_lanes,
            first_point: 0,
            numbers_per_point: 0,
            policy_numbers: 0,
            corpus_numbers: 0,
            candidate_begin: 0,
            candidate_end: 0,
            zero: 0,
            unused: 0,
        }
    }
}

/// A deliberate change of a shader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    /// The file, as in `shaders/rng.wgsl`.
    pub path: String,
    /// The text to replace; it must occur.
    pub find: String,
    /// The text to put there.
    pub replace: String,
}

impl Patch {
    fn apply(&self, source: &mut ShaderSource) {
        if source.path == self.path {
            assert!(
                source.text.contains(&self.find),
                "{} does not contain {:?}",
                self.path,
                self.find
            );
            source.text = source.text.replace(&self.find, &self.replace).into();
        }
    }
}

/// The kernels, by file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Whole episodes.
    Rollout,
    /// Whole episodes of simulations that differ in their numbers only.
    Sweep,
    /// Sums of steps over blocks.
    Fold,
    /// Statistics of the episodes of whole blocks.
    Tally,
    /// Single steps.
    Step,
    /// Slates for single steps: a program of its own, since most agents are outside.
    Recommend,
    /// Single draws and functions.
    Probe,
}

impl Entry {
    /// All kernels.
    pub const ALL: [Self; 7] = [
        Self::Rollout,
        Self::Sweep,
        Self::Fold,
        Self::Tally,
        Self::Step,
        Self::Recommend,
        Self::Probe,
    ];

    /// Tells whether slates are as long as the environment's, and may be short.
    fn is_stepped(self) -> bool {
        matches!(self, Self::Step | Self::Recommend)
    }

    /// Tells whether a kernel only adds up what others leave: one program serves all simulations.
    fn only_adds(self) -> bool {
        matches!(self, Self::Fold | Self::Tally)
    }

    /// Returns how many invocations a workgroup has.
    pub(crate) fn workgroup_size(self, options: &GpuOptions) -> u32 {
        let asked = options.workgroup_size.unwrap_or(DEFAULT_WORKGROUP_SIZE);
        match self {
            // Whole spans of one block.
            Self::Rollout | Self::Sweep => asked.clamp(SPAN, block()).next_power_of_two(),
            Self::Tally => TALLY_WORKGROUP_SIZE,
            _ => asked,
        }
    }

    fn source(self) -> ShaderSource {
        match self {
            Self::Rollout | Self::Sweep => embedded!("rollout", "kernel/rollout.wgsl"),
            Self::Fold => embedded!("fold", "kernel/fold.wgsl"),
            Self::Tally => embedded!("tally", "kernel/tally.wgsl"),
            Self::Step | Self::Recommend => embedded!("step", "kernel/step.wgsl"),
            Self::Probe => embedded!("probe", "kernel/probe.wgsl"),
        }
    }
}

/// Composes the shader of a kernel for a simulation; needs no GPU.
///
/// # Errors
/// [`ShaderError`] with file, line and caret.
///
/// # Panics
/// If [`GpuOptions::patch`] looks for a text that its file does not contain: a fault that is not planted would pass
/// for one that nothing finds.
pub fn compose_program(
    simulation: &Simulation,
    entry: Entry,
    options: &GpuOptions,
    native_u64: bool,
) -> Result<naga::Module, ShaderError> {
    let (modules, entry_source) = sources(simulation, entry, options);
    let defs = definitions(simulation, entry, options, native_u64);
    for module in &modules {
        interface::check(module, &defs)?;
    }
    compose(&modules, &entry_source, &defs)
}

/// Lists the modules of a kernel, each after those it imports, and its entry file.
fn sources(
    simulation: &Simulation,
    entry: Entry,
    options: &GpuOptions,
) -> (Vec<ShaderSource>, ShaderSource) {
    let mut modules = vec![
        embedded!("slatesim::job", "kernel/job.wgsl"),
        embedded!("slatesim::blocks", "kernel/blocks.wgsl"),
    ];
    modules.extend(match entry.only_adds() {
        true => modules_of_sums(),
        false => modules_of_episodes(simulation, options.part_size.is_some()),
    });
    let mut entry_source = entry.source();
    if let Some(patch) = &options.patch {
        modules
            .iter_mut()
            .chain([&mut entry_source])
            .for_each(|source| patch.apply(source));
    }
    (modules, entry_source)
}

/// Lists the modules of the kernels that only add up, after those that all have.
fn modules_of_sums() -> Vec<ShaderSource> {
    vec![
        embedded!("slatesim::exact_sum", "statistics/exact_sum.wgsl"),
        embedded!("slatesim::tallied", "kernel/tallied.wgsl"),
        embedded!("slatesim::workgroup_sums", "kernel/workgroup_sums.wgsl"),
    ]
}

/// Lists the modules of the kernels that run episodes, after those that all have.
fn modules_of_episodes(simulation: &Simulation, is_in_parts: bool) -> Vec<ShaderSource> {
    let plan = &simulation.plan;
    let mut modules = vec![
        embedded!("slatesim::rng", "rng.wgsl"),
        embedded!("slatesim::math", "math.wgsl"),
        embedded!("slatesim::distribution", "distribution.wgsl"),
        embedded!("slatesim::bandit", "bandit.wgsl"),
        embedded!("slatesim::regression", "regression.wgsl"),
        embedded!("slatesim::compensated", "statistics/compensated.wgsl"),
        embedded!("slatesim::slope", "statistics/slope.wgsl"),
        embedded!("slatesim::tables", "kernel/tables.wgsl"),
        embedded!("slatesim::part", "kernel/part.wgsl"),
        embedded!("slatesim::cascade", "choice/cascade.wgsl"),
        with_conversions(
            simulation.model.shader(),
            &simulation.model.user_layout(),
            &simulation.model.document_layout(),
        ),
        plan.choice.definition().shader(),
        embedded!("slatesim::candidates", "kernel/candidates.wgsl"),
        embedded!("slatesim::step_sums", "kernel/step_sums.wgsl"),
        embedded!("slatesim::drive", "kernel/drive.wgsl"),
        embedded!("slatesim::ranking", "policy/ranking.wgsl"),
        embedded!("slatesim::shuffle", "policy/shuffle.wgsl"),
        embedded!("slatesim::sorting", "policy/sorting.wgsl"),
        embedded!("slatesim::inputs", "policy/inputs.wgsl"),
        embedded!("slatesim::scoring", "policy/scoring.wgsl"),
        embedded!("slatesim::ridge", "policy/ridge.wgsl"),
        embedded!("slatesim::logistic", "policy/logistic.wgsl"),
        embedded!("slatesim::posterior", "policy/posterior.wgsl"),
    ];
    if is_in_parts {
        modules.push(embedded!("slatesim::carried", "kernel/carried.wgsl"));
    }
    modules.extend(plan.policy.shaders());
    modules
}

/// What shaders are specialised by.
fn definitions(
    simulation: &Simulation,
    entry: Entry,
    options: &GpuOptions,
    native_u64: bool,
) -> ShaderDefs {
    let named = |(name, value): (&str, u32)| (name.to_owned(), ShaderDef::UInt(value));
    let shape = [
        ("WORKGROUP_SIZE", entry.workgroup_size(options)),
        ("BLOCK_EPISODES", block()),
    ];
    if entry.only_adds() {
        return shape.map(named).into();
    }
    let plan = &simulation.plan;
    let outline = &plan.outline;
    let (user_fields, document_fields) = simulation.model.num_fields();
    let num_shown = if entry.is_stepped() {
        plan.slate_size
    } else {
        plan.num_examined()
    };
    let size =
        |length: usize| u32::try_from(length.max(1)).expect("fewer than 2^32 numbers are observed");
    let num_considered = plan.choice.num_considered(plan.slate_size);
    let numbers = [
        ("NUM_CANDIDATES", plan.num_candidates),
        ("NUM_SHOWN", num_shown),
        ("NUM_CONSIDERED", num_considered),
        ("NUM_TOPICS", outline.num_topics),
        ("DOCUMENT_BLOCKS", outline.document_blocks),
        // WGSL has no arrays of no elements.
        ("USER_FIELDS", size(user_fields)),
        ("DOCUMENT_FIELDS", size(document_fields)),
        ("USER_SIZE", size(outline.user_size())),
        ("DOCUMENT_SIZE", size(outline.document_size())),
        ("RESPONSE_SIZE", size(outline.response_size())),
        ("NUM_DISCOUNTS", word(plan.discounts.len())),
    ];
    let flags = [
        (NATIVE_U64, native_u64 && !options.avoids_native_u64),
        ("HAS_CORPUS", plan.corpus.is_some()),
        ("HAS_TOPICS", outline.num_topics > 0),
        (
            "SLOTS_IN_REGISTERS",
            num_considered <= MAX_SLOTS_IN_REGISTERS,
        ),
        (
            "COUNTS_IN_WORKGROUP",
            outline.num_topics <= MAX_COUNTS_IN_WORKGROUP / 2
                && 2 * outline.num_topics + num_considered <= MAX_COUNTS_IN_WORKGROUP,
        ),
        ("HAS_QUALITY", outline.has_quality),
        ("NEEDS_SCORES", plan.choice.needs_scores()),
        ("OBSERVES_USER", outline.user_size() > 0),
        ("CAN_BE_SHORT", entry.is_stepped()),
        ("RECOMMENDS", entry == Entry::Recommend),
        ("MANY_POINTS", entry == Entry::Sweep),
        ("HAS_DISCOUNTS", !plan.discounts.is_empty()),
        ("IN_PARTS", options.part_size.is_some()),
    ];
    let mut defs = simulation.model.shader_defs();
    defs.extend(plan.choice.definition().shader_defs());
    defs.extend(plan.policy.shader_defs());
    defs.extend(shape.map(named));
    defs.extend(numbers.map(named));
    defs.extend(flags.map(|(name, value)| (name.to_owned(), ShaderDef::Bool(value))));
    defs
}

/// All that the shader of a kernel is made from.
#[derive(Debug, PartialEq)]
pub(crate) struct Recipe {
    defs: ShaderDefs,
    modules: Vec<ShaderSource>,
    entry_source: ShaderSource,
}

impl Recipe {
    pub(crate) fn new(
        gpu: &Gpu,
        options: &GpuOptions,
        simulation: &Simulation,
        entry: Entry,
    ) -> Self {
        let (modules, entry_source) = sources(simulation, entry, options);
        Self {
            defs: definitions(simulation, entry, options, gpu.native_u64()),
            modules,
            entry_source,
        }
    }
}

/// Programs that have been made, by everything that they are made from; compiling one takes a tenth of a second and more.
#[derive(Debug, Default)]
pub(crate) struct Programs(Mutex<BTreeMap<String, Arc<Program>>>);

/// So many programs are kept; a sweep over sizes makes others without end.
const MAX_PROGRAMS: usize = 128;

impl Programs {
    /// Returns the program that a key stands for, making it if need be.
    fn get(
        &self,
        key: String,
        make: impl FnOnce() -> Result<Program, GpuError>,
    ) -> Result<Arc<Program>, GpuError> {
        let mut programs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(program) = programs.get(&key) {
            return Ok(Arc::clone(program));
        }
        let program = Arc::new(make()?);
        if programs.len() >= MAX_PROGRAMS {
            programs.clear();
        }
        programs.insert(key, Arc::clone(&program));
        Ok(program)
    }
}

/// The pipelines of one file of kernels.
#[derive(Debug)]
pub(crate) struct Program {
    name: &'static str,
    pipelines: Vec<(&'static str, wgpu::ComputePipeline)>,
    layouts: Vec<wgpu::BindGroupLayout>,
    /// Group and binding of what the shader declares; the composer drops what nothing uses.
    bindings: BTreeSet<(u32, u32)>,
    workgroup_size: u32,
    /// The shader, where the iterations of its loops are to be counted.
    module: Option<naga::Module>,
}

impl Program {
    /// Makes the pipelines of a file of kernels, or finds those made before.
    pub(crate) fn get(
        gpu: &Gpu,
        options: &GpuOptions,
        simulation: &Simulation,
        entry: Entry,
        entry_points: &[&'static str],
    ) -> Result<Arc<Self>, GpuError> {
        let recipe = Recipe::new(gpu, options, simulation, entry);
        let is_counted = most_iterations(gpu, options).is_some();
        let key = format!("{recipe:?} {} {is_counted}", options.is_checked);
        gpu.programs().get(key, || {
            Self::new(gpu, options, simulation, entry, entry_points)
        })
    }

    fn new(
        gpu: &Gpu,
        options: &GpuOptions,
        simulation: &Simulation,
        entry: Entry,
        entry_points: &[&'static str],
    ) -> Result<Self, GpuError> {
        let composed = compose_program(simulation, entry, options, gpu.native_u64())?;
        let name = entry_points[0];
        let layouts = bind_group_layouts(gpu, name, &composed)?;
        let globals = composed.global_variables.iter();
        let bindings = globals
            .filter_map(|(_, global)| global.binding.map(|at| (at.group, at.binding)))
            .collect();
        let (modules, _) = sources(simulation, entry, options);
        let is_trusted = modules.iter().all(ShaderSource::is_trusted);
        let checks = if options.is_checked || cfg!(debug_assertions) || !is_trusted {
            RuntimeChecks::On
        } else {
            RuntimeChecks::Off
        };
        let counted = most_iterations(gpu, options).map(|_| composed.clone());
        let module = create_module(gpu, name, composed, checks)?;
        let pipeline = |&entry_point| {
            Ok((
                entry_point,
                create_pipeline(gpu, entry_point, &module, entry_point, &[], &layouts)?,
            ))
        };
        let pipelines = entry_points
            .iter()
            .map(pipeline)
            .collect::<Result<_, GpuError>>()?;
        Ok(Self {
            name,
            pipelines,
            layouts,
            bindings,
            workgroup_size: entry.workgroup_size(options),
            module: counted,
        })
    }

    /// Tells how many iterations an invocation of an entry point takes at most, with members of the job given; 0 where the
    /// driver runs them all.
    pub(crate) fn iterations(
        &self,
        gpu: &Gpu,
        entry_point: &str,
        job: &[(&'static str, u32)],
    ) -> Result<u64, GpuError> {
        let Some(module) = &self.module else {
            return Ok(0);
        };
        iterations::most_iterations(module, entry_point, job).map_err(|unbounded| {
            GpuError::UnboundedLoop {
                kernel: entry_point.to_owned(),
                function: unbounded.function,
                adapter: gpu.info().name.clone(),
            }
        })
    }

    /// Refuses a dispatch whose loops the driver would cut.
    pub(crate) fn check_iterations(
        &self,
        gpu: &Gpu,
        options: &GpuOptions,
        entry_point: &str,
        job: &[(&'static str, u32)],
    ) -> Result<(), GpuError> {
        let available = most_iterations(gpu, options).unwrap_or(u64::MAX);
        let needed = self.iterations(gpu, entry_point, job)?;
        if needed > available {
            return Err(GpuError::LoopLimit {
                what: format!("one invocation of the kernel {entry_point}"),
                adapter: gpu.info().name.clone(),
                needed,
                available,
            });
        }
        Ok(())
    }

    /// Returns how many invocations a workgroup has.
    pub(crate) fn workgroup_size(&self) -> u32 {
        self.workgroup_size
    }

    /// Binds a job and the inputs as group 0, and buffers in order as group 1.
    pub(crate) fn bind(
        &self,
        gpu: &Gpu,
        inputs: &Inputs,
        job: &Job,
        buffers: &[&wgpu::Buffer],
    ) -> Result<[wgpu::BindGroup; 2], GpuError> {
        let job = gpu.upload("job", BufferUsages::UNIFORM, bytemuck::bytes_of(job))?;
        let [environment, choice, corpus, tables, policy_tables] = &inputs.buffers;
        let bind = |group: u32, buffers: &[&wgpu::Buffer]| {
            let numbered = (0..).zip(buffers.iter().copied());
            let declared: Vec<_> = numbered
                .filter(|&(binding, _)| self.bindings.contains(&(group, binding)))
                .collect();
            bind_group(gpu, self.name, &self.layouts[group as usize], &declared)
        };
        Ok([
            bind(
                0,
                &[&job, environment, choice, corpus, tables, policy_tables],
            )?,
            bind(1, buffers)?,
        ])
    }

    /// Records `invocations` invocations of an entry point, timed if there is a timing under way.
    pub(crate) fn dispatch(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        laps: Option<&mut Laps<'_>>,
        entry_point: &'static str,
        groups: &[wgpu::BindGroup; 2],
        invocations: u32,
    ) {
        let pipeline = self.pipelines.iter().find(|(name, _)| *name == entry_point);
        let (_, pipeline) =
            pipeline.expect("the entry points were named when the program was made");
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
            label: Some(entry_point),
            timestamp_writes: laps.map(|laps| laps.next(entry_point)),
        });
        pass.set_pipeline(pipeline);
        pass.set_bind_group(0, &groups[0], &[]);
        pass.set_bind_group(1, &groups[1], &[]);
        pass.dispatch_workgroups(invocations.div_ceil(self.workgroup_size), 1, 1);
    }
}

/// Returns how many iterations the loops of an invocation may take, if that is bounded.
pub(crate) fn most_iterations(gpu: &Gpu, options: &GpuOptions) -> Option<u64> {
    options.most_iterations.or(gpu.most_iterations())
}

/// Returns the largest number up to `most` for which something holds that holds for all below it; 0 if for none.
pub(crate) fn largest(
    most: u32,
    holds: impl Fn(u32) -> Result<bool, GpuError>,
) -> Result<u32, GpuError> {
    if holds(most)? {
        return Ok(most);
    }
    let (mut good, mut bad) = (0, most);
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        if holds(middle)? {
            good = middle;
        } else {
            bad = middle;
        }
    }
    Ok(good)
}

/// Cuts candidates into parts of a size, at least one.
pub(crate) fn parts(num_candidates: u32, size: u32) -> impl Iterator<Item = Range<u32>> + Clone {
    let size = size.clamp(1, num_candidates.max(1));
    (0..num_candidates.max(1))
        .step_by(size as usize)
        .map(move |begin| begin..begin.saturating_add(size).min(num_candidates))
}

/// Returns how many invocations of a kernel one dispatch may have.
pub(crate) fn most_invocations(gpu: &Gpu, entry: Entry, options: &GpuOptions) -> u32 {
    gpu.limits()
        .max_compute_workgroups_per_dimension
        .saturating_mul(entry.workgroup_size(options))
}

/// The parameters of a simulation, on the device.
#[derive(Debug)]
pub(crate) struct Inputs {
    /// Bindings 1 to 5 of group 0.
    pub(crate) buffers: [wgpu::Buffer; 5],
}

/// Leaves the names out.
pub(super) fn values(named: Vec<(&str, f64)>) -> Vec<f64> {
    named.into_iter().map(|(_, value)| value).collect()
}

impl Inputs {
    pub(crate) fn new(gpu: &Gpu, simulation: &Simulation) -> Result<Self, GpuError> {
        let upload = |what, usage, numbers: &[f64]| upload(gpu, what, usage, numbers);
        let corpus = simulation
            .plan
            .corpus
            .as_ref()
            .map_or(&[][..], |corpus| &corpus.fields);
        Ok(Self {
            buffers: [
                upload(
                    "environment parameters",
                    BufferUsages::UNIFORM,
                    &values(simulation.model.parameters()),
                )?,
                upload(
                    "choice parameters",
                    BufferUsages::UNIFORM,
                    &values(simulation.plan.choice.definition().parameters()),
                )?,
                upload("corpus", BufferUsages::STORAGE, corpus)?,
                upload("tables", BufferUsages::STORAGE, &simulation.model.tables())?,
                upload(
                    "policy tables",
                    BufferUsages::STORAGE,
                    &simulation.plan.policy.tables(),
                )?,
            ],
        })
    }
}

/// Makes a buffer of numbers in the precision of lanes.
pub(crate) fn upload(
    gpu: &Gpu,
    what: &str,
    usage: BufferUsages,
    numbers: &[f64],
) -> Result<wgpu::Buffer, GpuError> {
    #[allow(
        clippy::cast_possible_truncation,
        reason = "lanes compute in single precision"
    )]
    let singles: Vec<f32> = numbers.iter().map(|&number| number as f32).collect();
    gpu.upload(what, usage, bytemuck::cast_slice(&singles))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::cases;
    use std::mem::{offset_of, size_of};

    #[test]
    fn the_job_lies_as_the_shader_reads_it() {
        let simulation = &cases(&crate::registry::Registry::built_in()).unwrap()[0].simulation;
        let module =
            compose_program(simulation, Entry::Rollout, &GpuOptions::default(), false).unwrap();
        let is_job =
            |ty: &&naga::Type| ty.name.as_ref().is_some_and(|name| name.starts_with("Job"));
        let job = module.types.iter().map(|(_, ty)| ty).find(is_job).unwrap();
        let naga::TypeInner::Struct { members, span } = &job.inner else {
            panic!("{job:?}")
        };
        let found: Vec<_> = members
            .iter()
            .map(|member| (member.name.as_deref().unwrap(), member.offset as usize))
            .collect();
        let expected = [
            ("key", offset_of!(Job, key)),
            ("first_episode", offset_of!(Job, first_episode)),
            ("num_lanes", offset_of!(Job, num_lanes)),
            ("stride", offset_of!(Job, stride)),
            ("step_begin", offset_of!(Job, step_begin)),
            ("step_end", offset_of!(Job, step_end)),
            ("max_steps", offset_of!(Job, max_steps)),
            ("users_per_env", offset_of!(Job, users_per_env)),
            ("words_are_given", offset_of!(Job, words_are_given)),
            ("lanes_per_point", offset_of!(Job, lanes_per_point)),
            ("first_point", offset_of!(Job, first_point)),
            ("numbers_per_point", offset_of!(Job, numbers_per_point)),
            ("policy_numbers", offset_of!(Job, policy_numbers)),
            ("corpus_numbers", offset_of!(Job, corpus_numbers)),
            ("candidate_begin", offset_of!(Job, candidate_begin)),
            ("candidate_end", offset_of!(Job, candidate_end)),
            ("zero", offset_of!(Job, zero)),
            ("unused", offset_of!(Job, unused)),
        ];
        assert_eq!(found, expected);
        assert_eq!(*span as usize, size_of::<Job>());
    }
}
