//! How many iterations all loops of one invocation take together at most, derived from a composed shader.
//!
//! Mesa's software rasteriser gives an invocation 65,535 iterations, all of its loops together and the inner ones counted
//! each time, and then ends every loop without reporting it (`LP_MAX_TGSI_LOOP_ITERATIONS` in Mesa's `lp_bld_limits.h`). So a
//! dispatch must be known to stay below before it is sent. The bound is derived from the shader itself, also from that of a
//! user's model: sizes are constants in it, and the numbers of the job that bound a loop are given.
//!
//! A loop is understood if it counts: `for (var i = A; i < B; i += C)`, and likewise with `<=`, downwards with `>=` and
//! `>`, with `S * i + O` on the left, where A, B and C follow from constants, the job, `min`, `max` and arithmetic.
//! Lanes that branch differently are computed side by side, so that both branches of an `if` count.

mod expressions;
mod loops;
mod value;
mod walk;

use std::collections::BTreeMap;
use value::Value;
use walk::Iterations;
pub(crate) use walk::Unbounded;
use wgpu::naga;

/// Returns the most iterations that an invocation of an entry point takes, with some members of the job given.
///
/// # Errors
/// [`Unbounded`] if a loop is not of a kind that is understood.
pub(crate) fn most_iterations(
    module: &naga::Module,
    entry_point: &str,
    job: &[(&'static str, u32)],
) -> Result<u64, Unbounded> {
    let mut iterations = Iterations {
        module,
        job,
        known: BTreeMap::new(),
    };
    let points = module.entry_points.iter();
    let mut found = points.filter(|point| point.name == entry_point);
    let Some(point) = found.next() else {
        return Ok(0);
    };
    let size = point
        .workgroup_size
        .into_iter()
        .map(i64::from)
        .product::<i64>();
    let arguments: Vec<Value> = (point.function.arguments.iter())
        .map(|argument| of_argument(module, argument, size))
        .collect();
    let (cost, _) = iterations.of_function(&point.function, entry_point, &arguments)?;
    Ok(cost)
}

/// Returns what is known of an argument of an entry point whose workgroups have `size` invocations.
fn of_argument(module: &naga::Module, argument: &naga::FunctionArgument, size: i64) -> Value {
    let any = Value::Between(0, i64::from(u32::MAX));
    match (&module.types[argument.ty].inner, &argument.binding) {
        (_, Some(naga::Binding::BuiltIn(naga::BuiltIn::LocalInvocationIndex))) => {
            Value::Between(0, size - 1)
        }
        (naga::TypeInner::Vector { .. }, _) => Value::Parts(vec![any; 3]),
        _ => any,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn iterations(body: &str) -> Result<u64, Unbounded> {
        let source = format!(
            "struct Job {{ step_begin: u32, step_end: u32 }}
             @group(0) @binding(0) var<uniform> job: Job;
             @group(0) @binding(1) var<storage, read_write> data: array<u32>;
             const SIZE: u32 = 10u;
             fn end() -> u32 {{ return job.step_end; }}
             fn inner(count: u32) {{ for (var i = 0u; i < count; i++) {{ data[i] = i; }} }}
             @compute @workgroup_size(1) fn main() {{ {body} }}"
        );
        let module = naga::front::wgsl::parse_str(&source).expect("well written");
        most_iterations(&module, "main", &[("step_begin", 0), ("step_end", 7)])
    }

    #[test]
    fn loops_that_count_are_bounded() {
        // The iteration that finds the end counts, too.
        for (body, expected) in [
            ("for (var i = 0u; i < SIZE; i++) { data[i] = 1u; }", 11),
            ("for (var i = 0u; 4u * i < SIZE; i++) { data[i] = 1u; }", 4),
            ("for (var i = 0u; i + 1u < SIZE; i++) { data[i] = 1u; }", 10),
            ("for (var i = SIZE - 1u; i >= 3u; i--) { data[i] = 1u; }", 8),
            ("for (var i = 0u; i < SIZE; i += 4u) { data[i] = 1u; }", 4),
            ("inner(5u);", 6),
            (
                "for (var i = job.step_begin; i < end(); i++) { data[i] = 1u; }",
                8,
            ),
            (
                "for (var i = 0u; i < job.step_end - job.step_begin; i++) { inner(2u); }",
                7 * 3 + 8,
            ),
            (
                "for (var i = 0u; i < SIZE; i += 4u) { for (var k = i; k < min(i + 4u, SIZE); k++) { data[k] = 1u; } }",
                3 * 11 + 4,
            ),
            ("if data[0] > 3u { inner(3u); } else { inner(4u); }", 9),
        ] {
            assert_eq!(iterations(body), Ok(expected), "{body}");
        }
    }

    #[test]
    fn loops_without_a_bound_are_told_by_function() {
        for body in [
            "loop { if data[0] == 1u { break; } }",
            "for (var i = 0u; i < data[0]; i++) { i = 0u; }",
            "while data[0] > 1u { data[0] -= 1u; }",
            "for (var i = 0u; i < SIZE; i++) { i = i - 1u; }",
        ] {
            let unbounded = iterations(body).expect_err(body);
            assert_eq!(unbounded.function, "main");
        }
    }
}
