//! The models of a wheel: objects with wire names and required marks, enums, aliases, deprecated subclasses.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use indexmap::IndexMap;
use rustpython_ruff_python_ast::{Stmt, StmtClassDef, StmtFunctionDef};
use serde_json::{Map, Value, json};

use super::python;
use super::types::Type;
use super::wheel::Wheel;

/// One property of an object model.
#[derive(Debug)]
pub(crate) struct Property {
    /// Its key on the wire.
    pub(crate) wire: String,
    /// Its type.
    pub(crate) kind: Type,
    /// Whether the client sets it in every case.
    pub(crate) required: bool,
    /// The default that the client's constructor gives it.
    pub(crate) default: Option<Value>,
}

/// Which of several models an object is, told by one of its keys.
#[derive(Debug)]
pub(crate) struct Discriminator {
    key: String,
    other_key: Option<String>,
    models: BTreeMap<String, String>,
}

/// An object model.
#[derive(Debug)]
pub(crate) struct Object {
    /// Its properties in declared order.
    pub(crate) properties: Vec<Property>,
    /// Whether making one warns that it will go away.
    pub(crate) deprecated: bool,
    /// How to tell the model that an object really is.
    pub(crate) discriminator: Option<Discriminator>,
}

/// What a class of the models package is.
#[derive(Debug)]
pub(crate) enum Model {
    /// An object.
    Object(Object),
    /// Text out of a fixed list.
    Enum(Vec<String>),
    /// Another name of a model.
    Alias(String),
    /// A deprecated class that adds nothing to the model it extends.
    Subclass(String),
}

/// All models by name.
pub(crate) type Models = BTreeMap<String, Model>;

/// Reads every model of a wheel.
///
/// # Errors
/// When a module is not Python, or a model does not have the shape that all releases share.
pub(crate) fn read(wheel: &Wheel) -> Result<Models> {
    let mut models = Models::new();
    let mut heirs = Vec::new();
    for (path, source) in wheel.modules_of("models") {
        let body = python::parse(source, path)?;
        for class in python::classes(&body) {
            let name = class.name.to_string();
            match read_class(class).with_context(|| format!("{path}: class {name}"))? {
                Some(model) => insert(&mut models, name, model, path)?,
                None => heirs.extend(python::bases(class).into_iter().map(|base| (name.clone(), base, path))),
            }
        }
        for (target, value) in python::assignments(&body) {
            if let (Some(name), Some(of)) = (python::dotted(target), python::dotted(value)) {
                insert(&mut models, name, Model::Alias(of), path)?;
            }
        }
    }
    for (name, base, path) in heirs {
        if models.contains_key(&base) {
            insert(&mut models, name, Model::Subclass(base), path)?;
        }
    }
    Ok(models)
}

fn insert(models: &mut Models, name: String, model: Model, path: &str) -> Result<()> {
    if models.contains_key(&name) {
        bail!("{path}: the model `{name}` is defined twice");
    }
    models.insert(name, model);
    Ok(())
}

/// Reads a class that is a model by itself; `None` for one that can only be one through its base.
fn read_class(class: &StmtClassDef) -> Result<Option<Model>> {
    if let Some(types) = python::assigned(&class.body, "swagger_types") {
        let types = python::string_dict(types).context("`swagger_types` is not a dictionary of texts")?;
        return Ok(Some(Model::Object(read_object(class, &types)?)));
    }
    if python::bases(class).iter().any(|base| base == "Enum" || base.ends_with(".Enum")) {
        let values =
            python::assignments(&class.body).filter_map(|(_, value)| python::string(value)).collect();
        return Ok(Some(Model::Enum(values)));
    }
    Ok(None)
}

fn read_object(class: &StmtClassDef, types: &IndexMap<String, String>) -> Result<Object> {
    let wires = python::assigned(&class.body, "attribute_map")
        .and_then(python::string_dict)
        .context("`attribute_map` is not a dictionary of texts")?;
    let init = python::functions(&class.body)
        .find(|function| function.name.as_str() == "__init__")
        .context("`__init__` is missing")?;
    let set = set_in_every_case(init);
    let mut properties = Vec::with_capacity(types.len());
    for (attribute, kind) in types {
        let wire = wires.get(attribute).with_context(|| format!("`{attribute}` has no wire name"))?;
        properties.push(Property {
            wire: wire.clone(),
            kind: Type::parse(kind).with_context(|| format!("property `{attribute}`"))?,
            required: set.contains(attribute),
            default: default_of(init, attribute),
        });
    }
    Ok(Object { properties, deprecated: warns(init), discriminator: read_discriminator(class, init) })
}

