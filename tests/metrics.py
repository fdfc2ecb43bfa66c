#!/usr/bin/env python3
"""Reads what a program shows at /metrics with the parser of Prometheus' Python library, and holds it against what was done.

The program is `lab` of this folder; build it before.
"""

import contextlib
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "target/debug/lab"
FORMAT = "text/plain; version=0.0.4; charset=utf-8"
DEADLINE = 60
DEVICES = "/apis/lab.example.io/v1/devices"
TYPES = {
    "apiserver_current_inflight_requests": "gauge",
    "apiserver_longrunning_requests": "gauge",
    "apiserver_request_duration_seconds": "histogram",
    "apiserver_request": "counter",
    "apiserver_storage_objects": "gauge",
    "controller_runtime_active_workers": "gauge",
    "controller_runtime_max_concurrent_reconciles": "gauge",
    "controller_runtime_reconcile_errors": "counter",
    "controller_runtime_reconcile_panics": "counter",
    "controller_runtime_reconcile_time_seconds": "histogram",
    "controller_runtime_reconcile_timeouts": "counter",
    "controller_runtime_reconcile": "counter",
    "controller_runtime_terminal_reconcile_errors": "counter",
    "fabrica_failing_objects": "gauge",
    "fabrica_recorded_events": "counter",
    "fabrica_store_revision": "gauge",
    "workqueue_adds": "counter",
    "workqueue_depth": "gauge",
    "workqueue_longest_running_processor_seconds": "gauge",
    "workqueue_queue_duration_seconds": "histogram",
    "workqueue_retries": "counter",
    "workqueue_unfinished_work_seconds": "gauge",
    "workqueue_work_duration_seconds": "histogram",
}
OF_THE_PROCESS = {
    "process_cpu_seconds": "counter",
    "process_max_fds": "gauge",
    "process_open_fds": "gauge",
    "process_resident_memory_bytes": "gauge",
    "process_start_time_seconds": "gauge",
    "process_virtual_memory_bytes": "gauge",
}
MANIFESTS = """
apiVersion: lab.example.io/v1
kind: Device
metadata: { name: good }
spec: { desired: running }
---
apiVersion: lab.example.io/v1
kind: Device
metadata: { name: bad }
spec: { desired: running, note: broken }
"""
failures = []


def check(holds, what):
    if not holds:
        failures.append(what)
        print(f"FAILED: {what}", file=sys.stderr)


@contextlib.contextmanager
def running(folder, manifests):
    """The program; its address."""
    log_path = folder / "program.log"
    with open(log_path, "w") as log:
        arguments = [PROGRAM, "run", "--listen", "127.0.0.1:0", "--data", folder / "data", "--apply", manifests]
        process = subprocess.Popen(arguments, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=ROOT)
    try:
        deadline = time.monotonic() + DEADLINE
        while not (found := re.search(r"served at (http://\S+)", log_path.read_text())):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"the program doesn't serve:\n{log_path.read_text()}")
            time.sleep(0.02)
        yield found.group(1)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(DEADLINE)


def ask(server, path):
    """The answer's code."""
    try:
        with urllib.request.urlopen(server + path, timeout=DEADLINE) as answer:
            answer.read()
            return answer.status
    except urllib.error.HTTPError as error:
        error.read()
        return error.code


class Metrics:
    """What one look at /metrics shows."""

    def __init__(self, server):
        with urllib.request.urlopen(f"{server}/metrics", timeout=DEADLINE) as answer:
            check(answer.headers["Content-Type"] == FORMAT, f"the content type is {answer.headers['Content-Type']}")
            self.text = answer.read().decode()
        self.families = list(text_string_to_metric_families(self.text))
        self.samples = [sample for family in self.families for sample in family.samples]

    def value(self, name, /, **labels):
        """The sum of the samples with these labels; None if there is none."""
        found = [s.value for s in self.samples if s.name == name and labels.items() <= s.labels.items()]
        return sum(found) if found else None

    def check_form(self):
        types = TYPES | (OF_THE_PROCESS if sys.platform == "linux" else {})
        check({family.name: family.type for family in self.families} == types, f"names and types are\n{self.text}")
        check(all(family.documentation for family in self.families), "a family has no help")
        names = [family.name for family in self.families]
        check(len(names) == len(set(names)), "a family stands in two places")
        series = [(sample.name, tuple(sorted(sample.labels.items()))) for sample in self.samples]
        check(len(series) == len(set(series)), "a series stands there twice")
        for family in self.families:
            if family.type == "histogram":
                check_histogram(family)


def check_histogram(family):
    series = {}
    for sample in family.samples:
        labels = tuple(sorted((name, value) for name, value in sample.labels.items() if name != "le"))
        one = series.setdefault(labels, {"buckets": []})
        if sample.name.endswith("_bucket"):
            one["buckets"].append((float(sample.labels["le"]), sample.value))
        else:
            one[sample.name.removeprefix(family.name)] = sample.value
    for labels, one in series.items():
        bounds, counts = zip(*one["buckets"])
        what = f"{family.name}{dict(labels)}: {one}"
        check(list(bounds) == sorted(set(bounds)) and bounds[-1] == float("inf"), f"the bounds don't rise: {what}")
        check(list(counts) == sorted(counts), f"a bucket has less than a shorter one: {what}")
        check(counts[-1] == one["_count"], f"the last bucket is not all: {what}")
        check((one["_sum"] > 0) == (one["_count"] > 0), f"the sum doesn't fit: {what}")


