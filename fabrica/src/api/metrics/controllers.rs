//! The numbers of the controllers and their queues.

use super::text::{Form, Label, Text};
use crate::controller::{ControllerStats, KindStats};
use crate::queue::{HistogramSnapshot, QueueTimes};

/// The priorities that controller-runtime gives what changes, and what it looks at only because it started.
const LIVE: &str = "0";
const BACKGROUND: &str = "-100";

pub(super) fn describe(stats: &ControllerStats, text: &mut Text) {
    reconciles(&stats.kinds, text);
    queues(&stats.kinds, text);
}

fn reconciles(kinds: &[KindStats], text: &mut Text) {
    let help = "Total number of reconciliations per controller";
    let mut total = text.family("controller_runtime_reconcile_total", Form::Counter, help);
    for kind in kinds {
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
    let counters: [(_, _, fn(&KindStats) -> u64); 4] = [
        ("controller_runtime_reconcile_errors_total", "Total number of reconciliation errors per controller", |kind| {
            kind.error
        }),
        (
            "controller_runtime_terminal_reconcile_errors_total",
            "Total number of terminal reconciliation errors per controller",
            |kind| kind.terminal_errors,
        ),
        ("controller_runtime_reconcile_panics_total", "Total number of reconciliation panics per controller", |kind| {
            kind.panics
        }),
        (
            "controller_runtime_reconcile_timeouts_total",
            "Total number of reconciliation timeouts per controller",
            |kind| kind.timeouts,
        ),
    ];
    for (name, help, value) in counters {
        let mut family = text.family(name, Form::Counter, help);
        kinds.iter().for_each(|kind| family.sample(&[("controller", &kind.controller)], value(kind)));
    }
    let help = "Length of time per reconciliation per controller";
    let mut time = text.family("controller_runtime_reconcile_time_seconds", Form::Histogram, help);
    kinds.iter().for_each(|kind| time.histogram(&[("controller", &kind.controller)], &kind.time));
    let gauges: [(_, _, fn(&KindStats) -> usize); 3] = [
        (
            "controller_runtime_max_concurrent_reconciles",
            "Maximum number of concurrent reconciles per controller",
            |kind| kind.max_concurrent,
        ),
        ("controller_runtime_active_workers", "Number of currently used workers per controller", |kind| {
            kind.queue.running
        }),
        ("fabrica_failing_objects", "Number of objects whose last reconciliation failed, per controller", |kind| {
            kind.failing
        }),
    ];
    for (name, help, value) in gauges {
        let mut family = text.family(name, Form::Gauge, help);
        kinds.iter().for_each(|kind| family.sample(&[("controller", &kind.controller)], value(kind)));
    }
}

fn queues(kinds: &[KindStats], text: &mut Text) {
    let help = "Current depth of workqueue by workqueue and priority";
    let mut depth = text.family("workqueue_depth", Form::Gauge, help);
    for kind in kinds {
        let [name, controller] = labels(kind);
        depth.sample(&[name, controller, ("priority", LIVE)], kind.queue.depth.live);
        depth.sample(&[name, controller, ("priority", BACKGROUND)], kind.queue.depth.background);
    }
    let help = "Total number of adds handled by workqueue";
    let mut adds = text.family("workqueue_adds_total", Form::Counter, help);
    kinds.iter().for_each(|kind| adds.sample(&labels(kind), kind.queue.adds));
    let help = "Total number of retries handled by workqueue";
    let mut retries = text.family("workqueue_retries_total", Form::Counter, help);
    kinds.iter().for_each(|kind| retries.sample(&labels(kind), kind.queue.retries));

    let timed = || kinds.iter().filter_map(|kind| Some((labels(kind), kind.queue.times.as_ref()?)));
    let histograms: [(_, _, fn(&QueueTimes) -> &HistogramSnapshot); 2] = [
        (
            "workqueue_queue_duration_seconds",
            "How long in seconds an item stays in workqueue before being requested",
            |times| &times.waited,
        ),
        ("workqueue_work_duration_seconds", "How long in seconds processing an item from workqueue takes.", |times| {
            &times.worked
        }),
    ];
    for (name, help, value) in histograms {
        let mut family = text.family(name, Form::Histogram, help);
        timed().for_each(|(labels, times)| family.histogram(&labels, value(times)));
    }
    let gauges: [(_, _, fn(&QueueTimes) -> std::time::Duration); 2] = [
        (
            "workqueue_unfinished_work_seconds",
            "How many seconds of work has been done that is in progress and hasn't been observed by work_duration. Large \
             values indicate stuck threads. One can deduce the number of stuck threads by observing the rate at which \
             this increases.",
            |times| times.unfinished,
        ),
        (
            "workqueue_longest_running_processor_seconds",
            "How many seconds has the longest running processor for workqueue been running.",
            |times| times.longest_running,
        ),
    ];
    for (name, help, value) in gauges {
        let mut family = text.family(name, Form::Gauge, help);
        timed().for_each(|(labels, times)| family.sample(&labels, value(times).as_secs_f64()));
    }
}

/// controller-runtime gives a queue the name of its controller, and both labels.
fn labels(kind: &KindStats) -> [Label<'_>; 2] {
    [("name", &kind.controller), ("controller", &kind.controller)]
}
