//! The tree as a whole: printed, moved, copied, thinned out.

use flywheel::{
    Age, Kind, MoveTo, Node, Source,
    hierarchy::{Conflicts, CopyFilter},
};
use futures::TryStreamExt;
use serde_json::{Value, json};

use crate::{
    bench::{Bench, Study},
    echo::Echo,
};

#[tokio::test]
async fn a_tree_is_printed_in_the_order_of_labels() {
    let bench = Bench::open().await;
    let Study { group, project, session, acquisition, .. } = bench.study().await;
    project.upload(Source::bytes("plan.pdf", "p")).await.unwrap();
    acquisition.upload(Source::bytes("t1.nii", "v")).await.unwrap();
    session.add_acquisition("bold").await.unwrap();
    let analysis = session.add_analysis("fit").await.unwrap();
    analysis.upload(Source::bytes("fit.csv", "a")).await.unwrap();
    project.add_subject("sub-00").await.unwrap().add_session("ses-01").await.unwrap();
    let text = group.tree().files(true).analyses(true).text().await.unwrap();
    let expected = "\
Neuro Lab
└── Color Study
    ├── plan.pdf
    ├── sub-00
    │   └── ses-01
    └── sub-01
        └── ses-01
            ├── fit (analysis)
            │   └── fit.csv
            ├── T1w
            │   └── t1.nii
            └── bold
";
    assert_eq!(text, expected);
    let short = project.tree().down_to(Kind::Subject).text().await.unwrap();
    assert_eq!(short, "Color Study\n├── sub-00\n└── sub-01\n");
    let branches: Vec<_> = session.tree().branches().try_collect().await.unwrap();
    let depths: Vec<_> = branches.iter().map(|branch| (branch.depth, branch.node.label())).collect();
    assert_eq!(depths, [(0, "ses-01"), (1, "T1w"), (1, "bold")]);
    assert!(matches!(branches[1].node, Node::Acquisition(_)));
}

#[tokio::test]
async fn containers_move_below_another_parent_with_all_they_hold() {
    let bench = Bench::open().await;
    let Study { project, mut subject, mut session, mut acquisition, .. } = bench.study().await;
    let other = project.add_subject("sub-02").await.unwrap();
    session.move_to(&other).await.unwrap();
    assert_eq!(session.subject().await.unwrap().id(), other.id());
    acquisition.reload().await.unwrap();
    assert_eq!(acquisition.subject().await.unwrap().id(), other.id());
    let new = other.add_session("ses-02").await.unwrap();
    acquisition.move_to(&new).await.unwrap();
    assert_eq!(acquisition.session().await.unwrap().id(), new.id());
    let group = bench.fw.add_group("psych", "Psychology").await.unwrap();
    let mut elsewhere = group.add_project("Elsewhere").await.unwrap();
    subject.move_to(&elsewhere).await.unwrap();
    assert_eq!(elsewhere.subjects().find_one().await.unwrap().id(), subject.id());
    let neuro = project.group().await.unwrap();
    elsewhere.move_to(&neuro).await.unwrap();
    assert_eq!(elsewhere.group().await.unwrap().id(), "neuro");
}

#[tokio::test]
async fn many_containers_of_a_kind_move_in_one_call_that_tells_which_stay() {
    let bench = Bench::open().await;
    let Study { group, project, subject, session, acquisition } = bench.study().await;
    let other = group.add_project("Other").await.unwrap();
    for label in ["sub-02", "sub-03"] {
        project.add_subject(label).await.unwrap();
    }
    other.add_subject("sub-03").await.unwrap();
    let report = bench.fw.move_many(project.subjects().await.unwrap(), &other).at_once(2).await.unwrap();
    assert_eq!((report.done.len(), report.failed.len()), (2, 1));
    assert!(report.failed[0].1.is_conflict(), "{:?}", report.failed);
    assert_eq!(project.subjects().find_one().await.unwrap().label(), "sub-03");

    let there = other.add_subject("sub-09").await.unwrap();
    bench.fw.move_many([session.clone()], &there).await.unwrap().complete().unwrap();
    assert_eq!(there.sessions().find_one().await.unwrap().id(), session.id());
    let visit = there.add_session("ses-09").await.unwrap();
    bench.fw.move_many([acquisition.clone()], &visit).await.unwrap().complete().unwrap();
    assert_eq!(visit.acquisitions().find_one().await.unwrap().id(), acquisition.id());
    assert_eq!(subject.sessions().count().await.unwrap(), 0);
}

