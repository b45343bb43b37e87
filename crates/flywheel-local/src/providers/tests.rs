//! Providers and users' own filters, through the router.
#![allow(clippy::unwrap_used)]

use http::Method;
use serde_json::json;

use crate::tests::Api;

#[tokio::test]
async fn credentials_of_providers_are_never_shown() {
    let api = Api::new().await;
    let body = json!({
        "label": "bucket", "provider_class": "storage", "provider_type": "aws", "creds": {"secret": "s3cret"},
        "config": {"bucket": "b"},
    });
    let id = api.post("/site/providers", body).await.id();
    let path = format!("/site/providers/{id}");
    let changed = api.put(&path, json!({"label": "other", "creds": {"secret": "s3cret"}})).await.ok();
    assert_eq!(changed["label"], "other");
    let all = api.get("/site/providers").await.ok();
    assert!(!all.to_string().contains("s3cret") && !changed.to_string().contains("s3cret"));
    assert_eq!(api.get(&format!("{path}/config")).await.ok(), json!({"bucket": "b"}));
    assert_eq!(api.get("/site/providers?class=compute").await.column("label"), ["Local site"]);
    api.delete(&path).await.empty();
    api.get(&path).await.error(404);
}

#[tokio::test]
async fn the_providers_of_the_site_stay_and_are_those_that_files_name() {
    let api = Api::new().await;
    let [.., acquisition] = api.tree().await;
    let file = api.file(api.root(), &format!("/acquisitions/{acquisition}"), "a.txt", "x").await.ok();
    let path = format!("/site/providers/{}", file[0]["provider_id"].as_str().unwrap());
    assert_eq!(api.get(&path).await.ok()["provider_class"], "storage");
    api.delete(&path).await.error(409);
    api.put(&path, json!({"label": "x"})).await.error(409);
}

#[tokio::test]
async fn a_custom_filter_is_its_makers_own() {
    let api = Api::new().await;
    let stranger = api.user("s@x.org", false).await;
    let body = json!({"filter": "status=todo", "view": "tasks", "label": "open"});
    let id = api.post("/custom_filters", body.clone()).await.id();
    let path = format!("/custom_filters/{id}");
    assert_eq!(api.get("/custom_filters").await.ok()["results"][0]["label"], "open");
    assert_eq!(api.get_as(&stranger, "/custom_filters").await.ok()["total"], 0);
    api.call(&stranger, Method::PUT, &path, Some(body)).await.error(404);
    let change = json!({"filter": {"a": 1}, "view": "usage", "label": "other"});
    assert_eq!(api.put(&path, change).await.ok()["view"], "usage");
    assert_eq!(api.delete(&path).await.ok(), json!({"deleted": 1}));
}
