//! Long work on a thread of its own, while the calling thread listens for Ctrl-C and tells progress.

use pyo3::prelude::*;
use slatesim::backend::Observer;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// How long the calling thread waits between two looks at signals.
const LOOK: Duration = Duration::from_millis(50);

/// Counts what was done, and passes an interruption on.
#[derive(Debug, Default)]
pub(crate) struct Watcher {
    episodes: AtomicU64,
    is_interrupted: AtomicBool,
}

impl Observer for Watcher {
    fn finished(&self, episodes: u64, _user_steps: u64) {
        self.episodes.fetch_add(episodes, Ordering::Relaxed);
    }

    fn is_interrupted(&self) -> bool {
        self.is_interrupted.load(Ordering::Relaxed)
    }
}

/// What came of long work.
#[derive(Debug)]
pub(crate) struct Watched<T> {
    /// The result; if it was interrupted, that of what was done.
    pub(crate) result: T,
    /// What interrupted it: a signal's exception, or that of `progress`.
    pub(crate) interruption: Option<PyErr>,
}

/// Does work without the interpreter's lock. `progress` is called with the episodes done so far, some ten times a second.
///
/// # Errors
/// None of its own.
///
/// # Panics
/// If the work panics.
pub(crate) fn watch<T: Send>(
    py: Python<'_>,
    progress: Option<&Bound<'_, PyAny>>,
    work: impl FnOnce(&Watcher) -> T + Send,
) -> Watched<T> {
    let watcher = Watcher::default();
    let progress = progress.map(|progress| progress.clone().unbind());
    let mut interruption = None;
    let result = py.detach(|| {
        std::thread::scope(|scope| {
            let (done, is_done) = channel();
            let watcher = &watcher;
            let worker = scope.spawn(move || {
                let result = work(watcher);
                // Where nobody waits any more, nobody needs to know.
                let _ = done.send(());
                result
            });
            let mut told = 0;
            while let Err(RecvTimeoutError::Timeout) = is_done.recv_timeout(LOOK) {
                if interruption.is_some() {
                    continue;
                }
                let looked = Python::attach(|py| {
                    py.check_signals()?;
                    let episodes = watcher.episodes.load(Ordering::Relaxed);
                    if let Some(progress) = &progress
                        && episodes > told
                    {
                        told = episodes;
                        progress.call1(py, (episodes,))?;
                    }
                    Ok::<(), PyErr>(())
                });
                if let Err(error) = looked {
                    watcher.is_interrupted.store(true, Ordering::Relaxed);
                    interruption = Some(error);
                }
            }
            match worker.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    });
    // A signal that has come since is part of the same interruption, or interrupts this work all the same.
    let late = py.check_signals().err();
    Watched {
        result,
        interruption: interruption.or(late),
    }
}
