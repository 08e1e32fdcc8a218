//! The progress of the work: a bar on a terminal, else a line now and then.

use super::backends::compiles_slowly;
use super::interrupt::is_interrupted;
use super::output::say;
use super::text::numbers::rate;
use crate::backend::Observer;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The most redraws of the bar in a second.
const REDRAWS: u8 = 10;
/// Time without a result after which a line explains the delay.
const PATIENCE: Duration = Duration::from_secs(2);
/// Time between two lines where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(30);

/// Says how much work there is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Total {
    /// This many episodes.
    Exactly(u64),
    /// At most this many: it is unknown how many are left.
    AtMost(u64),
}

/// Shows progress on stderr and passes Ctrl-C on to the backend.
#[derive(Debug)]
pub(crate) struct Progress {
    total: Total,
    start: Instant,
    episodes: AtomicU64,
    user_steps: AtomicU64,
    display: Display,
    /// Whether anything has been done.
    has_begun: Arc<AtomicBool>,
}

/// Where progress is shown.
#[derive(Debug)]
pub(crate) enum Display {
    Silent,
    Bar(ProgressBar),
    /// Holds when the last line was written.
    Lines(Mutex<Instant>),
}

impl Display {
    /// Chooses the display by whether stderr is a terminal.
    pub(crate) fn new(is_quiet: bool, bar: impl FnOnce() -> ProgressBar) -> Self {
        if is_quiet {
            Self::Silent
        } else if std::io::stderr().is_terminal() {
            let target = ProgressDrawTarget::stderr_with_hz(REDRAWS);
            let bar = bar();
            bar.set_draw_target(target);
            bar.tick();
            Self::Bar(bar)
        } else {
            Self::Lines(Mutex::new(Instant::now()))
        }
    }

    /// After a while, explains the delay, unless something has been done by then.
    fn explain_unless(&self, has_begun: Arc<AtomicBool>) {
        const WHY: &str = "compiling shaders; a software adapter can take minutes for long slates and many features";
        let bar = match self {
            Self::Silent => return,
            Self::Bar(bar) => Some(bar.clone()),
            Self::Lines(_) => None,
        };
        // The thread ends by itself soon.
        std::thread::spawn(move || {
            std::thread::sleep(PATIENCE);
            if !has_begun.load(Ordering::Relaxed) {
                match bar {
                    Some(bar) => bar.set_message(WHY),
                    None => say(WHY),
                }
            }
        });
    }

    /// Starts counting from 0.
    pub(crate) fn begin(&self, total: u64) {
        if let Self::Bar(bar) = self {
            bar.set_position(0);
            bar.set_length(total);
        }
    }

    /// Shows the progress: as a message beside the bar, or as a line if the last one is long ago.
    pub(crate) fn show(
        &self,
        position: u64,
        message: impl FnOnce() -> String,
        line: impl FnOnce() -> String,
    ) {
        match self {
            Self::Silent => {}
            Self::Bar(bar) => {
                bar.set_position(position);
                bar.set_message(message());
            }
            Self::Lines(last) => {
                let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                if last.elapsed() >= LINE_INTERVAL {
                    *last = Instant::now();
                    say(&line());
                }
            }
        }
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

impl Progress {
    /// Starts the clock.
    pub(crate) fn new(total: Total, is_quiet: bool) -> Self {
        let display = Display::new(is_quiet, || bar(total));
        let has_begun = Arc::new(AtomicBool::new(false));
        if compiles_slowly() {
            display.explain_unless(Arc::clone(&has_begun));
        }
        Self {
            total,
            start: Instant::now(),
            episodes: AtomicU64::new(0),
            user_steps: AtomicU64::new(0),
            display,
            has_begun,
        }
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        self.has_begun.store(true, Ordering::Relaxed);
        self.display.finish();
    }
}

impl Observer for Progress {
    fn finished(&self, episodes: u64, user_steps: u64) {
        self.has_begun.store(true, Ordering::Relaxed);
        let episodes = self.episodes.fetch_add(episodes, Ordering::Relaxed) + episodes;
        let user_steps = self.user_steps.fetch_add(user_steps, Ordering::Relaxed) + user_steps;
        let seconds = self.start.elapsed().as_secs_f64();
        let message = || rate(user_steps as f64 / seconds);
        let line = || line(episodes, self.total, user_steps, seconds);
        self.display.show(episodes, message, line);
    }

    fn is_interrupted(&self) -> bool {
        is_interrupted()
    }
}

/// Makes a bar without colours.
fn bar(total: Total) -> ProgressBar {
    let (total, style) = match total {
        Total::Exactly(total) => (
            total,
            "{percent:>3} % [{wide_bar}] {pos} of {len} episodes, {msg}, {eta} left",
        ),
        Total::AtMost(total) => (total, "{pos} of at most {len} episodes, {msg}"),
    };
    let style = ProgressStyle::with_template(style).expect("the template is well-formed");
    // The bar is hidden until `Display` sets where it is drawn and how often.
    ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden())
        .with_style(style.progress_chars("=> "))
        .with_message("starting")
}

/// Describes the progress in a line.
fn line(episodes: u64, total: Total, user_steps: u64, seconds: f64) -> String {
    let total = match total {
        Total::Exactly(total) => total,
        Total::AtMost(total) => {
            let rate = rate(user_steps as f64 / seconds);
            return format!("{episodes} of at most {total} episodes, {rate}");
        }
    };
    let share = episodes as f64 / total as f64;
    let left = seconds * (1.0 - share) / share;
    format!(
        "{:.0} % ({episodes} of {total} episodes), {}, {left:.0} s left",
        100.0 * share,
        rate(user_steps as f64 / seconds)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_share_rate_and_time_left() {
        assert_eq!(
            line(250, Total::Exactly(1000), 30_000_000, 30.0),
            "25 % (250 of 1000 episodes), 1.00 M user-steps/s, 90 s left"
        );
        assert_eq!(
            line(250, Total::AtMost(1000), 30_000_000, 30.0),
            "250 of at most 1000 episodes, 1.00 M user-steps/s"
        );
    }

    #[test]
    fn bars_can_be_drawn() {
        for total in [Total::Exactly(1000), Total::AtMost(1000)] {
            let bar = bar(total);
            bar.set_position(500);
            bar.finish_and_clear();
        }
    }
}
