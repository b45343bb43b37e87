//! Data views: building, running, keeping, and the forms in which rows come.

use std::time::Duration;

use flywheel::{
    Age, Client, ErrorKind, Kind, Project, Source, View,
    view::{
        Accumulator, Column, ColumnType, Match, MissingData, NameFilter, OutputFormat, Shape, ViewBuilder,
        ZipFilter,
    },
};
use flywheel_core::view::Plan;
use futures::TryStreamExt;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::bench::Bench;

/// A project with subjects, one session each, and a table of reaction times in one acquisition of each.
async fn study(fw: &Client, label: &str, subjects: &[(&str, f64, Value)]) -> Project {
    let group = fw.add_group("neuro", "Neuro Lab").or_existing().await.unwrap();
    let project = group.add_project(label).await.unwrap();
    for (label, years, info) in subjects {
        let subject = project.add_subject(*label).set("info", info).await.unwrap();
        let session = subject.add_session("baseline").age(Age::from_years(*years).seconds()).await.unwrap();
        let scan = session.add_acquisition("bold").await.unwrap();
        scan.upload(Source::bytes("events.csv", "rt,ok\r\n0.5,1\r\n0.75,0\r\n")).await.unwrap();
    }
    project
}

async fn colours(fw: &Client) -> Project {
    let subjects = [
        ("sub-01", 30.0, json!({"iq": 104})),
        ("sub-02", 67.5, json!({"iq": 117, "scores": {"a": [1, 2.5]}})),
    ];
    study(fw, "Color Study", &subjects).await
}

fn ages() -> ViewBuilder {
    View::builder()
        .column(Column::new("subject.label").named("subject"))
        .column(Column::new("session.age_years").named("age"))
        .include_ids(false)
        .include_labels(false)
        .error_column(false)
}

#[derive(Debug, Deserialize, PartialEq)]
struct Row {
    subject: String,
    age: f64,
}

#[tokio::test]
async fn rows_come_typed_from_views_that_are_queued_direct_or_saved() {
    let bench = Bench::open().await;
    let project = colours(&bench.fw).await;
    let view = ages().label("Ages").build().unwrap();
    let views = bench.fw.views();
    let saved = views.save(project.id(), &view).await.unwrap();
    let wanted = [Row { subject: "sub-01".into(), age: 30.0 }, Row { subject: "sub-02".into(), age: 67.5 }];
    for run in [
        views.run(&view, &project),
        views.run(&view, &project).direct(true),
        views.run(&saved, project.id()),
        views.run(saved.id(), project.id()).direct(true),
        saved.run_on(&project).poll_every(Duration::from_millis(5)).wait_at_most(Duration::from_secs(60)),
    ] {
        let rows: Vec<Row> = run.rows().try_collect().await.unwrap();
        assert_eq!(rows, wanted);
    }
}

#[tokio::test]
async fn a_run_filters_orders_and_cuts_rows() {
    let bench = Bench::open().await;
    let project = colours(&bench.fw).await;
    let view = ages().filter("session.age>1").build().unwrap();
    let run = bench.fw.views().run(&view, &project).sort("age:desc");
    let ages = |run: flywheel::view::ViewRun| async move {
        let rows: Vec<Row> = run.rows().try_collect().await.unwrap();
        rows.into_iter().map(|row| row.age).collect::<Vec<_>>()
    };
    assert_eq!(ages(run.clone()).await, [67.5, 30.0]);
    assert_eq!(ages(run.clone().filter("subject.label=sub-01")).await, [30.0]);
    assert_eq!(ages(run.clone().limit(1)).await, [67.5]);
    assert_eq!(ages(run.skip(1).direct(true)).await, [30.0]);
}

#[tokio::test]
async fn rows_that_do_not_fit_the_type_are_errors_that_name_the_field() {
    let bench = Bench::open().await;
    let project = colours(&bench.fw).await;
    #[derive(Debug, Deserialize)]
    struct Wrong {
        #[allow(dead_code, reason = "it is what cannot be read")]
        height: f64,
    }
    let view = ages().build().unwrap();
    let error =
        bench.fw.views().run(&view, &project).rows::<Wrong>().try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(error.message().contains("height"), "{error}");
}

