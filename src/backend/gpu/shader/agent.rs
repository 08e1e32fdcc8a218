//! The module `agent`, which calls a policy and the layers around it in order.

use super::declares::declares;
use crate::shader::ShaderSource;
use std::fmt::Write;

/// Tells whether a module defines a function that a policy or a layer may leave out.
fn has(module: &ShaderSource, function: &str) -> bool {
    declares(&module.text, "fn", function)
}

/// Writes the module: [`LayeredTwin::recommend`] and [`LayeredTwin::observe`] in WGSL.
///
/// [`LayeredTwin::recommend`]: crate::policy::LayeredTwin::recommend
/// [`LayeredTwin::observe`]: crate::policy::LayeredTwin::observe
pub(super) fn module(policy: &ShaderSource, layers: &[ShaderSource]) -> ShaderSource {
    const STATE: &str = "state: ptr<function, array<f32, #{POLICY_STATE}>>";
    let mut text = String::from(
        "#import environment::User\n#import slatesim::rng::Stream\n#import slatesim::drive::Stepped\n#import policy\n",
    );
    for layer in layers {
        let _ = writeln!(text, "#import {}", layer.module);
    }
    let short = |layer: &ShaderSource| layer.module.replace("layer::", "");
    let _ = write!(
        text,
        "\nfn recommend(stream: Stream, first_word: u32, user: User, {STATE}) -> array<u32, #{{NUM_SHOWN}}> {{\n"
    );
    for layer in layers.iter().filter(|layer| has(layer, "prepare")) {
        let _ = writeln!(text, "    {}::prepare(stream, user, state);", short(layer));
    }
    text += "    var slate = policy::recommend(stream, first_word, user, state);\n";
    for layer in layers.iter().filter(|layer| has(layer, "revise")) {
        let _ = writeln!(
            text,
            "    {}::revise(stream, user, state, &slate);",
            short(layer)
        );
    }
    text += "    return slate;\n}\n";
    let _ = write!(
        text,
        "\nfn observe({STATE}, stepped: ptr<function, Stepped>) {{\n"
    );
    // The outermost layer hears first, and may change what the others hear.
    for layer in layers.iter().rev().filter(|layer| has(layer, "observe")) {
        let _ = writeln!(text, "    {}::observe(state, stepped);", short(layer));
    }
    if has(policy, "observe") {
        text += "    policy::observe(state, stepped);\n";
    }
    text += "}\n";
    // It only calls.
    ShaderSource::with_text("agent", "the agent made of policy and layers", text, true)
}
