//! Gears, jobs, batches and rules.

use flywheel::{
    Gear,
    gear::{Condition, OptionalInputs, Permitted},
};
use futures::TryStreamExt;
use serde_json::{Value, json};

use crate::desk::{Desk, Study, ask, nifti, refused};

fn manifest(name: &str) -> Value {
    json!({
        "name": name, "label": "Smooth", "description": "Smooths an image.", "version": "1.0.0",
        "author": "Jo", "license": "MIT", "url": "", "source": "",
        "config": {"fwhm": {"type": "number", "default": 6, "description": "Width in mm."}},
        "inputs": {"image": {"base": "file", "type": {"enum": ["nifti"]}}},
    })
}

#[tokio::test]
async fn gears_run() {
    let desk = Desk::open().await;
    let fw = desk.fw.clone();
    let Study { project, session, acquisition, .. } = desk.study().await;
    let file = acquisition.upload(nifti("t1.nii.gz")).await.unwrap();
    let mut smooth = ask!(desk, fw.add_gear(manifest("smooth")));
    let fit: Gear = fw
        .add_gear(json!({"category": "analysis", "gear": manifest("fit"), "exchange": {
            "git-commit": "local", "rootfs-hash": "sha384:0", "rootfs-url": "docker://none"}}))
        .await
        .unwrap();
    ask!(desk, fw.gears().filter("gear.name=smooth").find_one());
    ask!(desk, fw.gears().get(smooth.id()));
    ask!(desk, fw.gears().all_versions().with_invalid().find());
    ask!(desk, smooth.reload());
    ask!(desk, smooth.invocation_schema());
    ask!(desk, smooth.context_of(&session));
    ask!(desk, smooth.suggestions_at(&session));
    ask!(desk, smooth.disable());
    ask!(desk, smooth.enable());
    let access = smooth.access();
    desk.user("jo@example.org").await;
    ask!(desk, access.restrict(true));
    ask!(desk, access.add(Permitted::Users, "jo@example.org"));
    ask!(desk, access.add(Permitted::Projects, project.id()));
    let both = access.series().await.unwrap().permissions.unwrap();
    ask!(desk, access.replace(both));
    ask!(desk, access.series());
    ask!(desk, access.remove(Permitted::Users, "jo@example.org"));
    ask!(desk, access.clear());

    let mut job = ask!(
        desk,
        smooth
            .invoke()
            .input("image", &file)
            .config("fwhm", 8)
            .tag("mine")
            .tags(["night"])
            .priority("high")
            .job()
    );
    let analysis = ask!(
        desk,
        fit.invoke().input("image", &file).destination(session.reference()).label("Fit").analysis()
    );
    ask!(desk, analysis.job());
    ask!(desk, job.reload());
    ask!(desk, fw.jobs().get(job.id()));
    ask!(desk, job.detail());
    ask!(desk, job.config_document());
    ask!(desk, job.logs());
    ask!(desk, job.set_priority("low"));
    ask!(desk, fw.set_job_priority([job.id()], "medium"));
    ask!(desk, fw.job_statistics());
    ask!(desk, fw.my_jobs());
    ask!(desk, project.jobs());
    ask!(desk, session.jobs());
    ask!(desk, job.cancel());
    ask!(desk, job.wait());
    ask!(desk, job.watch().try_collect::<Vec<_>>());
    ask!(desk, job.log_stream().try_collect::<Vec<_>>());
    ask!(desk, job.log_text());
    // Only a failed job is tried again without asking.
    refused!(desk, job.retry());
    let mut again = ask!(desk, job.retry_anyway());
    ask!(desk, again.change_state("cancelled"));

    let proposal = ask!(
        desk,
        smooth
            .propose_batch([session.reference()])
            .config("fwhm", 3)
            .optional_inputs(OptionalInputs::Ignored)
            .label("Night")
            .tags(["night"])
            .priority("low")
            .send()
    );
    let mut batch = ask!(desk, proposal.run());
    ask!(desk, batch.cancel());
    ask!(desk, batch.reload());
    ask!(desk, fw.batches());
    ask!(desk, fw.batch(&batch.id));
    let prepared = ask!(desk, fw.batch_of([smooth.invoke().input("image", &file)]));
    ask!(desk, prepared.run());

    let rule = ask!(
        desk,
        project
            .rules()
            .add("smooth T1", &smooth)
            .all(Condition::file_type("nifti"))
            .any(Condition::matching("file.name", "t1.*gz"))
            .not(Condition::file_name("*localizer*"))
            .config("fwhm", 8)
            .disabled(true)
            .tags(["auto"])
            .priority("low")
    );
    let id = rule.id.unwrap();
    ask!(desk, project.rules().list());
    ask!(desk, project.rules().get(&id));
    ask!(desk, project.rules().change(&id).disabled(true).gear(&smooth));
    ask!(desk, project.rules().remove(&id));
    let rule = ask!(
        desk,
        fw.site_rules().add("smooth all", &smooth).all(Condition::file_type("nifti")).auto_update(true)
    );
    let id = rule.id.unwrap();
    ask!(desk, fw.site_rules().list());
    ask!(desk, fw.site_rules().get(&id));
    ask!(desk, fw.site_rules().change(&id).disabled(true));
    ask!(desk, fw.site_rules().remove(&id));
    ask!(desk, smooth.delete());
    desk.close("gears");
}
