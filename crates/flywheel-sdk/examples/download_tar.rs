//! Downloads the volumes of a whole project as one tar file, in folders by subject, session and acquisition.
//!
//! ```text
//! cargo run -p flywheel-sdk --example download_tar
//! ```

mod common;

use std::fmt::Write as _;

use common::Failure;
use flywheel::{ArchiveFormat, Client, Project, Source};

#[tokio::main]
async fn main() -> Result<(), Failure> {
    common::show(run).await
}

pub(crate) async fn run(out: &mut String) -> Result<(), Failure> {
    let (_site, fw) = common::site().await?;
    fill(&fw).await?;
    let project: Project = fw.lookup("neuro/Color Study").cast().await?;

    let volumes = project.archive().format(ArchiveFormat::Tar).include_types(["nifti"]);
    let summary = volumes.summary().await?;
    let (files, bytes) = (summary.files.unwrap_or_default(), summary.size.unwrap_or_default());
    writeln!(out, "{files} files of {bytes} bytes together")?;

    let folder = tempfile::tempdir()?;
    let path = folder.path().join("volumes.tar");
    volumes.to_path(&path).await?;

    let mut inside = Vec::new();
    for entry in tar::Archive::new(std::fs::File::open(&path)?).entries()? {
        let entry = entry?;
        inside.push(format!("{:>6}  {}", entry.size(), entry.path()?.display()));
    }
    inside.sort();
    writeln!(out, "{}", inside.join("\n"))?;
    Ok(())
}

async fn fill(fw: &Client) -> Result<(), Failure> {
    let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Color Study").await?;
    for label in ["sub-01", "sub-02"] {
        let session = project.add_subject(label).await?.add_session("baseline").await?;
        for scan in ["T1w", "bold"] {
            let acquisition = session.add_acquisition(scan).await?;
            acquisition.upload(Source::bytes(format!("{scan}.nii.gz"), "pretend this is a volume")).await?;
            acquisition.upload(Source::bytes("notes.txt", "left out")).await?;
        }
    }
    Ok(())
}