#[tokio::test]
async fn files_of_acquisitions_are_read_into_rows() {
    let bench = Bench::open().await;
    let project = colours(&bench.fw).await;
    let view = View::builder()
        .column("subject.label")
        .files(Kind::Acquisition, "*.csv")
        .file_match(Match::All)
        .file_column(Column::new("rt").named("reaction").typed(ColumnType::Float))
        .include_ids(false)
        .build()
        .unwrap();
    let table = bench.fw.views().run(&view, &project).table().await.unwrap();
    assert_eq!(table.len(), 4);
    assert_eq!(table.columns()["reaction"], Shape::Float);
    let times: Vec<f64> = table.objects().map(|row| row.unwrap()["reaction"].as_f64().unwrap()).collect();
    assert_eq!(times, [0.5, 0.75, 0.5, 0.75]);

    let means = View::builder()
        .group_by("subject.label")
        .column(
            Column::new("file_data.rt").named("mean").typed(ColumnType::Float).accumulated(Accumulator::Mean),
        )
        .files(Kind::Acquisition, NameFilter::regex("events"))
        .build()
        .unwrap();
    let rows: Vec<Map<String, Value>> =
        bench.fw.views().run(&means, &project).objects().try_collect().await.unwrap();
    assert_eq!(
        json!(rows),
        json!([
            {"subject.label": "sub-01", "mean": 0.625}, {"subject.label": "sub-02", "mean": 0.625},
        ])
    );
}

#[tokio::test]
async fn several_projects_become_one_table_with_a_column_for_the_project() {
    let bench = Bench::open().await;
    let one = colours(&bench.fw).await;
    let two = study(&bench.fw, "Motion Study", &[("m-01", 20.0, json!({"handed": "left"}))]).await;
    let empty = study(&bench.fw, "New Study", &[]).await;
    let view = ages().column(Column::new("subject.info").named("info")).build().unwrap();
    let run = bench.fw.views().run_over(&view, [&one, &empty, &two]).origin_column("study");
    let table = run.table().await.unwrap();
    assert_eq!(table.names(), ["study", "subject", "age", "info"]);
    let studies: Vec<Value> = table.objects().map(|row| row.unwrap()["study"].clone()).collect();
    assert_eq!(studies, ["Color Study", "Color Study", "Motion Study"]);

    // Objects of all projects are taken apart into the same columns.
    let text = String::from_utf8(run.bytes(OutputFormat::Csv).await.unwrap().into()).unwrap();
    assert_eq!(
        text,
        "study,subject,age,info.iq,info.scores.a,info.handed\r\n\
         Color Study,sub-01,30.0,104,,\r\n\
         Color Study,sub-02,67.5,117,\"[1, 2.5]\",\r\n\
         Motion Study,m-01,20.0,,,left\r\n"
    );
    #[derive(Deserialize)]
    struct Origin {
        study: String,
    }
    let typed: Vec<Origin> =
        bench.fw.views().run(&view, two.id()).origin_column("study").rows().try_collect().await.unwrap();
    assert_eq!(typed[0].study, two.id());
}

#[tokio::test]
async fn a_table_is_written_as_the_site_writes_it() {
    let bench = Bench::open().await;
    let project = colours(&bench.fw).await;
    let view = ages().column("subject.info").build().unwrap();
    let run = bench.fw.views().run(&view, &project);
    let table = run.table().await.unwrap();
    for format in OutputFormat::ALL {
        let theirs = String::from_utf8(run.bytes(format).await.unwrap().into()).unwrap();
        let ours = table.to_text(format).unwrap();
        if matches!(format, OutputFormat::Csv | OutputFormat::Tsv) {
            // The site takes objects apart by the keys of the first, a table by those of all.
            assert!(ours.starts_with(theirs.lines().next().unwrap()), "{ours}");
        } else {
            assert_eq!(ours, theirs, "{format:?}");
        }
    }
}

