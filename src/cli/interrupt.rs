//! Ctrl-C: the first one ends the work early, the second one at once.

use super::output::say;
use crate::backend::Observer;
use anyhow::Context;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

/// Exit code of an interrupted run.
const INTERRUPTED: u8 = 130;

static IS_INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Tells whether the user wants the work to end.
pub(crate) fn is_interrupted() -> bool {
    IS_INTERRUPTED.load(Ordering::Relaxed)
}

/// Listens for Ctrl-C, and for what `kill` sends.
pub(crate) fn listen() -> anyhow::Result<()> {
    ctrlc::set_handler(|| {
        if IS_INTERRUPTED.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(INTERRUPTED));
        }
        say("interrupted: finishing what has begun (again: stop at once, without a result)");
    })
    .context("cannot listen for Ctrl-C")
}

/// Passes Ctrl-C on to a backend, and nothing else.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interruptible;

impl Observer for Interruptible {
    fn finished(&self, _episodes: u64, _user_steps: u64) {}
    fn is_interrupted(&self) -> bool {
        is_interrupted()
    }
}

/// Says that a result lacks episodes, and returns the exit code.
pub(crate) fn told(done: u64, asked: u64) -> ExitCode {
    told_after(&format!("{done} of {asked} episodes"))
}

/// Says how far a partial result goes, and returns the exit code.
pub(crate) fn told_after(done: &str) -> ExitCode {
    say(&format!("interrupted after {done}: the result is partial"));
    ExitCode::from(INTERRUPTED)
}
