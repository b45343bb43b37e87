//! What the importer reads out of a wheel, shape by shape.

use serde_json::{Value, json};

use super::super::{Imported, read_bytes};
use super::tiny::{Tiny, method, method_accepting, model};

fn import(tiny: &Tiny) -> Imported {
    read_bytes(&tiny.bytes()).unwrap()
}

fn operation(tiny: &Tiny, path: &str, method: &str) -> Value {
    import(tiny).document["paths"][path][method].clone()
}

fn schema(tiny: &Tiny, name: &str) -> Value {
    import(tiny).document["components"]["schemas"][name].clone()
}

const ID: &str = "if 'thing_id' in params:\n    path_params['thing_id'] = params['thing_id']";
const REQUIRED_ID: &str =
    "if ('thing_id' not in params or params['thing_id'] is None):\n    raise ValueError('missing')";

#[test]
fn a_parameter_has_its_type_default_and_place() {
    let docs = ":param thing_id:\n:type thing_id: str\n:param limit: how many, defaults to 100\n:type limit: int, optional\n\
                :param tags:\n:type tags: list[str], optional\n:param x_accept_feature:, defaults to []\n:type x_accept_feature: list[str], optional";
    let statements = format!(
        "{REQUIRED_ID}\n{ID}\nif 'limit' in params:\n    query_params.append(('limit', params['limit']))\n\
         if 'tags' in params:\n    query_params.append(('tags', params['tags']))\n    collection_formats['tags'] = 'multi'\n\
         if 'x_accept_feature' in params:\n    header_params['x-accept-feature'] = params['x_accept_feature']\n    collection_formats['x-accept-feature'] = ''"
    );
    let tiny = Tiny::new(&[&method("get_thing", "GET", "/things/{thing_id}", docs, &statements, "'Thing'")]);
    insta::assert_json_snapshot!(operation(&tiny, "/things/{thing_id}", "get"));
}

#[test]
fn types_of_older_docstrings_are_read_too() {
    let docs = ":param list[Thing] body: the things (required)\n:param bool async: later\n:return: Thing";
    let statements = "if ('body' not in params or params['body'] is None):\n    raise ValueError('missing')\n\
                      if 'body' in params:\n    body_params = params['body']";
    let tiny = Tiny::new(&[&method("add_things", "POST", "/things", docs, statements, "None")]);
    let found = operation(&tiny, "/things", "post");
    let expected = json!({"type": "array", "items": {"$ref": "#/components/schemas/Thing"}});
    assert_eq!(
        found["requestBody"],
        json!({"required": true, "content": {"application/json": {"schema": expected}}})
    );
    assert_eq!(found["responses"], json!({"2XX": {"description": "Success"}}), "no type, no content");
}

#[test]
fn a_union_body_keeps_its_members_in_order() {
    let docs = ":param body:\n:type body: union[Other,Thing]";
    let statements = "if 'body' in params:\n    if 'union[Other,Thing]'.startswith('union'):\n        body_params = params['body']\n\
                      \x20   else:\n        body_params = flywheel.models.union[Other,Thing].positional_to_model(params['body'])";
    let tiny =
        Tiny::new(&[&method("add_thing", "POST", "/things", docs, statements, "'union[Thing,list[Thing]]'")])
            .with("flywheel/models/other.py", &model("Other", &[]));
    let found = operation(&tiny, "/things", "post");
    let reference = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    assert_eq!(
        found["requestBody"]["content"]["application/json"]["schema"],
        json!({"anyOf": [reference("Other"), reference("Thing")]})
    );
    assert_eq!(
        found["responses"]["2XX"]["content"]["application/json"]["schema"],
        json!({"anyOf": [reference("Thing"), {"type": "array", "items": reference("Thing")}]})
    );
}

#[test]
fn the_body_model_stands_in_the_code_when_the_docstring_is_silent() {
    let statements =
        "if 'body' in params:\n    body_params = flywheel.models.Thing.positional_to_model(params['body'])";
    let tiny = Tiny::new(&[&method("add_thing", "POST", "/things", "", statements, "'Thing'")]);
    let found = operation(&tiny, "/things", "post");
    assert_eq!(
        found["requestBody"]["content"]["application/json"]["schema"],
        json!({"$ref": "#/components/schemas/Thing"})
    );
}

