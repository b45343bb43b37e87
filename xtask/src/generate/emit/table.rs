//! The operation table: `OperationId` and a row for each.

use quote::{format_ident, quote};
use syn::Item;

use super::doc;
use crate::generate::decisions::Paging;
use crate::generate::operations::{Answer, Body, Operation};

/// The items of `operations.rs`.
pub(crate) fn items(operations: &[Operation]) -> Vec<Item> {
    let mut operations = operations.iter().collect::<Vec<_>>();
    operations.sort_by_key(|operation| operation.variant());
    let count = operations.len();
    let variants = operations.iter().map(|operation| {
        let doc = doc(&format!("`{} {}`", operation.method, operation.path));
        let name = format_ident!("{}", operation.variant());
        quote! { #doc #name }
    });
    let names = operations.iter().map(|operation| format_ident!("{}", operation.variant()));
    let rows = operations.iter().map(|operation| row(operation));
    let file: syn::File = syn::parse_quote! {
        use crate::operation::{AnswerKind, BodyKind, Constant, Field, Operation, Paging, Parameter, Place, Source};

        /// Every operation of the API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum OperationId {
            #(#variants,)*
        }

        impl OperationId {
            /// Every operation, in the order of their names.
            pub const ALL: [Self; #count] = [#(Self::#names),*];

            /// The row of the operation.
            pub fn operation(self) -> &'static Operation {
                &OPERATIONS[self as usize]
            }
        }

        /// The rows, in the order of `OperationId`.
        static OPERATIONS: [Operation; #count] = [#(#rows),*];
    };
    file.items
}

fn row(operation: &Operation) -> proc_macro2::TokenStream {
    let Operation { id: name, path, tag, decision, .. } = operation;
    let id = format_ident!("{}", operation.variant());
    let method = format_ident!("{}", operation.method);
    let (idempotent, streaming) = (decision.idempotent, decision.streaming);
    let paging = match decision.paging {
        None | Some(Paging::Whole) => quote! { Paging::None },
        Some(Paging::Cursor) => quote! { Paging::Cursor },
        Some(Paging::Numbered) => quote! { Paging::Numbered },
    };
    let answer = match operation.answer {
        Answer::Empty => quote! { AnswerKind::Empty },
        Answer::Document => quote! { AnswerKind::Document },
        Answer::Listing => quote! { AnswerKind::List },
        Answer::Text => quote! { AnswerKind::Text },
        Answer::Stream => quote! { AnswerKind::Bytes },
    };
    let body = match operation.body {
        Body::None => quote! { BodyKind::None },
        Body::Json => quote! { BodyKind::Json },
        Body::Multipart => quote! { BodyKind::Multipart },
    };
    let place = |place: &str| match place {
        "path" => quote! { Place::Path },
        "header" => quote! { Place::Header },
        _ => quote! { Place::Query },
    };
    let parameters = operation.parameters.iter().map(|parameter| {
        let (name, place, required) = (&parameter.wire, place(&parameter.place), parameter.required);
        quote! { Parameter::new(#name, #place, #required) }
    });
    let form = operation.form.iter().map(|field| {
        let (name, file, required) = (&field.name, field.file, field.required);
        quote! { Field::new(#name, #file, #required) }
    });
    let constants = operation.constants.iter().map(|constant| {
        let (name, value, replaceable) = (&constant.name, &constant.value, constant.replaceable);
        let place = place(constant.place);
        quote! { Constant::new(#name, #place, #value, #replaceable) }
    });
    let source = match operation.source.as_str() {
        "client" => quote! { Source::Client },
        "unwrapped" => quote! { Source::Unwrapped },
        "document" => quote! { Source::Document },
        _ => quote! { Source::Wheel },
    };
    quote! {
        Operation {
            id: OperationId::#id,
            name: #name,
            method: http::Method::#method,
            path: #path,
            tag: #tag,
            idempotent: #idempotent,
            paging: #paging,
            streaming: #streaming,
            body: #body,
            answer: #answer,
            parameters: &[#(#parameters),*],
            form: &[#(#form),*],
            constants: &[#(#constants),*],
            source: #source,
        }
    }
}
