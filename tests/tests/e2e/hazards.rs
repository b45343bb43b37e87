//! A site whose disk takes no more: nothing acknowledged is lost, nothing half-written stays.
#![cfg(unix)]

use std::path::Path;

use flywheel_local::Site;
use flywheel_tests::process::Process;
use http::Method;
use serde_json::json;

/// The site in a shell that lets no file grow beyond 4 MiB, which the system refuses as it does a write to a full disk.
fn limited(folder: &Path) -> Process {
    let program = env!("CARGO_BIN_EXE_site-process");
    let script = format!("trap '' XFSZ; ulimit -f 8192; exec '{program}' \"$@\"");
    Process::shell(&script, folder)
}

#[test]
fn content_that_the_disk_does_not_take_is_refused_and_the_site_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    {
        let process = limited(folder.path());
        let call = |method, path: &str| process.client.call(method, path).as_user("admin");
        let _ = call(Method::POST, "/groups").json(&json!({"_id": "lab", "label": "Lab"})).send().expect(200);
        let project = json!({"group": "lab", "label": "Study"});
        let project = call(Method::POST, "/projects").json(&project).send().expect(200).json();
        let files = format!("/projects/{}/files", project["_id"].as_str().unwrap());
        let small = vec![7; 100_000];
        let _ = call(Method::POST, &files).upload("small.bin", &small, None).send().expect(200);
        let refusal =
            call(Method::POST, &files).upload("large.bin", &vec![8; 9 << 20], None).send().refused(507);
        assert!(refusal["message"].as_str().unwrap().contains("disk is full"), "{refusal}");
        let _ = call(Method::POST, &files).upload("later.bin", &small, None).send().expect(200);
        let _ = call(Method::GET, &format!("{files}/large.bin")).send().refused(404);
        assert_eq!(call(Method::GET, &format!("{files}/small.bin")).send().expect(200).body, small);
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let report = runtime.block_on(async {
        let site = Site::builder().data(folder.path()).open().await.unwrap();
        site.check(true).await.unwrap()
    });
    assert_eq!((report.files, report.problems), (2, Vec::new()));
    assert_eq!(std::fs::read_dir(folder.path().join("blobs/tmp")).unwrap().count(), 0);
}
