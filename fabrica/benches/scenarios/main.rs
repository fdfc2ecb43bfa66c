//! The scenarios of the performance bars, each in a process of its own so that its memory can be told:
//!
//! ```text
//! cargo bench --bench scenarios -- NAME [--objects N] [--workers W] [--json]
//! ```

#[cfg(feature = "api")]
mod api;
mod bus;
mod create;
mod durable;
mod gc;
mod memory;
mod noop;
mod queue;
mod readwrite;
mod report;
mod restart;
mod things;
mod timers;

use std::process::ExitCode;

use report::Outcome;

/// What a scenario is asked for.
struct Options {
    objects: usize,
    workers: usize,
}

/// To add one: a file beside this one, and a row in [`SCENARIOS`].
struct Scenario {
    name: &'static str,
    about: &'static str,
    objects: usize,
    run: fn(&Options) -> Outcome,
}

const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "queue",
        about: "1 producer, W workers, N distinct keys: add to done",
        objects: 1_000_000,
        run: queue::run,
    },
    Scenario { name: "timers", about: "N distinct keys added for 1 h later", objects: 1_000_000, run: timers::run },
    Scenario { name: "noop", about: "N existing objects: start to all reconciled", objects: 100_000, run: noop::run },
    Scenario { name: "create", about: "N creates: first to all reconciled", objects: 100_000, run: create::run },
    Scenario {
        name: "readwrite",
        about: "each reconcile reads another object and writes its status",
        objects: 100_000,
        run: readwrite::run,
    },
    Scenario {
        name: "bus",
        about: "N events to 1,000 patterns: publish to delivered",
        objects: 100_000,
        run: bus::run,
    },
    Scenario { name: "gc", about: "an owner of N children is deleted: to all gone", objects: 10_000, run: gc::run },
    Scenario {
        name: "durable",
        about: "N objects of 1.2 KiB created by 64 writers on the embedded store, beside a raw append",
        objects: 100_000,
        run: durable::run,
    },
    Scenario {
        name: "restart",
        about: "a file of N objects of 1.2 KiB: opened to all reconciled",
        objects: 100_000,
        run: restart::run,
    },
    Scenario {
        name: "memory",
        about: "resident bytes for each object of 1.2 KiB, and what of them is not the object",
        objects: 100_000,
        run: memory::run,
    },
    #[cfg(feature = "api")]
    Scenario {
        name: "api",
        about: "N creates by 16 clients over HTTP, durable; and what lists, watches and a start take",
        objects: 20_000,
        run: api::run,
    },
];

fn main() -> ExitCode {
    #[cfg(feature = "api")]
    if let [_, command, folder] = std::env::args().collect::<Vec<_>>().as_slice()
        && command == api::SERVE
    {
        api::serve(folder.as_ref());
        return ExitCode::SUCCESS;
    }
    match parse(std::env::args().skip(1)) {
        Ok((scenario, options, json)) => {
            let outcome = (scenario.run)(&options);
            report::print(scenario.name, &options, &outcome, json);
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("{message}");
            for Scenario { name, about, objects, .. } in SCENARIOS {
                eprintln!("  {name:<12} {about} (N = {objects})");
            }
            ExitCode::FAILURE
        }
    }
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<(&'static Scenario, Options, bool), String> {
    let (mut name, mut objects, mut workers, mut json) = (None, None, 5, false);
    let number = |flag: &str, value: Option<String>| {
        value.and_then(|value| value.replace('_', "").parse::<usize>().ok()).ok_or(format!("{flag} wants a number"))
    };
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--objects" => objects = Some(number("--objects", args.next())?),
            "--workers" => workers = number("--workers", args.next())?.max(1),
            "--json" => json = true,
            // Cargo passes it to every bench.
            "--bench" => {}
            _ => name = Some(arg),
        }
    }
    let name = name.ok_or("usage: cargo bench --bench scenarios -- NAME [--objects N] [--workers W] [--json]")?;
    let scenario = SCENARIOS.iter().find(|scenario| scenario.name == name);
    let scenario = scenario.ok_or(format!("there is no scenario {name:?}; these are:"))?;
    Ok((scenario, Options { objects: objects.unwrap_or(scenario.objects), workers }, json))
}
