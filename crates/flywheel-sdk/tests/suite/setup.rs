//! Setting a site up and what it counts: providers, the catalogue, usage, copies of projects, uploads of devices.

use chrono::Datelike;
use flywheel::{Client, Source, View, hierarchy::CopyFilter, transfer::Place, view::OutputFormat};
use flywheel_api::transport::{Call, Transport, read_body};
use serde_json::json;

use crate::bench::{Bench, Study};

#[tokio::test]
async fn providers_are_added_changed_and_removed() {
    let bench = Bench::open().await;
    let fw = &bench.fw;
    let before = fw.providers().await.unwrap().len();
    let bucket = json!({
        "label": "bucket", "provider_class": "storage", "provider_type": "aws", "creds": {"secret": "s3cret"},
        "config": {"bucket": "b"},
    });
    let id = fw.add_provider(&bucket).await.unwrap().id.unwrap();
    assert_eq!(fw.providers().await.unwrap().len(), before + 1);
    let storage = fw.providers().class("storage").await.unwrap();
    assert!(storage.iter().any(|provider| provider.id.as_deref() == Some(id.as_str())));
    assert!(!json!(storage).to_string().contains("s3cret"));
    let compute = fw.providers().class("compute").await.unwrap();
    assert!(compute.iter().all(|provider| provider.id.as_deref() != Some(id.as_str())));
    let changed = fw.update_provider(&id, json!({"label": "other"})).await.unwrap();
    assert_eq!(changed.label.as_deref(), Some("other"));
    assert_eq!(fw.provider(&id).await.unwrap().label.as_deref(), Some("other"));
    assert_eq!(fw.provider_config(&id).await.unwrap(), json!({"bucket": "b"}));
    let jo = bench.user("jo@example.org", false).await;
    assert!(jo.add_provider(&bucket).await.unwrap_err().is_permission_denied());
    fw.delete_provider(&id).await.unwrap();
    assert!(fw.provider(&id).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn the_catalogue_is_searched() {
    let bench = Bench::open().await;
    let project = bench.project().await;
    let jo = bench.user("jo@example.org", false).await;
    assert!(jo.catalog("").await.unwrap().is_empty());
    let sharing = json!({"sharing": {"summary": "Adults at REST", "organ_systems": ["Brain"]}});
    project.update_settings(sharing).await.unwrap();
    for (words, count) in [("", 1), ("rest", 1), ("galaxy", 0)] {
        assert_eq!(jo.catalog(words).await.unwrap().len(), count, "{words:?}");
    }
    let found = jo.catalog("adults").await.unwrap();
    assert_eq!(
        (found[0].id.as_deref(), found[0].label.as_deref()),
        (Some(project.id()), Some("Color Study"))
    );
    let filters = json!(jo.catalog_filters().await.unwrap());
    assert!(filters["body_regions"].as_array().unwrap().contains(&json!("Head")), "{filters}");
}

#[tokio::test]
async fn usage_is_counted_by_the_month() {
    let bench = Bench::open().await;
    let Study { project, acquisition, .. } = bench.study().await;
    acquisition.upload(Source::bytes("a.txt", "12345")).await.unwrap();
    let today = chrono::Utc::now().date_naive();
    let reports = bench.fw.reports();
    let month = reports.monthly_usage(today.year(), today.month()).await.unwrap();
    assert_eq!((month[0].project.as_deref(), month[0].session_count), (Some(project.id()), Some(1)));
    assert!(reports.monthly_usage(2001, 1).await.unwrap().is_empty());
    assert!(reports.monthly_usage(2001, 13).await.unwrap_err().is_invalid());
    let days = reports.daily_usage(today.year(), today.month()).await.unwrap();
    assert_eq!(days.last().unwrap().center_storage_bytes, Some(5));
    let months = json!(reports.usage_months().await.unwrap());
    let this = json!({"year": today.year(), "month": today.month()});
    assert!(months["available_reports"].as_array().unwrap().contains(&this), "{months}");
    let summary = reports.usage().by("project").await.unwrap();
    assert_eq!(json!(summary)[0]["project_id"], project.id());
}

#[tokio::test]
async fn a_copy_of_a_project_is_followed_to_its_end() {
    let bench = Bench::open().await;
    let Study { group, project, acquisition, .. } = bench.study().await;
    acquisition.upload(Source::bytes("a.txt", "abc")).await.unwrap();
    let copy = project.copy_to(&group, "Twin", CopyFilter::new()).await.unwrap();
    let end = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        let status = copy.status().await.unwrap();
        let text = status.to_string();
        assert!(!text.contains("failed") && tokio::time::Instant::now() < end, "{text}");
        if text.contains("complete") || text.contains("finished") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let twin = copy.project().await.unwrap();
    assert_eq!(twin.label(), "Twin");
    let file = twin.all_files().find_one().await.unwrap();
    assert_eq!(file.download().bytes().await.unwrap(), "abc");
    assert!(project.copies().await.unwrap().to_string().contains(twin.id()));
}

#[tokio::test]
async fn a_reaper_finds_its_session_again_wherever_it_was_moved() {
    let bench = Bench::open().await;
    let Study { subject, .. } = bench.study().await;
    let scan = |bytes: &'static str| {
        let place =
            Place::new("nobody-knows", "it").subject("s").session("visit").session_field("uid", "1.2");
        let place = place.acquisition("T1w").acquisition_field("uid", "1.2.3");
        bench.fw.upload_by_reaper(place, [Source::bytes("a.dcm", bytes)])
    };
    let lost = &scan("one").await.unwrap()[0];
    let mut session = bench.fw.sessions().filter(flywheel::field("uid").eq("1.2")).find_one().await.unwrap();
    assert_eq!(session.group().await.unwrap().id(), "unknown");
    assert_eq!(session.project().await.unwrap().label(), "Unsorted");
    flywheel::MoveTo::move_to(&mut session, &subject).await.unwrap();
    let next = &scan("two").await.unwrap()[0];
    assert_eq!((next.id(), next.version()), (lost.id(), 2));
    session.reload().await.unwrap();
    assert_eq!(session.acquisitions().find_one().await.unwrap().file("a.dcm").await.unwrap().version(), 2);
    assert_eq!(subject.sessions().count().await.unwrap(), 2);
}

#[tokio::test]
async fn collections_of_somebody_are_those_they_see() {
    let bench = Bench::open().await;
    let jo = bench.user("jo@example.org", false).await;
    bench.fw.add_collection("Mine").await.unwrap();
    let theirs = jo.add_collection("Theirs").await.unwrap();
    let found = jo.collections_of("jo@example.org").await.unwrap();
    assert_eq!(found.iter().map(|one| one.id()).collect::<Vec<_>>(), [theirs.id()]);
    let found = bench.fw.collections_of("jo@example.org").find_one().await.unwrap();
    assert_eq!(found.label(), "Theirs");
    assert_eq!(bench.fw.collections_of(flywheel_local::ADMIN).find_one().await.unwrap().label(), "Mine");
}

/// What an address gives to somebody without a key.
async fn fetch(fw: &Client, url: &str) -> String {
    let transport = Transport::builder().base_url(fw.base_url()).build().unwrap();
    let path = url.strip_prefix(fw.base_url()).unwrap();
    let call = Call::new("fetch", "ticket").anonymous(true);
    let answer = transport.execute(call, transport.request(http::Method::GET, path).unwrap()).await.unwrap();
    String::from_utf8(read_body(answer, call).await.unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn the_address_of_a_run_gives_its_data_without_a_key() {
    let bench = Bench::open().await;
    let Study { project, .. } = bench.study().await;
    let view =
        View::builder().column("subject.label").include_ids(false).include_labels(false).error_column(false);
    let run = bench.fw.views().run(view.build().unwrap(), &project).execute().await.unwrap();
    let url = run.url(OutputFormat::Csv).await.unwrap();
    assert_eq!(fetch(&bench.fw, &url).await.lines().collect::<Vec<_>>(), ["subject.label", "sub-01"]);
}
