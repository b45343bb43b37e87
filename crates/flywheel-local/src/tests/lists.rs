//! Filters, orders and pages over real rows.

use serde_json::json;

use super::{Api, Person};

/// A project with sessions `s0`..`s9` of subject `sub-1` and differing fields.
async fn ten_sessions(api: &Api) -> (String, Vec<String>) {
    let [_, project, subject, session, _] = api.tree().await;
    api.delete(&format!("/sessions/{session}")).await.ok();
    let mut ids = Vec::new();
    for n in 0..10 {
        let body = json!({
            "label": format!("s{n}"), "project": project, "subject": subject, "age": n * 100,
            "timestamp": format!("2020-01-{:02}T12:00:00Z", n + 1),
            "info": {"n": n, "deep": {"my-gear": {"4d": if n % 2 == 0 { json!("even") } else { json!(["odd", n]) }}}},
        });
        let id = api.post("/sessions", body).await.id();
        let tags = if n < 3 { json!(["early", format!("t{n}")]) } else { json!([]) };
        api.patch(&format!("/sessions/{id}/tags"), tags).await;
        ids.push(id);
    }
    (project, ids)
}

#[tokio::test]
async fn sessions_of_a_user_are_told_to_the_user_and_to_administrators() {
    let api = Api::new().await;
    let [_, project, _, session, _] = api.tree().await;
    let (ann, bob) = (api.user("ann@x.org", false).await, api.user("bob@x.org", false).await);
    let role = api.role("ro").await;
    let path = "/sessions?user_id=ann@x.org";
    assert_eq!(api.get(path).await.ok(), json!([]));
    let entry = json!({"_id": "ann@x.org", "role_ids": [role]});
    api.post(&format!("/projects/{project}/permissions"), entry).await.ok();
    assert_eq!(api.get(path).await.column("_id"), [session.as_str()]);
    assert_eq!(api.get_as(&ann, path).await.column("_id"), [session.as_str()]);
    api.get_as(&bob, path).await.error(403);
}

