// The numbers of an environment or a policy that are too many for parameters: vectors and matrices, one after the other.
//
// Bindings 4 and 5 of group 0, read. A file of its own, for environments to import: candidates.wgsl imports them.

#define_import_path slatesim::tables

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
