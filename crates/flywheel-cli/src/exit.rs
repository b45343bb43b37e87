//! Exit codes as a type, and which of them a failure leads to.

use std::io;
use std::process::ExitCode;

use flywheel::ErrorKind;

/// How the program ends. The numbers are part of its interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    Success = 0,
    Failure = 1,
    Usage = 2,
    NotLoggedIn = 3,
    NotFound = 4,
    PermissionDenied = 5,
    Unreachable = 6,
    Incomplete = 7,
    Interrupted = 130,
}

/// For the help text: every code that a script may want to tell apart.
pub(crate) const TABLE: &str = "\
Exit codes:
  0    done
  1    failed
  2    the command line is wrong
  3    not logged in, or the key is refused
  4    no such container or file
  5    the key may not do that
  6    the site cannot be reached, or did not answer in time
  7    done in part: some files were left out or differ; they are named
  130  interrupted";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A failure with its exit code and the way to mend it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None }
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// What a failure amounts to for the caller of the program.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) exit: Exit,
    pub(crate) hint: Option<String>,
}

impl Verdict {
    /// Looks through the causes of `error` for one whose meaning is known.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        let known = error.chain().find_map(|cause| {
            if let Some(failure) = cause.downcast_ref::<Failure>() {
                return Some(Self { exit: failure.exit, hint: failure.hint.clone() });
            }
            if let Some(error) = cause.downcast_ref::<flywheel::Error>() {
                return Some(Self::of_site(error));
            }
            let io = cause.downcast_ref::<io::Error>()?;
            // Whoever read the output has seen enough.
            (io.kind() == io::ErrorKind::BrokenPipe).then_some(Self { exit: Exit::Success, hint: None })
        });
        known.unwrap_or(Self { exit: Exit::Failure, hint: None })
    }

    fn of_site(error: &flywheel::Error) -> Self {
        let (exit, hint) = match error.kind() {
            ErrorKind::Unauthenticated => {
                (Exit::NotLoggedIn, Some("log in with a key of this site: fw login HOST:KEY"))
            }
            ErrorKind::PermissionDenied => (
                Exit::PermissionDenied,
                Some(
                    "ask an administrator of the project or group for a role that allows this; \"fw status\" shows who you are",
                ),
            ),
            ErrorKind::NotFound => (
                Exit::NotFound,
                Some("look at what is there with \"fw ls\", starting at the group: fw ls GROUP"),
            ),
            ErrorKind::Connect => (
                Exit::Unreachable,
                Some(
                    "check the host and port of the key and that the site is up; \"fw status\" shows which site is asked",
                ),
            ),
            ErrorKind::Timeout => {
                (Exit::Unreachable, Some("try again; what was transferred so far is resumed"))
            }
            ErrorKind::Config => {
                (Exit::NotLoggedIn, Some("log in first: fw login HOST:KEY, or set FLYWHEEL_API_KEY"))
            }
            ErrorKind::Cancelled => (Exit::Interrupted, None),
            ErrorKind::Integrity => (
                Exit::Failure,
                Some("the bytes differ from what the site recorded; nothing was kept, try again"),
            ),
            _ => (Exit::Failure, None),
        };
        let hint = error.hint().or(hint).map(|hint| hint.trim_end_matches('.').to_owned());
        Self { exit, hint }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn a_known_cause_decides_through_context() {
        let failure = Failure::new(Exit::Usage, "no").hint("do");
        let error = Err::<(), _>(failure).context("outer").expect_err("it is an error");
        assert_eq!(Verdict::of(&error), Verdict { exit: Exit::Usage, hint: Some("do".into()) });
    }

    #[test]
    fn a_broken_pipe_is_success() {
        let error = anyhow::Error::new(io::Error::from(io::ErrorKind::BrokenPipe)).context("printing");
        assert_eq!(Verdict::of(&error).exit, Exit::Success);
        let error = anyhow::Error::new(io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(Verdict::of(&error).exit, Exit::Failure);
    }

    #[test]
    fn the_help_names_every_code() {
        for exit in [
            Exit::Success,
            Exit::Failure,
            Exit::Usage,
            Exit::NotLoggedIn,
            Exit::NotFound,
            Exit::PermissionDenied,
            Exit::Unreachable,
            Exit::Incomplete,
            Exit::Interrupted,
        ] {
            assert!(TABLE.contains(&format!("\n  {:<5}", exit as u8)), "{exit:?}");
        }
    }
}
