//! The arguments.

// The doc comments are the text of `--help`, where backticks would be in the way.
#![allow(clippy::doc_markdown)]

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::controller::Builder;
use crate::store::EmbeddedStore;
use crate::{Error, ErrorKind, Result};

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
    /// Reconcile everything until SIGINT or SIGTERM; a second signal exits at once
    Run(RunArgs),
    /// Write all data into one file, from which `restore` makes it again. The program may run meanwhile
    Backup(BackupArgs),
    /// Make the data what a backup holds. What was there is kept beside it. The program must not run
    Restore(RestoreArgs),
    /// Write all objects as YAML, whole, also those of kinds that the program does not know. The program may run
    /// meanwhile
    Dump(DumpArgs),
    /// Put the objects of dumps into the data, whole, as they were. The program must not run
    Load(LoadArgs),
    /// Write the JSON Schemas of the program's kinds, as DIR/<group>/<kind>_<version>.json
    Schemas(SchemasArgs),
    /// Print the custom resource definitions of the program's kinds as YAML
    Crds,
    /// Print the program's kinds, reconcilers and watches as a Mermaid flowchart, and who owns whom
    Graph(GraphArgs),
    /// Print a kubeconfig, with which kubectl finds the API of this program
    #[cfg(feature = "api")]
    Kubeconfig(KubeconfigArgs),
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

    #[command(flatten)]
    data: DataArgs,

    /// Keep nothing: objects go with the program. Without this, they stay in the data folder
    #[arg(long, env = "FABRICA_MEMORY", value_parser = clap::builder::FalseyValueParser::new(), action = clap::ArgAction::SetTrue)]
    memory: bool,

    /// Serve the Kubernetes API there: at a port of this machine, as in 127.0.0.1:8080, or at unix:PATH
    /// [default: it is not served]
    #[cfg(feature = "api")]
    #[arg(long, env = "FABRICA_LISTEN", value_name = "ADDRESS")]
    listen: Option<crate::api::Listen>,

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

    /// Where the API is served.
    #[cfg(feature = "api")]
    pub(super) fn listen(&self) -> Option<&crate::api::Listen> {
        self.listen.as_ref()
    }

    /// The data folder, unless everything is to go with the program.
    pub(super) fn data(&self) -> Option<&DataArgs> {
        (!self.memory).then_some(&self.data)
    }

    pub(super) fn wants_table(&self) -> bool {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        !self.no_table && !dumb && std::io::stdout().is_terminal()
    }
}

/// Where everything is kept.
#[derive(Debug, Parser)]
pub(super) struct DataArgs {
    /// The folder in which everything is kept: the objects in its file fabrica.db
    #[arg(long = "data", env = "FABRICA_DATA", value_name = "DIR", default_value = "data")]
    folder: PathBuf,
}

impl DataArgs {
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file with the objects, which may come to be; its folder is made.
    pub(super) fn file_to_be(&self) -> Result<PathBuf> {
        std::fs::create_dir_all(&self.folder).map_err(|error| {
            let doing = format!("the data folder {} can't be made", self.folder.display());
            Error::new(ErrorKind::Startup, format!("{doing}: {error}; name another with `--data DIR`"))
        })?;
        Ok(self.folder.join(EmbeddedStore::FILE_NAME))
    }

    /// The file with the objects, which must be there.
    pub(super) fn existing_file(&self) -> Result<PathBuf> {
        let file = self.folder.join(EmbeddedStore::FILE_NAME);
        let is_there = file.try_exists().map_err(|error| {
            let doing = format!("{} can't be looked at: {error}", file.display());
            Error::new(ErrorKind::Other, format!("{doing}; mend that, or name another folder with `--data DIR`"))
        })?;
        if is_there {
            return Ok(file);
        }
        let folder = self.folder.display();
        let message = format!(
            "there is no data in {folder}: it has no {}; name another folder with `--data DIR`",
            EmbeddedStore::FILE_NAME
        );
        Err(Error::new(ErrorKind::NotFound, message))
    }
}

#[derive(Debug, Parser)]
pub(super) struct BackupArgs {
    /// The file to write, which must not be there yet
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,

    #[command(flatten)]
    pub(super) data: DataArgs,
}

#[derive(Debug, Parser)]
pub(super) struct RestoreArgs {
    /// The backup
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,

    #[command(flatten)]
    pub(super) data: DataArgs,
}

/// Which objects are read. The program may run meanwhile.
#[derive(Debug, Parser)]
pub(super) struct SourceArgs {
    #[command(flatten)]
    data: DataArgs,

    /// Read a backup. Without this, the data folder is read
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
}

impl SourceArgs {
    /// The file with the objects.
    pub(super) fn file(&self) -> Result<PathBuf> {
        self.from.clone().map_or_else(|| self.data.existing_file(), Ok)
    }
}

#[derive(Debug, Parser)]
pub(super) struct DumpArgs {
    #[command(flatten)]
    pub(super) source: SourceArgs,

    /// The file to write, or - for stdout. A file that is there is replaced when the new one is whole
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
}

impl DumpArgs {
    /// `None` is stdout.
    pub(super) fn out(&self) -> Option<&Path> {
        (self.out.as_os_str() != "-").then_some(&self.out)
    }
}

#[derive(Debug, Parser)]
pub(super) struct GraphArgs {
    /// Show who owns whom, as the objects say: nothing declares it. Without this, no objects are read
    #[arg(long)]
    owners: bool,

    #[command(flatten)]
    source: SourceArgs,
}

impl GraphArgs {
    /// The file with the objects that say who owns whom, if that is to be shown.
    pub(super) fn owners(&self) -> Result<Option<PathBuf>> {
        self.owners.then(|| self.source.file()).transpose()
    }
}

#[derive(Debug, Parser)]
pub(super) struct LoadArgs {
    /// The dumps: YAML or JSON files, or folders of them
    #[arg(value_name = "FILE", required = true)]
    pub(super) files: Vec<PathBuf>,

    #[command(flatten)]
    pub(super) data: DataArgs,

    /// Make objects that are there as the dumps say. Without this, nothing is loaded if one is there and is otherwise
    #[arg(long)]
    pub(super) overwrite: bool,
}

#[cfg(feature = "api")]
#[derive(Debug, Parser)]
pub(super) struct KubeconfigArgs {
    /// Where the program serves its API: what `run --listen` says
    #[arg(long, env = "FABRICA_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(super) listen: crate::api::Listen,

    /// The URL of the server, if it is reached through something else, as in http://localhost:9000
    /// [default: http:// and what --listen says]
    #[arg(long, value_name = "URL", value_parser = url)]
    pub(super) server: Option<String>,

    /// The file to write; one that is there is replaced. Without this, it goes to stdout
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
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

#[cfg(feature = "api")]
fn url(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let is_url = host.is_some_and(|host| !host.is_empty() && !host.contains(char::is_whitespace));
    is_url.then(|| text.to_owned()).ok_or_else(|| "it takes a URL as in http://localhost:9000".to_owned())
}

pub(crate) fn duration(text: &str) -> Result<Duration, String> {
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
