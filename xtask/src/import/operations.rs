//! The wrapped operations of a wheel: method, path, parameters, body, answer, and the constants the client adds.

use anyhow::{Context, Result, bail};
use indexmap::IndexMap;
use rustpython_ruff_python_ast::{CmpOp, Expr, Stmt, StmtFunctionDef, StmtIf};
use serde_json::Value;

use super::docstring::{self, DocParameter};
use super::python;
use super::types::Type;
use super::wheel::Wheel;

/// The ending of the method that builds the request.
const BUILDER: &str = "_with_http_info";

/// Where a parameter travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// In the path template.
    Path,
    /// In the query string.
    Query,
    /// In a header.
    Header,
    /// As a text part of a multipart body.
    Form,
    /// As a file part of a multipart body.
    File,
}

impl Place {
    /// The value of OpenAPI's `in`; parts of a body have none.
    pub(crate) fn location(self) -> Option<&'static str> {
        match self {
            Self::Path => Some("path"),
            Self::Query => Some("query"),
            Self::Header => Some("header"),
            Self::Form | Self::File => None,
        }
    }
}

/// How a list travels in a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ArrayFormat {
    /// Once, comma separated.
    Csv,
    /// As one repeated key.
    Multi,
}

/// One parameter.
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    /// Its name on the wire.
    pub(crate) name: String,
    /// Where it travels.
    pub(crate) place: Place,
    /// Its type.
    pub(crate) kind: Type,
    /// Whether the client refuses a call without it.
    pub(crate) required: bool,
    /// The documented default.
    pub(crate) default: Option<Value>,
    /// How a list travels.
    pub(crate) format: ArrayFormat,
    /// Whether it is to be used no more.
    pub(crate) deprecated: bool,
}

/// A JSON body.
#[derive(Debug, Clone)]
pub(crate) struct Body {
    /// Its type.
    pub(crate) kind: Type,
    /// Whether the client refuses a call without it.
    pub(crate) required: bool,
}

/// One wrapped operation.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    /// The client's method name.
    pub(crate) id: String,
    /// The API module without its ending.
    pub(crate) tag: String,
    /// The HTTP method, upper case.
    pub(crate) method: String,
    /// The path template.
    pub(crate) path: String,
    /// All parameters, in the order in which the client adds them.
    pub(crate) parameters: Vec<Parameter>,
    /// The JSON body.
    pub(crate) body: Option<Body>,
    /// The content types that the client accepts.
    pub(crate) accepts: Vec<String>,
    /// The declared type of the answer.
    pub(crate) answer: Option<Type>,
    /// Whether the client hands the answer's bytes through.
    pub(crate) transfer: Transfer,
    /// Query parameters that the client adds when the caller gives none.
    pub(crate) constants: IndexMap<String, String>,
    /// Whether it is to be used no more.
    pub(crate) deprecated: bool,
}

/// What the client does with the bytes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transfer {
    /// Decodes them.
    Decoded,
    /// Writes them to a file that the caller names.
    Download,
    /// Gives the open answer to the caller.
    Stream,
}

/// Reads every wrapped operation of a wheel.
///
/// # Errors
/// When a module is not Python, or a method does not have the shape that all releases share.
pub(crate) fn read(wheel: &Wheel) -> Result<Vec<Operation>> {
    let mut operations = Vec::new();
    for (path, source) in wheel.modules_of("api") {
        let Some(tag) = path.rsplit('/').next().and_then(|file| file.strip_suffix("_api.py")) else {
            continue;
        };
        for class in python::classes(&python::parse(source, path)?) {
            let mut transfers = IndexMap::new();
            for function in python::functions(&class.body) {
                let name = function.name.as_str();
                match name.strip_suffix(BUILDER) {
                    None => {
                        transfers.insert(name.to_owned(), transfer(function));
                    }
                    Some(id) => {
                        let mut operation = read_operation(function, id, tag)
                            .with_context(|| format!("{path}: method {name}"))?;
                        operation.transfer = transfers.get(id).copied().unwrap_or(Transfer::Decoded);
                        operations.push(operation);
                    }
                }
            }
        }
    }
    if operations.is_empty() {
        bail!("flywheel/api/: no method ends in `{BUILDER}`; the layout of this release is not known");
    }
    Ok(operations)
}

