//! The exact bytes of each format.

use super::*;

/// Two subjects whose free metadata have quotation marks, lists and gaps.
async fn bench() -> Bench {
    let bench = Bench::new().await;
    let change =
        json!({"set": {"note": "say \"hi\", twice", "scores": {"a": 1, "b": [1.0, "x"]}, "ok": true}});
    bench.post(&format!("/subjects/{}/info", bench.subject), change).await.ok();
    let second = json!({"label": "s\t2", "project": bench.project, "info": {"scores": {"b": null, "c": 3}}});
    bench.add("/subjects", second).await;
    bench
}

fn view() -> Value {
    plain(&["subject.label", "subject.info.note", "subject.info.scores", "subject.info.ok"])
}

async fn written(format: &str) -> String {
    data(&bench().await, view(), &format!("&format={format}")).await
}

#[tokio::test]
async fn json_is_a_list_of_objects_below_data() {
    assert_eq!(
        written("json").await,
        "{\"data\":[\
         {\"subject.label\":\"sub-01\",\"subject.info.note\":\"say \\\"hi\\\", twice\",\
         \"subject.info.scores\":{\"a\":1,\"b\":[1.0,\"x\"]},\"subject.info.ok\":true},\
         {\"subject.label\":\"s\\t2\",\"subject.info.note\":null,\"subject.info.scores\":{\"b\":null,\"c\":3},\
         \"subject.info.ok\":null}]}"
    );
}

#[tokio::test]
async fn flat_json_is_the_list_alone_and_the_default_is_json() {
    let bench = bench().await;
    let default = data(&bench, view(), "").await;
    let flat = data(&bench, view(), "&format=json-flat").await;
    assert_eq!(format!("{{\"data\":{flat}}}"), default);
}

#[tokio::test]
async fn rows_and_columns_are_lists() {
    assert_eq!(
        written("json-row-column").await,
        "{\"data\":{\"columns\":[\"subject.label\",\"subject.info.note\",\"subject.info.scores\",\"subject.info.ok\"],\
         \"rows\":[[\"sub-01\",\"say \\\"hi\\\", twice\",{\"a\":1,\"b\":[1.0,\"x\"]},true],\
         [\"s\\t2\",null,{\"b\":null,\"c\":3},null]]}}"
    );
}

#[tokio::test]
async fn ndjson_is_an_object_a_line() {
    let text = written("ndjson").await;
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), text.ends_with("}\n")), (2, true));
    assert_eq!(lines[1]["subject.label"], "s\t2");
}

#[tokio::test]
async fn csv_quotes_what_it_must_and_takes_objects_apart_by_the_first() {
    assert_eq!(
        written("csv").await,
        "subject.label,subject.info.note,subject.info.scores.a,subject.info.scores.b,subject.info.ok\r\n\
         sub-01,\"say \"\"hi\"\", twice\",1,\"[1.0, 'x']\",True\r\n\
         s\t2,,,,\r\n"
    );
}

#[tokio::test]
async fn tsv_is_the_same_with_tabs() {
    assert_eq!(
        written("tsv").await,
        "subject.label\tsubject.info.note\tsubject.info.scores.a\tsubject.info.scores.b\tsubject.info.ok\r\n\
         sub-01\t\"say \"\"hi\"\", twice\"\t1\t[1.0, 'x']\tTrue\r\n\
         \"s\t2\"\t\t\t\t\r\n"
    );
}

#[tokio::test]
async fn without_rows_there_is_next_to_nothing() {
    let bench = Bench::new().await;
    for (format, nothing) in [
        ("json", "{\"data\":[]}"),
        ("json-flat", "[]"),
        ("json-row-column", "{\"data\":{\"columns\":[],\"rows\":[]}}"),
        ("ndjson", ""),
        ("csv", ""),
        ("tsv", ""),
    ] {
        let query = format!("&format={format}&filter=subject.label%3Dnobody");
        assert_eq!(data(&bench, plain(&["subject.label"]), &query).await, nothing, "{format}");
    }
}

#[tokio::test]
async fn a_download_says_what_it_is_and_how_it_is_called() {
    let bench = Bench::new().await;
    for (format, media_type, name) in [
        ("json", "application/json; charset=utf-8", "view-data.json"),
        ("json-flat", "application/json; charset=utf-8", "view-data.json"),
        ("csv", "text/csv; charset=utf-8", "view-data.csv"),
        ("tsv", "text/tab-separated-values; charset=utf-8", "view-data.tsv"),
    ] {
        let path = format!("/views/data?containerId={}&format={format}", bench.project);
        let answer = bench.post(&path, plain(&["subject.label"])).await;
        assert_eq!(answer.headers["content-type"], media_type);
        assert_eq!(answer.headers["content-disposition"], format!("attachment; filename=\"{name}\""));
    }
    let path = format!("/views/data?containerId={}&format=csv&filename=ages.csv", bench.project);
    let answer = bench.post(&path, plain(&["subject.label"])).await;
    assert_eq!(answer.headers["content-disposition"], "attachment; filename=\"ages.csv\"");
    let path = format!("/views/data?containerId={}&format=xml", bench.project);
    assert!(bench.post(&path, plain(&["subject.label"])).await.refused(422).contains("json-flat"));
}
