//! Transfers: signed uploads, uploads by label, archives, folders.

use flywheel::{ArchiveFormat, ArchiveLayout, GearContext, folder::Located, transfer::Place};
use futures::TryStreamExt;
use serde_json::json;

use crate::desk::{Desk, Study, ask, nifti};

#[tokio::test]
async fn bytes_go_up_and_come_down() {
    let desk = Desk::with(|builder| builder.signed_uploads(true)).await;
    let fw = desk.fw.clone();
    let Study { project, subject, session, acquisition, analysis, .. } = desk.study().await;
    ask!(desk, acquisition.upload(nifti("t1.nii.gz")).direct(true).metadata(json!({"modality": "MR"})));
    ask!(desk, analysis.upload(nifti("fit.nii.gz")).direct(true));
    let place = Place::new("neuro", "Color Study").subject("sub-01").session("ses-01").acquisition("T1w");
    ask!(desk, fw.upload_by_label(place.clone(), [nifti("a.nii"), nifti("b.nii").tags(["x"])]));
    let unique = place.clone().session_field("uid", "1.2").acquisition_field("uid", "1.2.3");
    ask!(desk, fw.upload_by_uid(unique.clone(), [nifti("c.nii")]));
    ask!(desk, fw.upload_by_reaper(unique, [nifti("d.nii")]));
    let to = json!({
        "session": {"label": "ses-01", "subject": {"code": "sub-01"}}, "acquisition": {"label": "bold"},
        "packfile": {"type": "dicom"},
    });
    ask!(desk, project.upload_packfile([nifti("1.dcm")], to));

    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    ask!(desk, project.archive().to_path(path("project.tar")));
    ask!(
        desk,
        subject
            .archive()
            .format(ArchiveFormat::Zip)
            .layout(ArchiveLayout::Full)
            .analyses(true)
            .include_types(["nifti"])
            .exclude_tags(["bad"])
            .to_path(path("subject.zip"))
    );
    ask!(desk, session.archive().exclude_types(["dicom"]).include_tags(["x"]).summary());
    ask!(desk, fw.archive([session.reference(), acquisition.reference()]).targets().try_collect::<Vec<_>>());
    ask!(desk, acquisition.archive().stream().try_collect::<Vec<_>>());
    ask!(desk, acquisition.download_to(path("folder")).include_types(["nifti"]).at_once(1));
    ask!(desk, session.download_to(path("folder")).plan());
    let file = acquisition.file("t1.nii.gz").await.unwrap();
    ask!(desk, fw.download_many(path("many"), [Located::new("t1.nii.gz", file.clone())]));
    ask!(desk, file.download().to_writer(Vec::new()));
    ask!(desk, session.upload(nifti("events.nii")).start());
    let mut file = file;
    file.info().merge(json!({"BIDS": {"Filename": "a.nii.gz", "Path": "sub-01/anat"}})).await.unwrap();
    ask!(desk, session.download_bids(path("bids")));
    let config = json!({
        "destination": {"type": "session", "id": session.id()},
        "inputs": {"key": {"base": "api-key", "key": desk.key()}},
    });
    std::fs::write(path("config.json"), config.to_string()).unwrap();
    let gear = GearContext::at(folder.path()).unwrap();
    ask!(desk, gear.download_session_bids("session").await.unwrap());
    ask!(desk, gear.download_project_bids("project").await.unwrap());
    desk.close("transfers");
}