fn transfer(function: &StmtFunctionDef) -> Transfer {
    if function.parameters.args.iter().any(|argument| argument.parameter.name.as_str() == "dest_file") {
        return Transfer::Download;
    }
    let raw = python::assignments(&function.body).any(|(target, value)| {
        python::item(target).is_some_and(|(_, key)| key == "_preload_content")
            && python::literal(value) == Some(Value::from(false))
    });
    if raw { Transfer::Stream } else { Transfer::Decoded }
}

/// What the statements of a builder method say, before it is put together.
#[derive(Debug, Default)]
struct Draft {
    required: Vec<String>,
    places: Vec<(Place, String, String)>,
    formats: IndexMap<String, String>,
    constants: IndexMap<String, String>,
    body: Option<String>,
    body_kind: Option<Type>,
    accepts: Vec<String>,
}

fn read_operation(function: &StmtFunctionDef, id: &str, tag: &str) -> Result<Operation> {
    let text = python::docstring(&function.body).unwrap_or_default();
    let documented = docstring::parameters(&text);
    let mut draft = Draft::default();
    for statement in &function.body {
        match statement {
            Stmt::If(branch) => read_branch(branch, &mut draft)?,
            Stmt::Assign(_) => read_headers(std::slice::from_ref(statement), &mut draft),
            _ => {}
        }
    }
    let call = function
        .body
        .iter()
        .find_map(|statement| match statement {
            Stmt::Return(returned) => returned.value.as_deref(),
            _ => None,
        })
        .context("it does not return a call")?;
    let (path, method) = match python::call(call) {
        Some((name, [path, method, ..])) if name == "self.api_client.call_api" => {
            (python::string(path), python::string(method))
        }
        _ => bail!("it does not return `self.api_client.call_api(path, method, ...)`"),
    };
    let answer = python::keyword(call, "response_type")
        .and_then(python::string)
        .map(|kind| Type::parse(&kind).context("response type"))
        .transpose()?;
    Ok(Operation {
        id: id.to_owned(),
        tag: tag.to_owned(),
        method: method.context("the method is not a text")?,
        path: path.context("the path is not a text")?,
        parameters: read_parameters(&draft, &documented)?,
        body: read_body(&draft, &documented)?,
        accepts: draft.accepts,
        answer,
        transfer: Transfer::Decoded,
        constants: draft.constants,
        deprecated: docstring::is_deprecated(&text),
    })
}

/// Reads `if 'x' in params: ...` and the checks for missing arguments.
fn read_branch(branch: &StmtIf, draft: &mut Draft) -> Result<()> {
    let test = match branch.test.as_ref() {
        Expr::BoolOp(both) => both.values.first(),
        other => Some(other),
    };
    let Some(Expr::Compare(compare)) = test else { return Ok(()) };
    let (Some(argument), Some(operator)) = (python::string(&compare.left), compare.ops.first()) else {
        return Ok(());
    };
    let raises = matches!(branch.body.first(), Some(Stmt::Raise(_)));
    match operator {
        CmpOp::NotIn if raises => draft.required.push(argument),
        CmpOp::In if !raises => {
            for statement in &branch.body {
                read_use(statement, &argument, draft)?;
            }
            let otherwise = branch.elif_else_clauses.iter().flat_map(|clause| &clause.body);
            draft.constants.extend(
                otherwise
                    .filter_map(appended)
                    .map(|(_, name, value)| (name, python::string(value).unwrap_or_default())),
            );
        }
        _ => {}
    }
    Ok(())
}

