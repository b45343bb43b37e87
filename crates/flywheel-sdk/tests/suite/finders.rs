//! Finders on a real site: filters, order, single results, counts, depth.

use flywheel::{ErrorKind, Sort, field};
use futures::{StreamExt, TryStreamExt};
use serde_json::json;

use crate::bench::Bench;

async fn labelled(bench: &Bench, labels: &[&str]) -> flywheel::Project {
    let project = bench.project().await;
    for label in labels {
        project.add_subject(*label).await.unwrap();
    }
    project
}

fn labels(subjects: &[flywheel::Subject]) -> Vec<&str> {
    subjects.iter().map(flywheel::Subject::label).collect()
}

#[tokio::test]
async fn built_filters_find_labels_of_every_sort() {
    let bench = Bench::open().await;
    let odd = [
        "001",
        "1",
        "a,b",
        "say \"hi\"",
        "null",
        "true",
        "2020-01-01",
        "5eb0bf2e0a1b2c3d4e5f6071",
        "Ünï 東",
        "a<=b",
    ];
    let project = labelled(&bench, &odd).await;
    for label in odd {
        let found = project.subjects().filter(field("label").eq(label)).await.unwrap();
        assert_eq!(labels(&found), [label]);
        let others = project.subjects().filter(field("label").ne(label)).count().await.unwrap();
        assert_eq!(others, odd.len() as u64 - 1, "{label}");
    }
    let some =
        project.subjects().filter(field("label").one_of(["001", "a,b", "a<=b", "not there"])).await.unwrap();
    assert_eq!(some.len(), 3);
    assert!(project.subjects().filter(field("label").one_of([""; 0])).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_list_can_begin_at_any_of_its_pages() {
    let bench = Bench::open().await;
    let project = labelled(&bench, &["a", "b", "c", "d", "e", "f", "g"]).await;
    let sorted = || project.subjects().sort("label").page_size(2);
    assert_eq!(labels(&sorted().page(2).limit(2).await.unwrap()), ["c", "d"]);
    assert_eq!(labels(&sorted().page(2).limit(3).await.unwrap()), ["c", "d", "e"]);
    assert_eq!(labels(&sorted().page(3).await.unwrap()), ["e", "f", "g"]);
    assert_eq!(labels(&project.subjects().page_size(3).page(3).await.unwrap()), ["g"]);
    assert_eq!(sorted().page(9).await.unwrap().len(), 0);
    assert_eq!(sorted().page(3).find_first().await.unwrap().unwrap().label(), "e");
    assert_eq!(sorted().page(3).count().await.unwrap(), 7);
    assert!(bench.fw.gears().page(2).find().await.unwrap_err().is_invalid());
}

#[tokio::test]
async fn written_filters_take_the_platforms_grammar() {
    let bench = Bench::open().await;
    let project = labelled(&bench, &["sub-01", "sub-02", "sub-02_SBRef", "phantom"]).await;
    let count = async |filter: &str| project.subjects().filter(filter).count().await.unwrap();
    assert_eq!(count("label=~^sub-").await, 3);
    assert_eq!(count("label=~^((?!SBRef).)*$").await, 3);
    assert_eq!(count("label=~^sub-,label!=sub-01").await, 2);
    assert_eq!(count("label=sub-01").await, 1);
    assert_eq!(count("created>2020-01-01").await, 4);
    assert_eq!(count("created<2020-01-01").await, 0);
    assert_eq!(project.subjects().filter("label=~^sub-").filter("label=~SBRef").count().await.unwrap(), 1);
    let id = project.id();
    assert_eq!(
        bench.fw.subjects().filter(format!("parents.project={id},label=phantom")).count().await.unwrap(),
        1
    );
    assert_eq!(bench.fw.subjects().filter(field("project").eq(id)).count().await.unwrap(), 4);
}

#[tokio::test]
async fn sorted_list_comes_in_order_over_several_pages() {
    let bench = Bench::open().await;
    let project = labelled(&bench, &["b", "d", "a", "c", "e"]).await;
    let sorted = project.subjects().sort(Sort::desc("label")).page_size(2).await.unwrap();
    assert_eq!(labels(&sorted), ["e", "d", "c", "b", "a"]);
    let first = project.subjects().sort("label:asc").limit(3).page_size(2).await.unwrap();
    assert_eq!(labels(&first), ["a", "b", "c"]);
}

#[tokio::test]
async fn find_one_tells_none_from_several() {
    let bench = Bench::open().await;
    let project = labelled(&bench, &["a", "b"]).await;
    assert_eq!(project.subjects().filter("label=a").find_one().await.unwrap().label(), "a");
    let none = project.subjects().filter("label=x").find_one().await.unwrap_err();
    assert!(none.is_not_found() && none.message().contains("label=x"), "{none}");
    let several = project.subjects().find_one().await.unwrap_err();
    assert_eq!(several.kind(), ErrorKind::NotUnique);
    assert!(several.hint().unwrap().contains("find_first()"));
    assert!(project.subjects().filter("label=x").find_first().await.unwrap().is_none());
    assert!(project.subjects().find_first().await.unwrap().is_some());
}

#[tokio::test]
async fn items_come_one_by_one_and_can_be_gone_on_with() {
    let bench = Bench::open().await;
    let names: Vec<String> = (0..7).map(|n| format!("s{n}")).collect();
    let project = labelled(&bench, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut items = project.subjects().page_size(3).iter();
    assert!(items.cursor().is_none());
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(items.try_next().await.unwrap().unwrap().label().to_owned());
    }
    let cursor = items.cursor().unwrap();
    let text = serde_json::to_string(&cursor).unwrap();
    drop(items);
    let rest = project.subjects().after(serde_json::from_str(&text).unwrap()).await.unwrap();
    seen.extend(rest.iter().map(|subject| subject.label().to_owned()));
    assert_eq!(seen, names);
    let sorted = project.subjects().sort("label").after(cursor).await.unwrap_err();
    assert!(sorted.is_invalid());
}

#[tokio::test]
async fn pages_say_the_total_and_where_they_end() {
    let bench = Bench::open().await;
    let project = labelled(&bench, &["a", "b", "c", "d", "e"]).await;
    let pages: Vec<_> = project.subjects().page_size(2).pages().try_collect().await.unwrap();
    assert_eq!(pages.iter().map(|page| page.items.len()).collect::<Vec<_>>(), [2, 2, 1]);
    assert_eq!(pages[0].total, Some(5));
    assert!(pages[0].next.is_some() && pages[2].next.is_none());
    let limited: Vec<_> = project.subjects().page_size(2).limit(3).iter().collect().await;
    assert_eq!(limited.len(), 3);
    assert!(project.subjects().limit(0).await.unwrap().is_empty());
}

#[tokio::test]
async fn with_info_and_full_bring_what_lists_leave_out() {
    let bench = Bench::open().await;
    let mut study = bench.study().await;
    study.subject.update().firstname("Ada").await.unwrap();
    study.subject.info().merge(json!({"a": 1})).await.unwrap();
    study.subject.add_analysis("fit").await.unwrap();
    let row = study.project.subjects().find_one().await.unwrap();
    assert!(row.info_at::<i64>("/a").is_err() && row.firstname.is_none());
    let informed = study.project.subjects().with_info().find_one().await.unwrap();
    assert_eq!(informed.info_at::<i64>("/a").unwrap(), Some(1));
    let full = study.project.subjects().full().find_one().await.unwrap();
    assert_eq!(full.firstname.as_deref(), Some("Ada"));
    assert_eq!(full.analyses.as_ref().map(Vec::len), Some(1));
    assert_eq!(full.info_at::<i64>("/a").unwrap(), Some(1));
    // The projects' sessions route takes the parameter, that of projects of a group does not have to.
    study.project.info().merge(json!({"b": 2})).await.unwrap();
    let projects = study.group.projects().with_info().await.unwrap();
    assert_eq!(projects[0].info_at::<i64>("/b").unwrap(), Some(2));
}

#[tokio::test]
async fn full_rows_keep_the_order_of_the_list() {
    let bench = Bench::open().await;
    let names: Vec<String> = (0..20).map(|n| format!("s{n:02}")).collect();
    let project = labelled(&bench, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let full = project.subjects().page_size(6).full().await.unwrap();
    assert_eq!(labels(&full), names.iter().map(String::as_str).collect::<Vec<_>>());
}

#[tokio::test]
async fn get_opt_tells_absence_from_failure() {
    let bench = Bench::open().await;
    let project = bench.project().await;
    assert!(bench.fw.projects().get_opt("5eb0bf2e0a1b2c3d4e5f6071").await.unwrap().is_none());
    assert!(bench.fw.projects().get_opt(project.id()).await.unwrap().is_some());
    let stranger = bench.user("jo@example.org", false).await;
    assert!(stranger.projects().get_opt(project.id()).await.unwrap_err().is_permission_denied());
}

#[tokio::test]
async fn exhaustive_shows_what_the_caller_has_no_role_in() {
    let bench = Bench::open().await;
    bench.project().await;
    let other = bench.user("admin2@example.org", true).await;
    assert_eq!(other.projects().count().await.unwrap(), 0);
    assert_eq!(other.projects().exhaustive(true).count().await.unwrap(), 1);
    assert_eq!(other.projects().exhaustive(true).await.unwrap().len(), 1);
}

#[tokio::test]
async fn every_kind_served_so_far_has_its_finder() {
    let bench = Bench::open().await;
    let fw = &bench.fw;
    bench.study().await;
    assert_eq!(fw.users().find_one().await.unwrap().id(), flywheel_local::ADMIN);
    assert_eq!(fw.groups().count().await.unwrap(), 1);
    assert_eq!(fw.projects().await.unwrap().len(), 1);
    assert_eq!(fw.subjects().await.unwrap().len(), 1);
    assert_eq!(fw.sessions().await.unwrap().len(), 1);
    assert_eq!(fw.acquisitions().await.unwrap().len(), 1);
    assert!(fw.analyses().await.unwrap().is_empty());
    assert!(fw.collections().await.unwrap().is_empty());
    assert!(fw.files().await.unwrap().is_empty());
    assert!(fw.roles().await.unwrap().len() > 1);
}
