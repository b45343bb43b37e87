//! Reads facts out of Python syntax trees; nothing is imported or run.

use anyhow::{Result, bail};
use indexmap::IndexMap;
use rustpython_ruff_python_ast::{Expr, Number, Stmt, StmtClassDef, StmtFunctionDef};
use rustpython_ruff_python_parser::parse_module;
use serde_json::Value;

/// Parses a module into its top-level statements; `place` names it in the error.
pub(crate) fn parse(source: &str, place: &str) -> Result<Vec<Stmt>> {
    let source = spell_async(source);
    match parse_module(&source) {
        Ok(parsed) => Ok(parsed.into_suite()),
        Err(error) => {
            let offset = usize::from(error.location.start());
            let line = source.get(..offset).map_or(1, |before| before.matches('\n').count() + 1);
            bail!("{place}:{line}: not Python: {}; take the wheel from the package index again", error.error)
        }
    }
}

/// The oldest releases use `async`, which later became a reserved word, as the name of an argument.
fn spell_async(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find("async") {
        let (before, after) = rest.split_at(at + "async".len());
        out.push_str(before);
        let starts_word = !before[..at].ends_with(|c: char| c.is_alphanumeric() || "_'\"".contains(c));
        let ends_word = after.trim_start_matches(' ').starts_with(['=', ',', ')', ':']);
        if starts_word && ends_word {
            out.push('_');
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The classes among some statements.
pub(crate) fn classes(body: &[Stmt]) -> impl Iterator<Item = &StmtClassDef> {
    body.iter().filter_map(|statement| match statement {
        Stmt::ClassDef(class) => Some(class),
        _ => None,
    })
}

/// The functions among some statements.
pub(crate) fn functions(body: &[Stmt]) -> impl Iterator<Item = &StmtFunctionDef> {
    body.iter().filter_map(|statement| match statement {
        Stmt::FunctionDef(function) => Some(function),
        _ => None,
    })
}

/// The plain assignments `target = value` among some statements.
pub(crate) fn assignments(body: &[Stmt]) -> impl Iterator<Item = (&Expr, &Expr)> {
    body.iter().filter_map(|statement| match statement {
        Stmt::Assign(assign) => assign.targets.first().map(|target| (target, assign.value.as_ref())),
        _ => None,
    })
}

/// What is assigned to the plain name `name`.
pub(crate) fn assigned<'a>(body: &'a [Stmt], name: &str) -> Option<&'a Expr> {
    assignments(body).find(|(target, _)| dotted(target).as_deref() == Some(name)).map(|(_, value)| value)
}

/// The names of a class's bases.
pub(crate) fn bases(class: &StmtClassDef) -> Vec<String> {
    class.arguments.iter().flat_map(|arguments| arguments.args.iter().filter_map(dotted)).collect()
}

/// `a.b.c` as text, for a name or a chain of attributes.
pub(crate) fn dotted(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Name(name) => Some(name.id.to_string()),
        Expr::Attribute(attribute) => Some(format!("{}.{}", dotted(&attribute.value)?, attribute.attr)),
        _ => None,
    }
}

/// The text of a string literal.
pub(crate) fn string(expr: &Expr) -> Option<String> {
    match expr {
        Expr::StringLiteral(literal) => Some(literal.value.to_str().to_owned()),
        _ => None,
    }
}

/// The texts of a list of string literals.
pub(crate) fn strings(expr: &Expr) -> Option<Vec<String>> {
    match expr {
        Expr::List(list) => list.elts.iter().map(string).collect(),
        _ => None,
    }
}

/// A dictionary of string literals, in its written order.
pub(crate) fn string_dict(expr: &Expr) -> Option<IndexMap<String, String>> {
    match expr {
        Expr::Dict(dict) => {
            dict.items.iter().map(|item| Some((string(item.key.as_ref()?)?, string(&item.value)?))).collect()
        }
        _ => None,
    }
}

/// A literal as JSON: text, number, truth value.
pub(crate) fn literal(expr: &Expr) -> Option<Value> {
    match expr {
        Expr::StringLiteral(text) => Some(Value::from(text.value.to_str())),
        Expr::BooleanLiteral(truth) => Some(Value::from(truth.value)),
        Expr::NumberLiteral(number) => match &number.value {
            Number::Int(int) => int.as_i64().map(Value::from),
            Number::Float(float) => Some(Value::from(*float)),
            Number::Complex { .. } => None,
        },
        _ => None,
    }
}

/// `base['key']` as its two texts.
pub(crate) fn item(expr: &Expr) -> Option<(String, String)> {
    match expr {
        Expr::Subscript(subscript) => Some((dotted(&subscript.value)?, string(&subscript.slice)?)),
        _ => None,
    }
}

/// The called name and the positional arguments of a call.
pub(crate) fn call(expr: &Expr) -> Option<(String, &[Expr])> {
    match expr {
        Expr::Call(call) => Some((dotted(&call.func)?, &call.arguments.args)),
        _ => None,
    }
}

/// The value of a keyword argument of a call.
pub(crate) fn keyword<'a>(expr: &'a Expr, name: &str) -> Option<&'a Expr> {
    match expr {
        Expr::Call(call) => call
            .arguments
            .keywords
            .iter()
            .find(|keyword| keyword.arg.as_ref().is_some_and(|arg| arg.as_str() == name))
            .map(|keyword| &keyword.value),
        _ => None,
    }
}

/// The documentation string that opens a body.
pub(crate) fn docstring(body: &[Stmt]) -> Option<String> {
    match body.first()? {
        Stmt::Expr(statement) => string(&statement.value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_keyword_argument_called_async_is_read() {
        let body = parse(
            "def g(async=None, b=1): pass\nx = f(\n    async=params.get('async'),\n    last='y')\n",
            "m.py",
        )
        .unwrap();
        let value = assigned(&body, "x").unwrap();
        assert_eq!(keyword(value, "last").and_then(string).as_deref(), Some("y"));
    }

    #[test]
    fn a_syntax_error_names_the_module_and_the_line() {
        let error = parse("x = 1\ndef (:\n", "flywheel/models/bad.py").unwrap_err().to_string();
        assert!(error.starts_with("flywheel/models/bad.py:2: not Python"), "{error}");
    }
}
