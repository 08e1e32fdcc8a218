//! The possible values of an expression, from those of locals, arguments, constants and the job.

use super::value::{Value, of_binary, of_literal};
use super::walk::{Frame, Iterations};
use wgpu::naga::{self, Expression, Handle, MathFunction};

impl Iterations<'_> {
    /// Returns what is known of the value of an expression.
    pub(super) fn value(&self, frame: &Frame<'_>, expression: Handle<Expression>) -> Value {
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

    /// Returns what is known of a member of a global: something if the global is the job.
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
