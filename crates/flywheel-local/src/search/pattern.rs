//! The patterns of the query language as those of the site: `LIKE`, and regular expressions of the search index, which
//! match a whole value and know neither anchors nor look-around.

use flywheel_core::filter::escape_pattern;

/// A regular expression of the search index as one of ours.
///
/// `@` is any text there, `"…"` is literal, `^` and `$` are plain characters. Its operators `~`, `&` and `<1-9>` have no
/// counterpart here.
///
/// # Errors
/// What is wrong with it.
pub(super) fn of_regex(source: &str) -> Result<String, String> {
    let mut out = String::from("(?s)\\A(?:");
    let mut rest = source.chars().peekable();
    let mut in_class = false;
    while let Some(c) = rest.next() {
        match c {
            '\\' => match rest.next() {
                Some(class @ ('d' | 'D' | 'w' | 'W' | 's' | 'S')) => out.extend(['\\', class]),
                Some(literal) => out.push_str(&escape_pattern(&literal.to_string())),
                None => return Err(format!("The regular expression {source:?} ends in a backslash")),
            },
            '[' if in_class => out.push_str("\\["),
            '[' | ']' => {
                in_class = c == '[';
                out.push(c);
                if in_class && rest.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
            }
            '&' | '~' if in_class => out.extend(['\\', c]),
            _ if in_class => out.push(c),
            '"' => {
                let literal: String = rest.by_ref().take_while(|&c| c != '"').collect();
                out.push_str(&format!("(?:{})", escape_pattern(&literal)));
            }
            '@' => out.push_str(".*"),
            '^' | '$' => out.extend(['\\', c]),
            '~' | '&' | '<' => {
                return Err(format!(
                    "The local site does not know the operator {c} in the regular expression {source:?}: write \\{c} for the character"
                ));
            }
            '(' if rest.peek() == Some(&'?') => {
                return Err(format!(
                    "The regular expression {source:?} is wrong: (? is not known to the search"
                ));
            }
            _ => out.push(c),
        }
    }
    out.push_str(")\\z");
    let whole = crate::matching::Pattern::new(&out);
    whole.map(|_| out).map_err(|_| format!("{source:?} is not a regular expression of the search"))
}

/// A `LIKE` pattern as a regular expression.
pub(super) fn of_like(like: &str) -> String {
    wild(like, "%*", "_?")
}

/// A pattern in which the characters of `any` stand for any run and those of `one` for a single character.
pub(super) fn wild(text: &str, any: &str, one: &str) -> String {
    let mut out = String::from("(?s)\\A");
    for c in text.chars() {
        match c {
            _ if any.contains(c) => out.push_str(".*"),
            _ if one.contains(c) => out.push('.'),
            _ => out.push_str(&escape_pattern(&c.to_string())),
        }
    }
    out.push_str("\\z");
    out
}

/// A `LIKE` pattern as SQLite's GLOB writes it.
pub(super) fn glob_of_like(like: &str) -> String {
    let mut out = String::new();
    for c in like.chars() {
        match c {
            '%' | '*' => out.push('*'),
            '_' | '?' => out.push('?'),
            '[' => out.push_str("[[]"),
            other => out.push(other),
        }
    }
    out
}

/// The text that a value must contain. The documentation of the platform writes `.*x.*` for "x somewhere" here.
pub(super) fn contained(text: &str) -> String {
    let inner = text.strip_prefix(".*").unwrap_or(text);
    inner.strip_suffix(".*").unwrap_or(inner).to_lowercase()
}

/// Whether a text contains another, which [`contained`] prepared. The search index knows pieces of 2 to 100 characters.
pub(super) fn contains(text: &str, wanted: &str) -> bool {
    (2..=100).contains(&wanted.chars().count()) && text.to_lowercase().contains(wanted)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::matching::Pattern;

    fn matches(source: &str, text: &str) -> bool {
        Pattern::new(&of_regex(source).unwrap()).unwrap().found_in(text).unwrap()
    }

    #[test]
    fn a_regular_expression_matches_the_whole_value() {
        assert!(matches("T[12]w?", "T1w"));
        assert!(!matches("T1", "T1w"));
        assert!(matches("T1|T2", "T2") && !matches("T1|T2", "T2x"));
        assert!(matches(".*w", "a\nw"));
        assert!(matches("a@z", "a..z"));
        assert!(matches("\"a.b\"c", "a.bc") && !matches("\"a.b\"c", "axbc"));
        assert!(matches("$5^", "$5^"));
        assert!(matches(r"\d+\.\w", "12.x"));
        assert!(matches("[^a-c]+", "xyz") && !matches("[^a-c]+", "xaz"));
        assert!(matches(r"[a\]]+", "a]"));
    }

    #[test]
    fn what_the_index_does_not_know_is_refused() {
        for wrong in ["(", "(?i)a", "^((?!SBRef).)*$", "a\\", "~a", "<1-3>", "a&b", "["] {
            assert!(of_regex(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn like_has_four_wildcards_and_no_other_special_character() {
        let like = |like: &str, text: &str| {
            let found = Pattern::new(&of_like(like)).unwrap().found_in(text).unwrap();
            let db = rusqlite::Connection::open_in_memory().unwrap();
            let glob: bool =
                db.query_row("SELECT ? GLOB ?", (text, glob_of_like(like)), |row| row.get(0)).unwrap();
            assert_eq!(found, glob, "{like} {text}");
            found
        };
        assert!(like("sub-0%", "sub-01") && like("sub-0*", "sub-0"));
        assert!(like("s_b?", "sub-") && !like("s_b?", "sub"));
        assert!(!like("sub", "sub-01") && !like("SUB%", "sub"));
        assert!(like("a[b]", "a[b]") && !like("a[b]", "ab"));
        assert!(like("a.c", "a.c") && !like("a.c", "abc"));
        assert!(like("é_", "éü"));
    }

    #[test]
    fn contains_looks_for_two_characters_or_more_whatever_the_case() {
        assert!(contains("bold_SBRef", &contained("sbref")));
        assert!(contains("bold_SBRef", &contained(".*SBRef.*")));
        assert!(!contains("bold", &contained("b")));
        assert!(!contains("bold", &contained("bald")));
    }
}
