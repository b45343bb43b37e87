//! Text in lines of a width, broken where the official client breaks it.

/// Columns between tab stops.
const TAB: usize = 8;

/// The text in lines of at most `width` characters, the first behind `first`, the others behind `others`. Lines break at
/// spaces and behind hyphens; a word that no line can hold is cut.
pub(super) fn fill(text: &str, width: usize, first: &str, others: &str) -> String {
    let mut waiting = pieces(&spaced(text));
    waiting.reverse();
    let mut lines: Vec<String> = Vec::new();
    while !waiting.is_empty() {
        let indent = if lines.is_empty() { first } else { others };
        let room = width.saturating_sub(length(indent)).max(1);
        if !lines.is_empty() && waiting.last().is_some_and(|piece| piece.trim().is_empty()) {
            waiting.pop();
        }
        let line = line(&mut waiting, room);
        if !line.is_empty() {
            lines.push(format!("{indent}{line}"));
        }
    }
    lines.join("\n")
}

/// The text with spaces for all other white space; a tab fills up to the next multiple of eight columns.
fn spaced(text: &str) -> String {
    let (mut spaced, mut column) = (String::new(), 0);
    for c in text.chars() {
        let wide = if c == '\t' { TAB - column % TAB } else { 1 };
        column = if c == '\n' || c == '\r' { 0 } else { column + wide };
        let c = if c.is_whitespace() { ' ' } else { c };
        spaced.extend(std::iter::repeat_n(c, wide));
    }
    spaced
}

/// Takes what one line of `room` characters holds.
fn line(waiting: &mut Vec<String>, room: usize) -> String {
    let (mut line, mut used) = (String::new(), 0);
    while let Some(piece) = waiting.pop_if(|piece| used + length(piece) <= room) {
        used += length(&piece);
        line.push_str(&piece);
    }
    if let Some(long) = waiting.pop_if(|piece| length(piece) > room && used < room) {
        let (head, rest) = cut(&long, room - used);
        line.push_str(&head);
        waiting.push(rest);
    }
    line.trim_end().to_owned()
}

/// A word that is longer than a line, cut to `room` characters, behind a hyphen if there is one.
fn cut(word: &str, room: usize) -> (String, String) {
    let letters: Vec<char> = word.chars().collect();
    let hyphen = letters.iter().take(room).rposition(|c| *c == '-');
    let hyphen = hyphen.filter(|at| letters.iter().take(*at).any(|c| *c != '-'));
    let end = hyphen.map_or(room, |at| at + 1);
    (letters.iter().take(end).collect(), letters.iter().skip(end).collect())
}

fn length(text: &str) -> usize {
    text.chars().count()
}

/// Runs of spaces, and words, which end behind a hyphen between letters.
fn pieces(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let mut pieces: Vec<String> = Vec::new();
    for (at, c) in letters.iter().enumerate() {
        let begins = at == 0 || (*c == ' ') != (letters[at - 1] == ' ') || breaks_before(&letters, at);
        match pieces.last_mut() {
            Some(piece) if !begins => piece.push(*c),
            _ => pieces.push(c.to_string()),
        }
    }
    pieces
}

/// Whether a line may break between a hyphen and what stands at this place: two letters before the hyphen, two after it.
fn breaks_before(letters: &[char], at: usize) -> bool {
    let letter = |back: usize| at.checked_sub(back).is_some_and(|at| is_letter(letters.get(at)));
    let hyphen = |back: usize| at.checked_sub(back).is_some_and(|at| letters.get(at) == Some(&'-'));
    let before = letter(2) && (letter(3) || (hyphen(3) && letter(4)));
    let next = letters.get(at + 1);
    let after = is_letter(next) || (next == Some(&'-') && is_letter(letters.get(at + 2)));
    hyphen(1) && before && is_letter(letters.get(at)) && after
}

fn is_letter(c: Option<&char>) -> bool {
    c.is_some_and(|c| c.is_alphabetic() || *c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces_and_behind_hyphens_and_words_that_fit_nowhere_are_cut() {
        let cases = [
            ("a short text", 20, "a short text"),
            ("one two three four", 9, "one two\n  three\n  four"),
            ("resting-state scans", 12, "resting-\n  state\n  scans"),
            ("from 2-3 to 4-5 mm", 10, "from 2-3\n  to 4-5\n  mm"),
            ("see https://example.org/a now", 12, "see https://\n  example.or\n  g/a now"),
            ("line\nbreaks\tgo", 40, "line breaks  go"),
            ("", 10, ""),
        ];
        for (text, width, expected) in cases {
            assert_eq!(fill(text, width, "", "  "), expected, "{text}");
        }
    }

    #[test]
    fn no_width_is_too_narrow_to_end() {
        assert_eq!(fill("ab c", 0, "  ", "  "), "  a\n  b\n  c");
    }
}
