//! API keys, the files that hold them, and what of them may be shown.
#![no_main]

use flywheel_core::credentials::{ProfileFile, UserFile};
use flywheel_core::key::{ApiKey, secret_of_authorization};
use flywheel_core::redact;
use libfuzzer_sys::fuzz_target;
use secrecy::ExposeSecret;

fuzz_target!(|text: &str| {
    match text.parse::<ApiKey>() {
        Ok(key) => written_and_read_again(&key),
        Err(error) => assert!(text.len() < 24 || !error.to_string().contains(text), "an error repeats a key"),
    }
    let _ = secret_of_authorization(text);
    files(text);
    let masked = redact::url(text).into_owned();
    assert_eq!(redact::url(&masked), masked, "what is masked stays as it is");
});

fn written_and_read_again(key: &ApiKey) {
    let back: ApiKey = key.expose().parse().expect("a key that was written is read");
    assert_eq!(back.base_url(), key.base_url());
    let (sent, meant) = (back.authorization(), key.authorization());
    assert_eq!(sent.expose_secret(), meant.expose_secret());
    let secret = secret_of_authorization(meant.expose_secret()).expect("the header has a secret");
    let shown = format!("{key} {key:?}");
    assert!(
        secret.len() < 8 || key.host().contains(secret) || !shown.contains(secret),
        "the secret is shown"
    );
}

fn files(text: &str) {
    if let Ok(file) = UserFile::parse(text) {
        let back = UserFile::parse(&file.to_text()).expect("a file that was written is read");
        assert!(back == file, "a credential file changes when it is written");
    }
    if let Ok(file) = ProfileFile::parse(text)
        && let Ok(written) = file.to_text()
    {
        let back = ProfileFile::parse(&written).expect("a file that was written is read");
        assert_eq!(back.profile_names(), file.profile_names());
        assert_eq!(back.default_profile(), file.default_profile());
        let address = |file: &ProfileFile| file.key(None).map(|key| key.base_url());
        assert_eq!(address(&back), address(&file));
    }
}
