//! Master subject codes: one code a person, whoever asks for it and wherever the person turns up.
//!
//! A person is recognised by a digest of what was said of them, so that no name and no date of birth is kept.

use axum::{
    Json,
    extract::{Path, State},
};
use rusqlite::Connection;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    body::{JsonBody, Shape, check, may},
    error::{ApiError, ApiResult, Detail},
    guard::Guard,
    state::AppState,
    store::{Doc, now, records},
};

/// The kind under which codes are recorded.
pub(crate) const RECORD: &str = "master subject code";

/// The kind under which the digests of persons are recorded, with the code of each.
const PERSON: &str = "person";

/// The letters of a code: those that are not taken for one another.
const LETTERS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// `POST /subjects/master-code`
pub(crate) async fn post(
    guard: Guard,
    State(state): State<AppState>,
    JsonBody(body): JsonBody,
) -> ApiResult<Json<Value>> {
    let text = Shape::Text(1, 256);
    let fields = [
        may("patient_id", text),
        may("first_name", text),
        may("last_name", text),
        may("date_of_birth", Shape::Day),
        may("use_patient_id", Shape::Bool),
    ];
    let given = check(body, &fields)?;
    let person = digest(&given)?;
    let work = move |db: &Connection| {
        if let Some(known) = records::get(db, PERSON, &person)? {
            return Ok(json!({"code": known.get("code")}));
        }
        let code = new_code();
        let doc = json!({"_id": code, "code": code, "created": now(), "origin": guard.caller.origin()});
        records::put(db, RECORD, &code, doc.as_object().unwrap_or(&Doc::new()))?;
        let person_doc = Doc::from_iter([("code".to_owned(), Value::from(code.as_str()))]);
        records::put(db, PERSON, &person, &person_doc)?;
        Ok(json!({"code": code}))
    };
    state.store.write(work).await.map(Json)
}

fn new_code() -> String {
    let number: u64 = rand::random();
    let letter = |place: u32| {
        let index = (number >> (5 * place)) as usize % LETTERS.len();
        char::from(LETTERS.get(index).copied().unwrap_or(b'2'))
    };
    (0..10).map(letter).collect()
}

/// What tells a person from others: the patient id, or names and date of birth. Case and spaces around do not count.
fn digest(given: &Doc) -> ApiResult<String> {
    let by_id = given
        .get("use_patient_id")
        .and_then(Value::as_bool)
        .unwrap_or_else(|| given.get("patient_id").is_some_and(Value::is_string));
    let keys: &[&str] = if by_id { &["patient_id"] } else { &["first_name", "last_name", "date_of_birth"] };
    let mut hasher = Sha256::new();
    for key in keys {
        let Some(text) = given.get(*key).and_then(Value::as_str) else {
            let missing = Detail::new(&["body", key], "missing", "Field required", &Value::Null);
            return Err(ApiError::invalid(vec![missing]));
        };
        hasher.update(key.as_bytes());
        hasher.update([0]);
        hasher.update(text.trim().to_lowercase().as_bytes());
        hasher.update([0]);
    }
    Ok(hex::encode(hasher.finalize()))
}

/// `GET /subjects/master-code/{code}`
pub(crate) async fn get(
    _guard: Guard,
    State(state): State<AppState>,
    Path(code): Path<String>,
) -> ApiResult<Json<Value>> {
    let work = move |db: &Connection| match records::get(db, RECORD, &code)? {
        Some(_) => Ok(json!({"code": code})),
        None => Err(ApiError::not_found(format!("No master subject code {code} found"))),
    };
    state.store.read(work).await.map(Json)
}

/// A subject carries only a code that was given out here.
///
/// # Errors
/// 422 for any other.
pub(crate) fn refuse_unknown(db: &Connection, subject: &Doc) -> ApiResult<()> {
    let Some(code) = subject.get("master_code").and_then(Value::as_str) else { return Ok(()) };
    if records::get(db, RECORD, code)?.is_some() {
        return Ok(());
    }
    let message = "Input should be a code that /subjects/master-code gave out";
    Err(ApiError::invalid(vec![Detail::new(&["body", "master_code"], "value_error", message, &code.into())]))
}
