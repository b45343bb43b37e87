//! What the official client offers beyond its generated calls: names of hand-written classes, their methods and children.

use std::collections::BTreeSet;

use anyhow::Result;
use rustpython_ruff_python_ast::{Stmt, StmtClassDef};
use serde_json::{Map, Value, json};

use super::operations::Operation;
use super::python;
use super::wheel::Wheel;

/// The member of the description that lists them: class (or `util` for the functions of `flywheel/util.py`) to its names.
pub(crate) const MEMBER: &str = "x-flywheel-helpers";

/// Modules that hold what users call. The others at their level carry requests, and have no names for users.
const MODULES: &[&str] = &[
    "client",
    "drone_login",
    "file_spec",
    "finder",
    "flywheel",
    "gear_context",
    "models/gear_invocation",
    "models/gear_mixin",
    "models/mixins",
    "partial_reader",
    "util",
    "view_builder",
];

/// The class with one method an operation.
const WRAPPER: &str = "Flywheel";

/// Reads the helpers; the methods that wrap one operation each are left out, because they are in `paths`.
///
/// # Errors
/// When a module is no Python.
pub(crate) fn read(wheel: &Wheel, operations: &[Operation]) -> Result<Value> {
    let wrapped: BTreeSet<&str> = operations.iter().map(|operation| operation.id.as_str()).collect();
    let mut helpers = Map::new();
    for module in MODULES {
        let place = format!("flywheel/{module}.py");
        let Some(source) = wheel.module(&place) else { continue };
        let body = python::parse(source, &place)?;
        for class in python::classes(&body) {
            let is_wrapper =
                |name: &String| class.name.as_str() == WRAPPER && wrapped.contains(name.as_str());
            let names: BTreeSet<String> = members(class).filter(|name| !is_wrapper(name)).collect();
            if !names.is_empty() {
                helpers.insert(class.name.to_string(), json!(names));
            }
        }
        let functions: BTreeSet<String> = public_functions(&body).collect();
        if !functions.is_empty() {
            helpers.insert(module.rsplit('/').next().unwrap_or(module).to_owned(), json!(functions));
        }
    }
    helpers.sort_keys();
    Ok(Value::Object(helpers))
}

/// The public methods and properties of a class, and the children that it can list.
fn members(class: &StmtClassDef) -> impl Iterator<Item = String> + '_ {
    let children = python::assigned(&class.body, "child_types").and_then(python::strings);
    public_functions(&class.body).chain(children.into_iter().flatten())
}

fn public_functions(body: &[Stmt]) -> impl Iterator<Item = String> + '_ {
    let names = python::functions(body).map(|function| function.name.to_string());
    names.filter(|name| !name.starts_with('_'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn public_methods_and_children_of_a_class_are_its_members() {
        let source = "class ThingMixin(Base):\n    child_types = ['parts']\n    def add(self): pass\n    @property\n    def url(self): pass\n    def _own(self): pass\n";
        let body = python::parse(source, "m.py").unwrap();
        let class = python::classes(&body).next().unwrap();
        assert_eq!(members(class).collect::<Vec<_>>(), ["add", "url", "parts"]);
    }
}
