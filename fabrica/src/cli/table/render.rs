//! From objects to the lines of a table. Nothing here reads a clock or a terminal.

use std::collections::BTreeSet;
use std::fmt::Write;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The objects of one kind, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Section {
    /// What stands above the table: of which kind how many there are.
    pub(super) title: String,
    pub(super) headings: Vec<String>,
    pub(super) rows: Vec<Row>,
    /// How many objects there are; more than rows if not all of them were asked for.
    pub(super) total: usize,
}

/// One object, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// How far below the top its first cell stands: each row is below the last one before it with less.
    pub(super) depth: usize,
    /// Is there nothing to wait for? What is below it is folded away before what is below others.
    pub(super) is_settled: bool,
    pub(super) cells: Vec<String>,
}

/// The lines of the tables, none wider than `width` columns and no more than `height` of them.
///
/// Rows that have no room are folded away, the deepest and those below a settled one first, and counted beside the one
/// that they are below. Those at the top that have no room are counted at the end of their section; every section keeps
/// its title.
pub(super) fn render(sections: &[Section], width: usize, height: usize) -> Vec<String> {
    let sections: Vec<_> = sections.iter().filter(|section| section.total > 0).collect();
    if sections.is_empty() {
        return vec![fit("no objects yet", width)];
    }
    let mut lines = Vec::new();
    let mut room = height.saturating_sub(sections.iter().map(|_| FRAME).sum::<usize>()).max(1);
    for (index, section) in sections.iter().enumerate() {
        // What the sections before left over, shared evenly with those that follow.
        let share = room.div_ceil(sections.len() - index);
        let (rows, folded) = fold(&section.rows, share);
        let total = section.total - folded;
        let shown = if total <= share { rows.len() } else { rows.len().min(share.saturating_sub(1)) };
        room = room.saturating_sub(shown + usize::from(total > shown));
        if index > 0 {
            lines.push(String::new());
        }
        draw(section, &rows[..shown], total - shown, width, &mut lines);
    }
    lines.truncate(height.max(1));
    lines
}

/// The lines of a section that are no rows: its title, its headings, and the empty line between it and the next.
const FRAME: usize = 3;

/// The rows of which no more than `room` are left, but for those at the top, which all stay; and how many are folded away.
fn fold(rows: &[Row], room: usize) -> (Vec<Row>, usize) {
    let below = children(rows);
    let mut is_shown: Vec<bool> = rows.iter().map(|row| row.depth == 0).collect();
    let mut left = room.saturating_sub(is_shown.iter().filter(|is_shown| **is_shown).count());
    // What is unfolded next: the highest, and of these what is not settled.
    let place = |index: usize| (rows[index].depth, rows[index].is_settled, index);
    let mut next: BTreeSet<_> = (0..rows.len()).filter(|index| is_shown[*index]).map(place).collect();
    while let Some((.., index)) = next.pop_first() {
        if let Some(rest) = left.checked_sub(below[index].len()) {
            left = rest;
            below[index].iter().for_each(|child| is_shown[*child] = true);
            next.extend(below[index].iter().copied().map(place));
        }
    }
    let mut shown: Vec<(Row, usize)> = Vec::new();
    for (row, is_shown) in rows.iter().zip(is_shown) {
        match shown.last_mut() {
            Some((_, folded)) if !is_shown => *folded += 1,
            _ => shown.push((row.clone(), 0)),
        }
    }
    let folded = shown.iter().map(|(_, folded)| folded).sum();
    let counted = shown.into_iter().map(|(mut row, folded)| {
        if let Some(name) = row.cells.first_mut().filter(|_| folded > 0) {
            let _ = write!(name, " (+{folded})");
        }
        row
    });
    (counted.collect(), folded)
}

/// The rows directly below each row.
fn children(rows: &[Row]) -> Vec<Vec<usize>> {
    let mut below = vec![Vec::new(); rows.len()];
    let mut above: Vec<usize> = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        above.truncate(row.depth);
        if let Some(parent) = above.last() {
            below[*parent].push(index);
        }
        above.push(index);
    }
    below
}

