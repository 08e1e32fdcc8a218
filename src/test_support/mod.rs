//! What the tests of several rooms share; no part of the library.

mod campaigns;
pub(crate) mod specimen;

pub(crate) use campaigns::{Impatient, item_transition, report, resolved, short_run};
