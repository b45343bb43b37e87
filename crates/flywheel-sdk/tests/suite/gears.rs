//! Gears, jobs, batches and what runs inside a gear.

use std::time::Duration;

use flywheel::{
    ErrorKind, Gear, GearContext, JobState, Source, field,
    gear::{Condition, Invoked, OptionalInputs, Permitted},
};
use futures::TryStreamExt;
use serde_json::{Value, json};

use crate::bench::{Bench, Study};

fn manifest(name: &str) -> Value {
    json!({
        "name": name, "label": "Smooth", "description": "Smooths an image.", "version": "1.0.0",
        "author": "Jo", "license": "MIT", "url": "", "source": "",
        "config": {
            "fwhm": {"type": "number", "default": 6, "minimum": 0, "description": "Width in mm."},
            "mode": {"type": "string", "optional": true},
        },
        "inputs": {
            "image": {"base": "file", "type": {"enum": ["nifti"]}},
            "mask": {"base": "file", "optional": true, "type": {"enum": ["nifti"]}, "name": {"pattern": "mask"}},
        },
    })
}

async fn gear(bench: &Bench, name: &str) -> Gear {
    bench.fw.add_gear(manifest(name)).await.unwrap()
}

async fn analysis_gear(bench: &Bench, name: &str) -> Gear {
    let document = json!({"category": "analysis", "gear": manifest(name), "exchange": {
        "git-commit": "local", "rootfs-hash": "sha384:0", "rootfs-url": "docker://none"}});
    bench.fw.add_gear(document).await.unwrap()
}

#[tokio::test]
async fn a_gear_is_added_found_and_shown() {
    let bench = Bench::open().await;
    let added = gear(&bench, "smooth").await;
    let found = bench.fw.gears().filter("gear.name=smooth").find_one().await.unwrap();
    assert_eq!((found.id(), found.name(), found.version()), (added.id(), "smooth", "1.0.0"));
    let looked_up: Gear = bench.fw.lookup("gears/smooth").cast().await.unwrap();
    assert_eq!(looked_up.id(), added.id());
    assert_eq!(Value::from(found.default_config()), json!({"fwhm": 6}));
    assert!(!found.is_analysis());
    found.disable().await.unwrap();
    assert_eq!(bench.fw.gears().count().await.unwrap(), 0);
    found.enable().await.unwrap();
    assert_eq!(bench.fw.gears().count().await.unwrap(), 1);
    let schema = found.invocation_schema().await.unwrap();
    assert_eq!(schema["properties"]["inputs"]["required"], json!(["image"]));
}

#[tokio::test]
async fn details_of_a_gear_are_laid_out_as_the_official_client_prints_them() {
    let bench = Bench::open().await;
    let smooth = gear(&bench, "smooth").await;
    let expected = "\
Smooth

Smooths an image.

Name:           smooth
Version:        1.0.0
Category:       utility
Author:         Jo

Inputs:
  image (file, required)
    Type: nifti
  mask (file, optional)
    Type: nifti

Configuration:
  fwhm (number, default: 6)
    Width in mm.
  mode (string)
";
    assert_eq!(smooth.details(), expected);
    assert!(smooth.details_in(10).contains("Smooths an\n  image.\n"));
}

#[tokio::test]
async fn finders_of_gears_give_the_newest_version_or_all_of_them() {
    let bench = Bench::open().await;
    gear(&bench, "smooth").await;
    let mut newer = manifest("smooth");
    newer["version"] = "1.1.0".into();
    bench.fw.add_gear(newer).await.unwrap();
    let versions = async |gears: flywheel::Finder<Gear>| -> Vec<String> {
        gears.await.unwrap().iter().map(|gear| gear.version().to_owned()).collect()
    };
    assert_eq!(versions(bench.fw.gears()).await, ["1.1.0"]);
    let mut all = versions(bench.fw.gears().all_versions().with_invalid()).await;
    all.sort();
    assert_eq!(all, ["1.0.0", "1.1.0"]);
}

