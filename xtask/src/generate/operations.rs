//! The rows of the operation table, taken from the normalised description and the decisions.

use anyhow::{Context, bail};
use heck::{ToPascalCase, ToSnakeCase};
use serde_json::Value;

use super::decisions::{Decision, Decisions, Facts};
use super::document::{Document, Kind};

/// One operation.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    /// The id in the description.
    pub(crate) id: String,
    /// The HTTP method in capitals.
    pub(crate) method: String,
    /// The path template, without what tells variants apart.
    pub(crate) path: String,
    /// The first tag.
    pub(crate) tag: String,
    /// The one-line summary, when the overlay has one.
    pub(crate) summary: Option<String>,
    /// The description, when the overlay has one.
    pub(crate) description: Option<String>,
    /// Whether the platform means to drop it.
    pub(crate) deprecated: bool,
    /// The parameters outside the body.
    pub(crate) parameters: Vec<Parameter>,
    /// The fields of a form.
    pub(crate) form: Vec<Field>,
    /// What the request carries.
    pub(crate) body: Body,
    /// What the answer is.
    pub(crate) answer: Answer,
    /// Fixed values: name, place, value, whether a caller may give another.
    pub(crate) constants: Vec<Constant>,
    /// `wheel`, `client` or `unwrapped`.
    pub(crate) source: String,
    /// What the table decided.
    pub(crate) decision: Decision,
}

/// A parameter outside the body.
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    /// The name on the wire.
    pub(crate) wire: String,
    /// The name of the builder's method.
    pub(crate) rust: String,
    /// `path`, `query` or `header`.
    pub(crate) place: String,
    /// Whether the server insists on it.
    pub(crate) required: bool,
    /// What it means, when the overlay says it.
    pub(crate) description: Option<String>,
}

/// A field of a form.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    /// The name on the wire.
    pub(crate) name: String,
    /// Whether it is a file.
    pub(crate) file: bool,
    /// Whether the server insists on it.
    pub(crate) required: bool,
}

/// A fixed value.
#[derive(Debug, Clone)]
pub(crate) struct Constant {
    /// The name on the wire.
    pub(crate) name: String,
    /// `query` or `header`.
    pub(crate) place: &'static str,
    /// The value as it is sent.
    pub(crate) value: String,
    /// Whether a caller may give another.
    pub(crate) replaceable: bool,
}

/// What a request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    /// Nothing.
    None,
    /// A JSON document.
    Json,
    /// A form.
    Multipart,
}

/// What an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Nothing that counts.
    Empty,
    /// A JSON document.
    Document,
    /// A list.
    Listing,
    /// One text.
    Text,
    /// Bytes as they arrive.
    Stream,
}

/// Reads the rows, in the order of the description.
pub(crate) fn rows(document: &Document, decisions: &Decisions) -> anyhow::Result<Vec<Operation>> {
    let ids = document.operations().map(|(path, method, operation)| {
        let id = operation["operationId"]
            .as_str()
            .with_context(|| format!("{method} {path} has no operationId"))?;
        let answer = answer(document, operation).with_context(|| format!("{method} {path}"))?;
        Ok(Facts {
            id,
            read: matches!(method, "get" | "head" | "options"),
            list: answer == Answer::Listing,
            bytes: answer == Answer::Stream,
        })
    });
    let ids = ids.collect::<anyhow::Result<Vec<_>>>()?;
    let decided = decisions.decide(&ids)?;
    let row = |(path, method, operation): (&str, &str, &Value)| {
        let id = operation["operationId"].as_str().unwrap_or_default();
        let decision = *decided.get(id).with_context(|| format!("{id} is not decided"))?;
        row(document, path, method, operation, decision).with_context(|| id.to_owned())
    };
    document.operations().map(row).collect()
}

