//! One figure of slatesim, compared with `RecSim`'s or another known value.

use slatesim::statistics::joint_standard_errors;

/// How far apart two figures may be, in joint standard errors: two-sided significance 6e-5 a row.
pub(crate) const MOST_STANDARD_ERRORS: f64 = 4.0;

/// A comparison.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// The case that was run.
    pub(crate) case: String,
    /// Which figure it is.
    pub(crate) figure: String,
    /// The known value.
    pub(crate) theirs: String,
    /// The value of slatesim.
    pub(crate) ours: String,
    /// The difference, in units of the allowed one.
    pub(crate) share_of_bound: f64,
}

impl Row {
    /// Tells whether the difference is allowed.
    pub(crate) fn passed(&self) -> bool {
        // Written such that NaN does not pass.
        self.share_of_bound <= 1.0
    }

    /// Compares two estimates with their standard errors; that of a closed form is 0.
    pub(crate) fn of_estimates(
        case: &str,
        figure: &str,
        ours: (f64, f64),
        theirs: (f64, f64),
    ) -> Self {
        let distance = joint_standard_errors(ours.0, ours.1, theirs.0, theirs.1);
        Self {
            case: case.to_owned(),
            figure: figure.to_owned(),
            theirs: text(theirs),
            ours: format!("{} ({distance:.2})", text(ours)),
            share_of_bound: distance / MOST_STANDARD_ERRORS,
        }
    }

    /// Summarises many comparisons by the largest difference.
    pub(crate) fn of_many(case: &str, figure: &str, distances: &[f64]) -> Self {
        let farthest =
            distances.iter().copied().fold(
                0.0,
                |a: f64, b| {
                    if b.is_nan() { f64::INFINITY } else { a.max(b) }
                },
            );
        let is_empty = distances.is_empty();
        Self {
            case: case.to_owned(),
            figure: figure.to_owned(),
            theirs: format!("{} figures", distances.len()),
            ours: format!("farthest {farthest:.2}"),
            share_of_bound: if is_empty {
                f64::NAN
            } else {
                farthest / MOST_STANDARD_ERRORS
            },
        }
    }

    /// Counts the integers that differ.
    pub(crate) fn of_integers(case: &str, figure: &str, wrong: usize) -> Self {
        Self {
            case: case.to_owned(),
            figure: figure.to_owned(),
            theirs: "all the same".to_owned(),
            ours: format!("{wrong} differ"),
            share_of_bound: if wrong == 0 { 0.0 } else { f64::INFINITY },
        }
    }

    /// Summarises errors by the largest of them.
    pub(crate) fn of_errors(case: &str, figure: &str, errors: &[f64], bound: f64) -> Self {
        let largest =
            errors.iter().copied().fold(
                0.0,
                |a: f64, b| {
                    if b.is_nan() { f64::INFINITY } else { a.max(b) }
                },
            );
        let is_empty = errors.is_empty();
        Self {
            case: case.to_owned(),
            figure: figure.to_owned(),
            theirs: format!("{} figures, to {bound:e}", errors.len()),
            ours: format!("{largest:.1e}"),
            share_of_bound: if is_empty { f64::NAN } else { largest / bound },
        }
    }
}

/// Writes an estimate with as many digits as its standard error justifies.
fn text((mean, error): (f64, f64)) -> String {
    if error == 0.0 {
        return format!("{mean:.6}");
    }
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small number of digits"
    )]
    let digits = (1.0 - error.log10().floor()).clamp(0.0, 9.0) as usize;
    format!("{mean:.digits$} ± {error:.digits$}")
}
