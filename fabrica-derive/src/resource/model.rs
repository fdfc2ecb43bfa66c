//! What a resource is: every rule of its declaration.

use std::collections::BTreeMap;

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::{Attribute, DeriveInput, Expr, ExprLit, Ident, Lit, LitStr, Meta, Path};

use super::shape::Shape;
use crate::args::{Arg, Args, Keys, Name};
use crate::errors::Errors;
use crate::names;

const KEYS: Keys = Keys {
    all: &[
        "group",
        "version",
        "kind",
        "plural",
        "singular",
        "namespaced",
        "short_names",
        "categories",
        "conditions",
        "column",
        "selectable",
        "register",
        "crate",
    ],
    repeatable: &["column", "selectable"],
};
const COLUMN: Keys = Keys { all: &["name", "path"], repeatable: &[] };
const LABEL: &str = "use lower-case letters, digits and inner dashes";

/// Methods that a resource has whatever its conditions are called.
const METHODS: &[&str] = &[
    "new",
    "kind",
    "uid",
    "name",
    "namespace",
    "metadata",
    "metadata_mut",
    "spec",
    "spec_mut",
    "status",
    "status_mut",
    "conditions",
    "conditions_mut",
    "condition",
    "set_condition",
    "remove_condition",
    "is_condition_true",
    "from_parts",
    "clone",
];

pub struct Model<'a> {
    pub input: &'a DeriveInput,
    pub runtime: Path,
    pub shape: Shape<'a>,
    pub group: String,
    pub version: String,
    pub kind: String,
    pub plural: String,
    pub singular: String,
    pub description: String,
    pub namespaced: bool,
    pub short_names: Vec<String>,
    pub categories: Vec<String>,
    /// `None` without `conditions(..)`; then the type is not `Conditioned`.
    pub conditions: Option<Vec<Condition>>,
    pub columns: Vec<(String, String)>,
    pub selectable: Vec<String>,
    pub register: bool,
}

pub struct Condition {
    pub name: String,
    /// The name in snake case, which its methods are made of.
    pub snake: String,
    pub span: Span,
}

impl<'a> Model<'a> {
    /// Reads a declaration; what is wrong with it goes to `errors`. `None` if nothing sensible can be emitted for it.
    pub fn new(input: &'a DeriveInput, errors: &mut Errors) -> Option<Self> {
        let attribute = input.attrs.iter().find(|attr| attr.path().is_ident("resource"));
        let args = read_attributes(&input.attrs, errors);
        let shape = Shape::new(input, errors);
        check_required(&args, attribute, &input.ident, errors);

        let runtime = args.runtime(errors);
        let group = group(&args, &runtime, errors);
        let version = checked(&args, "version", names::is_version, errors, |text| {
            format!("`{text}` is no version: write `v1`, `v2beta1` or the like")
        });
        let kind = kind(&args, &input.ident, errors);
        let lower = kind.to_lowercase();
        let singular = resource_name(&args, "singular", errors).unwrap_or_else(|| lower.clone());
        let plural = resource_name(&args, "plural", errors).unwrap_or_else(|| names::plural(&lower));
        let conditions = args.get("conditions").map(|arg| conditions(arg, errors));
        if let Some(arg) = args.get("conditions")
            && shape.is_complete()
            && shape.status.is_none()
        {
            errors.on(&arg.key, "conditions need a field `status`, whose type has a field `conditions: Conditions`");
        }
        let model = Self {
            runtime,
            group: group.unwrap_or_default(),
            version: version.unwrap_or_default(),
            plural,
            singular,
            kind,
            description: description(&input.attrs),
            namespaced: args.flag("namespaced", false, errors),
            short_names: labels(&args, "short_names", "short name", errors),
            categories: labels(&args, "categories", "category", errors),
            conditions,
            columns: args.all("column").filter_map(|arg| column(arg, errors)).collect(),
            selectable: selectable(&args, errors),
            register: args.flag("register", true, errors),
            shape,
            input,
        };
        // Without its parameters no impl can name a generic type.
        input.generics.params.is_empty().then_some(model)
    }
}

fn read_attributes(attrs: &[Attribute], errors: &mut Errors) -> Args {
    let mut args = Args::default();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("resource")) {
        match &attr.meta {
            Meta::Path(_) => {}
            Meta::List(list) => args.parse(list.tokens.clone(), &KEYS, errors),
            Meta::NameValue(meta) => errors.on(meta, "write `#[resource(..)]`"),
        }
    }
    args
}

fn check_required(args: &Args, attribute: Option<&Attribute>, ident: &Ident, errors: &mut Errors) {
    let missing = match (args.is_given("group"), args.is_given("version")) {
        (true, true) => return,
        (false, false) => "`#[resource(group = \"example.io\", version = \"v1\")]`",
        (false, true) => "a group: `#[resource(group = \"example.io\", ..)]`",
        (true, false) => "a version: `#[resource(version = \"v1\", ..)]`",
    };
    let message = format!("a resource needs {missing}");
    match attribute {
        Some(attribute) => errors.on(&attribute.meta, message),
        None => errors.on(ident, message),
    }
}

fn checked(
    args: &Args,
    key: &str,
    is_good: fn(&str) -> bool,
    errors: &mut Errors,
    message: impl Fn(&str) -> String,
) -> Option<String> {
    let text = args.string(key, errors)?;
    if !is_good(&text.value()) {
        errors.on(&text, message(&text.value()));
    }
    Some(text.value())
}

