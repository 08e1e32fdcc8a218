//! What known GPUs could do with the main job at best, and the share of it that was reached.
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
//! instructions. That was when rewards were stored; by the count for RDNA 2 the sums of steps, which workgroups form since
//! then, take 14 instructions where storing and counting took 19, so the number has stayed. Kernels that add up are left
//! out: they take a few more, and without them a share is never flattered. Issue: four schedulers of 32 lanes (CUDA C++
//! programming guide, compute capability 9.0). Multiprocessors and highest clocks: NVIDIA's H100 data sheet and
//! architecture white paper; an H200 has the same processor.

use super::opened::Opened;
use super::rollouts::ResultRow;
use serde::Serialize;

/// Instructions of one user-step of the main job.
const INSTRUCTIONS_BY_USER_STEP: f64 = 101.0;
/// Instructions that a multiprocessor issues by clock, counted by lane.
const ISSUED_BY_CLOCK: f64 = 128.0;

/// A GPU whose ceiling is known.
#[derive(Debug, PartialEq)]
struct Known {
    /// Words that a device name has all of.
    words: &'static [&'static str],
    multiprocessors: f64,
    /// The highest clock, in hertz: a share is never flattered by a low one.
    clock: f64,
}

/// The first that fits counts; of an H100 that names no board, the fastest is assumed.
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

/// Finds a GPU by the name that its driver gives. A part of one is unknown.
fn known(device: &str) -> Option<&'static Known> {
    let words: Vec<&str> = device.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let has = |word: &str| words.iter().any(|given| given.starts_with(word));
    let mut known = KNOWN.iter();
    known.find(|known| !has("MIG") && known.words.iter().all(|word| has(word)))
}

/// The main job against the ceiling.
#[derive(Debug, Serialize)]
pub(super) struct Roofline {
    backend: String,
    device: String,
    instructions_per_user_step: f64,
    ceiling_user_steps_per_second: f64,
    share: f64,
}

impl Roofline {
    /// Compares the main job of a known GPU with its ceiling.
    pub(super) fn of(backends: &[Opened], rows: &[ResultRow]) -> Option<Self> {
        backends.iter().find_map(|opened| {
            let device = &opened.real_gpu()?.adapter().name;
            let row = rows.iter().find(|row| row.is_main_of(opened))?;
            Self::new(&opened.row.name, device, row.user_steps_per_second.median)
        })
    }

    fn new(backend: &str, device: &str, rate: f64) -> Option<Self> {
        let ceiling = known(device)?.ceiling();
        Some(Self {
            backend: backend.to_owned(),
            device: device.to_owned(),
            instructions_per_user_step: INSTRUCTIONS_BY_USER_STEP,
            ceiling_user_steps_per_second: ceiling,
            share: rate / ceiling,
        })
    }

    /// Writes the share as a fact.
    pub(super) fn fact(&self) -> [String; 2] {
        [
            "share of the roofline".to_owned(),
            format!(
                "{:.1} % of {} ({}, main job)",
                100.0 * self.share,
                crate::cli::text::numbers::rate(self.ceiling_user_steps_per_second),
                self.device
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_of_an_h100_is_that_of_its_instructions() {
        let roofline = Roofline::new("gpu", "NVIDIA H100 80GB HBM3", 1.0e11).expect("known");
        // 132 · 128 · 1.98 GHz / 101
        assert!((roofline.ceiling_user_steps_per_second / 3.3123e11 - 1.0).abs() < 1e-4);
        assert!((roofline.share - 0.3019).abs() < 1e-4);
        assert_eq!(
            roofline.fact()[1],
            "30.2 % of 331 G user-steps/s (NVIDIA H100 80GB HBM3, main job)"
        );
    }

    #[test]
    fn boards_are_told_apart_and_others_are_unknown() {
        let clock = |device| known(device).map(|known| known.clock);
        assert_eq!(clock("NVIDIA H100 PCIe"), Some(1.755e9));
        assert_eq!(clock("NVIDIA H100 SXM5 80GB"), Some(1.98e9));
        assert_eq!(clock("NVIDIA H200"), Some(1.98e9));
        for unknown in [
            "NVIDIA A100-SXM4-80GB",
            "NVIDIA GH200 480GB",
            "NVIDIA H100 80GB HBM3 MIG 1g.10gb",
            "llvmpipe (LLVM 15.0.6, 256 bits)",
        ] {
            assert_eq!(known(unknown), None, "{unknown}");
        }
    }
}
