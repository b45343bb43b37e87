//! Modalities: the words that files of each are classified with.

use flywheel_api::{OperationId, types::InsertedId};
use flywheel_core::modality::Classification;
use serde_json::json;

use crate::{Client, Request, call::Call, edit::Delete, resource::resource};

resource! {
    /// A way files are made, such as `MR`, with the words that classify them.
    Modality: ModalityOutput, cursor id
}

impl Modality {
    /// The words, aspect by aspect.
    pub fn words(&self) -> Classification {
        self.classification.clone().unwrap_or_default().into_iter().collect()
    }

    /// Gives it other words. For site administrators.
    pub fn set_words(&mut self, words: Classification) -> Request<'_, ()> {
        let client = self.client.clone();
        let call =
            Call::new(OperationId::ReplaceModality).at(self.id()).sending(json!({"classification": words}));
        Request::new(&client, move |raw| async move {
            call.send_only(&raw).await?;
            crate::resource::read_again(self, &raw).await
        })
    }

    /// Deletes it. For site administrators.
    pub fn delete(self) -> Delete<Self> {
        Delete::new(&self)
    }
}

impl Client {
    /// A new modality with these words, aspect by aspect. For site administrators.
    pub fn add_modality(&self, id: impl Into<String>, words: Classification) -> Request<'static, Modality> {
        let client = self.clone();
        let call =
            Call::new(OperationId::AddModality).sending(json!({"_id": id.into(), "classification": words}));
        Request::new(self, move |raw| async move {
            let made: InsertedId = call.send(&raw).await?;
            let id = made.id.unwrap_or_default();
            let model = Call::new(OperationId::GetModality).at(id).send(&raw).await?;
            Ok(crate::resource::sealed::Parts::from_parts(client, model))
        })
    }
}
