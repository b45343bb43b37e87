//! What a file shows, in the words of its modality.

use flywheel_api::OperationId;
use flywheel_core::modality::{self, Classification};
use serde_json::{Map, json};

use super::File;
use crate::{Request, call::Call, resource::sealed::Parts};

/// Changes the classification of a file. A file without a modality takes words of the aspect `Custom` alone: set type and
/// modality first.
///
/// ```no_run
/// # async fn run(mut file: flywheel::File) -> flywheel::Result<()> {
/// file.classification().modality("MR").replace([("Measurement", ["T2*"])]).await?;
/// file.classification().add([("Features", ["Multi-Band", "EPI"])]).await?;
/// # Ok(())
/// # }
/// ```
#[must_use]
#[derive(Debug)]
pub struct Classify<'a> {
    file: &'a mut File,
    modality: Option<String>,
}

/// How [`Classify`] changes the classification at hand, as the site changes its own.
type Apply = fn(&mut Classification, &Classification);

impl<'a> Classify<'a> {
    pub(super) fn new(file: &'a mut File) -> Self {
        Self { file, modality: None }
    }

    /// Gives the file this modality, in whose words it is then classified; another modality than it had clears what it was
    /// classified with, except the aspect `Custom`. The site takes a modality together with [`replace`](Self::replace) in
    /// one call; with [`add`](Self::add) and [`delete`](Self::delete) it is set by a call before.
    pub fn modality(mut self, modality: impl Into<String>) -> Self {
        self.modality = Some(modality.into());
        self
    }

    /// Adds words, aspect by aspect.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) when the modality does not have them.
    #[expect(clippy::should_implement_trait, reason = "it adds to what is there, and is not a sum")]
    pub fn add<A: Into<String>, W: Into<String>>(
        self,
        words: impl IntoIterator<Item = (A, impl IntoIterator<Item = W>)>,
    ) -> Request<'a, ()> {
        self.change("add", collect(words), modality::add)
    }

    /// Removes words, aspect by aspect; those that are not there are no error.
    pub fn delete<A: Into<String>, W: Into<String>>(
        self,
        words: impl IntoIterator<Item = (A, impl IntoIterator<Item = W>)>,
    ) -> Request<'a, ()> {
        self.change("delete", collect(words), modality::remove)
    }

    /// Leaves these words and no others.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn replace<A: Into<String>, W: Into<String>>(
        self,
        words: impl IntoIterator<Item = (A, impl IntoIterator<Item = W>)>,
    ) -> Request<'a, ()> {
        self.change("replace", collect(words), |now, words| now.clone_from(words))
    }

    fn change(self, verb: &'static str, words: Classification, apply: Apply) -> Request<'a, ()> {
        let Self { file, modality } = self;
        let client = file.client.clone();
        let modality =
            modality.filter(|modality| verb == "replace" || file.modality.as_ref() != Some(modality));
        let mut body = Map::from_iter([(verb.to_owned(), json!(words))]);
        let mut before = None;
        match &modality {
            Some(modality) if verb == "replace" => {
                body.insert("modality".to_owned(), modality.as_str().into());
            }
            Some(modality) => {
                let call = file.by_name(|routes| routes.modify_file);
                before = Some(call.and_then(|call| call.body(json!({"modality": modality}))));
            }
            None => {}
        }
        let call = Call::new(OperationId::ModifyFileClassification).at(file.id()).sending(body);
        Request::new(&client, move |raw| async move {
            if let Some(before) = before {
                before?.send_only(&raw).await?;
            }
            call.send_only(&raw).await?;
            let model = file.model_mut();
            let now = model.classification.get_or_insert_default();
            if let Some(modality) = modality {
                if model.modality.as_ref() != Some(&modality) {
                    *now = modality::after_modality_change(std::mem::take(now));
                }
                model.modality = Some(modality);
            }
            apply(now, &words);
            Ok(())
        })
    }
}

fn collect<A: Into<String>, W: Into<String>>(
    words: impl IntoIterator<Item = (A, impl IntoIterator<Item = W>)>,
) -> Classification {
    words
        .into_iter()
        .map(|(aspect, words)| (aspect.into(), words.into_iter().map(Into::into).collect()))
        .collect()
}
