//! Names that are safe to write to a disk.

/// A name that stays inside its folder and that every common file system takes.
///
/// Names come from a site: `..`, separators and control characters in them must not lead anywhere else.
///
/// ```
/// assert_eq!(flywheel::folder::safe_name("../../etc/passwd"), ".._.._etc_passwd");
/// assert_eq!(flywheel::folder::safe_name(".."), "_");
/// ```
pub fn safe_name(name: &str) -> String {
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
