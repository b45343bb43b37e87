//! Which names are meant: a pattern with wildcards over the whole name, or a regular expression anchored at its start.
//! Neither minds case.

use super::{document::NameFilter, plan::ViewError};

/// The most steps that one search may take back; what is written by hand needs a few hundred.
const BACKTRACKS: usize = 200_000;

/// A pattern for names, made ready.
#[derive(Clone, Debug)]
pub enum NamePattern {
    /// `*` is any text, `?` any character, `[a-c]` one of these, `[!a-c]` any other.
    Wildcards(Vec<Piece>),
    /// A regular expression.
    Regex(Regex),
}

/// A piece of a pattern with wildcards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Any text, also none.
    AnyText,
    /// Any character.
    AnyOne,
    /// This character.
    One(char),
    /// One of these ranges; or, when the first is true, none of them.
    OneOf(bool, Vec<(char, char)>),
}

/// A regular expression that must match from the start of a text.
#[derive(Clone, Debug)]
pub struct Regex(fancy_regex::Regex);

impl Regex {
    /// Makes one ready.
    ///
    /// # Errors
    /// When it is no regular expression.
    pub fn anchored(source: &str, any_case: bool) -> Result<Self, ViewError> {
        let flags = if any_case { "(?i)" } else { "" };
        fancy_regex::RegexBuilder::new(&format!("{flags}\\A(?:{source})"))
            .backtrack_limit(BACKTRACKS)
            .delegate_size_limit(2 << 20)
            .build()
            .map(Self)
            .map_err(|error| ViewError::Pattern(source.to_owned(), error.to_string()))
    }

    /// Whether it matches from the start of the text. One that takes too many steps does not.
    pub fn matches(&self, text: &str) -> bool {
        self.0.is_match(text).unwrap_or(false)
    }
}

impl NamePattern {
    /// Makes a filter ready.
    ///
    /// # Errors
    /// When it is to be a regular expression and is none.
    pub fn new(filter: &NameFilter) -> Result<Self, ViewError> {
        match filter.regex {
            Some(true) => Regex::anchored(&filter.value, true).map(Self::Regex),
            _ => Ok(Self::Wildcards(pieces(&filter.value.to_lowercase()))),
        }
    }

    /// Whether a name is meant.
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Self::Regex(regex) => regex.matches(name),
            Self::Wildcards(pieces) => {
                let name: Vec<char> = name.to_lowercase().chars().collect();
                fits(pieces, &name)
            }
        }
    }
}

fn pieces(pattern: &str) -> Vec<Piece> {
    let pattern: Vec<char> = pattern.chars().collect();
    let mut pieces = Vec::new();
    let mut rest = pattern.as_slice();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match first {
            '*' if pieces.last() == Some(&Piece::AnyText) => {}
            '*' => pieces.push(Piece::AnyText),
            '?' => pieces.push(Piece::AnyOne),
            '[' => match class(tail) {
                Some((piece, after)) => {
                    pieces.push(piece);
                    rest = after;
                }
                None => pieces.push(Piece::One('[')),
            },
            other => pieces.push(Piece::One(*other)),
        }
    }
    pieces
}

/// What follows `[`, up to its `]`; a `]` that comes first is meant itself. None when it is never closed.
fn class(tail: &[char]) -> Option<(Piece, &[char])> {
    let (negated, body) = match tail.split_first() {
        Some(('!', body)) => (true, body),
        _ => (false, tail),
    };
    let end = 1 + body.get(1..)?.iter().position(|c| *c == ']')?;
    let (inner, after) = (body.get(..end)?, body.get(end + 1..)?);
    let mut ranges = Vec::new();
    let mut inner = inner;
    while let Some((first, rest)) = inner.split_first() {
        match rest {
            ['-', last, after @ ..] => {
                ranges.push((*first, *last));
                inner = after;
            }
            _ => {
                ranges.push((*first, *first));
                inner = rest;
            }
        }
    }
    Some((Piece::OneOf(negated, ranges), after))
}

/// Goes along both; where it fails, the last `*` takes one more character.
fn fits(pieces: &[Piece], name: &[char]) -> bool {
    let (mut piece, mut at) = (0, 0);
    let mut retry = None;
    while at < name.len() || piece < pieces.len() {
        match (pieces.get(piece), name.get(at)) {
            (Some(Piece::AnyText), _) => {
                retry = Some((piece, at));
                piece += 1;
            }
            (Some(wanted), Some(found)) if wanted.takes(*found) => {
                piece += 1;
                at += 1;
            }
            _ => match retry {
                Some((star, from)) if from < name.len() => {
                    retry = Some((star, from + 1));
                    (piece, at) = (star + 1, from + 1);
                }
                _ => return false,
            },
        }
    }
    true
}

impl Piece {
    fn takes(&self, c: char) -> bool {
        match self {
            Self::AnyText | Self::AnyOne => true,
            Self::One(wanted) => *wanted == c,
            Self::OneOf(negated, ranges) => {
                ranges.iter().any(|(first, last)| (*first..=*last).contains(&c)) != *negated
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn wildcards(pattern: &str, name: &str) -> bool {
        NamePattern::new(&NameFilter::new(pattern)).unwrap().matches(name)
    }

    #[test]
    fn wildcards_cover_the_whole_name_in_any_case() {
        for (pattern, name, wanted) in [
            ("*.csv", "A.CSV", true),
            ("*.csv", "a.csv.gz", false),
            ("sub-??", "SUB-01", true),
            ("sub-??", "sub-1", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b", false),
            ("t[12]*", "T2w", true),
            ("t[!12]*", "t2w", false),
            ("[a-c]x", "bx", true),
            ("[]]x", "]x", true),
            ("[ab", "[ab", true),
            ("a.c", "abc", false),
            ("*/x", "folder/in/x", true),
        ] {
            assert_eq!(wildcards(pattern, name), wanted, "{pattern:?} {name:?}");
        }
    }

    #[test]
    fn a_regular_expression_is_anchored_at_the_start_alone() {
        let regex = |source: &str, name: &str| {
            NamePattern::new(&NameFilter { value: source.into(), regex: Some(true) }).unwrap().matches(name)
        };
        assert!(regex("T1", "t1w.nii"));
        assert!(!regex("1w", "t1w.nii"));
        assert!(regex("a|t", "t1w.nii"));
        assert!(regex(r".*\.nii$", "t1w.nii"));
        let broken = NamePattern::new(&NameFilter { value: "(".into(), regex: Some(true) });
        assert!(broken.unwrap_err().to_string().contains("\"(\""));
    }

    #[test]
    fn many_stars_do_not_take_forever() {
        assert!(!wildcards(&"*a".repeat(200), &"a".repeat(199)));
        assert!(!wildcards(&format!("{}b", "a*".repeat(500)), &"a".repeat(5_000)));
    }

    proptest! {
        #[test]
        fn a_name_matches_itself_and_what_is_cut_out_for_a_star(name in "[a-z0-9._ -]{0,20}", from in 0usize..20, to in 0usize..20) {
            prop_assert!(wildcards(&name, &name.to_uppercase()));
            let (from, to) = (from.min(to).min(name.len()), from.max(to).min(name.len()));
            let cut = format!("{}*{}", &name[..from], &name[to..]);
            prop_assert!(wildcards(&cut, &name));
        }

        #[test]
        fn any_pattern_and_name_end_without_panic(pattern in "[*?\\[\\]!a-c-]{0,12}", name in any::<String>()) {
            let _ = wildcards(&pattern, &name);
        }
    }
}
