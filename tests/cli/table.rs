use std::fs::File;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use nix::pty::{OpenptyResult, Winsize, openpty};

use super::apply::gadget_manifest;
use super::built;
use super::program::{Folder, gadget};

/// A terminal of 60 columns with a program in it.
struct Terminal {
    child: Child,
    output: Receiver<String>,
    text: String,
}

impl Terminal {
    fn start(mut command: Command) -> Self {
        let size = Winsize { ws_row: 24, ws_col: 60, ws_xpixel: 0, ws_ypixel: 0 };
        let OpenptyResult { master, slave } = openpty(Some(&size), None).unwrap();
        let stderr = slave.try_clone().unwrap();
        let child = command.stdout(Stdio::from(slave)).stderr(Stdio::from(stderr)).spawn().unwrap();
        // The command holds the program's end of the terminal: without it, the terminal ends with the program.
        drop(command);
        let (sender, output) = channel();
        let mut master = File::from(master);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = master.read(&mut bytes) {
                let _ = sender.send(String::from_utf8_lossy(&bytes[..read]).into_owned());
            }
        });
        Self { child, output, text: String::new() }
    }

    fn wait_for(&mut self, text: &str) {
        let deadline = Instant::now() + Duration::from_mins(1);
        while !self.text.contains(text) {
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(more) => self.text += &more,
                Err(error) => panic!("no {text:?} ({error}) in:\n{}", self.text),
            }
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(folder: &Folder, term: &str, more: &[&str]) -> Terminal {
    let mut command = gadget(&["run", "--apply", &folder.at("a.yaml")]);
    command.args(more).env("TERM", term).env("NO_COLOR", "1");
    Terminal::start(command)
}

#[test]
fn a_terminal_gets_a_live_table_with_the_log_above_it() {
    let folder = Folder::new("table");
    folder.write("a.yaml", &gadget_manifest("a", "wantedSize: 3"));
    let mut terminal = run(&folder, "xterm", &[]);
    terminal.wait_for("Gadget (1)\r\nNAME   SIZE   READY   AGE\r\na      3      True    ");
    folder.write("a.yaml", &gadget_manifest("a", "wantedSize: 1234"));
    terminal.wait_for("a      1234   True    ");
    // The table is taken away, the line of the log goes where it was, and the table comes back below.
    let log = terminal.text.find(" INFO applied gadget/a (changed)").unwrap();
    let line = terminal.text[..log].rfind('\n').unwrap() + 1;
    assert!(terminal.text[line..].starts_with("\x1b[3A\r\x1b[J"), "{}", terminal.text);
    let after = terminal.text[log..].split_once('\n').unwrap().1;
    assert!(after.starts_with("Gadget (1)\r\n"), "{after:?}");
}

#[test]
fn there_is_no_table_where_it_is_not_wanted_or_can_not_be_drawn() {
    let folder = Folder::new("no-table");
    folder.write("a.yaml", &gadget_manifest("a", "wantedSize: 3"));
    for (term, more) in [("dumb", &[][..]), ("xterm", &["--no-table"])] {
        let mut terminal = run(&folder, term, more);
        terminal.wait_for("a has size 3");
        folder.write("a.yaml", &gadget_manifest("a", "wantedSize: 4"));
        terminal.wait_for("a has size 4");
        assert!(!terminal.text.contains("\x1b[") && !terminal.text.contains("NAME"), "{}", terminal.text);
        folder.write("a.yaml", &gadget_manifest("a", "wantedSize: 3"));
    }
}

#[test]
fn the_rack_of_the_examples_grows_before_ones_eyes_and_goes_on_after_a_kill() {
    let data = Folder::new("rack");
    let run = || {
        let mut command = Command::new(built::example("rack"));
        command.args(["run", "--apply", "examples/rack", "--data", &data.at("data")]);
        command.current_dir(built::root()).env("TERM", "xterm").env("NO_COLOR", "1").stdin(Stdio::null());
        Terminal::start(command)
    };
    let mut terminal = run();
    terminal.wait_for("├─ Chassis r1-c0   False (PoweringOn)");
    terminal.wait_for("│  └─ Blade r1-c0-b3 ");
    // There is no room for what is on the blades.
    terminal.wait_for("│  └─ Blade r1-c0-b3 (+3)   False (Incomplete)");
    drop(terminal); // by SIGKILL

    let mut terminal = run();
    terminal.wait_for("│  └─ Blade r1-c0-b3 (+3)   ");
    terminal.wait_for("\r\nRack r1                     True ");
    assert!(!terminal.text.contains("Phase Pending") && !terminal.text.contains("created"), "{}", terminal.text);
}
