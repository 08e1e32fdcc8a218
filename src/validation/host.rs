//! Computes the rows of `shaders/kernel/probe.wgsl` on the host, in any number type.

use crate::backend::gpu::PROBE_ROWS;
use crate::bandit::{beta_quantile, kl_ucb, kl_ucb_aliased, ucb};
use crate::distribution::{bounded_integer, fine_uniform, normal_pair, truncated_normal, uniform};
use crate::math::{gelu_tanh, silu};
use crate::number::{Number, Word};
use crate::rng::{DOCUMENT, Stream, key, multiply_high};

/// The kind of values in a row, and how far they may differ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Row {
    /// A 32-bit integer, equal on all backends.
    Integer,
    /// A single-precision number that is exact, so equal on all backends.
    Exact,
    /// A number that may differ by this many units in the last place, plus this much in absolute terms.
    Close { ulps: f64, absolute: f64 },
}

/// Rows as the kernel writes them: name and bound.
///
/// The bounds are the errors measured for `math` and `distribution`, rounded up: `exp` 1.18, `ln` 1.23, `sigmoid` 2.48
/// ulp, `tanh` 2.67, `gelu` 7.1, `silu` 2.86 and `gelu_tanh` 2.9 ulp, with room for WGSL's own division, 2.5 ulp. A normal's error is that of the angle, 1.83 * 2^-24, times the radius, at most 6.66, and some ulp of the radius;
/// WGSL allows its own square root 2 ulp. The bounds of the functions of `bandit` are those that it states.
pub(super) const ROWS: [(&str, Row); PROBE_ROWS] = [
    ("word 0", Row::Integer),
    ("word 1", Row::Integer),
    ("word 2", Row::Integer),
    ("word 3", Row::Integer),
    ("multiply_high", Row::Integer),
    ("bounded_integer", Row::Integer),
    ("uniform", Row::Exact),
    ("fine_uniform", Row::Exact),
    (
        "normal, cosine",
        Row::Close {
            ulps: 5.0,
            absolute: 7.3e-7,
        },
    ),
    (
        "normal, sine",
        Row::Close {
            ulps: 5.0,
            absolute: 7.3e-7,
        },
    ),
    (
        "truncated_normal",
        Row::Close {
            ulps: 16.0,
            absolute: 6e-7,
        },
    ),
    (
        "exp",
        Row::Close {
            ulps: 1.5,
            absolute: 0.0,
        },
    ),
    (
        "ln",
        Row::Close {
            ulps: 1.5,
            absolute: 0.0,
        },
    ),
    (
        "sigmoid",
        Row::Close {
            ulps: 3.0,
            absolute: 0.0,
        },
    ),
    (
        "sqrt",
        Row::Close {
            ulps: 3.0,
            absolute: 0.0,
        },
    ),
    (
        "ucb",
        Row::Close {
            ulps: 8.0,
            absolute: 0.0,
        },
    ),
    (
        "kl_ucb",
        Row::Close {
            ulps: 0.0,
            absolute: 2e-6,
        },
    ),
    (
        "kl_ucb_aliased",
        Row::Close {
            ulps: 8.0,
            absolute: 0.0,
        },
    ),
    (
        "beta_quantile",
        Row::Close {
            ulps: 0.0,
            absolute: 1.5e-6,
        },
    ),
    ("quotient", Row::Exact),
    (
        "tanh",
        Row::Close {
            ulps: 6.0,
            absolute: 0.0,
        },
    ),
    (
        "gelu",
        Row::Close {
            ulps: 12.0,
            absolute: 3e-37,
        },
    ),
    (
        "silu",
        Row::Close {
            ulps: 5.0,
            absolute: 0.0,
        },
    ),
    (
        "gelu_tanh",
        Row::Close {
            ulps: 6.0,
            absolute: 1e-7,
        },
    ),
];

/// A value of a row: integers in full, numbers in double precision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    Integer(u32),
    Number(f64),
}

/// Computes the rows for consecutive random blocks from `first` on, one for each user of the number type.
#[inline(always)]
pub(super) fn rows<N: Number>(
    seed: u64,
    episode: u64,
    first: u32,
    arguments: &[f32],
) -> [Vec<Value>; PROBE_ROWS] {
    let [low, high] = key(episode);
    let index = N::Word::from_fn(|lane| first + lane_index(lane));
    let episode = [N::Word::splat(low), N::Word::splat(high)];
    let stream = Stream::new(key(seed), episode, N::Word::splat(0));
    let block = stream.words(DOCUMENT, index);
    let bound = N::Word::from_fn(|lane| 1 + (first + lane_index(lane)) % 1000);
    let (cosine, sine) = normal_pair::<N>(block[0], block[1]);
    let truncated = truncated_normal(uniform::<N>(block[2]), N::splat(0.025), N::splat(0.975));
    let x = N::from_fn(|lane| f64::from(arguments.get(lane).copied().unwrap_or(0.0)));
    let [total, pulls, reward] = counts(block);
    let one = N::splat(1.0);
    let [hits, misses] = [reward, pulls - reward].map(|count| one + count / N::splat(0.75));
    let integers = |word: N::Word| {
        (0..N::LANES)
            .map(|lane| Value::Integer(word.lane(lane)))
            .collect::<Vec<_>>()
    };
    let numbers = |number: N| {
        (0..N::LANES)
            .map(|lane| Value::Number(number.lane(lane)))
            .collect::<Vec<_>>()
    };
    // Rounding a quotient of two single-precision numbers first to double and then to single precision gives the correctly
    // rounded result.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "single precision is what is compared"
    )]
    let rounded = |number: N| {
        (0..N::LANES)
            .map(|lane| Value::Number(f64::from(number.lane(lane) as f32)))
            .collect::<Vec<_>>()
    };
    [
        integers(block[0]),
        integers(block[1]),
        integers(block[2]),
        integers(block[3]),
        integers(multiply_high(block[0], block[1])),
        integers(bounded_integer(block[2], bound)),
        numbers(uniform(block[0])),
        numbers(fine_uniform(block[1])),
        numbers(cosine),
        numbers(sine),
        numbers(truncated),
        numbers(x.exp()),
        numbers(fine_uniform::<N>(block[3]).ln()),
        numbers(x.sigmoid()),
        numbers(x.abs().sqrt()),
        numbers(ucb(pulls, reward, total, one)),
        numbers(kl_ucb(pulls, reward, total, one)),
        numbers(kl_ucb_aliased(pulls, reward, total, one)),
        numbers(beta_quantile(uniform(block[3]), hits, misses)),
        rounded(x.abs() / fine_uniform(block[3])),
        numbers(x.tanh()),
        numbers(x.gelu()),
        numbers(silu(x)),
        numbers(gelu_tanh(x)),
    ]
}

/// Turns random words into plausible counts of a bandit in an episode: the pulls of all arms, those of one, and its reward.
///
/// A total of 92, with 75 pulls and a reward of 10, brings `kl_ucb_aliased` within 2e-7 of taking the other half of its
/// interval, which single precision cannot distinguish; for smaller totals no counts come closer than 1.7e-6.
fn counts<N: Number>(block: [N::Word; 4]) -> [N; 3] {
    let one = N::Word::splat(1);
    let total = one + bounded_integer(block[0], N::Word::splat(90));
    let pulls = one + bounded_integer(block[1], total);
    let reward = bounded_integer(block[2], pulls + one);
    [total, pulls, reward].map(N::from_word)
}

fn lane_index(lane: usize) -> u32 {
    u32::try_from(lane).expect("vectors are short")
}
