//! The grammar that both macros share: `key`, `key = value` and `key(..)`, separated by commas.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, Ident, Lit, LitBool, LitInt, LitStr, Path, Token, token};

use crate::errors::Errors;
use crate::names;

/// The keys of one list, and which of them may be given several times.
pub struct Keys {
    pub all: &'static [&'static str],
    pub repeatable: &'static [&'static str],
}

/// The arguments of one list, in the order they were written.
#[derive(Default)]
pub struct Args {
    list: Vec<Arg>,
    /// Keys that the user meant to give, even where the argument was not understood: no "is missing" follows for them.
    meant: Vec<String>,
}

pub struct Arg {
    pub key: Ident,
    pub value: Value,
}

pub enum Value {
    Flag,
    Assign(Box<Expr>),
    List(TokenStream),
}

/// A name that was written as an identifier or as a string.
pub struct Name {
    pub text: String,
    pub span: Span,
}

impl Args {
    /// Reads one list and adds it to what is there already.
    pub fn parse(&mut self, tokens: TokenStream, keys: &Keys, errors: &mut Errors) {
        let parser = |input: ParseStream<'_>| {
            while !input.is_empty() {
                self.parse_one(input, keys, errors);
            }
            Ok(())
        };
        if let Err(error) = parser.parse2(tokens) {
            errors.add(error);
        }
    }

    fn parse_one(&mut self, input: ParseStream<'_>, keys: &Keys, errors: &mut Errors) {
        let Ok(key) = input.call(Ident::parse_any) else {
            errors.at(input.span(), format!("expected one of {}", names::list(keys.all)));
            return skip(input);
        };
        let name = key.unraw().to_string();
        let value = if input.peek(Token![=]) {
            parse_assigned(input).map(|expr| Value::Assign(Box::new(expr)))
        } else if input.peek(token::Paren) {
            parse_list(input).map(Value::List)
        } else {
            Ok(Value::Flag)
        };
        let understood = match value {
            Ok(value) => {
                if !input.is_empty()
                    && let Err(error) = input.parse::<Token![,]>()
                {
                    errors.add(error);
                }
                Some(value)
            }
            Err(error) => {
                errors.add(error);
                skip(input);
                None
            }
        };
        if !keys.all.contains(&name.as_str()) {
            let nearest = names::nearest(&name, keys.all);
            errors.at(key.span(), unknown(&name, nearest, keys.all));
            self.meant.extend(nearest.map(str::to_owned));
        } else if self.is_given(&name) && !keys.repeatable.contains(&name.as_str()) {
            errors.at(key.span(), format!("`{name}` is given twice"));
        } else {
            self.meant.push(name);
            self.list.extend(understood.map(|value| Arg { key, value }));
        }
    }

    /// Whether the user gave this key, rightly or wrongly.
    pub fn is_given(&self, key: &str) -> bool {
        self.meant.iter().any(|meant| meant == key)
    }

    pub fn get(&self, key: &str) -> Option<&Arg> {
        self.list.iter().find(|arg| arg.key.unraw() == key)
    }

    pub fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a Arg> {
        self.list.iter().filter(move |arg| arg.key.unraw() == key)
    }

    /// The string of `key = ".."`, if it is there.
    pub fn string(&self, key: &str, errors: &mut Errors) -> Option<LitStr> {
        self.get(key)?.string(errors)
    }

    /// `key`, `key = true` or `key = false`; `default` if it is not there.
    pub fn flag(&self, key: &str, default: bool, errors: &mut Errors) -> bool {
        let Some(arg) = self.get(key) else { return default };
        match &arg.value {
            Value::Flag => return true,
            Value::Assign(expr) => {
                if let Some(Lit::Bool(LitBool { value, .. })) = literal(expr) {
                    return *value;
                }
            }
            Value::List(_) => {}
        }
        errors.on(arg, format!("write `{key} = true` or `{key} = false`"));
        default
    }

    /// The path of `key = some::path`, if it is there.
    pub fn path(&self, key: &str, errors: &mut Errors) -> Option<Path> {
        let arg = self.get(key)?;
        let Value::Assign(expr) = &arg.value else {
            errors.on(arg, format!("write `{key} = some::path`"));
            return None;
        };
        match &**expr {
            Expr::Path(path) if path.qself.is_none() && path.attrs.is_empty() => Some(path.path.clone()),
            other => {
                errors.on(other, format!("expected a path: `{key} = some::path`"));
                None
            }
        }
    }

    /// The path of the runtime.
    pub fn runtime(&self, errors: &mut Errors) -> Path {
        self.path("crate", errors).unwrap_or_else(|| syn::parse_quote!(::fabrica))
    }
}

impl Arg {
    /// The string of `key = ".."`.
    pub fn string(&self, errors: &mut Errors) -> Option<LitStr> {
        if let Value::Assign(expr) = &self.value {
            if let Some(Lit::Str(text)) = literal(expr) {
                return Some(text.clone());
            }
            errors.on(expr, format!("expected a string: `{} = \"..\"`", self.key.unraw()));
        } else {
            errors.on(self, format!("write `{} = \"..\"`", self.key.unraw()));
        }
        None
    }

