//! Archives: a ticket first, then the bytes.

use futures::TryStreamExt;
use serde_json::{Value, json};

use super::{CONTENT, names, play, script::answer, whole};
use crate::{
    ContainerRef, Kind,
    transfer::{Archive, ArchiveFormat, ArchiveLayout},
};

fn ticket() -> super::script::Step {
    answer("200 OK", &[], r#"{"ticket": "t-1", "filename": "scitran_1.tar", "file_cnt": 2, "size": 12}"#)
}

fn session() -> ContainerRef {
    ContainerRef::new(Kind::Session, "s1")
}

#[tokio::test]
async fn an_archive_is_asked_for_by_a_ticket_and_written_whole() {
    let (server, client) = play(vec![ticket(), whole(CONTENT)]).await;
    let folder = tempfile::tempdir().unwrap();
    let transfer = Archive::new(&client, [session()])
        .format(ArchiveFormat::Zip)
        .include_types(["nifti"])
        .exclude_types(["dicom"])
        .to_path(folder.path().join("s.zip"));
    let progress = transfer.progress();
    assert_eq!(transfer.await.unwrap().size, 20);
    assert_eq!(progress.borrow().transferred, 20);
    assert_eq!(names(folder.path()), ["s.zip"]);
    let arrived = server.arrived();
    assert_eq!(arrived[0].line(), "POST /api/download?type=classic HTTP/1.1");
    let body: Value = serde_json::from_slice(&arrived[0].body).unwrap();
    let expected = json!({
        "optional": true,
        "nodes": [{"level": "session", "_id": "s1"}],
        "filters": [{"types": {"plus": ["nifti"], "minus": ["dicom"]}}],
    });
    assert_eq!(body, expected);
    assert_eq!(arrived[1].line(), "GET /api/download?ticket=t-1&format=zip HTTP/1.1");
}

#[tokio::test]
async fn a_summary_fetches_no_bytes() {
    let (server, client) = play(vec![ticket()]).await;
    let summary = Archive::new(&client, [session()]).summary().await.unwrap();
    assert_eq!(
        (summary.files, summary.size, summary.filename.as_deref()),
        (Some(2), Some(12), Some("scitran_1.tar"))
    );
    assert_eq!(server.arrived().len(), 1);
}

#[tokio::test]
async fn targets_are_read_line_by_line_without_a_ticket() {
    let lines = "{\"dst_path\": \"scitran/g/p/t1.nii\", \"filename\": \"t1.nii\", \"size\": 5, \"version\": 2}\n\
                 {\"dst_path\": \"scitran/g/p/b\", \"filename\": \"b\", \"size\": null, \"later\": 1}\n";
    let (server, client) = play(vec![answer("200 OK", &[], lines)]).await;
    let archive = Archive::new(&client, [session()])
        .layout(ArchiveLayout::Full)
        .analyses(true)
        .include_types(["nifti"])
        .exclude_tags(["bad"]);
    let targets: Vec<_> = archive.targets().try_collect().await.unwrap();
    let found: Vec<_> = targets.iter().map(|one| (one.name.as_str(), one.size, one.version)).collect();
    assert_eq!(found, [("t1.nii", 5, Some(2)), ("b", 0, None)]);
    let arrived = server.arrived();
    assert_eq!(arrived[0].line(), "POST /api/download/targets?type=full&analyses=true HTTP/1.1");
    let body: Value = serde_json::from_slice(&arrived[0].body).unwrap();
    let filter = json!({"types": {"plus": ["nifti"], "minus": []}, "tags": {"plus": [], "minus": ["bad"]}});
    assert_eq!(body["filters"], json!([filter]));
}
