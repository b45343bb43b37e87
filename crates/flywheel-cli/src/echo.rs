//! What a terminal shows of Ctrl-C while bars are drawn: nothing, because the `^C` would move the bars' last line on, so
//! that clearing them leaves it behind.

#[cfg(unix)]
pub(crate) use unix::Muted;

#[cfg(not(unix))]
pub(crate) use other::Muted;

#[cfg(unix)]
mod unix {
    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

    /// Keeps the terminal behind standard error from showing control characters until it is dropped.
    #[derive(Debug)]
    pub(crate) struct Muted {
        before: Option<Termios>,
    }

    impl Muted {
        pub(crate) fn new() -> Self {
            let terminal = std::io::stderr();
            let before =
                tcgetattr(&terminal).ok().filter(|now| now.local_modes.contains(LocalModes::ECHOCTL));
            if let Some(before) = &before {
                let mut muted = before.clone();
                muted.local_modes.remove(LocalModes::ECHOCTL);
                // At worst a line of a bar stays on the screen.
                let _ = tcsetattr(&terminal, OptionalActions::Now, &muted);
            }
            Self { before }
        }
    }

    impl Drop for Muted {
        fn drop(&mut self) {
            if let Some(before) = &self.before {
                // Nothing better can be done for a terminal that is gone.
                let _ = tcsetattr(std::io::stderr(), OptionalActions::Now, before);
            }
        }
    }
}

#[cfg(not(unix))]
mod other {
    /// Terminals here show no control characters.
    #[derive(Debug)]
    pub(crate) struct Muted;

    impl Muted {
        pub(crate) fn new() -> Self {
            Self
        }
    }
}
