//! A region at the end of the terminal that is drawn again and again, while log lines pass above it.

use std::io::{self, Write};
use std::sync::Arc;

use parking_lot::Mutex;

/// The terminal, shared by the table and the log.
///
/// Both write through it, so that neither writes into the other: a log line takes the table away, goes where it was, and
/// puts it back below.
#[derive(Clone)]
pub(in crate::cli) struct Screen(Arc<Mutex<State>>);

struct State {
    /// Where the table is drawn.
    table: Box<dyn Write + Send>,
    /// Where the log goes.
    log: Box<dyn Write + Send>,
    /// Are both the same terminal? If not, the log needn't care for the table.
    shared: bool,
    /// What is drawn now.
    lines: Vec<String>,
}

impl Screen {
    pub(in crate::cli) fn new(
        table: impl Write + Send + 'static,
        log: impl Write + Send + 'static,
        shared: bool,
    ) -> Self {
        Self(Arc::new(Mutex::new(State { table: Box::new(table), log: Box::new(log), shared, lines: Vec::new() })))
    }

    /// Draws the table anew. The lines must be no wider than the terminal.
    pub(in crate::cli) fn draw(&self, lines: Vec<String>) -> io::Result<()> {
        let mut state = self.0.lock();
        if state.lines == lines {
            return Ok(());
        }
        let text = state.cleared() + &joined(&lines);
        state.lines = lines;
        state.table.write_all(text.as_bytes())?;
        state.table.flush()
    }

    /// The table stays as it is, above whatever follows.
    pub(in crate::cli) fn leave(&self) {
        self.0.lock().lines.clear();
    }

    /// Writes whole lines of the log.
    fn log(&self, text: &[u8]) -> io::Result<()> {
        let mut state = self.0.lock();
        if !state.shared || state.lines.is_empty() {
            state.log.write_all(text)?;
            return state.log.flush();
        }
        let cleared = state.cleared();
        state.table.write_all(cleared.as_bytes())?;
        state.table.flush()?;
        state.log.write_all(text)?;
        state.log.flush()?;
        let table = joined(&state.lines);
        state.table.write_all(table.as_bytes())?;
        state.table.flush()
    }
}

impl State {
    /// Goes up to the first line that was drawn and clears everything from there.
    fn cleared(&self) -> String {
        if self.lines.is_empty() { String::new() } else { format!("\x1b[{}A\r\x1b[J", self.lines.len()) }
    }
}

fn joined(lines: &[String]) -> String {
    lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
}

/// What the log writes one event with: it gathers the event's text and writes it in one piece.
pub(in crate::cli) struct LogLine {
    screen: Screen,
    text: Vec<u8>,
}

impl Screen {
    pub(in crate::cli) fn log_line(&self) -> LogLine {
        LogLine { screen: self.clone(), text: Vec::new() }
    }
}

impl Write for LogLine {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.text.is_empty() { Ok(()) } else { self.screen.log(&std::mem::take(&mut self.text)) }
    }
}

impl Drop for LogLine {
    fn drop(&mut self) {
        // There is nowhere to tell that the log can't be written.
        let _ = self.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A terminal that shows what is left after moves up and clears.
    #[derive(Clone, Default)]
    struct Terminal(Arc<Mutex<Vec<String>>>);

    impl Write for Terminal {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut shown = self.0.lock();
            let mut text = std::str::from_utf8(bytes).unwrap();
            while !text.is_empty() {
                if let Some(rest) = text.strip_prefix("\x1b[") {
                    let (up, rest) = rest.split_once('A').unwrap();
                    let left = shown.len().checked_sub(up.parse().unwrap()).unwrap();
                    shown.truncate(left);
                    text = rest.strip_prefix("\r\x1b[J").unwrap();
                } else {
                    let (line, rest) = text.split_once('\n').unwrap();
                    shown.push(line.to_owned());
                    text = rest;
                }
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn lines(text: &[&str]) -> Vec<String> {
        text.iter().map(|&line| line.to_owned()).collect()
    }

    #[test]
    fn log_lines_pass_above_the_table() {
        let terminal = Terminal::default();
        let screen = Screen::new(terminal.clone(), terminal.clone(), true);
        screen.draw(lines(&["a", "b"])).unwrap();
        screen.log_line().write_all(b"one\n").unwrap();
        screen.draw(lines(&["c"])).unwrap();
        screen.log_line().write_all(b"two\nthree\n").unwrap();
        assert_eq!(*terminal.0.lock(), ["one", "two", "three", "c"]);
        screen.leave();
        screen.log_line().write_all(b"end\n").unwrap();
        assert_eq!(*terminal.0.lock(), ["one", "two", "three", "c", "end"]);
    }

    #[test]
    fn a_log_that_goes_elsewhere_leaves_the_table_alone() {
        let (terminal, file) = (Terminal::default(), Terminal::default());
        let screen = Screen::new(terminal.clone(), file.clone(), false);
        screen.draw(lines(&["a"])).unwrap();
        screen.log_line().write_all(b"one\n").unwrap();
        assert_eq!((terminal.0.lock().join(","), file.0.lock().join(",")), ("a".to_owned(), "one".to_owned()));
    }
}
