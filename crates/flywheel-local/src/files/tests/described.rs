//! What is said about files: type, modality, classification, info, tags; and the list of all files.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::super::harness::Bench;

/// A file of the acquisition by both of its addresses.
async fn file(bench: &Bench) -> (String, String) {
    let file = bench.put("a.nii", b"x").await;
    (bench.file("a.nii"), format!("/files/{}", file["file_id"].as_str().unwrap()))
}

#[tokio::test]
async fn both_addresses_show_the_same_document() {
    let bench = Bench::new().await;
    let (by_name, by_id) = file(&bench).await;
    let shown = bench.get(&by_id).await.ok();
    assert_eq!(bench.get(&format!("{by_name}/info")).await.ok(), shown);
    bench.get("/files/000000000000000000000000").await.refused(404);
    bench.get("/files/nonsense").await.refused(422);
    bench.get(&bench.file("other/info")).await.refused(404);
}

#[tokio::test]
async fn type_and_modality_change_and_nothing_else_does() {
    let bench = Bench::new().await;
    let (by_name, by_id) = file(&bench).await;
    for path in [&by_name, &by_id] {
        assert_eq!(bench.call(Method::PUT, path, json!({"type": "t"})).await.ok()["modified"], 1);
        for (body, status) in
            [(json!({"name": "x"}), 422), (json!({"parents": {}}), 422), (json!({}), 400), (Value::Null, 400)]
        {
            bench.call(Method::PUT, path, body).await.refused(status);
        }
    }
    let shown = bench.get(&by_id).await.ok();
    assert_eq!((&shown["type"], &shown["revision"]), (&json!("t"), &json!(3)));
}

#[tokio::test]
async fn another_modality_leaves_only_custom_words() {
    let bench = Bench::new().await;
    let (by_name, by_id) = file(&bench).await;
    let words = json!({"modality": "MR", "replace": {"Intent": ["structural"], "Custom": ["mine"]}});
    bench.call(Method::PATCH, &format!("{by_name}/classification"), words).await.ok();
    let shown = bench.get(&by_id).await.ok();
    assert_eq!(shown["classification"], json!({"Intent": ["Structural"], "Custom": ["mine"]}));
    bench.call(Method::PUT, &by_name, json!({"modality": "MR"})).await.ok();
    assert_eq!(bench.get(&by_id).await.ok()["classification"], shown["classification"]);
    bench.call(Method::PUT, &by_name, json!({"modality": "C/T"})).await.refused(422);
    bench.call(Method::PUT, &by_name, json!({"modality": "CT"})).await.ok();
    let shown = bench.get(&by_id).await.ok();
    assert_eq!((&shown["modality"], &shown["classification"]), (&json!("CT"), &json!({"Custom": ["mine"]})));
}

#[tokio::test]
async fn classification_is_added_deleted_and_replaced_in_the_modalitys_words() {
    let bench = Bench::new().await;
    let (by_name, by_id) = file(&bench).await;
    bench.call(Method::PUT, &by_name, json!({"modality": "MR"})).await.ok();
    let (patch, post, put) = (Method::PATCH, Method::POST, Method::PUT);
    let (name_words, id_words) = (format!("{by_name}/classification"), format!("{by_id}/classification"));
    for (method, path, body, after) in [
        (
            &patch,
            &name_words,
            json!({"add": {"Measurement": ["t2*", "T1"]}}),
            json!({"Measurement": ["T2*", "T1"]}),
        ),
        (&post, &name_words, json!({"delete": {"Measurement": ["T2*"]}}), json!({"Measurement": ["T1"]})),
        (
            &put,
            &id_words,
            json!({"add": {"Custom": ["Any Thing"]}, "delete": {"Measurement": ["T1"]}}),
            json!({"Custom": ["Any Thing"]}),
        ),
        (&put, &id_words, json!({"replace": {}}), json!({})),
    ] {
        bench.call(method.clone(), path, body.clone()).await.ok();
        assert_eq!(bench.get(&by_id).await.ok()["classification"], after, "{body}");
    }
    let refused = bench
        .call(
            patch.clone(),
            &name_words,
            json!({"add": {"Intent": ["Guess", "Structural"], "Color": ["red"]}}),
        )
        .await;
    assert_eq!(refused.json()["unaccepted_keys"], json!(["Intent:Guess", "Color:red"]));
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    for body in [
        json!({}),
        json!({"add": {}, "replace": {}}),
        json!({"modality": "CT"}),
        json!({"modality": "CT", "add": {}}),
    ] {
        bench.call(put.clone(), &id_words, body).await.refused(400);
    }
    bench.call(put.clone(), &id_words, json!({"set": {}})).await.refused(422);
}

#[tokio::test]
async fn without_a_known_modality_only_custom_words_are_taken() {
    let bench = Bench::new().await;
    let (_, by_id) = file(&bench).await;
    let words = format!("{by_id}/classification");
    let intent = json!({"add": {"Intent": ["Structural"]}});
    assert!(bench.call(Method::PUT, &words, intent.clone()).await.refused(422).contains("set it first"));
    bench.call(Method::PUT, &by_id, json!({"modality": "XX"})).await.ok();
    assert!(bench.call(Method::PUT, &words, intent).await.refused(422).contains("XX"));
    bench.call(Method::PUT, &words, json!({"add": {"Custom": ["ok"]}})).await.ok();
}

