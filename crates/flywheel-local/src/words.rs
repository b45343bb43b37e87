//! The words of documents: what an index over all of them holds, and what to ask it.
//!
//! Two full-text tables of SQLite, `container_words` and `file_words`, hold for each living document a set of words made
//! here; triggers write them in the transaction of the document (`store/words.sql`). A word is no word of a language but stands
//! for a value at a path, for three letters in a row, or for the project. What the index answers is a superset of what is
//! sought: values are hashed and letters may stand anywhere, so the rows are tested again.
//!
//! | word | stands for |
//! |---|---|
//! | `s…` | a text at a path |
//! | `b…` | a truth value at a path |
//! | `n…` | a number at a path; its digits sort as the numbers do, so that a range is a few prefixes |
//! | `t…` | three letters in a row in any text, and the last two of each text |
//! | `p…` | the project |

use rusqlite::Connection;
use serde_json::Value;

use crate::{
    error::ApiResult,
    matching::{is_date, ordered},
    store::Doc,
};

/// The number that files have in place of that of a kind of container.
pub(crate) const FILE: u8 = 0;

/// As many rows are gathered by an index at most before a walk in the order of the result is thought to be quicker.
pub(crate) const FEW: i64 = 20_000;

/// So few rows are gathered in any case.
const FEWEST: i64 = 200;

/// How many rows of a table are few for a result of so many: gathering them costs no more than a walk to those wanted, when
/// they lie evenly. Of a result without an end everything is read anyway.
///
/// # Errors
/// When the database fails.
pub(crate) fn few(db: &Connection, table: &str, wanted: Option<i64>) -> ApiResult<i64> {
    let Some(wanted) = wanted else { return Ok(FEW) };
    let sql = format!("SELECT coalesce(max(row), 0) FROM {table}");
    let rows: i64 = db.prepare_cached(&sql)?.query_row([], |row| row.get(0))?;
    Ok(wanted.max(1).saturating_mul(rows).isqrt().clamp(FEWEST, FEW))
}

/// Keys at the top of a document that no path leads through: ids, times and what the server keeps for itself.
const UNPATHED: [&str; 17] = [
    "_id",
    "file_id",
    "parents",
    "parent_ref",
    "permissions",
    "permissions_template",
    "hash",
    "client_hash",
    "created",
    "modified",
    "deleted",
    "replaced",
    "revision",
    "version",
    "size",
    "provider_id",
    "info_exists",
];

/// Keys whose texts are not read for free text, wherever they stand.
pub(crate) const UNREAD: [&str; 9] =
    ["_id", "file_id", "parents", "parent_ref", "permissions", "hash", "created", "modified", "client_hash"];

/// How many words one text is asked for; the rest is left to the test of the rows.
const ASKED: usize = 24;

/// How many digits a prefix of a range has at most: 24 bits tell numbers apart that differ by a four-thousandth.
const DIGITS: u32 = 6;

/// The words of a document, apart by spaces; none when it is deleted or replaced. `kind` is that of a container, or [`FILE`].
pub(crate) fn of_document(kind: u8, doc: &Doc) -> String {
    let gone = |key: &str| doc.get(key).is_some_and(|value| !value.is_null());
    if gone("deleted") || gone("replaced") {
        return String::new();
    }
    let mut words = Vec::new();
    for (key, value) in doc {
        if !UNPATHED.contains(&key.as_str()) {
            gather_values(value, step(u64::from(kind), key), &mut words);
        }
        if !UNREAD.contains(&key.as_str()) {
            gather_letters(value, &mut words);
        }
    }
    let own = doc.get("_id").filter(|_| kind == 2);
    let above = || doc.get("parents").and_then(|parents| parents.get("project"));
    if let Some(project) = own.or_else(above).and_then(Value::as_str) {
        words.push(project_word(project));
    }
    words.sort_unstable();
    words.dedup();
    words.join(" ")
}

fn gather_values(value: &Value, path: u64, words: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::Bool(truth) => words.push(truth_word(path, *truth)),
        Value::Number(number) => words.extend(number.as_f64().map(|number| number_word(path, number))),
        Value::String(text) => words.push(text_word(path, text)),
        Value::Array(items) => items.iter().for_each(|item| gather_values(item, path, words)),
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| gather_values(value, step(path, key), words));
        }
    }
}

