//! Composition of WGSL modules into one shader, with errors that point at the source line. Needs no GPU.
//!
//! The composer is `naga_oil` 0.23. It parses every file by itself, against the declarations of what the file
//! imports, and gives each item its module's name, so equal names in two modules do not clash. What works
//! across modules: functions, structs (with arrays), arrays by value, `ptr<function, T>` arguments, typed
//! constants (arrays too), `u64` in signatures and constants. What a shader author has to know beyond WGSL:
//!
//! **Imports.** `#import slatesim::rng` makes `rng::uniform(..)` available, and the bare names are available
//! after `#import environment::{User, reward}`. Prefer the first form for names that are common words. The
//! composer replaces identifiers line by line, without regard to scope: `reward` imported by its bare name
//! must not be the name of a struct member in the importing file (locals are harmless), and no local and no
//! member there may have the name of an imported module (`rng`, if `slatesim::rng` is imported). What follows
//! a `.` is never replaced.
//!
//! **Names in importable files.** Structs, their members, functions and constants must not contain `__`,
//! members must not end in a digit or in `_` either; the error points at the struct. Parameters, locals and
//! everything in an entry file are free. An `alias` of anything but a struct is refused, for example
//! `alias Scores = array<f32, 4>`; spell the type out.
//!
//! **Constants.** One that another file uses needs its type, `const SCALE: f32 = 0.5;`, else it is "not in
//! scope" there. Their values survive bit for bit.
//!
//! **Definitions.** `#{NAME}` is replaced in code and counts as an integer without suffix, as in
//! `array<f32, #{NUM_TOPICS}>` and `const K: u32 = #{SLATE_SIZE}u;`. An undefined one is left as it stands, a
//! parse error at its place. `#ifdef NAME` asks whether it is defined, whatever its value; `#if NAME == 2` (also `!=`, `<`
//! and so on, literals only) fails if it is not. `#else if`, `#else ifdef` and nesting work. `#define` is for
//! entry files only.
//!
//! **Entry files.** Keep bindings and entry points there. `override` constants work there and nowhere else,
//! except in `@workgroup_size`, which the composer loses track of: write
//! `@workgroup_size(#{WORKGROUP_SIZE})`.
//!
//! **What is checked.** All files are parsed that the entry imports; functions are validated only if the
//! entry reaches them. To validate the whole of a module, compose it as the entry (a module is a valid entry
//! without entry points).
//!
//! **Errors.** Lines are exact. Columns may lie to the right, because they are counted after `#{NAME}` and
//! imported names have been replaced. A validation error marks the function and, inside it, the expression.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use naga_oil::compose::{
    ComposableModuleDescriptor, Composer, ComposerError, NagaModuleDescriptor, ShaderDefValue,
    ShaderLanguage, ShaderType,
};
use wgpu::naga;

use crate::backend::gpu::panics::panic_message;
use crate::backend::gpu::shader_error::ShaderError;
use crate::shader::{ShaderDef, ShaderDefs, ShaderSource};

/// Definition under which shaders may use `u64`: `Bool(true)` both selects the code and lets the validator
/// accept it.
///
/// Give it the value of `Gpu::native_u64()`.
pub(crate) const NATIVE_U64: &str = "NATIVE_U64";

/// Features that the validator lets shaders use.
fn capabilities(defs: &ShaderDefs) -> naga::valid::Capabilities {
    let mut capabilities = naga::valid::Capabilities::default();
    if defs.get(NATIVE_U64) == Some(&ShaderDef::Bool(true)) {
        capabilities |= naga::valid::Capabilities::SHADER_INT64;
    }
    capabilities
}

/// Translates definitions; a false one is left out, because `#ifdef` asks for presence only.
fn composer_defs(defs: &ShaderDefs) -> HashMap<String, ShaderDefValue> {
    defs.iter()
        .filter_map(|(name, def)| {
            let value = match *def {
                ShaderDef::Bool(false) => return None,
                ShaderDef::Bool(true) => ShaderDefValue::Bool(true),
                ShaderDef::UInt(value) => ShaderDefValue::UInt(value),
            };
            Some((name.clone(), value))
        })
        .collect()
}

