//! Lists found by the index over words, against the meaning of their filters; and the index as documents change.

use flywheel_core::filter::Filter;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::Api;
use crate::{
    error::ApiResult,
    filter_sql::Reach,
    kind::Kind,
    list::{Containers, List},
    matching::Test,
    query::ListQuery,
    seed::Seed,
    store::containers::Container,
};

const FILTERS: [&str; 16] = [
    "info.qc.outcome=PASS",
    "info.qc.outcome=FAIL",
    "info.qc.outcome=PASS,info.qc.rater=jlee",
    "info.qc.snr>90",
    "info.qc.snr>60,info.qc.snr<=61.5",
    "info.qc.snr<0",
    "info.visit=2",
    "info.visit=2,label=~^ses-02$",
    "info.scanner.model=Prisma_fit,info.scanner.field_strength=3",
    "info.scanner=Prisma_fit",
    "tags=review",
    "tags!=review",
    "info.nothing=null",
    "label=~ses-.1",
    "uid=~2.25.1",
    "operator=~(jlee|mgarcia)",
];

fn ids(list: List<'_>, db: &Connection) -> Vec<String> {
    list.run(db, Container::from_row).unwrap().rows.into_iter().map(|row| row.id).collect()
}

#[tokio::test]
async fn the_index_over_words_changes_no_answer_of_a_list() {
    let api = Api::new().await;
    let seed = Seed { projects: 2, subjects: 40, sessions: 3, acquisitions: 0, ..Seed::default() };
    api.site.seed(&seed, |_| ()).await.unwrap();
    let work = |db: &Connection| {
        let project: String =
            db.query_row("SELECT id FROM containers WHERE kind = 2 ORDER BY id LIMIT 1", [], |row| {
                row.get(0)
            })?;
        let source = Containers(Kind::Session);
        let everything = ListQuery::default();
        let all = List::containers(&source, &everything).run(db, Container::from_row)?.rows;
        for text in FILTERS {
            let filter: Filter = text.parse().unwrap();
            let tests: Vec<Test> =
                filter.clauses.iter().map(|clause| Test::new(clause, &clause.field).unwrap()).collect();
            let holds = |row: &&Container| {
                let doc = Value::Object(row.doc.clone());
                row.ancestor(Kind::Project) == Some(&project)
                    && tests.iter().all(|test| test.holds(&doc).unwrap())
            };
            let wanted: Vec<String> = all.iter().filter(holds).map(|row| row.id.clone()).collect();
            let query = ListQuery { filter, ..ListQuery::default() };
            let list = || List::containers(&source, &query).within("c.project_id", &project);
            assert_eq!(ids(list(), db), wanted, "{text}");
            // Also when it is asked about each row of a walk.
            if let Some(condition) = list().question(false)? {
                assert_eq!(condition.reach, Reach::Open);
                assert_eq!(ids(list().and(condition), db), wanted, "{text}");
            }
        }
        Ok(())
    };
    api.site.store().read(work).await.unwrap();
}

#[tokio::test]
async fn few_rows_that_have_words_are_found_by_their_numbers() {
    let api = Api::new().await;
    let work = |db: &Connection| {
        let source = Containers(Kind::Session);
        for (filter, project) in [("info.qc.snr=7", true), ("info.qc.snr=7", false), ("tags=a", true)] {
            let query = ListQuery { filter: filter.parse().unwrap(), ..ListQuery::default() };
            let list = || match project {
                true => List::containers(&source, &query).within("c.project_id", "x"),
                false => List::containers(&source, &query),
            };
            let few = list().question(true)?.unwrap();
            let plan = list().and(few).explain(db)?;
            assert!(plan.starts_with("SEARCH c USING INTEGER PRIMARY KEY (rowid=?)"), "{filter}: {plan}");
        }
        Ok(())
    };
    api.site.store().read(work).await.unwrap();
}

#[tokio::test]
async fn what_is_acknowledged_is_found_by_its_words_and_no_longer_by_the_earlier_ones() {
    let api = Api::new().await;
    api.group("lab").await;
    let project = api.project("lab", "study").await;
    let found = async |filter: &str| api.filtered("/projects", filter).await.column("_id");
    assert!(found("info.code=blue").await.is_empty());
    api.put(&format!("/projects/{project}"), json!({"info": {"code": "blue"}})).await.ok();
    assert_eq!(found("info.code=blue").await, [project.as_str()]);
    api.put(&format!("/projects/{project}"), json!({"info": {"code": "red"}})).await.ok();
    assert!(found("info.code=blue").await.is_empty());
    assert_eq!(found("info.code=red").await, [project.as_str()]);
    api.delete(&format!("/projects/{project}")).await.ok();
    assert!(found("info.code=red").await.is_empty());
    let left: ApiResult<i64> = api
        .site
        .store()
        .read(|db| {
            let sql = "SELECT count(*) FROM container_words WHERE container_words MATCH 't626c75 OR t726564'";
            Ok(db.query_row(sql, [], |row| row.get(0))?)
        })
        .await;
    assert_eq!(left.unwrap(), 0);
}
