//! Where in a view something is wrong, for the `detail` of a refusal.

use flywheel_core::view::{View, ViewError};
use serde_json::Value;
use serde_path_to_error::Segment;

use crate::error::{ApiError, Detail, Step};

/// 422 for a value that a view cannot have there.
pub(super) fn of_value(error: &serde_path_to_error::Error<serde_json::Error>, body: &Value) -> ApiError {
    let mut place = vec![Step::Key("body")];
    let mut input = body;
    for segment in error.path() {
        let (step, inner) = match segment {
            Segment::Seq { index } => (Step::Item(*index), input.get(index)),
            Segment::Map { key } => (Step::Key(key), input.get(key)),
            Segment::Enum { .. } | Segment::Unknown => continue,
        };
        place.push(step);
        input = inner.unwrap_or(&Value::Null);
    }
    let message = error.inner().to_string();
    // What is missing has no place of its own, but is named.
    let missing = message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
    let detail = match missing {
        Some(key) => {
            place.push(Step::Key(key));
            Detail::at(&place, "missing", "Field required", input)
        }
        None => Detail::at(&place, "value_error", message.clone(), input),
    };
    ApiError::invalid(vec![detail])
}

/// 400 for a view that cannot work.
pub(super) fn of_error(error: &ViewError, view: &View) -> ApiError {
    let message = error.to_string();
    let place = culprit(error, view);
    let input = place.last().and_then(|_| at(view, &place)).unwrap_or_default();
    let detail = Detail::at(&place, "value_error", message.clone(), &input);
    ApiError::bad_request(message).with("detail", vec![detail.into_value()])
}

fn at(view: &View, place: &[Step<'_>]) -> Option<Value> {
    let mut value = serde_json::to_value(view).ok()?;
    for step in place.iter().skip(1) {
        value = match step {
            Step::Key(key) => value.get_mut(*key)?.take(),
            Step::Item(number) => value.get_mut(*number)?.take(),
        };
    }
    Some(value)
}

fn culprit<'a>(error: &ViewError, view: &View) -> Vec<Step<'a>> {
    let inside = |keys: &[&'a str]| -> Vec<Step<'a>> {
        ["body"].iter().chain(keys).map(|&key| Step::Key(key)).collect()
    };
    match error {
        ViewError::UnknownColumn(name)
        | ViewError::Forbidden(name)
        | ViewError::GroupOfColumns(name)
        | ViewError::BelowFiles(name, _)
        | ViewError::NeedsFiles(name)
        | ViewError::NeedsAnalyses(name) => column(view, name, "src"),
        ViewError::Expression(name, _) => column(view, name, "expr"),
        ViewError::Filter(_) | ViewError::FilterOutside(_) => inside(&["filter"]),
        ViewError::NoContainer => inside(&["columns"]),
        ViewError::FileContainer(_) => inside(&["fileSpec", "container"]),
        ViewError::FormatOption(..) => inside(&["fileSpec", "formatOptions"]),
        ViewError::FilesNeedBoth => inside(&["fileSpec"]),
        _ => inside(&[]),
    }
}

/// The place of a column that errors call by its source or by its name; of the whole view when it is in none of its lists.
fn column<'a>(view: &View, name: &str, key: &'a str) -> Vec<Step<'a>> {
    let is = |src: &str, dst: Option<&str>| src == name || dst == Some(name);
    let found = |list: &[&'a str], number: usize| {
        let way = ["body"].iter().chain(list).map(|&key| Step::Key(key));
        way.chain([Step::Item(number), Step::Key(key)]).collect()
    };
    if let Some(n) = view.columns.iter().position(|column| is(&column.src, column.dst.as_deref())) {
        return found(&["columns"], n);
    }
    let group = view.group_by.as_ref().map(|group| group.columns.as_slice()).unwrap_or_default();
    if let Some(n) = group.iter().position(|column| is(&column.src, column.dst.as_deref())) {
        return found(&["groupBy", "columns"], n);
    }
    let fields = view.file_spec.as_ref().map(|spec| spec.columns.as_slice()).unwrap_or_default();
    match fields.iter().position(|column| is(&column.src, column.dst.as_deref())) {
        Some(n) => found(&["fileSpec", "columns"], n),
        None => vec![Step::Key("body")],
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use http::StatusCode;
    use serde_json::json;

    use crate::tests::Api;

    #[tokio::test]
    async fn what_is_wrong_with_a_view_is_told_with_its_place() {
        let api = Api::new().await;
        let [_, project, ..] = api.tree().await;
        let good = json!({"src": "subject.label"});
        let cases = [
            (json!({"columns": [{"src": 1}]}), 422, json!(["body", "columns", 0, "src"])),
            (json!({"columns": [good, {"dst": "x"}]}), 422, json!(["body", "columns", 1, "src"])),
            (
                json!({"columns": [good, {"src": "subject.label", "type": "odd"}]}),
                422,
                json!(["body", "columns", 1, "type"]),
            ),
            (json!({"columns": good}), 422, json!(["body", "columns"])),
            (json!({"columns": [good], "colour": 1}), 422, json!(["body", "colour"])),
            (json!({"columns": [good, {"src": "nonsense.x"}]}), 400, json!(["body", "columns", 1, "src"])),
            (json!({"columns": [good, {"src": "file.name"}]}), 400, json!(["body", "columns", 1, "src"])),
            (
                json!({"columns": [{"src": "session.age", "expr": "x +"}]}),
                400,
                json!(["body", "columns", 0, "expr"]),
            ),
            (json!({"columns": [good], "filter": "subject.label"}), 400, json!(["body", "filter"])),
            (json!({"columns": []}), 400, json!(["body", "columns"])),
        ];
        for (view, status, place) in cases {
            let paths =
                [format!("/views/data?containerId={project}"), format!("/containers/{project}/views")];
            for path in paths {
                let mut view = view.clone();
                if path.contains("containers") {
                    view["label"] = "v".into();
                }
                let answer = api.post(&path, view.clone()).await;
                assert_eq!(answer.status, StatusCode::from_u16(status).unwrap(), "{view} {}", answer.body);
                assert_eq!(answer.body["detail"][0]["loc"], place, "{path} {view} {}", answer.body);
            }
        }
    }
}
