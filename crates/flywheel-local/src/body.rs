//! JSON bodies: reading them within limits, and checking them against tables of fields.

use axum::{
    body::to_bytes,
    extract::{FromRequest, Request},
};
use serde_json::Value;

use crate::error::{ApiError, ApiResult};

/// The most bytes of a JSON body, which is also what one document may hold.
pub(crate) const LIMIT: usize = 16 << 20;

/// A JSON body of any shape; an empty body is null.
pub(crate) struct JsonBody(pub(crate) Value);

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> ApiResult<Self> {
        let bytes = to_bytes(request.into_body(), LIMIT).await.map_err(|error| {
            let message = format!("The body cannot be read, or is longer than {LIMIT} bytes: {error}");
            ApiError::new(http::StatusCode::PAYLOAD_TOO_LARGE, message)
        })?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self(Value::Null));
        }
        let value = serde_json::from_slice(&bytes)
            .map_err(|error| ApiError::bad_request(format!("The body is not JSON: {error}")))?;
        Ok(Self(value))
    }
}
