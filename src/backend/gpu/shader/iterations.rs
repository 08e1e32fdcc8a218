//! How many iterations all loops of one invocation take together at most, told from a composed shader.
//!
//! Mesa's software rasteriser gives an invocation 65,535 iterations, all of its loops together and the inner ones counted
//! each time, and then leaves every loop without a word (`LP_MAX_TGSI_LOOP_ITERATIONS` in Mesa's `lp_bld_limits.h`). So a
//! dispatch must be known to stay below before it is sent. The bound is derived from the shader itself, whoever wrote it:
//! sizes are constants in it, and the numbers of the job that bound a loop are given.
//!
//! A loop is understood if it counts: `for (var i = A; i < B; i += C)`, and likewise with `<=`, downwards with `>=` and
//! `>`, with `S * i + O` on the left, where A, B and C follow from constants, the job, `min`, `max` and arithmetic.
//! Lanes that branch differently are computed side by side, so that both branches of an `if` count.

use std::collections::{BTreeMap, BTreeSet};
use wgpu::naga::{
    self, BinaryOperator, Block, Expression, Function, Handle, Literal, MathFunction, Statement,
};

/// Why no bound can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unbounded {
    /// The function whose loop it is.
    pub(crate) function: String,
}

/// What is known of a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    /// A whole number from one to another, both included.
    Between(i64, i64),
    /// The members of a structure, or the elements of an array or a vector.
    Parts(Vec<Self>),
    /// Nothing.
    Unknown,
}

impl Value {
    fn is(number: i64) -> Self {
        Self::Between(number, number)
    }

    /// Whatever an unsigned number can be; what an unknown one is taken for.
    fn range(&self) -> (i64, i64) {
        match self {
            Self::Between(low, high) => (*low, *high),
            _ => (i64::from(i32::MIN), i64::from(u32::MAX)),
        }
    }

    fn joined(self, other: Self) -> Self {
        match (self, other) {
            (Self::Between(a, b), Self::Between(c, d)) => Self::Between(a.min(c), b.max(d)),
            (a, b) if a == b => a,
            _ => Self::Unknown,
        }
    }

    /// What wraps around is not known.
    fn unwrapped(low: i64, high: i64) -> Self {
        if low < i64::from(i32::MIN) || high > i64::from(u32::MAX) {
            return Self::Unknown;
        }
        Self::Between(low, high)
    }
}

type Locals = BTreeMap<Handle<naga::LocalVariable>, Value>;

/// Counts iterations in a module.
pub(crate) struct Iterations<'a> {
    module: &'a naga::Module,
    /// What members of the uniform `job` are.
    job: &'a [(&'static str, u32)],
    /// Costs and results of functions by what they are called with.
    known: BTreeMap<(Handle<Function>, Vec<Value>), (u64, Value)>,
}

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

/// Tells what an argument of an entry point is, whose workgroups have so many invocations.
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

/// One function on the way through it.
struct Frame<'f> {
    function: &'f Function,
    name: &'f str,
    arguments: &'f [Value],
    locals: Locals,
    /// What calls have returned.
    results: BTreeMap<Handle<Expression>, Value>,
    returned: Option<Value>,
}

impl Frame<'_> {
    fn unbounded(&self) -> Unbounded {
        Unbounded {
            function: self.name.to_owned(),
        }
    }
}

