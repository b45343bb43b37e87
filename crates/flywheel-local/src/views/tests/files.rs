//! Files as rows, and the records in them.

use std::io::Write;

use super::*;

/// A file of the bench's acquisition.
async fn put(bench: &Bench, name: &str, bytes: &[u8]) {
    bench.put(name, bytes).await;
}

fn spec(filter: &str) -> Value {
    json!({"container": "acquisition", "filter": {"value": filter}})
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[tokio::test]
async fn attributes_of_every_file_come_by_the_short_form() {
    let bench = Bench::new().await;
    put(&bench, "b.txt", b"12345").await;
    put(&bench, "a.txt", b"1").await;
    let (columns, values) =
        rows(&bench, plain(&["acquisition.file.name", "acquisition.file.size"]), "").await;
    assert_eq!(columns, json!(["acquisition.file.name", "acquisition.file.size"]));
    assert_eq!(values, json!([["b.txt", 5], ["a.txt", 1]]), "in the order in which they came");
}

#[tokio::test]
async fn each_record_of_a_table_makes_a_row_with_all_its_fields() {
    let bench = Bench::new().await;
    put(&bench, "t.csv", b"\xef\xbb\xbfonset,trial type\r\n0.5,\"go, fast\"\r\n1.5\r\n").await;
    let (columns, values) =
        rows(&bench, of_files(&["subject.label", "file.row_number"], spec("*.CSV")), "").await;
    assert_eq!(columns, json!(["subject.label", "file.row_number", "onset", "trial type"]));
    assert_eq!(values, json!([["sub-01", 0, "0.5", "go, fast"], ["sub-01", 1, "1.5", null]]));
}

#[tokio::test]
async fn named_fields_are_renamed_and_converted_and_can_be_filtered() {
    let bench = Bench::new().await;
    put(&bench, "t.tsv", b"rt\tn\n0.5\t1\nn/a\t2\n0.25\t3\n").await;
    let mut wanted = spec("*.tsv");
    wanted["columns"] =
        json!([{"src": "rt", "dst": "ms", "type": "float", "expr": "x * 1000"}, {"src": "n", "type": "int"}]);
    let view = of_files(&[], wanted);
    assert_eq!(rows(&bench, view.clone(), "").await.1, json!([[500.0, 1], [null, 2], [250.0, 3]]));
    let filter = format!("&filter={}&sort=ms", encoded("file_data.n!=2"));
    assert_eq!(rows(&bench, view.clone(), &filter).await.1, json!([[250.0, 3], [500.0, 1]]));
    let mut whole = view;
    whole["missingDataStrategy"] = "drop-row".into();
    assert_eq!(rows(&bench, whole, "").await.1, json!([[500.0, 1], [250.0, 3]]));
}

#[tokio::test]
async fn every_packing_and_format_is_read() {
    let bench = Bench::new().await;
    let list = br#"[{"k": 1, "deep": {"x": [7]}}, {"k": 2}]"#;
    put(&bench, "list.json", list).await;
    put(&bench, "one.json", br#"{"k": 3}"#).await;
    put(&bench, "packed.json.gz", &gz(list)).await;
    put(&bench, "semi.txt", b"k;l\n'a;b';c\n").await;
    let archive =
        zip(&[("notes.txt", b"no"), ("in/one.json", br#"{"k": 4}"#), ("in/two.json", br#"{"k": 5}"#)]);
    put(&bench, "all.zip", &archive).await;
    let keys = async |mut spec: Value| {
        spec["columns"] = json!([{"src": "k"}]);
        rows(&bench, of_files(&[], spec), "").await.1
    };
    assert_eq!(keys(spec("list.json")).await, json!([[1], [2]]));
    assert_eq!(keys(spec("one.json")).await, json!([[3]]));
    assert_eq!(keys(spec("packed.*")).await, json!([[1], [2]]));
    let mut semi = spec("semi.txt");
    semi["format"] = "csv".into();
    semi["formatOptions"] = json!({"delimiter": ";", "quotechar": "'"});
    assert_eq!(keys(semi).await, json!([["a;b"]]));
    let mut members = spec("*.zip");
    members["zipMember"] = json!({"value": "*.json"});
    assert_eq!(keys(members.clone()).await, json!([[4]]));
    members["zipMember"] = json!({"value": "in/.*json", "regex": true, "match": "all"});
    assert_eq!(keys(members).await, json!([[4], [5]]));
    let mut deep = spec("list.json");
    deep["columns"] = json!([{"src": "deep.x.0", "dst": "seven"}]);
    assert_eq!(rows(&bench, of_files(&[], deep), "").await.1, json!([[7], [null]]));
}

#[tokio::test]
async fn rows_without_a_readable_file_come_last_and_say_why() {
    let bench = Bench::new().await;
    put(&bench, "data.json", b"not json").await;
    let second = bench.add("/acquisitions", json!({"label": "empty", "session": bench.session})).await;
    let third = bench.add("/acquisitions", json!({"label": "good", "session": bench.session})).await;
    bench.upload(&format!("/acquisitions/{third}/files"), &[("data.json", br#"{"k": 1}"#)], None).await.ok();
    let mut view = of_files(&["acquisition.label"], spec("data.json"));
    view["errorColumn"] = true.into();
    view["includeIds"] = true.into();
    let (columns, values) = rows(&bench, view.clone(), "").await;
    assert_eq!(
        columns,
        json!([
            "acquisition.label",
            "k",
            "project.id",
            "subject.id",
            "session.id",
            "acquisition.id",
            "errors"
        ])
    );
    let short = |row: &Value| json!([row[0], row[1], row[5]]);
    let found: Vec<Value> = values.as_array().unwrap().iter().map(short).collect();
    assert_eq!(
        json!(found),
        json!([["good", 1, third], ["T1w", null, bench.acquisition], ["empty", null, second]])
    );
    let problem = values[1][6].as_str().unwrap();
    assert!(problem.starts_with("data.json: the file is not JSON"), "{problem}");
    assert_eq!((&values[0][6], &values[2][6]), (&Value::Null, &Value::Null));
    assert_eq!(rows(&bench, view.clone(), "&limit=2").await.1.as_array().unwrap().len(), 2);
    view["missingDataStrategy"] = "drop-row".into();
    assert_eq!(rows(&bench, view, "").await.1.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn broken_archives_and_too_much_json_are_told_apart_from_nothing() {
    let bench = Bench::new().await;
    put(&bench, "1.zip", b"no zip").await;
    put(&bench, "2.csv.gz", b"no gzip").await;
    put(&bench, "3.json", format!("[{}]", " ".repeat(10 << 20)).as_bytes()).await;
    put(&bench, "4.json", b"[1]").await;
    put(&bench, "5.dcm", b"x").await;
    put(&bench, "6.csv", format!("a\n\"{}", "x\n".repeat(9 << 20)).as_bytes()).await;
    put(&bench, "7.csv", b"").await;
    let mut wanted = spec("*");
    wanted["match"] = "all".into();
    let mut view = of_files(&["file.name"], wanted);
    view["errorColumn"] = true.into();
    let (_, values) = rows(&bench, view, "").await;
    let problems: Vec<&str> = values.as_array().unwrap().iter().map(|row| row[1].as_str().unwrap()).collect();
    assert_eq!(problems.len(), 6, "{problems:?}");
    for (problem, words) in problems.iter().zip([
        "1.zip: ",
        "2.csv.gz: ",
        "10 MiB",
        "list of objects",
        "fileSpec.format",
        "16 MiB",
    ]) {
        assert!(problem.contains(words), "{problem}");
    }
}

#[tokio::test]
async fn one_of_several_files_is_chosen_as_asked() {
    let bench = Bench::new().await;
    for name in ["b.txt", "c.txt", "a.txt"] {
        put(&bench, name, name.as_bytes()).await;
        tokio::time::sleep(std::time::Duration::from_millis(3)).await;
    }
    put(&bench, "b.txt", b"again").await;
    let chosen = async |matching: &str| {
        let mut wanted = spec("?.txt");
        wanted["match"] = matching.into();
        wanted["processFiles"] = false.into();
        rows(&bench, of_files(&["file.name"], wanted), "").await.1
    };
    assert_eq!(chosen("first").await, json!([["b.txt"]]));
    assert_eq!(chosen("last").await, json!([["a.txt"]]));
    assert_eq!(chosen("newest").await, json!([["b.txt"]]));
    assert_eq!(chosen("oldest").await, json!([["c.txt"]]));
    assert_eq!(chosen("all").await, json!([["b.txt"], ["c.txt"], ["a.txt"]]));
    let name = format!("/acquisitions/{}/files/b.txt", bench.acquisition);
    delete(&bench, &name).await;
    assert_eq!(chosen("first").await, json!([["c.txt"]]));
}

#[tokio::test]
async fn files_of_analyses_are_read_with_what_is_known_about_the_analysis() {
    let bench = Bench::new().await;
    for label in ["afq 1", "other", "AFQ 2"] {
        let path = format!("/sessions/{}/analyses", bench.session);
        let analysis = bench.add(&path, json!({"label": label})).await;
        let table = format!("v\n{label}\n");
        bench
            .upload(&format!("/analyses/{analysis}/files"), &[("out.csv", table.as_bytes())], None)
            .await
            .ok();
    }
    let spec = |matching: &str| {
        json!({"container": "session", "filter": {"value": "*.csv"}, "match": matching,
            "analysisFilter": {"label": {"value": "afq*"}}})
    };
    let view = |matching: &str| of_files(&["analysis.label", "file.name"], spec(matching));
    let (columns, values) = rows(&bench, view("all"), "").await;
    assert_eq!(columns, json!(["analysis.label", "file.name", "v"]));
    assert_eq!(values, json!([["afq 1", "out.csv", "afq 1"], ["AFQ 2", "out.csv", "AFQ 2"]]));
    assert_eq!(rows(&bench, view("last"), "").await.1[0][0], "AFQ 2");
    let short = rows(&bench, plain(&["session.analysis.file.name", "analysis.label"]), "").await.1;
    assert_eq!(short.as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_long_table_is_grouped_ordered_and_cut() {
    let bench = Bench::new().await;
    let table: String = (0..20_000).fold("k,n\n".to_owned(), |text, n| text + &format!("{},{n}\n", n % 3));
    put(&bench, "long.csv", table.as_bytes()).await;
    let (_, last) = rows(&bench, of_files(&[], spec("long.csv")), "&sort=k:desc&skip=6665&limit=2").await;
    assert_eq!(last, json!([["2", "19997"], ["1", "1"]]));
    let mut grouped = of_files(&[], spec("long.csv"));
    grouped["fileSpec"]["columns"] = json!([{"src": "n", "accumulator": "sum"}]);
    grouped["groupBy"] = json!({"columns": ["file_data.k"]});
    let (columns, sums) = rows(&bench, grouped, "").await;
    assert_eq!(columns, json!(["file_data.k", "n"]));
    let sum = |rest: u64| (0..20_000).filter(|n| n % 3 == rest).sum::<u64>();
    assert_eq!(sums, json!([["0", sum(0)], ["1", sum(1)], ["2", sum(2)]]));
}