#[tokio::test]
async fn files_on_disk_appear_whole_in_the_format_of_their_name() {
    let bench = Bench::open().await;
    let project = colours(&bench.fw).await;
    let folder = tempfile::tempdir().unwrap();
    let view = ages().build().unwrap();
    let run = bench.fw.views().run(&view, &project);
    for (name, start) in [
        ("a.csv", "subject,age\r\n"),
        ("a.tsv", "subject\tage\r\n"),
        ("a.json", "{\"data\":[{"),
        ("a.NDJSON", "{\"subject\""),
    ] {
        let path = folder.path().join(name);
        let transfer = run.to_path(&path);
        let progress = transfer.progress();
        let written = transfer.await.unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with(start), "{text}");
        assert_eq!((written, progress.borrow().transferred), (text.len() as u64, text.len() as u64));
        let table = run.table().await.unwrap();
        table.to_path(folder.path().join(format!("b-{name}"))).await.unwrap();
        assert_eq!(std::fs::read_to_string(folder.path().join(format!("b-{name}"))).unwrap(), text);
    }
    let unclear = run.to_path(folder.path().join("a.xlsx")).await.unwrap_err();
    assert!(unclear.is_invalid() && unclear.message().contains(".csv"), "{unclear}");
    let path = folder.path().join("flat");
    run.to_path_as(OutputFormat::JsonFlat, &path).await.unwrap();
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("[{"));

    // A run that fails leaves what was there before, and nothing beside it.
    std::fs::write(&path, "before").unwrap();
    let before = std::fs::read_dir(folder.path()).unwrap().count();
    let failing = bench.fw.views().run(&view, "5eb0bf2e0a1b2c3d4e5f6071");
    failing.to_path_as(OutputFormat::Csv, &path).await.unwrap_err();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "before");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), before);
}

#[tokio::test]
async fn nested_metadata_keeps_its_structure_in_a_table() {
    let bench = Bench::open().await;
    let project = colours(&bench.fw).await;
    let view = View::builder().column(Column::new("subject.info").named("info")).build().unwrap();
    let table = bench.fw.views().run(&view, &project).table().await.unwrap();
    let Shape::Struct(info) = &table.columns()["info"] else { panic!("{table:?}") };
    assert_eq!(info["iq"], Shape::Int);
    let Shape::Struct(scores) = &info["scores"] else { panic!("{info:?}") };
    assert_eq!(scores["a"], Shape::List(Box::new(Shape::Float)));
    // Types that the view gives are known without any row.
    let none = bench.fw.views().run(ages().build().unwrap(), &project).filter("subject.label=nobody");
    let none = none.table().await.unwrap();
    assert!(none.is_empty());
    assert_eq!(none.columns()["age"], Shape::Float);
}

#[tokio::test]
async fn views_are_kept_changed_listed_and_deleted() {
    let bench = Bench::open().await;
    let project = colours(&bench.fw).await;
    let views = bench.fw.views();
    let unnamed = views.save(project.id(), &ages().build().unwrap()).await.unwrap_err();
    assert!(unnamed.is_invalid() && unnamed.message().contains("label"), "{unnamed}");

    let view = ages().label("Ages").description("At visits").filter("subject.label=sub-01").build().unwrap();
    let mut saved = views.save(project.id(), &view).await.unwrap();
    assert_eq!(saved.view().unwrap(), view);
    saved.update().label("Ages at visits").await.unwrap();
    let other = View::builder().column("subject.label").group_by("subject.sex").build().unwrap();
    saved.replace(&other).await.unwrap();
    let again = views.get(saved.id()).await.unwrap();
    assert_eq!(again.label(), "Ages at visits");
    let document = again.view().unwrap().document().clone();
    assert_eq!((document.description, document.filter), (None, None));
    assert_eq!(document.columns, other.document().columns);
    assert_eq!(document.group_by, other.document().group_by);

    views.save("site", &view).await.unwrap();
    assert_eq!(views.of("site").find_one().await.unwrap().label(), "Ages");
    again.delete().await.unwrap();
    assert_eq!(views.of(project.id()).count().await.unwrap(), 0);
    let columns = views.columns().await.unwrap();
    assert!(columns.iter().any(|column| column.name.as_deref() == Some("session.age_years")));
}

