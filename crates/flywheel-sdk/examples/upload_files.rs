//! Uploads from disk and from memory, with what is to be recorded of a file; reads files back, whole, in part, and one member
//! of an archive.
//!
//! ```text
//! cargo run -p flywheel-sdk --example upload_files
//! ```

mod common;

use std::{fmt::Write as _, io::Write as _};

use common::Failure;
use flywheel::{File, Source};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    common::show(run).await
}

pub(crate) async fn run(out: &mut String) -> Result<(), Failure> {
    let (_site, fw) = common::site().await?;
    let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Color Study").await?;
    let session = project.add_subject("sub-01").await?.add_session("baseline").await?;
    let scan = session.add_acquisition("T1w").await?;
    let folder = tempfile::tempdir()?;

    // From disk. A file of the same name becomes its next version.
    let path = folder.path().join("plan.txt");
    std::fs::write(&path, "Measure once.\n")?;
    told(out, &project.upload(Source::path(&path)).await?)?;
    std::fs::write(&path, "Measure twice, cut once.\n")?;
    let plan = project.upload(Source::path(&path)).await?;
    told(out, &plan)?;

    // From memory, with what is known of it.
    let volume = Source::bytes("t1.nii.gz", "pretend this is a volume")
        .modality("MR")
        .classification(json!({"Intent": ["Structural"], "Measurement": ["T1"]}))
        .tags(["new"])
        .info(json!({"EchoTime": 2.9}));
    let volume = scan.upload(volume).await?;
    told(out, &volume)?;
    writeln!(out, "    {} {} {}", json!(volume.classification), json!(volume.info), json!(volume.tags))?;

    // Several in one request: the results of an analysis made elsewhere.
    let analysis = session.add_analysis("Fit").await?;
    let results =
        [Source::bytes("fit.csv", "region,volume\nleft,3.1\n"), Source::bytes("qc.zip", archive()?)];
    for file in analysis.upload_all(results).await? {
        told(out, &file)?;
    }

    // Back to disk, checked against the hash that the site recorded; to memory; and no more than the beginning.
    let copy = folder.path().join("copy.txt");
    let done = plan.download().to_path(&copy).await?;
    writeln!(out, "\n{} bytes, hash checked: {}", done.size, done.verified)?;
    writeln!(out, "{:?}", String::from_utf8(plan.download().bytes().await?.to_vec())?)?;
    writeln!(out, "{:?}", String::from_utf8(plan.download().range(0..13).bytes().await?.to_vec())?)?;

    // Of an archive, the list of its members, and one of them.
    let qc = analysis.file("qc.zip").await?;
    for member in qc.zip().await?.members {
        writeln!(out, "{:>4}  {}", member.size, member.path)?;
    }
    writeln!(out, "{:?}", String::from_utf8(qc.zip_member("report/readme.txt").bytes().await?.to_vec())?)?;

    match scan.file("t2.nii.gz").await {
        Err(error) if error.is_not_found() => writeln!(out, "\nThere is no t2.nii.gz")?,
        found => told(out, &found?)?,
    }
    Ok(())
}

fn told(out: &mut String, file: &File) -> Result<(), Failure> {
    let kind = file.file_type().unwrap_or("unknown");
    writeln!(out, "{:<10} version {}, {kind}, {} bytes", file.name(), file.version(), file.size())?;
    Ok(())
}

/// A zip file with two members.
fn archive() -> Result<Vec<u8>, Failure> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in
        [("report/readme.txt", "All scans are good."), ("report/scores.csv", "scan,snr\nT1w,12.5\n")]
    {
        archive.start_file(name, zip::write::SimpleFileOptions::default())?;
        archive.write_all(text.as_bytes())?;
    }
    Ok(archive.finish()?.into_inner())
}
