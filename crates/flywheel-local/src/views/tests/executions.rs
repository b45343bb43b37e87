//! Executions: queued, run in the background, fetched, kept, deleted.

use std::time::Duration;

use super::*;
use crate::Site;

async fn queued(bench: &Bench, view: Value) -> Value {
    bench.post(&format!("/views/queue?containerId={}", bench.project), view).await.ok()
}

/// Waits for the end of an execution.
async fn ended(bench: &Bench, id: &str) -> Value {
    loop {
        let execution = bench.get(&format!("/data_view_executions/{id}")).await.ok();
        match execution["state"].as_str() {
            Some("queued" | "processing") => tokio::time::sleep(Duration::from_millis(2)).await,
            _ => return execution,
        }
    }
}

async fn finished(bench: &Bench, view: Value) -> String {
    let execution = queued(bench, view).await;
    let id = execution["_id"].as_str().unwrap().to_owned();
    let end = ended(bench, &id).await;
    assert_eq!(end["state"], "completed", "{end}");
    id
}

#[tokio::test]
async fn an_execution_runs_and_its_data_are_fetched_in_any_format() {
    let bench = Bench::new().await;
    let execution = queued(&bench, plain(&["subject.label"])).await;
    assert_eq!((&execution["state"], &execution["data_view_label"]), (&json!("queued"), &json!("UNKNOWN")));
    assert_eq!(execution["project_id"], bench.project.as_str());
    let id = execution["_id"].as_str().unwrap();
    let end = ended(&bench, id).await;
    assert_eq!(end["state"], "completed");
    assert!(end["timestamp_ran"].is_string() && end["storage_file_id"].is_string());
    assert!(end.as_object().unwrap().keys().all(|key| key == "_id" || !key.starts_with('_')), "{end}");
    let data = format!("/data_view_executions/{id}/data");
    assert_eq!(bench.get(&data).await.ok(), json!({"data": [{"subject.label": "sub-01"}]}));
    let csv = bench.get(&format!("{data}?file_format=csv&file_name=ages")).await;
    assert_eq!(csv.bytes, "subject.label\r\nsub-01\r\n".as_bytes());
    assert_eq!(csv.headers["content-disposition"], "attachment; filename=\"ages.csv\"");
    let columns = bench.get(&format!("{data}/columns")).await.ok();
    assert_eq!(columns, json!([{"name": "subject.label", "type": "string"}]));
    bench.get(&format!("{data}?file_format=xml")).await.refused(422);
}

#[tokio::test]
async fn the_filter_and_order_of_the_queue_call_count() {
    let bench = Bench::new().await;
    more_people(&bench).await;
    let view = json!({"label": "ages", "columns": [{"src": "session.label"}], "includeIds": false,
        "includeLabels": false, "errorColumn": false});
    let id = bench.add(&format!("/containers/{}/views", bench.project), view).await;
    let path = format!(
        "/views/{id}/queue?containerId={}&filter=subject.label%3Dsub-02&sort=session.label:desc&limit=1",
        bench.project
    );
    let execution = bench.post(&path, Value::Null).await.ok();
    assert_eq!((&execution["data_view_label"], &execution["data_view_id"]), (&json!("ages"), &json!(id)));
    let end = ended(&bench, execution["_id"].as_str().unwrap()).await;
    let data = bench.get(&format!("/data_view_executions/{}/data", end["_id"].as_str().unwrap())).await.ok();
    assert_eq!(data, json!({"data": [{"session.label": "b"}]}));
}

#[tokio::test]
async fn what_cannot_work_is_refused_at_once_and_what_turns_out_so_fails() {
    let bench = Bench::new().await;
    let path = format!("/views/queue?containerId={}", bench.project);
    bench.post(&path, plain(&["nonsense"])).await.refused(400);
    assert_eq!(bench.get("/data_view_executions").await.ok(), json!([]));
    bench.put("t.csv", b"a\n1\n").await;
    let view = of_files(&[], json!({"container": "acquisition", "filter": {"value": "*.csv"}}));
    let execution = bench.post(&format!("{path}&sort=b"), view).await.ok();
    let id = execution["_id"].as_str().unwrap();
    assert_eq!(ended(&bench, id).await["state"], "failed");
    let message = bench.get(&format!("/data_view_executions/{id}/data")).await.refused(409);
    assert!(message.contains("no column is called \"b\""), "{message}");
}