#[test]
fn files_and_form_parts_are_one_multipart_body() {
    let docs = ":param file: the file\n:type file: str\n:param metadata:\n:type metadata: object, optional";
    let statements = "if ('file' not in params or params['file'] is None):\n    raise ValueError('missing')\n\
                      if 'file' in params:\n    local_var_files['file'] = params['file']\n\
                      if 'metadata' in params:\n    form_params.append(('metadata', params['metadata']))";
    let tiny =
        Tiny::new(&[&method("upload_thing", "POST", "/things/files", docs, statements, "'list[Thing]'")]);
    assert_eq!(
        operation(&tiny, "/things/files", "post")["requestBody"],
        json!({"required": true, "content": {"multipart/form-data": {"schema": {
            "type": "object", "required": ["file"],
            "properties": {"file": {"type": "string", "format": "binary"}, "metadata": {}},
        }}}})
    );
}

/// A download, its zip listing and its ticket share method and path.
fn download_triple() -> Tiny {
    let path = "/things/{thing_id}/files";
    let docs = ":param thing_id:\n:type thing_id: str\n:param ticket:\n:type ticket: str, optional\n:param info:, defaults to false\n:type info: bool, optional";
    let ticket = "if 'ticket' in params:\n    query_params.append(('ticket', params['ticket']))";
    let info = "if 'info' in params:\n    query_params.append(('info', params['info']))";
    let client = "    def download_thing(self, thing_id, dest_file, **kwargs):\n        kwargs['_preload_content'] = False\n";
    let plain = format!("{ID}\n{info}");
    let zip = format!("{ID}\n{ticket}\n{info}\nelse:\n    query_params.append(('info', 'true'))");
    let for_ticket = format!("{ID}\n{ticket}\n{info}");
    Tiny::new(&[
        &method("get_thing_zip_info", "GET", path, docs, &zip, "'Thing'"),
        client,
        &method_accepting("download_thing", "GET", path, docs, &plain, "'union[Thing,str]'", "application/octet-stream"),
        &method("get_thing_ticket", "GET", path, docs, &for_ticket, "'Thing'"),
    ])
    .with(
        "flywheel/flywheel.py",
        "class Flywheel:\n    def get_thing_url(self, thing_id, **kwargs):\n        kwargs['ticket'] = ''\n        \
         data = self.things_api.get_thing_ticket(thing_id, **kwargs)\n        return data\n",
    )
}

#[test]
fn operations_on_one_method_and_path_are_variants_of_the_download() {
    insta::assert_json_snapshot!(operation(&download_triple(), "/things/{thing_id}/files", "get"));
}

#[test]
fn variants_and_constants_are_counted() {
    let summary = import(&download_triple()).summary;
    assert_eq!(summary.get("wrapped operations"), Some(3));
    assert_eq!(summary.get("operations that are variants of another"), Some(2));
    assert_eq!(summary.get("file downloads"), Some(1));
    assert_eq!(summary.get("constants added by the client"), Some(1), "the ticket is set elsewhere");
}

#[test]
fn a_parameter_that_is_added_twice_stands_once() {
    let docs = ":param job:\n:type job: bool, optional";
    let job = "if 'job' in params:\n    query_params.append(('job', params['job']))\n";
    let tiny = Tiny::new(&[&method("get_things", "GET", "/things", docs, &job.repeat(2), "'Thing'")]);
    assert_eq!(operation(&tiny, "/things", "get")["parameters"].as_array().unwrap().len(), 1);
}

