//! Blobs as files of a local folder: `xx/yy/<uuid>`, and `tmp/<uuid>` until they are whole.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, BufWriter, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use uuid::Uuid;

use super::{Blobs, Sink, Source};
use crate::store::Keeping;

const UNFINISHED: &str = "tmp";
const WRITE_BUFFER: usize = 256 * 1024;

/// Shared by the folder and by what is being written into it.
#[derive(Debug)]
struct Disk {
    root: PathBuf,
    keeping: Keeping,
    /// Shards, by the bytes that name them, whose own folder entries are known to be on disk.
    synced: Mutex<HashSet<[u8; 2]>>,
}

impl Disk {
    fn path_of(&self, id: Uuid) -> PathBuf {
        let name = id.to_string();
        self.root.join(&name[..2]).join(&name[2..4]).join(name)
    }

    /// Puts a folder's entries on disk, which only Unix can do by themselves.
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        if cfg!(unix) && self.keeping == Keeping::Durable { File::open(folder)?.sync_all() } else { Ok(()) }
    }

    fn sync_file(&self, file: &File) -> io::Result<()> {
        if self.keeping == Keeping::Durable { file.sync_all() } else { Ok(()) }
    }

    /// Makes a shard's folder, and puts its entry and its parent's on disk the first time this process uses it.
    fn make_shard(&self, id: Uuid, shard: &Path) -> io::Result<()> {
        let &[first, second, ..] = id.as_bytes();
        if self.synced.lock().unwrap_or_else(PoisonError::into_inner).contains(&[first, second]) {
            return Ok(());
        }
        fs::create_dir_all(shard)?;
        if let Some(parent) = shard.parent() {
            self.sync_folder(parent)?;
        }
        self.sync_folder(&self.root)?;
        self.synced.lock().unwrap_or_else(PoisonError::into_inner).insert([first, second]);
        Ok(())
    }
}

#[derive(Debug)]
pub(super) struct Folder(Arc<Disk>);

impl Folder {
    pub(super) fn open(root: &Path, keeping: Keeping) -> io::Result<Self> {
        fs::create_dir_all(root.join(UNFINISHED))?;
        let disk = Disk { root: root.to_owned(), keeping, synced: Mutex::default() };
        disk.sync_folder(root)?;
        if let Some(parent) = root.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            disk.sync_folder(parent)?;
        }
        Ok(Self(Arc::new(disk)))
    }

    /// What a kill left in the middle of an upload. Uploads of this process are younger than `limit`.
    fn sweep_unfinished(&self, limit: SystemTime) -> io::Result<()> {
        for entry in fs::read_dir(self.0.root.join(UNFINISHED))? {
            let entry = entry?;
            if entry.metadata()?.modified()? < limit {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

impl Blobs for Folder {
    fn create(&self) -> io::Result<Box<dyn Sink>> {
        let path = self.0.root.join(UNFINISHED).join(Uuid::new_v4().to_string());
        let file = File::create_new(&path)?;
        Ok(Box::new(Unfinished {
            file: BufWriter::with_capacity(WRITE_BUFFER, file),
            path: TemporaryPath(Some(path)),
            disk: self.0.clone(),
        }))
    }

    fn open(&self, id: Uuid) -> io::Result<Box<dyn Source>> {
        File::open(self.0.path_of(id)).map(|file| Box::new(Content(file)) as Box<dyn Source>)
    }

    fn remove(&self, id: Uuid) -> io::Result<()> {
        fs::remove_file(self.0.path_of(id))
    }

    fn path_of(&self, id: Uuid) -> Option<PathBuf> {
        Some(self.0.path_of(id))
    }

    fn sweep(&self, limit: SystemTime, orphan: &mut dyn FnMut(Uuid) -> io::Result<bool>) -> io::Result<u64> {
        self.sweep_unfinished(limit)?;
        let mut removed = 0;
        for outer in folders_in(&self.0.root)? {
            for inner in folders_in(&outer)? {
                for entry in fs::read_dir(inner)? {
                    let entry = entry?;
                    let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
                        continue;
                    };
                    if orphan(id)? && entry.metadata()?.modified()? < limit {
                        fs::remove_file(entry.path())?;
                        removed += 1;
                    }
                }
            }
        }
        Ok(removed)
    }
}

fn folders_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let shard = |path: &Path| path.file_name().is_some_and(|name| name.len() == 2) && path.is_dir();
    let paths: io::Result<Vec<PathBuf>> =
        fs::read_dir(folder)?.map(|entry| entry.map(|e| e.path())).collect();
    Ok(paths?.into_iter().filter(|path| shard(path)).collect())
}

/// A path that is removed unless it was taken.
struct TemporaryPath(Option<PathBuf>);

impl Drop for TemporaryPath {
    fn drop(&mut self) {
        if let Some(path) = self.0.take()
            && let Err(error) = fs::remove_file(&path)
        {
            tracing::debug!(%error, "an unfinished upload stays until the next start");
        }
    }
}

struct Unfinished {
    file: BufWriter<File>,
    path: TemporaryPath,
    disk: Arc<Disk>,
}

impl Write for Unfinished {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Sink for Unfinished {
    fn publish(mut self: Box<Self>, id: Uuid) -> io::Result<()> {
        self.file.flush()?;
        self.disk.sync_file(self.file.get_ref())?;
        let target = self.disk.path_of(id);
        let shard = target.parent().unwrap_or(&self.disk.root);
        self.disk.make_shard(id, shard)?;
        if let Some(path) = &self.path.0 {
            fs::rename(path, &target)?;
        }
        self.path.0 = None;
        self.disk.sync_folder(shard)
    }
}

struct Content(File);

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Seek for Content {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

impl Source for Content {
    fn size(&self) -> io::Result<u64> {
        self.0.metadata().map(|metadata| metadata.len())
    }
}
