//! Exit codes, as the text of `slatesim --help` has them.

/// The work is done.
pub(crate) const DONE: u8 = 0;
/// A check that was asked for failed.
pub(crate) const FAILED: u8 = 1;
/// Something broke that is not the user's mistake.
pub(crate) const BROKEN: u8 = 1;
/// The arguments or the configuration are wrong.
pub(crate) const USAGE: u8 = 2;
/// There is no usable device.
pub(crate) const NO_DEVICE: u8 = 3;
/// The work was interrupted, and its result is partial.
pub(crate) const INTERRUPTED: u8 = 130;
