//! A choice model that `RecSim` does not have, for an environment that it has: the user takes the first document that is
//! good enough.
//!
//! `custom_choice_model.wgsl` is the twin. The program is the whole command line with this choice model, and an environment
//! that uses it, added to the built-in ones: `cargo run --release --example custom_choice_model -- evaluate --set
//! environment.choice.model=satisficing`, or `--environment satisficing` (or `validate`, or `bench`).

use slatesim::authoring::*;
use slatesim::environment::long_term_satisfaction::LongTermSatisfactionDefinition as Base;

parameters! {
    /// The model: for one user (`N` = `f64`, which is also its definition) or for a vector of users.
    pub(crate) struct Satisficing {
        /// score taken every other time
        aspiration = number("choice.aspiration", 0.5, Bounds::FINITE),
        /// how sharply users tell better from worse
        slope = non_negative("choice.slope", 4.0),
    }
}

impl<N: Number> Choice<N> for Satisficing<N> {
    #[inline(always)]
    fn choose(&self, scores: &[N], uniform: N) -> N::Word {
        let (mut remaining, mut cumulative) = (N::splat(1.0), N::splat(0.0));
        let mut chosen = N::Word::splat(0);
        for &score in scores {
            let takes = self.weigh(score);
            cumulative = cumulative + remaining * takes;
            remaining = remaining * (N::splat(1.0) - takes);
            let is_passed = cumulative.at_most(uniform);
            chosen = chosen + N::Word::select(is_passed, N::Word::splat(1), N::Word::splat(0));
        }
        chosen
    }
    #[inline(always)]
    fn are_valid(&self, _scores: &[N]) -> N::Mask {
        N::Mask::splat(true)
    }
    #[inline(always)]
    fn weigh(&self, score: N) -> N {
        (self.slope * (score - self.aspiration)).sigmoid()
    }
}

impl ChoiceDefinition for Satisficing<f64> {
    type Twin<N: Number> = Satisficing<N>;

    // A registered choice model is a value of `choice.model` in every environment that offers several.
    fn entry() -> Entry {
        let about = "the first document that is good enough";
        Entry::choice("satisficing", about, Self::declared())
    }
    fn new(settings: &Settings, _scores: Option<&Scores>) -> Result<Self, ConfigError> {
        Ok(Self::read(settings))
    }
    fn twin<N: Number>(&self) -> Satisficing<N> {
        self.map(N::splat)
    }
    fn parameters(&self) -> Vec<(&'static str, f64)> {
        self.named()
    }
    fn shader(&self) -> ShaderSource {
        let text = include_str!("custom_choice_model.wgsl");
        ShaderSource::choice("examples/custom_choice_model.wgsl", text)
    }
}

/// Long-term satisfaction with another choice model: everything else is delegated to it.
#[derive(Debug)]
pub(crate) struct SatisficingUsers(Base);

impl Definition for SatisficingUsers {
    type Twin<N: Number> = <Base as Definition>::Twin<N>;

    fn entry() -> Entry {
        let about = "long-term satisfaction of users who take what is good enough";
        Entry::environment("satisficing", about, Base::entry().keys)
    }
    fn new(settings: &Settings) -> Result<Self, ConfigError> {
        Base::new(settings).map(Self)
    }
    fn choices() -> Choices {
        ChoiceModels::of(&["satisficing"]).into()
    }
    fn twin<N: Number>(&self) -> Self::Twin<N> {
        self.0.twin()
    }
    fn parameters(&self) -> Vec<(&'static str, f64)> {
        Definition::parameters(&self.0)
    }
    fn shader(&self) -> ShaderSource {
        Definition::shader(&self.0)
    }
    fn shader_defs(&self) -> ShaderDefs {
        Definition::shader_defs(&self.0)
    }
    fn outline(&self) -> Outline {
        Definition::outline(&self.0)
    }
}

#[allow(
    dead_code,
    reason = "a test takes the choice model without the program"
)]
fn main() -> std::process::ExitCode {
    let registry = Registry::built_in()
        .with_environment::<SatisficingUsers>()
        .with_choice::<Satisficing<f64>>();
    slatesim::cli::main(&registry)
}
