//! A program with a command line.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{CommandFactory, FromArgMatches};
use futures_util::future::BoxFuture;

use super::args::{Args, Command};
use super::data::DataDir;
#[cfg(feature = "api")]
use super::kubeconfig;
use super::{backup, check, crds, dump, graph, log, run, schemas};
use crate::controller::{Builder, Controller};
use crate::{Error, ErrorKind, Result};

type Configure = Box<dyn FnOnce(Builder) -> Builder + Send>;

/// What a program does at its start or end.
pub(super) type Hook = Box<dyn FnOnce(Arc<Controller>) -> BoxFuture<'static, Result<()>> + Send>;

/// The command line of a program, with what the program adds to it.
///
/// ```no_run
/// use std::process::ExitCode;
/// use std::sync::Arc;
///
/// use fabrica::cli::App;
/// # #[derive(Default)]
/// # struct Pumps;
/// # impl Pumps { async fn stop_all(&self) {} }
///
/// fn main() -> ExitCode {
///     let pumps = Arc::new(Pumps::default());
///     let for_reconcilers = Arc::clone(&pumps);
///     App::new()
///         .configure(|builder| builder.state(for_reconcilers))
///         .on_stop(|_| async move {
///             pumps.stop_all().await;
///             Ok(())
///         })
///         .main()
/// }
/// ```
#[derive(Default)]
#[must_use]
pub struct App {
    configure: Option<Configure>,
    pub(super) on_start: Option<Hook>,
    pub(super) on_stop: Option<Hook>,
}

impl App {
    /// Everything that is linked into the program, and nothing more.
    pub fn new() -> Self {
        Self::default()
    }

    /// Changes what the controller is made of: states above all. What a flag or the environment says goes before what
    /// is set here.
    ///
    /// Runs for every subcommand that looks at the declarations, `check` included, within the tokio runtime: it should
    /// have no effect outside. To run something else than what is linked in, answer another builder.
    pub fn configure(mut self, configure: impl FnOnce(Builder) -> Builder + Send + 'static) -> Self {
        self.configure = Some(Box::new(configure));
        self
    }

    /// Does something in `run`, when the controller is built, before anything is applied or reconciled: here a program
    /// keeps the controller's handle for what happens outside. An error ends the program.
    pub fn on_start<F, Fut>(mut self, hook: F) -> Self
    where
        F: FnOnce(Arc<Controller>) -> Fut + Send + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        self.on_start = Some(Box::new(|controller| Box::pin(hook(controller))));
        self
    }

    /// Does something at the end of `run`, when the controller has stopped and no reconcile runs any more. A second
    /// signal doesn't wait for it. It runs after a failed start too.
    pub fn on_stop<F, Fut>(mut self, hook: F) -> Self
    where
        F: FnOnce(Arc<Controller>) -> Fut + Send + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        self.on_stop = Some(Box::new(|controller| Box::pin(hook(controller))));
        self
    }

    /// Does what the process's arguments say. Call it from a plain `fn main`, not from within a tokio runtime.
    #[must_use]
    pub fn main(self) -> ExitCode {
        self.main_from(std::env::args_os())
    }

    /// As [`App::main`], with other arguments; the first is the program's name.
    pub fn main_from<I>(self, args: I) -> ExitCode
    where
        I: IntoIterator<Item: Into<OsString> + Clone>,
    {
        let args = match parse(args) {
            Ok(args) => args,
            Err(error) => {
                // It goes to stderr, but help to stdout; there is nowhere to tell that it can't.
                let _ = error.print();
                return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
            }
        };
        match self.execute(args) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                let _ = writeln!(io::stderr(), "error: {error:?}");
                ExitCode::FAILURE
            }
        }
    }

    fn execute(self, args: Args) -> Result<()> {
        if tokio::runtime::Handle::try_current().is_ok() {
            let message = "the command line makes its own tokio runtime: call it from a plain `fn main`, without \
                `#[tokio::main]`";
            return Err(Error::new(ErrorKind::Startup, message));
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let outcome = runtime.block_on(self.dispatch(args));
        // What still runs then is stuck in a blocking call.
        runtime.shutdown_timeout(LAST_GRACE);
        outcome
    }

    async fn dispatch(mut self, args: Args) -> Result<()> {
        match args.command {
            Command::Run(run_args) => {
                let screen = log::install(&args.log, run_args.wants_table());
                let builder = run_args.override_settings(self.builder(Controller::discover()));
                let builder = run::with_store(builder, &run_args).await?;
                run::run(self, builder, run_args, screen).await
            }
            Command::Backup(backup_args) => backup::backup(&backup_args),
            Command::Restore(restore_args) => backup::restore(&restore_args),
            Command::Dump(dump_args) => dump::dump(&dump_args).await,
            Command::Load(load_args) => dump::load(&load_args).await,
            Command::Schemas(schemas_args) => {
                let builder = self.builder(Controller::discover());
                schemas::schemas(builder.registry(), &schemas_args)
            }
            Command::Crds => print(&crds::crds(self.builder(Controller::discover()).registry())?),
            Command::Graph(graph_args) => {
                let ownership = match graph_args.owners()? {
                    Some(file) => graph::ownership(&file).await?,
                    None => graph::Ownership::new(),
                };
                print(&graph::graph(self.builder(Controller::discover()).registry(), &ownership))
            }
            #[cfg(feature = "api")]
            Command::Kubeconfig(kubeconfig_args) => kubeconfig::kubeconfig(&kubeconfig_args),
            Command::Check => print(&check::check(&self.builder(Controller::discover()))?),
        }
    }

    fn builder(&mut self, builder: Builder) -> Builder {
        match self.configure.take() {
            Some(configure) => configure(builder.state(DataDir::default())),
            None => builder.state(DataDir::default()),
        }
    }
}

const LAST_GRACE: Duration = Duration::from_secs(1);

fn parse<I>(args: I) -> Result<Args, clap::Error>
where
    I: IntoIterator<Item: Into<OsString> + Clone>,
{
    Args::from_arg_matches(&Args::command().try_get_matches_from(args)?)
}

/// Prints to stdout. Who reads may stop reading at any time.
pub(super) fn print(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::from(error).context("can't write to stdout"))
        }
        _ => Ok(()),
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").finish_non_exhaustive()
    }
}
