//! What a dispatch has to do: twin of `shaders/kernel/job.wgsl`.

use crate::rng::halves;
use bytemuck::{Pod, Zeroable};

/// The input that all kernels share.
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
    /// Makes a job of consecutive episodes, one a lane, the first of them `first_episode`, without steps.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::gpu::options::GpuOptions;
    use crate::backend::gpu::shader::kernel::Kernel;
    use crate::backend::gpu::shader::recipe::compose_program;
    use crate::validation::cases;
    use std::mem::{offset_of, size_of};

    #[test]
    fn the_job_lies_as_the_shader_reads_it() {
        let simulation = &cases(&crate::registry::Registry::built_in()).unwrap()[0].simulation;
        let module =
            compose_program(simulation, Kernel::Rollout, &GpuOptions::default(), false).unwrap();
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