// The core group has no name. Only the runtime's own kinds (`Namespace`) live there.
fn group(args: &Args, runtime: &Path, errors: &mut Errors) -> Option<String> {
    if runtime.is_ident("crate") && args.get("group")?.string(&mut Errors::default())?.value().is_empty() {
        return Some(String::new());
    }
    checked(args, "group", names::is_group, errors, |text| {
        if text.is_empty() {
            return "only the runtime's own kinds have an empty group: write `group = \"example.io\"` or the like"
                .into();
        }
        format!("`{text}` is no group: a group is a DNS name in lower case, like `example.io`")
    })
}

fn resource_name(args: &Args, key: &str, errors: &mut Errors) -> Option<String> {
    checked(args, key, names::is_resource_name, errors, |text| {
        format!("`{text}` is no {key}: {LABEL}, starting with a letter")
    })
}

fn kind(args: &Args, ident: &Ident, errors: &mut Errors) -> String {
    let text = args.string("kind", errors);
    let kind = text.as_ref().map_or_else(|| ident.unraw().to_string(), LitStr::value);
    if !names::is_pascal_case(&kind) {
        let message = format!("`{kind}` is no kind: a kind is in PascalCase, like `PowerSupply`");
        match text {
            Some(text) => errors.on(text, message),
            None if !args.is_given("kind") => errors.on(ident, message + "; choose another with `kind = \"..\"`"),
            None => {}
        }
    }
    kind
}

fn labels(args: &Args, key: &str, what: &str, errors: &mut Errors) -> Vec<String> {
    let example = format!("{key}(one, \"another-one\")");
    let names = args.get(key).map(|arg| arg.names(&example, errors)).unwrap_or_default();
    let mut labels: Vec<String> = Vec::new();
    for Name { text, span } in names {
        if !names::is_label(&text) {
            errors.at(span, format!("`{text}` is no {what}: {LABEL}"));
        } else if labels.contains(&text) {
            errors.at(span, format!("{what} `{text}` is listed twice"));
        } else {
            labels.push(text);
        }
    }
    labels
}

fn conditions(arg: &Arg, errors: &mut Errors) -> Vec<Condition> {
    let mut conditions: Vec<Condition> = Vec::new();
    // Which condition a method belongs to: no two may get one of the same name.
    let mut methods: BTreeMap<String, String> = BTreeMap::new();
    for Name { text, span } in arg.names("conditions(Ready, Reachable)", errors) {
        if !names::is_pascal_case(&text) {
            errors.at(span, format!("`{text}` is no condition: a condition is in PascalCase, like `Ready`"));
            continue;
        }
        if conditions.iter().any(|condition| condition.name == text) {
            errors.at(span, format!("condition `{text}` is listed twice"));
            continue;
        }
        let condition = Condition { snake: names::snake_case(&text), name: text, span };
        let own = condition.methods();
        if let Some(method) = own.iter().find(|method| METHODS.contains(&method.as_str())) {
            let name = &condition.name;
            errors.at(
                span,
                format!("condition `{name}` would get a method `{method}`, which every resource has already"),
            );
        } else if ["crate", "self", "super"].contains(&condition.snake.as_str()) {
            let (name, method) = (&condition.name, &condition.snake);
            errors.at(span, format!("condition `{name}` would get a method `{method}`, which is no name in Rust"));
        } else if let Some((method, other)) = own.iter().find_map(|method| methods.get_key_value(method)) {
            let name = &condition.name;
            errors.at(span, format!("condition `{name}` and condition `{other}` would both get a method `{method}`"));
        } else {
            methods.extend(own.map(|method| (method, condition.name.clone())));
            conditions.push(condition);
        }
    }
    conditions
}

impl Condition {
    fn methods(&self) -> [String; 3] {
        [self.snake.clone(), format!("is_{}", self.snake), format!("set_{}", self.snake)]
    }
}

fn column(arg: &Arg, errors: &mut Errors) -> Option<(String, String)> {
    const EXAMPLE: &str = "column(name = \"State\", path = \".status.state\")";
    let mut args = Args::default();
    args.parse(arg.list(EXAMPLE, errors)?, &COLUMN, errors);
    for (key, example) in [("name", "State"), ("path", ".status.state")] {
        if !args.is_given(key) {
            errors.on(&arg.key, format!("a column needs `{key} = \"{example}\"`"));
        }
    }
    let name = args.string("name", errors);
    let path = args.string("path", errors);
    if let Some(name) = name.as_ref().filter(|name| name.value().trim().is_empty()) {
        errors.on(name, "a column's name must not be empty");
    }
    if let Some(path) = path.as_ref().filter(|path| !path.value().starts_with('.') || path.value().len() < 2) {
        errors.on(path, "a column's path starts with a dot, like `.status.state`");
    }
    Some((name?.value(), path?.value()))
}

fn selectable(args: &Args, errors: &mut Errors) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    for text in args.all("selectable").filter_map(|arg| arg.string(errors)).collect::<Vec<_>>() {
        let path = text.value();
        if !names::is_field_path(&path) {
            errors.on(&text, format!("`{path}` is no field: write its path from the root, like `.spec.rack`"));
        } else if paths.contains(&path) {
            errors.on(&text, format!("field `{path}` is listed twice"));
        } else {
            paths.push(path);
        }
    }
    paths
}

/// The doc comment, without the space that `///` puts in front of each line.
fn description(attrs: &[Attribute]) -> String {
    let lines = attrs.iter().filter(|attr| attr.path().is_ident("doc")).filter_map(|attr| match &attr.meta {
        Meta::NameValue(meta) => match &meta.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    });
    let lines: Vec<String> = lines.map(|line| line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned()).collect();
    lines.join("\n").trim().to_owned()
}
