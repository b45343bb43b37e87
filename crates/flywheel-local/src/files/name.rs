//! File names: read out of an upload without what could be a path, and written into an answer's header.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};

/// The characters that `filename*` may hold as they are (RFC 8187).
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// A name without its folders, on either side's way to write them; nothing when nothing usable is left.
pub(crate) fn without_folders(given: &str) -> Option<&str> {
    let name = given.rsplit(['/', '\\']).next()?.trim_matches('\0');
    is_usable(name).then_some(name)
}

/// Whether a file may have this name: not empty, not a step in a path, and reachable by its name.
pub(super) fn is_usable(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\\', '\0'])
}

/// The parameter `key` of a part's `Content-Disposition`: `key*` with its character set (RFC 8187) before `key`, quoted or not.
///
/// Inside quotes, `\"` and `\\` are what they escape, and so are the percent forms of a quote and of line ends, which is how browsers
/// and the official client write them.
pub(super) fn parameter(header: &[u8], key: &str) -> Option<String> {
    let text = String::from_utf8_lossy(header);
    let (mut plain, mut extended) = (None, None);
    for (name, value) in Parameters(text.split_once(';')?.1) {
        match name.to_ascii_lowercase() {
            name if name == key => plain = plain.or(Some(value)),
            name if name.strip_suffix('*') == Some(key) => {
                extended = extended.or_else(|| decode_extended(&value))
            }
            _ => {}
        }
    }
    extended.or(plain)
}

/// `charset'language'percent-encoded`.
fn decode_extended(value: &str) -> Option<String> {
    let mut parts = value.splitn(3, '\'');
    let (charset, _language, text) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes: Vec<u8> = percent_decode(text.as_bytes()).collect();
    match charset.to_ascii_lowercase().as_str() {
        "utf-8" => String::from_utf8(bytes).ok(),
        "iso-8859-1" => Some(bytes.into_iter().map(char::from).collect()),
        _ => None,
    }
}

/// The parameters of a header value, in order.
struct Parameters<'a>(&'a str);

impl<'a> Iterator for Parameters<'a> {
    type Item = (&'a str, String);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, rest) = self.0.trim_start_matches([' ', '\t', ';']).split_once('=')?;
        let rest = rest.trim_start();
        let (value, rest) = match rest.strip_prefix('"') {
            Some(quoted) => read_quoted(quoted),
            None => rest
                .split_once(';')
                .map_or((rest.trim().to_owned(), ""), |(v, rest)| (v.trim().to_owned(), rest)),
        };
        self.0 = rest;
        Some((name.trim(), value))
    }
}

fn read_quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        let rest = text.get(at..).unwrap_or_default();
        match character {
            '"' => return (value, rest.get(1..).unwrap_or_default()),
            '\\' if rest.starts_with("\\\"") || rest.starts_with("\\\\") => {
                value.extend(characters.next().map(|(_, escaped)| escaped));
            }
            '%' => match escaped_by_browsers(rest) {
                Some(escaped) => {
                    value.push(escaped);
                    characters.nth(1);
                }
                None => value.push('%'),
            },
            other => value.push(other),
        }
    }
    (value, "")
}

fn escaped_by_browsers(text: &str) -> Option<char> {
    match text.get(..3)?.to_ascii_uppercase().as_str() {
        "%22" => Some('"'),
        "%0D" => Some('\r'),
        "%0A" => Some('\n'),
        _ => None,
    }
}

/// The value of `Content-Disposition` that offers a download under `name`, whatever it is made of.
pub(crate) fn attachment(name: &str) -> String {
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') || c == ' ';
    let fallback: String = name.chars().map(|c| if plain(c) { c } else { '_' }).collect();
    if fallback == name {
        return format!("attachment; filename=\"{name}\"");
    }
    format!("attachment; filename=\"{fallback}\"; filename*=UTF-8''{}", utf8_percent_encode(name, PLAIN))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn folders_are_dropped_and_steps_are_no_names() {
        for (given, name) in [
            ("t1.nii.gz", Some("t1.nii.gz")),
            ("../../evil.txt", Some("evil.txt")),
            ("/etc/passwd", Some("passwd")),
            ("C:\\data\\scan 1.dcm", Some("scan 1.dcm")),
            ("..", None),
            ("a/..", None),
            ("a/", None),
            ("", None),
            ("a\0b", None),
            ("..hidden", Some("..hidden")),
            ("naïve 名.txt", Some("naïve 名.txt")),
        ] {
            assert_eq!(without_folders(given), name, "{given:?}");
        }
    }

    #[test]
    fn file_names_are_read_in_every_way_clients_write_them() {
        for (header, name) in [
            (r#"form-data; name="file"; filename="a b.txt""#, Some("a b.txt")),
            (r#"form-data; filename="file; name=x.txt"; name="file""#, Some("file; name=x.txt")),
            (r#"form-data; name="file"; filename=plain.txt"#, Some("plain.txt")),
            (r#"form-data; name=file; FileName = "case.txt" "#, Some("case.txt")),
            (r#"form-data; name="file"; filename="say \"hi\".txt""#, Some(r#"say "hi".txt"#)),
            (r#"form-data; name="file"; filename="say %22hi%22.txt""#, Some(r#"say "hi".txt"#)),
            (r#"form-data; name="file"; filename="100%.txt""#, Some("100%.txt")),
            (r#"form-data; name="file"; filename="back\\slash.txt""#, Some("back\\slash.txt")),
            ("form-data; name=\"file\"; filename=\"名前.nii\"", Some("名前.nii")),
            (
                "form-data; name=\"file\"; filename=\"x\"; filename*=utf-8''%E5%90%8D%20%22.nii",
                Some("名 \".nii"),
            ),
            ("form-data; name=\"file\"; filename*=iso-8859-1'de'%FCber.txt", Some("über.txt")),
            ("form-data; name=\"file\"; filename=\"x\"; filename*=utf-8''%FF", Some("x")),
            (r#"form-data; name="metadata"; filename="""#, Some("")),
            (r#"form-data; name="filename""#, None),
            (r#"form-data"#, None),
            (r#"form-data; name="file"; filename="unclosed"#, Some("unclosed")),
        ] {
            assert_eq!(parameter(header.as_bytes(), "filename").as_deref(), name, "{header}");
        }
    }

    #[test]
    fn an_offered_name_cannot_break_out_of_its_header() {
        assert_eq!(attachment("t1.nii.gz"), "attachment; filename=\"t1.nii.gz\"");
        assert_eq!(
            attachment("a\"\r\nSet-Cookie: b"),
            "attachment; filename=\"a___Set-Cookie: b\"; filename*=UTF-8''a%22%0D%0ASet-Cookie%3A%20b"
        );
        assert_eq!(attachment("名.txt"), "attachment; filename=\"_.txt\"; filename*=UTF-8''%E5%90%8D.txt");
    }

    proptest::proptest! {
        #[test]
        fn a_name_survives_the_header_that_offers_it(name in "\\PC{1,40}") {
            let header = attachment(&name);
            proptest::prop_assert!(header.bytes().all(|b| (b' '..=b'~').contains(&b)));
            proptest::prop_assert_eq!(parameter(header.as_bytes(), "filename").unwrap(), name);
        }
    }
}