#[tokio::test]
async fn many_are_deleted_in_one_call() {
    let bench = Bench::open().await;
    let Study { project, session, .. } = bench.study().await;
    let ids = [session.add_acquisition("a").await.unwrap(), session.add_acquisition("b").await.unwrap()];
    let ids: Vec<_> = ids.iter().map(|one| one.id().to_owned()).collect();
    assert_eq!(bench.fw.delete_many(Kind::Acquisition, ids, None).await.unwrap(), 2);
    assert_eq!(project.acquisitions().find_one().await.unwrap().label(), "T1w");
    assert_eq!(bench.fw.delete_many(Kind::Acquisition, Vec::<String>::new(), None).await.unwrap(), 0);
    assert!(bench.fw.delete_many(Kind::Job, ["x"], None).await.is_err());
}

#[tokio::test]
async fn copies_and_bulk_moves_say_what_the_api_wants() {
    let bench = Bench::open().await;
    let Study { group, project, subject, session, acquisition } = bench.study().await;
    let echo = Echo::open(json!({})).await;
    let filter = || CopyFilter::new().without_notes().include(["file.type=dicom"]).with_empty_containers();
    let wire = json!({
        "exclude_notes": true, "include_rules": ["file.type=dicom"], "exclude_empty_containers": false,
    });
    let fw = echo.client();
    // The same containers, reached through a server that remembers.
    echo.answers(json!(project));
    let project = fw.projects().get(project.id()).await.unwrap();
    echo.answers(json!(subject));
    let subject = fw.subjects().get(subject.id()).await.unwrap();
    echo.answers(json!(session));
    let session = fw.sessions().get(session.id()).await.unwrap();
    echo.answers(json!(acquisition));
    let acquisition = fw.acquisitions().get(acquisition.id()).await.unwrap();
    echo.answers(json!({"_id": "n1", "label": "copy"}));
    assert_eq!(subject.copy_to(&project).label("twin").filter(filter()).await.unwrap().id(), "n1");
    let body = json!({"dst_project_id": project.id(), "dst_subject_label": "twin", "filter": wire});
    assert_eq!(echo.last(), ("POST".into(), format!("/api/subjects/{}/copy", subject.id()), body));
    session.copy_to(&subject).await.unwrap();
    let body = json!({"dst_subject_id": subject.id(), "filter": {}});
    assert_eq!(echo.last(), ("POST".into(), format!("/api/sessions/{}/copy", session.id()), body));
    acquisition.copy_to(&session).label("again").await.unwrap();
    let body = json!({"dst_session_id": session.id(), "label": "again", "filter": {}});
    assert_eq!(echo.last(), ("POST".into(), format!("/api/acquisitions/{}/copy", acquisition.id()), body));
    project.copy_to(&group, "Copy", CopyFilter::new()).await.unwrap();
    let body = json!({"group_id": "neuro", "project_label": "Copy", "filter": {}});
    assert_eq!(echo.last(), ("POST".into(), format!("/api/projects/{}/copy", project.id()), body));

    echo.answers(json!([{"id": "s1", "move_type": [], "conflict_with": {"type": "session", "id": "s2"}}]));
    let moved = fw.move_sessions(["s1"], [project.reference()]).conflicts(Conflicts::Report);
    assert_eq!(moved.await.unwrap().len(), 1);
    let body = json!({
        "destination_container_type": "projects", "sources": ["s1"], "destinations": [project.id()],
        "conflict_mode": "dry", "remove_source": false,
    });
    assert_eq!(echo.last(), ("POST".into(), "/api/bulk/move/sessions".into(), body));
    assert!(fw.move_sessions(["s1"], []).await.unwrap_err().is_invalid());
    assert!(fw.move_sessions(["s1"], [acquisition.reference()]).await.unwrap_err().is_invalid());
}