#[tokio::test]
async fn info_by_name_takes_a_delta_and_by_id_a_plain_object() {
    let bench = Bench::new().await;
    let (by_name, by_id) = file(&bench).await;
    let (name_info, id_info) = (format!("{by_name}/info"), format!("{by_id}/info"));
    for (method, path, body, after) in [
        (
            Method::PATCH,
            &name_info,
            json!({"set": {"a": {"x": 1}, "b.c": 2}}),
            json!({"a": {"x": 1}, "b_c": 2}),
        ),
        (
            Method::POST,
            &name_info,
            json!({"set": {"a": {"y": 1}}, "delete": ["b_c"]}),
            json!({"a": {"y": 1}}),
        ),
        (Method::PATCH, &id_info, json!({"z.z": 1}), json!({"a": {"y": 1}, "z_z": 1})),
        (Method::PATCH, &name_info, json!({"replace": {"only": 1}}), json!({"only": 1})),
        (Method::PUT, &id_info, json!({"fresh": 1}), json!({"fresh": 1})),
    ] {
        bench.call(method, path, body.clone()).await.ok();
        assert_eq!(bench.get(&id_info).await.ok(), after, "{body}");
    }
    bench.call(Method::PATCH, &name_info, json!({"set": {}, "replace": {}})).await.refused(400);
    bench.call(Method::PATCH, &id_info, json!([1])).await.refused(422);
    bench.put("a.nii", b"again").await;
    assert_eq!(bench.get(&format!("{id_info}?version=1")).await.ok(), json!({"fresh": 1}));
    assert_eq!(bench.get(&id_info).await.ok(), json!({}));
}

#[tokio::test]
async fn tags_are_added_set_and_taken_away() {
    let bench = Bench::new().await;
    let (_, by_id) = file(&bench).await;
    let tags = format!("{by_id}/tags");
    assert_eq!(bench.call(Method::PATCH, &tags, json!(["a", "b", "a"])).await.ok(), json!(["a", "b"]));
    assert_eq!(bench.call(Method::PATCH, &tags, json!(["b", "c"])).await.ok(), json!(["a", "b", "c"]));
    assert_eq!(bench.call(Method::DELETE, &tags, json!(["a", "never there"])).await.ok(), Value::Null);
    assert_eq!(bench.get(&tags).await.ok(), json!(["b", "c"]));
    assert_eq!(bench.call(Method::PUT, &tags, json!(["d", "d"])).await.ok()["modified"], 1);
    assert_eq!(bench.get(&tags).await.ok(), json!(["d"]));
    for body in [json!(["x".repeat(33)]), json!([""]), json!({"value": "x"}), json!([1])] {
        bench.call(Method::PATCH, &tags, body).await.refused(422);
    }
}

#[tokio::test]
async fn all_files_are_listed_as_pages_with_their_info() {
    let bench = Bench::new().await;
    for n in 0..7 {
        bench.put(&format!("{n}.txt"), b"x").await;
    }
    let id = bench.put("q.nii", b"x").await["file_id"].as_str().unwrap().to_owned();
    bench.call(Method::PUT, &format!("/files/{id}/info"), json!({"qc": {"pass": true}})).await.ok();
    let page = bench.get("/files?exhaustive=true&filter=type%3Dnifti").await.ok();
    assert_eq!((&page["total"], &page["count"]), (&json!(1), &json!(1)));
    assert_eq!(page["results"][0]["info"], json!({"qc": {"pass": true}}));
    let filtered =
        format!("/files?filter=parents.project%3D{}%2Cname%3D~txt%24&sort=name:desc&limit=3", bench.project);
    let page = bench.get(&filtered).await.ok();
    assert_eq!(
        (&page["total"], &page["count"], &page["results"][0]["name"]),
        (&json!(7), &json!(3), &json!("6.txt"))
    );
    // Older clients continue after the document's own id.
    for cursor in ["file_id", "_id"] {
        let (mut seen, mut after) = (Vec::new(), String::new());
        loop {
            let page = bench.get(&format!("/files?limit=3&after_id={after}")).await.ok();
            let rows = page["results"].as_array().unwrap();
            let Some(last) = rows.last() else { break };
            after = last[cursor].as_str().unwrap().to_owned();
            seen.extend(rows.iter().map(|row| row["file_id"].as_str().unwrap().to_owned()));
        }
        assert_eq!(seen.len(), 8, "{cursor}");
        assert!(seen.is_sorted(), "{cursor}: {seen:?}");
    }
    let stranger = bench.as_user("no@x.org", None).await;
    assert_eq!(stranger.get("/files").await.ok()["total"], 0);
    assert_eq!(bench.as_user("ro@x.org", Some("ro")).await.get("/files").await.ok()["total"], 8);
}