/// The attributes that `__init__` assigns from its arguments without a condition.
fn set_in_every_case(init: &StmtFunctionDef) -> Vec<String> {
    python::assignments(&init.body)
        .filter_map(|(target, value)| {
            let name = python::dotted(value)?;
            (python::dotted(target)? == format!("self.{name}")).then_some(name)
        })
        .collect()
}

fn default_of(init: &StmtFunctionDef, argument: &str) -> Option<Value> {
    let parameter =
        init.parameters.args.iter().find(|parameter| parameter.parameter.name.as_str() == argument)?;
    python::literal(parameter.default.as_deref()?)
}

fn warns(init: &StmtFunctionDef) -> bool {
    init.body.iter().any(|statement| match statement {
        Stmt::Expr(expression) => {
            python::call(&expression.value).is_some_and(|(name, _)| name == "warnings.warn")
        }
        _ => false,
    })
}

fn read_discriminator(class: &StmtClassDef, init: &StmtFunctionDef) -> Option<Discriminator> {
    let models = python::string_dict(python::assigned(&class.body, "discriminator_value_class_map")?)?;
    let key = python::string(python::assigned(&init.body, "self.discriminator")?)?;
    let other_key = python::assigned(&init.body, "self.alt_discriminator").and_then(python::string);
    Some(Discriminator { key, other_key, models: models.into_iter().collect() })
}

impl Model {
    /// The schema of the model.
    pub(crate) fn schema(&self) -> Value {
        match self {
            Self::Object(object) => object.schema(),
            Self::Enum(values) => json!({"type": "string", "enum": values}),
            Self::Alias(of) => json!({"allOf": [reference(of)], "x-flywheel-alias-of": of}),
            Self::Subclass(of) => {
                json!({"allOf": [reference(of)], "deprecated": true, "x-flywheel-alias-of": of})
            }
        }
    }
}

impl Model {
    /// The types that the model mentions.
    pub(crate) fn mentions(&self) -> Vec<Type> {
        match self {
            Self::Object(object) => {
                let subtypes = object.discriminator.iter().flat_map(|told| told.models.values().cloned());
                let properties = object.properties.iter().map(|property| property.kind.clone());
                properties.chain(subtypes.map(Type::Model)).collect()
            }
            Self::Enum(_) => Vec::new(),
            Self::Alias(of) | Self::Subclass(of) => vec![Type::Model(of.clone())],
        }
    }
}

impl Object {
    /// The schema; a model without fields is any JSON.
    fn schema(&self) -> Value {
        let mut schema = Map::new();
        if !self.properties.is_empty() {
            schema.insert("type".into(), "object".into());
            let required: Vec<&str> =
                self.properties.iter().filter(|p| p.required).map(|p| p.wire.as_str()).collect();
            if !required.is_empty() {
                schema.insert("required".into(), json!(required));
            }
            let properties = self.properties.iter().map(|p| (p.wire.clone(), p.schema())).collect();
            schema.insert("properties".into(), Value::Object(properties));
        }
        if self.deprecated {
            schema.insert("deprecated".into(), true.into());
        }
        if let Some(discriminator) = &self.discriminator {
            let mapping: Map<String, Value> = discriminator
                .models
                .iter()
                .map(|(value, model)| (value.clone(), format!("#/components/schemas/{model}").into()))
                .collect();
            schema.insert(
                "discriminator".into(),
                json!({"propertyName": discriminator.key, "mapping": mapping}),
            );
            if let Some(key) = &discriminator.other_key {
                schema.insert("x-flywheel-alt-discriminator".into(), key.as_str().into());
            }
        }
        Value::Object(schema)
    }
}

impl Property {
    fn schema(&self) -> Value {
        let mut schema = self.kind.schema();
        if let (Some(default), Some(object)) = (&self.default, schema.as_object_mut()) {
            if object.contains_key("$ref") {
                let reference = std::mem::take(object);
                object.insert("allOf".into(), json!([reference]));
            }
            object.insert("default".into(), default.clone());
        }
        schema
    }
}

fn reference(model: &str) -> Value {
    Type::Model(model.to_owned()).schema()
}
