//! Reads the loops of a function: their condition, their counters, and what they write.

use std::collections::BTreeSet;
use wgpu::naga::{self, BinaryOperator, Block, Expression, Function, Handle, Statement};

/// Returns the condition that a loop begins with, and whether the loop goes on while it holds or while it does not.
pub(super) fn guard(body: &Block) -> Option<(Handle<Expression>, bool)> {
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
pub(super) fn counters<'a>(
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
pub(super) fn root(
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
pub(super) fn written_in(
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
