//! Paths, filters and orders on the command line: a mistake in one is a wrong command line, and pointed at.

use std::str::FromStr;

use flywheel_core::syntax::ParseError;

use crate::exit::{Exit, Failure};

/// Reads a text in the grammar of `T`.
///
/// # Errors
/// [`Exit::Usage`] with the place of the mistake.
pub(crate) fn read<T: FromStr<Err = ParseError>>(text: &str) -> Result<T, Failure> {
    text.parse().map_err(|error: ParseError| Failure::new(Exit::Usage, error.to_string()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use flywheel_core::path::FwPath;

    use super::*;

    #[test]
    fn prefix_and_outer_slashes_of_a_path_mean_nothing() {
        for text in ["fw://g/p q/s", "g/p q/s", "/g/p q/s/"] {
            assert_eq!(read::<FwPath>(text).unwrap().to_wire(), ["g", "p q", "s"]);
        }
        assert!(read::<FwPath>("fw://").unwrap().segments.is_empty());
    }

    #[test]
    fn a_mistake_is_pointed_at() {
        let failure = read::<FwPath>("lab//x").unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.message.ends_with("\n  lab//x\n      ^"), "{}", failure.message);
    }
}
