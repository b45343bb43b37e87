//! The routes of the site are the routes of the description.

use flywheel_description::{Description, placeholder};
use flywheel_tests::site::LocalSite;
use serde_json::json;

#[test]
fn every_described_route_is_served_or_answers_501_with_its_operation() {
    let site = LocalSite::start();
    let unknown = site.get("/no/such/route/at/all").as_user("admin").send().refused(404);
    let mut wrong = Vec::new();
    let mut served = 0;
    for operation in Description::shared().operations() {
        let path = operation.path(placeholder);
        let call = site.call(operation.method.clone(), &path).as_user("admin");
        let answer = call.json(&json!({})).send();
        let about = format!("{} {path}: {}", operation.method, String::from_utf8_lossy(&answer.body));
        match answer.status {
            501 if answer.json()["message"].as_str().is_some_and(|text| text.contains(&operation.id)) => {}
            501 | 405 | 500 => wrong.push(about),
            404 if answer.json()["message"] == unknown["message"] => wrong.push(about),
            _ => served += 1,
        }
    }
    assert!(wrong.is_empty(), "{}\n({} wrong, {served} served)", wrong.join("\n"), wrong.len());
    assert!(served > 0);
}

#[test]
fn unknown_routes_and_methods_are_refused_as_json() {
    let site = LocalSite::start();
    let message = site.get("/nothing").as_user("admin").send().refused(404)["message"].clone();
    assert!(message.is_string());
    let _ = site.post("/version").as_user("admin").send().refused(405);
    let _ = site.get("/").send().refused(404);
}