#[tokio::test]
async fn permissions_name_roles_as_people_do() {
    let bench = Bench::open().await;
    let Study { mut group, mut project, .. } = bench.study().await;
    bench.user("jo@example.org", false).await;
    project.permissions().add("jo@example.org", ["Read-Only"]).await.unwrap();
    let given = project.permissions().get("jo@example.org").await.unwrap();
    let roles = bench.fw.roles().await.unwrap();
    let read_only = roles.iter().find(|role| role.label() == "read-only").unwrap();
    assert_eq!(given.role_ids, Some(vec![read_only.id().to_owned()]));
    let error = project.permissions().set("jo@example.org", ["reader"]).await.unwrap_err();
    assert!(error.is_invalid() && error.message().contains("read-only"), "{error}");
    assert!(project.permissions().get("nobody@example.org").await.unwrap_err().is_not_found());
    group.permissions().add("jo@example.org", "rw").await.unwrap();
    let given = group.permissions().get("jo@example.org").await.unwrap();
    assert_eq!(given.access, Some(flywheel::AccessLevel::Rw));
    group.permission_template().add("jo@example.org", ["read-write"]).await.unwrap();
    assert!(group.permission_template().get("jo@example.org").await.unwrap().role_ids.is_some());
}

#[tokio::test]
async fn analyses_keep_their_inputs_and_files_are_classified_with_their_modality() {
    let bench = Bench::open().await;
    let Study { session, acquisition, .. } = bench.study().await;
    let mut file = acquisition.upload(Source::bytes("t1.nii", "v")).await.unwrap();
    let analysis = session.add_analysis("fit").inputs([file.file_ref().unwrap()]).await.unwrap();
    assert_eq!(analysis.inputs().await.unwrap()[0].name(), "t1.nii");
    analysis.upload(Source::bytes("fit.csv", "a")).await.unwrap();
    assert_eq!(analysis.files().await.unwrap()[0].name(), "fit.csv");

    file.classification().modality("MR").replace([("Measurement", ["T1"])]).await.unwrap();
    file.classification().add([("Intent", ["Structural"])]).await.unwrap();
    let at_hand = (file.modality.clone(), json!(file.classification));
    file.reload().await.unwrap();
    assert_eq!((file.modality.clone(), json!(file.classification)), at_hand);
    assert_eq!(at_hand.1, json!({"Measurement": ["T1"], "Intent": ["Structural"]}));
    file.classification().modality("CT").add([("Custom", ["odd"])]).await.unwrap();
    file.classification().modality("CT").delete([("Custom", ["even"])]).await.unwrap();
    let at_hand = (file.modality.clone(), json!(file.classification));
    file.reload().await.unwrap();
    assert_eq!((file.modality.clone(), json!(file.classification)), at_hand);
    assert_eq!(at_hand, (Some("CT".to_owned()), json!({"Custom": ["odd"]})));
    assert_eq!(file.replaced_at(), None);
    acquisition.upload(Source::bytes("t1.nii", "w")).await.unwrap();
    assert!(file.at_version(1).await.unwrap().replaced_at().is_some());
}

#[tokio::test]
async fn an_age_goes_in_as_it_comes_out() {
    let bench = Bench::open().await;
    let Study { subject, .. } = bench.study().await;
    let session = subject.add_session("x").age(Age::from_months(18.0)).await.unwrap();
    assert_eq!((session.age_months(), session.age_days()), (Some(18.0), Some(540.0)));
    let moment = session.created_at().unwrap();
    assert_eq!(moment.local().to_utc(), moment.utc());
    let _: Value = json!(session);
}