/// Composes `entry` with the `modules` it imports, directly or not, and validates the result.
///
/// Modules come in dependency order, each after those it imports; ones that nothing imports do no harm.
///
/// # Errors
/// [`ShaderError::Invalid`] with file, line and caret, in whichever file is at fault; [`ShaderError::SameName`];
/// [`ShaderError::OverriddenWorkgroupSize`]; [`ShaderError::Composer`] if the composer's own assertions fail.
pub(crate) fn compose(
    modules: &[ShaderSource],
    entry: &ShaderSource,
    defs: &ShaderDefs,
) -> Result<naga::Module, ShaderError> {
    // The composer asserts that it can read back what it has written. Users' files reach it, so a failed
    // assertion must not end the program.
    let work = AssertUnwindSafe(|| compose_unguarded(modules, entry, defs));
    let composed = catch_unwind(work).unwrap_or_else(|panic| {
        Err(ShaderError::Composer {
            path: entry.path.clone(),
            message: panic_message(panic.as_ref()),
        })
    });
    // The reference that is lost may be out of range, an error without a line, or in range and wrong.
    let lost_size = match &composed {
        Ok(module) => module
            .entry_points
            .iter()
            .any(|point| point.workgroup_size_overrides.is_some()),
        Err(_) => has_overridden_workgroup_size(&entry.text),
    };
    if lost_size {
        let path = entry.path.clone();
        return Err(ShaderError::OverriddenWorkgroupSize { path });
    }
    composed
}

/// Tells whether an argument of a `@workgroup_size` is declared by `override`; reads the text only.
fn has_overridden_workgroup_size(text: &str) -> bool {
    let is_override = |name: &str| {
        let declared = |rest: &str| {
            let rest = rest.trim_start().strip_prefix(name)?;
            Some(rest.trim_start().starts_with([':', '=', ';']))
        };
        let mut declarations = text.split("override ").skip(1);
        !name.is_empty() && declarations.any(|rest| declared(rest).unwrap_or(false))
    };
    text.split("@workgroup_size")
        .skip(1)
        .filter_map(|rest| rest.trim_start().strip_prefix('(')?.split_once(')'))
        .flat_map(|(arguments, _)| arguments.split(','))
        .any(|argument| is_override(argument.trim()))
}

fn compose_unguarded(
    modules: &[ShaderSource],
    entry: &ShaderSource,
    defs: &ShaderDefs,
) -> Result<naga::Module, ShaderError> {
    // Not `with_capabilities`: it makes a second composer, and with it a second set of regular expressions.
    let mut composer = Composer::default();
    composer.capabilities = capabilities(defs);
    for (index, module) in modules.iter().enumerate() {
        let mut before = modules[..index].iter();
        if let Some(same) = before.find(|other| other.module == module.module) {
            return Err(ShaderError::SameName {
                path: same.path.clone(),
                other: module.path.clone(),
                module: module.module.clone(),
            });
        }
        let added = composer
            .add_composable_module(ComposableModuleDescriptor {
                source: &module.text,
                file_path: &module.path,
                language: ShaderLanguage::Wgsl,
                as_name: Some(module.module.clone()),
                additional_imports: &[],
                shader_defs: HashMap::new(),
            })
            .map(|_| ());
        added.map_err(|error| invalid(&composer, &error))?;
    }
    composer
        .make_naga_module(NagaModuleDescriptor {
            source: &entry.text,
            file_path: &entry.path,
            shader_type: ShaderType::Wgsl,
            shader_defs: composer_defs(defs),
            additional_imports: &[],
        })
        .map_err(|error| invalid(&composer, &error))
}