#[tokio::test]
async fn analyses_of_a_batch_without_a_label_are_called_after_the_gear_and_the_time() {
    let bench = Bench::open().await;
    let Study { session, acquisition, .. } = bench.study().await;
    acquisition.upload(Source::bytes("t1.nii.gz", "voxels")).await.unwrap();
    let fit = analysis_gear(&bench, "fit").await;
    let proposal = fit.propose_batch([&session]).send().await.unwrap();
    proposal.run().await.unwrap();
    let made = session.analyses().find_one().await.unwrap();
    let time = made.label().strip_prefix("fit ").unwrap();
    assert!(chrono::NaiveDateTime::parse_from_str(time, "%Y-%m-%d %H:%M:%S").is_ok(), "{}", made.label());
}

#[tokio::test]
async fn a_manifest_that_breaks_the_rules_is_not_sent() {
    let bench = Bench::open().await;
    let mut broken = manifest("Not A Name");
    broken["config"]["fwhm"]["optional"] = true.into();
    let error = bench.fw.add_gear(broken).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Invalid, 0));
    assert!(error.message().contains("name") && error.message().contains("fwhm"), "{error}");
}

#[tokio::test]
async fn a_run_that_does_not_fit_the_manifest_is_not_sent() {
    let bench = Bench::open().await;
    let Study { acquisition, session, .. } = bench.study().await;
    let smooth = gear(&bench, "smooth").await;
    let file = acquisition.upload(Source::bytes("t1.nii.gz", "voxels")).await.unwrap();
    let run = || smooth.invoke().input("image", &file);
    let cases = [
        (smooth.invoke(), "the input \"image\" is required"),
        (run().input("picture", &file), "no file input \"picture\""),
        (run().config("fwhm", -1), "config \"fwhm\""),
        (run().config("width", 1), "no config \"width\""),
    ];
    for (run, expected) in cases {
        let error = run.job().await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Invalid, 0), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
    assert!(run().destination(session.reference()).analysis().await.unwrap_err().is_invalid());
    let fit = analysis_gear(&bench, "fit").await;
    assert!(
        fit.invoke().input("image", &file).analysis().await.unwrap_err().to_string().contains("destination")
    );
    assert_eq!(bench.fw.jobs().count().await.unwrap(), 0);
}

#[tokio::test]
async fn a_job_is_queued_watched_cancelled_and_counted() {
    let bench = Bench::open().await;
    let Study { acquisition, session, project, .. } = bench.study().await;
    let smooth = gear(&bench, "smooth").await;
    let file = acquisition.upload(Source::bytes("t1.nii.gz", "voxels")).await.unwrap();
    let mut job = smooth
        .invoke()
        .input("image", &file)
        .config("fwhm", 8)
        .tag("mine")
        .label("eight")
        .job()
        .await
        .unwrap();
    assert_eq!((job.state(), job.gear_name()), (Some(&JobState::Pending), "smooth"));
    assert_eq!(job.label.as_deref(), Some("eight"));
    assert!(job.tags.as_ref().unwrap().iter().any(|tag| tag == "mine"));
    assert!(job.set_priority("high").await.unwrap());
    assert_eq!(session.jobs().await.unwrap().len(), 1);
    assert_eq!(project.jobs().await.unwrap().len(), 1);
    let listed = bench.fw.jobs().find_one().await.unwrap();
    assert_eq!(listed.inputs.as_ref().unwrap()["image"].name.as_deref(), Some("t1.nii.gz"));
    assert_eq!(bench.fw.my_jobs().await.unwrap()[0].id(), job.id());
    assert_eq!(job.detail().await.unwrap().id.as_deref(), Some(job.id()));

    let late =
        job.wait().every(Duration::from_millis(5)).at_most(Duration::from_millis(30)).await.unwrap_err();
    assert!(late.is_timeout() && late.message().contains("pending"), "{late}");

    let (watched, mut cancelled) = (job.clone(), job.clone());
    let seen = async { watched.watch().try_collect::<Vec<_>>().await.unwrap() };
    let ((), seen) = tokio::join!(async { cancelled.cancel().await.unwrap() }, seen);
    assert_eq!(seen.last(), Some(&JobState::Cancelled));
    assert_eq!(job.wait().await.unwrap(), JobState::Cancelled);
    assert!(job.is_over());
    assert_eq!(
        job.log_stream().try_collect::<Vec<_>>().await.unwrap().len(),
        job.logs().await.unwrap().logs.unwrap_or_default().len()
    );
    assert!(!job.set_priority("low").await.unwrap());
}

