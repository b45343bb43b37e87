//! For examples about curation: visits at an age, with scans that are classified.

use flywheel::{Age, Project, Source};

use super::common::Failure;

/// Scans of each visit: label, measurement, intent.
const SCANS: [(&str, &str, &str); 3] =
    [("T1w", "T1", "Structural"), ("T1w_SBRef", "T1", "Structural"), ("task-rest_bold", "T2*", "Functional")];

/// A visit with all scans for each subject, of an age in years.
pub(crate) async fn fill(project: &Project, subjects: &[(&str, f64)]) -> Result<(), Failure> {
    for (label, years) in subjects {
        let subject = project.add_subject(*label).await?;
        let session = subject.add_session("baseline").age(Age::from_years(*years).seconds()).await?;
        for (scan, measurement, intent) in SCANS {
            let acquisition = session.add_acquisition(scan).await?;
            let volume = Source::bytes(format!("{scan}.nii.gz"), "pretend this is a volume");
            let mut file = acquisition.upload(volume).await?;
            file.update().modality("MR").await?;
            file.classification().replace([("Measurement", [measurement]), ("Intent", [intent])]).await?;
        }
    }
    Ok(())
}
