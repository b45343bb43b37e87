//! Keys: stored, used, forgotten, refused.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::{Lab, failure, json, stdout};

#[test]
fn a_key_is_stored_used_and_forgotten() {
    let lab = Lab::new();
    let (code, text) = failure(lab.fw().arg("status"));
    assert_eq!(code, 3);
    assert!(text.contains("fw login"), "{text}");

    assert!(
        stdout(lab.fw().args(["login", &lab.key])).contains("You are logged in to 127.0.0.1 as Site Admin")
    );
    let path = lab.path(".config/flywheel/user.json");
    let stored: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(stored["key"], lab.key.as_str());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

    let status = json(lab.fw().arg("status"));
    assert_eq!(status["user"]["id"], "admin@flywheel.local");
    assert_eq!(status["user"]["admin"], true);

    assert_eq!(stdout(lab.fw().arg("logout")), "You are logged out.\n");
    assert!(!path.exists());
    assert_eq!(stdout(lab.fw().arg("logout")), "You were not logged in.\n");
    assert_eq!(failure(lab.fw().arg("status")).0, 3);
}

#[test]
fn other_fields_of_the_credential_file_stay() {
    let lab = Lab::new();
    let path = lab.file(".config/flywheel/user.json", r#"{"key": "old.example:KEY", "root": false}"#);
    stdout(lab.fw().args(["login", "-"]).write_stdin(format!("{}\n", lab.key)));
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(&lab.key) && text.contains("root"), "{text}");
    stdout(lab.fw().arg("logout"));
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains("KEY") && text.contains("root"), "{text}");
}

#[test]
fn profiles_stand_beside_each_other() {
    let lab = Lab::new();
    let guest = lab.guest();
    stdout(lab.fw().args(["login", &lab.key]));
    stdout(lab.fw().args(["login", &guest, "--profile", "guest"]));
    let user = |command: &mut assert_cmd::Command| json(command.arg("status"))["user"]["id"].clone();
    assert_eq!(user(&mut lab.fw()), "admin@flywheel.local");
    assert_eq!(user(lab.fw().args(["--profile", "guest"])), "guest@example.org");
    assert_eq!(user(lab.fw().env("FLYWHEEL_PROFILE", "guest")), "guest@example.org");
    // The key of the environment goes before what is stored, but not before what was asked for.
    assert_eq!(user(lab.fw().env("FLYWHEEL_API_KEY", &guest)), "guest@example.org");
    assert_eq!(user(lab.admin().args(["--profile", "guest"])), "guest@example.org");
    stdout(lab.fw().args(["logout", "--profile", "guest"]));
    assert_eq!(failure(lab.fw().args(["status", "--profile", "guest"])).0, 3);
    assert_eq!(user(&mut lab.fw()), "admin@flywheel.local");
}

#[test]
fn a_key_that_is_none_or_is_not_known_is_not_stored() {
    let lab = Lab::new();
    assert_eq!(failure(lab.fw().args(["login", "nonsense"])).0, 2);
    let wrong = format!("{}x", lab.key);
    let (code, text) = failure(lab.fw().args(["login", &wrong]));
    assert_eq!(code, 3, "{text}");
    assert!(!text.contains(&wrong) && text.contains("hint:"), "{text}");
    assert!(!lab.path(".config/flywheel/user.json").exists());
}

#[test]
fn a_site_that_is_not_there_is_told_apart_and_not_waited_for() {
    let lab = Lab::new();
    let key = "127.0.0.1:1:__force_insecure:KEY";
    let (code, text) = failure(lab.fw().env("FLYWHEEL_API_KEY", key).args(["status", "--json"]));
    assert_eq!(code, 6);
    let error: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(error["error"]["exit"], 6);
    assert!(error["error"]["message"].as_str().unwrap().contains("127.0.0.1:1"), "{text}");
}
