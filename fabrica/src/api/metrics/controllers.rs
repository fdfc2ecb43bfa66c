//! The numbers of the controllers and their queues.

use std::fmt::Display;

use super::text::{Form, Label, Text};
use crate::controller::{ControllerStats, KindStats};
use crate::queue::{HistogramSnapshot, QueueTimes};

/// The priorities that controller-runtime gives what changes, and what it looks at only because it started.
const LIVE: &str = "0";
const BACKGROUND: &str = "-100";

pub(super) fn describe(stats: &ControllerStats, text: &mut Text) {
    let mut writer = Writer { kinds: &stats.kinds, text };
    writer.reconciles();
    writer.queues();
    writer.times();
}

struct Writer<'a> {
    kinds: &'a [KindStats],
    text: &'a mut Text,
}

impl Writer<'_> {
    fn reconciles(&mut self) {
        let help = "Total number of reconciliations per controller";
        let mut total = self.text.family("controller_runtime_reconcile_total", Form::Counter, help);
        for kind in self.kinds {
            let results = [
                ("error", kind.error),
                ("requeue", kind.requeue),
                ("requeue_after", kind.requeue_after),
                ("success", kind.success),
            ];
            for (result, count) in results {
                total.sample(&[("controller", &kind.controller), ("result", result)], count);
            }
        }
        let help = "Total number of reconciliation errors per controller";
        self.of_each("controller_runtime_reconcile_errors_total", Form::Counter, help, |kind| kind.error);
        let help = "Total number of terminal reconciliation errors per controller";
        let name = "controller_runtime_terminal_reconcile_errors_total";
        self.of_each(name, Form::Counter, help, |kind| kind.terminal_errors);
        let help = "Total number of reconciliation panics per controller";
        self.of_each("controller_runtime_reconcile_panics_total", Form::Counter, help, |kind| kind.panics);
        let help = "Total number of reconciliation timeouts per controller";
        self.of_each("controller_runtime_reconcile_timeouts_total", Form::Counter, help, |kind| kind.timeouts);
        let help = "Length of time per reconciliation per controller";
        let mut time = self.text.family("controller_runtime_reconcile_time_seconds", Form::Histogram, help);
        for kind in self.kinds {
            time.histogram(&[("controller", &kind.controller)], &kind.time);
        }
        let help = "Maximum number of concurrent reconciles per controller";
        let name = "controller_runtime_max_concurrent_reconciles";
        self.of_each(name, Form::Gauge, help, |kind| kind.max_concurrent);
        let help = "Number of currently used workers per controller";
        self.of_each("controller_runtime_active_workers", Form::Gauge, help, |kind| kind.queue.running);
        let help = "Number of objects whose last reconciliation failed, per controller";
        self.of_each("fabrica_failing_objects", Form::Gauge, help, |kind| kind.failing);
    }

    fn of_each<N: Display>(&mut self, name: &str, form: Form, help: &str, number: impl Fn(&KindStats) -> N) {
        let mut family = self.text.family(name, form, help);
        for kind in self.kinds {
            family.sample(&[("controller", &kind.controller)], number(kind));
        }
    }

    fn queues(&mut self) {
        let help = "Current depth of workqueue by workqueue and priority";
        let mut depth = self.text.family("workqueue_depth", Form::Gauge, help);
        for kind in self.kinds {
            let [name, controller] = labels(kind);
            depth.sample(&[name, controller, ("priority", LIVE)], kind.queue.depth.live);
            depth.sample(&[name, controller, ("priority", BACKGROUND)], kind.queue.depth.background);
        }
        let help = "Total number of adds handled by workqueue";
        let mut adds = self.text.family("workqueue_adds_total", Form::Counter, help);
        for kind in self.kinds {
            adds.sample(&labels(kind), kind.queue.adds);
        }
        let help = "Total number of retries handled by workqueue";
        let mut retries = self.text.family("workqueue_retries_total", Form::Counter, help);
        for kind in self.kinds {
            retries.sample(&labels(kind), kind.queue.retries);
        }
    }

    fn times(&mut self) {
        let help = "How long in seconds an item stays in workqueue before being requested";
        self.durations("workqueue_queue_duration_seconds", help, |times| &times.waited);
        let help = "How long in seconds processing an item from workqueue takes.";
        self.durations("workqueue_work_duration_seconds", help, |times| &times.worked);
        let help = "How many seconds of work has been done that is in progress and hasn't been observed by work_duration. \
            Large values indicate stuck threads. One can deduce the number of stuck threads by observing the rate at \
            which this increases.";
        let mut unfinished = self.text.family("workqueue_unfinished_work_seconds", Form::Gauge, help);
        for (labels, times) in timed(self.kinds) {
            unfinished.sample(&labels, times.unfinished.as_secs_f64());
        }
        let help = "How many seconds has the longest running processor for workqueue been running.";
        let mut longest = self.text.family("workqueue_longest_running_processor_seconds", Form::Gauge, help);
        for (labels, times) in timed(self.kinds) {
            longest.sample(&labels, times.longest_running.as_secs_f64());
        }
    }

    fn durations(&mut self, name: &str, help: &str, seen: impl Fn(&QueueTimes) -> &HistogramSnapshot) {
        let mut family = self.text.family(name, Form::Histogram, help);
        for (labels, times) in timed(self.kinds) {
            family.histogram(&labels, seen(times));
        }
    }
}

/// The queues that measure time.
fn timed(kinds: &[KindStats]) -> impl Iterator<Item = ([Label<'_>; 2], &QueueTimes)> {
    kinds.iter().filter_map(|kind| Some((labels(kind), kind.queue.times.as_ref()?)))
}

/// controller-runtime gives a queue the name of its controller, and both labels.
fn labels(kind: &KindStats) -> [Label<'_>; 2] {
    [("name", &kind.controller), ("controller", &kind.controller)]
}
