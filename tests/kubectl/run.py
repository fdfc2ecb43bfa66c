#!/usr/bin/env python3
"""Drives programs with a real kubectl, and compares what a person sees.

A scenario is a file in `scenarios/`: what somebody types, and what they see, as on a terminal. Its head says which program
runs, in lines of the form `# program: NAME ARGUMENTS`; other lines that begin with `#` are prose.

    $ kubectl get devices
    NAME   READY   POWER     RACK   AGE
    d1     True    Running   r1     <age>

A line that begins with `> ` goes on with the command before it. All commands of a scenario share one shell, in a folder of
their own with a copy of `manifests/`; the program is a new one for each scenario. The shell knows `$SERVER` (the address),
`$ROOT` (the checkout), and `await FILE TEXT [COUNT]`, which waits until so many lines of a file have the text: for what a
command in the background prints. In what is expected

    <age> <uid> <rv> <time> <name>  stand for what differs from run to run,
    <~ REGULAR EXPRESSION ~>        stands for whatever matches it,
    ...                             on a line of its own stands for any lines,
    [exit N]                        says that the command failed.

How wide a column is doesn't count: runs of spaces are compared as one. Nor does what kubectl logs of the watches that it
ends itself. `--bless` writes what was seen into the file, with
placeholders for what surely differs from run to run; read it before you commit it.

A text shows a session of a scenario below a line `<!-- scenario: NAME -->`: its commands are some of the scenario's, in
their order, and what it shows of them must fit what the scenario expects.
"""

import argparse
import concurrent.futures
import contextlib
import difflib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WORDS = {
    "<age>": r"(?=\d)(\d+d)?(\d+h)?(\d+m)?(\d+s)?",
    "<uid>": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "<rv>": r"\d+",
    "<time>": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z|\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}",
    "<name>": r"[a-z0-9.-]+",
}
PROGRAMS = {
    "lab": "target/debug/lab",
    "rack": "target/debug/examples/rack",
    "supervisor": "target/debug/examples/supervisor",
}
# What `--bless` puts in the place of what surely differs.
BLESSED = [
    (WORDS["<uid>"], "<uid>"),
    (WORDS["<time>"], "<time>"),
    (r"(resourceVersion\"?: )\"\d+\"", r'\1"<rv>"'),
    (r"(Resource Version: +)\d+", r"\1<rv>"),
    (r" (\d+m)?\d+s$", " <age>"),
    (r"^(\d+m)?\d+s ", "<age> "),
]
KUBECTLS_OWN_LOG = re.compile(r"[IWE]\d{4} \S+ +\d+ reflector\.go:")
PRELUDE = """
await() {
  local deadline=$((SECONDS + 20))
  until [ "$(grep -c -- "$2" "$1" 2>/dev/null)" -ge "${3:-1}" ]; do
    if [ "$SECONDS" -ge "$deadline" ]; then echo "await: no $2 in $1:"; cat "$1"; return 1; fi
    sleep 0.02
  done
}
"""
MARK = "-----scenario-step-----"
START_DEADLINE = 30
COMMAND_DEADLINE = 60


class Failure(Exception):
    pass


class Scenario:
    def __init__(self, path):
        self.path = path
        self.name = path.stem
        self.lines = path.read_text().splitlines()
        heads = [line.removeprefix("# program:").split() for line in self.lines if line.startswith("# program:")]
        if len(heads) != 1 or heads[0][0] not in PROGRAMS:
            raise Failure(f"{path.name}: needs one line `# program: NAME ARGUMENTS` of {', '.join(PROGRAMS)}")
        self.program, *self.arguments = heads[0]
        self.steps = self.read_steps()
        if not self.steps:
            raise Failure(f"{path.name}: has no command")

    def read_steps(self):
        """The commands: [first line, line after the command, line after its output, text]."""
        steps = []
        for number, line in enumerate(self.lines):
            if line.startswith("$ "):
                steps.append([number, number + 1, number + 1, line[2:]])
            elif steps and line.startswith("> ") and steps[-1][1] == number:
                steps[-1][1] = steps[-1][2] = number + 1
                steps[-1][3] += "\n" + line[2:]
            elif steps and not line.startswith("#"):
                if number == steps[-1][2]:
                    steps[-1][2] = number + 1
        return steps

    def expected(self, step):
        lines = self.lines[step[1]:step[2]]
        while lines and not lines[-1].strip():
            lines.pop()
        return lines


