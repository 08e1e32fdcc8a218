//! What the modules of environments, choice models and policies have to define, checked before they are composed: the
//! composer would point at the kernel that misses something, not at the file that lacks it.

use crate::backend::gpu::shader_error::ShaderError;
use crate::shader::{ShaderDef, ShaderDefs, ShaderSource};

/// An item of an interface: what it is called, how it is declared, and the definition under which it is needed.
type Item = (&'static str, &'static str, Option<&'static str>);

const ENVIRONMENT: &[Item] = &[
    ("Parameters", "struct Parameters", None),
    ("User", "struct User", None),
    ("Document", "struct Document", None),
    ("Response", "struct Response", None),
    ("Draws", "struct Draws", None),
    (
        "sample_user",
        "fn sample_user(parameters: Parameters, random: RandomWords) -> User",
        None,
    ),
    (
        "sample_document",
        "fn sample_document(parameters: Parameters, candidate: u32, random: RandomWords) -> Document",
        None,
    ),
    (
        "draw",
        "fn draw(parameters: Parameters, words: vec2<u32>, random: RandomWords) -> Draws",
        None,
    ),
    (
        "score",
        "fn score(parameters: Parameters, user: User, document: Document) -> f32",
        None,
    ),
    (
        "respond",
        "fn respond(parameters: Parameters, user: User, document: Document, draws: Draws) -> Response",
        None,
    ),
    (
        "transition",
        "fn transition(parameters: Parameters, user: User, document: Document, response: Response, weight: f32, \
         clicked: bool, draws: Draws) -> User",
        None,
    ),
    (
        "is_terminal",
        "fn is_terminal(parameters: Parameters, user: User) -> bool",
        None,
    ),
    (
        "reward",
        "fn reward(parameters: Parameters, response: Response) -> f32",
        None,
    ),
    (
        "topic",
        "fn topic(parameters: Parameters, document: Document) -> u32",
        Some("HAS_TOPICS"),
    ),
    (
        "quality",
        "fn quality(parameters: Parameters, document: Document) -> f32",
        Some("HAS_QUALITY"),
    ),
    (
        "observe_user",
        "fn observe_user(parameters: Parameters, user: User, random: RandomWords) -> array<f32, #{USER_SIZE}>",
        Some("OBSERVES_USER"),
    ),
    (
        "observe_document",
        "fn observe_document(parameters: Parameters, document: Document) -> array<f32, #{DOCUMENT_SIZE}>",
        None,
    ),
    (
        "observe_response",
        "fn observe_response(parameters: Parameters, document: Document, response: Response, clicked: bool) -> \
         array<f32, #{RESPONSE_SIZE}>",
        None,
    ),
];

const CHOICE: &[Item] = &[
    ("Parameters", "struct Parameters", None),
    (
        "choose",
        "fn choose(parameters: Parameters, scores: array<f32, #{NUM_CONSIDERED}>, uniform_draw: f32) -> u32",
        None,
    ),
    (
        "are_valid",
        "fn are_valid(parameters: Parameters, scores: array<f32, #{NUM_CONSIDERED}>) -> bool",
        None,
    ),
    (
        "weigh",
        "fn weigh(parameters: Parameters, score: f32) -> f32",
        None,
    ),
];

const POLICY: &[Item] = &[(
    "recommend",
    "fn recommend(stream: Stream, first_word: u32, user: User, state: ptr<function, array<f32, #{POLICY_STATE}>>) -> \
     array<u32, #{NUM_SHOWN}>",
    None,
)];

/// Checks that a module defines what its interface asks for.
///
/// # Errors
/// [`ShaderError::Missing`] for the first item that is not there.
pub(crate) fn check(source: &ShaderSource, defs: &ShaderDefs) -> Result<(), ShaderError> {
    let items = match source.module.as_str() {
        "environment" => ENVIRONMENT,
        "choice" => CHOICE,
        "policy" => POLICY,
        _ => return Ok(()),
    };
    let is_needed = |condition: &Option<&str>| {
        condition.is_none_or(|name| defs.get(name) == Some(&ShaderDef::Bool(true)))
    };
    let missing = items.iter().find(|(name, declaration, condition)| {
        let keyword = declaration.split(' ').next().unwrap_or_default();
        is_needed(condition) && !source.declares(keyword, name)
    });
    match missing {
        None => Ok(()),
        Some((_, declaration, _)) => Err(ShaderError::Missing {
            path: source.path.clone(),
            declaration,
            owner: source.module.clone(),
        }),
    }
}
