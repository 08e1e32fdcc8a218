//! The files that a kernel is made of: what its entry file imports, directly or not.

use super::conversions::with_conversions;
use super::kernel::Kernel;
use super::layered;
use super::library::library;
use crate::backend::Simulation;
use crate::backend::gpu::options::Patch;
use crate::shader::ShaderSource;
use naga_oil::compose::get_preprocessor_data;

/// Lists the modules of a kernel, each after those it imports, and its entry file; `models` are those of [`models`].
///
/// # Panics
/// If the patch looks for a text that its file does not contain.
pub(super) fn sources(
    kernel: Kernel,
    models: &[ShaderSource],
    patch: Option<&Patch>,
) -> (Vec<ShaderSource>, ShaderSource) {
    let mut all = library();
    all.extend_from_slice(models);
    let mut entry_source = kernel.source();
    if let Some(patch) = patch {
        all.iter_mut()
            .chain([&mut entry_source])
            .for_each(|source| apply(patch, source));
    }
    let mut imported = Vec::new();
    collect_imports(&entry_source, &all, &mut Vec::new(), &mut imported);
    (imported.into_iter().cloned().collect(), entry_source)
}

/// Lists the modules of environment, choice model, policy and layers with the helpers that they bring, and the one that calls the
/// policy with its layers.
pub(super) fn models(simulation: &Simulation) -> Vec<ShaderSource> {
    let Simulation { model, plan } = simulation;
    let (users, documents) = (model.user_layout(), model.document_layout());
    let environment = with_conversions(model.shader(), &users, &documents);
    let own = plan.policy.shaders();
    let (policy, layers) = own.split_first().expect("there is a policy");
    let layered = layered::module(policy, layers);
    let mut models = vec![environment, plan.choice.shader(), layered];
    models.extend(own);
    let helpers: Vec<ShaderSource> = models
        .iter()
        .flat_map(ShaderSource::helpers)
        .cloned()
        .collect();
    models.extend(helpers);
    models
}

/// Collects the modules that a file imports, directly or not, each after those that it imports itself.
///
/// What a file imports is asked of the composer, which also reads imports from names written out in full. It is left to the
/// composer to refuse missing modules and modules that import each other, and to [`compose`](super::compose::compose) to refuse
/// different modules of one name.
fn collect_imports<'a>(
    file: &ShaderSource,
    all: &'a [ShaderSource],
    visited: &mut Vec<&'a ShaderSource>,
    collected: &mut Vec<&'a ShaderSource>,
) {
    let (_, imports, _) = get_preprocessor_data(&file.text);
    for import in imports {
        for module in all.iter().filter(|module| module.module == import.import) {
            if !visited.contains(&module) {
                visited.push(module);
                collect_imports(module, all, visited, collected);
                collected.push(module);
            }
        }
    }
}

/// Plants a fault in the file that it is meant for.
fn apply(patch: &Patch, source: &mut ShaderSource) {
    if source.path == patch.path {
        assert!(
            source.text.contains(&patch.find),
            "{} does not contain {:?}",
            patch.path,
            patch.find
        );
        source.text = source.text.replace(&patch.find, &patch.replace).into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::gpu::shader::compose::compose;
    use crate::shader::ShaderDefs;

    fn module(name: &str, text: &'static str) -> ShaderSource {
        ShaderSource::helper(name, name, text)
    }

    fn imported(entry: &'static str, all: &[ShaderSource]) -> Vec<String> {
        let mut collected = Vec::new();
        collect_imports(
            &module("entry", entry),
            all,
            &mut Vec::new(),
            &mut collected,
        );
        let names = collected.iter().map(|module| module.module.clone());
        names.collect()
    }

    #[test]
    fn modules_come_after_those_that_they_import_and_others_not_at_all() {
        let all = [
            module(
                "own::top",
                "#import slatesim::low\n  #import own::middle::{Item, item}\nfn top() -> Item { return item(low::draw()); }",
            ),
            module(
                "own::middle",
                "#import slatesim::low::draw\nfn item() { draw(); }",
            ),
            module("slatesim::low", "fn draw() {}\n// #import unused\n"),
            module("slatesim::lower", ""),
            module("unused", ""),
        ];
        let entry = "#import own::top as above\n#import own::middle\nfn main() { above::top(); middle::item(); }";
        assert_eq!(
            imported(entry, &all),
            ["slatesim::low", "own::middle", "own::top"]
        );
    }

    #[test]
    fn imports_are_found_however_they_are_written() {
        let all = ["own::a", "own::a::b", "own::c"].map(|name| module(name, "fn f() {}"));
        for entry in [
            "#import own::a::b;\n#import own::c\nfn main() { b::f(); c::f(); }",
            "#import own::{a::b, c}\nfn main() { b::f(); c::f(); }",
            "#import own::a::b, own::c\nfn main() { b::f(); c::f(); }",
            "#import own::{\n    a::b,\n    c::f,\n}\nfn main() { b::f(); f(); }",
            "#import\town::a::b\nfn main() { b::f(); own::c::f(); }",
        ] {
            assert_eq!(imported(entry, &all), ["own::a::b", "own::c"], "{entry}");
        }
    }

    #[test]
    fn modules_that_import_each_other_are_refused_by_the_composer() {
        let all = [
            module("own::a", "#import own::b\nfn f() { b::f(); }"),
            module("own::b", "#import own::a\nfn f() { a::f(); }"),
        ];
        let entry = "#import own::a\n@compute @workgroup_size(1) fn main() { a::f(); }";
        assert_eq!(imported(entry, &all), ["own::b", "own::a"]);
        let [a, b] = all;
        let error = compose(&[b, a], &module("entry", entry), &ShaderDefs::new());
        let error = error.expect_err("neither can come first").to_string();
        assert!(error.contains("'own::a' not found"), "{error}");
    }

    #[test]
    fn different_modules_of_one_name_are_refused() {
        let all = [
            ShaderSource::helper("own::a", "first.wgsl", "fn f() {}"),
            ShaderSource::helper("own::a", "second.wgsl", "fn f() { f(); }"),
        ];
        let entry = "#import own::a\n@compute @workgroup_size(1) fn main() { a::f(); }";
        assert_eq!(imported(entry, &all), ["own::a", "own::a"]);
        let error = compose(&all, &module("entry", entry), &ShaderDefs::new());
        assert_eq!(
            error.expect_err("which one is meant?").to_string(),
            "first.wgsl and second.wgsl are both the module `own::a`"
        );
    }

    #[test]
    fn a_helper_brings_its_own_helpers() {
        let low = module("own::low", "");
        let model = ShaderSource::policy("own.wgsl", "")
            .with_helper(module("own::high", "").with_helper(low));
        let helpers = model.helpers();
        let names: Vec<&str> = helpers
            .iter()
            .map(|module| module.module.as_str())
            .collect();
        assert_eq!(names, ["own::low", "own::high"]);
    }
}
