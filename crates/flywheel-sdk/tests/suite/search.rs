//! Searching: what is asked, what comes back, and how results beyond one answer are reached.

use std::collections::BTreeSet;

use flywheel::{
    Acquisition, Client, ContainerRef, ErrorKind, File, Kind, Project, Session, Source, Subject,
    search::{SearchParent, field},
};
use flywheel_core::sort::Order;
use futures::TryStreamExt;
use serde_json::json;

use crate::bench::Bench;

/// A project with a file of its own and `subjects` subjects with two sessions of two acquisitions with one file each.
async fn study(fw: &Client, label: &str, subjects: usize) -> Project {
    let group = fw.add_group("neuro", "Neuro Lab").or_existing().await.unwrap();
    let project = group.add_project(label).await.unwrap();
    project.upload(Source::bytes("plan.csv", "a,b")).await.unwrap();
    for n in 0..subjects {
        let subject = project.add_subject(format!("sub-{n:02}")).await.unwrap();
        for visit in ["baseline", "follow-up"] {
            let session = subject.add_session(visit).age(1_000_000_000 + n as i64).await.unwrap();
            for scan in ["T1w", "bold"] {
                let acquisition = session.add_acquisition(scan).await.unwrap();
                acquisition.upload(Source::bytes(format!("{scan}.nii.gz"), "volume")).await.unwrap();
            }
        }
    }
    project
}

#[tokio::test]
async fn every_kind_is_found_and_read_in_full() {
    let bench = Bench::open().await;
    let fw = &bench.fw;
    let project = study(fw, "Color Study", 2).await;
    let session = project.sessions().find_first().await.unwrap().unwrap();
    let analysis = session.add_analysis("fit").await.unwrap();
    analysis.upload(Source::bytes("fit.json", "{}")).await.unwrap();

    let t1 = fw.search("acquisition.label = T1w");
    assert_eq!(t1.find::<Project>().await.unwrap()[0].id(), project.id());
    assert_eq!(t1.find::<Subject>().await.unwrap().len(), 2);
    assert_eq!(t1.find::<Session>().await.unwrap().len(), 4);
    assert_eq!(t1.find::<Acquisition>().await.unwrap().len(), 4);
    let files = t1.find::<File>().await.unwrap();
    assert_eq!((files.len(), files[0].name()), (4, "T1w.nii.gz"));
    assert_eq!(files[0].parent_ref().unwrap().kind, Kind::Acquisition);
    let found: Vec<flywheel::Analysis> = fw.search("analysis.label = fit").find().await.unwrap();
    assert_eq!(found[0].id(), analysis.id());
    let outputs: Vec<File> = fw.search("file.name = fit.json").find().await.unwrap();
    assert_eq!(outputs[0].parent_ref().unwrap(), ContainerRef::new(Kind::Analysis, analysis.id()));

    let error = t1.find_hits(Kind::Collection).await.unwrap_err();
    assert!(error.is_invalid() && error.message().contains("collections"), "{error}");
}

#[tokio::test]
async fn a_file_whose_name_holds_a_slash_is_read_by_way_of_the_list() {
    let bench = Bench::open().await;
    let acquisition = bench.study().await.acquisition;
    acquisition.upload(Source::bytes("run/1.csv", "a,b")).await.unwrap();
    let hits = bench.fw.search(field("file.type").eq("tabular data")).find_hits(Kind::File).await.unwrap();
    let file: File = hits[0].get().await.unwrap();
    assert_eq!(file.name(), hits[0].label());
}

#[tokio::test]
async fn a_hit_says_where_it_is() {
    let bench = Bench::open().await;
    study(&bench.fw, "Color Study", 1).await;
    let hits = bench.fw.search("file.name = bold.nii.gz").limit(1).find_hits(Kind::File).await.unwrap();
    let hit = &hits[0];
    assert_eq!(hit.path(), "neuro/Color Study/sub-00/baseline/bold/bold.nii.gz");
    assert_eq!(hit.parent().unwrap().id, hit.id_of(Kind::Acquisition).unwrap());
    assert_eq!(hit.file.as_ref().unwrap().size, Some(6));
    assert_eq!(hit.label_of(Kind::Session), Some("baseline"));
    let wrong = hit.get::<Session>().await.unwrap_err();
    assert!(wrong.message().contains("is a file, not a session"), "{wrong}");
    assert!(!format!("{hit:?}").contains("sub-00"));
}

