//! How lists are walked, seen from a server that counts, stalls, misbehaves.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::{Query, State},
    http::HeaderMap,
    routing::get,
};
use flywheel::{Client, ErrorKind};
use futures::{StreamExt, TryStreamExt};
use serde_json::{Value, json};
use tokio::sync::Notify;

/// What a request asked for, and whether it accepts a page with a total.
#[derive(Clone, Debug, PartialEq)]
struct Asked {
    after: Option<String>,
    page: Option<usize>,
    limit: Option<usize>,
    counted: bool,
}

type Answer = dyn Fn(&Asked) -> Value + Send + Sync;

#[derive(Clone)]
struct Played {
    asked: Arc<Mutex<Vec<Asked>>>,
    came: Arc<Notify>,
    answer: Arc<Answer>,
}

impl Played {
    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// A server whose lists answer what the test says.
async fn serve(answer: impl Fn(&Asked) -> Value + Send + Sync + 'static) -> (Client, Played) {
    let played = Played { asked: Arc::default(), came: Arc::default(), answer: Arc::new(answer) };
    let list = |State(played): State<Played>,
                Query(query): Query<HashMap<String, String>>,
                headers: HeaderMap| async move {
        let number = |name: &str| query.get(name).map(|text| text.parse().unwrap());
        let features = headers.get_all("x-accept-feature").iter().filter_map(|value| value.to_str().ok());
        let counted = features.into_iter().any(|value| value.contains("pagination"));
        let asked = Asked {
            after: query.get("after_id").cloned(),
            page: number("page"),
            limit: number("limit"),
            counted,
        };
        played.asked.lock().unwrap().push(asked.clone());
        played.came.notify_one();
        Json((played.answer)(&asked))
    };
    let routes = ["/sessions", "/gears", "/files", "/projects/{id}/sessions"];
    let api = routes.iter().fold(Router::new(), |router, route| router.route(route, get(list)));
    let api = api.route("/projects/{id}", get(async || Json(row(1))));
    let app = Router::new().nest("/api", api).with_state(played.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    (Client::new(format!("{address}:__force_insecure:key")).unwrap(), played)
}

/// A project of that server.
async fn project(fw: &Client) -> flywheel::Project {
    fw.projects().get("5eb0bf2e0a1b2c3d4e5f6071").await.unwrap()
}

fn row(n: usize) -> Value {
    json!({"_id": format!("{n:024x}"), "label": format!("s{n}")})
}

/// The rows of a well-behaved list of `total`, bare.
fn rows(asked: &Asked, total: usize) -> Vec<Value> {
    let after = asked.after.as_ref().map_or(0, |id| usize::from_str_radix(id, 16).unwrap());
    let skip = asked.page.map_or(0, |page| (page - 1) * asked.limit.unwrap());
    (after + skip + 1..=total).take(asked.limit.unwrap_or(usize::MAX)).map(row).collect()
}

fn bare(total: usize) -> impl Fn(&Asked) -> Value {
    move |asked| Value::Array(rows(asked, total))
}

fn counting(total: usize) -> impl Fn(&Asked) -> Value {
    move |asked| {
        let rows = rows(asked, total);
        if asked.counted {
            json!({"count": rows.len(), "total": total, "results": rows})
        } else {
            Value::Array(rows)
        }
    }
}

#[tokio::test]
async fn list_without_totals_ends_with_an_empty_page() {
    let (fw, played) = serve(bare(5)).await;
    assert_eq!(fw.sessions().page_size(2).await.unwrap().len(), 5);
    let after: Vec<_> = played.asked().into_iter().map(|asked| asked.after).collect();
    let id = |n: usize| Some(format!("{n:024x}"));
    assert_eq!(after, [None, id(2), id(4), id(5)]);
}

#[tokio::test]
async fn total_saves_the_call_for_the_empty_page() {
    let (fw, played) = serve(counting(5)).await;
    assert_eq!(project(&fw).await.sessions().await.unwrap().len(), 5);
    assert_eq!(played.asked().len(), 1);
}

#[tokio::test]
async fn total_is_asked_for_once_in_a_walk() {
    let (fw, played) = serve(counting(5)).await;
    assert_eq!(project(&fw).await.sessions().page_size(2).await.unwrap().len(), 5);
    assert_eq!(played.asked().iter().map(|asked| asked.counted).collect::<Vec<_>>(), [true, false, false]);
}

#[tokio::test]
async fn total_that_is_too_small_loses_no_rows_of_full_pages() {
    let wrong = |asked: &Asked| {
        let rows = rows(asked, 6);
        if asked.counted {
            json!({"count": rows.len(), "total": 1, "results": rows})
        } else {
            Value::Array(rows)
        }
    };
    let (fw, _) = serve(wrong).await;
    assert_eq!(project(&fw).await.sessions().page_size(2).await.unwrap().len(), 6);
}

#[tokio::test]
async fn whole_sites_and_short_wishes_are_not_counted() {
    let (fw, played) = serve(counting(5)).await;
    assert_eq!(fw.sessions().await.unwrap().len(), 5);
    assert_eq!(project(&fw).await.sessions().limit(2).await.unwrap().len(), 2);
    assert!(played.asked().iter().all(|asked| !asked.counted));
    assert_eq!(fw.sessions().count().await.unwrap(), 5);
}

#[tokio::test]
async fn short_page_in_the_middle_ends_nothing() {
    let capped = |asked: &Asked| Value::Array(rows(asked, 7).into_iter().take(3).collect());
    let (fw, _) = serve(capped).await;
    assert_eq!(fw.sessions().page_size(250).await.unwrap().len(), 7);
}

#[tokio::test]
async fn sorted_list_is_walked_by_number_from_one() {
    let (fw, played) = serve(bare(3)).await;
    assert_eq!(fw.sessions().sort("label").page_size(2).await.unwrap().len(), 3);
    let asked: Vec<_> = played.asked().into_iter().map(|asked| (asked.page, asked.after)).collect();
    assert_eq!(asked, [(Some(1), None), (Some(2), None), (Some(3), None)]);
}

#[tokio::test]
async fn limit_asks_for_no_more_than_it_needs() {
    let (fw, played) = serve(bare(100)).await;
    assert_eq!(fw.sessions().limit(3).await.unwrap().len(), 3);
    assert_eq!(fw.sessions().page_size(2).limit(3).await.unwrap().len(), 3);
    assert_eq!(fw.sessions().sort("label").page_size(2).limit(3).await.unwrap().len(), 3);
    let limits: Vec<_> = played.asked().into_iter().map(|asked| asked.limit.unwrap()).collect();
    assert_eq!(limits, [3, 2, 1, 2, 2]);
}

#[tokio::test]
async fn single_results_take_one_call() {
    let (fw, played) = serve(bare(100)).await;
    assert!(fw.sessions().find_first().await.unwrap().is_some());
    assert_eq!(fw.sessions().find_one().await.unwrap_err().kind(), ErrorKind::NotUnique);
    let asked: Vec<_> = played.asked().into_iter().map(|asked| (asked.limit, asked.counted)).collect();
    assert_eq!(asked, [(Some(1), false), (Some(2), false)]);
}

#[tokio::test]
async fn count_takes_one_call_where_the_site_counts_and_a_walk_where_not() {
    let (fw, played) = serve(counting(1_000)).await;
    assert_eq!(fw.sessions().count().await.unwrap(), 1_000);
    assert_eq!(played.asked().len(), 1);
    let (fw, _) = serve(bare(1_000)).await;
    assert_eq!(fw.sessions().count().await.unwrap(), 1_000);
}

#[tokio::test]
async fn same_page_again_is_an_error_and_no_endless_loop() {
    let (fw, _) = serve(|_: &Asked| json!([row(1), row(2)])).await;
    let error = fw.sessions().page_size(2).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server);
    assert!(error.message().contains("never end"), "{error}");
    let sorted = fw.sessions().sort("label").page_size(2).await.unwrap_err();
    assert_eq!(sorted.kind(), ErrorKind::Server);
}

#[tokio::test]
async fn rows_that_were_yielded_stay_when_the_walk_fails_later() {
    let circle = |asked: &Asked| match &asked.after {
        None => json!([row(1), row(2)]),
        Some(_) => json!([row(2), row(1)]),
    };
    let (fw, _) = serve(circle).await;
    let outcomes: Vec<_> = fw.sessions().page_size(2).iter().collect().await;
    assert_eq!(outcomes.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, true, false]);
}

