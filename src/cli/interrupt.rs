//! Ctrl-C: the first one ends the work early, the second one immediately.

use super::exit_code::INTERRUPTED;
use super::new_file::remove_unfinished;
use super::output::say;
use crate::backend::Observer;
use anyhow::Context;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Signals within this time of the first one do not count: `timeout` sends it to the process and then to its group.
const ONE_SIGNAL: Duration = Duration::from_millis(100);

static INTERRUPTED_AT: OnceLock<Instant> = OnceLock::new();

/// Tells whether the user wants the work to end.
pub(crate) fn is_interrupted() -> bool {
    INTERRUPTED_AT.get().is_some()
}

/// Listens for Ctrl-C, and for the signal that `kill` sends.
pub(crate) fn listen() -> anyhow::Result<()> {
    ctrlc::set_handler(|| match INTERRUPTED_AT.get() {
        None => {
            INTERRUPTED_AT.get_or_init(Instant::now);
            say("interrupted: finishing what has begun (again: stop at once, without a result)");
        }
        Some(first) if first.elapsed() < ONE_SIGNAL => {}
        Some(_) => {
            remove_unfinished();
            std::process::exit(i32::from(INTERRUPTED))
        }
    })
    .context("cannot listen for Ctrl-C")
}

/// An observer that passes Ctrl-C on to a backend, and does nothing else.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interruptible;

impl Observer for Interruptible {
    fn finished(&self, _episodes: u64, _user_steps: u64) {}
    fn is_interrupted(&self) -> bool {
        is_interrupted()
    }
}

/// Prints that episodes are missing from a result, and returns the exit code.
pub(crate) fn told(done: u64, asked: u64) -> u8 {
    told_after(&format!("{done} of {asked} episodes"))
}

/// Prints how far a partial result goes, and returns the exit code.
pub(crate) fn told_after(done: &str) -> u8 {
    say(&format!("interrupted after {done}: the result is partial"));
    INTERRUPTED
}
