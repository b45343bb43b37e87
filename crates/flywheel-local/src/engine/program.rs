//! What is run for a job: the command in the gear's own folder, or the gear's image in a container.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{
    Engine,
    folder::{BASE, Folder},
    process::{self, Program},
};

/// Where the program of a gear comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// A folder of the site.
    Folder(PathBuf),
    /// An image, run by this program (`docker` or `podman`).
    Image(String, PathBuf),
}

/// What the job's request says about the program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Target {
    /// The program and its arguments.
    pub(super) command: Vec<String>,
    /// Environment of the manifest and the configuration.
    pub(super) environment: BTreeMap<String, String>,
}

impl Target {
    /// Reads `request.target` of a job.
    pub(super) fn of(job: &Value) -> Self {
        let target = job.pointer("/request/target");
        let command = target.and_then(|target| target.get("command")).and_then(Value::as_array);
        let command = command.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        let environment = target.and_then(|target| target.get("env")).and_then(Value::as_object);
        let environment = environment
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        Self { command, environment: environment.collect() }
    }
}

/// Finds where the program of a gear is.
///
/// # Errors
/// What is missing, in words for the job's log.
pub(super) fn find(engine: &Engine, gears: &Path, gear: &Value) -> Result<Source, String> {
    let url = gear.pointer("/exchange/rootfs-url").and_then(Value::as_str).unwrap_or_default();
    if let Some(hash) = url.strip_prefix(super::bundle::URL) {
        let folder = super::bundle::place(gears, hash).filter(|folder| folder.is_dir());
        return folder.map(Source::Folder).ok_or_else(|| {
            "The folder of this gear is not on the site: add the gear again with \"fw gear add FOLDER\""
                .to_owned()
        });
    }
    let Some(image) = image(gear, url) else {
        return Err("This gear has neither a folder nor an image: add it with \"fw gear add FOLDER\", or name its image in \
                    custom.gear-builder.image of its manifest"
            .to_owned());
    };
    let path = engine.search_path();
    match ["docker", "podman"].into_iter().find_map(|name| process::find(name, &path)) {
        Some(runtime) => Ok(Source::Image(image, runtime)),
        None => Err(format!(
            "The image {image} needs a container runtime: neither docker nor podman is on the path of the site"
        )),
    }
}

fn image(gear: &Value, url: &str) -> Option<String> {
    let named = ["/gear/custom/gear-builder/image", "/gear/custom/docker-image"];
    let named = named.into_iter().filter_map(|place| gear.pointer(place)?.as_str());
    let image = url.strip_prefix("docker://").into_iter().chain(named).find(|image| !image.is_empty());
    image.map(str::to_owned)
}

/// The program of a gear in a folder. It finds the programs that the site finds, its folder in `FLYWHEEL`, and no other
/// variable of the site's.
pub(super) fn in_folder(engine: &Engine, target: &Target, folder: &Folder) -> Program {
    let path = engine.search_path();
    let mut command: Vec<OsString> = target.command.iter().map(OsString::from).collect();
    if let Some(shell) = command.first_mut()
        && shell.as_os_str() == "bash"
        && process::find("bash", &path).is_none()
    {
        *shell = "sh".into();
    }
    let work = folder.path().join("work");
    let mut environment: Vec<(OsString, OsString)> = vec![
        ("FLYWHEEL".into(), folder.path().into()),
        ("HOME".into(), work.clone().into()),
        ("TMPDIR".into(), work.into()),
    ];
    environment.extend(engine.variables.iter().cloned());
    let own = target.environment.iter().filter(|(name, _)| *name != "PATH");
    environment.extend(own.map(|(name, value)| (name.into(), value.into())));
    let wanted = target.environment.get("PATH").map(String::as_str).unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(std::env::split_paths(OsStr::new(wanted)));
    let path = std::env::join_paths(folders).unwrap_or(path);
    environment.push(("PATH".into(), path));
    Program { command, folder: folder.path().to_owned(), environment, after_kill: Vec::new() }
}

