//! Compares single draws and functions.

use super::cases::Case;
use super::error::ValidationError;
use super::host::{ROWS, Row, Value, rows};
use super::rung::{Effort, Rung, Subject};
use crate::backend::BackendError;
use crate::backend::cpu::{InstructionSet, Work};
use crate::backend::gpu::PROBE_ROWS;
use crate::number::{Number, Word, vectorized};
use crate::rng::philox;

const SEED: u64 = 0x5eed_5eed;
/// An episode whose index does not fit into 32 bits.
const EPISODE: u64 = (3 << 32) + 5;

/// Counter, key, result: `kat_vectors` of Random123 1.14, philox4x32 with 10 rounds.
const KNOWN_ANSWERS: [([u32; 6], [u32; 4]); 3] = [
    ([0; 6], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
    (
        [u32::MAX; 6],
        [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd],
    ),
    (
        [
            0x243f_6a88,
            0x85a3_08d3,
            0x1319_8a2e,
            0x0370_7344,
            0xa409_3822,
            0x299f_31d0,
        ],
        [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
    ),
];

/// Compares words, integers and functions.
pub(super) fn rungs(
    subject: Subject<'_>,
    effort: Effort,
    case: &Case,
) -> Result<Vec<Rung>, ValidationError> {
    let count = if effort == Effort::Full {
        1 << 20
    } else {
        1 << 14
    };
    let arguments = arguments(count);
    let found = match subject {
        Subject::Cpu(_) => InstructionSet::run(Rows(&arguments)),
        Subject::Gpu(gpu) => {
            let probe = gpu.probe(&case.simulation);
            let bits = probe.and_then(|probe| probe.run(SEED, EPISODE, &arguments));
            from_bits(&bits.map_err(BackendError::from)?, count)
        }
    };
    let mut worst = [(0_u64, 0.0_f64); PROBE_ROWS];
    for index in 0..count {
        let first = u32::try_from(index).expect("a probe is small");
        let expected = rows::<f64>(SEED, EPISODE, first, &arguments[index..]);
        for row in 0..PROBE_ROWS {
            let error = error(ROWS[row].1, expected[row][0], found[row][index]);
            worst[row].0 += u64::from(error > 1.0);
            worst[row].1 = worst[row].1.max(error);
        }
    }
    let mut rungs = vec![known_answers(subject, case)?];
    for ((name, row), (misses, worst)) in ROWS.iter().zip(worst) {
        let measured = match row {
            Row::Integer | Row::Exact => format!("{misses} of {count} differ, 0 allowed"),
            Row::Close { ulps, absolute } => {
                format!(
                    "{:.0} % of the bound of {ulps} ulp + {absolute:e}, over {count} arguments",
                    100.0 * worst
                )
            }
        };
        let rung = if matches!(row, Row::Close { .. }) {
            "functions"
        } else {
            "integer paths"
        };
        rungs.push(Rung {
            name: rung,
            case: (*name).to_owned(),
            passed: misses == 0,
            measured,
        });
    }
    Ok(rungs)
}

fn known_answers(subject: Subject<'_>, case: &Case) -> Result<Rung, ValidationError> {
    let inputs = KNOWN_ANSWERS.map(|(input, _)| input);
    let found: Vec<u32> = match subject {
        Subject::Cpu(_) => InstructionSet::run(Encrypt(inputs)),
        Subject::Gpu(gpu) => {
            let probe = gpu.probe(&case.simulation);
            let words = probe.and_then(|probe| probe.encrypt(&inputs));
            words.map_err(BackendError::from)?
        }
    };
    let expected: Vec<u32> = (0..4)
        .flat_map(|word| KNOWN_ANSWERS.map(|(_, answer)| answer[word]))
        .collect();
    let wrong = found
        .iter()
        .zip(&expected)
        .filter(|(found, expected)| found != expected)
        .count();
    Ok(Rung {
        name: "known answers",
        case: "philox4x32-10 of Random123".to_owned(),
        passed: wrong == 0 && found.len() == expected.len(),
        measured: format!("{wrong} of {} words differ, 0 allowed", expected.len()),
    })
}

/// Returns arguments for functions of one number: spread over [-20, 20], and very small ones around 0.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "any single-precision number will do"
)]
fn arguments(count: usize) -> Vec<f32> {
    (0..count)
        .map(|index| {
            let position = 2.0 * (index as f64 + 0.5) / count as f64 - 1.0;
            let scale = if index % 4 == 0 {
                20.0 * position.abs()
            } else {
                20.0
            };
            (position * scale) as f32
        })
        .collect()
}

