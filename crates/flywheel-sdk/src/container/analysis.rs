//! Analyses: results computed from files, kept with where they came from.

use super::{container, files_of, read_files};
use crate::{
    Error, ErrorKind, File, FileRef, Job, Node, Request,
    edit::{Create, fields},
    resource,
    resource::resource,
};

resource! {
    /// Results computed from files: its inputs, its outputs, and the job that made them, if any.
    Analysis: AnalysisOutput, cursor id
}

container!(Analysis: unmarked_info notes files);

fields!(Analysis {
    /// What was done.
    description: String,
});

impl Create<Analysis> {
    /// The files it was computed from. The analysis keeps them as they are now.
    pub fn inputs(self, files: impl IntoIterator<Item = FileRef>) -> Self {
        self.set("inputs", files.into_iter().collect::<Vec<_>>())
    }
}

impl Analysis {
    /// The container it hangs on.
    pub fn parent(&self) -> Request<'static, Node> {
        match self.parent.as_ref().and_then(|parent| parent.id.as_deref()) {
            Some(id) => self.client.get(id).request(),
            None => Request::failed(
                &self.client,
                Error::new(ErrorKind::Invalid, "the document of the analysis does not say its parent")
                    .with_hint("Call reload()."),
            ),
        }
    }

    /// The files it was computed from, read anew. Those it put out are [`files`](Self::files).
    pub fn inputs(&self) -> Request<'static, Vec<File>> {
        read_files(self, |model| model.inputs)
    }

    /// The files it was computed from, as far as the document at hand has them.
    pub fn loaded_inputs(&self) -> Vec<File> {
        files_of(&self.client, &self.reference(), self.inputs.clone().unwrap_or_default())
    }

    /// The id of the job that made it; `None` for results that were uploaded.
    pub fn job_id(&self) -> Option<&str> {
        use flywheel_api::types::JobOutputOrText;
        match self.job.as_ref()? {
            JobOutputOrText::Text(id) => Some(id),
            JobOutputOrText::Object(job) => job.id.as_deref(),
            _ => self.job_id.as_deref(),
        }
    }

    /// The job that made it; `None` for results that were uploaded.
    pub fn job(&self) -> Request<'static, Option<Job>> {
        match self.job_id() {
            Some(id) => resource::get::<Job>(&self.client, id).map(|job| Ok(Some(job))),
            None => Request::new(&self.client, |_| std::future::ready(Ok(None))),
        }
    }
}
