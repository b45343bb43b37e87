//! A site that is killed while it works: what it acknowledged is there after a restart, and nothing half-written is.

use std::path::Path;

use flywheel_tests::mayhem::Mayhem;
use flywheel_tests::process::Process;

const KILLS: usize = 10;

#[test]
fn a_kill_loses_nothing_that_was_acknowledged_and_shows_nothing_half_written() {
    let folder = tempfile::tempdir().unwrap();
    let start = || Process::plain(Path::new(env!("CARGO_BIN_EXE_site-process")), folder.path());
    let mut mayhem = Mayhem::prepare(&start().client, 1);
    for kill in 1..=KILLS {
        mayhem.work_until_killed(start());
        mayhem.check_folder(folder.path(), kill == KILLS);
        mayhem.compare(&start().client);
    }
    let tally = mayhem.tally();
    assert!(tally.acknowledged > KILLS, "{tally:?}");
}
