//! `--peer`: runs the main job as written for JAX, in all variants, by a Python that has JAX.
//!
//! The script takes `--users N --repeats R --prng NAME --lazy 0|1` and prints a line of JSON with
//! `user_steps_per_second`, the rate of its best repeat.

use super::progress::Progress;
use crate::bench::{BackendLabel, ResultRow};
use crate::cli::interrupt::is_interrupted;
use crate::cli::text::numbers::rate;
use crate::cli::usage::Usage;
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

/// JAX's generators of random numbers; the other dimension of variants is whether only the documents of the slate are drawn.
const PRNGS: [&str; 3] = ["threefry2x32", "rbg", "unsafe_rbg"];
const LAZY: [u8; 2] = [0, 1];
/// Users and repeats of a run, and with `--quick`.
const SIZE: (u64, u32) = (1 << 16, 5);
const QUICK_SIZE: (u64, u32) = (1 << 14, 3);
/// Users that fill a GPU: the best variant is run again with this many, unless it runs on the CPU.
const USERS_OF_A_GPU: u64 = 1 << 20;
/// The most characters of a peer's output that an error quotes.
const LONGEST_QUOTE: usize = 120;

/// Time between two checks whether the script has ended.
const PATIENCE: Duration = Duration::from_millis(20);

/// A script and the Python that runs it.
#[derive(Debug)]
pub(super) struct Peer<'a> {
    script: &'a Path,
    python: &'a Path,
    size: (u64, u32),
}

/// The results of the peer.
#[derive(Debug, Default, Serialize)]
pub(super) struct PeerReport {
    pub(super) runs: Vec<PeerRun>,
    best_user_steps_per_second: f64,
    pub(super) ratios: Vec<Ratio>,
}

/// The result of one variant.
#[derive(Clone, Debug, Serialize)]
pub(super) struct PeerRun {
    device: Option<String>,
    prng: &'static str,
    lazy: u8,
    users: u64,
    /// The rate of the best repeat.
    user_steps_per_second: f64,
}

/// The ratio of a backend's median to the peer's best, for the main job.
#[derive(Debug, Serialize)]
pub(super) struct Ratio {
    #[serde(flatten)]
    label: BackendLabel,
    ratio: f64,
}

/// The part of a peer's output line that is read.
#[derive(Deserialize)]
struct Line {
    user_steps_per_second: f64,
    device: Option<String>,
}

impl<'a> Peer<'a> {
    /// Checks that the script exists and that Python has JAX, before anything is measured.
    pub(super) fn new(script: &'a Path, python: &'a Path, is_quick: bool) -> Result<Self, Usage> {
        if !script.is_file() {
            return Err(Usage(format!(
                "`--peer` = {script:?} is no file; allowed is the path of a Python script that prints JSON"
            )));
        }
        let peer = Self {
            script,
            python,
            size: if is_quick { QUICK_SIZE } else { SIZE },
        };
        let tried = peer.python(["-c", "import jax"])?;
        if !tried.status.success() && !is_interrupted() {
            return Err(Usage(format!(
                "`--python` = {python:?} cannot import jax: {}; allowed is a Python that has it",
                last_line(&tried.stderr)
            )));
        }
        Ok(peer)
    }

    /// Returns the number of runs.
    pub(super) fn count() -> usize {
        PRNGS.len() * LAZY.len()
    }

    /// Runs all variants; if interrupted, the rest is missing.
    pub(super) fn run(&self, progress: &Progress) -> Result<PeerReport, Usage> {
        let mut runs = Vec::new();
        for lazy in LAZY {
            for prng in PRNGS {
                let Some(run) = self.variant(prng, lazy, self.size.0)? else {
                    return Ok(PeerReport::of(runs));
                };
                runs.push(run);
                progress.done(&format!("--prng {prng} --lazy {lazy}"));
            }
        }
        let best = runs.iter().max_by(|a, b| {
            let rate = |run: &PeerRun| run.user_steps_per_second;
            rate(a).total_cmp(&rate(b))
        });
        let best = best.cloned();
        if let Some(best) = best.filter(|run| !run.is_on_the_cpu()) {
            runs.extend(self.variant(best.prng, best.lazy, USERS_OF_A_GPU)?);
        }
        Ok(PeerReport::of(runs))
    }

