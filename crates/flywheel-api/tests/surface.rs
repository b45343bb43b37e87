//! The operation table and the public surface, as snapshots: a change of the description shows here first.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use flywheel_api::OperationId;
use flywheel_api::operation::{Operation, Place};
use quote::ToTokens;
use syn::{FnArg, ImplItem, ImplItemFn, Item, ReturnType};

fn row(operation: &Operation) -> String {
    let names = |place: Place| {
        let parameters = operation.parameters_in(place).filter(|_| place != Place::Path);
        let names = parameters
            .map(|parameter| format!("{}{}", parameter.name, if parameter.required { "!" } else { "" }));
        names.collect::<Vec<_>>().join(" ")
    };
    let fields = operation.form.iter().map(|field| {
        format!(
            "{}{}{}",
            field.name,
            if field.file { " (file)" } else { "" },
            if field.required { "!" } else { "" }
        )
    });
    let constants = operation.constants.iter().map(|constant| {
        format!("{}={:?}{}", constant.name, constant.value, if constant.replaceable { "?" } else { "" })
    });
    let flags = [("idempotent", operation.idempotent), ("streaming", operation.streaming)];
    let flags = flags.into_iter().filter(|(_, set)| *set).map(|(name, _)| name.to_owned());
    let mut facts = flags.collect::<Vec<_>>();
    facts.push(format!("paging {:?}", operation.paging));
    facts.push(format!("body {:?}", operation.body));
    facts.push(format!("{:?}", operation.source));
    let mut line = format!(
        "{} {} {} [{}]: {}",
        operation.name,
        operation.method,
        operation.path,
        operation.tag,
        facts.join(", ")
    );
    for (title, text) in [
        ("query", names(Place::Query)),
        ("header", names(Place::Header)),
        ("form", fields.collect::<Vec<_>>().join(" ")),
        ("constants", constants.collect::<Vec<_>>().join(" ")),
    ] {
        if !text.is_empty() {
            line.push_str(&format!("\n    {title}: {text}"));
        }
    }
    line
}

#[test]
fn operation_table() {
    let rows = OperationId::ALL.map(|id| row(id.operation()));
    insta::assert_snapshot!(rows.join("\n"));
}

/// Every method of the client with the setters of its builder and the type of its answer, by tag.
#[test]
fn public_surface() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/generated/calls");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.file_stem().unwrap() != "mod");
    let mut files = files.collect::<Vec<PathBuf>>();
    files.sort();
    assert!(!files.is_empty());
    for path in files {
        let tag = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let file = syn::parse_file(&std::fs::read_to_string(&path).unwrap()).unwrap();
        insta::with_settings!({ snapshot_suffix => tag }, {
            insta::assert_snapshot!("surface", surface(&file));
        });
    }
}

fn surface(file: &syn::File) -> String {
    let mut methods = Vec::new();
    let mut builders = BTreeMap::new();
    for item in &file.items {
        let Item::Impl(item) = item else { continue };
        let functions = item.items.iter().filter_map(|item| match item {
            ImplItem::Fn(function) if matches!(function.vis, syn::Visibility::Public(_)) => Some(function),
            _ => None,
        });
        let functions = functions.collect::<Vec<_>>();
        match item.self_ty.to_token_stream().to_string().as_str() {
            "Client" => methods.extend(functions),
            builder => drop(builders.insert(builder.split(' ').next().unwrap().to_owned(), functions)),
        }
    }
    methods.sort_by_key(|method| method.sig.ident.to_string());
    let lines = methods.iter().map(|method| {
        let builder = answer(method);
        let functions = &builders[builder.split('<').next().unwrap()];
        let setters = functions
            .iter()
            .filter(|function| function.sig.asyncness.is_none())
            .filter_map(|function| setter(function));
        let send = functions.iter().find(|function| function.sig.ident == "send").unwrap();
        let answer = answer(send).replace(",>", ">");
        let answer = answer
            .strip_prefix("Result<ResponseValue<")
            .and_then(|answer| answer.strip_suffix(">,Error>"))
            .unwrap();
        format!("{}({}) -> {answer}", method.sig.ident, setters.collect::<Vec<_>>().join(", "))
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn answer(function: &ImplItemFn) -> String {
    let ReturnType::Type(_, ty) = &function.sig.output else { return String::new() };
    short(&ty.to_token_stream().to_string())
}

/// `name: Type` of a setter that takes what becomes a `Type`.
fn setter(function: &ImplItemFn) -> Option<String> {
    let FnArg::Typed(_) = function.sig.inputs.iter().nth(1)? else { return None };
    let bound =
        function.sig.generics.where_clause.as_ref()?.predicates.first()?.to_token_stream().to_string();
    let ty = bound.split_once("TryInto <")?.1.rsplit_once('>')?.0.to_owned();
    Some(format!("{}: {}", function.sig.ident, short(&ty)))
}

fn short(ty: &str) -> String {
    let ty = ty.replace(' ', "");
    ["::std::string::", "::std::option::", "::std::vec::", "::serde_json::", "crate::", "types::", "models::"]
        .iter()
        .fold(ty, |ty, prefix| ty.replace(prefix, ""))
}
