//! Data views: rows, CSV, what is in files, groups, and views that are kept.

use flywheel::blocking::Block;
use flywheel::view::{Accumulator, Column, ColumnType, Match, OutputFormat, ViewRun};
use flywheel::{Kind, Subject, View};
use serde_json::{Value, json};

use crate::task::{Outcome, Task, pick};

/// The rows of a run.
fn rows(run: &ViewRun) -> Outcome {
    let table = run.table().block()?;
    let rows = table.objects().map(|row| row.map(Value::Object)).collect::<flywheel::Result<Vec<_>>>()?;
    Ok(rows.into())
}

pub(crate) fn read_rows(at: &Task) -> Outcome {
    let months =
        Column::new("session.age").named("months").typed(ColumnType::Int).computed("x / 31557600 * 12");
    let view = View::builder()
        .include_ids(false)
        .column(Column::new("subject.sex").named("sex"))
        .column(months)
        .column(Column::new("subject.info.score").named("score").typed(ColumnType::Float))
        .build()?;
    let everything = at.fw.views().run(&view, &at.study);
    let some = everything.clone().filter("subject.sex!=other").limit(2);
    let subject: Subject = at.fw.lookup(at.path("/sub-01")).cast().block()?;
    let below = at.fw.views().run(&view, &subject);
    Ok(json!([rows(&everything)?, rows(&some)?, rows(&below)?]))
}

pub(crate) fn write_csv(at: &Task) -> Outcome {
    let view = View::builder()
        .columns(["subject.label", "session.label", "session.age_years"])
        .include_ids(false)
        .include_labels(false)
        .build()?;
    let target = at.folder().join("rust.csv");
    let run = at.fw.views().run(&view, &at.study);
    run.to_path(&target).block()?;
    let tsv = run.bytes(OutputFormat::Tsv).block()?;
    Ok(json!([std::fs::read_to_string(target)?, String::from_utf8_lossy(&tsv)]))
}

pub(crate) fn read_files_through_a_view(at: &Task) -> Outcome {
    let bare = || View::builder().include_ids(false).include_labels(false);
    let events = bare()
        .column(Column::new("subject.label").named("who"))
        .files(Kind::Acquisition, "*.csv")
        .file_column(Column::new("trial").typed(ColumnType::Int))
        .file_column(Column::new("rt").named("reaction_time").typed(ColumnType::Float))
        .build()?;
    let members = bare()
        .columns(["subject.label", "file.name"])
        .column(Column::new("file.info.snr").named("snr"))
        .files(Kind::Acquisition, "*.nii.gz")
        .file_match(Match::All)
        .process_files(false)
        .build()?;
    let views = at.fw.views();
    Ok(json!([rows(&views.run(&events, &at.study))?, rows(&views.run(&members, &at.study))?]))
}

pub(crate) fn group_rows(at: &Task) -> Outcome {
    let view = View::builder()
        .include_ids(false)
        .include_labels(false)
        .group_by("subject.sex")
        .column(Column::new("session.age_years").named("mean").accumulated(Accumulator::Mean))
        .column(Column::new("session.id").named("visits").accumulated(Accumulator::Count))
        .build()?;
    let mut rows: Vec<Value> = serde_json::from_value(rows(&at.fw.views().run(&view, &at.study))?)?;
    rows.sort_by_key(Value::to_string);
    Ok(rows.into())
}

pub(crate) fn save_a_view(at: &Task) -> Outcome {
    let views = at.fw.views();
    let view = View::builder()
        .label("Ages")
        .description("Of everyone")
        .columns(["subject.label", "session.age_years"])
        .include_ids(false)
        .build()?;
    let mut saved = views.save(at.study.id(), &view).block()?;
    saved.update().description("Of each visit").block()?;
    let listed: Value =
        views.of(at.study.id()).block()?.iter().map(|one| pick(one, &["label", "description"])).collect();
    let rows = rows(&views.run(&saved, &at.study))?;
    let columns = views.columns().block()?;
    let mut names: Vec<&str> = columns.iter().filter_map(|column| column.name.as_deref()).collect();
    names.sort_unstable();
    saved.delete().block()?;
    let left = views.of(at.study.id()).block()?.len();
    Ok(json!([listed, rows, names[..5], names.len(), left]))
}