#[tokio::test]
async fn own_jobs_are_filtered_sorted_and_no_more_than_asked_for() {
    let bench = Bench::open().await;
    let Study { acquisition, .. } = bench.study().await;
    let (smooth, sharpen) = (gear(&bench, "smooth").await, gear(&bench, "sharpen").await);
    let file = acquisition.upload(Source::bytes("t1.nii.gz", "voxels")).await.unwrap();
    let mut ids = Vec::new();
    for gear in [&smooth, &sharpen, &smooth] {
        ids.push(gear.invoke().input("image", &file).job().await.unwrap().id().to_owned());
    }
    let found = async |jobs: flywheel::job::MyJobs| {
        let jobs = jobs.await.unwrap();
        jobs.iter().map(|job| job.id().to_owned()).collect::<Vec<_>>()
    };
    let mine = || bench.fw.my_jobs().sort("_id:asc");
    assert_eq!(found(mine()).await, ids);
    assert_eq!(
        found(mine().filter("gear_info.name=smooth").filter("state=pending")).await,
        [&*ids[0], &*ids[2]]
    );
    assert_eq!(found(mine().sort("_id:desc").limit(1)).await, [&*ids[2]]);
    let error = mine().filter("state pending").await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Invalid, 0));
    assert!(error.message().contains("^^^"), "{error}");
}

#[tokio::test]
async fn an_analysis_gear_makes_an_analysis_with_its_job() {
    let bench = Bench::open().await;
    let Study { acquisition, session, .. } = bench.study().await;
    let fit = analysis_gear(&bench, "fit").await;
    let file = acquisition.upload(Source::bytes("t1.nii.gz", "voxels")).await.unwrap();
    let invoked = fit.invoke().input("image", &file).destination(&session).run().await.unwrap();
    let Invoked::Analysis(analysis) = &invoked else { panic!("{invoked:?}") };
    assert!(analysis.label().starts_with("fit 20"), "{}", analysis.label());
    let job = invoked.job().await.unwrap().unwrap();
    assert_eq!(job.gear_name(), "fit");
    assert_eq!(analysis.inputs().await.unwrap()[0].name(), "t1.nii.gz");
}

#[tokio::test]
async fn a_batch_is_proposed_run_and_cancelled() {
    let bench = Bench::open().await;
    let Study { session, .. } = bench.study().await;
    let smooth = gear(&bench, "smooth").await;
    for (label, names) in [("one", &["t1.nii.gz"][..]), ("none", &[]), ("two", &["a.nii.gz", "b.nii.gz"])] {
        let acquisition = session.add_acquisition(label).await.unwrap();
        for name in names {
            acquisition.upload(Source::bytes(*name, "voxels")).await.unwrap();
        }
    }
    let propose = || smooth.propose_batch([session.reference()]).config("fwhm", 3);
    let proposal = propose().optional_inputs(OptionalInputs::Ignored).tags(["night"]).send().await.unwrap();
    assert_eq!((proposal.matched.len(), proposal.ambiguous.len()), (1, 1), "{proposal:?}");
    assert!(proposal.not_matched.iter().any(|candidate| candidate.label.as_deref() == Some("none")));
    let mut batch = proposal.run().await.unwrap();
    assert_eq!(batch.jobs.len(), 1);
    assert_eq!(bench.fw.jobs().filter(field("tags").eq("night")).count().await.unwrap(), 1);
    assert_eq!(batch.cancel().await.unwrap(), 1);
    batch.reload().await.unwrap();
    assert_eq!(batch.state, Some(JobState::Cancelled));
    assert_eq!(bench.fw.batch(&batch.id).await.unwrap().state, Some(JobState::Cancelled));

    let refused = smooth.propose_batch(Vec::<flywheel::ContainerRef>::new()).send().await.unwrap_err();
    assert_eq!(refused.attempts(), 0);
    let mixed = [session.reference(), session.project().await.unwrap().reference()];
    assert!(smooth.propose_batch(mixed).send().await.unwrap_err().message().contains("project, session"));
}

