//! Options of one call reach every request that it is made of, however many that are.

use flywheel::{CallOptions, Kind, Row, Source, View, transfer::Place, view::OutputFormat};
use futures::TryStreamExt;
use serde_json::json;

use crate::desk::{Desk, Study, ask, nifti};

/// A feature that no request asks for by itself.
const MARK: &str = "marked";

fn marked() -> CallOptions {
    CallOptions::new().feature(MARK)
}

#[tokio::test]
async fn options_reach_every_call_that_is_made() {
    let desk = Desk::open().await;
    let fw = desk.fw.clone();
    let Study { mut group, mut project, subject, mut session, acquisition, collection, .. } =
        desk.study().await;
    let file = acquisition
        .upload(nifti("t1.nii.gz").info(json!({"BIDS": {"Filename": "a.nii.gz", "Path": "sub-01/anat"}})))
        .await
        .unwrap();
    desk.user("jo@example.org").await;

    // What is awaited itself.
    ask!(desk, fw.projects().get(project.id()).options(marked()));
    ask!(desk, group.reload().options(marked()));
    ask!(desk, project.tree().text().options(marked()));
    ask!(desk, acquisition.session().options(marked()));
    ask!(desk, fw.search("session.label = ses-01").add_to(&collection, Kind::Session).options(marked()));
    ask!(desk, project.permissions().add("jo@example.org", ["read-only"]).options(marked()));
    ask!(desk, session.tags().set(["a"]).options(marked()));
    ask!(desk, session.info().merge(json!({"a": 1})).options(marked()));
    ask!(desk, session.notes().add("n").options(marked()));
    ask!(desk, project.copies().options(marked()));
    let packed = json!({"session": {"label": "s", "subject": {"code": "s"}}, "acquisition": {"label": "a"}, "packfile": {"type": "dicom"}});
    ask!(desk, project.upload_packfile([nifti("1.dcm")], packed).options(marked()));
    // What is told more first: by its request.
    ask!(desk, project.add_subject("sub-01").or_existing().request().options(marked()));
    ask!(desk, project.add_subject("sub-02").or_existing().request().options(marked()));
    ask!(desk, session.update().operator("Jo").request().options(marked()));
    ask!(desk, fw.lookup("neuro/Color Study").request().options(marked()));
    ask!(desk, fw.resolve("neuro").request().options(marked()));
    // Lists and streams.
    ask!(desk, project.sessions().options(marked()));
    ask!(desk, project.sessions().options(marked()).full());
    ask!(desk, project.sessions().options(marked()).iter().try_collect::<Vec<_>>());
    ask!(desk, project.sessions().options(marked()).count());
    ask!(desk, fw.reports().access_log().options(marked()).limit(1));
    ask!(desk, fw.search("session.label = ses-01").options(marked()).find::<flywheel::Session>());
    // Transfers.
    ask!(desk, acquisition.upload(Source::bytes("a.txt", "a")).options(marked()));
    let place = Place::new("neuro", "Color Study").subject("sub-01").session("ses-01");
    ask!(desk, fw.upload_by_label(place, [Source::bytes("b.txt", "b")]).options(marked()));
    ask!(desk, file.download().options(marked()).bytes());
    ask!(desk, file.download().options(marked()).url());
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    ask!(desk, project.archive().options(marked()).to_path(path("a.tar")));
    ask!(desk, project.archive().options(marked()).targets().try_collect::<Vec<_>>());
    ask!(desk, acquisition.download_to(path("folder")).options(marked()));
    ask!(desk, session.download_bids(path("bids")).options(marked()));
    // Views.
    let view = View::builder().label("Labels").column("subject.label").build().unwrap();
    let run = || fw.views().run(&view, &project).options(marked());
    ask!(desk, run().direct(true).table());
    let mut execution = ask!(desk, run().execute());
    ask!(desk, fw.views().save(project.id(), &view).options(marked()));
    ask!(desk, execution.save(OutputFormat::Csv).options(marked()));
    ask!(desk, execution.wait().options(marked()));
    // Everything else: by the client, or by the thing at hand.
    let patient = fw.with_options(marked());
    ask!(desk, patient.update_info_many([(session.reference(), json!({"b": 1}))]));
    ask!(desk, patient.upload_many([(session.reference(), Source::bytes("c.txt", "c"))]));
    let project = project.with_options(marked());
    ask!(desk, project.create_many([Row::acquisition("sub-03", "ses-01", "T1w")]));
    let execution = execution.with_options(marked());
    ask!(desk, execution.rows::<serde_json::Value>().try_collect::<Vec<_>>());
    let tree = subject.with_options(marked()).tree();
    ask!(desk, tree.branches().try_collect::<Vec<_>>());

    let unmarked: Vec<String> = desk
        .text()
        .lines()
        .filter(|line| line.contains(" -> ") && !line.contains(MARK))
        .map(str::to_owned)
        .collect();
    assert!(unmarked.is_empty(), "{unmarked:#?}\n{}", desk.text());
}
