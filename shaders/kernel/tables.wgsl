// The numbers of an environment or a policy that are too many for parameters: vectors and matrices, one after the other.
//
// Bindings 4 and 5 of group 0, read. They have a file of their own because environments import it, and candidates.wgsl
// imports environments.

#define_import_path slatesim::tables

#ifdef MANY_POINTS
// Point by point the environment's numbers, the policy's, and the corpus. Rust: `Points` in src/backend/gpu/work/points.rs.
@group(0) @binding(4) var<storage, read> numbers: array<f32>;

// Where the numbers of this lane's point begin.
var<private> environment_begin: u32;
var<private> policy_begin: u32;
var<private> corpus_begin: u32;

fn enter(environment: u32, policy: u32, corpus: u32) {
    environment_begin = environment;
    policy_begin = policy;
    corpus_begin = corpus;
}

fn table(index: u32) -> f32 {
    return numbers[environment_begin + index];
}

fn policy_table(index: u32) -> f32 {
    return numbers[policy_begin + index];
}

fn corpus_field(index: u32) -> f32 {
    return numbers[corpus_begin + index];
}
#else
@group(0) @binding(4) var<storage, read> environment_tables: array<f32>;
@group(0) @binding(5) var<storage, read> policy_tables: array<f32>;

// Rust: `Definition::tables`.
fn table(index: u32) -> f32 {
    return environment_tables[index];
}

// Rust: `PolicyDefinition::tables`.
fn policy_table(index: u32) -> f32 {
    return policy_tables[index];
}
#endif
