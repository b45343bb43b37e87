//! What a gear writes into its job's log.

pub use tracing::Level;

use super::{GearContext, Input};

impl GearContext {
    /// Writes what this program and its crates log through `tracing` to the standard error, which the site keeps as the
    /// log of the job: a line each, of this level and above. `false` when the program had set up its logging already, which
    /// then stays as it is.
    ///
    /// ```no_run
    /// # fn main() -> flywheel::Result<()> {
    /// use flywheel::{GearContext, context::Level};
    ///
    /// let gear = GearContext::load()?;
    /// gear.init_logging(Level::INFO);
    /// gear.log_config();
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "logging")]
    pub fn init_logging(&self, level: Level) -> bool {
        let lines = tracing_subscriber::fmt().with_max_level(level).with_ansi(false);
        lines.with_writer(std::io::stderr).try_init().is_ok()
    }

    /// Logs the lines of [`describe`](Self::describe), at the level of information.
    pub fn log_config(&self) {
        for line in self.describe().lines() {
            tracing::info!("{line}");
        }
    }

    /// The destination, the file inputs and the configuration, a line each, for the gear's log. Keys are left out.
    pub fn describe(&self) -> String {
        let mut lines = Vec::new();
        if let Some(destination) = &self.invocation.destination {
            lines.push(format!("destination is {destination}"));
        }
        for (name, input) in self.inputs() {
            if let Input::File { location, hierarchy, .. } = input {
                let from = hierarchy.as_ref().map(|from| format!(" from {from}")).unwrap_or_default();
                lines.push(format!("input {name:?} is {}{from}", location.name));
            }
        }
        lines.extend(self.config().iter().map(|(key, value)| format!("config {key:?} is {value}")));
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use serde_json::json;

    use super::*;

    fn gear() -> (tempfile::TempDir, GearContext) {
        let folder = tempfile::tempdir().unwrap();
        let config = json!({
            "config": {"fwhm": 6},
            "inputs": {"key": {"base": "api-key", "key": "localhost:8080:SECRETSECRET"}},
            "destination": {"type": "session", "id": "s1"},
        });
        std::fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
        let gear = GearContext::at(folder.path()).unwrap();
        (folder, gear)
    }

    /// Lines that were written.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_a_gear_was_given_is_logged_a_line_each_without_its_key() {
        let (_folder, gear) = gear();
        let lines = Lines::default();
        let writer = lines.clone();
        let to = move || writer.clone();
        let logged = tracing_subscriber::fmt().with_ansi(false).with_writer(to).finish();
        tracing::subscriber::with_default(logged, || gear.log_config());
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.contains("INFO") && text.contains("destination is session s1"), "{text}");
        assert!(text.contains("config \"fwhm\" is 6") && !text.contains("SECRET"), "{text}");
    }

    #[cfg(feature = "logging")]
    #[test]
    fn logging_that_is_set_up_stays_as_it_is() {
        let (_folder, gear) = gear();
        assert!(gear.init_logging(Level::ERROR));
        assert!(!gear.init_logging(Level::TRACE));
        assert!(tracing::enabled!(Level::ERROR) && !tracing::enabled!(Level::INFO));
    }
}