#[tokio::test]
async fn conditions_of_all_sorts_hold_together() {
    let bench = Bench::open().await;
    let fw = &bench.fw;
    study(fw, "Color Study", 3).await;
    let young = json!({"range": {"session.age": {"lt": 1_000_000_002}}});
    let search = fw.search(field("file.name").like("T1%")).text("BASEL").clause(young);
    assert_eq!(search.find_hits(Kind::Session).await.unwrap().len(), 2);
    let both =
        fw.search("acquisition.label = bold").and(field("subject.label").in_list(["sub-00", "sub-02"]));
    assert_eq!(both.find_hits(Kind::Acquisition).await.unwrap().len(), 4);
    assert_eq!(fw.search_text("nothing of the kind").find_hits(Kind::File).await.unwrap().len(), 0);
    let last = fw.search_all().sort("session.age", Order::Descending).limit(1).and("session.age EXISTS");
    assert_eq!(last.find_hits(Kind::Session).await.unwrap()[0].label_of(Kind::Subject), Some("sub-02"));
}

#[tokio::test]
async fn results_beyond_one_answer_are_reached_by_parts_each_once() {
    let bench = Bench::open().await;
    let fw = &bench.fw;
    study(fw, "One", 3).await;
    let two = study(fw, "Two", 2).await;
    let subject = two.subjects().find_first().await.unwrap().unwrap();
    subject.upload(Source::bytes("consent.pdf", "x")).await.unwrap();
    // A page must be larger than what lies directly in one place: two sessions of a subject, three subjects of a project.
    let cases =
        [(Kind::File, 2, 23), (Kind::Acquisition, 3, 20), (Kind::Session, 3, 10), (Kind::Subject, 4, 5)];
    for (kind, least, wanted) in cases {
        for page in [least, least + 1, 7, 1000] {
            let hits: Vec<_> = fw.search_all().page_size(page).hits(kind).try_collect().await.unwrap();
            let paths: BTreeSet<String> = hits.iter().map(|hit| hit.path()).collect();
            assert_eq!((hits.len(), paths.len()), (wanted, wanted), "{kind} in pages of {page}");
        }
    }
}

#[tokio::test]
async fn results_that_cannot_be_parted_are_an_error_that_says_what_to_do() {
    let bench = Bench::open().await;
    let fw = &bench.fw;
    study(fw, "Color Study", 3).await;
    let many = fw.search("session.label = baseline").page_size(2);
    let stuck = fw.search_all().page_size(1).find_hits(Kind::File).await.unwrap_err();
    assert!(stuck.hint().unwrap().contains("narrowly"), "{stuck}");
    let sorted =
        many.clone().sort("session.age", Order::Ascending).find_hits(Kind::Session).await.unwrap_err();
    assert!(sorted.is_invalid() && sorted.hint().unwrap().contains("limit"), "{sorted}");
    let first = many.clone().sort("session.age", Order::Ascending).limit(2);
    assert_eq!(first.find_hits(Kind::Session).await.unwrap().len(), 2);
    assert_eq!(many.limit(3).find_hits(Kind::Session).await.unwrap().len(), 3);
    assert_eq!(fw.search_all().limit(0).find_hits(Kind::File).await.unwrap().len(), 0);
}

#[tokio::test]
async fn found_things_become_a_collection_in_one_call() {
    let bench = Bench::open().await;
    let fw = &bench.fw;
    study(fw, "Color Study", 2).await;
    let collection = fw.add_collection("Pick").await.unwrap();
    let added = fw.search("file.type EXISTS").add_to(&collection, Kind::File).await.unwrap();
    assert_eq!((added.hits, added.members, added.left_out), (8, 8, 1));
    assert_eq!(collection.acquisitions().count().await.unwrap(), 8);
    let sessions = fw.add_collection("Visits").await.unwrap();
    let search = fw.search("session.label = baseline");
    assert_eq!(search.add_to(&sessions, Kind::Session).await.unwrap().members, 2);
    assert_eq!(sessions.acquisitions().count().await.unwrap(), 4);
}

