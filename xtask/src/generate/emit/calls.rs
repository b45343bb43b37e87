//! The builders of calls: progenitor's fields and setters, with a `send` that goes through `support::call`.

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};
use quote::{ToTokens, format_ident, quote};
use syn::visit_mut::VisitMut;
use syn::{Expr, ImplItem, ImplItemFn, Item, ItemImpl, ItemStruct, ReturnType, Stmt, Type};

use super::{InThisCrate, doc, impl_target, last_name};
use crate::generate::operations::{Answer, Body, Operation};

/// The calls of one tag.
pub(crate) struct Module {
    /// The tag in the description.
    pub(crate) tag: String,
    /// The name of the module.
    pub(crate) name: String,
    /// Its items.
    pub(crate) items: Vec<Item>,
}

/// Puts the builders into one module a tag, with the methods of the client that start them.
pub(crate) fn modules(builders: Vec<Item>, operations: &[Operation]) -> anyhow::Result<Vec<Module>> {
    let mut builders = Builder::collect(builders)?;
    let mut by_tag = BTreeMap::<&str, Vec<&Operation>>::new();
    for operation in operations {
        by_tag.entry(&operation.tag).or_default().push(operation);
    }
    let modules = by_tag.into_iter().map(|(tag, operations)| {
        let mut items: Vec<Item> = vec![
            syn::parse_quote! { use crate::generated::operations::OperationId; },
            syn::parse_quote! { use crate::generated::types; },
            syn::parse_quote! { use crate::support::call::{Call, optional, required}; },
            syn::parse_quote! { use crate::support::response::{ByteStream, ResponseValue}; },
            syn::parse_quote! { use crate::{Client, Error}; },
        ];
        let methods = operations.iter().map(|operation| method(operation)).collect::<Vec<_>>();
        let about = doc(&format!("The area `{tag}`."));
        items.push(syn::parse_quote! { #about impl Client { #(#methods)* } });
        for operation in &operations {
            let name = operation.variant();
            let builder =
                builders.remove(&name).with_context(|| format!("progenitor made no builder {name}"))?;
            items.extend(builder.items(operation).with_context(|| format!("the builder {name}"))?);
        }
        let name = operations.first().map(|operation| operation.module()).context("a tag has operations")?;
        Ok(Module { tag: tag.to_owned(), name, items })
    });
    let modules = modules.collect::<anyhow::Result<Vec<_>>>()?;
    let left = builders.keys().cloned().collect::<Vec<_>>();
    ensure!(left.is_empty(), "builders without an operation: {}", left.join(", "));
    Ok(modules)
}

/// The method of the client that starts a call.
fn method(operation: &Operation) -> ImplItemFn {
    let (name, builder) =
        (format_ident!("{}", operation.method_name()), format_ident!("{}", operation.variant()));
    let mut docs = Vec::new();
    if let Some(summary) = &operation.summary {
        docs.extend([doc(summary), doc("")]);
    }
    docs.push(doc(&format!("`{} {}`", operation.method, operation.path)));
    if let Some(description) = &operation.description {
        docs.push(doc(""));
        docs.extend(description.lines().map(doc));
    }
    if operation.deprecated {
        docs.extend([doc(""), doc("Deprecated: the platform means to drop it.")]);
    }
    syn::parse_quote! {
        #(#docs)*
        pub fn #name(&self) -> #builder<'_> {
            #builder::new(self)
        }
    }
}

/// A builder as progenitor writes it.
struct Builder {
    definition: ItemStruct,
    implementation: ItemImpl,
}

impl Builder {
    fn collect(items: Vec<Item>) -> anyhow::Result<BTreeMap<String, Self>> {
        let mut definitions = BTreeMap::new();
        let mut found = BTreeMap::new();
        for item in items {
            match item {
                Item::Struct(definition) => {
                    drop(definitions.insert(definition.ident.to_string(), definition))
                }
                Item::Impl(implementation) => {
                    let name = impl_target(&implementation).context("an impl for no named type")?;
                    let definition =
                        definitions.remove(&name).with_context(|| format!("{name} has no definition"))?;
                    found.insert(name, Self { definition, implementation });
                }
                Item::Use(_) => {}
                other => bail!("an unexpected item among the builders: {}", quote! { #other }),
            }
        }
        Ok(found)
    }

    fn items(self, operation: &Operation) -> anyhow::Result<[Item; 2]> {
        let Self { mut definition, mut implementation } = self;
        definition
            .attrs
            .retain(|attribute| !attribute.path().is_ident("doc") && !attribute.path().is_ident("derive"));
        let about = doc(&format!(
            "The call [`Client::{}`]: `{} {}`.",
            operation.method_name(),
            operation.method,
            operation.path
        ));
        definition.attrs.insert(0, about);
        definition.attrs.push(syn::parse_quote! { #[must_use = "nothing is sent before `send`"] });
        let fields =
            definition.fields.iter().filter_map(|field| field.ident.as_ref().map(ToString::to_string));
        let fields = fields.collect::<Vec<_>>();
        let client = client_field(&definition).context("no field of the client")?;
        for item in &mut implementation.items {
            let ImplItem::Fn(function) = item else { continue };
            match function.sig.ident.to_string().as_str() {
                "send" => *function = send(function, operation, &client, &fields)?,
                "new" => function.vis = syn::parse_quote! { pub(crate) },
                name => {
                    function.attrs = setter_doc(operation, name).lines().map(doc).collect();
                    shorten_setter(function);
                }
            }
        }
        let mut items = [Item::Struct(definition), Item::Impl(implementation)];
        for item in &mut items {
            InThisCrate.visit_item_mut(item);
            FormBody(operation.body == Body::Multipart).visit_item_mut(item);
            ClientPath.visit_item_mut(item);
        }
        Ok(items)
    }
}

/// Hands the conversion of a value to `support::call`; bodies keep progenitor's own conversion.
fn shorten_setter(function: &mut ImplItemFn) {
    let name = function.sig.ident.clone();
    let text = name.to_string();
    let tokens = function.block.to_token_stream().to_string();
    if tokens.contains("format !") || text == "body_map" {
        return;
    }
    let helper = if tokens.contains("map (Some)") {
        quote! { optional }
    } else {
        quote! { required }
    };
    function.block = syn::parse_quote! {{
        self.#name = #helper(#text, value);
        self
    }};
}

fn client_field(definition: &ItemStruct) -> Option<syn::Ident> {
    let field = definition.fields.iter().find(|field| matches!(field.ty, Type::Reference(_)))?;
    field.ident.clone()
}

fn setter_doc(operation: &Operation, name: &str) -> String {
    match operation.parameters.iter().find(|parameter| parameter.rust == name) {
        Some(parameter) => {
            let need = if parameter.required { ", which has to be given" } else { "" };
            let place = format!("Sets `{}` in the {}{need}.", parameter.wire, parameter.place);
            match &parameter.description {
                Some(description) => format!("{place}\n\n{description}"),
                None => place,
            }
        }
        None if name == "body_map" => String::from("Changes the body in place."),
        None => String::from("Sets the body."),
    }
}

/// Writes `send`: every parameter to its place, the body, and the way in which the answer is read.
fn send(
    function: &ImplItemFn,
    operation: &Operation,
    client: &syn::Ident,
    fields: &[String],
) -> anyhow::Result<ImplItemFn> {
    let answer = answer_type(&function.sig.output).context("`send` returns no ResponseValue")?;
    let destructured = fields.iter().map(|field| format_ident!("{field}"));
    let id = format_ident!("{}", operation.variant());
    // A field may be called `call`.
    let call = if fields.iter().any(|field| field == "call") {
        format_ident!("call_")
    } else {
        format_ident!("call")
    };
    let parameters = operation.parameters.iter().map(|parameter| {
        ensure!(
            fields.contains(&parameter.rust),
            "no field `{}` for the parameter `{}`",
            parameter.rust,
            parameter.wire
        );
        let (field, wire) = (format_ident!("{}", parameter.rust), &parameter.wire);
        Ok(match (parameter.place.as_str(), parameter.required) {
            ("path", _) => quote! { #call.path(#wire, #field)?; },
            ("header", true) => quote! { #call.header(#wire, #field.map(Some))?; },
            ("header", false) => quote! { #call.header(#wire, #field)?; },
            _ => quote! { #call.query(#wire, #field)?; },
        })
    });
    let parameters = parameters.collect::<anyhow::Result<Vec<_>>>()?;
    let used = operation.parameters.len() + usize::from(operation.body != Body::None) + 1;
    ensure!(fields.len() == used, "{} fields for {used} values: two share a name", fields.len());
    let body = match operation.body {
        Body::None => None,
        Body::Multipart => Some(quote! { #call.form(body)?; }),
        Body::Json => {
            let body = body_value(function).context("`send` does not take the body apart")?;
            Some(quote! { #call.json(#body)?; })
        }
    };
    let read = match operation.answer {
        Answer::Empty => quote! { empty },
        Answer::Document => quote! { answer },
        Answer::Listing => quote! { listing },
        Answer::Text => quote! { text },
        Answer::Stream => quote! { stream },
    };
    let start = if fields.len() > 1 {
        quote! { let mut #call }
    } else {
        quote! { let #call }
    };
    let start = quote! { #start = Call::new(#client, OperationId::#id.operation()); };
    let about = format!("Sends `{} {}`.", operation.method, operation.path);
    let docs = [
        doc(&about),
        doc(""),
        doc("# Errors"),
        doc(""),
        doc("When a parameter is missing or cannot be sent, and when the site refuses or cannot be reached."),
    ];
    Ok(syn::parse_quote! {
        #(#docs)*
        pub async fn send(self) -> Result<ResponseValue<#answer>, Error> {
            let Self { #(#destructured),* } = self;
            #start
            #(#parameters)*
            #body
            #call.#read().await
        }
    })
}

/// `T` of `Result<ResponseValue<T>, Error<E>>`.
fn answer_type(output: &ReturnType) -> Option<Type> {
    let ReturnType::Type(_, result) = output else { return None };
    first_argument(&first_argument(result, "Result")?, "ResponseValue")
}

fn first_argument(ty: &Type, name: &str) -> Option<Type> {
    let Type::Path(path) = ty else { return None };
    let segment = path.path.segments.last().filter(|segment| segment.ident == name)?;
    let syn::PathArguments::AngleBracketed(arguments) = &segment.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        syn::GenericArgument::Type(ty) => Some(ty.clone()),
        _ => None,
    })
}

/// The expression that makes the body out of its field: what progenitor writes before `.map_err(..)?`.
fn body_value(function: &ImplItemFn) -> Option<Expr> {
    function.block.stmts.iter().find_map(|statement| {
        let Stmt::Local(local) = statement else { return None };
        let syn::Pat::Ident(name) = &local.pat else { return None };
        let Expr::Try(value) = local.init.as_ref()?.expr.as_ref() else { return None };
        let Expr::MethodCall(mapped) = value.expr.as_ref() else { return None };
        (name.ident == "body" && mapped.method == "map_err").then(|| (*mapped.receiver).clone())
    })
}

/// Makes the raw body of a multipart operation a form, and words what progenitor says of a missing value.
struct FormBody(bool);

impl VisitMut for FormBody {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        let raw = matches!(ty, Type::Path(path) if last_name(&path.path) == "Body");
        if self.0 && raw {
            *ty = syn::parse_quote! { crate::support::multipart::Form };
        }
        syn::visit_mut::visit_type_mut(self, ty);
    }

    fn visit_lit_str_mut(&mut self, text: &mut syn::LitStr) {
        if let Some(name) = text.value().strip_suffix(" was not initialized") {
            *text = syn::LitStr::new(&format!("{name} is missing"), text.span());
        }
        if self.0 && text.value().contains("`reqwest::Body`") {
            *text = syn::LitStr::new(&text.value().replace("`reqwest::Body`", "`Form`"), text.span());
        }
    }
}

/// Writes `Client` where progenitor writes `super::Client`.
struct ClientPath;

impl VisitMut for ClientPath {
    fn visit_path_mut(&mut self, path: &mut syn::Path) {
        let names = path.segments.iter().map(|segment| segment.ident.to_string()).collect::<Vec<_>>();
        if names == ["super", "Client"] {
            *path = syn::parse_quote! { Client };
        }
        syn::visit_mut::visit_path_mut(self, path);
    }
}
