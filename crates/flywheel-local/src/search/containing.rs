//! The containers in which a searched text is found, when they are so few that naming them is quicker than asking what
//! lies above each row.

use rusqlite::Connection;

use super::{node::Node, pattern};
use crate::{
    error::ApiResult,
    words::{FEW, Words},
};

/// What is known of each text that a search asks for.
pub(super) struct Containing(Vec<(String, Option<Vec<String>>)>);

impl Containing {
    /// Finds the containers of all texts.
    pub(super) fn new(db: &Connection, node: &Node) -> ApiResult<Self> {
        let mut texts = Vec::new();
        texts_of(node, &mut texts);
        let mut found = Vec::new();
        for text in texts {
            let text = pattern::contained(text);
            let ids = match Words::containing(&text) {
                // A text that is too short to ask for is in no document.
                None => Some(Vec::new()),
                Some(words) if words.are_fewer(db, "container_words", FEW)? => {
                    Some(ids_with(db, &words, &text)?)
                }
                Some(_) => None,
            };
            found.push((text, ids));
        }
        Ok(Self(found))
    }

    /// The containers in which a text is found, and the projects of such groups; none when they are many.
    pub(super) fn ids(&self, text: &str) -> Option<&[String]> {
        self.0.iter().find(|(known, _)| known == text)?.1.as_deref()
    }
}

/// Few rows have their group in an index, all have their project.
fn ids_with(db: &Connection, words: &Words, text: &str) -> ApiResult<Vec<String>> {
    let sql = format!(
        "WITH found (id, kind) AS MATERIALIZED (SELECT p.id, p.kind FROM containers p WHERE p.row IN {}
            AND p.kind <= 6 AND p.deleted IS NULL AND search_text(p.doc, ?))
         SELECT id FROM found UNION SELECT q.id FROM found p JOIN containers q ON q.parent_id = p.id
            WHERE p.kind = 1 AND q.kind = 2 AND q.deleted IS NULL",
        Words::rows_of("container_words")
    );
    let mut statement = db.prepare_cached(&sql)?;
    let ids = statement.query_map((words.asked(), text), |row| row.get(0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

fn texts_of<'a>(node: &'a Node, texts: &mut Vec<&'a str>) {
    match node {
        Node::All(parts) | Node::Any(parts) => parts.iter().for_each(|part| texts_of(part, texts)),
        Node::Not(inner) => texts_of(inner, texts),
        Node::Text(text) => texts.push(text),
        Node::Field(..) => {}
    }
}
