//! Text of the character sets DICOM allows, with code extensions (PS3.5 section 6.1 and annexes H to K).
//!
//! The DICOM library decodes with the first declared set alone, which leaves Japanese and Korean names as escape
//! sequences; here every declared set takes part.

use encoding_rs::{
    BIG5, EUC_JP, EUC_KR, Encoding, GB18030, ISO_8859_2, ISO_8859_3, ISO_8859_4, ISO_8859_5, ISO_8859_6,
    ISO_8859_7, ISO_8859_8, SHIFT_JIS, UTF_8, WINDOWS_874, WINDOWS_1252, WINDOWS_1254,
};

/// The character sets a data set declares in Specific Character Set (0008,0005).
#[derive(Clone, Debug, Default)]
pub(crate) struct Charsets {
    initial: Option<&'static Encoding>,
    extended: bool,
}

/// How the bytes after an escape sequence are to be read.
#[derive(Clone, Copy)]
enum Segment {
    /// As the encoding has it: ASCII below 0x80, the set above.
    Plain(Option<&'static Encoding>),
    /// Two seven-bit bytes a character, which EUC-JP has with the high bits set.
    Jis208,
    /// The supplementary set, which EUC-JP has after a 0x8F.
    Jis212,
}

/// Escape sequences (without the escape itself) and what they designate.
const DESIGNATIONS: &[(&[u8], Segment)] = &[
    (b"$(D", Segment::Jis212),
    (b"$)C", Segment::Plain(Some(EUC_KR))),
    (b"$)A", Segment::Plain(Some(GB18030))),
    (b"$B", Segment::Jis208),
    (b"$@", Segment::Jis208),
    (b"(B", Segment::Plain(None)),
    (b"(J", Segment::Plain(Some(SHIFT_JIS))),
    (b")I", Segment::Plain(Some(SHIFT_JIS))),
    (b"-A", Segment::Plain(Some(WINDOWS_1252))),
    (b"-B", Segment::Plain(Some(ISO_8859_2))),
    (b"-C", Segment::Plain(Some(ISO_8859_3))),
    (b"-D", Segment::Plain(Some(ISO_8859_4))),
    (b"-F", Segment::Plain(Some(ISO_8859_7))),
    (b"-G", Segment::Plain(Some(ISO_8859_6))),
    (b"-H", Segment::Plain(Some(ISO_8859_8))),
    (b"-L", Segment::Plain(Some(ISO_8859_5))),
    (b"-M", Segment::Plain(Some(WINDOWS_1254))),
    (b"-T", Segment::Plain(Some(WINDOWS_874))),
];

const ESCAPE: u8 = 0x1b;

impl Charsets {
    /// From the value of Specific Character Set, its terms separated by backslashes.
    pub(crate) fn declared(value: &str) -> Self {
        let mut terms = value.split('\\').map(str::trim);
        let initial = terms.next().and_then(encoding_of);
        let extended = value.contains("2022") || value.contains('\\');
        Self { initial, extended }
    }

    /// The text of `bytes`. Undecodable bytes become U+FFFD, never an error.
    pub(crate) fn decode(&self, bytes: &[u8]) -> String {
        if !(self.extended && bytes.contains(&ESCAPE)) {
            return plain(self.initial, bytes);
        }
        let mut text = String::new();
        for line in split_keeping(bytes, |b| matches!(b, b'\\' | b'^' | b'=' | b'\n' | b'\r' | 0x0c | b'\t'))
        {
            self.decode_run(line, &mut text);
        }
        text
    }

    /// A stretch in which designations hold; they fall back to the initial set at its end.
    fn decode_run(&self, run: &[u8], text: &mut String) {
        let mut pieces = run.split(|&b| b == ESCAPE);
        if let Some(first) = pieces.next() {
            text.push_str(&plain(self.initial, first));
        }
        for piece in pieces {
            let designation = DESIGNATIONS
                .iter()
                .find_map(|&(code, segment)| piece.strip_prefix(code).map(|rest| (segment, rest)));
            match designation {
                Some((Segment::Plain(None), rest)) => text.push_str(&plain(self.initial, rest)),
                Some((Segment::Plain(encoding), rest)) => text.push_str(&plain(encoding, rest)),
                Some((Segment::Jis208, rest)) => text.push_str(&euc_jp(rest, false)),
                Some((Segment::Jis212, rest)) => text.push_str(&euc_jp(rest, true)),
                None => text.push_str(&plain(self.initial, piece)),
            }
        }
    }
}

/// The encoding of a defined term. `None` is the default repertoire.
fn encoding_of(term: &str) -> Option<&'static Encoding> {
    let digits = term.rsplit([' ', '_', '-']).next().unwrap_or(term);
    Some(match (term, digits) {
        ("GB18030" | "GBK" | "GB2312", _) | (_, "58") => GB18030,
        ("BIG5", _) => BIG5,
        (_, "13") => SHIFT_JIS,
        (_, "87" | "159") => EUC_JP,
        (_, "100") => WINDOWS_1252,
        (_, "101") => ISO_8859_2,
        (_, "109") => ISO_8859_3,
        (_, "110") => ISO_8859_4,
        (_, "126") => ISO_8859_7,
        (_, "127") => ISO_8859_6,
        (_, "138") => ISO_8859_8,
        (_, "144") => ISO_8859_5,
        (_, "148") => WINDOWS_1254,
        (_, "149") => EUC_KR,
        (_, "166") => WINDOWS_874,
        (_, "192") => UTF_8,
        _ => return None,
    })
}

