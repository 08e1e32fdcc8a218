//! The progress of the bench: a bar on a terminal, else a line now and then.

use crate::cli::interrupt::is_interrupted;
use crate::cli::progress::Display;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::cell::Cell;

/// Counts measurements, section by section.
#[derive(Debug)]
pub(super) struct Progress {
    display: Display,
    section: Cell<&'static str>,
    total: Cell<usize>,
    done: Cell<usize>,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self {
            display: Display::new(false, bar),
            section: Cell::new(""),
            total: Cell::new(0),
            done: Cell::new(0),
        }
    }

    /// Begins a section with this many measurements. If the one before was interrupted, it stays the current one.
    pub(super) fn begin(&self, section: &'static str, total: usize) {
        if is_interrupted() {
            return;
        }
        self.section.set(section);
        self.total.set(total);
        self.done.set(0);
        self.display.begin(total as u64);
        self.show("");
    }

    /// Notes that a measurement is done.
    pub(super) fn done(&self, what: &str) {
        tracing::info!(section = self.section.get(), what, "measured");
        self.done.set(self.done.get() + 1);
        self.show(what);
    }

    /// Removes the bar.
    pub(super) fn finish(&self) {
        self.display.finish();
    }

    /// Describes the progress.
    pub(super) fn place(&self) -> String {
        let (done, total, section) = (self.done.get(), self.total.get(), self.section.get());
        format!("{done} of {total} measurements of {section:?}")
    }

    fn show(&self, what: &str) {
        let message = || format!("{}: {what}", self.section.get());
        self.display
            .show(self.done.get() as u64, message, || self.place());
    }
}

/// Makes a bar without colours.
fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("[{bar:24}] {pos} of {len}, {elapsed}, {wide_msg}")
        .expect("the template is well-formed");
    ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden())
        .with_style(style.progress_chars("=> "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_can_be_shown() {
        let progress = Progress::new();
        progress.begin("rollouts", 2);
        progress.done("long_term_satisfaction");
        progress.finish();
        assert_eq!(progress.place(), "1 of 2 measurements of \"rollouts\"");
    }

    #[test]
    fn bars_can_be_drawn() {
        bar().finish_and_clear();
    }
}
