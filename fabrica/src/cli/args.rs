//! The arguments.

// The doc comments are the text of `--help`, where backticks would be in the way.
#![allow(clippy::doc_markdown)]

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::controller::Builder;

#[derive(Debug, Parser)]
#[command(about = "Brings things to the state that their manifests ask for", max_term_width = 120)]
pub(super) struct Args {
    /// What is logged to stderr: a level (error, warn, info, debug, trace) or directives as in `info,my_crate=debug`
    /// [default: RUST_LOG, or info]
    #[arg(long, global = true, env = "FABRICA_LOG", value_name = "LEVEL", value_parser = filter, default_value_t = default_filter(), hide_default_value = true)]
    pub(super) log: String,

    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Reconcile everything until SIGINT or SIGTERM; a second signal exits at once. Objects are kept in memory
    Run(RunArgs),
    /// Write the JSON Schemas of the program's kinds, as DIR/<group>/<kind>_<version>.json
    Schemas(SchemasArgs),
    /// Print the custom resource definitions of the program's kinds as YAML
    Crds,
    /// Print the program's kinds, reconcilers and watches as a Mermaid flowchart
    Graph,
    /// Check that everything that is declared fits together, and print what it is
    Check,
}

#[derive(Debug, Parser)]
pub(super) struct RunArgs {
    /// Apply the manifests of a YAML or JSON file, or of the *.yaml, *.yml and *.json files of a folder: now, and
    /// whenever they change. An object whose document is removed is deleted. May be given several times
    /// [env: FABRICA_APPLY=, several as in PATH] [default: none]
    #[arg(long, value_name = "PATH")]
    apply: Vec<PathBuf>,

    /// How many objects of each kind are reconciled at once [default: what the program sets, or 16]
    #[arg(long, env = "FABRICA_WORKERS", value_name = "N", value_parser = workers)]
    workers: Option<usize>,

    /// How long running reconciles may go on after a signal, as in 30s or 2m [default: what the program sets, or 30s]
    #[arg(long, env = "FABRICA_GRACE", value_name = "TIME", value_parser = duration)]
    grace: Option<Duration>,

    /// Show no live table of the objects. Without this, there is one if stdout is a terminal
    #[arg(long, env = "FABRICA_NO_TABLE", value_parser = clap::builder::FalseyValueParser::new(), action = clap::ArgAction::SetTrue)]
    no_table: bool,
}

impl RunArgs {
    pub(super) fn override_settings(&self, mut builder: Builder) -> Builder {
        if let Some(workers) = self.workers {
            builder = builder.workers(workers);
        }
        if let Some(grace) = self.grace {
            builder = builder.grace(grace);
        }
        builder
    }

    pub(super) fn apply(&self) -> Vec<PathBuf> {
        if !self.apply.is_empty() {
            return self.apply.clone();
        }
        let paths = std::env::var_os("FABRICA_APPLY").unwrap_or_default();
        std::env::split_paths(&paths).filter(|path| !path.as_os_str().is_empty()).collect()
    }

    pub(super) fn wants_table(&self) -> bool {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        !self.no_table && !dumb && std::io::stdout().is_terminal()
    }
}

#[derive(Debug, Parser)]
pub(super) struct SchemasArgs {
    /// The folder to write to. A schema in the folder of one of the program's groups that the program has no kind for is
    /// removed
    #[arg(long, env = "FABRICA_SCHEMAS", value_name = "DIR", default_value = "schemas")]
    pub(super) out: PathBuf,

    /// Write nothing; list what is missing, different or stale, and exit with 1 if anything is
    #[arg(long)]
    pub(super) check: bool,
}

/// `RUST_LOG` is shared with other programs: one that can't be read is no reason to refuse to start.
fn default_filter() -> String {
    std::env::var("RUST_LOG")
        .ok()
        .filter(|text| !text.is_empty() && filter(text).is_ok())
        .unwrap_or_else(|| "info".to_owned())
}

fn filter(text: &str) -> Result<String, String> {
    EnvFilter::builder().parse(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

fn workers(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|workers| *workers > 0).ok_or_else(|| "it takes a number from 1".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration = text.parse::<jiff::SignedDuration>().ok().and_then(|duration| Duration::try_from(duration).ok());
    duration.ok_or_else(|| "it takes a time as in 500ms, 30s or 2m".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_time_has_a_unit_and_is_not_negative() {
        assert_eq!(duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        for wrong in ["30", "-1s", "soon", ""] {
            duration(wrong).unwrap_err();
        }
    }
}