/// Without a declared set, bytes above ASCII are UTF-8 where they can be, otherwise Latin-1: both are common in files
/// that forgot to declare theirs.
fn plain(encoding: Option<&'static Encoding>, bytes: &[u8]) -> String {
    match encoding {
        Some(encoding) => encoding.decode_without_bom_handling(bytes).0.into_owned(),
        None => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(),
        },
    }
}

fn euc_jp(seven_bit: &[u8], supplementary: bool) -> String {
    let mut euc = Vec::with_capacity(seven_bit.len() * 2);
    for pair in seven_bit.chunks(2) {
        if supplementary {
            euc.push(0x8f);
        }
        euc.extend(pair.iter().map(|b| b | 0x80));
    }
    plain(Some(EUC_JP), &euc)
}

/// Pieces of `bytes`, each ending with its delimiter. A delimiter inside a two-byte character is not one.
fn split_keeping(bytes: &[u8], delimiter: impl Fn(u8) -> bool) -> Vec<&[u8]> {
    let (mut pieces, mut start, mut at, mut wide) = (Vec::new(), 0, 0, false);
    while let Some(&byte) = bytes.get(at) {
        if byte == ESCAPE {
            let rest = bytes.get(at + 1..).unwrap_or_default();
            let designation = DESIGNATIONS.iter().find(|(code, _)| rest.starts_with(code));
            wide = matches!(designation, Some((_, Segment::Jis208 | Segment::Jis212)));
            at += 1 + designation.map_or(0, |(code, _)| code.len());
        } else if wide {
            at += 2;
        } else {
            at += 1;
            if delimiter(byte) {
                pieces.push(bytes.get(start..at).unwrap_or_default());
                start = at;
            }
        }
    }
    pieces.push(bytes.get(start..).unwrap_or_default());
    pieces
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn decode(declared: &str, bytes: &[u8]) -> String {
        Charsets::declared(declared).decode(bytes)
    }

    #[test]
    fn every_declared_set_of_a_name_takes_part() {
        let name = b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B";
        assert_eq!(decode("\\ISO 2022 IR 87", name), "Yamada^Tarou=山田^太郎=やまだ^たろう");
        let name = b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J";
        assert_eq!(decode("ISO 2022 IR 13\\ISO 2022 IR 87", name), "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎");
        let name =
            b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf";
        assert_eq!(decode("\\ISO 2022 IR 149", name), "Hong^Gildong=洪^吉洞=홍^길동");
    }

    #[test]
    fn a_delimiter_byte_inside_a_wide_character_splits_nothing() {
        // 0x5E, the caret, is the second byte of this character.
        let bytes = b"\x1b$B$^\x1b(B^\x1b$B$d\x1b(B";
        assert_eq!(decode("\\ISO 2022 IR 87", bytes), "ま^や");
    }

    #[test]
    fn single_byte_sets_decode_and_undeclared_bytes_are_guessed() {
        assert_eq!(decode("ISO_IR 144", b"\xbb\xee\xda"), "Люк");
        assert_eq!(decode("ISO_IR 126", b"\xc4\xe9\xef"), "Διο");
        assert_eq!(decode("", "Jérôme".as_bytes()), "Jérôme");
        assert_eq!(decode("", b"J\xe9r\xf4me"), "Jérôme");
        assert_eq!(decode("ISO_IR 192", b"ok \xff"), "ok \u{fffd}");
    }

    #[test]
    fn hostile_bytes_never_panic() {
        for bytes in
            [&b"\x1b"[..], b"\x1b$", b"\x1b$B\x24", b"\x1b$(D\x24\x24\x24", b"\x1b\x1b\x1b(", b"^\x1b$B^"]
        {
            let _ = decode("\\ISO 2022 IR 87\\ISO 2022 IR 159", bytes);
        }
    }
}
