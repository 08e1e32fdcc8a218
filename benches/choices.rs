//! What does a choice cost, on one core, for a vector of users and for one?
//!
//! Every choice model with the parameters it has by default, slates of several lengths, and scores with a fixed seed.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use slatesim::backend::cpu::{InstructionSet, Work};
use slatesim::choice::ChoiceModel;
use slatesim::distribution::uniform;
use slatesim::number::{Number, Word};
use slatesim::registry::Registry;
use slatesim::rng::{DOCUMENT, Stream};
use std::hint::black_box;

const SEED: u64 = 7;
/// Slates in a measurement, few enough for their scores to stay in the first-level cache.
const SLATES: u32 = 16;
const SLATE_SIZES: [usize; 2] = [3, 10];

/// Makes the choice model of an environment with some settings.
fn model(settings: &[&str]) -> ChoiceModel {
    let simulation = Registry::built_in().resolve(settings).expect("valid");
    simulation.plan.choice
}

/// Lists the models that come with slatesim.
fn models() -> Vec<ChoiceModel> {
    let mut models = vec![model(&["environment.name=long_term_satisfaction"])];
    for name in [
        "multinomial_proportional",
        "multinomial_logit",
        "exponential_cascade",
        "proportional_cascade",
    ] {
        let setting = format!("environment.choice.model={name}");
        models.push(model(&["environment.name=interest_evolution", &setting]));
    }
    models
}

/// Draws the scores of slates, in [0, 1), followed by the draw of the choice.
fn slates<N: Number>(slate_size: usize) -> Vec<Vec<N>> {
    let stream = Stream::<N::Word>::of_consecutive_episodes(SEED, 0, 0);
    let length = u32::try_from(slate_size + 1).expect("slates are short");
    let slate = |first: u32| {
        let number = |index: u32| {
            let block = N::Word::splat(first * length + index);
            let [word, ..] = stream.words(DOCUMENT, block);
            uniform(word)
        };
        (0..length).map(number).collect()
    };
    (0..SLATES).map(slate).collect()
}

fn choices_of<N: Number>(criterion: &mut Criterion, number: &str) {
    let mut group = criterion.benchmark_group("choices");
    for model in models() {
        let twin = model.twin::<N>();
        let name = model.name();
        for slate_size in SLATE_SIZES {
            let slates = slates::<N>(slate_size);
            group.throughput(Throughput::Elements(u64::from(SLATES) * N::LANES as u64));
            let id = BenchmarkId::new(format!("{name}/{slate_size}"), number);
            group.bench_function(id, |bencher| {
                bencher.iter(|| {
                    N::vectorize(
                        #[inline(always)]
                        || {
                            let mut total = N::Word::splat(0);
                            for slate in black_box(&slates) {
                                let (scores, draw) = slate.split_at(slate_size);
                                total = total ^ twin.decide(scores, draw[0]).0;
                            }
                            total
                        },
                    )
                });
            });
        }
    }
    group.finish();
}

/// Runs the measurements with the vector instructions of this processor.
struct Vectors<'a>(&'a mut Criterion);

impl Work for Vectors<'_> {
    type Output = ();

    fn run<N: Number>(self) {
        choices_of::<N>(self.0, "vector");
    }
}

fn choices(criterion: &mut Criterion) {
    InstructionSet::run(Vectors(criterion));
    choices_of::<f64>(criterion, "f64");
}

criterion_group!(benches, choices);
criterion_main!(benches);