fn invalid(composer: &Composer, error: &ComposerError) -> ShaderError {
    ShaderError::Invalid {
        diagnostic: error.emit_to_string(composer).trim_end().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ShaderDef::{Bool, UInt};

    fn source(module: &str, path: &str, text: &str) -> ShaderSource {
        ShaderSource::with_text(module, path, text.to_owned(), true)
    }

    fn defs<const N: usize>(list: [(&str, ShaderDef); N]) -> ShaderDefs {
        list.map(|(name, def)| (name.to_owned(), def)).into()
    }

    fn files(modules: &[(&str, &str)]) -> Vec<ShaderSource> {
        let file = |&(name, text): &(&str, &str)| {
            let path = format!("shaders/{}.wgsl", name.replace("::", "/"));
            source(name, &path, text)
        };
        modules.iter().map(file).collect()
    }

    /// Composes a kernel whose one statement stores `value`, with `head` above it.
    fn store(
        modules: &[(&str, &str)],
        head: &str,
        value: &str,
        defs: &ShaderDefs,
    ) -> Result<naga::Module, ShaderError> {
        let text = format!(
            "{head}\n@group(0) @binding(0) var<storage, read_write> found: array<f32>;
            @compute @workgroup_size(#{{WORKGROUP_SIZE}}) fn main() {{ found[0] = {value}; }}"
        );
        let entry = source("kernel", "shaders/kernel.wgsl", &text);
        {
            let mut defs = defs.clone();
            defs.insert("WORKGROUP_SIZE".to_owned(), UInt(64));
            compose(&files(modules), &entry, &defs)
        }
    }

    fn diagnostic(result: Result<naga::Module, ShaderError>) -> String {
        match result {
            Err(ShaderError::Invalid { diagnostic }) => diagnostic,
            other => panic!("{other:?}"),
        }
    }

    const ENVIRONMENT: &str = "
struct User { affinity: array<f32, #{NUM_TOPICS}>, }
const FIRST: f32 = 0.1;
fn sample_user() -> User { var user: User; user.affinity[0] = FIRST; return user; }
fn reward(user: ptr<function, User>) -> f32 { return (*user).affinity[#{NUM_TOPICS} - 1]; }
";

    #[test]
    fn a_module_without_import_path_is_found_by_its_given_name_in_both_import_forms() {
        let defs = defs([("NUM_TOPICS", UInt(4))]);
        for (head, value) in [
            (
                "#import environment",
                "environment::sample_user().affinity[1] + environment::FIRST",
            ),
            (
                "#import environment::{User, sample_user}",
                "sample_user().affinity[1]",
            ),
        ] {
            let module = store(&[("environment", ENVIRONMENT)], head, value, &defs);
            let module = module.unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(module.entry_points[0].workgroup_size, [64, 1, 1]);
        }
        let own_path = format!("#define_import_path custom::mine\n{ENVIRONMENT}");
        let value = "environment::FIRST";
        let module = store(
            &[("environment", &own_path)],
            "#import environment",
            value,
            &defs,
        );
        module.expect("the given name wins");
    }

    #[test]
    fn an_error_in_a_module_shows_its_file_line_and_place() {
        let wrong = "// a comment – with µ\nfn f() -> f32 {\n    let x = 1u\n    return x;\n}\n";
        let shown = diagnostic(store(
            &[("a::b", wrong)],
            "#import a::b",
            "b::f()",
            &ShaderDefs::new(),
        ));
        assert!(shown.contains("shaders/a/b.wgsl:4:5"), "{shown}");
        assert!(
            shown.contains("\n4 │     return x;\n  │     ^^^^^^ expected `;`"),
            "{shown}"
        );

        let wrong = "fn f() -> f32 {\n    let x = 1u;\n    return x;\n}\n";
        let shown = diagnostic(store(
            &[("a::b", wrong)],
            "#import a::b",
            "b::f()",
            &ShaderDefs::new(),
        ));
        assert!(shown.contains("shaders/a/b.wgsl:1:1"), "{shown}");
        assert!(
            shown.contains("does not match the declared return type"),
            "{shown}"
        );
    }

    #[test]
    fn an_error_in_the_entry_shows_names_as_they_were_written() {
        let module = [("environment", "fn f() -> f32 { return 1.0; }")];
        let shown = diagnostic(store(
            &module,
            "#import environment",
            "environment::g()",
            &ShaderDefs::new(),
        ));
        assert!(shown.contains("shaders/kernel.wgsl:3:"), "{shown}");
        assert!(
            shown.contains("no definition in scope for identifier: `environment::g`"),
            "{shown}"
        );
    }

    #[test]
    fn a_missing_module_and_a_wrong_order_are_named() {
        let shown = diagnostic(store(&[], "#import rng", "rng::f()", &ShaderDefs::new()));
        assert!(
            shown.contains("'rng' not found") && shown.contains("kernel.wgsl:3"),
            "{shown}"
        );
        let modules = [
            ("b", "#import a\nfn g() -> f32 { return a::f(); }"),
            ("a", "fn f() -> f32 { return 1.0; }"),
        ];
        let shown = diagnostic(store(&modules, "#import b", "b::g()", &ShaderDefs::new()));
        assert!(
            shown.contains("'a' not found") && shown.contains("b.wgsl:2"),
            "{shown}"
        );
    }

    #[test]
    fn u64_needs_its_definition() {
        let module = [(
            "wide",
            "fn high(a: u32) -> u32 { return u32((u64(a) * 0xD2511F53lu) >> 32u); }",
        )];
        let with = |available| {
            let defs = defs([(NATIVE_U64, Bool(available))]);
            store(
                &module,
                "#import wide",
                "f32(wide::high(u32(found[1])))",
                &defs,
            )
        };
        with(true).unwrap_or_else(|error| panic!("{error}"));
        with(false).expect_err("the capability is not there");
    }

    #[test]
    fn definitions_select_code() {
        let text = "
#ifdef FLAG
const A: f32 = 1.0;
#else if N == 2
const A: f32 = 2.0;
#else
const A: f32 = 3.0;
#endif";
        for (defs, expected) in [
            (defs([("FLAG", Bool(true)), ("N", UInt(2))]), 1.0),
            (defs([("FLAG", Bool(false)), ("N", UInt(2))]), 2.0),
            (defs([("N", UInt(3))]), 3.0),
        ] {
            let module = store(&[("m", text)], "#import m", "m::A", &defs).expect("valid");
            let value =
                &module.global_expressions[module.constants.iter().next().expect("one").1.init];
            assert_eq!(
                *value,
                naga::Expression::Literal(naga::Literal::F32(expected))
            );
        }
    }

    #[test]
    fn constants_keep_every_bit_across_modules() {
        for bits in [0x3DCC_CCCD_u32, 0x0000_0001, 0x7F7F_FFFF, 0x3EAA_AAAB] {
            let value = f32::from_bits(bits);
            let text = format!("const A: f32 = {value:e}f;");
            let module = store(&[("m", &text)], "#import m", "m::A", &ShaderDefs::new());
            let module = module.expect("valid");
            let init = module.constants.iter().next().expect("one").1.init;
            match module.global_expressions[init] {
                naga::Expression::Literal(naga::Literal::F32(found)) => {
                    assert_eq!(found.to_bits(), bits);
                }
                ref other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn what_the_composer_restricts_is_an_error_and_not_a_surprise() {
        let refused = |module: &str, value: &str| {
            diagnostic(store(
                &[("m", module)],
                "#import m",
                value,
                &ShaderDefs::new(),
            ))
        };
        let digit = "struct S { score1: f32, }\nfn f() -> S { return S(1.0); }";
        assert!(refused(digit, "m::f().score1").contains("`score1`"));
        assert!(refused("fn a__b() -> f32 { return 1.0; }", "m::a__b()").contains("a__b"));
        let alias = "alias Scores = array<f32, 4>;\nfn f() -> f32 { return 1.0; }";
        assert!(refused(alias, "m::f()").contains("`Scores`"));
        assert!(refused("const A = 0.5;", "m::A").contains("no definition in scope"));
    }

    #[test]
    fn a_workgroup_size_from_an_override_is_refused_with_the_remedy() {
        let text = "override size: u32 = 64u;\n@compute @workgroup_size(size, 1) fn main() {}";
        let entry = source("kernel", "shaders/kernel.wgsl", text);
        let error = compose(&[], &entry, &ShaderDefs::new()).expect_err("lost");
        assert!(
            error
                .to_string()
                .contains("@workgroup_size(#{WORKGROUP_SIZE})"),
            "{error}"
        );
        let text = "const size: u32 = 32u;\n@compute @workgroup_size(size, 1) fn main() {}";
        let entry = source("kernel", "shaders/kernel.wgsl", text);
        let module = compose(&[], &entry, &ShaderDefs::new()).expect("a constant is no override");
        assert_eq!(module.entry_points[0].workgroup_size, [32, 1, 1]);
    }

    #[test]
    fn a_module_composed_as_the_entry_is_validated_whole() {
        let text = "fn good() -> f32 { return 1.0; }\nfn bad() -> f32 { return 1u; }";
        let reached = store(&[("m", text)], "#import m", "m::good()", &ShaderDefs::new());
        reached.expect("nobody calls the bad one");
        let alone = compose(&[], &files(&[("m", text)])[0], &ShaderDefs::new());
        assert!(diagnostic(alone).contains("shaders/m.wgsl:2"));
    }
}
