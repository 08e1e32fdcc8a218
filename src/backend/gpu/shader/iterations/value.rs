//! What is known of a value in a shader: a range of whole numbers, parts of which something is known, or nothing.

use wgpu::naga::{BinaryOperator, Literal};

/// What is known of a value in a shader.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Value {
    /// A whole number from one to another, both included.
    Between(i64, i64),
    /// The members of a structure, or the elements of an array or a vector.
    Parts(Vec<Self>),
    /// Nothing.
    Unknown,
}

impl Value {
    pub(super) fn is(number: i64) -> Self {
        Self::Between(number, number)
    }

    /// Returns the range of a value; of an unknown one, that of all unsigned numbers.
    pub(super) fn range(&self) -> (i64, i64) {
        match self {
            Self::Between(low, high) => (*low, *high),
            _ => (i64::from(i32::MIN), i64::from(u32::MAX)),
        }
    }

    pub(super) fn joined(self, other: Self) -> Self {
        match (self, other) {
            (Self::Between(a, b), Self::Between(c, d)) => Self::Between(a.min(c), b.max(d)),
            (a, b) if a == b => a,
            _ => Self::Unknown,
        }
    }

    /// Makes a range, unless a number in it may have wrapped around: then nothing is known.
    pub(super) fn unwrapped(low: i64, high: i64) -> Self {
        if low < i64::from(i32::MIN) || high > i64::from(u32::MAX) {
            return Self::Unknown;
        }
        Self::Between(low, high)
    }
}

/// Returns the value of a literal.
pub(super) fn of_literal(literal: &Literal) -> Value {
    match *literal {
        Literal::U32(number) => Value::is(i64::from(number)),
        Literal::I32(number) => Value::is(i64::from(number)),
        Literal::AbstractInt(number) => Value::is(number),
        _ => Value::Unknown,
    }
}

/// Returns what is known of the result of an operation on two values.
pub(super) fn of_binary(op: BinaryOperator, left: &Value, right: &Value) -> Value {
    let (Value::Between(a, b), Value::Between(c, d)) = (left, right) else {
        return match (op, right) {
            (BinaryOperator::Modulo, Value::Between(_, d)) => Value::Between(0, d - 1),
            (BinaryOperator::And, Value::Between(_, d)) => Value::Between(0, *d),
            // All numbers that shaders divide are unsigned.
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
