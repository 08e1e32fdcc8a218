//! The files that a kernel is made of: what its entry file imports, directly or not.

use super::conversions::with_conversions;
use super::kernel::Kernel;
use super::layered;
use super::library::library;
use crate::backend::Simulation;
use crate::backend::gpu::options::{GpuOptions, Patch};
use crate::shader::ShaderSource;

/// Lists the modules of a kernel, each after those it imports, and its entry file.
pub(super) fn sources(
    simulation: &Simulation,
    kernel: Kernel,
    options: &GpuOptions,
) -> (Vec<ShaderSource>, ShaderSource) {
    let mut all = library();
    all.extend(models(simulation));
    let mut entry_source = kernel.source();
    if let Some(patch) = &options.patch {
        all.iter_mut()
            .chain([&mut entry_source])
            .for_each(|source| apply(patch, source));
    }
    let mut imported = Vec::new();
    collect_imports(&entry_source, &all, &mut imported);
    (imported.into_iter().cloned().collect(), entry_source)
}

/// Lists the modules of environment, choice model, policy and layers with the helpers that they bring, and the one that calls the
/// policy with its layers.
fn models(simulation: &Simulation) -> Vec<ShaderSource> {
    let plan = &simulation.plan;
    let mut models = vec![simulation.model.shader(), plan.choice.definition().shader()];
    let own = plan.policy.shaders();
    let (policy, layers) = own.split_first().expect("there is a policy");
    models.push(layered::module(policy, layers));
    models.extend(own);
    let helpers: Vec<ShaderSource> = models
        .iter()
        .flat_map(ShaderSource::helpers)
        .cloned()
        .collect();
    let (users, documents) = (
        simulation.model.user_layout(),
        simulation.model.document_layout(),
    );
    let environment = models.remove(0);
    models.push(with_conversions(environment, &users, &documents));
    models.extend(helpers);
    models
}

/// Collects the modules that a file imports, directly or not, each after those that it imports itself.
///
/// Missing modules are left to the composer, whose error names the file and the line that import them.
fn collect_imports<'a>(
    file: &ShaderSource,
    all: &'a [ShaderSource],
    collected: &mut Vec<&'a ShaderSource>,
) {
    let lines = file.text.lines();
    for import in lines.filter_map(|line| line.trim_start().strip_prefix("#import ")) {
        let is_imported = |module: &&ShaderSource| {
            let rest = import.trim_start().strip_prefix(module.module.as_str());
            rest.is_some_and(|rest| rest.trim().is_empty() || rest.starts_with([':', ' ', '{']))
        };
        let is_collected =
            |module: &&ShaderSource| collected.iter().any(|known| known.module == module.module);
        let found = all.iter().find(is_imported);
        if let Some(module) = found.filter(|module| !is_collected(module)) {
            collect_imports(module, all, collected);
            collected.push(module);
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

    fn module(name: &str, text: &'static str) -> ShaderSource {
        ShaderSource::helper(name, name, text)
    }

    #[test]
    fn modules_come_after_those_that_they_import_and_others_not_at_all() {
        let all = [
            module(
                "own::top",
                "#import slatesim::low\n  #import own::middle::{Item, item}\n",
            ),
            module("own::middle", "#import slatesim::low::draw\n"),
            module("slatesim::low", "fn draw() {}\n// #import unused\n"),
            module("slatesim::lower", ""),
            module("unused", ""),
        ];
        let entry = module("entry", "#import own::top as above\n#import own::middle\n");
        let mut collected = Vec::new();
        collect_imports(&entry, &all, &mut collected);
        let names: Vec<&str> = collected
            .iter()
            .map(|module| module.module.as_str())
            .collect();
        assert_eq!(names, ["slatesim::low", "own::middle", "own::top"]);
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
