//! The catalogue of shared projects, which everybody may browse: `GET /projects/catalog-list` and its filter options.

use std::collections::BTreeSet;

use axum::{Json, extract::State, response::Response};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{settings, sharing};
use crate::{
    containers::show::project_stats,
    error::ApiResult,
    filter_sql::Condition,
    guard::Guard,
    kind::Kind,
    list::{self, Containers, List, Rows},
    query::ListQuery,
    state::AppState,
    store::containers::Container,
};

/// The projects that say how they are shared, whoever asks: the catalogue is there to be found in.
fn shared<'a>(source: &'a Containers, query: &'a ListQuery) -> List<'a> {
    let list = List::containers(source, query);
    let list = list.and(Condition::new("c.doc -> '$.settings.sharing' IS NOT NULL", Vec::new()));
    match query.params.get("search_string").filter(|text| !text.is_empty()) {
        None => list,
        Some(text) => {
            let sql = "(instr(lower(c.label), lower(?)) > 0
                OR instr(lower(coalesce(c.doc ->> '$.settings.sharing.summary', '')), lower(?)) > 0)";
            list.and(Condition::new(sql, vec![text.to_owned().into(), text.to_owned().into()]))
        }
    }
}

/// `GET /projects/catalog-list`
pub(crate) async fn list(
    _guard: Guard,
    State(state): State<AppState>,
    query: ListQuery,
) -> ApiResult<Response> {
    let work = move |db: &Connection| {
        let found = shared(&Containers(Kind::Project), &query).run(db, Container::from_row)?;
        let rows = found.rows.iter().map(|project| entry(db, project)).collect::<ApiResult<_>>()?;
        Ok(Rows { rows, total: found.total })
    };
    state.store.read(work).await.map(list::answer)
}

fn entry(db: &Connection, project: &Container) -> ApiResult<Value> {
    let mut entry = settings::of(&project.doc).remove("sharing").unwrap_or_default();
    if let Some(entry) = entry.as_object_mut() {
        entry.shift_remove("share_level");
    }
    entry["id"] = project.id.as_str().into();
    entry["label"] = project.label().into();
    entry["tags"] = project.doc.get("tags").cloned().unwrap_or_else(|| json!([]));
    entry["stats"] = project_stats(db, &project.id)?;
    Ok(entry)
}

/// `GET /projects/catalog-list-filter-options`: the words that lists of the catalogue can be narrowed by.
pub(crate) async fn filter_options(_guard: Guard, State(state): State<AppState>) -> ApiResult<Json<Value>> {
    let work = |db: &Connection| {
        let query = ListQuery::default();
        let projects = shared(&Containers(Kind::Project), &query).run(db, Container::from_row)?.rows;
        let entries = projects.iter().map(|project| entry(db, project)).collect::<ApiResult<Vec<_>>>()?;
        let words = |path: &str| -> BTreeSet<String> {
            let lists = entries.iter().filter_map(|entry| entry.pointer(path).and_then(Value::as_array));
            lists.flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        Ok(json!({
            "therapeutic_areas": sharing::THERAPEUTIC_AREAS, "body_regions": sharing::BODY_REGIONS,
            "organ_systems": sharing::ORGAN_SYSTEMS, "age_groups": words("/stats/age_groups"),
            "measurements": words("/stats/measurements"), "modalities": words("/stats/modalities"),
            "file_types": words("/stats/file_types"), "tags": words("/tags"),
        }))
    };
    state.store.read(work).await.map(Json)
}
