//! Walks through a function: how many iterations each statement takes, and how it changes the locals.

use super::loops::{counters, guard, root, written_in};
use super::value::Value;
use std::collections::{BTreeMap, BTreeSet};
use wgpu::naga::{self, BinaryOperator, Block, Expression, Function, Handle, Statement};

/// Reports that the iterations of a loop cannot be bounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unbounded {
    /// The function that has the loop.
    pub(crate) function: String,
}

/// What is known of the locals of a function.
type Locals = BTreeMap<Handle<naga::LocalVariable>, Value>;

/// Counts iterations in a module.
pub(super) struct Iterations<'a> {
    pub(super) module: &'a naga::Module,
    /// The known members of the uniform `job`.
    pub(super) job: &'a [(&'static str, u32)],
    /// Iterations and results of functions, by their arguments.
    pub(super) known: BTreeMap<(Handle<Function>, Vec<Value>), (u64, Value)>,
}

/// The state of the walk through one function.
pub(super) struct Frame<'f> {
    pub(super) function: &'f Function,
    name: &'f str,
    pub(super) arguments: &'f [Value],
    pub(super) locals: Locals,
    /// What calls have returned.
    pub(super) results: BTreeMap<Handle<Expression>, Value>,
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
    /// Returns how many iterations a call takes, and its result.
    pub(super) fn of_function(
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
        // Evaluates the calls that the condition needs.
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
        // The iteration that finds the end counts too.
        Ok(turns
            .saturating_mul(inner)
            .saturating_add(turns)
            .saturating_add(1))
    }

    /// Returns how often a loop runs that goes on while a condition on a counter holds, and the range of the counter in it.
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
        // The largest (upwards) or smallest (downwards) value of the counter with which the loop goes on.
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
}

fn join(locals: &mut Locals, others: Locals) {
    for (local, other) in others {
        let value = locals.remove(&local).unwrap_or(Value::Unknown);
        locals.insert(local, value.joined(other));
    }
}
