//! The group that a scanner's operator meant: its id, or what comes close to an id or a label.

use rusqlite::Connection;

use crate::{
    error::ApiResult,
    kind::Kind,
    store::containers::{self, Container},
};

/// How alike two names have to be for one to be taken for the other.
const CLOSE: f64 = 0.8;

/// The group with this id, in any case, or the one whose id or label is closest to it, if one is close.
///
/// # Errors
/// When the database fails.
pub(super) fn find(db: &Connection, written: &str) -> ApiResult<Option<Container>> {
    let wanted = written.to_lowercase();
    if wanted.is_empty() {
        return Ok(None);
    }
    if let Some(group) = containers::find(db, &wanted)?.filter(|found| found.kind == Kind::Group) {
        return Ok(Some(group));
    }
    let sql = "SELECT id, kind, doc FROM containers WHERE kind = 1 AND deleted IS NULL ORDER BY id";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut best: Option<(f64, Container)> = None;
    while let Some(row) = rows.next()? {
        let group = Container::from_row(row)?;
        let score = likeness(&group.id, &wanted).max(likeness(&group.label().to_lowercase(), &wanted));
        if score >= CLOSE && best.as_ref().is_none_or(|(known, _)| score > *known) {
            best = Some((score, group));
        }
    }
    Ok(best.map(|(_, group)| group))
}

/// Twice the characters that two texts share in order, block by longest block, over all they have: 1 for equal ones.
fn likeness(a: &str, b: &str) -> f64 {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let total = a.len() + b.len();
    if total == 0 { 1.0 } else { 2.0 * shared(&a, &b) as f64 / total as f64 }
}

fn shared(a: &[char], b: &[char]) -> usize {
    let (start_a, start_b, length) = longest_block(a, b);
    if length == 0 {
        return 0;
    }
    let before = shared(a.get(..start_a).unwrap_or_default(), b.get(..start_b).unwrap_or_default());
    let behind =
        shared(a.get(start_a + length..).unwrap_or_default(), b.get(start_b + length..).unwrap_or_default());
    before + length + behind
}

/// The longest run that both have, the earliest one when several are as long.
fn longest_block(a: &[char], b: &[char]) -> (usize, usize, usize) {
    let (mut best, mut above) = ((0, 0, 0), vec![0; b.len() + 1]);
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![0; b.len() + 1];
        for (j, y) in b.iter().enumerate() {
            let run = if x == y { above.get(j).copied().unwrap_or(0) + 1 } else { 0 };
            if let Some(cell) = row.get_mut(j + 1) {
                *cell = run;
            }
            if run > best.2 {
                best = (i + 1 - run, j + 1 - run, run);
            }
        }
        above = row;
    }
    best
}

#[cfg(test)]
mod tests {
    use super::likeness;

    #[test]
    fn likeness_counts_what_two_names_share_in_order() {
        for (a, b, expected) in [
            ("abcd", "bcde", 0.75),
            ("lab", "lab", 1.0),
            ("", "", 1.0),
            ("lab", "", 0.0),
            ("neuro-lab", "neurolab", 16.0 / 17.0),
            ("scitran", "sictran", 12.0 / 14.0),
            ("abc", "cba", 2.0 / 6.0),
        ] {
            assert!((likeness(a, b) - expected).abs() < 1e-9, "{a} {b}: {}", likeness(a, b));
        }
    }
}