/// Reads what one statement does with an argument: which place it fills, or that it is the body.
fn read_use(statement: &Stmt, argument: &str, draft: &mut Draft) -> Result<()> {
    if let Some((list, name, _)) = appended(statement) {
        let place = if list == "form_params" { Place::Form } else { Place::Query };
        draft.places.push((place, name, argument.to_owned()));
    }
    match statement {
        Stmt::If(branch) => {
            let nested =
                branch.body.iter().chain(branch.elif_else_clauses.iter().flat_map(|clause| &clause.body));
            for inner in nested {
                read_use(inner, argument, draft)?;
            }
        }
        Stmt::Assign(assign) => {
            let Some(target) = assign.targets.first() else { return Ok(()) };
            if let Some((list, name)) = python::item(target) {
                let place = match list.as_str() {
                    "path_params" => Place::Path,
                    "header_params" => Place::Header,
                    "local_var_files" => Place::File,
                    "collection_formats" => {
                        draft.formats.insert(name, python::string(&assign.value).unwrap_or_default());
                        return Ok(());
                    }
                    other => bail!("argument `{argument}` fills an unknown place `{other}`"),
                };
                draft.places.push((place, name, argument.to_owned()));
            } else if python::dotted(target).as_deref() == Some("body_params") {
                draft.body = Some(argument.to_owned());
                draft.body_kind = draft.body_kind.take().or_else(|| body_model(&assign.value));
            }
        }
        _ => {}
    }
    Ok(())
}

/// `list.append((name, value))` as its three parts.
fn appended(statement: &Stmt) -> Option<(String, String, &Expr)> {
    let Stmt::Expr(expression) = statement else { return None };
    let (name, arguments) = python::call(&expression.value)?;
    let list = name.strip_suffix(".append")?;
    match arguments {
        [Expr::Tuple(pair)] => match pair.elts.as_slice() {
            [name, value] => Some((list.to_owned(), python::string(name)?, value)),
            _ => None,
        },
        _ => None,
    }
}

/// The model in `flywheel.models.X.positional_to_model(...)`.
fn body_model(value: &Expr) -> Option<Type> {
    let (name, _) = python::call(value)?;
    let model = name.strip_prefix("flywheel.models.")?.strip_suffix(".positional_to_model")?;
    Type::parse(model).ok()
}

fn read_headers(statement: &[Stmt], draft: &mut Draft) {
    for (target, value) in python::assignments(statement) {
        let Some((list, name)) = python::item(target) else { continue };
        if list == "header_params" && name == "Accept" {
            draft.accepts = python::call(value)
                .and_then(|(_, arguments)| python::strings(arguments.first()?))
                .unwrap_or_default();
        }
    }
}

fn read_parameters(draft: &Draft, documented: &IndexMap<String, DocParameter>) -> Result<Vec<Parameter>> {
    let mut parameters: Vec<Parameter> = Vec::with_capacity(draft.places.len());
    for (place, name, argument) in &draft.places {
        let documented = documented.get(argument);
        let deprecated = documented.is_some_and(|documented| documented.deprecated);
        let kind = documented_type(documented, argument)?.unwrap_or(Type::Text);
        let kind = if *place == Place::File { Type::File } else { kind };
        let default = documented
            .and_then(|documented| documented.default.as_deref())
            .and_then(|default| docstring::default_value(default, &kind));
        let format = match draft.formats.get(name).map(String::as_str) {
            Some("multi") => ArrayFormat::Multi,
            _ => ArrayFormat::Csv,
        };
        let required = *place == Place::Path || draft.required.contains(argument);
        // Some releases add one argument to the query twice.
        if parameters.iter().any(|known| known.name == *name && known.place == *place) {
            continue;
        }
        parameters.push(Parameter {
            name: name.clone(),
            place: *place,
            kind,
            required,
            default,
            format,
            deprecated,
        });
    }
    Ok(parameters)
}

fn read_body(draft: &Draft, documented: &IndexMap<String, DocParameter>) -> Result<Option<Body>> {
    let Some(argument) = &draft.body else { return Ok(None) };
    let kind = match documented_type(documented.get(argument), argument)? {
        Some(kind) => kind,
        None => draft.body_kind.clone().unwrap_or(Type::Any),
    };
    Ok(Some(Body { kind, required: draft.required.contains(argument) }))
}

fn documented_type(documented: Option<&DocParameter>, argument: &str) -> Result<Option<Type>> {
    let Some(kind) = documented.and_then(|documented| documented.kind.as_deref()) else { return Ok(None) };
    Type::parse(kind).map(Some).with_context(|| format!("parameter `{argument}`"))
}