#[test]
fn a_model_has_wire_names_required_marks_and_defaults_in_declared_order() {
    let fields = [
        ("zeta", "_zeta", "str", "required", "None"),
        ("age", "age", "int", "optional", "0"),
        ("kind", "kind", "Kind", "optional", "'a'"),
        ("created", "created", "datetime", "optional", "None"),
        ("more", "more", "dict(str, object)", "optional", "None"),
    ];
    let tiny = Tiny::new(&[&method("get_things", "GET", "/things", "", "", "'Thing'")])
        .with("flywheel/models/thing.py", &model("Thing", &fields))
        .with(
            "flywheel/models/kind.py",
            "import enum\nclass Kind(str, enum.Enum):\n    A = \"a\"\n    B_C = \"b-c\"\n",
        );
    insta::assert_json_snapshot!(schema(&tiny, "Thing"));
    assert_eq!(schema(&tiny, "Kind"), json!({"type": "string", "enum": ["a", "b-c"]}));
}

#[test]
fn aliases_subclasses_and_free_models_are_told_apart() {
    let tiny = Tiny::new(&[&method("get_things", "GET", "/things", "", "", "'Thing'")])
        .with("flywheel/models/alias.py", "from flywheel.models.thing import Thing\nAlias = Thing\n")
        .with(
            "flywheel/models/old_thing.py",
            "class OldThing(Thing):\n    def __init__(self):\n        warnings.warn('gone soon')\n",
        )
        .with("flywheel/models/free.py", &model("Free", &[]))
        .with("flywheel/models/mixins.py", "class ThingMixin(ContainerBase):\n    pass\n");
    let reference = json!([{"$ref": "#/components/schemas/Thing"}]);
    assert_eq!(schema(&tiny, "Alias"), json!({"allOf": reference, "x-flywheel-alias-of": "Thing"}));
    assert_eq!(
        schema(&tiny, "OldThing"),
        json!({"allOf": reference, "deprecated": true, "x-flywheel-alias-of": "Thing"})
    );
    assert_eq!(schema(&tiny, "Free"), json!({}));
    assert_eq!(schema(&tiny, "ThingMixin"), Value::Null, "help for the client's own objects is no model");
}

#[test]
fn a_discriminator_names_the_models_by_value() {
    let text = model("Node", &[("container_type", "container_type", "str", "required", "None")])
        .replace(
            "    def __init__",
            "    discriminator_value_class_map = {'thing': 'Thing'}\n    def __init__",
        )
        .replace(
            "self.discriminator = None",
            "self.discriminator = 'container_type'\n        self.alt_discriminator = 'node_type'",
        );
    let tiny = Tiny::new(&[&method("get_things", "GET", "/things", "", "", "'Node'")])
        .with("flywheel/models/node.py", &text);
    let node = schema(&tiny, "Node");
    assert_eq!(
        node["discriminator"],
        json!({"propertyName": "container_type", "mapping": {"thing": "#/components/schemas/Thing"}})
    );
    assert_eq!(node["x-flywheel-alt-discriminator"], "node_type");
}

#[test]
fn calls_outside_the_generated_modules_are_marked() {
    let client = "class Flywheel:\n    def go(self):\n        self.api_client.call_api('/dataexplorer/search/fields', 'POST', body={})\n        \
                  self.api_client.call_api('/odd/{one}', 'GET')\n";
    let tiny = Tiny::new(&[&method("get_things", "GET", "/things", "", "", "'Thing'")])
        .with("flywheel/flywheel.py", client);
    let known = operation(&tiny, "/dataexplorer/search/fields", "post");
    assert_eq!(known["operationId"], "search_fields");
    assert_eq!(known["x-flywheel-source"], "client");
    let unknown = operation(&tiny, "/odd/{one}", "get");
    assert_eq!(unknown["operationId"], "get_odd__one");
    assert_eq!(unknown["parameters"][0]["name"], "one");
}

#[test]
fn documented_routes_that_nobody_wraps_are_added_and_marked() {
    let tiny = Tiny::new(&[&method("get_things", "GET", "/things", "", "", "'Thing'")]);
    let found = operation(&tiny, "/files/{file_id}/download", "get");
    assert_eq!(found["operationId"], "download_file");
    assert_eq!(found["x-flywheel-source"], "unwrapped");
}

#[test]
fn the_same_wheel_gives_the_same_bytes() {
    let text = |tiny: &Tiny| serde_json::to_string(&import(tiny).document).unwrap();
    assert_eq!(text(&download_triple()), text(&download_triple()));
}
