//! Paths as people write them, and names that are safe to write to a disk.

/// The segments of a platform path. Empty ones at the ends, as in `/group/`, mean nothing.
pub(crate) fn segments(text: &str) -> Vec<String> {
    let text = text.strip_prefix("fw://").unwrap_or(text).trim_matches('/');
    if text.is_empty() { Vec::new() } else { text.split('/').map(str::to_owned).collect() }
}

/// A name that stays inside its folder and that every common file system takes.
///
/// Names come from a site: `..`, separators and control characters in them must not lead anywhere else.
pub(crate) fn safe_name(name: &str) -> String {
    let replaced: String = name
        .chars()
        .map(|c| {
            if c.is_control() || matches!(c, '/' | '\\' | '<' | '>' | ':' | '"' | '|' | '?' | '*') {
                '_'
            } else {
                c
            }
        })
        .collect();
    let trimmed = replaced.trim().trim_end_matches('.');
    match trimmed {
        "" => "_".to_owned(),
        _ => trimmed.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefix_and_outer_slashes_mean_nothing() {
        for text in ["fw://g/p q/s", "g/p q/s", "/g/p q/s/"] {
            assert_eq!(segments(text), ["g", "p q", "s"]);
        }
        assert!(segments("fw://").is_empty() && segments("/").is_empty());
    }

    #[test]
    fn a_name_from_a_site_never_leads_out_of_its_folder() {
        for name in ["..", ".", "", "../../etc/passwd", "a/b", "c:\\x", "\0", " . "] {
            let safe = safe_name(name);
            let mut parts = std::path::Path::new(&safe).components();
            assert!(
                matches!(parts.next(), Some(std::path::Component::Normal(_))),
                "{name:?} became {safe:?}"
            );
            assert_eq!(parts.next(), None);
        }
        assert_eq!(safe_name("T1 – weiß.nii.gz"), "T1 – weiß.nii.gz");
    }
}
