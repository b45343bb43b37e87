//! From the normalised description to Rust: progenitor writes the models and the builders, the passes here put
//! them on the raw crate's own support layer.

mod calls;
mod format;
mod models;
mod table;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use anyhow::{Context, anyhow};
use openapiv3::OpenAPI;
use progenitor::{CrateVers, GenerationSettings, Generator, InterfaceStyle};
use quote::quote;
use syn::Item;

use super::document::Document;
use super::operations::Operation;
use super::output::Files;

const FOLDER: &str = "crates/flywheel-api/src/generated";

/// Makes every generated file of the raw crate.
pub(crate) fn files(document: &Document, operations: &[Operation]) -> anyhow::Result<Files> {
    let code = Code::of(document)?;
    let mut files = Files::new();
    let mut add = |name: String, about: &str, items: Vec<Item>| {
        files.insert(PathBuf::from(FOLDER).join(name), format::file(about, &items));
    };
    let modules = calls::modules(code.builders, operations)?;
    let names = modules.iter().map(|module| quote::format_ident!("{}", module.name)).collect::<Vec<_>>();
    add(
        String::from("mod.rs"),
        "What `openapi/` says, as Rust: models, the operation table, one module of calls a tag.",
        parsed(quote! {
            mod calls;
            pub mod operations;
            pub mod types;

            /// Builders of calls, one an operation.
            pub mod builder {
                #(pub use super::calls::#names::*;)*
            }
        })?,
    );
    add(
        String::from("calls/mod.rs"),
        "The calls of the API by tag.",
        parsed(quote! { #(pub(crate) mod #names;)* })?,
    );
    for module in modules {
        let about = format!("The calls of the area `{}`.", module.tag);
        add(format!("calls/{}.rs", module.name), &about, module.items);
    }
    let models = models::files(document, code.types)?;
    for (name, about, items) in models {
        add(name, about, items);
    }
    add(String::from("operations.rs"), "The operation table.", table::items(operations));
    Ok(files)
}

/// What progenitor wrote, taken apart.
struct Code {
    types: Vec<Item>,
    builders: Vec<Item>,
}

impl Code {
    fn of(document: &Document) -> anyhow::Result<Self> {
        let api: OpenAPI = serde_json::from_value(document.root.clone())
            .context("the normalised description is no OpenAPI 3.0 document")?;
        let mut settings = GenerationSettings::new();
        settings
            .with_interface(InterfaceStyle::Builder)
            .with_crate("flywheel_api", CrateVers::Any, None)
            .with_map_type("::indexmap::IndexMap");
        let tokens = Generator::new(&settings)
            .generate_tokens(&api)
            .map_err(|error| anyhow!("progenitor: {error}"))?;
        let file = syn::parse2::<syn::File>(tokens).context("progenitor's code does not parse")?;
        let module = |name: &str| {
            let found = file.items.iter().find_map(|item| match item {
                Item::Mod(module) if module.ident == name => module.content.clone(),
                _ => None,
            });
            found.map(|(_, items)| items).with_context(|| format!("progenitor's code has no module `{name}`"))
        };
        Ok(Self { types: module("types")?, builders: module("builder")? })
    }
}

fn parsed(tokens: proc_macro2::TokenStream) -> anyhow::Result<Vec<Item>> {
    Ok(syn::parse2::<syn::File>(tokens)?.items)
}

/// Writes `crate::` where the generator names this crate from outside.
struct InThisCrate;

impl syn::visit_mut::VisitMut for InThisCrate {
    fn visit_path_mut(&mut self, path: &mut syn::Path) {
        if path.leading_colon.is_some()
            && path.segments.first().is_some_and(|first| first.ident == "flywheel_api")
        {
            path.leading_colon = None;
            path.segments[0] = syn::parse_quote! { crate };
        }
        syn::visit_mut::visit_path_mut(self, path);
    }
}

/// The last name of a path.
fn last_name(path: &syn::Path) -> String {
    path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default()
}

/// The name of the type that an `impl` is for.
fn impl_target(item: &syn::ItemImpl) -> Option<String> {
    match item.self_ty.as_ref() {
        syn::Type::Path(target) => Some(last_name(&target.path)),
        _ => None,
    }
}

/// A documentation attribute.
fn doc(text: &str) -> syn::Attribute {
    let text = format!(" {text}");
    let tokens = quote! { #[doc = #text] };
    syn::parse::Parser::parse2(syn::Attribute::parse_outer, tokens)
        .ok()
        .and_then(|mut attributes| attributes.pop())
        .expect("a documentation attribute parses")
}
