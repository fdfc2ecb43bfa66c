//! The text format of Prometheus, version 0.0.4.

use std::fmt::{Display, Write as _};
use std::time::Duration;

use crate::queue::HistogramSnapshot;

/// How the values of a family are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Counter,
    Gauge,
    Histogram,
}

/// A document that is being written.
#[derive(Debug, Default)]
pub(super) struct Text(String);

/// A label and its value.
pub(super) type Label<'a> = (&'a str, &'a str);

impl Text {
    /// Begins a family. All its samples come next; without one it is left out.
    pub(super) fn family<'a>(&'a mut self, name: &'a str, form: Form, help: &'a str) -> Family<'a> {
        Family { text: &mut self.0, name, form, help, begun: false }
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }
}

/// The samples of one name.
pub(super) struct Family<'a> {
    text: &'a mut String,
    name: &'a str,
    form: Form,
    help: &'a str,
    begun: bool,
}

impl Family<'_> {
    /// A number, under labels that no other sample of the family has.
    pub(super) fn sample(&mut self, labels: &[Label<'_>], value: impl Display) {
        self.begin();
        self.line("", labels, None, value);
    }

    /// A distribution, as a counter for each bucket with all shorter ones in it, their sum and their number.
    pub(super) fn histogram(&mut self, labels: &[Label<'_>], seen: &HistogramSnapshot) {
        self.begin();
        let mut total = 0;
        for (bound, count) in seen.bounds.iter().zip(&seen.counts) {
            total += count;
            self.line("_bucket", labels, Some(&seconds(*bound)), total);
        }
        let count = seen.count();
        self.line("_bucket", labels, Some("+Inf"), count);
        self.line("_sum", labels, None, seen.sum.as_secs_f64());
        self.line("_count", labels, None, count);
    }

    fn begin(&mut self) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        let form = match self.form {
            Form::Counter => "counter",
            Form::Gauge => "gauge",
            Form::Histogram => "histogram",
        };
        let help = self.help.replace('\\', "\\\\").replace('\n', "\\n");
        let name = self.name;
        self.write(format_args!("# HELP {name} {help}\n# TYPE {name} {form}\n"));
    }

    fn line(&mut self, suffix: &str, labels: &[Label<'_>], bound: Option<&str>, value: impl Display) {
        let name = self.name;
        self.write(format_args!("{name}{suffix}"));
        let labels = labels.iter().copied().chain(bound.map(|bound| ("le", bound)));
        let mut opening = '{';
        for (name, value) in labels {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            self.write(format_args!("{opening}{name}=\"{value}\""));
            opening = ',';
        }
        let closing = if opening == ',' { "}" } else { "" };
        self.write(format_args!("{closing} {value}\n"));
    }

    fn write(&mut self, part: std::fmt::Arguments<'_>) {
        // A string takes whatever is written.
        let _ = self.text.write_fmt(part);
    }
}

/// A bound in seconds, as Go's libraries write it: dashboards ask for it by this text.
fn seconds(bound: Duration) -> String {
    let seconds = bound.as_secs_f64();
    if seconds == 0.0 || seconds >= 1e-4 {
        return seconds.to_string();
    }
    let text = format!("{seconds:e}");
    match text.split_once("e-") {
        Some((digits, exponent)) => format!("{digits}e-{exponent:0>2}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::{Form, Text, seconds};
    use crate::queue::Histogram;
    use std::time::Duration;

    #[test]
    fn the_values_of_labels_and_the_help_are_escaped() {
        let mut text = Text::default();
        let mut family = text.family("things", Form::Gauge, "Of a \\ kind,\nor two.");
        family.sample(&[("name", "a\"b\\c\nd"), ("other", "é")], 7);
        family.sample(&[], 0.5);
        let expected = "# HELP things Of a \\\\ kind,\\nor two.\n# TYPE things gauge\n\
            things{name=\"a\\\"b\\\\c\\nd\",other=\"é\"} 7\nthings 0.5\n";
        assert_eq!(text.into_string(), expected);
    }

    #[test]
    fn a_family_without_samples_is_left_out() {
        let mut text = Text::default();
        text.family("things", Form::Counter, "None.");
        assert_eq!(text.into_string(), "");
    }

    #[test]
    fn each_bucket_has_the_shorter_ones_in_it() {
        const BOUNDS: &[Duration] = &[Duration::from_millis(5), Duration::from_secs(1)];
        let histogram = Histogram::new(BOUNDS);
        for millis in [1, 2, 1000, 1500] {
            histogram.observe(Duration::from_millis(millis));
        }
        let mut text = Text::default();
        text.family("took", Form::Histogram, "Time.").histogram(&[("a", "b")], &histogram.snapshot());
        let expected = "# HELP took Time.\n# TYPE took histogram\n\
            took_bucket{a=\"b\",le=\"0.005\"} 2\ntook_bucket{a=\"b\",le=\"1\"} 3\ntook_bucket{a=\"b\",le=\"+Inf\"} 4\n\
            took_sum{a=\"b\"} 2.503\ntook_count{a=\"b\"} 4\n";
        assert_eq!(text.into_string(), expected);
    }

    #[test]
    fn bounds_are_written_as_go_writes_them() {
        let bounds = [(10, "1e-08"), (100, "1e-07"), (10_000, "1e-05"), (100_000, "0.0001"), (25_000_000, "0.025")];
        for (nanos, text) in bounds {
            assert_eq!(seconds(Duration::from_nanos(nanos)), text);
        }
        assert_eq!((seconds(Duration::from_secs(1)), seconds(Duration::from_secs(1000))), ("1".into(), "1000".into()));
    }
}
