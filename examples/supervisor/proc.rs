//! What the kernel says of processes, in `/proc`.

use std::fs;

/// Some of the `stat` of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// It has ended, and only its parent has not asked how yet.
    pub is_zombie: bool,
    pub group: u32,
    pub session: u32,
    /// When the kernel started it, in clock ticks since the machine did. A number is used again, but not at the same
    /// time: together they are one process for good.
    pub start_ticks: u64,
}

impl Stat {
    /// `None` if there is no such process.
    pub fn of(pid: u32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The fields 3, 5, 6 and 22. The second, the program's name in parentheses, may hold anything.
    fn parse(stat: &str) -> Option<Self> {
        let (_, after_name) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        Some(Self {
            is_zombie: matches!(*fields.first()?, "Z" | "X"),
            group: fields.get(2)?.parse().ok()?,
            session: fields.get(3)?.parse().ok()?,
            start_ticks: fields.get(19)?.parse().ok()?,
        })
    }
}

/// The numbers of all processes.
pub fn pids() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// A variable of the environment that a process was started with; `None` also if that belongs to somebody else.
pub fn variable(pid: u32, name: &str) -> Option<String> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let mut variables = environment.split(|byte| *byte == 0);
    let value = variables.find_map(|variable| variable.strip_prefix(name.as_bytes())?.strip_prefix(b"="))?;
    String::from_utf8(value.to_vec()).ok()
}

/// What this start of the machine is called. Ticks count from it, and numbers begin anew.
pub fn boot_id() -> Option<String> {
    Some(fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let fields: Vec<_> = (3..=22).map(|field| field.to_string()).collect();
        let stat = Stat::parse(&format!("7 (a) b (c) {}", fields.join(" ")));
        assert_eq!(stat, Some(Stat { is_zombie: false, group: 5, session: 6, start_ticks: 22 }));
        assert!(Stat::parse("7 (a) Z 1 2 3").is_none());
    }
}