    /// Runs a variant; `None` if it was interrupted.
    fn variant(&self, prng: &'static str, lazy: u8, users: u64) -> Result<Option<PeerRun>, Usage> {
        let (users_text, repeats) = (users.to_string(), self.size.1.to_string());
        let lazy_text = lazy.to_string();
        let flags = ["--users", &users_text, "--repeats", &repeats];
        let variant = ["--prng", prng, "--lazy", &lazy_text];
        if is_interrupted() {
            return Ok(None);
        }
        let script = [self.script.as_os_str()].into_iter();
        let flags = flags.into_iter().chain(variant);
        let output = self.python(script.chain(flags.map(OsStr::new)))?;
        if is_interrupted() {
            return Ok(None);
        }
        if !output.status.success() {
            return Err(Usage(format!(
                "`--peer` = {:?} with {} ended with {}: {}",
                self.script,
                variant.join(" "),
                output.status,
                last_line(&output.stderr)
            )));
        }
        let line = last_line(&output.stdout);
        let read = serde_json::from_str::<Line>(&line).ok();
        let read = read.filter(|read| read.user_steps_per_second > 0.0);
        let Some(read) = read else {
            return Err(Usage(format!(
                "`--peer` = {:?} with {} printed {:?} at last; allowed is a line of JSON with a positive \
                 `user_steps_per_second`",
                self.script,
                variant.join(" "),
                clipped(&line)
            )));
        };
        Ok(Some(PeerRun {
            device: read.device,
            prng,
            lazy,
            users,
            user_steps_per_second: read.user_steps_per_second,
        }))
    }

    fn python<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Output, Usage> {
        let mut command = Command::new(self.python);
        command.args(arguments).stdin(Stdio::null());
        ended_or_interrupted(&mut command).map_err(|error| {
            Usage(format!(
                "`--python` = {:?} cannot be started: {error}",
                self.python
            ))
        })
    }
}

impl PeerReport {
    fn of(runs: Vec<PeerRun>) -> Self {
        let rates = runs.iter().map(|run| run.user_steps_per_second);
        Self {
            best_user_steps_per_second: rates.fold(0.0, f64::max),
            runs,
            ratios: Vec::new(),
        }
    }

    /// Compares our backends with the peer, by their medians of the main job.
    pub(super) fn compare<'a>(&mut self, main: impl Iterator<Item = &'a ResultRow>) {
        if self.runs.is_empty() {
            return;
        }
        let best = self.best_user_steps_per_second;
        let ratio = |row: &ResultRow| Ratio {
            label: row.label.clone(),
            ratio: row.user_steps_per_second.median / best,
        };
        self.ratios = main.map(ratio).collect();
    }
}

impl PeerRun {
    fn is_on_the_cpu(&self) -> bool {
        let device = self.device.as_deref().unwrap_or("cpu");
        device.to_ascii_lowercase().contains("cpu")
    }

    /// Names the columns of [`cells`](Self::cells).
    pub(super) const TITLE: [&'static str; 5] = ["peer", "lazy", "prng", "users", "best"];

    /// Writes the run for a table.
    pub(super) fn cells(&self) -> Vec<String> {
        vec![
            self.device.clone().unwrap_or_default(),
            self.lazy.to_string(),
            self.prng.to_owned(),
            self.users.to_string(),
            rate(self.user_steps_per_second),
        ]
    }
}

impl Ratio {
    /// Writes the ratio as a name and a value.
    pub(super) fn fact(&self) -> [String; 2] {
        let text = format!("{:.3} x the best of the peer", self.ratio);
        [self.label.to_string(), text]
    }
}

/// Runs a program to its end. If interrupted, kills it, because it may not have received the signal.
fn ended_or_interrupted(command: &mut Command) -> io::Result<Output> {
    let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn()?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let stdout = std::thread::spawn(|| all_of(stdout));
    let stderr = std::thread::spawn(|| all_of(stderr));
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if is_interrupted() {
            child.kill()?;
        }
        std::thread::sleep(PATIENCE);
    };
    let joined = |reader: JoinHandle<io::Result<Vec<u8>>>| {
        let gone = |_| io::Error::other("its output cannot be read");
        reader.join().map_err(gone).and_then(|read| read)
    };
    Ok(Output {
        status,
        stdout: joined(stdout)?,
        stderr: joined(stderr)?,
    })
}

fn all_of(stream: Option<impl Read>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        stream.read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// Returns the last line that is not blank.
fn last_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines().rev().map(str::trim);
    let last = lines.find(|line| !line.is_empty());
    last.unwrap_or("it printed nothing").to_owned()
}

fn clipped(line: &str) -> String {
    line.chars().take(LONGEST_QUOTE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(device: &str, user_steps_per_second: f64) -> PeerRun {
        PeerRun {
            device: Some(device.to_owned()),
            prng: PRNGS[0],
            lazy: 1,
            users: 8,
            user_steps_per_second,
        }
    }

    #[test]
    fn the_best_variant_is_what_counts() {
        let report = PeerReport::of(vec![run("TFRT_CPU_0", 2.0), run("TFRT_CPU_0", 3.0)]);
        assert_eq!(report.best_user_steps_per_second, 3.0);
    }

    #[test]
    fn a_peer_on_a_gpu_is_given_more_users() {
        assert!(run("TFRT_CPU_0", 1.0).is_on_the_cpu());
        assert!(!run("cuda:0", 1.0).is_on_the_cpu());
    }

    #[test]
    fn the_last_line_is_told() {
        assert_eq!(
            last_line(b"a\nModuleNotFoundError: b\n\n"),
            "ModuleNotFoundError: b"
        );
        assert_eq!(last_line(b""), "it printed nothing");
    }
}
