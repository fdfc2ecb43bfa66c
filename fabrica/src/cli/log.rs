//! The log, on stderr.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use super::table::Screen;

/// Installs the log, and answers the screen that it shares with the table if there is to be one.
///
/// If the program installed a subscriber of its own before, that one stays.
pub(super) fn install(filter: &str, table: bool) -> Option<Screen> {
    let terminal = io::stderr().is_terminal();
    let colors = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let screen = Screen::new(io::stdout(), io::stderr(), terminal);
    let log = screen.clone();
    // The filter was checked when the arguments were parsed.
    let filter = EnvFilter::new(filter);
    let subscriber = tracing_subscriber::fmt()
        .compact()
        .with_target(false)
        .with_ansi(colors)
        .with_env_filter(filter)
        .with_writer(move || log.log_line());
    let _ = tracing::subscriber::set_global_default(subscriber.finish());
    table.then_some(screen)
}
