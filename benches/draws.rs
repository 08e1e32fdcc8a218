//! What does a random draw or an elementary function cost, on one core, for a vector of users and for one?
//!
//! Measured in the widest vectors of this machine, and for one user at a time in double precision.

use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use slatesim::backend::cpu::{InstructionSet, Work};
use slatesim::distribution::{
    bounded_integer, categorical, cumulative, fine_uniform, inverse_normal, log_normal,
    normal_pair, truncated_normal, uniform,
};
use slatesim::number::{Number, Word};
use slatesim::rng::{DOCUMENT, Stream};
use std::hint::black_box;

const SEED: u64 = 7;
/// Vectors in a measurement, few enough for their words to stay in the first-level cache.
const VECTORS: u32 = 64;

/// Draws the words that are the arguments of the measured functions.
fn words<N: Number>() -> Vec<[N::Word; 2]> {
    let stream = Stream::<N::Word>::of_consecutive_episodes(SEED, 0, 0);
    let pair = |block| {
        let [a, b, ..] = stream.words(DOCUMENT, N::Word::splat(block));
        [a, b]
    };
    (0..VECTORS).map(pair).collect()
}

/// Times a function over some arguments, and adds up its results; `draws` is how many numbers it gives a user for each
/// argument.
fn time<N: Number, T: Copy>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    id: BenchmarkId,
    draws: u64,
    arguments: &[T],
    apply: impl Fn(T) -> N,
) {
    group.throughput(Throughput::Elements(
        draws * arguments.len() as u64 * N::LANES as u64,
    ));
    group.bench_function(id, |bencher| {
        bencher.iter(|| {
            N::vectorize(
                #[inline(always)]
                || {
                    let mut total = N::splat(0.0);
                    for &argument in black_box(arguments) {
                        total = total + apply(argument);
                    }
                    total
                },
            )
        });
    });
}

/// Times a function of two words.
fn of_words<N: Number>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    function: &str,
    number: &str,
    draws: u64,
    apply: impl Fn([N::Word; 2]) -> N,
) {
    let id = BenchmarkId::new(function, number);
    time(group, id, draws, &words::<N>(), apply);
}

/// Times a function of a number in an interval.
fn of_numbers<N: Number>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    function: &str,
    number: &str,
    [low, high]: [f64; 2],
    apply: impl Fn(N) -> N,
) {
    let place = |[word, _]: &[N::Word; 2]| N::splat(low) + N::splat(high - low) * uniform(*word);
    let numbers: Vec<N> = words::<N>().iter().map(place).collect();
    time(
        group,
        BenchmarkId::new(function, number),
        1,
        &numbers,
        apply,
    );
}

fn draws_of<N: Number>(criterion: &mut Criterion, number: &str) {
    let mut group = criterion.benchmark_group("draws");
    let stream = Stream::<N::Word>::of_consecutive_episodes(SEED, 0, 0);
    // A block has four words.
    group.throughput(Throughput::Elements(
        4 * u64::from(VECTORS) * N::LANES as u64,
    ));
    group.bench_function(BenchmarkId::new("philox", number), |bencher| {
        bencher.iter(|| {
            N::vectorize(
                #[inline(always)]
                || {
                    let mut total = N::Word::splat(0);
                    for block in 0..black_box(VECTORS) {
                        let [a, b, c, d] = stream.words(DOCUMENT, N::Word::splat(block));
                        total = total ^ (a ^ b) ^ (c ^ d);
                    }
                    total
                },
            )
        });
    });
    let group = &mut group;
    of_words::<N>(group, "uniform", number, 1, |[a, _]| uniform(a));
    of_words::<N>(group, "fine_uniform", number, 1, |[a, _]| fine_uniform(a));
    of_words::<N>(group, "bounded_integer", number, 1, |[a, _]| {
        N::from_word(bounded_integer(a, N::Word::splat(20)))
    });
    of_words::<N>(group, "normal_pair", number, 2, |[a, b]| {
        let (x, y) = normal_pair::<N>(a, b);
        x + y
    });
    of_words::<N>(group, "log_normal_pair", number, 2, |[a, b]| {
        let (x, y) = normal_pair::<N>(a, b);
        let of = |z| log_normal(N::splat(4.0), N::splat(0.1), z);
        of(x) + of(y)
    });
    let topics = cumulative(&[0.05; 20]);
    let topics: Vec<N> = topics.into_iter().map(N::splat).collect();
    of_words::<N>(group, "categorical_of_20", number, 1, |[a, _]| {
        N::from_word(categorical(uniform(a), &topics))
    });
    of_words::<N>(group, "truncated_normal", number, 1, |[a, _]| {
        truncated_normal(uniform(a), N::splat(0.025), N::splat(0.975))
    });
}

fn functions_of<N: Number>(criterion: &mut Criterion, number: &str) {
    let group = &mut criterion.benchmark_group("functions");
    of_numbers::<N>(group, "exp", number, [-10.0, 10.0], N::exp);
    of_numbers::<N>(group, "ln", number, [0.0, 1.0], N::ln);
    of_numbers::<N>(group, "sincospi", number, [-1.0, 1.0], |x| {
        let (sine, cosine) = x.sincospi();
        sine + cosine
    });
    of_numbers::<N>(group, "sigmoid", number, [-10.0, 10.0], N::sigmoid);
    of_numbers::<N>(group, "inverse_normal", number, [0.0, 1.0], inverse_normal);
    of_numbers::<N>(group, "sqrt", number, [0.0, 10.0], N::sqrt);
}

/// Runs the measurements with the vector instructions of this processor.
struct Vectors<'a>(&'a mut Criterion);

impl Work for Vectors<'_> {
    type Output = ();

    fn run<N: Number>(self) {
        draws_of::<N>(self.0, "vector");
        functions_of::<N>(self.0, "vector");
    }
}

fn vectors(criterion: &mut Criterion) {
    InstructionSet::run(Vectors(criterion));
}

fn doubles(criterion: &mut Criterion) {
    draws_of::<f64>(criterion, "f64");
    functions_of::<f64>(criterion, "f64");
}

criterion_group!(benches, vectors, doubles);
criterion_main!(benches);
