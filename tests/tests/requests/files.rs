//! Files: sent, found, described, in versions, moved, fetched.

use std::io::{Cursor, Write};

use flywheel::Source;
use serde_json::json;

use crate::desk::{Desk, Study, ask, nifti, refused};

/// A zip file, as `tar` has no members that can be asked for.
fn zipped() -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("a/1.txt", zip::write::SimpleFileOptions::default()).unwrap();
    archive.write_all(b"one").unwrap();
    archive.finish().unwrap().into_inner()
}

#[tokio::test]
async fn files_are_sent_described_and_fetched() {
    let desk = Desk::open().await;
    let fw = desk.fw.clone();
    let Study { project, subject, session, acquisition, analysis, collection, .. } = desk.study().await;
    macro_rules! held {
        ($($container:ident)*) => {$(
            ask!(desk, $container.upload(nifti("t1.nii.gz").tags(["x"]).info(json!({"TR": 2}))));
            let mut file = ask!(desk, $container.file("t1.nii.gz"));
            ask!(desk, $container.files());
            ask!(desk, file.update().file_type("nifti").modality("MR"));
            ask!(desk, file.info().delete(["TR"]));
            ask!(desk, file.download().bytes());
            ask!(desk, $container.download("t1.nii.gz").bytes());
        )*};
    }
    held!(project subject session acquisition analysis collection);
    let mut file = acquisition.file("t1.nii.gz").await.unwrap();
    ask!(desk, file.info().merge(json!({"TR": 2.5})));
    ask!(desk, file.info().replace(json!({"TE": 0.1})));
    ask!(desk, file.classification().add([("Measurement", ["T1"])]));
    ask!(desk, file.classification().delete([("Measurement", ["T1"])]));
    ask!(desk, file.classification().modality("CT").replace([("Custom", ["odd"])]));
    ask!(desk, file.classification().modality("MR").add([("Measurement", ["T1"])]));
    ask!(desk, file.update().no_modality());
    let again = ask!(desk, acquisition.upload(nifti("t1.nii.gz")).preserve_metadata(true));
    ask!(desk, again.versions());
    let old = ask!(desk, again.at_version(1));
    ask!(desk, old.download().range(1..3).bytes());
    ask!(desk, again.restore(1));
    ask!(desk, again.restore_for_rules(1));
    let mut file = fw.files().get(again.id()).await.unwrap();
    ask!(desk, fw.files().get(file.id()));
    ask!(desk, file.reload());
    ask!(desk, file.rename("t2.nii.gz"));
    ask!(desk, file.move_to(&session));
    ask!(desk, file.parent());
    ask!(desk, file.download().url());
    ask!(desk, old.delete_version());
    ask!(desk, file.delete());
    let zip = session.upload(Source::bytes("a.zip", zipped())).await.unwrap();
    ask!(desk, zip.zip());
    ask!(desk, zip.zip_member("a/1.txt").bytes());
    ask!(desk, session.zip_member("a.zip", "a/1.txt").bytes());
    // A local site holds no file with a slash in its name; such names have no route of their own.
    let id = "5eb0bf2e0a1b2c3d4e5f6071";
    let odd =
        json!({"file_id": id, "name": "run/1.zip", "parent_ref": {"type": "session", "id": session.id()}});
    desk.answers(&format!("/api/files/{id}"), odd);
    let odd = fw.files().get(id).await.unwrap();
    refused!(desk, odd.zip());
    refused!(desk, odd.zip_member("a/1.txt").bytes());
    refused!(desk, odd.download().bytes());
    ask!(desk, session.upload_all([nifti("1.nii"), nifti("2.nii").modality("MR")]));
    ask!(desk, analysis.inputs());
    desk.close("files");
}
