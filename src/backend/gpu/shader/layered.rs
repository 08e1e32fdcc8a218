//! The module `layered`, which calls a policy and the layers around it in order.

use crate::shader::ShaderSource;
use std::fmt::Write;

/// Tells whether a module defines a function that a policy or a layer may leave out.
fn has(module: &ShaderSource, function: &str) -> bool {
    module.declares("fn", function)
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
    // The outermost layer observes first, and may change what the others observe.
    for layer in layers.iter().rev().filter(|layer| has(layer, "observe")) {
        let _ = writeln!(text, "    {}::observe(state, stepped);", short(layer));
    }
    if has(policy, "observe") {
        text += "    policy::observe(state, stepped);\n";
    }
    text += "}\n";
    // It is trusted, because it only calls other modules.
    ShaderSource::with_text(
        "layered",
        "the module made of policy and layers",
        text,
        true,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_act_from_the_inside_out_and_observe_from_the_outside_in() {
        let policy = ShaderSource::policy("own.wgsl", "fn recommend() {}\n");
        let text = "fn prepare(a: u32) {}\nfn observe(b: u32) {}\n// fn revise(c: u32) {}\n";
        let layers = ["inner", "outer"].map(|name| ShaderSource::layer(name, "own.wgsl", text));
        let text = module(&policy, &layers).text;
        let calls: Vec<&str> = text
            .lines()
            .filter_map(|line| line.trim().split_once('(').map(|(call, _)| call))
            .filter(|call| call.contains("::"))
            .collect();
        assert_eq!(
            calls,
            [
                "inner::prepare",
                "outer::prepare",
                "var slate = policy::recommend",
                "outer::observe",
                "inner::observe"
            ]
        );
    }
}
