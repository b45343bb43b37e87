//! How transfers start: the methods of files, containers and the client.

use std::sync::Arc;

use flywheel_api::types::FileOutput;
use futures::TryStreamExt;
use serde_json::Value;
use sha2::{Digest, Sha384};

use super::{
    Archive, Callbacks, Download, Recorded, Source, Upload, Zip,
    download::{Expected, FileAt},
    zip::zip_info,
};
use crate::{
    Acquisition, Analysis, Client, Collection, ContainerRef, Error, ErrorKind, File, Group, Project, Request,
    Resource, Result, Session, Subject, container::files_of, resource::unsupported,
};

impl File {
    /// Its bytes, of the version at hand.
    ///
    /// ```no_run
    /// # async fn run(file: flywheel::File) -> flywheel::Result<()> {
    /// let done = file.download().to_path("t1.nii.gz").await?;
    /// assert_eq!(done.size, file.size());
    /// # Ok(())
    /// # }
    /// ```
    pub fn download(&self) -> Download {
        Download::file(self.client(), self.place())
    }

    /// What is inside, if it is a zip file.
    ///
    /// ```no_run
    /// # async fn run(file: flywheel::File) -> flywheel::Result<()> {
    /// for member in file.zip().await?.members {
    ///     let bytes = file.zip_member(&member.path).bytes().await?;
    ///     assert_eq!(bytes.len() as u64, member.size);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn zip(&self) -> Request<'static, Zip> {
        zip_info(self.client(), self.place())
    }

    /// One member of it, if it is a zip file: by its path inside, as [`zip`](Self::zip) lists it.
    pub fn zip_member(&self, path: &str) -> Download {
        Download::zip_member(self.client(), self.place(), path)
    }

    fn place(&self) -> Result<FileAt> {
        let model = self.model();
        Ok(FileAt {
            container: self.parent_ref()?,
            name: self.name().to_owned(),
            id: Some(self.id().to_owned()),
            expected: Expected {
                size: model.size.and_then(|size| u64::try_from(size).ok()),
                hash: model.hash.clone(),
                version: Some(i64::from(self.version())).filter(|version| *version > 0),
            },
        })
    }
}

/// Uploads files to a container of which no more is known than what and where it is.
pub(crate) fn upload_to(client: &Client, parent: ContainerRef, sources: Vec<Source>) -> Upload<Vec<File>> {
    let operation = parent.kind.routes().upload.ok_or_else(|| unsupported(parent.kind, "upload files to"));
    Upload::new(client, operation, vec![parent.id.clone()], sources, move |client, stored| {
        Ok(files_of(client, &parent, stored_files(stored)?))
    })
}

/// The documents of stored files.
pub(super) fn stored_files(stored: Vec<Value>) -> Result<Vec<FileOutput>> {
    let read = |mut file: Value| {
        // Routes that place files by name give the id of the stored version as an object.
        if let Some(document) =
            file.as_object_mut().filter(|document| document.get("_id").is_some_and(Value::is_object))
        {
            document.shift_remove("_id");
        }
        serde_json::from_value(file)
    };
    let files: Result<Vec<FileOutput>, _> = stored.into_iter().map(read).collect();
    files.map_err(|_| unclear("what the site says of the stored files has another form than described"))
}

/// The site did not say which file it stored.
pub(crate) fn unnamed() -> Error {
    unclear("the site does not say which file it stored")
}

/// Whether a file on the site has the bytes of `source`, as far as the recorded hash can tell.
pub(crate) async fn same_content(file: &File, source: &Source) -> Result<bool> {
    let Some(recorded) = file.hash.as_deref().and_then(Recorded::read) else { return Ok(false) };
    let ready = source.clone().prepare().await?;
    if ready.length != file.size() {
        return Ok(false);
    }
    let mut bytes = ready.open(0..ready.length, &Arc::default(), &Callbacks::default().reporter());
    let mut hasher = Sha384::new();
    while let Some(chunk) = bytes.try_next().await? {
        hasher.update(&chunk);
    }
    Ok(recorded.check(hasher).is_ok())
}

fn unclear(message: &str) -> Error {
    Error::new(ErrorKind::Decode, message).with_may_have_executed(true)
}

/// Defines the transfers of containers with files.
macro_rules! uploads {
    ($($name:ident)*) => {$(
        impl $name {
            /// Uploads one file. One of the same name gets a new version.
            ///
            /// ```no_run
            #[doc = concat!("# async fn run(container: flywheel::", stringify!($name), ") -> flywheel::Result<()> {")]
            /// use flywheel::Source;
            ///
            /// let file = container.upload(Source::path("qc/report.json").tags(["qc"])).await?;
            /// println!("version {}", file.version());
            /// # Ok(())
            /// # }
            /// ```
            pub fn upload(&self, source: impl Into<Source>) -> Upload<File> {
                upload_to(self.client(), self.reference(), vec![source.into()])
                    .map(|mut files| files.pop().ok_or_else(unnamed))
            }

            /// Uploads several files in one request.
            pub fn upload_all(&self, sources: impl IntoIterator<Item = impl Into<Source>>) -> Upload<Vec<File>> {
                let sources = sources.into_iter().map(Into::into).collect();
                upload_to(self.client(), self.reference(), sources)
            }

            /// The bytes of the file with this name, in one request. What else is known of it, and its earlier versions, come
            /// with [`file`](Self::file).
            ///
            /// ```no_run
            #[doc = concat!("# async fn run(container: flywheel::", stringify!($name), ") -> flywheel::Result<()> {")]
            /// let report = container.download("report.json").bytes().await?;
            /// container.download("t1.nii.gz").to_path("t1.nii.gz").await?;
            /// # Ok(())
            /// # }
            /// ```
            pub fn download(&self, name: &str) -> Download {
                Download::file(self.client(), Ok(FileAt::named(self.reference(), name)))
            }

            /// One member of the zip file with this name, in one request: by its path inside, as [`File::zip`] lists it.
            pub fn zip_member(&self, name: &str, path: &str) -> Download {
                Download::zip_member(self.client(), Ok(FileAt::named(self.reference(), name)), path)
            }
        }
    )*};
}

uploads!(Project Subject Session Acquisition Analysis Collection);

/// Defines the transfers of containers that can be fetched as a whole.
macro_rules! archives {
    ($($name:ident)*) => {$(
        impl $name {
            /// All files of it and below it, as one tar or zip.
            pub fn archive(&self) -> Archive {
                Archive::new(self.client(), [self.reference()])
            }
        }
    )*};
}

archives!(Group Project Subject Session Acquisition Analysis);

impl Client {
    /// All files of several containers and below them, as one tar or zip.
    pub fn archive(&self, containers: impl IntoIterator<Item = ContainerRef>) -> Archive {
        Archive::new(self, containers)
    }
}