def until(server, what, holds):
    deadline = time.monotonic() + DEADLINE
    while not holds(metrics := Metrics(server)):
        if time.monotonic() > deadline:
            check(False, f"{what}; at last:\n{metrics.text}")
            break
        time.sleep(0.05)
    return metrics


def main():
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        manifests = folder / "manifests"
        manifests.mkdir()
        server = stack.enter_context(running(folder, manifests))
        codes = [ask(server, DEVICES) for _ in range(3)]
        check(codes == [200] * 3, f"lists were answered with {codes}")
        for path in ("/apis/made.up/v1/things", "/apis/made%22up/v1/things", "/made-up-1", "/made-up-2", f"{DEVICES}/nobody"):
            code = ask(server, path)
            check(code == 404, f"{path} was answered with {code}")
        watch = urllib.request.urlopen(f"{server}{DEVICES}?watch=true&timeoutSeconds=600", timeout=DEADLINE)
        lists = {"verb": "LIST", "resource": "devices", "group": "lab.example.io", "version": "v1", "subresource": ""}
        metrics = until(server, "not all requests count", lambda m: m.value("apiserver_request_total", **lists) == 3)
        metrics.check_form()
        for name, labels, expected in [
            ("apiserver_request_total", lists | {"code": "200"}, 3),
            ("apiserver_request_duration_seconds_count", lists, 3),
            ("apiserver_request_total", {"verb": "GET", "resource": "devices", "code": "404"}, 1),
            ("apiserver_request_total", {"resource": "unknown"}, 2),
            ("apiserver_request_total", {"resource": "", "subresource": "unknown"}, 2),
            ("apiserver_request_total", {"verb": "WATCH"}, None),
            ("apiserver_longrunning_requests", {"verb": "WATCH", "resource": "devices"}, 1),
            ("apiserver_current_inflight_requests", {"request_kind": "mutating"}, 0),
            ("apiserver_storage_objects", {"resource": "devices.lab.example.io"}, 0),
            ("controller_runtime_reconcile_errors_total", {"controller": "device"}, 0),
            ("fabrica_failing_objects", {"controller": "device"}, 0),
            ("workqueue_depth", {"name": "device", "controller": "device"}, 0),
            ("workqueue_unfinished_work_seconds", {"name": "device"}, 0),
        ]:
            value = metrics.value(name, **labels)
            check(value == expected, f"{name}{labels} is {value}, not {expected}")
        check("made" not in metrics.text, "a client's words stand in a label")
        check(metrics.value("process_start_time_seconds") <= time.time(), "the program starts in the future")
        check(metrics.value("process_resident_memory_bytes") > 1 << 20, "the program takes no memory")

        watch.close()
        metrics = until(server, "the watch doesn't end", lambda m: m.value("apiserver_longrunning_requests") == 0)
        check(metrics.value("apiserver_request_total", verb="WATCH", code="200") == 1, "a watch that ended doesn't count")

        revision = metrics.value("fabrica_store_revision")
        (manifests / "devices.yaml").write_text(MANIFESTS)
        ran = {"controller": "device", "result": "error"}
        metrics = until(server, "nothing fails", lambda m: m.value("controller_runtime_reconcile_total", **ran) == 1)
        metrics = until(server, "no run goes well", lambda m: m.value("workqueue_work_duration_seconds_count", name="device") > 1)
        metrics.check_form()
        check(metrics.value("fabrica_store_revision") > revision, "the revision doesn't rise")
        for name, labels, expected in [
            ("apiserver_storage_objects", {"resource": "devices.lab.example.io"}, 2),
            ("controller_runtime_reconcile_errors_total", {"controller": "device"}, 1),
            ("controller_runtime_terminal_reconcile_errors_total", {"controller": "device"}, 1),
            ("controller_runtime_reconcile_panics_total", {"controller": "device"}, 0),
            ("controller_runtime_max_concurrent_reconciles", {"controller": "device"}, 16),
            ("fabrica_failing_objects", {"controller": "device"}, 1),
            ("workqueue_retries_total", {"name": "device"}, 0),
        ]:
            value = metrics.value(name, **labels)
            check(value == expected, f"after the runs {name}{labels} is {value}, not {expected}")
        runs = metrics.value("controller_runtime_reconcile_total", controller="device")
        timed = metrics.value("controller_runtime_reconcile_time_seconds_count", controller="device")
        check(runs == timed, f"{runs} runs count, and the time of {timed}")
        adds = metrics.value("workqueue_adds_total", name="device")
        check(adds >= runs, f"{adds} adds led to {runs} runs")


main()
if failures:
    sys.exit(f"{len(failures)} failed")
print("ok")
