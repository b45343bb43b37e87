//! The tree as a whole: paths, tree queries, copies, moves, many at once.

use flywheel::{
    DeleteReason, Kind, MoveTo, Row, Source,
    admin::TreeQuery,
    hierarchy::{Conflicts, CopyFilter},
};
use futures::TryStreamExt;
use serde_json::{Value, json};

use crate::desk::{Desk, Study, ask, nifti};

#[tokio::test]
async fn the_tree_is_walked_copied_and_moved() {
    let desk = Desk::open().await;
    let fw = desk.fw.clone();
    let Study { group, mut project, mut subject, mut session, mut acquisition, analysis, collection } =
        desk.study().await;
    ask!(desk, fw.lookup("neuro/Color Study/sub-01"));
    ask!(desk, fw.lookup("neuro/PROJECTS/Color Study").full_tree());
    ask!(desk, fw.resolve("neuro/Color Study").with_info());
    ask!(desk, fw.resolve("").minimal().exhaustive());
    ask!(desk, fw.get(session.id()));
    ask!(desk, fw.lookup("neuro/Color Study").cast::<flywheel::Project>());
    ask!(desk, project.tree().files(true).text());
    ask!(desk, subject.tree().down_to(Kind::Session).branches().try_collect::<Vec<_>>());
    let query = TreeQuery::new(["label"]).filter("label=sub-01").sort("label").limit(2);
    let query = query.join("sessions", TreeQuery::new(["label"]));
    ask!(desk, fw.fetch_tree::<Value>(Kind::Subject, query));
    ask!(desk, fw.tree_graph());

    let other = group.add_project("Other").await.unwrap();
    ask!(
        desk,
        subject.copy_to(&other).label("copy").filter(CopyFilter::new().without_notes().without_tags())
    );
    ask!(desk, session.copy_to(&subject).label("copy"));
    other.add_subject("sub-01").await.unwrap();
    ask!(desk, session.copy_to_project(&other).label("copy"));
    ask!(desk, acquisition.copy_to(&session).label("copy"));
    let filter = CopyFilter::new().without_analyses().include(["file.type=nifti"]).exclude(["file.tags=bad"]);
    let copy = ask!(desk, project.copy_to(&group, "Copy", filter));
    ask!(desk, copy.project());
    ask!(desk, copy.status());
    ask!(desk, project.copies());

    let elsewhere = fw.add_group("elsewhere", "Elsewhere").await.unwrap();
    let third = group.add_project("Third").await.unwrap();
    let visit = subject.add_session("ses-02").await.unwrap();
    ask!(desk, acquisition.move_to(&visit));
    ask!(desk, MoveTo::<flywheel::Project>::move_to(&mut session, &third));
    subject.update().label("sub-02").await.unwrap();
    ask!(desk, subject.move_to(&other));
    ask!(desk, MoveTo::<flywheel::Subject>::move_to(&mut session, &subject));
    ask!(desk, project.move_to(&elsewhere));
    ask!(desk, fw.move_many([acquisition.clone()], &session));
    ask!(
        desk,
        fw.move_sessions([session.id()], [project.reference()])
            .conflicts(Conflicts::Report)
            .remove_empty(true)
    );

    let rows = [Row::acquisition("sub-07", "ses-01", "bold").set("uid", "1.2.3")];
    ask!(desk, project.create_many(rows).at_once(1));
    let target = session.reference();
    ask!(desk, fw.update_info_many([(target.clone(), json!({"a": 1}))]));
    ask!(desk, fw.update_many([(target.clone(), json!({"operator": "Jo"}))]));
    ask!(desk, fw.upload_many([(target, Source::bytes("a.txt", "a"))]));

    let file = acquisition.upload(nifti("t1.nii.gz")).await.unwrap();
    ask!(desk, fw.delete_many(Kind::File, [file.id()], None));
    ask!(desk, fw.delete_many(Kind::Analysis, [analysis.id()], None));
    ask!(desk, fw.delete_many(Kind::Acquisition, [acquisition.id()], Some(DeleteReason::TestData)));
    ask!(desk, fw.delete_many(Kind::Session, [session.id()], None));
    ask!(desk, fw.delete_many(Kind::Subject, [subject.id()], None));
    ask!(desk, fw.delete_many(Kind::Project, [project.id()], None));
    ask!(desk, fw.delete_many(Kind::Collection, [collection.id()], None));
    let empty = fw.add_group("empty", "Empty").await.unwrap();
    ask!(desk, fw.delete_many(Kind::Group, [empty.id()], None));
    desk.close("hierarchy");
}