fn gather_letters(value: &Value, words: &mut Vec<String>) {
    match value {
        Value::String(text) => letters(&text.to_lowercase(), |letters| words.push(letter_word(letters))),
        Value::Array(items) => items.iter().for_each(|item| gather_letters(item, words)),
        Value::Object(map) => {
            let read = map.iter().filter(|(key, _)| !UNREAD.contains(&key.as_str()));
            read.for_each(|(_, value)| gather_letters(value, words));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Calls `found` with every three letters in a row, and with the last two.
fn letters(text: &str, mut found: impl FnMut(&str)) {
    let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    for window in starts.windows(4) {
        if let (Some(&from), Some(&to)) = (window.first(), window.last()) {
            found(&text[from..to]);
        }
    }
    if let Some(&from) = starts.len().checked_sub(3).and_then(|at| starts.get(at)) {
        found(&text[from..]);
    }
}

/// One step of FNV-1a over a key, or a value, and what ends it.
fn step(hash: u64, text: &str) -> u64 {
    let seed = hash ^ 0xcbf2_9ce4_8422_2325;
    text.bytes()
        .chain([0])
        .fold(seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

fn text_word(path: u64, text: &str) -> String {
    format!("s{:016x}", step(path, text))
}

fn truth_word(path: u64, truth: bool) -> String {
    format!("b{path:016x}{}", u8::from(truth))
}

fn number_word(path: u64, number: f64) -> String {
    format!("{}{:016x}", number_prefix(path), u64::from_be_bytes(ordered(number)))
}

fn number_prefix(path: u64) -> String {
    format!("n{:012x}", path >> 16)
}

fn letter_word(letters: &str) -> String {
    format!("t{}", hex::encode(letters))
}

fn project_word(id: &str) -> String {
    format!("p{}", hex::encode(id))
}

/// A question to the index, in the language of its tables.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Words {
    asked: String,
    reach: Reach,
}

/// What a question costs and yields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    /// Everything in a project: only worth asking together with another one.
    Wide,
    /// A list of rows that is there.
    Ready,
    /// Lists of rows that must be put together first.
    Gathered,
}

impl Words {
    fn new(asked: String, reach: Reach) -> Self {
        Self { asked, reach }
    }

    /// As the right side of `MATCH`.
    pub(crate) fn asked(&self) -> &str {
        &self.asked
    }

    /// Whether the answer has to be put together before its first row is known.
    pub(crate) fn is_gathered(&self) -> bool {
        self.reach == Reach::Gathered
    }

    /// The rows of a table of words that answer it: an expression for `IN`, with one `?` for [`Self::asked`].
    pub(crate) fn rows_of(table: &str) -> String {
        format!("(SELECT rowid FROM {table} WHERE {table} MATCH ?)")
    }

    /// Whether fewer than `limit` documents answer it.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn are_fewer(&self, db: &Connection, table: &str, limit: i64) -> ApiResult<bool> {
        let sql =
            format!("SELECT count(*) < ?2 FROM (SELECT 1 FROM {table} WHERE {table} MATCH ?1 LIMIT ?2)");
        Ok(db.prepare_cached(&sql)?.query_row((self.asked(), limit), |row| row.get(0))?)
    }

    /// All of these; none when they tell no more than the project.
    pub(crate) fn all(parts: impl IntoIterator<Item = Self>) -> Option<Self> {
        let parts: Vec<Self> = parts.into_iter().collect();
        let reach = parts.iter().map(|part| part.reach).max().filter(|&reach| reach > Reach::Wide)?;
        Some(Self::new(joined(&parts, " AND "), reach))
    }

    /// Any of these; none without any.
    pub(crate) fn any(parts: impl IntoIterator<Item = Self>) -> Option<Self> {
        let parts: Vec<Self> = parts.into_iter().collect();
        let reach = parts.iter().map(|part| part.reach).max()?;
        Some(Self::new(joined(&parts, " OR "), reach))
    }

    /// Documents in a project, or the project itself.
    pub(crate) fn in_project(id: &str) -> Self {
        Self::new(project_word(id), Reach::Wide)
    }

    /// Documents with this text at a dotted path. None when paths like it are not in the index.
    pub(crate) fn text(kind: u8, path: &str, text: &str) -> Option<Self> {
        Some(Self::new(text_word(hashed(kind, path)?, text), Reach::Ready))
    }

    /// Documents with this truth value at a dotted path.
    pub(crate) fn truth(kind: u8, path: &str, truth: bool) -> Option<Self> {
        Some(Self::new(truth_word(hashed(kind, path)?, truth), Reach::Ready))
    }

    /// Documents with this number at a dotted path.
    pub(crate) fn number(kind: u8, path: &str, number: f64) -> Option<Self> {
        Some(Self::new(number_word(hashed(kind, path)?, number), Reach::Ready))
    }

    /// Documents with a number at a dotted path that lies within bounds, ends included.
    pub(crate) fn between(kind: u8, path: &str, low: Option<f64>, high: Option<f64>) -> Option<Self> {
        let prefix = number_prefix(hashed(kind, path)?);
        let sortable = |number: f64| u64::from_be_bytes(ordered(number));
        let (low, high) = (low.map_or(0, sortable), high.map_or(u64::MAX, sortable));
        let mut covered = Vec::new();
        cover(low, high, 0, 0, &mut covered);
        let words = covered.iter().map(|digits| Self::new(format!("{prefix}{digits}*"), Reach::Gathered));
        // Nothing lies between bounds in the wrong order; a word that none has says so.
        Self::any(words).or_else(|| Some(Self::new("none".to_owned(), Reach::Ready)))
    }

    /// Documents with this text, in small letters, anywhere in their texts. None when it is too short to ask for.
    pub(crate) fn containing(text: &str) -> Option<Self> {
        let mut asked = Vec::new();
        letters(text, |letters| asked.push(letters.to_owned()));
        if let [two] = asked.as_slice() {
            return Some(Self::new(format!("{}*", letter_word(two)), Reach::Gathered));
        }
        // The last two letters are within the last three.
        asked.pop();
        asked.sort_unstable();
        asked.dedup();
        Self::all(asked.iter().take(ASKED).map(|three| Self::new(letter_word(three), Reach::Ready)))
    }

    /// Documents with all the plain text that a regular expression asks for. None when that cannot be told.
    pub(crate) fn matching(pattern: &str) -> Option<Self> {
        let runs = plain_runs(pattern)?;
        Self::all(
            runs.iter().filter(|run| run.len() > 2).filter_map(|run| Self::containing(&run.to_lowercase())),
        )
    }
}

fn joined(parts: &[Words], between: &str) -> String {
    match parts {
        [one] => one.asked.clone(),
        parts => {
            let asked: Vec<&str> = parts.iter().map(|part| part.asked.as_str()).collect();
            format!("({})", asked.join(between))
        }
    }
}

/// The hash of a path, none for those that the index does not hold. A number in a path may be an index of a list, which
/// the words do not tell.
fn hashed(kind: u8, path: &str) -> Option<u64> {
    let mut keys = path.split('.');
    let first = keys.next().filter(|key| !UNPATHED.contains(key) && !key.is_empty())?;
    if is_date(path) || path.split('.').any(|key| key.parse::<usize>().is_ok()) {
        return None;
    }
    Some(keys.fold(step(u64::from(kind), first), step))
}

/// The digits with which the numbers from `low` to `high` begin: the fewest, but of [`DIGITS`] at most.
fn cover(low: u64, high: u64, begun: u64, digits: u32, covered: &mut Vec<String>) {
    let rest = 64 - 4 * digits;
    let (first, last) = match digits {
        0 => (0, u64::MAX),
        _ => (begun << rest, (begun << rest) | ((1 << rest) - 1)),
    };
    if last < low || first > high {
        return;
    }
    if digits == DIGITS || (digits > 0 && first >= low && last <= high) {
        covered.push(format!("{begun:0width$x}", width = digits as usize));
        return;
    }
    (0..16).for_each(|digit| cover(low, high, (begun << 4) | digit, digits + 1, covered));
}

/// The runs of plain ASCII text that stand in every match of a regular expression; none when it has anything but plain
/// characters, `.` and its repetitions, anchors at the ends and escaped punctuation.
fn plain_runs(pattern: &str) -> Option<Vec<String>> {
    let pattern = pattern.strip_prefix('^').unwrap_or(pattern);
    let mut runs = vec![String::new()];
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        let literal = match c {
            '$' if rest.peek().is_none() => break,
            '.' => None,
            '\\' => Some(rest.next().filter(|c| c.is_ascii_punctuation())?),
            c if c.is_ascii_alphanumeric() || " _-:/,=@#~%&\"'<>!;".contains(c) => Some(c),
            _ => return None,
        };
        let repeated = rest.next_if(|c| "*+?".contains(*c)).is_some();
        if rest.peek().is_some_and(|c| "*+?{".contains(*c)) {
            return None;
        }
        match literal {
            Some(literal) if !repeated => runs.last_mut()?.push(literal),
            _ => runs.push(String::new()),
        }
    }
    Some(runs)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn words(kind: u8, doc: &Value) -> Vec<String> {
        of_document(kind, doc.as_object().unwrap()).split(' ').map(str::to_owned).collect()
    }

    /// Whether a document has what is asked for; questions here are single words, prefixes, or several of one sort.
    fn has(doc: &Value, asked: &Words) -> bool {
        let words = words(4, doc);
        let one = |asked: &str| match asked.strip_suffix('*') {
            Some(prefix) => words.iter().any(|word| word.starts_with(prefix)),
            None => words.iter().any(|word| word == asked),
        };
        let asked = asked.asked().trim_matches(['(', ')']);
        if asked.contains(" AND ") { asked.split(" AND ").all(one) } else { asked.split(" OR ").any(one) }
    }

    #[test]
    fn values_are_found_at_their_paths_through_lists_and_nowhere_else() {
        let doc =
            json!({"info": {"qc": [{"snr": 7, "ok": true}], "a.b": "x"}, "tags": ["one", "two"], "size": 3});
        assert!(has(&doc, &Words::number(4, "info.qc.snr", 7.0).unwrap()));
        assert!(has(&doc, &Words::truth(4, "info.qc.ok", true).unwrap()));
        assert!(has(&doc, &Words::text(4, "tags", "two").unwrap()));
        assert!(!has(&doc, &Words::text(4, "info.a.b", "x").unwrap()));
        assert!(!has(&doc, &Words::number(5, "info.qc.snr", 7.0).unwrap()));
        assert!(!has(&doc, &Words::text(4, "info.qc.snr", "7").unwrap()));
        for unknown in ["size", "parents.project", "created", "notes.0.user", "", "info.0"] {
            assert_eq!(Words::number(4, unknown, 3.0), None, "{unknown}");
        }
    }

    #[test]
    fn what_is_few_grows_with_the_root_of_the_table_and_of_the_result() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch("CREATE TABLE t (row INTEGER PRIMARY KEY)").unwrap();
        assert_eq!(few(&db, "t", Some(100)).unwrap(), FEWEST);
        db.execute("INSERT INTO t VALUES (1000000)", []).unwrap();
        assert_eq!(few(&db, "t", Some(100)).unwrap(), 10_000);
        assert_eq!(few(&db, "t", Some(1)).unwrap(), 1_000);
        assert_eq!(few(&db, "t", Some(i64::MAX)).unwrap(), FEW);
        assert_eq!(few(&db, "t", None).unwrap(), FEW);
    }

    #[test]
    fn what_is_deleted_or_replaced_has_no_words() {
        assert_eq!(of_document(4, json!({"label": "abc", "deleted": "2024"}).as_object().unwrap()), "");
        assert_eq!(of_document(0, json!({"name": "abc", "replaced": "2024"}).as_object().unwrap()), "");
        assert_ne!(of_document(0, json!({"name": "abc", "replaced": null}).as_object().unwrap()), "");
    }

    #[test]
    fn the_project_alone_is_nothing_to_ask_for() {
        assert_eq!(Words::all([Words::in_project("x")]), None);
        let both = Words::all([Words::in_project("x"), Words::text(4, "tags", "a").unwrap()]).unwrap();
        assert!(both.asked().contains(" AND ") && !both.is_gathered());
    }

    #[test]
    fn expressions_of_plain_text_tell_what_must_be_there() {
        let runs = |pattern: &str| plain_runs(pattern).map(|runs| runs.join("|"));
        assert_eq!(runs("^sub-01$"), Some("sub-01".into()));
        assert_eq!(runs("abc.*def"), Some("abc|def".into()));
        assert_eq!(runs("abcd?ef"), Some("abc|ef".into()));
        assert_eq!(runs(r"T1w\.nii"), Some("T1w.nii".into()));
        for unclear in ["a|b", "(?i)abc", "[ab]cd", r"\d+", "ab{0}c", "a++", "a^b", "a$b"] {
            assert_eq!(runs(unclear), None, "{unclear}");
        }
    }

    proptest! {
        #[test]
        fn a_text_has_the_words_of_every_piece_of_it(text in "\\PC{2,20}", from in 0..18_usize, long in 2..20_usize) {
            let small = text.to_lowercase();
            let piece: String = small.chars().skip(from).take(long).collect();
            prop_assume!(piece.chars().count() > 1);
            let doc = json!({"info": {"x": [text]}});
            let found = has(&doc, &Words::containing(&piece).unwrap());
            prop_assert!(found, "{piece:?}");
        }

        #[test]
        fn a_range_has_every_number_within_it(numbers in [any::<f64>(), any::<f64>(), any::<f64>()]) {
            prop_assume!(numbers.iter().all(|number| number.is_finite()));
            let mut sorted = numbers;
            sorted.sort_by(f64::total_cmp);
            let [low, within, high] = sorted;
            let doc = json!({"info": {"x": within}});
            for (low, high) in [(Some(low), Some(high)), (None, Some(high)), (Some(low), None), (Some(within), Some(within))] {
                prop_assert!(has(&doc, &Words::between(4, "info.x", low, high).unwrap()));
            }
            let far = json!({"info": {"x": high.abs() * 2.0 + 1.0}});
            prop_assert!(!has(&far, &Words::between(4, "info.x", Some(low), Some(high)).unwrap()));
        }
    }
}
