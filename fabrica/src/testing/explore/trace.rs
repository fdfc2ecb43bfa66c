//! What happened in one run of the scenario, row by row.

use std::fmt::Write as _;
use std::time::Duration;

use super::fields::{differences, shown};
use super::mask::Masks;
use super::names::Names;
use super::world::title_of;
use super::write::Written;
use crate::store::Revision;

/// Every run, write, effect and event, in their order.
#[derive(Default)]
pub(super) struct Trace {
    pub(super) rows: Vec<Row>,
    /// How many effects were done since the last write was tried.
    pub(super) effects_since_write: usize,
}

pub(super) struct Row {
    pub(super) at: Duration,
    pub(super) what: What,
}

pub(super) enum What {
    Step(String),
    Idle,
    Started { process: usize },
    Crash,
    Fault(String),
    Run { number: usize, object: String, reasons: String, attempt: u32 },
    Failed { number: usize, error: String },
    Write { revision: Revision, written: Written, run: Option<usize>, by_user: bool },
    Effect { name: String, run: Option<usize> },
    Event { kind: String, subject: String },
}

impl Row {
    /// A row of the table.
    fn line(&self) -> String {
        let at = format!("{:.3}s", self.at.as_secs_f64());
        let by = |run: &Option<usize>| run.map_or_else(|| "        ".to_owned(), |run| format!("run #{run:<3}"));
        let (who, what) = match &self.what {
            What::Step(name) => return format!("{at:>11}  ---- {name} ----"),
            What::Idle => return format!("{at:>11}  ---- at rest: nothing more should be written ----"),
            What::Crash => return format!("{at:>11}  ---- the process ends here ----"),
            What::Started { process } => return format!("{at:>11}  ---- process {process} starts ----"),
            What::Fault(plan) => return format!("{at:>11}  **** {plan} ****"),
            What::Run { number, object, reasons, attempt } => {
                let attempt = if *attempt > 0 { format!(" (attempt {})", attempt + 1) } else { String::new() };
                (by(&Some(*number)), format!("begins  {object}{attempt}, because: {reasons}"))
            }
            What::Failed { number, error } => (by(&Some(*number)), format!("fails   {error}")),
            What::Write { revision, written, run, by_user } => {
                let who = if *by_user { "user    ".to_owned() } else { by(run) };
                let (deed, title) = (written.deed().as_str(), title_of(written));
                (who, format!("writes  r{revision} {deed} {title}{}", details(written)))
            }
            What::Effect { name, run } => (by(run), format!("does    {name}")),
            What::Event { kind, subject } => (by(&None), format!("event   {kind} {subject}")),
        };
        format!("{at:>11}  {who}  {what}")
    }

    /// What two runs of the scenario should have in common: nothing that counts or dates. `None` for what says nothing.
    fn canonical(&self, names: &Names, masks: &Masks) -> Option<String> {
        let text = match &self.what {
            What::Step(name) => format!("step {name}"),
            What::Idle => "at rest".to_owned(),
            What::Started { .. } | What::Crash | What::Fault(_) => return None,
            What::Run { object, .. } => format!("run of {object}"),
            What::Failed { error, .. } => format!("a run fails: {error}"),
            What::Write { written, .. } => {
                let kind = written.short_kind();
                let (before, after) = written.differences();
                let differences = differences(&before, &after);
                let differences = differences.iter().filter(|difference| difference.is_telling());
                let differences = differences.filter(|difference| !masks.covers(kind, &difference.path));
                let fields: Vec<_> = differences
                    .map(|difference| format!("{} = {}", difference.path, shown(difference.other.as_ref())))
                    .collect();
                format!("{} {} {}", written.deed().as_str(), title_of(written), fields.join(", "))
            }
            What::Effect { name, .. } => format!("effect {name}"),
            What::Event { kind, subject } => format!("event {kind} {subject}"),
        };
        Some(names.canonical(&text))
    }
}

/// The fields that a write changed, if it changed one object in place.
fn details(written: &Written) -> String {
    const SHOWN: usize = 4;
    if written.before.is_none() || written.after.is_none() {
        return String::new();
    }
    let (before, after) = written.differences();
    let changed = differences(&before, &after);
    let telling: Vec<_> =
        changed.iter().filter(|difference| difference.is_telling() && !Masks::is_built_in(&difference.path)).collect();
    let mut text = String::new();
    for (place, difference) in telling.iter().take(SHOWN).enumerate() {
        let (one, other) = (shown(difference.one.as_ref()), shown(difference.other.as_ref()));
        let _ = write!(text, "{} {}: {one} -> {other}", if place == 0 { ":" } else { "," }, difference.path);
    }
    if telling.len() > SHOWN {
        let _ = write!(text, ", and {} more", telling.len() - SHOWN);
    }
    text
}

impl Trace {
    /// The whole table.
    pub(super) fn table(&self) -> String {
        self.rows.iter().fold(String::new(), |mut table, row| {
            table.push_str(&row.line());
            table.push('\n');
            table
        })
    }

    /// The table around the fault, up to some rows behind the place where it differs from another run.
    pub(super) fn excerpt(&self, until: Option<usize>) -> String {
        const BEFORE: usize = 8;
        const AFTER: usize = 24;
        let fault = self.rows.iter().position(|row| matches!(row.what, What::Fault(_))).unwrap_or_default();
        let from = fault.saturating_sub(BEFORE);
        let to = self.rows.len().min(until.unwrap_or(fault).max(fault) + AFTER);
        let mut lines = Vec::new();
        if from > 0 {
            lines.push(format!("             ({from} earlier rows)"));
        }
        for (index, row) in self.rows[from..to].iter().enumerate() {
            let mark = if until == Some(from + index) { "  <- differs from here on" } else { "" };
            lines.push(row.line() + mark);
        }
        if to < self.rows.len() {
            lines.push(format!("             ({} later rows)", self.rows.len() - to));
        }
        lines.join("\n")
    }

    /// The first place where this run is another one than the reference: the row here, and what the reference does there.
    pub(super) fn divergence(
        &self,
        names: &Names,
        reference: (&Self, &Names),
        masks: &Masks,
    ) -> Option<(usize, Option<String>)> {
        let lines = |trace: &Self, names: &Names| -> Vec<(usize, String)> {
            let rows = trace.rows.iter().enumerate();
            rows.filter_map(|(place, row)| Some((place, row.canonical(names, masks)?))).collect()
        };
        let (mine, theirs) = (lines(self, names), lines(reference.0, reference.1));
        let same = mine.iter().zip(&theirs).take_while(|((_, one), (_, other))| one == other).count();
        match (mine.get(same), theirs.get(same)) {
            (None, None) => None,
            (Some((place, _)), theirs) => Some((*place, theirs.map(|(_, line)| line.clone()))),
            (None, Some((_, line))) => Some((self.rows.len(), Some(line.clone()))),
        }
    }
}
