//! The site: what it is, how it is set up, what it reports.

use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate};
use serde_json::json;
use sha2::{Digest, Sha384};

use crate::desk::{Desk, Study, ask};

/// A gear's folder as an archive, and its hash.
fn gear_folder(folder: &Path) -> (PathBuf, String) {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(2);
    header.set_mode(0o644);
    archive.append_data(&mut header, "manifest.json", &b"{}"[..]).unwrap();
    let bytes = archive.into_inner().unwrap();
    let path = folder.join("gear.tar");
    std::fs::write(&path, &bytes).unwrap();
    (path, hex::encode(Sha384::digest(&bytes)))
}

#[tokio::test]
async fn the_site_is_set_up_and_reports() {
    let desk = Desk::open().await;
    let fw = desk.fw.clone();
    let Study { project, subject, .. } = desk.study().await;
    ask!(desk, fw.version());
    ask!(desk, fw.config());
    ask!(desk, fw.file_types());
    ask!(desk, fw.delete_reasons());
    ask!(desk, fw.lock_reasons());
    ask!(desk, fw.site_settings());
    ask!(desk, fw.update_site_settings(json!({"center_gears": ["a"]})));
    let bookmarks = ask!(desk, fw.bookmarks());
    ask!(desk, fw.set_bookmarks(bookmarks));

    let bucket = json!({
        "label": "bucket", "provider_class": "storage", "provider_type": "aws", "creds": {"secret": "s3cret"},
        "config": {"bucket": "b"},
    });
    let provider = ask!(desk, fw.add_provider(bucket)).id.unwrap();
    ask!(desk, fw.providers());
    ask!(desk, fw.providers().class("storage"));
    ask!(desk, fw.provider(&provider));
    ask!(desk, fw.provider_config(&provider));
    ask!(desk, fw.update_provider(&provider, json!({"label": "other"})));
    ask!(desk, fw.delete_provider(&provider));

    let words = |word: &str| [("Kind".to_owned(), vec![word.to_owned()])].into_iter().collect();
    let mut modality = ask!(desk, fw.add_modality("XX", words("a")));
    ask!(desk, fw.modalities().get("XX"));
    ask!(desk, modality.set_words(words("b")));
    ask!(desk, modality.reload());
    ask!(desk, modality.delete());

    let folder = tempfile::tempdir().unwrap();
    let (archive, hash) = gear_folder(folder.path());
    ask!(desk, fw.put_gear_folder(&archive, &hash));

    let reports = fw.reports();
    ask!(desk, reports.site());
    ask!(desk, reports.projects([project.id()]));
    let day = |day: i64| DateTime::from_timestamp(1_700_000_000 + day * 86_400, 0).unwrap();
    ask!(
        desk,
        reports
            .access_log()
            .from(day(0))
            .until(day(1))
            .user("jo")
            .project(project.id())
            .subject(subject.id())
            .types(["view_file", "download_file"])
            .limit(3)
    );
    ask!(desk, reports.access_types());
    let date = |month| NaiveDate::from_ymd_opt(2024, month, 1).unwrap();
    ask!(
        desk,
        reports.usage().from(date(1)).until(date(2)).group("neuro").project(project.id()).by("project")
    );
    ask!(desk, reports.monthly_usage(2024, 5));
    ask!(desk, reports.daily_usage(2024, 5));
    ask!(desk, reports.usage_months());

    ask!(desk, fw.known_session_uids(["1.2", "1.3"]));
    ask!(desk, fw.known_acquisition_uids(["1.2"]));
    ask!(desk, fw.master_code_of_patient("p1"));
    ask!(desk, fw.master_code_of_person("Jo", "Doe", date(3)));
    ask!(desk, fw.is_master_code("UF3FGAWXQ2"));
    desk.close("site");
}
