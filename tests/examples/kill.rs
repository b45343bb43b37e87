//! Kills `fw site serve` at random moments of mixed load, as often as is asked for, and holds what is left against what was
//! acknowledged.
//!
//! ```text
//! cargo run --release -p flywheel-tests --example kill -- target/release/fw 200 [SEED]
//! ```
#![allow(clippy::print_stdout)]

use std::path::Path;

use flywheel_tests::mayhem::Mayhem;
use flywheel_tests::process::Process;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(fw), Some(kills)) = (arguments.next(), arguments.next()) else {
        return Err("usage: kill FW KILLS [SEED]".into());
    };
    let kills: usize = kills.parse()?;
    let seed = arguments.next().map_or(Ok(1), |seed| seed.parse())?;
    let folder = tempfile::tempdir()?;
    let start = || Process::fw(Path::new(&fw), folder.path());
    let mut mayhem = Mayhem::prepare(&start().client, seed);
    for kill in 1..=kills {
        mayhem.work_until_killed(start());
        mayhem.check_folder(folder.path(), kill % 10 == 0 || kill == kills);
        mayhem.compare(&start().client);
        if kill % 10 == 0 {
            println!("{:?}", mayhem.tally());
        }
    }
    println!("nothing lost, nothing in part, no orphan: {:?}", mayhem.tally());
    Ok(())
}
