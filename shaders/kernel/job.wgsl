// What a dispatch has to do. Kernels that only add up what others leave know nothing else.
//
// Binding of group 0: 0 the job, read.

#define_import_path slatesim::job

// Rust: struct Job in src/backend/gpu/shader/job.rs.
struct Job {
    // The seed, low word first.
    key: vec2<u32>,
    // The episode of lane 0, low word first.
    first_episode: vec2<u32>,
    // Lanes of this dispatch (with MANY_POINTS those of a point that have an episode), and all rounded up to whole blocks:
    // the length of a row of lanes in a buffer.
    num_lanes: u32,
    stride: u32,
    // The steps of this dispatch: from step_begin up to but not including step_end.
    step_begin: u32,
    step_end: u32,
    // Episodes still running after so many steps are truncated.
    max_steps: u32,
    // How many neighbouring lanes share an environment: they are offered the same documents.
    users_per_env: u32,
    // 1 where the words STEP of every lane are given, rather than drawn.
    words_are_given: u32,
    // Lanes of each point, whole blocks, and the point of lane 0. These and all members up to corpus_numbers are used with
    // MANY_POINTS only.
    lanes_per_point: u32,
    first_point: u32,
    // Numbers of each point beside its parameters, and where among them the policy's and the corpus begin.
    numbers_per_point: u32,
    policy_numbers: u32,
    corpus_numbers: u32,
    // The candidates that this dispatch looks at, in kernels with IN_PARTS.
    candidate_begin: u32,
    candidate_end: u32,
    // Always 0, which a compiler cannot know; see `opaque` in compensated.wgsl.
    zero: u32,
    unused: u32,
}

@group(0) @binding(0) var<uniform> job: Job;