/// The gear's image in a container called `name`, which sees the folders of the run where gears look for them.
pub(super) fn in_container(
    engine: &Engine,
    target: &Target,
    folder: &Folder,
    (image, runtime): (&str, &Path),
    name: &str,
) -> Program {
    let mut command: Vec<OsString> = vec![runtime.into()];
    let mut add =
        |arguments: &[&OsStr]| command.extend(arguments.iter().map(|&argument| argument.to_owned()));
    // The address in a job's key is one of this machine.
    add(&["run", "--rm", "--name", name, "--network", "host", "--workdir", BASE].map(OsStr::new));
    for (inner, how) in [("config.json", ",readonly"), ("input", ""), ("output", ""), ("work", "")] {
        let mut mount = OsString::from("type=bind,source=");
        mount.push(folder.path().join(inner));
        mount.push(format!(",target={BASE}/{inner}{how}"));
        add(&[OsStr::new("--mount"), &mount]);
    }
    for (name, value) in &target.environment {
        add(&[OsStr::new("--env"), OsStr::new(&format!("{name}={value}"))]);
    }
    if let Some((first, rest)) = target.command.split_first() {
        add(&["--entrypoint", first, image].map(OsStr::new));
        rest.iter().for_each(|argument| add(&[OsStr::new(argument)]));
    }
    let mut environment: Vec<(OsString, OsString)> =
        std::env::vars_os().filter(|(name, _)| name != "PATH").collect();
    environment.push(("PATH".into(), engine.search_path()));
    let after_kill = [runtime.as_os_str(), "rm".as_ref(), "--force".as_ref(), name.as_ref()];
    let after_kill = after_kill.map(OsStr::to_owned).to_vec();
    Program { command, folder: folder.path().to_owned(), environment, after_kill }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn target() -> Target {
        Target::of(&json!({"request": {"target": {
            "command": ["bash", "-c", "./run"], "env": {"PATH": "/opt/tool/bin", "FW_CONFIG_A": "1"}, "dir": BASE,
        }}}))
    }

    fn variable<'a>(program: &'a Program, name: &str) -> Option<&'a str> {
        program.environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.to_str().unwrap())
    }

    #[test]
    fn a_gear_in_a_folder_gets_its_own_environment_and_the_path_of_the_site_first() {
        let runs = tempfile::tempdir().unwrap();
        let folder = Folder::make(runs.path(), "7", None).unwrap();
        let engine = Engine::new().path("/nowhere").variable("FW", "/bin/fw");
        let program = in_folder(&engine, &target(), &folder);
        assert_eq!(program.command, ["sh", "-c", "./run"]);
        assert_eq!(variable(&program, "PATH"), Some("/nowhere:/opt/tool/bin"));
        assert_eq!(variable(&program, "FW_CONFIG_A"), Some("1"));
        assert_eq!(variable(&program, "FW"), Some("/bin/fw"));
        assert_eq!(variable(&program, "FLYWHEEL"), folder.path().to_str());
        assert_eq!(variable(&program, "CARGO"), None);
    }

    #[test]
    fn a_container_sees_the_folders_of_the_run_and_keeps_the_program_of_its_image() {
        let runs = tempfile::tempdir().unwrap();
        let folder = Folder::make(runs.path(), "7", None).unwrap();
        let program =
            in_container(&Engine::new(), &target(), &folder, ("lab/gear:1", Path::new("/bin/docker")), "n");
        let words: Vec<&str> = program.command.iter().map(|word| word.to_str().unwrap()).collect();
        assert_eq!(words[..5], ["/bin/docker", "run", "--rm", "--name", "n"]);
        assert_eq!(words[words.len() - 5..], ["--entrypoint", "bash", "lab/gear:1", "-c", "./run"]);
        let mount = format!("type=bind,source={}/output,target={BASE}/output", folder.path().display());
        assert!(words.contains(&mount.as_str()) && words.contains(&"FW_CONFIG_A=1"), "{words:?}");
        assert!(!words.iter().any(|word| word.ends_with(&format!("target={BASE}"))));
    }

    #[test]
    fn an_image_is_found_where_gears_name_it_and_what_is_missing_is_said() {
        let gears = tempfile::tempdir().unwrap();
        let none = Engine::new().path("/nowhere");
        let of = |gear: Value| find(&none, gears.path(), &gear).unwrap_err();
        assert!(of(json!({"gear": {}})).contains("fw gear add"));
        for gear in [
            json!({"exchange": {"rootfs-url": "docker://lab/gear:1"}}),
            json!({"gear": {"custom": {"gear-builder": {"image": "lab/gear:1"}}}, "exchange": {"rootfs-url": ""}}),
            json!({"gear": {"custom": {"docker-image": "lab/gear:1"}}}),
        ] {
            let error = of(gear);
            assert!(error.contains("lab/gear:1") && error.contains("podman"), "{error}");
        }
        let gone = format!("{}{}", crate::engine::bundle::URL, "a".repeat(96));
        assert!(of(json!({"exchange": {"rootfs-url": gone}})).contains("not on the site"));
    }
}
