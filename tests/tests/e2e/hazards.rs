//! A site whose disk takes no more or cannot be written at all, and a folder that two processes want: the refusal says why,
//! nothing acknowledged is lost, nothing half-written stays.
#![cfg(unix)]

use std::path::Path;
use std::process::{Command, Output};

use flywheel_local::Site;
use flywheel_tests::http::Call;
use flywheel_tests::process::Process;
use http::Method;
use serde_json::json;
use tempfile::TempDir;

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

/// Runs a command in a name space of its own for mounts, where it may mount; `None` where the system does not let us.
#[allow(clippy::print_stderr)]
fn in_own_mounts(script: &str) -> Option<String> {
    let allowed = Command::new("unshare").args(["--user", "--map-root-user", "--mount", "true"]).status();
    if !allowed.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: this system gives no name space for mounts");
        return None;
    }
    let program = env!("CARGO_BIN_EXE_site-process");
    let script = format!("{script} && exec \"{program}\" \"$@\"");
    Some(format!("exec unshare --user --map-root-user --mount sh -c '{script}' sh \"$@\""))
}

/// What the program says that serves a folder, when it does not come to that.
fn refusal(script: &str, folder: &Path) -> String {
    let mut command = Command::new("sh");
    let Output { status, stdout, stderr } =
        command.args(["-c", script, "sh"]).arg(folder).arg("key").output().unwrap();
    assert!(!status.success() && stdout.is_empty(), "{status} {}", String::from_utf8_lossy(&stdout));
    String::from_utf8(stderr).unwrap()
}

/// A site on a disk of its own, of 24 MiB, with one project.
struct SmallDisk {
    process: Process,
    folder: TempDir,
    project: String,
}

impl SmallDisk {
    /// None where the system lets nobody mount.
    fn mount() -> Option<Self> {
        let script = in_own_mounts(r#"mount -t tmpfs -o size=24m tmpfs "$1""#)?;
        let folder = tempfile::tempdir().unwrap();
        let process = Process::shell(&script, folder.path());
        let create = |path: &str, body| {
            let call = process.client.call(Method::POST, path).as_user("admin");
            call.json(&body).send().expect(200).json()["_id"].as_str().unwrap().to_owned()
        };
        create("/groups", json!({"_id": "lab", "label": "Lab"}));
        let project = create("/projects", json!({"group": "lab", "label": "Study"}));
        Some(Self { process, folder, project })
    }

    fn call(&self, method: Method, path: &str) -> Call {
        self.process.client.call(method, path).as_user("admin")
    }
}

#[test]
fn a_disk_that_runs_full_refuses_writes_until_there_is_room_again() {
    let Some(disk) = SmallDisk::mount() else { return };
    let call = |method, path: &str| disk.call(method, path);
    let project = &disk.project;
    // Somebody else takes some of the room, for a while.
    let filler = format!("/proc/{}/root{}/filler", disk.process.id(), disk.folder.path().display());
    std::fs::write(&filler, vec![0; 2 << 20]).unwrap();
    let files = format!("/projects/{project}/files");
    let content = |number: usize| vec![number as u8; 1_500_000];
    let upload = |number: usize| {
        call(Method::POST, &files).upload(&format!("{number}.bin"), &content(number), None).send()
    };
    let stored = (0..30).take_while(|number| upload(*number).status == 200).count();
    assert!((1..30).contains(&stored), "{stored} files found room");
    let refusal = upload(99).refused(507);
    assert!(refusal["message"].as_str().unwrap().contains("disk is full"), "{refusal}");
    let large = json!({"set": {"filler": "x".repeat(2 << 20)}});
    let _ = call(Method::POST, &format!("/projects/{project}/info")).json(&large).send().refused(507);
    let unharmed = || {
        let project = call(Method::GET, &format!("/projects/{project}")).send().expect(200).json();
        assert_eq!(project["files"].as_array().unwrap().len(), stored);
        assert_eq!(project["info"], json!({}));
        for number in 0..stored {
            let found = call(Method::GET, &format!("{files}/{number}.bin")).send().expect(200).body;
            assert!(found == content(number), "{number}.bin is not what was stored");
        }
    };
    unharmed();
    std::fs::remove_file(&filler).unwrap();
    let small = json!({"set": {"a": 1}});
    let _ = call(Method::POST, &format!("/projects/{project}/info")).json(&small).send().expect(200);
    let small = json!({"delete": ["a"]});
    let _ = call(Method::POST, &format!("/projects/{project}/info")).json(&small).send().expect(200);
    unharmed();
}

#[test]
fn a_disk_that_the_site_itself_filled_has_room_again_after_deleting() {
    let Some(disk) = SmallDisk::mount() else { return };
    let call = |method, path: &str| disk.call(method, path);
    let project = &disk.project;
    let files = format!("/projects/{project}/files");
    let upload =
        |name: &str, size: usize| call(Method::POST, &files).upload(name, &vec![7; size], None).send();
    let mut stored = Vec::new();
    // To the brim: what large files leave is taken by small ones and by the database.
    for size in [1_500_000, 100_000, 4_000] {
        for number in 0..1_000 {
            let name = format!("{size}-{number}.bin");
            if upload(&name, size).status != 200 {
                break;
            }
            stored.push(name);
        }
    }
    let _ = upload("more.bin", 1_500_000).refused(507);
    // What is kept back for deleting comes first.
    for name in stored.iter().take(5) {
        let _ = call(Method::DELETE, &format!("{files}/{name}")).send().expect(200);
    }
    let _ = upload("more.bin", 1_500_000).expect(200);
    let _ = call(Method::POST, &format!("/projects/{project}/info"))
        .json(&json!({"set": {"a": 1}}))
        .send()
        .expect(200);
    let project = call(Method::GET, &format!("/projects/{project}")).send().expect(200).json();
    assert_eq!(project["files"].as_array().unwrap().len(), stored.len() - 4);
}

#[test]
fn a_folder_that_cannot_be_written_is_named_and_left_as_it_is() {
    let Some(script) = in_own_mounts(r#"mount --bind "$1" "$1" && mount -o remount,bind,ro "$1""#) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let open = || runtime.block_on(Site::builder().data(folder.path()).admin_key("key").open()).unwrap();
    runtime.block_on(open().add_user("ann@example.org", false)).unwrap();
    let said = refusal(&script, folder.path());
    assert!(said.contains(folder.path().to_str().unwrap()) && said.contains("Read-only"), "{said}");
    let site = open();
    assert_eq!(runtime.block_on(site.check(true)).unwrap().problems, Vec::<String>::new());
}

#[test]
fn a_second_process_on_one_folder_is_refused_and_the_first_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_site-process");
    let first = Process::plain(Path::new(program), folder.path());
    let said = refusal(&format!("exec '{program}' \"$@\""), folder.path());
    assert!(said.contains("InUse") && said.contains(folder.path().to_str().unwrap()), "{said}");
    let body = json!({"_id": "lab", "label": "Lab"});
    let _ = first.client.call(Method::POST, "/groups").as_user("admin").json(&body).send().expect(200);
    drop(first);
    let again = Process::plain(Path::new(program), folder.path());
    let _ = again.client.call(Method::GET, "/groups/lab").as_user("admin").send().expect(200);
}