#[tokio::test]
async fn an_execution_is_waited_for_fetched_kept_and_deleted() {
    let bench = Bench::open().await;
    let project = colours(&bench.fw).await;
    let view = ages().build().unwrap();
    let views = bench.fw.views();
    let execution = views.run(&view, &project).execute().await.unwrap();
    assert_eq!(execution.project_id.as_deref(), Some(project.id()));
    let mut again = views.execution(execution.id()).await.unwrap();
    again.wait().at_most(Duration::from_secs(60)).await.unwrap();
    assert_eq!(again.state().map(ToString::to_string).as_deref(), Some("completed"));
    let rows: Vec<Row> = again.rows().try_collect().await.unwrap();
    assert_eq!(rows.len(), 2);
    let csv: Vec<bytes::Bytes> = again.bytes(OutputFormat::Csv).try_collect().await.unwrap();
    assert!(csv.concat().starts_with(b"subject,age"));
    assert!(again.url(OutputFormat::Csv).await.unwrap().contains("ticket="));
    let file = again.save(OutputFormat::Csv).await.unwrap();
    assert_eq!((file.name(), file.parent_ref().unwrap().id.as_str()), ("view-data.csv", project.id()));
    assert_eq!(views.executions().count().await.unwrap(), 1);
    again.delete().await.unwrap();
    assert_eq!(views.executions().count().await.unwrap(), 0);

    let session = project.sessions().find_first().await.unwrap().unwrap();
    let kept =
        views.run(&view, &project).save_to(session.reference(), "ages.csv", OutputFormat::Csv).await.unwrap();
    assert_eq!(kept.download().bytes().await.unwrap().len() as u64, kept.size());
    let several = views.run_over(&view, [project.id(), session.id()]).execute().await.unwrap_err();
    assert!(several.is_invalid() && several.message().contains("one container"), "{several}");
}

#[tokio::test]
async fn what_cannot_run_is_said_before_anything_is_sent() {
    let nowhere = Client::new("localhost:1:__force_insecure:KEY").unwrap();
    let view = ages().build().unwrap();
    let views = nowhere.views();
    for (run, words) in [
        (views.run(&view, "5eb0bf2e0a1b2c3d4e5f6071").filter("subject.label"), "no operator"),
        (views.run(&view, "5eb0bf2e0a1b2c3d4e5f6071").filter("acquisition.label=a"), "does not visit"),
        (views.run(&view, "5eb0bf2e0a1b2c3d4e5f6071").sort("a:up"), "unknown order"),
        (views.run(&view, ""), "no id"),
        (views.run_over(&view, [""; 0]), "none was given"),
    ] {
        let error = run.table().await.unwrap_err();
        assert!(error.is_invalid() && error.message().contains(words), "{error}");
        assert!(run.objects().try_next().await.unwrap_err().is_invalid());
        assert!(run.bytes(OutputFormat::Csv).await.unwrap_err().is_invalid());
    }
}

#[test]
fn what_cannot_work_is_said_when_it_is_built() {
    let of = || View::builder().column("session.label");
    for (builder, words) in [
        (View::builder(), "names no container"),
        (View::builder().column("nonsense"), "expected an alias"),
        (of().zip_member("*.json"), "say files(container, name)"),
        (of().file_column("rt"), "say files(container, name)"),
        (of().analysis_gear("afq"), "say files(container, name)"),
        (of().files(Kind::Session, ""), "\"*\" stands for all"),
        (of().files(Kind::Collection, "*"), "expected project"),
        (of().files(Kind::Session, NameFilter::regex("(")), "regular expression"),
        (of().column("acquisition.file.name").column("session.file.name"), "one kind of container"),
        (of().column("session.analysis.file.name").column("session.file.name"), "not both"),
        (of().column(Column::new("session.age").computed("x +")), "expression"),
        (of().column(Column::new("session.age").accumulated(Accumulator::Sum)), "say group_by"),
        (
            of().column(Column::new("session.age").named("a"))
                .column(Column::new("session.weight").named("a")),
            "two columns",
        ),
        (of().filter("session.label"), "no operator"),
        (of().filter("acquisition.label=a"), "add a column of that container"),
        (of().files(Kind::Session, "*").format_option("delimiter", ";;"), "one ASCII character"),
    ] {
        let error = builder.clone().build().err().unwrap_or_else(|| panic!("{builder:?}"));
        assert!(error.is_invalid() && error.message().contains(words), "{error}");
    }
}