def pattern_of(line):
    parts = re.split(r"(<~ .*? ~>|<[a-z]+>|\s+)", line.rstrip())
    return "".join(
        part[3:-3].strip() if part.startswith("<~ ") else f"({WORDS[part]})" if part in WORDS
        else r"\s+" if part.isspace() else re.escape(part)
        for part in parts if part
    )


def blessed(line):
    for pattern, replacement in BLESSED:
        line = re.sub(pattern, replacement, line)
    return line.rstrip()


def matches(expected, seen):
    """Do the lines fit? `...` stands for any lines."""
    if not expected:
        return not seen
    if expected[0].strip() == "...":
        return any(matches(expected[1:], seen[skip:]) for skip in range(len(seen) + 1))
    return bool(seen) and re.fullmatch(pattern_of(expected[0]), seen[0].rstrip()) is not None and matches(expected[1:], seen[1:])


@contextlib.contextmanager
def running(scenario, folder):
    """The program of a scenario; its address."""
    log_path = folder / "program.log"
    with open(log_path, "w") as log:
        arguments = [str(ROOT / PROGRAMS[scenario.program]), "run", "--listen", "127.0.0.1:0", "--data", str(folder / "data")]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("FABRICA_")}
        process = subprocess.Popen(
            arguments + scenario.arguments, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=ROOT, env=environment
        )
    try:
        deadline = time.monotonic() + START_DEADLINE
        while True:
            found = re.search(r"served at (http://\S+)", log_path.read_text())
            if found:
                break
            if process.poll() is not None or time.monotonic() > deadline:
                raise Failure(f"the program doesn't serve:\n{log_path.read_text()}")
            time.sleep(0.02)
        yield found.group(1)
        if process.poll() is not None:
            raise Failure(f"the program ended with {process.returncode}:\n{log_path.read_text()}")
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Failure(f"the program doesn't stop:\n{log_path.read_text()}") from None


class Shell:
    """One shell for all commands of a scenario."""

    def __init__(self, folder, server, kubectl):
        home = folder / "home"
        work = folder / "work"
        tools = folder / "bin"
        for path in (home, tools):
            path.mkdir()
        shutil.copytree(HERE / "manifests", work)
        (tools / "kubectl").symlink_to(kubectl)
        (home / "config").write_text(
            "apiVersion: v1\nkind: Config\ncurrent-context: lab\n"
            f"clusters: [{{name: lab, cluster: {{server: '{server}'}}}}]\n"
            "contexts: [{name: lab, context: {cluster: lab, user: lab}}]\nusers: [{name: lab, user: {}}]\n"
        )
        environment = {
            "HOME": str(home), "KUBECONFIG": str(home / "config"), "PATH": f"{tools}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8",
            "SERVER": server, "ROOT": str(ROOT), "KUBECTL_KYAML": "false",
        }
        self.process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            cwd=work, env=environment, text=True, errors="replace", start_new_session=True,
        )
        self.process.stdin.write(PRELUDE)

    def run(self, command):
        self.process.stdin.write(f"{{ {command}\n}} </dev/null\nprintf '\\n{MARK} %d\\n' $?\n")
        self.process.stdin.flush()
        alarm = threading.Timer(COMMAND_DEADLINE, self.kill)
        alarm.start()
        seen = []
        try:
            for line in self.process.stdout:
                line = line.rstrip("\n")
                if line.startswith(MARK):
                    code = int(line.removeprefix(MARK))
                    # The mark begins on a line of its own.
                    if seen and seen[-1] == "":
                        seen.pop()
                    return seen + ([f"[exit {code}]"] if code else [])
                seen.append(line)
        finally:
            alarm.cancel()
        raise Failure(f"after {COMMAND_DEADLINE} s it had not ended: {command}\nuntil then:\n" + "\n".join(seen))

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


