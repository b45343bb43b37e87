//! Parameters: names that collide, lists in headers, defaults.

use serde_json::{Value, json};

use crate::generate::document::Document;

fn parameters(document: &mut Document) -> impl Iterator<Item = &mut Vec<Value>> {
    document.operations_mut().filter_map(|(_, _, operation)| operation.get_mut("parameters")?.as_array_mut())
}

/// Gives a header another name in Rust when a parameter elsewhere has its name; `x-flywheel-wire-name` keeps the
/// name that is sent.
pub(crate) fn tell_apart(document: &mut Document) -> anyhow::Result<usize> {
    use heck::ToSnakeCase;
    let rust_name = |parameter: &Value| parameter["name"].as_str().unwrap_or_default().to_snake_case();
    let mut count = 0;
    for parameters in parameters(document) {
        let others = parameters.iter().filter(|parameter| parameter["in"] != "header").map(rust_name);
        let others = others.collect::<Vec<_>>();
        let headers = parameters.iter_mut().filter(|parameter| parameter["in"] == "header");
        for header in headers.filter(|header| others.contains(&rust_name(header))) {
            let wire = header["name"].clone();
            header["name"] = format!("{}_header", wire.as_str().unwrap_or_default()).into();
            header["x-flywheel-wire-name"] = wire;
            count += 1;
        }
    }
    Ok(count)
}

/// Makes lists in headers texts.
pub(crate) fn header_lists(document: &mut Document) -> anyhow::Result<usize> {
    let parameters = parameters(document).flatten();
    let lists =
        parameters.filter(|parameter| parameter["in"] == "header" && parameter["schema"]["type"] == "array");
    Ok(lists.map(|parameter| parameter["schema"] = json!({ "type": "string" })).count())
}

/// Takes the defaults off parameters.
pub(crate) fn drop_defaults(document: &mut Document) -> anyhow::Result<usize> {
    let schemas =
        parameters(document).flatten().filter_map(|parameter| parameter.get_mut("schema")?.as_object_mut());
    Ok(schemas.filter_map(|schema| schema.shift_remove("default")).count())
}