#[tokio::test]
async fn gears_are_fetched_in_one_plain_call() {
    let (fw, played) = serve(|_: &Asked| json!([row(1), row(2), row(3)])).await;
    assert_eq!(fw.gears().page_size(2).await.unwrap().len(), 3);
    assert_eq!(fw.gears().limit(2).await.unwrap().len(), 2);
    let plain = Asked { after: None, page: None, limit: None, counted: false };
    assert_eq!(played.asked(), [plain.clone(), plain]);
}

#[tokio::test]
async fn files_are_walked_by_file_id() {
    let file =
        |n: usize| json!({"_id": format!("uuid-{}", 9 - n), "file_id": format!("{n:024x}"), "name": "x"});
    let list = move |asked: &Asked| {
        let after = asked.after.as_ref().map_or(0, |id| usize::from_str_radix(id, 16).unwrap());
        let results: Vec<_> = (after + 1..=3).take(2).map(file).collect();
        json!({"count": results.len(), "total": 3, "results": results})
    };
    let (fw, _) = serve(list).await;
    let files = fw.files().page_size(2).await.unwrap();
    assert_eq!(
        files.iter().map(|file| file.id().to_owned()).collect::<Vec<_>>(),
        (1..=3).map(|n| format!("{n:024x}")).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn odd_rows_do_not_fail_the_list_and_are_reported() {
    let list = |asked: &Asked| match &asked.after {
        None => json!([row(1), "no document", {"_id": format!("{:024x}", 3), "label": 7, "new_field": [1]}]),
        Some(_) => json!([]),
    };
    let (fw, _) = serve(list).await;
    let pages: Vec<_> = fw.sessions().page_size(3).pages().try_collect().await.unwrap();
    assert_eq!(pages.len(), 1);
    let page = &pages[0];
    assert_eq!((page.items.len(), page.odd.len()), (2, 1));
    assert_eq!(page.odd[0].value(), &json!("no document"));
    assert_eq!(page.items[1].extra.get("new_field"), Some(&json!([1])));
}

#[tokio::test]
async fn next_page_is_under_way_while_this_one_is_worked_on() {
    let (fw, played) = serve(bare(10)).await;
    let mut items = fw.sessions().page_size(2).iter();
    assert!(played.asked().is_empty(), "nothing is sent before the first item is wanted");
    items.next().await.unwrap().unwrap();
    played.came.notified().await;
    while played.asked().len() < 2 {
        played.came.notified().await;
    }
    assert_eq!(played.asked()[1].after, Some(format!("{:024x}", 2)));
}