def play(scenario, kubectl, bless):
    """Plays a scenario; what went wrong, as lines."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"scenario-{scenario.name}-"))
    problems = []
    written = list(scenario.lines)
    try:
        with running(scenario, folder) as server:
            shell = Shell(folder, server, kubectl)
            try:
                seen_of = []
                for step in scenario.steps:
                    seen = [line.replace(server, "<server>").replace(str(ROOT), "<root>") for line in shell.run(step[3])
                            if not KUBECTLS_OWN_LOG.match(line)]
                    while seen and not seen[-1].strip():
                        seen.pop()
                    seen_of.append(seen)
                    expected = scenario.expected(step)
                    if matches(expected, seen):
                        continue
                    difference = difflib.unified_diff(expected, seen, "expected", "seen", lineterm="", n=9)
                    problems.append(f"$ {step[3]}\n" + "\n".join(difference))
                    if not bless:
                        break
                if bless:
                    for step, seen in reversed(list(zip(scenario.steps, seen_of))):
                        if not matches(scenario.expected(step), seen):
                            blank = [""] if step is not scenario.steps[-1] else []
                            written[step[1]:step[2]] = [blessed(line) for line in seen] + blank
                    scenario.path.write_text("\n".join(written) + "\n")
            finally:
                shell.kill()
        if problems and not bless:
            problems.append("the program's log:\n" + (folder / "program.log").read_text()[-3000:])
    except Failure as failure:
        problems.append(str(failure))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return problems


def check_text(path, scenarios):
    """Do the sessions that a text shows go as the scenarios do? What is wrong, as lines."""
    problems = []
    for name, block in re.findall(r"<!-- scenario: (\S+) -->\n+```console\n(.*?)```", path.read_text(), re.DOTALL):
        if name not in scenarios:
            problems.append(f"{path.name} names the scenario {name}: there is none")
            continue
        scenario = scenarios[name]
        steps = iter(scenario.steps)
        for shown in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *seen = [line for line in shown.split("\n") if line.strip()]
            step = next((step for step in steps if step[3] == command), None)
            if step is None:
                problems.append(f"{path.name}: `{command}` is no command of {name}, or is out of order there")
                break
            expected = [line for line in scenario.expected(step) if line.strip() and not line.startswith("[exit ")]
            if not matches(expected, seen):
                problems.append(f"{path.name}: what it shows of `{command}` is not what {name} expects")
    return problems


def main():
    parser = argparse.ArgumentParser(description="Plays the kubectl scenarios")
    parser.add_argument("names", nargs="*", help="scenarios to play; all by default")
    parser.add_argument("--kubectl", default=shutil.which("kubectl"), help="the kubectl to use")
    parser.add_argument("--bless", action="store_true", help="write what was seen into the scenarios")
    parser.add_argument("--jobs", type=int, default=2, help="how many are played at once")
    options = parser.parse_args()
    if not options.kubectl:
        sys.exit("there is no kubectl: name one with --kubectl")
    kubectl = pathlib.Path(options.kubectl).resolve()
    try:
        scenarios = [Scenario(path) for path in sorted((HERE / "scenarios").glob("*.console"))]
    except Failure as failure:
        sys.exit(str(failure))
    unknown = set(options.names) - {scenario.name for scenario in scenarios}
    if unknown:
        sys.exit(f"there is no scenario {', '.join(sorted(unknown))}")
    scenarios = [scenario for scenario in scenarios if not options.names or scenario.name in options.names]
    started = time.monotonic()
    by_name = {scenario.name: scenario for scenario in scenarios}
    texts = [] if options.names else [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    drifted = [problem for path in texts for problem in check_text(path, by_name)]
    print("\n".join(drifted), end="\n" if drifted else "")
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        played = pool.map(lambda scenario: (scenario, play(scenario, kubectl, options.bless)), scenarios)
        for scenario, problems in played:
            if problems:
                failed += 1
                print(f"==== {scenario.name}\n" + "\n".join(problems) + "\n", flush=True)
    version = subprocess.run([kubectl, "version", "--client"], capture_output=True, text=True, check=True).stdout.split("\n")[0]
    took = time.monotonic() - started
    print(f"{len(scenarios) - failed} of {len(scenarios)} scenarios went as written, in {took:.0f} s ({version})")
    sys.exit(1 if failed or drifted else 0)


if __name__ == "__main__":
    main()
