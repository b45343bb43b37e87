//! The directory of application entities, through the router.
#![allow(clippy::unwrap_used)]

use serde_json::json;

use crate::tests::Api;

#[tokio::test]
async fn entities_are_found_by_id_and_title_and_titles_are_unique() {
    let api = Api::new().await;
    let [_, project, ..] = api.tree().await;
    let made = api.post("/dimse/projects", json!({"project_id": project, "aet": "STUDY"})).await.ok();
    assert_eq!(made["creator"], "admin@flywheel.local");
    for name in ["STUDY", made["_id"].as_str().unwrap()] {
        assert_eq!(api.get(&format!("/dimse/projects/{name}")).await.ok()["project_id"], project.as_str());
    }
    api.post("/dimse/services", json!({"host": "pacs", "port": 104, "aet": "STUDY"})).await.error(409);
    api.post("/dimse/services", json!({"host": "pacs", "port": 104, "aet": "X".repeat(17)})).await.error(422);
    let service = api.post("/dimse/services", json!({"host": "pacs", "port": 104})).await.ok();
    assert_eq!(service["aet"].as_str().unwrap().len(), 16);
    assert_eq!(api.get("/dimse/services").await.ok()[0]["host"], "pacs");
    let stranger = api.user("s@x.org", false).await;
    assert_eq!(api.get_as(&stranger, "/dimse/projects").await.ok(), json!([]));
    api.get_as(&stranger, "/dimse/projects/STUDY").await.error(404);
    assert_eq!(api.delete("/dimse/projects/STUDY").await.ok(), json!({"deleted": 1}));
    api.delete("/dimse/projects/STUDY").await.error(404);
    let path = format!("/dimse/services/{}", service["aet"].as_str().unwrap());
    assert_eq!(api.get(&path).await.ok(), service);
    api.delete(&path).await.ok();
    api.get(&path).await.error(404);
}
