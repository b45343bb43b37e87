//! Where the ergonomic crate calls which operation, read from its syntax trees.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use heck::ToUpperCamelCase;
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::{self, Visit};

use super::Operation;

/// A place that calls an operation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// `Type::function`, `function`, or `table.Kind.field` for a table that a macro fills.
    pub(crate) name: String,
    /// Whether users can call it.
    pub(crate) public: bool,
}

/// The places of each operation that is called at all.
pub(crate) type Calls = BTreeMap<String, BTreeSet<Place>>;

/// Reads every module below a folder, those of tests left out.
///
/// # Errors
/// When a file cannot be read or is no Rust.
pub(crate) fn calls(folder: &Path, operations: &[Operation]) -> Result<Calls> {
    let names = operations.iter().map(|operation| (operation.id.to_upper_camel_case(), operation.id.clone()));
    let names: BTreeMap<String, String> = names.collect();
    let mut calls = Calls::new();
    for path in modules(folder)? {
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let file = syn::parse_file(&text).with_context(|| format!("{} is no Rust", path.display()))?;
        let mut reader = Reader { names: &names, calls: &mut calls, of: None, shown: true };
        reader.visit_file(&file);
    }
    Ok(calls)
}

fn modules(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("{} cannot be listed", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if name == "tests" {
            continue;
        }
        if path.is_dir() {
            found.extend(modules(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

struct Reader<'a> {
    /// Operation ids by their names in the operation table.
    names: &'a BTreeMap<String, String>,
    calls: &'a mut Calls,
    /// The type or trait that is being read.
    of: Option<String>,
    /// Whether functions there can be called by users without being marked so (those of traits).
    shown: bool,
}

impl Reader<'_> {
    /// Notes the operations that a function's tokens name.
    fn function(&mut self, name: &str, public: bool, body: TokenStream) {
        let name = match &self.of {
            Some(of) => format!("{of}::{name}"),
            None => name.to_owned(),
        };
        let mut named = Vec::new();
        after_table(body, &mut named);
        for operation in named.iter().filter_map(|name| self.names.get(name)) {
            let place = Place { name: name.clone(), public };
            self.calls.entry(operation.clone()).or_default().insert(place);
        }
    }

    fn within(&mut self, of: Option<String>, shown: bool, read: impl FnOnce(&mut Self)) {
        let before = (std::mem::replace(&mut self.of, of), std::mem::replace(&mut self.shown, shown));
        read(self);
        (self.of, self.shown) = before;
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !item.attrs.iter().any(|attribute| attribute.to_token_stream().to_string().contains("cfg (test)"))
        {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let name = |path: &syn::Path| path.segments.last().map(|segment| segment.ident.to_string());
        let of = match (&item.trait_, item.self_ty.as_ref()) {
            (Some((_, path, _)), _) => name(path),
            (None, syn::Type::Path(path)) => name(&path.path),
            (None, _) => None,
        };
        self.within(of, item.trait_.is_some(), |reader| visit::visit_item_impl(reader, item));
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        let shown = matches!(item.vis, syn::Visibility::Public(_));
        self.within(Some(item.ident.to_string()), shown, |reader| visit::visit_item_trait(reader, item));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        let public = self.shown || matches!(item.vis, syn::Visibility::Public(_));
        self.function(&item.sig.ident.to_string(), public, item.block.to_token_stream());
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.function(&item.sig.ident.to_string(), self.shown, item.default.to_token_stream());
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        let public = matches!(item.vis, syn::Visibility::Public(_));
        self.function(&item.sig.ident.to_string(), public, item.block.to_token_stream());
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        match (&item.ident, item.mac.path.get_ident()) {
            // What a macro defines for several types has no syntax tree of its own.
            (Some(defined), _) => self.function(&format!("{defined}!"), false, item.mac.tokens.clone()),
            (None, Some(table)) => self.table(&table.to_string(), item.mac.tokens.clone()),
            (None, None) => {}
        }
    }
}

impl Reader<'_> {
    /// Notes the entries `field: Operation` of a table, and what functions inside it name.
    fn table(&mut self, table: &str, tokens: TokenStream) {
        let mut kind = String::new();
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => kind = ident.to_string(),
                TokenTree::Group(group) => self.entries(&format!("{table}.{kind}"), group.stream()),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }

    fn entries(&mut self, table: &str, tokens: TokenStream) {
        let mut last = [String::new(), String::new()];
        for token in tokens {
            if let TokenTree::Group(group) = &token {
                self.entries(table, group.stream());
            }
            let word = token.to_string();
            if let (":", Some(operation)) = (last[1].as_str(), self.names.get(&word)) {
                let place = Place { name: format!("{table}.{}", last[0]), public: false };
                self.calls.entry(operation.clone()).or_default().insert(place);
            }
            last = [std::mem::take(&mut last[1]), word];
        }
    }
}

/// Every `Name` after `OperationId::`.
fn after_table(tokens: TokenStream, found: &mut Vec<String>) {
    let mut words: Vec<String> = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                after_table(group.stream(), found);
                words.clear();
            }
            token => {
                let word = token.to_string();
                if let [.., table, first, second] = words.as_slice()
                    && table == "OperationId"
                    && first == ":"
                    && second == ":"
                {
                    found.push(word.clone());
                }
                words.push(word);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(source: &str) -> Vec<(String, String, bool)> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("lib.rs"), source).unwrap();
        let operation = |id: &str| Operation { id: id.to_owned(), tag: String::new(), route: String::new() };
        let calls = calls(folder.path(), &[operation("get_a"), operation("add_b")]).unwrap();
        let places =
            calls.into_iter().flat_map(|(id, places)| places.into_iter().map(move |p| (id.clone(), p)));
        places.map(|(id, place)| (id, place.name, place.public)).collect()
    }

    #[test]
    fn a_call_is_found_in_the_method_that_makes_it() {
        let found = read(
            "impl A { pub fn read(&self) { Call::new(OperationId::GetA) } fn own(&self) { x(OperationId::AddB) } }",
        );
        let expected = [("add_b".into(), "A::own".into(), false), ("get_a".into(), "A::read".into(), true)];
        assert_eq!(found, expected);
    }

    #[test]
    fn an_entry_of_a_table_names_its_kind_and_field() {
        let found = read("routes! { struct { get, } A { get: GetA, add: AddB, } }");
        let expected =
            [("add_b".into(), "routes.A.add".into(), false), ("get_a".into(), "routes.A.get".into(), false)];
        assert_eq!(found, expected);
    }

    #[test]
    fn tests_call_nothing() {
        assert!(read("#[cfg(test)] mod tests { fn f() { OperationId::GetA; } }").is_empty());
    }
}
