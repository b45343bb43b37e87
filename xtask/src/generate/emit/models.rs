//! The models: progenitor's structs made tolerant, and the types that it does not write.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, ensure};
use heck::ToPascalCase;
use quote::{format_ident, quote};
use serde_json::Value;
use syn::visit_mut::VisitMut;
use syn::{Field, Fields, Item, ItemStruct, Type};

use super::{InThisCrate, doc, impl_target, last_name};
use crate::generate::document::{Document, Kind, reference};
use crate::generate::normalise::names::PLAIN;

/// The files of the models: name, what it is, items.
pub(crate) fn files(
    document: &Document,
    types: Vec<Item>,
) -> anyhow::Result<Vec<(String, &'static str, Vec<Item>)>> {
    let enumerations = enumerations(document)?;
    let unions = unions(document)?;
    let aliases = aliases(document);
    let (models, builders) = Models::new(document).rewrite(types)?;
    let mut all: Vec<Item> = vec![
        syn::parse_quote! { pub mod builder; },
        syn::parse_quote! { mod enumerations; },
        syn::parse_quote! { mod unions; },
        syn::parse_quote! { pub use enumerations::*; },
        syn::parse_quote! { pub use unions::*; },
    ];
    all.extend(aliases);
    all.extend(models);
    Ok(vec![
        (String::from("types/mod.rs"), "The models of requests and answers.", all),
        (String::from("types/builder.rs"), "Builders of what requests are made of.", builders),
        (
            String::from("types/enumerations.rs"),
            "Enumerations, open to values that are not known yet.",
            enumerations,
        ),
        (String::from("types/unions.rs"), "Values that take one of several forms.", unions),
    ])
}

/// What the rewriting of the structs has to know.
struct Models<'a> {
    /// Schemas whose optional fields are patches.
    patches: BTreeSet<&'a str>,
    /// Schemas that only answers hold: nobody builds them.
    answers: BTreeSet<String>,
}

impl<'a> Models<'a> {
    fn new(document: &'a Document) -> Self {
        let patched = document.schemas().iter().filter(|(_, schema)| schema["x-flywheel-patch"] == true);
        let requests = document.in_requests();
        let answers = document.schemas().keys().filter(|name| !requests.contains(*name));
        Self {
            patches: patched.map(|(name, _)| name.as_str()).collect(),
            answers: answers.cloned().collect(),
        }
    }

    /// Gives the models and their builders.
    fn rewrite(&self, items: Vec<Item>) -> anyhow::Result<(Vec<Item>, Vec<Item>)> {
        let with_default = items.iter().filter_map(|item| match item {
            Item::Impl(item)
                if item.trait_.as_ref().is_some_and(|(_, path, _)| last_name(path) == "Default") =>
            {
                impl_target(item)
            }
            _ => None,
        });
        let with_default = with_default.collect::<BTreeSet<_>>();
        let (mut models, mut builders) = (Vec::new(), Vec::new());
        for item in items {
            match item {
                Item::Struct(item) => models.extend(self.model(item, &with_default)),
                Item::Impl(item) if self.builds_answer(&item) => {}
                Item::Mod(module) if module.ident == "builder" => {
                    let (_, items) = module.content.context("the builders have no content")?;
                    builders = items.into_iter().filter_map(|item| self.builder(item)).collect();
                }
                mut item => {
                    tidy_docs(&mut item);
                    models.push(item);
                }
            }
        }
        for item in models.iter_mut().chain(&mut builders) {
            InThisCrate.visit_item_mut(item);
        }
        Ok((models, builders))
    }

    fn builds_answer(&self, item: &syn::ItemImpl) -> bool {
        let starts = item
            .items
            .iter()
            .any(|item| matches!(item, syn::ImplItem::Fn(function) if function.sig.ident == "builder"));
        starts && impl_target(item).is_some_and(|name| self.answers.contains(&name))
    }