#[tokio::test]
async fn saved_searches_are_kept_changed_run_and_deleted() {
    let bench = Bench::open().await;
    let fw = &bench.fw;
    let project = study(fw, "Color Study", 2).await;
    let search = fw.search("acquisition.label = T1w").sort("session.age", Order::Descending).limit(3);
    let mut saved = search.save("T1s", Kind::Session, &project).await.unwrap();
    assert_eq!((saved.label(), saved.finds()), ("T1s", Some(Kind::Session)));
    let hits: Vec<_> = saved.hits().unwrap().try_collect().await.unwrap();
    let labels: Vec<_> = hits.iter().map(|hit| hit.label_of(Kind::Subject).unwrap()).collect();
    assert_eq!(labels, ["sub-01", "sub-01", "sub-00"]);

    saved.update().label("Scans").await.unwrap();
    saved.replace(&fw.search_text("bold"), Kind::Acquisition).await.unwrap();
    let again = fw.saved_searches().find_one().await.unwrap();
    assert_eq!((again.label(), again.finds()), ("Scans", Some(Kind::Acquisition)));
    assert_eq!(again.search().unwrap().find::<Acquisition>().await.unwrap().len(), 4);
    fw.search_text("x").save("Site", Kind::File, SearchParent::site()).await.unwrap();
    assert_eq!(fw.saved_searches().count().await.unwrap(), 2);
    again.delete().await.unwrap();
    assert_eq!(fw.saved_searches().await.unwrap()[0].label(), "Site");
}

#[tokio::test]
async fn only_administrators_search_all_data() {
    let bench = Bench::open().await;
    study(&bench.fw, "Color Study", 1).await;
    let user = bench.user("jo@example.org", false).await;
    let search = user.search("subject.label EXISTS");
    assert!(search.find_hits(Kind::Subject).await.unwrap().is_empty());
    let refused = search.all_data(true).find_hits(Kind::Subject).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
    let all = bench.fw.search("subject.label EXISTS").all_data(true);
    assert_eq!(all.find_hits(Kind::Subject).await.unwrap().len(), 1);
}

#[tokio::test]
async fn nodes_facets_and_tables_come_as_the_site_writes_them() {
    let bench = Bench::open().await;
    study(&bench.fw, "Color Study", 2).await;
    let search = bench.fw.search("file.type = nifti");
    let nodes = search.nodes(Kind::Session).await.unwrap();
    assert_eq!((nodes.len(), nodes[0].kind), (4, Kind::Session));
    assert_eq!(bench.fw.archive(nodes).summary().await.unwrap().files, Some(8));
    assert!(search.facets(Kind::File).await.unwrap().to_string().contains("nifti"));
    let table = search.csv(Kind::File).await.unwrap();
    assert_eq!(table.lines().count(), 9);
    assert!(table.lines().next().unwrap().contains("file.name"));
}

#[tokio::test]
async fn a_deletion_needs_a_condition_and_deletes_all_that_is_found() {
    let bench = Bench::open().await;
    let fw = &bench.fw;
    let project = study(fw, "Color Study", 2).await;
    let refused = fw.search_all().delete_found(Kind::File, None).await.unwrap_err();
    assert!(refused.is_invalid() && refused.message().contains("condition"), "{refused}");
    let limited = fw.search("file.type = nifti").limit(1).delete_found(Kind::File, None).await.unwrap_err();
    assert!(limited.is_invalid(), "{limited}");
    let search = fw.search("subject.label = sub-00");
    search.delete_found(Kind::Subject, Some(flywheel::DeleteReason::TestData)).await.unwrap();
    let left = project.subjects().await.unwrap();
    assert_eq!(left.iter().map(Subject::label).collect::<Vec<_>>(), ["sub-01"]);
}

#[tokio::test]
async fn the_index_knows_fields_and_values() {
    let bench = Bench::open().await;
    study(&bench.fw, "Color Study", 1).await;
    let index = bench.fw.search_index();
    assert_eq!(index.status().await.unwrap().as_str(), "up-to-date");
    let fields = index.fields("session.ag").await.unwrap();
    assert_eq!((fields[0].name.as_str(), fields[0].kind.as_deref()), ("session.age", Some("integer")));
    assert!(index.fields_below("session").await.unwrap().contains_key("operator"));
    assert!(index.values("file.type", None).await.unwrap().to_string().contains("nifti"));
    assert!(index.check("a = 1").await.unwrap().is_empty());
    let suggestions = index.suggest("acquisition.label = T1").await.unwrap();
    assert_eq!(suggestions.complete("acquisition.label = T1", 0).unwrap(), "acquisition.label = T1w");
    assert_eq!(suggestions.complete("", 99), None);
}
