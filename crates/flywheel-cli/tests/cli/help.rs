//! Help, version and completions.

use crate::support::{failure, fw, stdout};

fn help(arguments: &[&str]) -> String {
    stdout(fw(std::path::Path::new("/")).args(arguments))
}

#[test]
fn every_command_explains_itself() {
    for arguments in [
        &["--help"][..],
        &["-h"],
        &["login", "--help"],
        &["logout", "--help"],
        &["status", "--help"],
        &["ls", "--help"],
        &["upload", "--help"],
        &["download", "--help"],
        &["import", "dicom", "--help"],
        &["gear", "add", "--help"],
        &["gear", "ls", "--help"],
        &["gear", "run", "--help"],
        &["job", "ls", "--help"],
        &["job", "logs", "--help"],
        &["job", "wait", "--help"],
        &["job", "cancel", "--help"],
        &["job", "retry", "--help"],
        &["site", "serve", "--help"],
        &["site", "check", "--help"],
        &["site", "seed", "--help"],
        &["site", "user", "add", "--help"],
        &["demo", "--help"],
        &["completions", "--help"],
    ] {
        insta::assert_snapshot!(arguments.join("_").replace('-', ""), help(arguments));
    }
}

#[test]
fn completions_are_made_for_every_shell() {
    for (shell, part) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef fw"),
        ("fish", "complete -c fw"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion"),
    ] {
        let script = help(&["completions", shell]);
        assert!(script.contains(part) && script.contains("import"), "{shell}");
    }
}

#[test]
fn a_wrong_command_line_ends_with_its_own_code() {
    let (code, text) = failure(fw(std::path::Path::new("/")).arg("upolad"));
    assert_eq!(code, 2);
    assert!(text.contains("'upload'"), "{text}");
    assert_eq!(failure(fw(std::path::Path::new("/")).arg("ls").arg("--jobs=3")).0, 2);
    assert_eq!(failure(&mut fw(std::path::Path::new("/"))).0, 2);
}

#[test]
fn a_closed_pipe_is_success() {
    let fw = assert_cmd::cargo::cargo_bin!("fw");
    let script = format!("set -o pipefail; '{}' completions zsh | head -n 1", fw.display());
    let output = std::process::Command::new("bash").args(["-c", &script]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