    fn model(&self, item: ItemStruct, with_default: &BTreeSet<String>) -> Vec<Item> {
        let name = item.ident.to_string();
        let mut item = Item::Struct(item);
        tidy_docs(&mut item);
        let Item::Struct(mut model) = item else { return vec![item] };
        let Fields::Named(fields) = &mut model.fields else { return vec![Item::Struct(model)] };
        let patch = self.patches.contains(name.as_str());
        for field in &mut fields.named {
            rewrite_field(field, patch);
        }
        let shown = fields
            .named
            .iter()
            .find(|field| wire_name(field).as_deref() == Some("_id") && is_text(&field.ty));
        let shown = shown.and_then(|field| field.ident.clone());
        let default =
            fields.named.iter().all(|field| has_default(&field.ty)) && !with_default.contains(&name);
        rewrite_derives(&mut model.attrs, default);
        let ident = &model.ident;
        let debug: Item = syn::parse_quote! { crate::models::private_debug!(#ident #shown); };
        vec![Item::Struct(model), debug]
    }

    fn builder(&self, mut item: Item) -> Option<Item> {
        let name = match &item {
            Item::Struct(item) => Some(item.ident.to_string()),
            Item::Impl(item) => {
                impl_target(item).or_else(|| item.trait_.as_ref().map(|(_, path, _)| last_name(path)))
            }
            _ => None,
        };
        let name = name?;
        if self.answers.contains(&name) {
            return None;
        }
        if self.patches.contains(name.as_str()) {
            Patches.visit_item_mut(&mut item);
        }
        match &mut item {
            Item::Struct(builder) => {
                builder.attrs.retain(|attribute| !attribute.path().is_ident("derive"));
                builder.attrs.push(syn::parse_quote! { #[derive(Clone)] });
                builder.attrs.insert(0, doc(&format!("Builds a [`{name}`](super::{name}).")));
                builder
                    .fields
                    .iter_mut()
                    .filter(|field| is_extra(field))
                    .for_each(|field| Extras.visit_type_mut(&mut field.ty));
            }
            Item::Impl(builder) => rewrite_builder(builder),
            _ => {}
        }
        Some(item)
    }
}

/// The setters get a line of documentation; what a model does not know starts empty.
fn rewrite_builder(builder: &mut syn::ItemImpl) {
    for item in &mut builder.items {
        let syn::ImplItem::Fn(function) = item else { continue };
        let name = function.sig.ident.to_string();
        if name == "extra" {
            Extras.visit_impl_item_fn_mut(function);
        }
        if builder.trait_.is_none() {
            let line = if name == "extra" {
                String::from("Sets members that the model does not know.")
            } else {
                format!("Sets `{name}`.")
            };
            function.attrs = vec![doc(&line)];
        }
        if name == "default" {
            EmptyExtra.visit_impl_item_fn_mut(function);
        }
    }
}

/// Writes `extra: Ok(Default::default())` where the generator insists on a value.
struct EmptyExtra;

impl VisitMut for EmptyExtra {
    fn visit_field_value_mut(&mut self, field: &mut syn::FieldValue) {
        if matches!(&field.member, syn::Member::Named(name) if name == "extra") {
            field.expr = syn::parse_quote! { Ok(::std::default::Default::default()) };
        }
    }
}

/// Writes the type of what a model does not know.
struct Extras;

impl VisitMut for Extras {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        if matches!(ty, Type::Path(path) if last_name(&path.path) == "Map") {
            *ty = syn::parse_quote! { crate::models::Extra };
        }
        syn::visit_mut::visit_type_mut(self, ty);
    }
}

/// Writes `Patch` for `Option`.
struct Patches;

impl VisitMut for Patches {
    fn visit_path_mut(&mut self, path: &mut syn::Path) {
        if let Some(segment) = path.segments.last().filter(|segment| segment.ident == "Option") {
            let arguments = segment.arguments.clone();
            *path = syn::parse_quote! { crate::models::Patch };
            if let Some(last) = path.segments.last_mut() {
                last.arguments = arguments;
            }
            return;
        }
        syn::visit_mut::visit_path_mut(self, path);
    }
}

fn rewrite_field(field: &mut Field, patch: bool) {
    let Some(mut options) = serde_options(field) else { return };
    let plain = format!("rename = \"{PLAIN}");
    for option in &mut options {
        *option = option.replace(&plain, "rename = \"");
    }
    let optional = outer(&field.ty) == "Option";
    if is_extra(field) {
        Extras.visit_type_mut(&mut field.ty);
        field.attrs.retain(|attribute| !attribute.path().is_ident("doc"));
        field.attrs.push(doc("What the model does not know."));
    } else if patch && optional {
        Patches.visit_type_mut(&mut field.ty);
        options.retain(|option| !option.starts_with("skip_serializing_if"));
        options.push(String::from("default"));
        options.push(String::from("skip_serializing_if = \"crate::models::Patch::is_keep\""));
    } else if holds_numbers(&field.ty) {
        options.retain(|option| !option.starts_with("deserialize_with"));
        if optional && !options.iter().any(|option| option == "default") {
            options.push(String::from("default"));
        }
        options.push(String::from("deserialize_with = \"crate::models::lenient::deserialize\""));
    }
    field.attrs.retain(|attribute| !attribute.path().is_ident("serde"));
    if !options.is_empty() {
        let options = options.iter().map(|option| {
            option.parse::<proc_macro2::TokenStream>().expect("the options were tokens before")
        });
        field.attrs.push(syn::parse_quote! { #[serde(#(#options),*)] });
    }
}

/// The options of a field's `serde` attribute, as text.
fn serde_options(field: &Field) -> Option<Vec<String>> {
    let mut options = Vec::new();
    for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        let parser = syn::punctuated::Punctuated::<syn::Meta, syn::Token![,]>::parse_terminated;
        let metas = attribute.parse_args_with(parser).ok()?;
        options.extend(metas.iter().map(|meta| quote! { #meta }.to_string()));
    }
    Some(options)
}

fn is_extra(field: &Field) -> bool {
    field.ident.as_ref().is_some_and(|name| name == "extra")
        && (outer(&field.ty) == "Map" || first_argument(&field.ty).is_some_and(|inner| outer(inner) == "Map"))
}

fn wire_name(field: &Field) -> Option<String> {
    let options = serde_options(field)?;
    let renamed = options
        .iter()
        .find_map(|option| option.strip_prefix("rename = ").map(|name| name.trim_matches('"').to_owned()));
    renamed.or_else(|| field.ident.as_ref().map(ToString::to_string))
}

fn outer(ty: &Type) -> String {
    match ty {
        Type::Path(path) => last_name(&path.path),
        _ => String::new(),
    }
}

fn first_argument(ty: &Type) -> Option<&Type> {
    arguments(ty).into_iter().next()
}

fn arguments(ty: &Type) -> Vec<&Type> {
    let Type::Path(path) = ty else { return Vec::new() };
    let Some(segment) = path.path.segments.last() else { return Vec::new() };
    let syn::PathArguments::AngleBracketed(arguments) = &segment.arguments else { return Vec::new() };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        syn::GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    types.collect()
}

fn is_text(ty: &Type) -> bool {
    match outer(ty).as_str() {
        "String" => true,
        "Option" => first_argument(ty).is_some_and(is_text),
        _ => false,
    }
}

fn holds_numbers(ty: &Type) -> bool {
    match outer(ty).as_str() {
        "i64" | "i32" | "u64" | "u32" | "f64" => true,
        "Option" | "Vec" => first_argument(ty).is_some_and(holds_numbers),
        "IndexMap" => arguments(ty).last().is_some_and(|ty| holds_numbers(ty)),
        _ => false,
    }
}

fn has_default(ty: &Type) -> bool {
    matches!(outer(ty).as_str(), "Option" | "Patch" | "Extra")
}

fn rewrite_derives(attributes: &mut Vec<syn::Attribute>, default: bool) {
    attributes.retain(|attribute| !attribute.path().is_ident("derive"));
    attributes.push(if default {
        syn::parse_quote! { #[derive(Clone, Default, ::serde::Deserialize, ::serde::Serialize)] }
    } else {
        syn::parse_quote! { #[derive(Clone, ::serde::Deserialize, ::serde::Serialize)] }
    });
}

/// Takes the JSON schema out of the documentation of a type.
fn tidy_docs(item: &mut Item) {
    let (attributes, name) = match item {
        Item::Struct(item) => (&mut item.attrs, item.ident.to_string()),
        Item::Enum(item) => (&mut item.attrs, item.ident.to_string()),
        _ => return,
    };
    let texts = attributes.iter().filter_map(|attribute| match &attribute.meta {
        syn::Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    });
    let text = texts.collect::<Vec<_>>().join("\n");
    let text = text.split("<details>").next().unwrap_or_default().trim();
    let text = text.trim_matches('`').to_owned();
    attributes.retain(|attribute| !attribute.path().is_ident("doc"));
    let text = if text.is_empty() || text == name { format!("The model `{name}`.") } else { text };
    attributes.splice(0..0, text.lines().map(doc));
}

fn enumerations(document: &Document) -> anyhow::Result<Vec<Item>> {
    let mut items: Vec<Item> = vec![syn::parse_quote! { use crate::models::open_enum; }];
    for (name, schema) in document.schemas() {
        let Some(values) = schema.get("enum").and_then(Value::as_array) else { continue };
        let mut variants = BTreeMap::new();
        let mut arms = Vec::new();
        for value in values.iter().filter_map(Value::as_str) {
            let variant = variant_name(value);
            let taken = variants.insert(variant.clone(), value);
            ensure!(
                taken.is_none(),
                "the values {taken:?} and {value:?} of {name} have the same name in Rust"
            );
            let variant = format_ident!("{variant}");
            arms.push(quote! { #variant = #value });
        }
        let ident = format_ident!("{name}");
        let about = schema["description"].as_str().map(doc);
        items.push(syn::parse_quote! { open_enum! { #about #ident { #(#arms,)* } } });
    }
    Ok(items)
}

/// What Rust calls a value of an enumeration.
fn variant_name(value: &str) -> String {
    let name = value.replace(|c: char| !c.is_alphanumeric(), "-").to_pascal_case();
    match name.chars().next() {
        None => String::from("Empty"),
        Some(first) if first.is_ascii_digit() => format!("N{name}"),
        Some(_) if name == "Self" || name == "Unrecognized" => format!("{name}_"),
        Some(_) => name,
    }
}

fn unions(document: &Document) -> anyhow::Result<Vec<Item>> {
    let mut items: Vec<Item> = vec![
        syn::parse_quote! { use crate::models::{json_union, tagged_union}; },
        syn::parse_quote! { use super::*; },
    ];
    for (name, schema) in document.schemas() {
        let ident = format_ident!("{name}");
        if let Some(parts) = schema.get("x-flywheel-union").and_then(Value::as_array) {
            let has_object = parts.iter().any(|part| document.kind(part) == Kind::Object);
            let variants = parts.iter().map(|part| {
                let listing = part.get("x-rust-type").is_some() && document.kind(part) == Kind::Array;
                let kind = document.kind(part).name();
                let variant = format_ident!("{}", kind_variant(kind));
                let kind = format_ident!("{}", if listing && !has_object { "listing" } else { kind });
                let ty = rust_type(part);
                quote! { #variant: #kind(#ty) }
            });
            items.push(syn::parse_quote! { json_union! { #ident { #(#variants,)* } } });
        }
        if let Some(variants) = schema.get("x-flywheel-tagged").and_then(Value::as_object) {
            let keys = schema["x-flywheel-tags"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let variants = variants.iter().map(|(tag, model)| {
                let (variant, ty) = (format_ident!("{}", variant_name(tag)), rust_type(model));
                quote! { #variant = #tag(#ty) }
            });
            items.push(syn::parse_quote! { tagged_union! { #ident by [#(#keys),*] { #(#variants,)* } } });
        }
    }
    Ok(items)
}

fn kind_variant(kind: &str) -> &'static str {
    match kind {
        "array" => "List",
        "object" => "Object",
        "string" => "Text",
        "boolean" => "Flag",
        _ => "Number",
    }
}

/// The Rust type of a schema that is a member of a union.
fn rust_type(schema: &Value) -> Type {
    if let Some(name) = reference(schema) {
        let name = format_ident!("{name}");
        return syn::parse_quote! { #name };
    }
    if let Some(path) = schema.pointer("/x-rust-type/path").and_then(Value::as_str) {
        let path: syn::Path =
            syn::parse_str(&path.replace("flywheel_api::", "crate::")).expect("a path written by a step");
        let parameters =
            schema.pointer("/x-rust-type/parameters").and_then(Value::as_array).into_iter().flatten();
        let parameters = parameters.map(rust_type).collect::<Vec<_>>();
        return if parameters.is_empty() {
            syn::parse_quote! { #path }
        } else {
            syn::parse_quote! { #path<#(#parameters),*> }
        };
    }
    let inner =
        |key: &str| schema.get(key).map_or_else(|| syn::parse_quote! { serde_json::Value }, rust_type);
    match schema["type"].as_str() {
        Some("array") => {
            let item = inner("items");
            syn::parse_quote! { Vec<#item> }
        }
        Some("object") => {
            let value = inner("additionalProperties");
            syn::parse_quote! { indexmap::IndexMap<String, #value> }
        }
        Some("string") => syn::parse_quote! { String },
        Some("boolean") => syn::parse_quote! { bool },
        Some("integer") => syn::parse_quote! { i64 },
        Some("number") => syn::parse_quote! { f64 },
        _ => syn::parse_quote! { serde_json::Value },
    }
}

fn aliases(document: &Document) -> Vec<Item> {
    let aliases = document.root["x-flywheel-aliases"].as_object().into_iter().flatten();
    let items = aliases.filter_map(|(alias, model)| {
        let alias = format_ident!("{alias}");
        let Some(target) = model.as_str() else {
            let about = doc("Any JSON.");
            return Some(syn::parse_quote! { #about pub type #alias = ::serde_json::Value; });
        };
        document.schemas().get(target)?;
        let (about, model) = (doc(&format!("Another name of [`{target}`].")), format_ident!("{target}"));
        Some(syn::parse_quote! { #about pub type #alias = #model; })
    });
    items.collect()
}