impl Iterations<'_> {
    fn of_function(
        &mut self,
        function: &Function,
        name: &str,
        arguments: &[Value],
    ) -> Result<(u64, Value), Unbounded> {
        let mut frame = Frame {
            function,
            name,
            arguments,
            locals: Locals::new(),
            results: BTreeMap::new(),
            returned: None,
        };
        for (local, variable) in function.local_variables.iter() {
            let value = match variable.init {
                Some(init) => self.value(&frame, init),
                None => Value::is(0),
            };
            frame.locals.insert(local, value);
        }
        let cost = self.of_block(&mut frame, &function.body)?;
        Ok((cost, frame.returned.unwrap_or(Value::Unknown)))
    }

    fn of_call(
        &mut self,
        called: Handle<Function>,
        arguments: Vec<Value>,
    ) -> Result<(u64, Value), Unbounded> {
        let key = (called, arguments);
        if let Some(known) = self.known.get(&key) {
            return Ok(known.clone());
        }
        let module = self.module;
        let function = &module.functions[called];
        let name = function.name.as_deref().unwrap_or("");
        let found = self.of_function(function, name, &key.1)?;
        self.known.insert(key, found.clone());
        Ok(found)
    }

    fn of_block(&mut self, frame: &mut Frame<'_>, block: &Block) -> Result<u64, Unbounded> {
        let mut cost = 0_u64;
        for statement in block {
            let more = match statement {
                Statement::Block(inner) => self.of_block(frame, inner)?,
                Statement::If { accept, reject, .. } => {
                    let before = frame.locals.clone();
                    let accepted = self.of_block(frame, accept)?;
                    let after = std::mem::replace(&mut frame.locals, before);
                    let rejected = self.of_block(frame, reject)?;
                    join(&mut frame.locals, after);
                    accepted.saturating_add(rejected)
                }
                Statement::Switch { cases, .. } => {
                    let before = frame.locals.clone();
                    let mut all = 0_u64;
                    let mut joined: Option<Locals> = None;
                    for case in cases {
                        frame.locals = before.clone();
                        all = all.saturating_add(self.of_block(frame, &case.body)?);
                        let after = std::mem::take(&mut frame.locals);
                        match &mut joined {
                            Some(joined) => join(joined, after),
                            None => joined = Some(after),
                        }
                    }
                    frame.locals = joined.unwrap_or(before);
                    all
                }
                Statement::Loop {
                    body,
                    continuing,
                    break_if,
                } => self.of_loop(frame, body, continuing, *break_if)?,
                Statement::Store { pointer, value } => {
                    let value = self.value(frame, *value);
                    match frame.function.expressions[*pointer] {
                        Expression::LocalVariable(local) => frame.locals.insert(local, value),
                        _ => root(frame.function, *pointer)
                            .and_then(|local| frame.locals.insert(local, Value::Unknown)),
                    };
                    0
                }
                Statement::Call {
                    function,
                    arguments,
                    result,
                } => {
                    let values = arguments
                        .iter()
                        .map(|&argument| self.value(frame, argument));
                    let (cost, value) = self.of_call(*function, values.collect())?;
                    if let Some(result) = result {
                        frame.results.insert(*result, value);
                    }
                    for &argument in arguments {
                        if let Some(local) = root(frame.function, argument) {
                            frame.locals.insert(local, Value::Unknown);
                        }
                    }
                    cost
                }
                Statement::Return { value } => {
                    let value = value.map_or(Value::Unknown, |value| self.value(frame, value));
                    frame.returned = Some(match frame.returned.take() {
                        Some(before) => before.joined(value),
                        None => value,
                    });
                    0
                }
                _ => 0,
            };
            cost = cost.saturating_add(more);
        }
        Ok(cost)
    }

    fn of_loop(
        &mut self,
        frame: &mut Frame<'_>,
        body: &Block,
        continuing: &Block,
        break_if: Option<Handle<Expression>>,
    ) -> Result<u64, Unbounded> {
        let function = frame.function;
        // What the condition calls.
        for statement in body {
            match statement {
                Statement::Emit(_) => {}
                Statement::Call {
                    function,
                    arguments,
                    result: Some(result),
                } => {
                    let values = arguments
                        .iter()
                        .map(|&argument| self.value(frame, argument));
                    let (_, value) = self.of_call(*function, values.collect())?;
                    frame.results.insert(*result, value);
                }
                _ => break,
            }
        }
        let guard = guard(body).filter(|_| break_if.is_none());
        let (condition, holds) = guard.ok_or_else(|| frame.unbounded())?;
        let counter = counters(function, continuing)
            .find_map(|(local, step, is_up)| {
                let step = self.value(frame, step);
                self.turns(frame, condition, holds, local, &step, is_up)
                    .map(|(turns, value)| (local, turns, value))
            })
            .ok_or_else(|| frame.unbounded())?;
        let (local, turns, value) = counter;
        let mut written = BTreeSet::new();
        written_in(function, body, &mut written);
        if written.contains(&local) {
            return Err(frame.unbounded());
        }
        written_in(function, continuing, &mut written);
        for &other in &written {
            frame.locals.insert(other, Value::Unknown);
        }
        frame.locals.insert(local, value);
        let inner = self.of_block(frame, body)?;
        for other in written {
            frame.locals.insert(other, Value::Unknown);
        }
        // The turn that finds the end counts too.
        Ok(turns
            .saturating_mul(inner)
            .saturating_add(turns)
            .saturating_add(1))
    }

    /// Returns how often a loop turns that goes on while a condition on a counter holds, and what the counter is in it.
    fn turns(
        &self,
        frame: &Frame<'_>,
        condition: Handle<Expression>,
        holds: bool,
        counter: Handle<naga::LocalVariable>,
        step: &Value,
        is_up: bool,
    ) -> Option<(u64, Value)> {
        let Expression::Binary { op, left, right } = frame.function.expressions[condition] else {
            return None;
        };
        use BinaryOperator as Op;
        let op = match (op, holds) {
            (op, true) => op,
            (Op::GreaterEqual, false) => Op::Less,
            (Op::Greater, false) => Op::LessEqual,
            (Op::Less, false) => Op::GreaterEqual,
            (Op::LessEqual, false) => Op::Greater,
            _ => return None,
        };
        let (scale, offset) = self.linear(frame, left, counter)?;
        let (bound_low, bound_high) = self.value(frame, right).range();
        let (begin_low, begin_high) = frame.locals.get(&counter)?.range();
        let (step, _) = step.range();
        if scale <= 0 || step <= 0 {
            return None;
        }
        let least = |number: i64| number.div_euclid(scale);
        // The largest (upwards) or smallest (downwards) number with which the loop turns.
        match (op, is_up) {
            (Op::Less | Op::LessEqual, true) => {
                let bound = bound_high - i64::from(op == Op::Less) - offset;
                let last = least(bound);
                if last < begin_low {
                    return Some((0, Value::is(begin_low)));
                }
                let turns = (last - begin_low) / step + 1;
                Some((turns.unsigned_abs(), Value::Between(begin_low, last)))
            }
            (Op::Greater | Op::GreaterEqual, false) => {
                let bound = bound_low + i64::from(op == Op::Greater) - offset;
                let last = bound.div_euclid(scale) + i64::from(bound.rem_euclid(scale) != 0);
                if last > begin_high {
                    return Some((0, Value::is(begin_high)));
                }
                let turns = (begin_high - last) / step + 1;
                Some((turns.unsigned_abs(), Value::Between(last, begin_high)))
            }
            _ => None,
        }
    }

    /// Reads an expression as `scale · counter + offset`.
    fn linear(
        &self,
        frame: &Frame<'_>,
        expression: Handle<Expression>,
        counter: Handle<naga::LocalVariable>,
    ) -> Option<(i64, i64)> {
        let point = |handle| match self.value(frame, handle) {
            Value::Between(low, high) if low == high => Some(low),
            _ => None,
        };
        match frame.function.expressions[expression] {
            Expression::Load { pointer } => {
                let pointed = &frame.function.expressions[pointer];
                (*pointed == Expression::LocalVariable(counter)).then_some((1, 0))
            }
            Expression::Binary { op, left, right } => {
                let of_left = self.linear(frame, left, counter);
                match (op, of_left) {
                    (BinaryOperator::Add, Some((scale, offset))) => {
                        Some((scale, offset + point(right)?))
                    }
                    (BinaryOperator::Multiply, Some((scale, offset))) => {
                        let by = point(right)?;
                        Some((scale * by, offset * by))
                    }
                    (BinaryOperator::Add, None) => {
                        let (scale, offset) = self.linear(frame, right, counter)?;
                        Some((scale, offset + point(left)?))
                    }
                    (BinaryOperator::Multiply, None) => {
                        let (scale, offset) = self.linear(frame, right, counter)?;
                        let by = point(left)?;
                        Some((scale * by, offset * by))
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// Tells what an expression can be.
    fn value(&self, frame: &Frame<'_>, expression: Handle<Expression>) -> Value {
        let of = |handle| self.value(frame, handle);
        match &frame.function.expressions[expression] {
            Expression::Literal(literal) => of_literal(literal),
            Expression::Constant(constant) => self.of_global(self.module.constants[*constant].init),
            Expression::ZeroValue(_) => Value::is(0),
            Expression::FunctionArgument(index) => frame
                .arguments
                .get(*index as usize)
                .cloned()
                .unwrap_or(Value::Unknown),
            Expression::CallResult(_) => frame
                .results
                .get(&expression)
                .cloned()
                .unwrap_or(Value::Unknown),
            Expression::Compose { components, .. } => {
                Value::Parts(components.iter().map(|&component| of(component)).collect())
            }
            Expression::AccessIndex { base, index } => match of(*base) {
                Value::Parts(parts) => parts
                    .get(*index as usize)
                    .cloned()
                    .unwrap_or(Value::Unknown),
                _ => Value::Unknown,
            },
            Expression::Load { pointer } => self.loaded(frame, *pointer),
            Expression::Select { accept, reject, .. } => of(*accept).joined(of(*reject)),
            Expression::As { expr, kind, .. } => match (of(*expr), kind) {
                (value @ Value::Between(low, _), naga::ScalarKind::Uint) if low >= 0 => value,
                (value @ Value::Between(..), naga::ScalarKind::Sint) => value,
                _ => Value::Unknown,
            },
            Expression::Binary { op, left, right } => of_binary(*op, &of(*left), &of(*right)),
            Expression::Math { fun, arg, arg1, .. } => {
                let (a, b) = (of(*arg).range(), arg1.map(|arg| of(arg).range()));
                match (fun, b) {
                    (MathFunction::Min, Some(b)) => Value::Between(a.0.min(b.0), a.1.min(b.1)),
                    (MathFunction::Max, Some(b)) => Value::Between(a.0.max(b.0), a.1.max(b.1)),
                    _ => Value::Unknown,
                }
            }
            _ => Value::Unknown,
        }
    }

    fn loaded(&self, frame: &Frame<'_>, pointer: Handle<Expression>) -> Value {
        match frame.function.expressions[pointer] {
            Expression::LocalVariable(local) => {
                frame.locals.get(&local).cloned().unwrap_or(Value::Unknown)
            }
            Expression::AccessIndex { base, index } => match frame.function.expressions[base] {
                Expression::GlobalVariable(global) => self.of_job(global, index),
                Expression::LocalVariable(local) => match frame.locals.get(&local) {
                    Some(Value::Parts(parts)) => {
                        parts.get(index as usize).cloned().unwrap_or(Value::Unknown)
                    }
                    _ => Value::Unknown,
                },
                _ => Value::Unknown,
            },
            _ => Value::Unknown,
        }
    }

    /// Tells what a member of a global is, if that is the job.
    fn of_job(&self, global: Handle<naga::GlobalVariable>, index: u32) -> Value {
        let variable = &self.module.global_variables[global];
        let ty = &self.module.types[variable.ty];
        let is_job = ty
            .name
            .as_deref()
            .is_some_and(|name| name.starts_with("Job"));
        let naga::TypeInner::Struct { members, .. } = &ty.inner else {
            return Value::Unknown;
        };
        let name = members
            .get(index as usize)
            .and_then(|member| member.name.as_deref());
        let given = self
            .job
            .iter()
            .find(|(member, _)| is_job && Some(*member) == name);
        given.map_or(Value::Unknown, |&(_, number)| Value::is(i64::from(number)))
    }

    fn of_global(&self, expression: Handle<Expression>) -> Value {
        match &self.module.global_expressions[expression] {
            Expression::Literal(literal) => of_literal(literal),
            Expression::Constant(constant) => self.of_global(self.module.constants[*constant].init),
            Expression::ZeroValue(_) => Value::is(0),
            Expression::Binary { op, left, right } => {
                of_binary(*op, &self.of_global(*left), &self.of_global(*right))
            }
            _ => Value::Unknown,
        }
    }
}

fn of_literal(literal: &Literal) -> Value {
    match *literal {
        Literal::U32(number) => Value::is(i64::from(number)),
        Literal::I32(number) => Value::is(i64::from(number)),
        Literal::AbstractInt(number) => Value::is(number),
        _ => Value::Unknown,
    }
}

fn of_binary(op: BinaryOperator, left: &Value, right: &Value) -> Value {
    let (Value::Between(a, b), Value::Between(c, d)) = (left, right) else {
        return match (op, right) {
            (BinaryOperator::Modulo, Value::Between(_, d)) => Value::Between(0, d - 1),
            (BinaryOperator::And, Value::Between(_, d)) => Value::Between(0, *d),
            // Of an unsigned number, as they all are that shaders divide.
            (BinaryOperator::Divide, Value::Between(c, _)) if *c > 0 => {
                Value::Between(0, i64::from(u32::MAX) / c)
            }
            _ => Value::Unknown,
        };
    };
    match op {
        BinaryOperator::Add => Value::unwrapped(a + c, b + d),
        BinaryOperator::Subtract if a - d >= 0 => Value::unwrapped(a - d, b - c),
        BinaryOperator::Multiply if *a >= 0 && *c >= 0 => {
            let high = i128::from(*b) * i128::from(*d);
            match i64::try_from(high) {
                Ok(high) => Value::unwrapped(a * c, high),
                Err(_) => Value::Unknown,
            }
        }
        BinaryOperator::Divide if *c > 0 && *a >= 0 => Value::Between(a / d, b / c),
        BinaryOperator::Modulo if *c > 0 && *a >= 0 => Value::Between(0, (*b).min(d - 1)),
        BinaryOperator::And if *a >= 0 && *c >= 0 => Value::Between(0, (*b).min(*d)),
        BinaryOperator::ShiftRight if c == d && *a >= 0 && *c < 32 => {
            Value::Between(a >> c, b >> c)
        }
        _ => Value::Unknown,
    }
}

/// Returns the condition that a loop begins with, and whether it turns while that holds.
fn guard(body: &Block) -> Option<(Handle<Expression>, bool)> {
    let is_break =
        |block: &Block| matches!(block.iter().collect::<Vec<_>>()[..], [Statement::Break]);
    let is_before =
        |statement: &&Statement| matches!(statement, Statement::Emit(_) | Statement::Call { .. });
    let first = body.iter().find(|statement| !is_before(statement))?;
    match first {
        Statement::If {
            condition,
            accept,
            reject,
        } if accept.is_empty() && is_break(reject) => Some((*condition, true)),
        Statement::If {
            condition,
            accept,
            reject,
        } if reject.is_empty() && is_break(accept) => Some((*condition, false)),
        _ => None,
    }
}

/// Lists the locals that a block counts, by how much, and whether upwards.
fn counters<'a>(
    function: &'a Function,
    block: &'a Block,
) -> impl Iterator<Item = (Handle<naga::LocalVariable>, Handle<Expression>, bool)> + 'a {
    block.iter().filter_map(|statement| {
        let Statement::Store { pointer, value } = statement else {
            return None;
        };
        let Expression::LocalVariable(local) = function.expressions[*pointer] else {
            return None;
        };
        let Expression::Binary { op, left, right } = function.expressions[*value] else {
            return None;
        };
        let Expression::Load { pointer } = function.expressions[left] else {
            return None;
        };
        if function.expressions[pointer] != Expression::LocalVariable(local) {
            return None;
        }
        match op {
            BinaryOperator::Add => Some((local, right, true)),
            BinaryOperator::Subtract => Some((local, right, false)),
            _ => None,
        }
    })
}

/// Returns the local that a pointer leads into.
fn root(
    function: &Function,
    mut pointer: Handle<Expression>,
) -> Option<Handle<naga::LocalVariable>> {
    loop {
        match function.expressions[pointer] {
            Expression::LocalVariable(local) => return Some(local),
            Expression::Access { base, .. } | Expression::AccessIndex { base, .. } => {
                pointer = base;
            }
            _ => return None,
        }
    }
}

/// Collects the locals that a block writes, or lets functions write.
fn written_in(
    function: &Function,
    block: &Block,
    written: &mut BTreeSet<Handle<naga::LocalVariable>>,
) {
    for statement in block {
        match statement {
            Statement::Block(inner) => written_in(function, inner, written),
            Statement::If { accept, reject, .. } => {
                written_in(function, accept, written);
                written_in(function, reject, written);
            }
            Statement::Switch { cases, .. } => {
                for case in cases {
                    written_in(function, &case.body, written);
                }
            }
            Statement::Loop {
                body, continuing, ..
            } => {
                written_in(function, body, written);
                written_in(function, continuing, written);
            }
            Statement::Store { pointer, .. } => written.extend(root(function, *pointer)),
            Statement::Call { arguments, .. } => {
                written.extend(
                    arguments
                        .iter()
                        .filter_map(|&argument| root(function, argument)),
                );
            }
            _ => {}
        }
    }
}

fn join(locals: &mut Locals, others: Locals) {
    for (local, other) in others {
        let value = locals.remove(&local).unwrap_or(Value::Unknown);
        locals.insert(local, value.joined(other));
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
        // The turn that finds the end counts, too.
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