    /// The whole number of `key = 8`, which must not be zero.
    pub fn positive(&self, errors: &mut Errors) -> Option<LitInt> {
        let key = self.key.unraw();
        match &self.value {
            Value::Assign(expr) => {
                if let Some(Lit::Int(number)) = literal(expr)
                    && number.suffix().is_empty()
                    && number.base10_parse::<u32>().is_ok_and(|value| value > 0)
                {
                    return Some(number.clone());
                }
                errors.on(expr, format!("expected a whole number from 1 to 4294967295: `{key} = 8`"));
            }
            _ => errors.on(self, format!("write `{key} = 8`")),
        }
        None
    }

    /// The tokens of `key(..)`.
    pub fn list(&self, example: &str, errors: &mut Errors) -> Option<TokenStream> {
        if let Value::List(tokens) = &self.value {
            return Some(tokens.clone());
        }
        errors.on(self, format!("write `{example}`"));
        None
    }

    /// The names of `key(one, "two")`, each an identifier or a string; an identifier's `_` stays as it is.
    pub fn names(&self, example: &str, errors: &mut Errors) -> Vec<Name> {
        let Some(tokens) = self.list(example, errors) else { return Vec::new() };
        let mut found = Vec::new();
        let parser = |input: ParseStream<'_>| {
            while !input.is_empty() {
                if input.peek(LitStr) {
                    let text: LitStr = input.parse()?;
                    found.push(Name { text: text.value(), span: text.span() });
                } else if input.peek(Ident::peek_any) {
                    let ident = input.call(Ident::parse_any)?;
                    found.push(Name { text: ident.unraw().to_string(), span: ident.span() });
                } else {
                    return Err(input.error(format!("expected names: `{example}`")));
                }
                if !input.is_empty() {
                    input.parse::<Token![,]>()?;
                }
            }
            Ok(())
        };
        errors.take(parser.parse2(tokens));
        found
    }
}

// An argument's tokens are those that an error about all of it underlines.
impl quote::ToTokens for Arg {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.key.to_tokens(tokens);
        match &self.value {
            Value::Flag => {}
            Value::Assign(expr) => expr.to_tokens(tokens),
            Value::List(list) => list.to_tokens(tokens),
        }
    }
}

fn unknown(name: &str, nearest: Option<&str>, all: &[&str]) -> String {
    match nearest {
        Some(nearest) => format!("unknown key `{name}`; did you mean `{nearest}`?"),
        None => format!("unknown key `{name}`; expected one of {}", names::list(all)),
    }
}

fn literal(expr: &Expr) -> Option<&Lit> {
    match expr {
        Expr::Lit(ExprLit { lit, attrs, .. }) if attrs.is_empty() => Some(lit),
        // A literal that came through a `macro_rules!` variable stands in an invisible group.
        Expr::Group(group) => literal(&group.expr),
        _ => None,
    }
}

fn parse_assigned(input: ParseStream<'_>) -> syn::Result<Expr> {
    let equals: Token![=] = input.parse()?;
    if input.is_empty() || input.peek(Token![,]) {
        return Err(syn::Error::new(equals.span(), "expected a value after `=`"));
    }
    input.parse()
}

fn parse_list(input: ParseStream<'_>) -> syn::Result<TokenStream> {
    let content;
    syn::parenthesized!(content in input);
    content.parse()
}

/// Goes on behind the next comma, so that one argument that is not understood hides no mistake in the others.
fn skip(input: ParseStream<'_>) {
    while !input.is_empty() {
        if input.parse::<Token![,]>().is_ok() {
            return;
        }
        if input.parse::<TokenTree>().is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    const KEYS: Keys = Keys { all: &["group", "version", "names", "on", "crate"], repeatable: &["names"] };

    fn parse(tokens: TokenStream) -> (Args, Vec<String>) {
        let mut errors = Errors::default();
        let mut args = Args::default();
        args.parse(tokens, &KEYS, &mut errors);
        (args, errors.messages())
    }

    #[test]
    fn the_three_shapes_of_an_argument_are_read() {
        let (args, messages) = parse(quote!(group = "a.io", names(A, "b-c"), on, crate = crate::x));
        assert!(messages.is_empty(), "{messages:?}");
        let mut errors = Errors::default();
        assert_eq!(args.string("group", &mut errors).map(|text| text.value()), Some("a.io".to_owned()));
        let names: Vec<String> =
            args.all("names").flat_map(|arg| arg.names("", &mut errors)).map(|name| name.text).collect();
        assert_eq!(names, ["A", "b-c"]);
        assert!(args.flag("on", false, &mut errors));
        assert!(args.path("crate", &mut errors).is_some());
        assert!(errors.is_empty());
    }

    #[test]
    fn every_mistake_is_reported_and_none_twice() {
        let (args, messages) = parse(quote!(gruop = "a", version = , workers(3), on, on, names(A), names(B), 7));
        assert_eq!(
            messages,
            [
                "unknown key `gruop`; did you mean `group`?",
                "expected a value after `=`",
                "unknown key `workers`; expected one of `group`, `version`, `names`, `on`, `crate`",
                "`on` is given twice",
                "expected one of `group`, `version`, `names`, `on`, `crate`",
            ]
        );
        assert!(args.is_given("group") && args.is_given("version"));
    }

    #[test]
    fn a_missing_comma_hides_nothing() {
        let (args, messages) = parse(quote!(group = "a" version = "b"));
        assert_eq!(messages, ["expected `,`"]);
        assert!(args.get("version").is_some());
    }
}
