//! The process, as Prometheus' own libraries describe it. What the system doesn't tell is left out.

use std::fs;

use super::text::{Form, Text};

/// In what parts of a second Linux counts time for programs, on every processor that Rust's standard library is made for.
const TICKS: f64 = 100.0;

/// What the system says of the process.
#[derive(Debug, Default, PartialEq)]
struct Process {
    cpu_seconds: Option<f64>,
    start_time: Option<f64>,
    resident: Option<u64>,
    virtual_: Option<u64>,
    open_fds: Option<usize>,
    max_fds: Option<u64>,
}

pub(super) fn describe(text: &mut Text) {
    Process::read().describe(text);
}

impl Process {
    fn read() -> Self {
        let file = |path| fs::read_to_string(path).unwrap_or_default();
        Self {
            // The folder that is being read is one of them.
            open_fds: fs::read_dir("/proc/self/fd").ok().map(|files| files.count().saturating_sub(1)),
            ..Self::parse(
                &file("/proc/self/stat"),
                &file("/proc/self/status"),
                &file("/proc/self/limits"),
                &file("/proc/stat"),
            )
        }
    }

    fn parse(stat: &str, status: &str, limits: &str, system: &str) -> Self {
        // The name of the program stands in brackets, and may have any in it.
        let fields: Vec<&str> =
            stat.rsplit_once(')').map_or_else(Vec::new, |(_, rest)| rest.split_whitespace().collect());
        // As the manual numbers them; the first behind the brackets is the third.
        let seconds = |number: usize| Some(fields.get(number - 3)?.parse::<f64>().ok()? / TICKS);
        let boot = number_after(system, "btime").and_then(|text| text.parse::<f64>().ok());
        let bytes = |name| Some(number_after(status, name)?.parse::<u64>().ok()? * 1024);
        Self {
            cpu_seconds: seconds(14).zip(seconds(15)).map(|(user, system)| user + system),
            start_time: boot.zip(seconds(22)).map(|(boot, since)| boot + since),
            resident: bytes("VmRSS:"),
            virtual_: bytes("VmSize:"),
            open_fds: None,
            max_fds: number_after(limits, "Max open files").and_then(|text| text.parse().ok()),
        }
    }

    fn describe(&self, text: &mut Text) {
        let mut gauge = |name, help, value: Option<String>| {
            if let Some(value) = value {
                text.family(name, Form::Gauge, help).sample(&[], value);
            }
        };
        gauge("process_max_fds", "Maximum number of open file descriptors.", self.max_fds.map(|n| n.to_string()));
        gauge("process_open_fds", "Number of open file descriptors.", self.open_fds.map(|n| n.to_string()));
        gauge("process_resident_memory_bytes", "Resident memory size in bytes.", self.resident.map(|n| n.to_string()));
        let help = "Start time of the process since unix epoch in seconds.";
        gauge("process_start_time_seconds", help, self.start_time.map(|n| n.to_string()));
        gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", self.virtual_.map(|n| n.to_string()));
        if let Some(seconds) = self.cpu_seconds {
            let help = "Total user and system CPU time spent in seconds.";
            text.family("process_cpu_seconds_total", Form::Counter, help).sample(&[], seconds);
        }
    }
}

/// The word behind the first line's beginning that is `name`.
fn number_after<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_linux_says_is_read() {
        let stat = "7 (a) b) (c) S 1 7 7 0 -1 4194560 9 0 0 0 250 150 0 0 20 0 4 0 12345 1000 200 18446744073709551615";
        let status = "Name:\ta\nVmSize:\t   2048 kB\nVmRSS:\t    1024 kB\n";
        let limits =
            "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024                 4096   files\n";
        let process = Process::parse(stat, status, limits, "cpu 1 2 3\nbtime 1000000000\n");
        let expected = Process {
            cpu_seconds: Some(4.0),
            start_time: Some(1_000_000_123.45),
            resident: Some(1 << 20),
            virtual_: Some(2 << 20),
            open_fds: None,
            max_fds: Some(1024),
        };
        assert_eq!(process, expected);
    }

    #[test]
    fn what_is_not_told_is_left_out() {
        assert_eq!(Process::parse("", "", "Max open files  unlimited", "btime x"), Process::default());
        let mut text = Text::default();
        Process::default().describe(&mut text);
        assert_eq!(text.into_string(), "");
    }
}