/// What stands before the first cell of each row to show what it is below.
fn branches(rows: &[Row]) -> Vec<String> {
    let branch = |(index, row): (usize, &Row)| {
        // Does anything come at this depth before the one that all of it is below ends?
        let goes_on = |depth: usize| {
            rows[index + 1..].iter().take_while(|later| later.depth >= depth).any(|later| later.depth == depth)
        };
        let mut before: String = (1..row.depth).map(|depth| if goes_on(depth) { "│  " } else { "   " }).collect();
        if row.depth > 0 {
            before += if goes_on(row.depth) { "├─ " } else { "└─ " };
        }
        before
    };
    rows.iter().enumerate().map(branch).collect()
}

fn draw(section: &Section, rows: &[Row], more: usize, width: usize, lines: &mut Vec<String>) {
    let cells = rows.iter().zip(branches(rows)).map(|(row, branch)| {
        let mut cells = row.cells.clone();
        if let Some(first) = cells.first_mut() {
            first.insert_str(0, &branch);
        }
        cells
    });
    let table: Vec<Vec<String>> = std::iter::once(section.headings.clone()).chain(cells).collect();
    let widest = |column: usize| {
        let widths = table.iter().filter_map(|row| row.get(column)).map(|cell| clean(cell).width());
        widths.max().unwrap_or_default()
    };
    let last = section.headings.len().saturating_sub(1);
    let widths: Vec<usize> =
        (0..=last).map(|column| if column == last { widest(column) } else { widest(column).min(WIDEST) }).collect();
    lines.push(fit(&section.title, width));
    for row in &table {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let cell = fit(&clean(cell), *width);
            let gap = width - cell.width() + GAP;
            let _ = write!(line, "{cell}{:gap$}", "");
        }
        lines.push(fit(line.trim_end(), width));
    }
    if more > 0 {
        lines.push(fit(&format!("… {more} more"), width));
    }
}

/// The space between two columns.
const GAP: usize = 3;
/// No cell is wider, but for the last of a row: one long message must not push the other columns out of sight.
const WIDEST: usize = 40;

/// What a terminal would obey is shown as a sign instead: an object's text must not move the cursor.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.width().is_none() { '\u{fffd}' } else { c }).collect()
}

