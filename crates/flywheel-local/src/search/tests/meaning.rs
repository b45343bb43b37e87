//! The SQL of a condition against a plain reading of it: every document with everything above it, one after the other.

use std::collections::{BTreeSet, HashMap};

use proptest::prelude::*;
use rusqlite::Connection;
use serde_json::Value;

use super::Study;
use crate::{
    search::{
        check::{Check, Spec, text_contains},
        level::Level,
        node::{Bound, Node, Test, Wanted, split},
        pattern,
        run::{Search, Sight},
    },
    store::parse_doc,
    words::FEW,
};

/// A document and those above it, by level, with their ids.
type Document = HashMap<Level, (String, Value)>;

fn documents(db: &Connection) -> Vec<Document> {
    let mut rows: Vec<(Level, String, Value)> = Vec::new();
    for level in Level::ALL {
        let sql =
            format!("SELECT d.{}, d.doc FROM {} d WHERE {}", level.id(), level.table(), level.rows("d"));
        let mut statement = db.prepare(&sql).unwrap();
        let found = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?))).unwrap();
        rows.extend(
            found.map(|row| row.map(|(id, doc)| (level, id, parse_doc(&doc).unwrap().into())).unwrap()),
        );
    }
    let with_all_above = |(level, id, doc): &(Level, String, Value)| {
        let mut document = Document::from([(*level, (id.clone(), doc.clone()))]);
        for (above, id, doc) in rows.iter().filter(|(above, ..)| above < level) {
            let parent = &document[level].1["parents"][above.name()];
            if parent == id.as_str() {
                document.insert(*above, (id.clone(), doc.clone()));
            }
        }
        document
    };
    rows.iter().filter(|(level, ..)| *level != Level::Group).map(with_all_above).collect()
}

fn holds(node: &Node, document: &Document) -> bool {
    match node {
        Node::All(parts) => parts.iter().all(|part| holds(part, document)),
        Node::Any(parts) => parts.iter().any(|part| holds(part, document)),
        Node::Not(inner) => !holds(inner, document),
        Node::Text(text) => document.values().any(|(_, doc)| text_contains(doc, &pattern::contained(text))),
        Node::Field(name, test) => {
            let (head, path) = split(name);
            let Some((_, doc)) = Level::parse(head).and_then(|level| document.get(&level)) else {
                return false;
            };
            let path = if path == "code" { "label" } else { path };
            Check::new(Spec::new(path, test)).unwrap().holds(doc.get(split(path).0)).unwrap()
        }
    }
}

fn plainly(documents: &[Document], returned: Level, node: &Node) -> BTreeSet<String> {
    let asked = |document: &&Document| returned != Level::File || document.contains_key(&Level::File);
    let found = documents.iter().filter(asked).filter(|document| holds(node, document));
    found.filter_map(|document| document.get(&returned)).map(|(id, _)| id.clone()).collect()
}

fn any_node() -> impl Strategy<Value = Node> {
    let field = prop::sample::select(vec![
        "group._id",
        "project.label",
        "project._id",
        "subject.label",
        "subject.code",
        "subject.sex",
        "session.label",
        "session.age",
        "session.timestamp",
        "session.info.score",
        "session.info.site",
        "acquisition.label",
        "acquisition.created",
        "analysis.label",
        "file.name",
        "file.type",
        "file.modality",
        "file.size",
        "file.classification.Measurement",
        "file.info.snr",
        "file.info.echoes",
        "file.created",
        "nothing.x",
        "file",
    ]);
    let text = prop::sample::select(vec![
        "lab",
        "study",
        "pilot",
        "sub-1",
        "sub-2",
        "ses-1",
        "T1w",
        "t1",
        "T1",
        "bold_SBRef",
        "QC",
        "dicom",
        "nifti",
        "12",
        "7",
        "001",
        "100",
        "800000000",
        "2020-05-05T10:00:00Z",
        "2030-01-01",
        "female",
        "MR",
        "true",
        "",
    ]);
    let wanted =
        (text.clone(), any::<bool>()).prop_map(|(text, word)| Wanted { text: text.to_owned(), word });
    let bound = prop::sample::select(vec![Bound::Lt, Bound::Lte, Bound::Gt, Bound::Gte]);
    let test = prop_oneof![
        4 => prop::collection::vec(wanted.clone(), 1..3).prop_map(Test::OneOf),
        2 => prop::collection::vec((bound, wanted), 1..3).prop_map(Test::Range),
        1 => prop::sample::select(vec!["T.*", ".*1", "dicom|nifti", "[0-9]+"])
            .prop_map(|source| Test::Matches(pattern::of_regex(source).unwrap())),
        1 => prop::sample::select(vec!["sub-%", "%1", "T_w", "*", "t1.*"]).prop_map(|like| Test::Like(like.to_owned())),
        1 => text.clone().prop_map(|text| Test::Contains(text.to_owned())),
        1 => Just(Test::Exists),
    ];
    let leaf = prop_oneof![
        12 => (field, test).prop_map(|(field, test)| Node::Field(field.to_owned(), test)),
        1 => text.prop_map(|text| Node::Text(text.to_owned())),
    ];
    leaf.prop_recursive(4, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Node::All),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Node::Any),
            inner.prop_map(|node| Node::Not(Box::new(node))),
        ]
    })
}

#[test]
fn sql_finds_what_a_plain_reading_finds() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let study = runtime.block_on(Study::new());
    let compare = |db: &Connection| {
        let documents = documents(db);
        let levels: Vec<Level> = Level::ALL.into_iter().filter(|level| *level != Level::Group).collect();
        let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
            cases: 400,
            ..ProptestConfig::default()
        });
        let searched = |node: &Node, returned, (few, sort, thorough)| {
            let search = Search { returned, node, sort, limit: Some(1_000), few };
            search.ids(db, &Sight::All, thorough).unwrap()
        };
        let agrees = |node: &Node| {
            for &returned in &levels {
                let expected = plainly(&documents, returned, node);
                // By whatever finder there is, by none, asking the index over words, and in an order of its own.
                let ordered = Some(("project.label", true));
                for way in [
                    (FEW, None, false),
                    (0, None, false),
                    (FEW, None, true),
                    (0, None, true),
                    (FEW, ordered, false),
                ] {
                    let (few, sort, _) = way;
                    let found = searched(node, returned, way);
                    prop_assert_eq!(found.len(), found.iter().collect::<BTreeSet<_>>().len());
                    if sort.is_none() {
                        prop_assert!(found.is_sorted());
                    }
                    let found: BTreeSet<_> = found.into_iter().collect();
                    prop_assert_eq!(&found, &expected, "{:?} {:?} {}", returned, way, few);
                }
            }
            Ok(())
        };
        let number_spelled = Node::Field("session.age".to_owned(), Test::Contains("100".to_owned()));
        agrees(&number_spelled).unwrap();
        runner.run(&any_node(), |node| agrees(&node)).unwrap_or_else(|failure| panic!("{failure}"));
        Ok(())
    };
    runtime.block_on(study.api.site.store().read(compare)).unwrap();
}
