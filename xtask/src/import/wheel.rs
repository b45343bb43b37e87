//! A flywheel-sdk wheel: a zip of Python source, opened and read into memory.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use anyhow::{Context, Result, bail};
use zip::ZipArchive;

/// A module larger than this is not source code of the official client.
const LARGEST_MODULE: u64 = 16 * 1024 * 1024;

/// The parts of a wheel that describe the API.
#[derive(Debug)]
pub(crate) struct Wheel {
    /// The release, from the metadata.
    pub(crate) version: String,
    /// Source by path inside the wheel (`flywheel/api/x_api.py`, `flywheel/models/y.py`, `flywheel/z.py`).
    modules: BTreeMap<String, String>,
}

impl Wheel {
    /// Reads a wheel from its bytes.
    ///
    /// # Errors
    /// When the bytes are not a whole zip, or the zip is not a flywheel-sdk wheel.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self> {
        let mut archive = ZipArchive::new(Cursor::new(bytes)).context(
            "not a readable zip (cut short or damaged); take the wheel from the package index again",
        )?;
        let mut version = None;
        let mut modules = BTreeMap::new();
        for index in 0..archive.len() {
            let mut file =
                archive.by_index(index).with_context(|| format!("zip entry {index} cannot be read"))?;
            let name =
                file.name().with_context(|| format!("zip entry {index} has no readable name"))?.into_owned();
            let metadata = name.starts_with("flywheel_sdk-") && name.ends_with(".dist-info/METADATA");
            let module = name.starts_with("flywheel/") && name.ends_with(".py");
            if !metadata && !module {
                continue;
            }
            let text = read_text(&mut file, &name)?;
            if metadata {
                version = text.lines().find_map(|line| line.strip_prefix("Version: ")).map(str::to_owned);
            } else {
                modules.insert(name, text);
            }
        }
        let Some(version) = version else {
            bail!(
                "not a flywheel-sdk wheel: `flywheel_sdk-*.dist-info/METADATA` with a `Version:` line is missing; give a wheel of the package `flywheel-sdk`"
            )
        };
        let wheel = Self { version, modules };
        for part in ["api", "models"] {
            if wheel.modules_of(part).next().is_none() {
                bail!(
                    "not a flywheel-sdk wheel: it has no modules in `flywheel/{part}/`; give a wheel of the package `flywheel-sdk`"
                );
            }
        }
        Ok(wheel)
    }

    /// The source of one module, by its path inside the wheel.
    pub(crate) fn module(&self, path: &str) -> Option<&str> {
        self.modules.get(path).map(String::as_str)
    }

    /// The modules of `flywheel/{package}/` as (path, source), except the package's own `__init__`.
    pub(crate) fn modules_of(&self, package: &str) -> impl Iterator<Item = (&str, &str)> {
        let prefix = format!("flywheel/{package}/");
        self.modules
            .iter()
            .filter(move |(path, _)| path.starts_with(&prefix) && !path.ends_with("/__init__.py"))
            .map(|(path, source)| (path.as_str(), source.as_str()))
    }

    /// The modules that stand beside the generated packages, as (path, source).
    pub(crate) fn client_modules(&self) -> impl Iterator<Item = (&str, &str)> {
        self.modules
            .iter()
            .filter(|(path, _)| path.matches('/').count() == 1)
            .map(|(path, source)| (path.as_str(), source.as_str()))
    }
}

fn read_text(file: &mut impl Read, name: &str) -> Result<String> {
    let mut text = String::new();
    let mut limited = file.take(LARGEST_MODULE + 1);
    limited.read_to_string(&mut text).with_context(|| {
        format!("{name}: cannot be unpacked; take the wheel from the package index again")
    })?;
    if text.len() as u64 > LARGEST_MODULE {
        bail!("{name}: larger than {LARGEST_MODULE} bytes, which no module of the official client is");
    }
    Ok(text)
}
