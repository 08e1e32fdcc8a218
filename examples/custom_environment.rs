//! An environment that `RecSim` does not have: a topic that is clicked too often loses its appeal for a while.
//!
//! `custom_environment.wgsl` is the twin. The program is the whole command line, with this environment beside the others:
//! `cargo run --release --example custom_environment -- evaluate --environment boredom` (or `validate`, or `bench`).

use slatesim::authoring::*;

// The comment above a field is the description of its key in `slatesim list`.
parameters! {
    pub(crate) struct Parameters {
        /// boredom that a step leaves
        fade = probability("user.fade", 0.8),
        /// score that boredom costs
        sensitivity = non_negative("user.sensitivity", 1.0),
        /// steps of a session
        session = integer("user.session", 50, 1, 10_000).in_unit("steps"),
    }
}
keys! {
    pub(crate) struct Keys {
        /// topics
        num_topics: u32 = integer("document.num_topics", 4, 1, 64),
    }
}
twin_struct! { pub(crate) struct User { boredom: Numbers, steps_left: N } }
twin_struct! { pub(crate) struct Document { topic: Word, quality: N } }

/// The environment: for one user (`N` = `f64`, which is also its definition) or for a vector of users.
#[derive(Debug)]
pub(crate) struct Boredom<N> {
    parameters: Parameters<N>,
    num_topics: u32,
}

impl<N: Number> Environment<N> for Boredom<N> {
    type User = User<N>;
    type Document = Document<N>;
    type Response = N;
    type Draws = ();

    fn new_user(&self) -> User<N> {
        let mut user = User::zero();
        user.boredom = vec![N::splat(0.0); self.num_topics as usize];
        user
    }
    fn new_document(&self) -> Document<N> {
        Document::zero()
    }
    #[inline(always)]
    fn sample_user(&self, _: &RandomWords<N::Word>, user: &mut User<N>) {
        user.boredom.fill(N::splat(0.0));
        user.steps_left = self.parameters.session;
    }
    #[inline(always)]
    fn sample_document(
        &self,
        _: N::Word,
        random: &RandomWords<N::Word>,
        document: &mut Document<N>,
    ) {
        let words = random.block(0);
        document.topic = bounded_integer(words[0], N::Word::splat(self.num_topics));
        document.quality = normal_pair(words[1], words[2]).0;
    }
    #[inline(always)]
    fn draw(&self, _: [N::Word; 2], _: &RandomWords<N::Word>) {}
    #[inline(always)]
    fn score(&self, user: &User<N>, document: &Document<N>) -> N {
        document.quality - self.parameters.sensitivity * N::pick(&user.boredom, document.topic)
    }
    #[inline(always)]
    fn respond(&self, _: &User<N>, _: &Document<N>, _: &()) -> N {
        N::splat(1.0)
    }
    #[inline(always)]
    fn transition(
        &self,
        user: &mut User<N>,
        document: &Document<N>,
        _response: &N,
        _weight: N,
        clicked: N::Mask,
        _draws: &(),
    ) {
        for (topic, boredom) in (0..).zip(&mut user.boredom) {
            let is_clicked = clicked & document.topic.equals(N::Word::splat(topic));
            let more = N::select(is_clicked, N::splat(1.0), N::splat(0.0));
            *boredom = self.parameters.fade * *boredom + more;
        }
        user.steps_left = user.steps_left - N::splat(1.0);
    }
    #[inline(always)]
    fn is_terminal(&self, user: &User<N>) -> N::Mask {
        user.steps_left.at_most(N::splat(0.0))
    }
    #[inline(always)]
    fn reward(&self, response: &N) -> N {
        *response
    }
    #[inline(always)]
    fn topic(&self, document: &Document<N>) -> N::Word {
        document.topic
    }
    #[inline(always)]
    fn observe_document(&self, document: &Document<N>, observation: &mut [N]) {
        observation[..2].copy_from_slice(&[N::from_word(document.topic), document.quality]);
    }
    #[inline(always)]
    fn observe_response(&self, _: &Document<N>, click: &N, clicked: N::Mask, seen: &mut [N]) {
        seen[0] = N::select(clicked, *click, N::splat(0.0));
    }
}

impl Definition for Boredom<f64> {
    type Twin<N: Number> = Boredom<N>;

    fn entry() -> Entry {
        let keys = [Parameters::declared(), Keys::declared()].concat();
        Entry::environment("boredom", "clicked topics lose their appeal", keys)
    }
    fn new(settings: &Settings) -> Result<Self, ConfigError> {
        Ok(Self {
            parameters: Parameters::read(settings),
            num_topics: Keys::read(settings).num_topics,
        })
    }
    fn choices() -> Choices {
        ChoiceModels::of(&["multinomial_logit"])
            .with_default("choice.no_click_mass", 1.0)
            .into()
    }
    fn twin<N: Number>(&self) -> Boredom<N> {
        Boredom {
            parameters: self.parameters.map(N::splat),
            num_topics: self.num_topics,
        }
    }
    fn parameters(&self) -> Vec<(&'static str, f64)> {
        self.parameters.named()
    }
    fn shader(&self) -> ShaderSource {
        let text = include_str!("custom_environment.wgsl");
        ShaderSource::environment("examples/custom_environment.wgsl", text)
    }
    fn outline(&self) -> Outline {
        let topic = Observable::discrete("topic", self.num_topics);
        let quality = Observable::number("quality", f64::NEG_INFINITY, f64::INFINITY);
        Outline {
            num_topics: self.num_topics,
            document: vec![topic, quality],
            response: vec![Observable::discrete("click", 2)],
            ..Outline::default()
        }
    }
}

#[allow(dead_code, reason = "a test takes the environment without the program")]
fn main() -> std::process::ExitCode {
    slatesim::cli::main(&Registry::built_in().with_environment::<Boredom<f64>>())
}