/// The text cut to a width, with a sign that it was.
fn fit(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut fitted = String::new();
    let mut left = width.saturating_sub(1);
    for c in text.chars() {
        let Some(rest) = left.checked_sub(c.width().unwrap_or_default()) else { break };
        left = rest;
        fitted.push(c);
    }
    if width > 0 {
        fitted.push('…');
    }
    fitted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(title: &str, rows: &[&[&str]]) -> Section {
        let text = |cells: &[&str]| cells.iter().map(|&cell| cell.to_owned()).collect::<Vec<_>>();
        let headings = text(&["NAME", "STATE", "AGE"]);
        Section {
            title: format!("{title} ({})", rows.len()),
            headings,
            rows: rows.iter().map(|row| Row { depth: 0, is_settled: false, cells: text(row) }).collect(),
            total: rows.len(),
        }
    }

    #[test]
    fn columns_stand_below_their_headings() {
        let lines = render(&[section("Device", &[&["dev-1", "running", "5s"], &["a", "-", "12m"]])], 80, 24);
        assert_eq!(lines, ["Device (2)", "NAME    STATE     AGE", "dev-1   running   5s", "a       -         12m"]);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let sections = [section("Device", &[&["a-rather-long-name", "日本語日本語", "5s"]])];
        for width in 0..60 {
            for line in render(&sections, width, 24) {
                assert!(line.width() <= width, "{width}: {line:?}");
            }
        }
    }

    #[test]
    fn rows_without_room_are_counted() {
        let names: Vec<String> = (0..50).map(|n| format!("n{n}")).collect();
        let rows: Vec<&[&str]> = vec![&["x", "y", "z"]; names.len()];
        let sections = [section("Device", &rows), section("Rack", &rows[..2])];
        let lines = render(&sections, 80, 20);
        assert!(lines.len() <= 20, "{}", lines.len());
        assert!(lines.contains(&"Rack (2)".to_owned()), "{lines:#?}");
        let more = lines.iter().find(|line| line.starts_with('…')).unwrap();
        let shown = lines.iter().take_while(|line| !line.starts_with('…')).count() - 2;
        assert_eq!(more, &format!("… {} more", 50 - shown));
        for height in 0..20 {
            assert!(render(&sections, 80, height).len() <= height.max(1));
        }
    }

    fn tree(rows: &[(usize, &str)]) -> Section {
        let row = |(depth, name): &(usize, &str)| Row {
            depth: *depth,
            is_settled: name.ends_with('!'),
            cells: vec![(*name).into()],
        };
        let rows: Vec<Row> = rows.iter().map(row).collect();
        Section { title: "Rack".into(), headings: vec!["NAME".into()], total: rows.len(), rows }
    }

    #[test]
    fn lines_lead_from_an_owner_to_what_it_owns() {
        let rows = [(0, "r"), (1, "c0"), (2, "b0"), (2, "b1"), (1, "c1"), (2, "b2"), (3, "n"), (0, "s")];
        let lines = render(&[tree(&rows)], 80, 24);
        let expected = ["r", "├─ c0", "│  ├─ b0", "│  └─ b1", "└─ c1", "   └─ b2", "      └─ n", "s"];
        assert_eq!(lines[2..], expected);
    }

    #[test]
    fn what_is_deepest_is_folded_first() {
        let rows = [(0, "r"), (1, "c0"), (2, "b0"), (3, "n"), (2, "b1"), (1, "c1"), (2, "b2"), (0, "s")];
        let section = [tree(&rows)];
        let lines = |room: usize| render(&section, 80, room + FRAME)[2..].join(" ");
        assert_eq!(lines(8), "r ├─ c0 │  ├─ b0 │  │  └─ n │  └─ b1 └─ c1    └─ b2 s");
        assert_eq!(lines(7), "r ├─ c0 │  ├─ b0 (+1) │  └─ b1 └─ c1    └─ b2 s");
        assert_eq!(lines(6), "r ├─ c0 │  ├─ b0 (+1) │  └─ b1 └─ c1 (+1) s");
        assert_eq!(lines(5), "r ├─ c0 (+3) └─ c1    └─ b2 s");
        assert_eq!(lines(4), "r ├─ c0 (+3) └─ c1 (+1) s");
        assert_eq!(lines(3), "r (+6) s");
        assert_eq!(lines(2), "r (+6) s");
        assert_eq!(lines(1), "… 2 more");
    }

    #[test]
    fn what_is_below_something_settled_is_folded_before_its_like() {
        let rows = [(0, "r"), (1, "c0!"), (2, "b0"), (2, "b1"), (1, "c1"), (2, "b2"), (2, "b3")];
        let lines = render(&[tree(&rows)], 80, 5 + FRAME);
        assert_eq!(lines[2..].join(" "), "r ├─ c0! (+2) └─ c1    ├─ b2    └─ b3");
    }

    #[test]
    fn a_value_can_not_command_the_terminal() {
        let lines = render(&[section("Device", &[&["a\u{1b}[2Jb", "x\ny", "1s"]])], 80, 24);
        assert_eq!(lines.len(), 3);
        assert!(!lines.concat().contains('\u{1b}'));
        assert!(lines[2].starts_with("a\u{fffd}[2Jb   x\u{fffd}y"), "{lines:?}");
    }

    #[test]
    fn nothing_is_said_to_be_nothing() {
        assert_eq!(render(&[section("Device", &[])], 80, 24), ["no objects yet"]);
    }
}
