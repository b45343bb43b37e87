//! Projects: settings, templates, locks, catalogue, audit.

use flywheel::admin::Template;
use serde_json::json;

use crate::desk::{Desk, Study, ask, nifti, refused};

#[tokio::test]
async fn projects_are_set_up_and_audited() {
    let desk = Desk::open().await;
    let fw = desk.fw.clone();
    let Study { mut project, subject, session, acquisition, analysis, .. } = desk.study().await;
    let file = acquisition.upload(nifti("t1.nii.gz")).await.unwrap();
    ask!(desk, project.settings());
    ask!(desk, project.update_settings(json!({"external_routing_id": "r-1"})));
    ask!(
        desk,
        project.set_templates([Template::new()
            .session("^ses")
            .acquisition("bold", 1, ["Functional"])
            .patterns(true)])
    );
    ask!(desk, project.check_templates());
    ask!(desk, fw.check_all_templates());
    ask!(desk, project.remove_templates());
    ask!(desk, project.lock("study_closed"));
    ask!(desk, project.unlock());
    ask!(desk, project.delete_status());
    ask!(desk, fw.catalog("colour"));
    ask!(desk, fw.catalog_filters());

    macro_rules! logged {
        ($($container:ident)*) => {$(
            ask!(desk, $container.changes());
            ask!(desk, $container.field_changes("label"));
        )*};
    }
    logged!(project subject session acquisition analysis file);
    let trail = fw.audit_trail();
    let report = ask!(desk, trail.create(&project, "visit", [subject.id().to_owned()]));
    ask!(desk, trail.reports(&project));
    let folder = tempfile::tempdir().unwrap();
    ask!(desk, report.to_path(folder.path().join("audit.csv")));
    // The storage of a local site signs no addresses.
    let unsigned = refused!(desk, report.url());
    assert!(unsigned.is_not_found(), "{unsigned}");
    ask!(desk, trail.cancel(report.id()));
    ask!(desk, trail.delete(report.id()));
    desk.close("projects");
}
