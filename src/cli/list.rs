//! `slatesim list`: everything that a configuration can name, and the adapters.

use super::exit_code::DONE;
use super::output::{print, print_json};
use super::text::layout::columns;
use crate::backend::gpu::GpuBackend;
use crate::config::{Allowed, Config, Declarations, Entry, Key, Override, Sources, run_keys};
use crate::registry::Registry;
use serde::Serialize;
use std::fmt::Write;

/// Show environments, choice models, policies and layers (with parameters and defaults) and adapters.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Listing {
    schema: u32,
    slatesim: &'static str,
    /// Keys outside all sections.
    run: Vec<Key>,
    #[serde(flatten)]
    declarations: Declarations,
    choice_models: Vec<OfferedModels>,
    adapters: Vec<Adapter>,
}

/// The choice models of one environment, the default first.
#[derive(Serialize)]
struct OfferedModels {
    environment: &'static str,
    models: Vec<String>,
}

#[derive(Serialize)]
struct Adapter {
    /// The number for `--adapter`.
    index: usize,
    name: String,
    driver: String,
    device_type: &'static str,
    backend: &'static str,
    is_software: bool,
    pci_bus_id: String,
    pci_id: String,
}

/// Runs the command.
pub(crate) fn run(args: &Args, registry: &Registry) -> anyhow::Result<u8> {
    let declarations = registry.declarations();
    let listing = Listing {
        schema: 1,
        slatesim: env!("CARGO_PKG_VERSION"),
        run: run_keys(),
        choice_models: choice_models(registry, &declarations),
        declarations,
        adapters: adapters(),
    };
    if args.json {
        print_json(&listing)?;
    } else {
        print(&text(&listing))?;
    }
    Ok(DONE)
}

fn adapters() -> Vec<Adapter> {
    let adapters = GpuBackend::adapters().into_iter().enumerate();
    let adapters = adapters.map(|(index, adapter)| Adapter {
        index,
        is_software: adapter.is_software(),
        name: adapter.name,
        driver: adapter.driver,
        device_type: adapter.device_type,
        backend: adapter.backend,
        pci_bus_id: adapter.pci_bus_id,
        pci_id: adapter.pci_id,
    });
    adapters.collect()
}

/// Finds the choice models of the environments: the default one, and those that can be chosen instead.
fn choice_models(registry: &Registry, declarations: &Declarations) -> Vec<OfferedModels> {
    let of = |entry: &Entry| {
        let sources = Sources::new()
            .with_override(Override::flag("list", "environment.name", entry.name))
            .with_override(Override::flag("list", "max_steps", 1));
        let default = Config::resolve(&sources, declarations)
            .and_then(|config| registry.simulation(&config))
            .map(|simulation| simulation.plan.choice.name().to_owned());
        let mut models: Vec<String> = default.into_iter().collect();
        let key = entry.keys.iter().find(|key| key.name() == "choice.model");
        if let Some(Allowed::OneOf(words)) = key.map(Key::allowed) {
            let others = words.iter().map(|&word| word.to_owned());
            models.extend(
                others
                    .filter(|word| models.first() != Some(word))
                    .collect::<Vec<_>>(),
            );
        }
        OfferedModels {
            environment: entry.name,
            models,
        }
    };
    declarations.environments.iter().map(of).collect()
}

fn text(listing: &Listing) -> String {
    let mut text = String::from("run\n");
    text += &keys(&listing.run);
    for entry in &listing.declarations.environments {
        let _ = writeln!(text, "\nenvironment {}: {}", entry.name, entry.about);
        let mut models = listing.choice_models.iter();
        if let Some(choice) = models.find(|choice| choice.environment == entry.name) {
            let _ = writeln!(text, "  choice models: {}", choice.models.join(", "));
        }
        if entry.never_terminates {
            text += "  episodes do not end by themselves: max_steps must be given\n";
        }
        text += &keys(&entry.keys);
    }
    text += "\nchoice models\n";
    let choices = listing.declarations.choices.iter();
    let cells = choices.map(|entry| vec![format!("  {}", entry.name), entry.about.to_owned()]);
    text += &columns(&cells.collect::<Vec<_>>(), 2);
    for entry in &listing.declarations.policies {
        let _ = writeln!(text, "\npolicy {}: {}", entry.name, entry.about);
        text += &keys(&entry.keys);
    }
    for entry in &listing.declarations.layers {
        let _ = writeln!(text, "\nlayer {}: {}", entry.name, entry.about);
        text += &keys(&entry.keys);
    }
    text += "\nadapters (--adapter takes the index, or a PCI number)\n";
    if listing.adapters.is_empty() {
        text += match cfg!(feature = "gpu") {
            true => "  none: the backends cpu and reference need none\n",
            false => {
                "  none: this build has no GPU support, and the backends cpu and reference need none\n"
            }
        };
    }
    for adapter in &listing.adapters {
        let _ = writeln!(
            text,
            "  {}  {} ({}, {}; {}; PCI {}{}{})",
            adapter.index,
            adapter.name,
            adapter.device_type,
            adapter.backend,
            adapter.driver,
            adapter.pci_bus_id,
            if adapter.pci_bus_id.is_empty() {
                ""
            } else {
                ", "
            },
            adapter.pci_id
        );
    }
    text
}

/// The longest default that is printed in full; matrices are often longer. `--json` has all of it.
const LONGEST_DEFAULT: usize = 64;

fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST_DEFAULT {
        return text.to_owned();
    }
    let kept: String = text.chars().take(LONGEST_DEFAULT - 3).collect();
    kept + "..."
}

/// Writes name and default of every key in columns, followed by the description and what is allowed.
fn keys(keys: &[Key]) -> String {
    let cells = |key: &Key| vec![format!("  {}", key.name()), cut(&key.default_text())];
    let aligned = columns(&keys.iter().map(cells).collect::<Vec<_>>(), 1);
    let mut text = String::new();
    for (line, key) in aligned.lines().zip(keys) {
        let _ = writeln!(text, "{line}  {} ({})", key.about(), key.allowed());
    }
    text
}