fn row(
    document: &Document,
    path: &str,
    method: &str,
    operation: &Value,
    decision: Decision,
) -> anyhow::Result<Operation> {
    let text = |key: &str| operation[key].as_str().map(str::to_owned);
    let path = path.split('#').next().unwrap_or(path).to_owned();
    let parameters = operation["parameters"].as_array().into_iter().flatten().map(|parameter| {
        let name = parameter["name"].as_str().context("a parameter has no name")?;
        let wire = parameter["x-flywheel-wire-name"].as_str().unwrap_or(name).to_owned();
        let place = parameter["in"].as_str().context("a parameter has no place")?.to_owned();
        if !matches!(place.as_str(), "path" | "query" | "header") {
            bail!("the parameter {name} is in {place}, which is not supported");
        }
        let required = parameter["required"] == true;
        let description = parameter["description"].as_str().map(str::to_owned);
        Ok(Parameter { wire, rust: identifier(name), place, required, description })
    });
    let form = operation["x-flywheel-form"].as_array().into_iter().flatten().map(|field| Field {
        name: field["name"].as_str().unwrap_or_default().to_owned(),
        file: field["file"] == true,
        required: field["required"] == true,
    });
    let body = match (operation.get("x-flywheel-form"), operation.get("requestBody")) {
        (Some(_), _) => Body::Multipart,
        (None, Some(_)) => Body::Json,
        (None, None) => Body::None,
    };
    Ok(Operation {
        id: text("operationId").context("no operationId")?,
        method: method.to_uppercase(),
        path,
        tag: operation["tags"][0].as_str().context("no tag")?.to_owned(),
        summary: text("summary"),
        description: text("description"),
        deprecated: operation["deprecated"] == true,
        parameters: parameters.collect::<anyhow::Result<_>>()?,
        form: form.collect(),
        body,
        answer: answer(document, operation)?,
        constants: constants(operation),
        source: text("x-flywheel-source").unwrap_or_else(|| String::from("wheel")),
        decision,
    })
}

fn answer(document: &Document, operation: &Value) -> anyhow::Result<Answer> {
    let responses = operation["responses"].as_object().into_iter().flatten().collect::<Vec<_>>();
    let [(_, response)] = responses.as_slice() else {
        bail!("there must be one answer for success, there are {}", responses.len());
    };
    let Some(content) = response["content"].as_object().filter(|content| !content.is_empty()) else {
        return Ok(Answer::Empty);
    };
    let Some(schema) = content.get("application/json").map(|media| &media["schema"]) else {
        return Ok(Answer::Stream);
    };
    if schema["x-flywheel-plain"] == true {
        return Ok(Answer::Text);
    }
    let path = schema.pointer("/x-rust-type/path").and_then(Value::as_str).unwrap_or_default();
    let listing = path.ends_with("::Listing") && document.kind(schema) == Kind::Array;
    Ok(if listing { Answer::Listing } else { Answer::Document })
}

fn constants(operation: &Value) -> Vec<Constant> {
    let kinds = [("x-flywheel-constants", true), ("x-flywheel-fixed", false)];
    let places = [("query", "query"), ("headers", "header")];
    let mut found = Vec::new();
    for ((kind, replaceable), (key, place)) in
        kinds.into_iter().flat_map(|kind| places.map(|place| (kind, place)))
    {
        for (name, value) in operation[kind][key].as_object().into_iter().flatten() {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            found.push(Constant { name: name.clone(), place, value, replaceable });
        }
    }
    found
}

impl Operation {
    /// The variant of `OperationId`, which is also the name of the builder.
    pub(crate) fn variant(&self) -> String {
        self.id.to_pascal_case()
    }

    /// The name of the method.
    pub(crate) fn method_name(&self) -> String {
        identifier(&self.id)
    }

    /// The name of the module of the operation's tag.
    pub(crate) fn module(&self) -> String {
        self.tag.to_snake_case()
    }
}

/// A name as the generator makes it an identifier.
pub(crate) fn identifier(name: &str) -> String {
    let snake = name.replace(|c: char| !c.is_alphanumeric() && c != '_', "-").to_snake_case();
    let snake = if snake.starts_with(|c: char| c.is_ascii_digit()) { format!("_{snake}") } else { snake };
    if syn::parse_str::<syn::Ident>(&snake).is_ok() { snake } else { format!("{snake}_") }
}
