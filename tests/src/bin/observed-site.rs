//! A local site for trying a client by hand: `observed-site [signed]` prints where it is and its keys, then every
//! exchange and every answer that does not fit the description, until its standard input ends.

use std::error::Error;
use std::io::{self, Write};

use flywheel_tests::site::LocalSite;

fn main() -> Result<(), Box<dyn Error>> {
    let signed = std::env::args().nth(1).is_some_and(|argument| argument == "signed");
    let site = if signed { LocalSite::start_signed() } else { LocalSite::start() };
    writeln!(io::stdout(), "{}", site.document())?;
    site.recorder().tell(|line| {
        // Nobody may be reading any more; the site goes on all the same.
        let _ = writeln!(io::stdout(), "{line}");
    });
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}
