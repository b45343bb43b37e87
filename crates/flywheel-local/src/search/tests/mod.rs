//! The search through the router, and its SQL against a plain reading of the same condition.
#![allow(clippy::unwrap_used)]

mod calls;
mod finding;
mod meaning;
mod saved;
mod scale;

use http::Method;
use serde_json::{Value, json};

use crate::tests::{Answer, Api, Person};

/// A site with a study worth searching.
///
/// ```text
/// lab/study   sub-1 (female)  ses-1 (800000000 s)  T1w         t1.nii.gz, t1.dcm.zip
///                                                  bold_SBRef  sbref.nii.gz
///                                                  notes.txt, analysis QC with report.csv
///             sub-2 (male)    ses-1 (100 s)        T1w         scan.dcm.zip
///             sub-3
/// lab/pilot   p-1
/// ```
pub(super) struct Study {
    pub(super) api: Api,
    pub(super) project: String,
    pub(super) session: String,
    pub(super) scan: String,
}

impl Study {
    pub(super) async fn new() -> Self {
        let api = Api::new().await;
        api.group("lab").await;
        let project = api.project("lab", "study").await;
        let pilot = api.project("lab", "pilot").await;
        api.subject(&pilot, "p-1").await;
        let sub1 = api.subject(&project, "sub-1").await;
        let sub2 = api.subject(&project, "sub-2").await;
        api.subject(&project, "sub-3").await;
        api.put(&format!("/subjects/{sub1}"), json!({"sex": "female"})).await.ok();
        api.put(&format!("/subjects/{sub2}"), json!({"sex": "male"})).await.ok();
        let session = api.session(&project, &sub1, "ses-1").await;
        let other = api.session(&project, &sub2, "ses-1").await;
        let change = json!({"age": 800_000_000, "timestamp": "2020-05-05T10:00:00Z", "info": {"score": 7, "site": "001"}});
        api.put(&format!("/sessions/{session}"), change).await.ok();
        api.put(&format!("/sessions/{other}"), json!({"age": 100, "info": {"score": 3}})).await.ok();
        let scan = api.acquisition(&session, "T1w").await;
        let bold = api.acquisition(&session, "bold_SBRef").await;
        let second = api.acquisition(&other, "T1w").await;
        let study = Self { api, project, session, scan };
        let structural = json!({"Intent": ["Structural"], "Measurement": ["T1"]});
        let functional = json!({"Intent": ["Functional"], "Measurement": ["T2*"]});
        study
            .file(
                &study.scan,
                "t1.nii.gz",
                "nifti",
                &structural,
                json!({"snr": 40.5, "station": "Head Scanner"}),
            )
            .await;
        study.file(&study.scan, "t1.dcm.zip", "dicom", &structural, json!({})).await;
        study.file(&bold, "sbref.nii.gz", "nifti", &functional, json!({"snr": 12})).await;
        study.file(&second, "scan.dcm.zip", "dicom", &structural, json!({"snr": 12, "echoes": [1, 2]})).await;
        let api = &study.api;
        api.file(api.root(), &format!("/sessions/{}", study.session), "notes.txt", "x").await.ok();
        let analysis =
            api.post(&format!("/sessions/{}/analyses", study.session), json!({"label": "QC"})).await.id();
        api.file(api.root(), &format!("/analyses/{analysis}"), "report.csv", "a,b").await.ok();
        study
    }

    async fn file(&self, parent: &str, name: &str, kind: &str, classification: &Value, info: Value) {
        let api = &self.api;
        let holder = format!("/acquisitions/{parent}");
        api.file(api.root(), &holder, name, name).await.ok();
        let path = format!("{holder}/files/{name}");
        api.put(&path, json!({"type": kind, "modality": "MR"})).await.ok();
        api.patch(&format!("{path}/classification"), json!({"replace": classification})).await.ok();
        api.patch(&format!("{path}/info"), json!({"replace": info})).await.ok();
    }

    pub(super) async fn search(&self, body: Value) -> Answer {
        self.search_as(self.api.root(), body).await
    }

    pub(super) async fn search_as(&self, person: &Person, body: Value) -> Answer {
        self.api.call(person, Method::POST, "/dataexplorer/search?simple=true", Some(body)).await
    }

    /// The labels (names of files, codes of subjects) of what a query finds.
    #[track_caller]
    pub(super) fn found(&self, returned: &str, query: &str) -> impl Future<Output = Vec<String>> {
        let body = json!({"return_type": returned, "structured_query": query});
        async move { labels(self.search(body).await.ok()) }
    }
}

/// The labels of results in alphabetical order.
pub(super) fn labels(results: Value) -> Vec<String> {
    let label = |result: &Value| {
        let kind = result["return_type"].as_str().unwrap();
        let key = match kind {
            "file" => "name",
            "subject" => "code",
            _ => "label",
        };
        result[kind][key].as_str().unwrap().to_owned()
    };
    let mut labels: Vec<String> = results.as_array().unwrap().iter().map(label).collect();
    labels.sort();
    labels
}
