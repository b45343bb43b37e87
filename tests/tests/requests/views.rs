//! Data views and their runs.

use std::time::Duration;

use flywheel::{Kind, View, view::OutputFormat};
use futures::TryStreamExt;

use crate::desk::{Desk, Study, ask};

#[tokio::test]
async fn views_are_kept_and_run() {
    let desk = Desk::open().await;
    let fw = desk.fw.clone();
    let Study { project, session, .. } = desk.study().await;
    let views = fw.views();
    let full = View::builder()
        .label("Full")
        .columns(["subject.label", "session.age_years"])
        .files(Kind::Acquisition, "*.csv")
        .file_column("rt")
        .filter("subject.label!=phantom")
        .build()
        .unwrap();
    let view = View::builder().label("Labels").column("subject.label").build().unwrap();
    ask!(desk, views.columns());
    ask!(desk, views.save(project.id(), &full));
    let mut saved = ask!(desk, views.save("site", &view));
    ask!(desk, views.of(project.id()));
    ask!(desk, views.get(saved.id()));
    ask!(desk, saved.reload());
    ask!(desk, saved.update().label("Other").description("Labels of subjects"));
    ask!(desk, saved.replace(&view));
    ask!(desk, views.run(&view, &project).direct(true).sort("subject.label:desc").skip(0).limit(3).table());
    ask!(desk, views.run(&view, &project).direct(true).bytes(OutputFormat::Csv));
    let folder = tempfile::tempdir().unwrap();
    ask!(desk, views.run(&view, &project).direct(true).to_path(folder.path().join("a.csv")));
    ask!(
        desk,
        views.run(&view, &project).direct(true).to_path_as(OutputFormat::Json, folder.path().join("a"))
    );
    ask!(desk, views.run(&view, &project).direct(true).stream(OutputFormat::Tsv).try_collect::<Vec<_>>());
    ask!(desk, views.run(&view, &project).direct(true).objects().try_collect::<Vec<_>>());
    ask!(desk, saved.run_on(&project).direct(true).filter("subject.label=sub-01").table());
    ask!(desk, views.run(&view, &project).save_to(session.reference(), "labels.csv", OutputFormat::Csv));
    let queued = views.run(&view, &project).filter("subject.label=sub-01").limit(1);
    let mut execution = ask!(desk, queued.execute());
    ask!(desk, saved.run_on(&project).execute());
    // How often the site is asked whether it is done differs from run to run.
    execution.wait().every(Duration::from_millis(5)).await.unwrap();
    ask!(desk, execution.wait());
    ask!(desk, execution.rows::<serde_json::Value>().try_collect::<Vec<_>>());
    ask!(desk, execution.bytes(OutputFormat::Csv).try_collect::<Vec<_>>());
    ask!(desk, execution.url(OutputFormat::Csv));
    ask!(desk, execution.save(OutputFormat::Csv));
    ask!(desk, views.execution(execution.id()));
    ask!(desk, views.executions());
    ask!(desk, execution.delete());
    ask!(desk, saved.delete());
    desk.close("views");
}
