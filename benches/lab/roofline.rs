//! The highest speed that known GPUs could reach for the main job, and the share of it that was reached.
//!
//! The main job is bound by the issue of instructions: no reward leaves the workgroup, so that a user-step moves half a
//! byte of device memory, which alone would allow more than ten times the ceiling of an H100 (`docs/performance.md`).
//!
//! ```text
//! ceiling = multiprocessors · instructions by clock and multiprocessor · clock / instructions by user-step
//! ```
//!
//! # Source
//! Instructions: the loop body of the rollout of long-term satisfaction with random slates (two normals, a sigmoid, a
//! log-normal engagement, the sums; Philox by 64-bit products), written in CUDA C and compiled for `sm_90`: 101
//! instructions. That was when rewards were stored; by the count for RDNA 2, the sums of steps that workgroups now form take 14
//! instructions where storing and counting took 19, so the number was kept. Kernels that add up are left out: they take a few
//! more instructions, so a share is never overstated. Issue: four schedulers of 32 lanes (CUDA C++
//! programming guide, compute capability 9.0). Multiprocessors and highest clocks: NVIDIA's H100 data sheet and
//! architecture white paper; an H200 has the same processor.

use super::backends::OpenBackend;
use serde::Serialize;
use slatesim::bench::{Bench, Case};

/// Instructions of one user-step of the main job.
const INSTRUCTIONS_BY_USER_STEP: f64 = 101.0;
/// Instructions that a multiprocessor issues per clock cycle, counted by lane.
const ISSUED_BY_CLOCK: f64 = 128.0;

/// A GPU whose ceiling is known.
#[derive(Debug, PartialEq)]
pub(crate) struct Known {
    /// Words that the device's name must contain.
    words: &'static [&'static str],
    multiprocessors: f64,
    /// The highest clock frequency, in hertz, so that a share is never overstated.
    pub(crate) clock: f64,
}

/// The first match counts; for an H100 whose name does not say which board it is, the fastest is assumed.
const KNOWN: [Known; 5] = [
    Known {
        words: &["H200"],
        multiprocessors: 132.0,
        clock: 1.98e9,
    },
    Known {
        words: &["H100", "PCIe"],
        multiprocessors: 114.0,
        clock: 1.755e9,
    },
    Known {
        words: &["H100", "SXM"],
        multiprocessors: 132.0,
        clock: 1.98e9,
    },
    Known {
        words: &["H100", "HBM3"],
        multiprocessors: 132.0,
        clock: 1.98e9,
    },
    Known {
        words: &["H100"],
        multiprocessors: 132.0,
        clock: 1.98e9,
    },
];

impl Known {
    fn ceiling(&self) -> f64 {
        self.multiprocessors * ISSUED_BY_CLOCK * self.clock / INSTRUCTIONS_BY_USER_STEP
    }
}

/// Finds a GPU by the name that its driver gives. Only whole GPUs are known, not parts of one.
pub(crate) fn known(device: &str) -> Option<&'static Known> {
    let words: Vec<&str> = device.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let has = |word: &str| words.iter().any(|given| given.starts_with(word));
    let mut known = KNOWN.iter();
    known.find(|known| !has("MIG") && known.words.iter().all(|word| has(word)))
}

/// The rate of the main job and the ceiling.
#[derive(Debug, Serialize)]
pub(crate) struct Roofline {
    backend: String,
    device: String,
    instructions_per_user_step: f64,
    pub(crate) ceiling_user_steps_per_second: f64,
    pub(crate) share: f64,
}

impl Roofline {
    /// Compares the main job of a known GPU with its ceiling.
    pub(crate) fn of(backends: &[OpenBackend], main: &Case, bench: &Bench) -> Option<Self> {
        backends.iter().find_map(|opened| {
            let adapter = opened.gpu()?.adapter();
            let label = opened.label();
            if label.is_software {
                return None;
            }
            let rate = bench.row(main, &label)?.user_steps_per_second.median;
            Self::new(&label.backend, &adapter.name, rate)
        })
    }

    pub(crate) fn new(backend: &str, device: &str, rate: f64) -> Option<Self> {
        let ceiling = known(device)?.ceiling();
        Some(Self {
            backend: backend.to_owned(),
            device: device.to_owned(),
            instructions_per_user_step: INSTRUCTIONS_BY_USER_STEP,
            ceiling_user_steps_per_second: ceiling,
            share: rate / ceiling,
        })
    }
}