#[tokio::test]
async fn runs_prepared_one_by_one_become_one_batch() {
    let bench = Bench::open().await;
    let Study { acquisition, .. } = bench.study().await;
    let smooth = gear(&bench, "smooth").await;
    let file = acquisition.upload(Source::bytes("t1.nii.gz", "voxels")).await.unwrap();
    let runs = (1..4).map(|fwhm| smooth.invoke().input("image", &file).config("fwhm", fwhm));
    let batch = bench.fw.batch_of(runs).await.unwrap().run().await.unwrap();
    assert_eq!(batch.jobs.len(), 3);
    assert_eq!(bench.fw.batches().await.unwrap().len(), 1);
    let broken = [smooth.invoke().input("image", &file), smooth.invoke()];
    assert!(bench.fw.batch_of(broken).await.unwrap_err().is_invalid());
    assert_eq!(bench.fw.batches().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_restricted_gear_says_whom_it_is_open_to() {
    let bench = Bench::open().await;
    let smooth = gear(&bench, "smooth").await;
    let access = smooth.access();
    assert_eq!(access.restrict(true).await.unwrap().is_restricted, Some(true));
    bench.user("jo@example.org", false).await;
    let series = access.add(Permitted::Users, "jo@example.org").await.unwrap();
    assert_eq!(series.permissions.unwrap().users.unwrap(), ["jo@example.org"]);
    access.remove(Permitted::Users, "jo@example.org").await.unwrap();
    access.clear().await.unwrap();
    assert_eq!(access.series().await.unwrap().is_restricted, Some(false));
}

#[tokio::test]
async fn curated_files_come_down_as_a_bids_dataset() {
    let bench = Bench::open().await;
    let Study { acquisition, session, mut project, .. } = bench.study().await;
    project
        .info()
        .merge(json!({"BIDS": {"Name": "Color", "BIDSVersion": "1.8.0", "template": "x"}}))
        .await
        .unwrap();
    let place =
        |name: &str| json!({"BIDS": {"Filename": name, "Path": "sub-01/anat"}, "RepetitionTime": 2.0});
    for (name, info) in [("t1.nii.gz", place("sub-01_T1w.nii.gz")), ("raw.dcm", json!({"BIDS": "NA"}))] {
        let mut file = acquisition.upload(Source::bytes(name, "voxels")).await.unwrap();
        file.info().merge(info).await.unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("config.json"),
        json!({"destination": session.reference(), "inputs": {"key": {"base": "api-key", "key": bench.running.api_key()}}}).to_string(),
    )
    .unwrap();
    let gear = GearContext::at(folder.path()).unwrap();
    let at = gear.download_session_bids("work/bids").await.unwrap().await.unwrap();
    assert_eq!(std::fs::read_to_string(at.join("sub-01/anat/sub-01_T1w.nii.gz")).unwrap(), "voxels");
    let read = |name: &str| serde_json::from_slice::<Value>(&std::fs::read(at.join(name)).unwrap()).unwrap();
    assert_eq!(read("sub-01/anat/sub-01_T1w.json"), json!({"RepetitionTime": 2.0}));
    assert_eq!(read("dataset_description.json"), json!({"Name": "Color", "BIDSVersion": "1.8.0"}));
    assert_eq!(std::fs::read_dir(at.join("sub-01/anat")).unwrap().count(), 2);
}

#[tokio::test]
async fn a_rule_that_cannot_be_right_is_not_sent() {
    let bench = Bench::open().await;
    let project = bench.project().await;
    let smooth = gear(&bench, "smooth").await;
    let rule = || project.rules().add("smooth", &smooth);
    assert!(rule().await.unwrap_err().message().contains("needs a condition"));
    // A key that is no text has no form in JSON.
    let keyed = std::collections::HashMap::from([((1, 2), 3)]);
    let unwritable = rule().all(Condition::file_type("nifti")).config("fwhm", keyed).await.unwrap_err();
    assert_eq!((unwritable.kind(), unwritable.attempts()), (ErrorKind::Invalid, 0));
    assert!(unwritable.message().contains("fwhm"), "{unwritable}");
    assert!(project.rules().list().await.unwrap().is_empty());
}
