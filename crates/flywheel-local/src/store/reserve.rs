//! Room that is kept back on the disk, so that a site which filled it can still delete.
//!
//! A file beside the database holds it. When the disk is full the file is emptied: what deletes has the room from then on and
//! every other write is refused, until there is so much room again that the file can be filled.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// The room that is kept back, bytes.
const ROOM: u64 = 3 << 20;

/// The room that a write which deletes should find without it, bytes.
const ENOUGH: u64 = 512 << 10;

/// How long what was seen of the room is believed, so that many deletions are not slowed down by looking.
const FRESH: Duration = Duration::from_secs(1);

/// The reserve of a site; one without a file keeps nothing back.
#[derive(Debug, Default)]
pub(super) struct Reserve {
    path: Option<PathBuf>,
    held: bool,
    short: Arc<AtomicBool>,
    /// When it was last seen that there is enough room without it.
    seen: Option<Instant>,
}

impl Reserve {
    /// The reserve in a folder, filled if there is room.
    pub(super) fn in_folder(folder: &Path) -> Self {
        let path = folder.join("reserve");
        let held = path.metadata().is_ok_and(|file| file.len() == ROOM);
        let mut reserve = Self { path: Some(path), held, short: Arc::default(), seen: None };
        reserve.refill();
        reserve
    }

    /// Whether the disk is full: only what deletes is written.
    pub(super) fn is_short(&self) -> bool {
        self.short.load(Ordering::Acquire)
    }

    /// The same for those who do not hold the reserve.
    pub(super) fn watched(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.short)
    }

    /// Fills the file again where it was emptied, if there is room.
    pub(super) fn refill(&mut self) {
        let Some(path) = self.path.as_ref().filter(|_| !self.held) else { return };
        match fill(path) {
            Ok(()) => {
                self.held = true;
                self.short.store(false, Ordering::Release);
            }
            Err(error) => {
                tracing::debug!(%error, "no room can be kept back on the site's disk");
                self.let_go();
            }
        }
    }

    /// Sees to it that a write which deletes finds room.
    pub(super) fn make_room(&mut self) {
        if self.seen.is_some_and(|seen| seen.elapsed() < FRESH) {
            return;
        }
        let Some(path) = self.path.as_ref().filter(|_| self.held) else { return };
        if grow(path, ROOM, ENOUGH).is_err() {
            return self.disk_is_full();
        }
        self.seen = Some(Instant::now());
        if let Err(error) = cut(path, ROOM) {
            tracing::debug!(%error, "the reserve of the site's disk is longer than it should be");
        }
    }

    /// Empties the file.
    pub(super) fn disk_is_full(&mut self) {
        if self.path.is_some() {
            self.let_go();
            self.short.store(true, Ordering::Release);
        }
    }

    fn let_go(&mut self) {
        (self.held, self.seen) = (false, None);
        if let Some(path) = &self.path
            && let Err(error) = cut(path, 0)
        {
            tracing::warn!(%error, "the reserve of the site's disk cannot be let go of");
        }
    }
}

fn fill(path: &Path) -> io::Result<()> {
    File::create(path)?;
    grow(path, 0, ROOM)
}

/// Lengthens the file by bytes that no file system can make smaller.
fn grow(path: &Path, from: u64, by: u64) -> io::Result<()> {
    let mut block = vec![0_u8; 64 << 10];
    rand::fill(&mut block);
    let mut file = File::options().append(true).open(path)?;
    file.set_len(from)?;
    for _ in 0..by / block.len() as u64 {
        file.write_all(&block)?;
    }
    Ok(())
}

fn cut(path: &Path, length: u64) -> io::Result<()> {
    File::options().write(true).open(path)?.set_len(length)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_reserve_is_filled_emptied_when_the_disk_is_full_and_filled_again() {
        let folder = tempfile::tempdir().unwrap();
        let length = || folder.path().join("reserve").metadata().unwrap().len();
        let mut reserve = Reserve::in_folder(folder.path());
        assert_eq!((length(), reserve.is_short()), (ROOM, false));
        reserve.make_room();
        assert_eq!((length(), reserve.is_short()), (ROOM, false));
        reserve.disk_is_full();
        assert_eq!((length(), reserve.is_short()), (0, true));
        reserve.refill();
        assert_eq!((length(), reserve.is_short()), (ROOM, false));
        assert!(Reserve::in_folder(folder.path()).held);
    }
}
