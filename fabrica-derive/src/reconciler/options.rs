//! The options of a reconciler.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::{LitStr, Path, Token};

use crate::args::{Arg, Args, Keys};
use crate::errors::Errors;
use crate::{duration, names};

const KEYS: Keys = Keys {
    all: &["finalize", "timeout", "concurrency", "backoff", "resync", "watches", "events", "name", "register", "crate"],
    repeatable: &[],
};
const BACKOFF: Keys = Keys { all: &["base", "max"], repeatable: &[] };

/// What stands in the parentheses of `#[reconciler(..)]`; durations in milliseconds.
pub struct Options {
    pub runtime: Path,
    pub register: bool,
    pub name: Option<String>,
    pub finalize: Option<Path>,
    pub timeout: Option<u64>,
    pub resync: Option<u64>,
    pub backoff: Option<(u64, u64)>,
    pub concurrency: Option<syn::LitInt>,
    pub watches: Vec<Watch>,
    pub events: Vec<String>,
}

/// Whose changes wake the reconciler, and the function that says which objects they wake.
pub struct Watch {
    pub kind: Path,
    pub mapping: Path,
}

impl Options {
    pub fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = Args::default();
        args.parse(tokens, &KEYS, errors);
        Self {
            runtime: args.runtime(errors),
            register: args.flag("register", true, errors),
            name: name(&args, errors),
            finalize: args.path("finalize", errors),
            timeout: millis(&args, "timeout", errors),
            resync: millis(&args, "resync", errors),
            backoff: args.get("backoff").and_then(|arg| backoff(arg, errors)),
            concurrency: args.get("concurrency").and_then(|arg| arg.positive(errors)),
            watches: args.get("watches").map(|arg| watches(arg, errors)).unwrap_or_default(),
            events: args.get("events").map(|arg| events(arg, errors)).unwrap_or_default(),
        }
    }
}

fn name(args: &Args, errors: &mut Errors) -> Option<String> {
    let name = args.string("name", errors)?;
    if name.value().trim().is_empty() {
        errors.on(&name, "a reconciler's name must not be empty");
    }
    Some(name.value())
}

fn millis(args: &Args, key: &str, errors: &mut Errors) -> Option<u64> {
    let text = args.string(key, errors)?;
    let millis = duration::parse(&text.value());
    if millis.is_none() {
        let text_value = text.value();
        errors.on(
            &text,
            format!("`{text_value}` is no duration longer than zero: write `250ms`, `30s`, `5m`, `1h30m` or the like"),
        );
    }
    millis
}

fn backoff(arg: &Arg, errors: &mut Errors) -> Option<(u64, u64)> {
    const EXAMPLE: &str = "backoff(base = \"1s\", max = \"5m\")";
    let mut args = Args::default();
    args.parse(arg.list(EXAMPLE, errors)?, &BACKOFF, errors);
    if !args.is_given("base") || !args.is_given("max") {
        errors.on(&arg.key, format!("a backoff needs both ends: `{EXAMPLE}`"));
    }
    let base = millis(&args, "base", errors);
    let max = millis(&args, "max", errors);
    let (base, max) = (base?, max?);
    if max < base {
        let place = args.get("max").map(ToTokens::to_token_stream).unwrap_or_default();
        errors.on(place, "the longest pause of a backoff must not be shorter than its first");
    }
    Some((base, max))
}

fn watches(arg: &Arg, errors: &mut Errors) -> Vec<Watch> {
    const EXAMPLE: &str = "watches(Kind = a_function)";
    let Some(tokens) = arg.list(EXAMPLE, errors) else { return Vec::new() };
    if tokens.is_empty() {
        errors.on(&arg.key, format!("`watches` names nothing: write `{EXAMPLE}`"));
    }
    let mut watches: Vec<Watch> = Vec::new();
    let parser = |input: ParseStream<'_>| {
        while !input.is_empty() {
            let kind: Path = input.parse()?;
            if !input.peek(Token![=]) {
                return Err(syn::Error::new_spanned(kind, format!("write `{EXAMPLE}`")));
            }
            input.parse::<Token![=]>()?;
            // A mapping stands where an expression does, so that its generic arguments need the turbofish.
            let mapping = input.call(Path::parse_mod_style).or_else(|_| input.parse())?;
            let text = kind.to_token_stream().to_string();
            if watches.iter().any(|watch| watch.kind.to_token_stream().to_string() == text) {
                errors.on(&kind, format!("`{text}` is watched twice"));
            }
            watches.push(Watch { kind, mapping });
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    };
    if let Err(error) = parser.parse2(tokens) {
        errors.add(error);
    }
    watches
}

fn events(arg: &Arg, errors: &mut Errors) -> Vec<String> {
    const EXAMPLE: &str = "events(\"io.example.device.**\")";
    let Some(tokens) = arg.list(EXAMPLE, errors) else { return Vec::new() };
    let parser = |input: ParseStream<'_>| input.parse_terminated(<LitStr as syn::parse::Parse>::parse, Token![,]);
    let Some(patterns) = errors.take(parser.parse2(tokens)) else { return Vec::new() };
    if patterns.is_empty() {
        errors.on(&arg.key, format!("`events` names nothing: write `{EXAMPLE}`"));
    }
    for pattern in &patterns {
        let text = pattern.value();
        if !names::is_event_pattern(&text) {
            errors.on(
                pattern,
                format!("`{text}` is no event pattern: segments stand between dots, `*` is one and `**` one or more"),
            );
        }
    }
    patterns.iter().map(LitStr::value).collect()
}