/// Encrypts counters with the vector instructions of this processor; returns the first words of all, then the second, and so
/// on.
struct Encrypt<const COUNT: usize>([[u32; 6]; COUNT]);

impl<const COUNT: usize> Work for Encrypt<COUNT> {
    type Output = Vec<u32>;

    fn run<N: Number>(self) -> Vec<u32> {
        let blocks = self.0.map(|[a, b, c, d, e, f]| {
            let counter = [a, b, c, d].map(N::Word::splat);
            vectorized!(N, philox(counter, [e, f]))
        });
        (0..4)
            .flat_map(|word| blocks.map(|block| block[word].lane(N::LANES - 1)))
            .collect()
    }
}

/// Computes all rows with the vector instructions of this processor.
struct Rows<'a>(&'a [f32]);

impl Work for Rows<'_> {
    type Output = Vec<Vec<Value>>;

    fn run<N: Number>(self) -> Self::Output {
        let mut found = vec![Vec::new(); PROBE_ROWS];
        for (chunk, arguments) in self.0.chunks(N::LANES).enumerate() {
            let first = u32::try_from(chunk * N::LANES).expect("a probe is small");
            let rows = vectorized!(N, rows::<N>(SEED, EPISODE, first, arguments));
            for (row, values) in found.iter_mut().zip(rows) {
                row.extend(values);
            }
        }
        found
    }
}

fn from_bits(bits: &[u32], count: usize) -> Vec<Vec<Value>> {
    let value = |row: Row, bits: u32| match row {
        Row::Integer => Value::Integer(bits),
        Row::Exact | Row::Close { .. } => Value::Number(f64::from(f32::from_bits(bits))),
    };
    let row = |(&(_, row), bits): (&(&str, Row), &[u32])| {
        bits.iter().map(|&bits| value(row, bits)).collect()
    };
    ROWS.iter().zip(bits.chunks_exact(count)).map(row).collect()
}

/// Measures a difference in units of the allowed one; more than 1 is too much.
fn error(row: Row, expected: Value, found: Value) -> f64 {
    match (row, expected, found) {
        (Row::Close { ulps, absolute }, Value::Number(expected), Value::Number(found)) => {
            let bound = ulps * spacing(expected) + absolute;
            let ratio = (expected - found).abs() / bound;
            if ratio.is_nan() { f64::INFINITY } else { ratio }
        }
        _ if expected == found => 0.0,
        _ => f64::INFINITY,
    }
}

/// Returns the distance between neighbouring single-precision numbers at `x`.
fn spacing(x: f64) -> f64 {
    let exponent = x.abs().max(f64::from(f32::MIN_POSITIVE)).log2().floor();
    (exponent - 23.0).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spacing_is_that_of_single_precision() {
        assert_eq!(spacing(1.0), f64::from(f32::EPSILON));
        assert_eq!(spacing(-1.99), f64::from(f32::EPSILON));
        assert_eq!(spacing(2.0), 2.0 * f64::from(f32::EPSILON));
        assert_eq!(spacing(0.0), f64::from(f32::from_bits(1)));
    }

    #[test]
    fn what_is_not_a_number_is_out_of_bound() {
        let close = Row::Close {
            ulps: 1.0,
            absolute: 1.0,
        };
        assert_eq!(
            error(close, Value::Number(1.0), Value::Number(f64::NAN)),
            f64::INFINITY
        );
        assert_eq!(
            error(Row::Exact, Value::Number(1.0), Value::Number(1.5)),
            f64::INFINITY
        );
        assert_eq!(
            error(Row::Integer, Value::Integer(3), Value::Integer(3)),
            0.0
        );
    }
}