#[tokio::test]
async fn every_operator_selects_what_it_says() {
    let api = Api::new().await;
    let (project, ids) = ten_sessions(&api).await;
    let first = &ids[0];
    let project_filter = format!("project={project}");
    let parents_filter = format!("parents.project={project},parents.group=lab,label=s1");
    let id_filter = format!("_id={first}");
    let other_id = format!("_id!={first},age<200");
    let cases: Vec<(&str, &[usize])> = vec![
        ("label=s3", &[3]),
        ("label!=s3,label!=s4", &[0, 1, 2, 5, 6, 7, 8, 9]),
        ("label>s7", &[8, 9]),
        ("label=~^s[12]$", &[1, 2]),
        ("label=~(1|4)", &[1, 4]),
        ("label=~^((?!s[3-9]).)*$", &[0, 1, 2]),
        ("age>=800", &[8, 9]),
        ("age>100,age<=300", &[2, 3]),
        ("age=400", &[4]),
        (r#"age="400""#, &[]),
        ("timestamp>=2020-01-09", &[8, 9]),
        ("timestamp=2020-01-02T12:00:00Z", &[1]),
        ("timestamp<2020-01-02T13:00:00+01:00", &[0]),
        ("created>2020-01-01,label=s5", &[5]),
        ("created<2020-01-01", &[]),
        ("info.n=7", &[7]),
        ("info.n!=7,info.n>5", &[6, 8, 9]),
        ("info.deep.my-gear.4d=even,age<300", &[0, 2]),
        ("info.deep.my-gear.4d=odd,age<400", &[1, 3]),
        ("info.deep.my-gear.4d=9", &[9]),
        ("info.deep=~.", &[]),
        ("info.missing=null,label=s0", &[0]),
        ("info.missing!=null", &[]),
        ("uid=null,label=s0", &[0]),
        ("uid!=x,label=s0", &[0]),
        ("tags=early", &[0, 1, 2]),
        ("tags!=early,age<500", &[3, 4]),
        ("tags=~^t[12]$", &[1, 2]),
        ("subject.label=sub-1,label=s1", &[1]),
        ("subject.code=nobody", &[]),
        ("project.label=study,label=s1", &[1]),
        ("project.label!=study", &[]),
        ("group.label=lab,label=s1", &[1]),
        ("group=lab,label=s2", &[2]),
        ("permissions._id=admin@flywheel.local,label=s2", &[2]),
        ("info_exists=true,label=s2", &[2]),
        ("no.such.field=1", &[]),
        (r#""label"=s3"#, &[]),
        (r#"info."deep".my-gear.4d=even"#, &[]),
        (r#"label="""#, &[]),
        (r#"label!="",label=s2"#, &[2]),
        ("files.name=x", &[]),
        ("files.name!=x,label=s2", &[2]),
        (&project_filter, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (&parents_filter, &[1]),
        (&id_filter, &[0]),
        (&other_id, &[1]),
    ];
    for (filter, wanted) in cases {
        let wanted: Vec<&str> = wanted.iter().map(|&n| ids[n].as_str()).collect();
        for path in ["/sessions".to_owned(), format!("/projects/{project}/sessions")] {
            assert_eq!(api.filtered(&path, filter).await.column("_id"), wanted, "{filter}");
        }
    }
}

#[tokio::test]
async fn an_empty_text_finds_nothing_and_files_are_not_found_by_id() {
    let api = Api::new().await;
    let [_, _, _, session, acquisition] = api.tree().await;
    api.patch(&format!("/sessions/{session}/info"), json!({"set": {"empty": "", "full": "x"}})).await.ok();
    assert_eq!(api.filtered("/sessions", r#"info.empty="""#).await.ok(), json!([]));
    assert_eq!(api.filtered("/sessions", "info.empty!=null").await.column("_id"), [session]);
    let file =
        api.file(api.root(), &format!("/acquisitions/{acquisition}"), "a.txt", "x").await.ok()[0].clone();
    for field in ["_id", "id", "file_id"] {
        for value in [&file["_id"], &file["file_id"]] {
            let value = value.as_str().unwrap();
            for filter in [format!("{field}={value}"), format!("{field}=\"{value}\"")] {
                assert_eq!(api.filtered("/files", &filter).await.ok()["total"], 0, "{filter}");
            }
        }
    }
    let pages = api.get("/files?sort=file_id:desc").await.ok();
    assert_eq!(pages["results"][0]["file_id"], file["file_id"]);
}

#[tokio::test]
async fn filters_reach_files_analyses_and_collections() {
    let api = Api::new().await;
    let [_, _, _, session, acquisition] = api.tree().await;
    let path = format!("/acquisitions/{acquisition}");
    api.file(api.root(), &path, "a.nii.gz", "x").await.ok();
    api.file(api.root(), &path, "b.dcm.zip", "y").await.ok();
    api.post(&format!("{path}/analyses"), json!({"label": "seg"})).await.ok();
    let collection = api.post("/collections", json!({"label": "c"})).await.id();
    let contents = json!({"contents": {"operation": "add", "nodes": [{"level": "session", "_id": session}]}});
    api.put(&format!("/collections/{collection}"), contents).await.ok();
    let member = format!("collections={collection}");
    let other = format!("collections!={collection}");
    for (filter, found) in [
        ("files.name=a.nii.gz", true),
        ("files.type=nifti", true),
        ("files.type=pdf", false),
        ("files.name!=a.nii.gz", false),
        ("files.name=~^b", true),
        ("analyses.label=seg", true),
        ("analyses.label=other", false),
        ("session.label=ses-1", true),
        (&member, true),
        (&other, false),
    ] {
        assert_eq!(
            api.filtered("/acquisitions", filter).await.ok().as_array().unwrap().len() == 1,
            found,
            "{filter}"
        );
    }
}

#[tokio::test]
async fn a_filter_or_pattern_that_cannot_be_read_is_told() {
    let api = Api::new().await;
    api.tree().await;
    for (filter, status) in
        [("label", 422), ("label=~(", 400), ("label=~^(a|aa)+$(", 400), ("label=~a,b", 400)]
    {
        let message = api.filtered("/sessions", filter).await.error(status);
        assert!(message.contains(filter.trim_start_matches("label=~")), "{message}");
    }
    let [_, project, subject, ..] = api.tree_in("lab2").await;
    api.session(&project, &subject, &"a".repeat(60)).await;
    let message = api.filtered("/sessions", "label=~^(a|aa)+(?=b)c$").await.error(400);
    assert!(message.contains("(a|aa)+"), "{message}");
}

#[tokio::test]
async fn orders_sort_by_several_keys_and_nested_paths() {
    let api = Api::new().await;
    let (project, ids) = ten_sessions(&api).await;
    let path = format!("/projects/{project}/sessions");
    let labels = api.get(&format!("{path}?sort=label:desc&limit=3")).await.column("label");
    assert_eq!(labels, ["s9", "s8", "s7"]);
    let labels = api.get(&format!("{path}?sort=info.n:-1&limit=2")).await.column("label");
    assert_eq!(labels, ["s9", "s8"]);
    let labels = api.get(&format!("{path}?sort=tags,label:desc&limit=8")).await.column("label");
    assert_eq!(labels, ["s9", "s8", "s7", "s6", "s5", "s4", "s3", "s2"]);
    let labels = api.get(&format!("{path}?sort=subject.label,timestamp:DESC&limit=1")).await.column("label");
    assert_eq!(labels, ["s9"]);
    assert_eq!(api.get(&path).await.column("_id"), ids);
}

#[tokio::test]
async fn pages_walk_over_everything_once() {
    let api = Api::new().await;
    let (project, ids) = ten_sessions(&api).await;
    let path = format!("/projects/{project}/sessions");
    let mut seen = api.get(&format!("{path}?limit=4")).await.column("_id");
    loop {
        let last = seen.last().unwrap();
        let next = api.get(&format!("{path}?limit=4&after_id={last}")).await.column("_id");
        if next.is_empty() {
            break;
        }
        seen.extend(next);
    }
    assert_eq!(seen, ids);
    let mut pages = Vec::new();
    for page in 1..=4 {
        pages.extend(api.get(&format!("{path}?limit=3&page={page}&sort=label")).await.column("_id"));
    }
    assert_eq!(pages, ids);
    assert_eq!(api.get(&format!("{path}?skip=8")).await.column("_id"), ids[8..]);
    assert_eq!(api.get(&format!("{path}?after_id=&limit=2")).await.column("_id"), ids[..2]);
}

#[tokio::test]
async fn a_caller_that_asks_for_pages_gets_counts() {
    let api = Api::new().await;
    let (project, _) = ten_sessions(&api).await;
    for feature in ["pagination", "Safe-Redirect, PAGINATION,pagination"] {
        let request =
            http::Request::get(format!("/api/projects/{project}/sessions?limit=4&filter=age%3E200"))
                .header("authorization", "scitran-user root")
                .header("x-accept-feature", feature)
                .body(axum::body::Body::empty())
                .unwrap();
        let page = api.send(request).await.ok();
        assert_eq!((&page["count"], &page["total"]), (&json!(4), &json!(7)));
        assert_eq!(page["results"].as_array().unwrap().len(), 4);
    }
}

#[tokio::test]
async fn paging_parameters_are_checked() {
    let api = Api::new().await;
    for query in [
        "limit=x",
        "limit=-1",
        "page=1",
        "page=1&limit=1&skip=1",
        "after_id=a&sort=label",
        "limit=1&limit=2",
        "sort=a:b",
    ] {
        api.get(&format!("/sessions?{query}")).await.error(422);
    }
}

#[tokio::test]
async fn lists_show_what_the_caller_has_a_role_in_unless_exhaustive() {
    let api = Api::new().await;
    let [_, project, ..] = api.tree().await;
    let [_, other, ..] = api.tree_in("lab2").await;
    let user = api.user("u@x.org", false).await;
    let admin = api.user("a@x.org", true).await;
    let role = api.role("ro").await;
    api.post(&format!("/projects/{project}/permissions"), json!({"_id": "u@x.org", "role_ids": [role]}))
        .await
        .ok();
    for kind in ["groups", "projects", "subjects", "sessions", "acquisitions"] {
        let all = format!("/{kind}");
        assert_eq!(api.get_as(&user, &all).await.ok().as_array().unwrap().len(), 1, "{kind}");
        assert_eq!(api.get_as(&admin, &all).await.ok().as_array().unwrap().len(), 0, "{kind}");
        assert_eq!(
            api.get_as(&admin, &format!("{all}?exhaustive=true")).await.ok().as_array().unwrap().len(),
            2,
            "{kind}"
        );
        assert_eq!(api.get_as(&Person::Device, &all).await.ok().as_array().unwrap().len(), 2, "{kind}");
        api.get_as(&user, &format!("{all}?exhaustive=true")).await.error(403);
    }
    assert_eq!(api.get_as(&admin, &format!("/projects/{other}")).await.ok()["label"], "study");
    assert_eq!(api.get_as(&user, "/groups/lab/projects").await.column("_id"), [project.as_str()]);
    api.get_as(&user, "/groups/lab2/projects").await.error(403);
}

#[tokio::test]
async fn projects_of_a_group_are_listed_by_their_own_permissions() {
    let api = Api::new().await;
    let [group, project, ..] = api.tree().await;
    api.project(&group, "hidden").await;
    let user = api.user("u@x.org", false).await;
    api.post("/groups/lab/permissions", json!({"_id": "u@x.org", "access": "ro"})).await.ok();
    assert_eq!(api.get_as(&user, "/groups/lab/projects").await.ok(), json!([]));
    let role = api.role("ro").await;
    api.post(&format!("/projects/{project}/permissions"), json!({"_id": "u@x.org", "role_ids": [role]}))
        .await
        .ok();
    assert_eq!(api.get_as(&user, "/groups/lab/projects").await.column("_id"), [project.as_str()]);
    assert_eq!(api.get("/groups/lab/projects?exhaustive=true").await.ok().as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn names_are_put_to_notes_and_counts_to_projects_when_asked() {
    let api = Api::new().await;
    let [_, project, _, session, _] = api.tree().await;
    api.post(&format!("/sessions/{session}/notes"), json!({"text": "hello"})).await.ok();
    let rows = api.get("/sessions?join_avatars=true").await.ok();
    assert_eq!(rows[0]["notes"][0]["firstname"], "Site");
    let rows = api.get("/projects?stats=true").await.ok();
    assert_eq!(rows[0]["_id"], project.as_str());
    assert_eq!(rows[0]["stats"]["number_of"]["sessions"], 1);
}

#[tokio::test]
async fn a_list_without_a_limit_is_whole_however_long_it_is() {
    let api = Api::new().await;
    let seed = crate::Seed { subjects: 1201, sessions: 0, ..crate::Seed::default() };
    api.site.seed(&seed, |_| ()).await.unwrap();
    let project = api.get("/projects").await.column("_id").remove(0);
    for path in ["/subjects".to_owned(), format!("/projects/{project}/subjects")] {
        let ids = api.get(&path).await.column("_id");
        assert_eq!(ids.len(), 1201);
        assert!(ids.is_sorted_by(|one, next| one < next), "{path}");
        let same = api.get(&format!("{path}?limit=5000")).await.column("_id");
        assert_eq!(ids, same, "{path}");
        let filtered = api.filtered(&path, "sex=male").await.column("sex");
        assert!((400..800).contains(&filtered.len()), "{path}");
        let some = api.get(&format!("{path}?limit=1100&skip=50")).await.column("_id");
        assert_eq!(some, ids[50..1150], "{path}");
        let rest = api.get(&format!("{path}?after_id={}", ids[9])).await.column("_id");
        assert_eq!(rest, ids[10..], "{path}");
    }
    api.get("/subjects?filter=label%3D~(").await.error(400);
}

#[tokio::test]
async fn a_list_in_an_order_of_the_callers_is_whole_and_in_that_order_however_long_it_is() {
    let api = Api::new().await;
    let seed = crate::Seed { subjects: 1301, sessions: 0, ..crate::Seed::default() };
    api.site.seed(&seed, |_| ()).await.unwrap();
    let project = api.get("/projects").await.column("_id").remove(0);
    let mut ids = api.get("/subjects").await.column("_id");
    ids.reverse();
    for path in ["/subjects".to_owned(), format!("/projects/{project}/subjects")] {
        let get = async |query: &str| api.get(&format!("{path}?{query}")).await.column("_id");
        assert_eq!(get("sort=created:desc").await, ids, "{path}");
        assert_eq!(get("sort=label:desc&limit=1100&skip=120").await, ids[120..1220], "{path}");
        assert_eq!(get("sort=label:desc&skip=1290").await, ids[1290..], "{path}");
        assert_eq!(get("sort=label&skip=1400").await, Vec::<String>::new(), "{path}");
        let shown = api.get(&format!("{path}?sort=info.moca,label&include_all_info=true")).await;
        let rows = shown.ok();
        let keys = rows
            .as_array()
            .unwrap()
            .iter()
            .map(|row| (row["info"]["moca"].as_i64(), row["label"].to_string()));
        let keys: Vec<_> = keys.collect();
        assert_eq!(keys.len(), 1301);
        assert!(keys.is_sorted(), "{path}");
        let few =
            api.get(&format!("{path}?sort=label:desc&filter=info.moca%3C15&include_all_info=true")).await;
        let few = few.ok();
        let few = few.as_array().unwrap();
        assert!(few.len() > 50 && few.iter().all(|row| row["info"]["moca"].as_i64().unwrap() < 15), "{path}");
    }
}