#[tokio::test]
async fn an_execution_is_for_who_began_it() {
    let bench = Bench::new().await;
    let ann = bench.as_user("ann@example.org", Some("ro")).await;
    let bob = bench.as_user("bob@example.org", Some("admin")).await;
    let id = finished(&ann, plain(&["subject.label"])).await;
    let path = format!("/data_view_executions/{id}");
    for path in [path.clone(), format!("{path}/data"), format!("{path}/data/columns")] {
        bob.get(&path).await.refused(403);
        bench.get(&path).await.ok();
    }
    bob.post(&format!("{path}/delete"), Value::Null).await.refused(403);
    bob.post(&format!("{path}/ticket"), Value::Null).await.refused(403);
    assert_eq!(bob.get("/data_view_executions").await.ok(), json!([]));
    bob.get("/data_view_executions?exhaustive=true").await.refused(403);
    assert_eq!(bench.get("/data_view_executions").await.ok(), json!([]));
    assert_eq!(bench.get("/data_view_executions?exhaustive=true").await.ok()[0]["_id"], id.as_str());
    assert_eq!(ann.get("/data_view_executions").await.ok()[0]["_id"], id.as_str());
    ann.post(&format!("{path}/save?file_format=csv"), Value::Null).await.refused(403);
}

#[tokio::test]
async fn a_ticket_stands_in_for_a_login() {
    let bench = Bench::new().await;
    let first = finished(&bench, plain(&["subject.label"])).await;
    let second = finished(&bench, plain(&["subject.label"])).await;
    let made = bench.post(&format!("/data_view_executions/{first}/ticket"), Value::Null).await.ok();
    let ticket = made["ticket"].as_str().unwrap();
    let data =
        |id: &str, ticket: &str| format!("/data_view_executions/{id}/data?file_format=csv&ticket={ticket}");
    let answer = bench.anonymous(Method::GET, &data(&first, ticket), "").await;
    assert_eq!(answer.bytes, "subject.label\r\nsub-01\r\n".as_bytes());
    bench.anonymous(Method::GET, &data(&second, ticket), "").await.refused(400);
    bench.anonymous(Method::GET, &data(&first, "none"), "").await.refused(404);
    bench.anonymous(Method::GET, &data(&first, ""), "").await.refused(401);
}

#[tokio::test]
async fn the_data_are_kept_as_a_file_of_the_project() {
    let bench = Bench::new().await;
    let id = finished(&bench, plain(&["subject.label"])).await;
    for version in [1, 2] {
        let file =
            bench.post(&format!("/data_view_executions/{id}/save?file_format=tsv"), Value::Null).await.ok();
        assert_eq!((&file["name"], &file["_id"]["version"]), (&json!("view-data.tsv"), &json!(version)));
    }
    let text = bench.get(&format!("/projects/{}/files/view-data.tsv", bench.project)).await;
    assert_eq!(text.bytes, "subject.label\r\nsub-01\r\n".as_bytes());
}

#[tokio::test]
async fn a_deleted_execution_leaves_nothing() {
    let bench = Bench::new().await;
    let id = finished(&bench, plain(&["subject.label"])).await;
    let folder = bench.site.data().join("views");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    assert_eq!(
        bench.post(&format!("/data_view_executions/{id}/delete"), Value::Null).await.ok()["deleted"],
        1
    );
    bench.get(&format!("/data_view_executions/{id}")).await.refused(404);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
}

#[tokio::test]
async fn a_start_takes_up_what_a_stop_cut_off_and_clears_what_nobody_names() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Site::builder().data(folder.path()).admin_key("admin-secret").open();
    let bench = Bench::of(open().await.unwrap()).await;
    let done = finished(&bench, plain(&["subject.label"])).await;
    let cut_off = finished(&bench, plain(&["session.label"])).await;
    let (project, id) = (bench.project.clone(), cut_off.clone());
    let sql = "UPDATE records SET doc = json_set(doc, '$.state', 'processing') WHERE kind = 'view_execution' AND id = ?";
    bench.site.store().write(move |db| Ok(db.execute(sql, [id])?)).await.unwrap();
    drop(bench);
    std::fs::write(folder.path().join("views/half-written"), "[").unwrap();

    let site = open().await.unwrap();
    assert!(!folder.path().join("views/half-written").exists());
    let bench = Bench::again(site, project);
    assert_eq!(ended(&bench, &cut_off).await["state"], "completed");
    for (id, row) in
        [(done, json!({"subject.label": "sub-01"})), (cut_off, json!({"session.label": "ses-01"}))]
    {
        let data = bench.get(&format!("/data_view_executions/{id}/data?file_format=json-flat")).await.ok();
        assert_eq!(data, json!([row]));
    }
}
