//! Paths as people write them.

/// The segments of a platform path. Empty ones at the ends, as in `/group/`, mean nothing.
pub(crate) fn segments(text: &str) -> Vec<String> {
    let text = text.strip_prefix("fw://").unwrap_or(text).trim_matches('/');
    if text.is_empty() { Vec::new() } else { text.split('/').map(str::to_owned).collect() }
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
}
