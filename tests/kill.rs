//! A program that writes to an embedded store is killed, again and again, and always goes on where it was.
#![cfg(unix)] // kills
#![allow(clippy::unwrap_used)] // a helper that fails fails its test

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use fabrica::store::{EmbeddedStore, Entry, Revision};
use fabrica_tests::folder::Folder;
use fabrica_tests::ledger::{Attempt, Ledger};
use fabrica_tests::random::Random;

/// When a program is killed: after it has said so many lines, and a moment later.
struct Moment {
    lines: usize,
    later: Duration,
}

/// What one program found and did before it was killed.
#[derive(Default)]
struct Life {
    found: Vec<Entry>,
    opened: Option<Revision>,
    done: Vec<(Attempt, Revision)>,
}

impl Life {
    /// Runs the program until it is killed.
    fn of(mut program: Command, moment: &Moment) -> Self {
        let mut child = program.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut life = Self::default();
        for _ in 0..moment.lines {
            assert!(life.read(&mut output), "the program ended by itself: {:?}", child.wait());
        }
        std::thread::sleep(moment.later);
        // This is SIGKILL.
        child.kill().unwrap();
        // What it had said before is still in the pipe.
        while life.read(&mut output) {}
        let status = child.wait().unwrap();
        assert_eq!(status.code(), None, "the program ended by itself: {status}");
        life
    }

    /// Takes the next line; false if there is none.
    fn read(&mut self, output: &mut BufReader<impl std::io::Read>) -> bool {
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        // One that was not finished was not said.
        let Some(line) = line.strip_suffix('\n') else { return false };
        let words: Vec<_> = line.split(' ').collect();
        match words[..] {
            ["entry", key, created, modified, value] => self.found.push(Entry {
                key: key.into(),
                value: from_hex(value).into(),
                created: created.parse().unwrap(),
                modified: modified.parse().unwrap(),
            }),
            ["opened", revision] => self.opened = Some(revision.parse().unwrap()),
            ["done", writer, sequence, revision] => {
                let attempt = Attempt { writer: writer.parse().unwrap(), sequence: sequence.parse().unwrap() };
                self.done.push((attempt, revision.parse().unwrap()));
            }
            _ => panic!("the program says {line:?}"),
        }
        true
    }

    /// Judges what it found, and adds what was acknowledged to it.
    fn enter(self, ledger: &mut Ledger) -> Result<(), String> {
        if let Some(opened) = self.opened {
            ledger.judge(opened, self.found)?;
        }
        for (attempt, revision) in self.done {
            // From here on the writer may be busy with its next one.
            ledger.acknowledge(attempt, revision, Revision::default())?;
        }
        Ok(())
    }
}

fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn writer(file: &Path, seed: u64, writers: u64) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_writer"));
    command.arg(file).args([seed.to_string(), writers.to_string()]);
    command
}

#[test]
fn sixty_kills_under_load_lose_nothing_that_was_acknowledged() {
    const WRITERS: u64 = 16;
    let seed = 7;
    let folder = Folder::new("kill").unwrap();
    let file = folder.path().join(EmbeddedStore::FILE_NAME);
    let (mut random, mut ledger) = (Random::new(seed), Ledger::new(seed));
    for writer in 0..WRITERS {
        ledger.expect(writer);
    }
    let (mut written, mut at_work) = (0, 0);
    for round in 0..60 {
        // One in six dies while it opens the store, or not long after.
        let lines = if random.percent(16) { 0 } else { 1 + random.below(600) };
        let moment =
            Moment { lines: usize::try_from(lines).unwrap(), later: Duration::from_micros(random.below(20_000)) };
        let life = Life::of(writer(&file, seed, WRITERS), &moment);
        written += life.done.len();
        at_work += usize::from(!life.done.is_empty());
        if let Err(error) = life.enter(&mut ledger) {
            panic!("seed {seed}, round {round}: {error}; its file is {}", folder.keep().display());
        }
    }
    println!("{written} transactions in {at_work} of 60 lives");
    assert!(at_work >= 40, "only {at_work} of 60 were killed at work");
}

#[test]
fn a_program_killed_while_it_makes_its_file_leaves_nothing_in_the_way() {
    let mut random = Random::new(1);
    let (mut without, mut with) = (0, 0);
    for round in 0..30 {
        let folder = Folder::new("kill-new").unwrap();
        let file = folder.path().join(EmbeddedStore::FILE_NAME);
        let later = Duration::from_micros(random.below(15_000));
        let life = Life::of(writer(&file, 1, 1), &Moment { lines: 0, later });
        *(if file.exists() { &mut with } else { &mut without }) += 1;
        let mut ledger = Ledger::new(1);
        ledger.expect(0);
        life.enter(&mut ledger).unwrap();
        let life = Life::of(writer(&file, 1, 1), &Moment { lines: 1, later: Duration::ZERO });
        life.enter(&mut ledger).unwrap_or_else(|error| panic!("round {round}: {error}"));
    }
    println!("{without} of 30 were killed before the file had its name, {with} after");
}

#[test]
fn a_program_that_says_so_before_the_store_is_caught() {
    let folder = Folder::new("kill-early").unwrap();
    let file = folder.path().join(EmbeddedStore::FILE_NAME);
    let mut ledger = Ledger::new(1);
    ledger.expect(0);
    let verdict = (0..60).try_for_each(|lines| {
        let mut program = writer(&file, 1, 1);
        program.arg("early");
        Life::of(program, &Moment { lines: 40 + lines, later: Duration::ZERO }).enter(&mut ledger)
    });
    let error = verdict.expect_err("none of 60 kills came between the word and the deed");
    assert!(error.contains("was told"), "{error}");
}