#[test]
fn a_built_view_is_the_document_that_the_official_builder_makes() {
    let view = View::builder().column("acquisition.file.info.X").build().unwrap();
    assert_eq!(
        serde_json::to_value(view.document()).unwrap(),
        json!({
            "columns": [{"src": "file.info.X", "dst": "acquisition.file.info.X"}],
            "fileSpec": {"container": "acquisition", "filter": {"value": "*"}, "match": "all", "processFiles": false},
            "includeIds": true, "includeLabels": true, "errorColumn": false, "missingDataStrategy": "drop-row", "sort": true,
        })
    );
    let full = View::builder()
        .label("Full")
        .description("Everything")
        .columns(["subject.label"])
        .files(Kind::Session, "*.zip")
        .analysis_label("fit*")
        .analysis_gear_version("1.*")
        .zip_member(ZipFilter::new("*.csv").taking(Match::All))
        .file_format(flywheel::view::RecordFormat::Csv)
        .format_option("delimiter", ";")
        .file_column("rt")
        .missing_data(MissingData::None)
        .sort(false)
        .build()
        .unwrap();
    assert_eq!(
        serde_json::to_value(full.document()).unwrap(),
        json!({
            "label": "Full", "description": "Everything", "columns": [{"src": "subject.label"}],
            "fileSpec": {
                "container": "session", "analysisFilter": {"label": {"value": "fit*"}, "gear.version": {"value": "1.*"}},
                "filter": {"value": "*.zip"}, "zipMember": {"value": "*.csv", "match": "all"}, "format": "csv",
                "formatOptions": {"delimiter": ";"}, "columns": [{"src": "rt"}]},
            "includeIds": true, "includeLabels": true, "errorColumn": true, "missingDataStrategy": "none", "sort": false,
        })
    );
}

proptest! {
    #[test]
    fn a_built_view_means_the_same_when_it_is_read_again(
        fields in prop::collection::vec(("(project|subject|session|acquisition)", "(label|tags|info\\.[a-z]{1,3})"), 1..5),
        label in prop::option::of("[a-zA-Z ,\"\\\\é]{1,12}"),
        equals in "[a-zA-Z0-9 ,\"\\\\é]{0,8}",
        (ids, labels, drop, files) in any::<(bool, bool, bool, bool)>(),
    ) {
        let mut builder = View::builder().include_ids(ids).include_labels(labels);
        for (at, (container, field)) in fields.iter().enumerate() {
            builder = builder.column(Column::new(format!("{container}.{field}")).named(format!("c{at}")));
        }
        builder = builder.filter(flywheel::field("project.label").eq(equals.as_str()));
        if let Some(label) = label {
            builder = builder.label(label);
        }
        if drop {
            builder = builder.missing_data(MissingData::DropRow);
        }
        if files {
            builder = builder.files(Kind::Acquisition, "*.csv").file_column("rt");
        }
        let view = builder.build().unwrap();
        let text = serde_json::to_string(view.document()).unwrap();
        let again = View::checked(serde_json::from_str(&text).unwrap()).unwrap();
        prop_assert_eq!(&again, &view);
        let plan = Plan::new(again.document(), &Default::default()).unwrap();
        let named: Vec<&str> = plan.columns.iter().map(|column| column.name.as_str()).collect();
        for at in 0..fields.len() {
            let name = format!("c{at}");
            prop_assert!(named.contains(&name.as_str()));
        }
        prop_assert_eq!(plan.drops_missing, drop);
        prop_assert_eq!(plan.files.is_some(), files);
        let filter: flywheel::Filter = again.document().filter.clone().unwrap().parse().unwrap();
        prop_assert_eq!(filter, flywheel::field("project.label").eq(equals.as_str()));
    }
}
