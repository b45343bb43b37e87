//! Rows of a report as CSV.

use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use serde_json::Value;

use crate::error::{ApiError, ApiResult};

/// Writes objects as CSV: the given columns, of which a dotted one leads into objects. What is missing is empty.
pub(crate) fn csv(columns: &[&str], rows: &[Value]) -> ApiResult<Response> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(columns).map_err(ApiError::internal)?;
    for row in rows {
        let cells = columns.iter().map(|column| cell(row, column));
        writer.write_record(cells).map_err(ApiError::internal)?;
    }
    let text = writer.into_inner().map_err(|error| ApiError::internal(error.error()))?;
    Ok(([(CONTENT_TYPE, "text/csv; charset=utf-8")], text).into_response())
}

fn cell(row: &Value, column: &str) -> String {
    match column.split('.').try_fold(row, |value, key| value.get(key)) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
