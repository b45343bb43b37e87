//! The folders of gears: what may be brought to a site, by whom. What runs is tested over the whole site.
#![allow(clippy::unwrap_used)]

use axum::body::Body;
use http::{Request, header::AUTHORIZATION};
use serde_json::Value;
use sha2::{Digest, Sha384};

use crate::tests::{Answer, Api, Person};

fn archive(entries: &[(&str, &str, tar::EntryType)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content, kind) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_mode(0o755);
        header.set_size(content.len() as u64);
        if *kind == tar::EntryType::Symlink {
            header.set_link_name("/etc/passwd").unwrap();
        }
        // Written past the library, which would refuse names that lead out.
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        builder.append(&header, content.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn plain(name: &'static str, content: &'static str) -> (&'static str, &'static str, tar::EntryType) {
    (name, content, tar::EntryType::Regular)
}

async fn bring(api: &Api, person: &Person, hash: &str, bytes: Vec<u8>) -> Answer {
    let mut request = Request::put(format!("/api/local/gear-folders/{hash}"));
    if let Person::Key(key) = person {
        request = request.header(AUTHORIZATION, format!("scitran-user {key}"));
    }
    api.send(request.body(Body::from(bytes)).unwrap()).await
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha384::digest(bytes))
}

#[tokio::test]
async fn a_folder_is_kept_by_the_hash_of_its_archive_and_bringing_it_again_is_as_good() {
    let api = Api::new().await;
    let bytes = archive(&[plain("./manifest.json", "{}"), plain("bin/run", "#!/bin/sh\n")]);
    let hash = hash(&bytes);
    let path = format!("/local/gear-folders/{hash}");
    api.get(&path).await.error(404);
    for _ in 0..2 {
        let answer: Value = bring(&api, api.root(), &hash, bytes.clone()).await.ok();
        assert_eq!(answer["rootfs-hash"], format!("sha384:{hash}"));
        assert_eq!(answer["rootfs-url"], format!("file:///gears/{hash}"));
    }
    api.get(&path).await.ok();
    let place = api.site.data().join("gears").join(&hash);
    assert_eq!(std::fs::read_to_string(place.join("bin/run")).unwrap(), "#!/bin/sh\n");
    let left: Vec<_> = std::fs::read_dir(place.parent().unwrap()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[tokio::test]
async fn an_archive_that_was_changed_leads_out_or_is_no_gear_leaves_nothing_behind() {
    let api = Api::new().await;
    let manifest = plain("manifest.json", "{}");
    for (bytes, word) in [
        (archive(&[manifest, plain("../evil", "x")]), "leads out"),
        (archive(&[manifest, plain("/evil", "x")]), "leads out"),
        (archive(&[manifest, ("link", "", tar::EntryType::Symlink)]), "neither a file nor a folder"),
        (archive(&[plain("run", "x")]), "manifest.json"),
        (b"no archive at all".repeat(100), "unpacked"),
    ] {
        let message = bring(&api, api.root(), &hash(&bytes), bytes).await.error(422);
        assert!(message.contains(word), "{message}");
    }
    let bytes = archive(&[manifest]);
    let message = bring(&api, api.root(), &"a".repeat(96), bytes.clone()).await.error(422);
    assert!(message.contains("changed on the way"), "{message}");
    for name in ["..", "xyz"] {
        bring(&api, api.root(), name, bytes.clone()).await.error(422);
    }
    assert_eq!(std::fs::read_dir(api.site.data().join("gears")).unwrap().count(), 0);
}

#[tokio::test]
async fn only_administrators_of_the_site_bring_programs_to_it() {
    let api = Api::new().await;
    let bytes = archive(&[plain("manifest.json", "{}")]);
    let user = api.user("user@x.org", false).await;
    bring(&api, &user, &hash(&bytes), bytes.clone()).await.error(403);
    bring(&api, &Person::Anonymous, &hash(&bytes), bytes).await.error(401);
}
