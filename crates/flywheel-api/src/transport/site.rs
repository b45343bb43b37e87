//! What the site says about itself, asked once.

use super::{builder::Transport, raw::RawRequest};
use crate::{Error, OperationId};
use serde_json::Value;

impl Transport {
    /// The site's public configuration (`GET /config`). It is asked for at the first call; all clones share the answer.
    ///
    /// # Errors
    /// As every call; after a failure the next call asks again.
    pub async fn site_config(&self) -> Result<&Value, Error> {
        let ask = || async {
            let request = RawRequest::of(OperationId::GetConfig.operation(), &[])?;
            self.send_json(&request.treat(|call| call.anonymous(true))).await
        };
        self.config_cell().get_or_try_init(ask).await
    }
}
