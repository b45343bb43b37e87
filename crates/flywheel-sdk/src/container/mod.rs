//! Containers as values: what each kind holds, what stands above and below it, and what can be done with it.
//!
//! A container derefs to its document, so every field the API knows is at hand (`session.timezone`), and the fields that a
//! newer site adds are in its `extra`. What is nearly always wanted has a method that needs no unwrapping: `id()`, `label()`,
//! `created_at()`.
//!
//! | from | down | up |
//! |---|---|---|
//! | [`Group`] | `projects()`, `add_project(..)` | |
//! | [`Project`] | `subjects()`, `sessions()`, `acquisitions()`, `add_subject(..)`, `add_session(..)` | `group()` |
//! | [`Subject`] | `sessions()`, `acquisitions()`, `add_session(..)` | `project()`, `group()` |
//! | [`Session`] | `acquisitions()`, `add_acquisition(..)` | `subject()`, `project()`, `group()` |
//! | [`Acquisition`] | | `session()`, `subject()`, `project()`, `group()` |
//! | [`Analysis`] | `inputs()`, `files()` | `parent()` |
//! | [`Collection`] | `sessions()`, `acquisitions()`, `add_sessions(..)` | |
//!
//! All but groups have `files()`, `file(name)`, `info()`, `notes()`; all have `tags()`, `update()`, `reload()`, `delete()`;
//! those of the hierarchy have `analyses()` and `add_analysis(..)`.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let site = flywheel_local::Site::builder().open().await?;
//! # let running = site.listen(([127, 0, 0, 1], 0).into()).await?;
//! # let fw = flywheel::Client::new(running.api_key())?;
//! # let project = fw.add_group("neuro", "Neuro Lab").await?.add_project("Color Study").await?;
//! # project.add_subject("sub-01").await?.add_session("baseline").age(flywheel::Age::from_years(31.5).seconds()).await?;
//! let project = fw.projects().filter("label=\"Color Study\"").find_one().await?;
//! for session in project.sessions().await? {
//!     let subject = session.subject().await?;
//!     println!("{} {} at {:?} years", subject.label(), session.label(), session.age_years());
//!     # assert_eq!((subject.label(), session.age_years()), ("sub-01", Some(31.5)));
//! }
//! # Ok(())
//! # }
//! ```

mod acquisition;
mod analysis;
mod collection;
mod group;
mod project;
mod session;
mod subject;

pub use acquisition::Acquisition;
pub use analysis::Analysis;
pub use collection::Collection;
pub use group::Group;
pub use project::Project;
pub use session::Session;
pub use subject::Subject;

use flywheel_api::types::FileOutput;

use crate::{
    Client, Error, ErrorKind, File, Request, Resource, call::Call, resource, resource::sealed::Parts,
};

/// Files of a container, each knowing where it stands even when the document does not say.
pub(crate) fn files_of(client: &Client, parent: &crate::ContainerRef, files: Vec<FileOutput>) -> Vec<File> {
    files
        .into_iter()
        .map(|mut file| {
            file.parent_ref.get_or_insert_with(|| flywheel_api::types::ContainerReference {
                id: Some(parent.id.clone()),
                type_: Some(parent.kind.to_string()),
                ..Default::default()
            });
            File::from_parts(client.clone(), file)
        })
        .collect()
}

/// Reads a container and picks files out of its document.
pub(crate) fn read_files<C: Resource>(
    container: &C,
    pick: impl FnOnce(C::Model) -> Option<Vec<FileOutput>> + Send + 'static,
) -> Request<'static, Vec<File>> {
    let (client, parent) = (container.client().clone(), container.reference());
    resource::get::<C>(&client.clone(), container.id()).map(move |container| {
        Ok(files_of(&client, &parent, pick(container.into_model()).unwrap_or_default()))
    })
}

/// One file of a container, by its name.
pub(crate) fn read_file<C: Resource>(
    container: &C,
    name: &str,
    pick: impl FnOnce(C::Model) -> Option<Vec<FileOutput>> + Send + 'static,
) -> Request<'static, File> {
    let (client, parent, name) = (container.client().clone(), container.reference(), name.to_owned());
    let routed = C::KIND.routes().file.filter(|_| !name.contains('/'));
    let Some(operation) = routed else {
        // A name with a slash has no route of its own.
        return read_files(container, pick).map(move |files| {
            files.into_iter().find(|file| file.name() == name).ok_or_else(|| no_file(&parent, &name))
        });
    };
    let call = Call::new(operation).at(container.id()).at(name);
    Request::new(&client.clone(), move |raw| async move {
        let found: FileOutput = call.send(&raw).await?;
        files_of(&client, &parent, vec![found]).pop().ok_or_else(|| no_file(&parent, ""))
    })
}

fn no_file(parent: &crate::ContainerRef, name: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("no file {name:?} in {parent}"))
}

/// The container above, by an id that the document holds.
pub(crate) fn above<C: Resource>(
    client: &Client,
    below: &crate::ContainerRef,
    id: Option<&str>,
) -> Request<'static, C> {
    match id {
        Some(id) if !id.is_empty() => resource::get(client, id),
        _ => Request::failed(
            client,
            Error::new(ErrorKind::Invalid, format!("the document of {below} does not say its {}", C::KIND))
                .with_hint("Call reload()."),
        ),
    }
}

/// Defines what a container of one kind can do, feature by feature.
macro_rules! container {
    ($name:ident: $($feature:ident)*) => {
        impl $name {
            /// Its label; empty when it has none.
            pub fn label(&self) -> &str {
                self.label.as_deref().unwrap_or_default()
            }

            /// When it was made.
            pub fn created_at(&self) -> Option<$crate::Moment> {
                $crate::Moment::of(self.created.as_ref(), None)
            }

            /// When it, or anything it holds, was last changed.
            pub fn modified_at(&self) -> Option<$crate::Moment> {
                $crate::Moment::of(self.modified.as_ref(), None)
            }

            /// Other values for some fields.
            pub fn update(&mut self) -> $crate::edit::Update<'_, Self> {
                $crate::edit::Update::new(self)
            }

            /// Deletes it, with everything below it.
            pub fn delete(self) -> $crate::edit::Delete<Self> {
                $crate::edit::Delete::new(&self)
            }

            /// Its tags, to be changed.
            pub fn tags(&mut self) -> $crate::edit::Tags<'_, Self> {
                $crate::edit::Tags::new(self)
            }
        }

        impl $crate::edit::Tagged for $name {
            fn tags_mut(&mut self) -> &mut Vec<String> {
                $crate::resource::sealed::Parts::model_mut(self).tags.get_or_insert_default()
            }
        }

        impl $crate::edit::Update<'_, $name> {
            /// Another label.
            pub fn label(self, label: impl Into<String>) -> Self {
                let label: String = label.into();
                self.set("label", label)
            }
        }

        $($crate::container::container_feature!($feature $name);)*
    };
}

/// One feature of [`container!`].
macro_rules! container_feature {
    (info $name:ident) => {
        $crate::container::info_methods!($name);

        impl $crate::edit::Described for $name {
            $crate::container::info_access!();

            fn info_exists(&self) -> Option<bool> {
                self.info_exists
            }

            fn set_info(&mut self, info: serde_json::Map<String, serde_json::Value>) {
                let model = $crate::resource::sealed::Parts::model_mut(self);
                model.info_exists = Some(!info.is_empty());
                model.info = Some(info.into());
            }
        }
    };
    (unmarked_info $name:ident) => {
        $crate::container::info_methods!($name);

        impl $crate::edit::Described for $name {
            $crate::container::info_access!();

            fn info_exists(&self) -> Option<bool> {
                self.extra.get("info_exists").and_then(serde_json::Value::as_bool)
            }

            fn set_info(&mut self, info: serde_json::Map<String, serde_json::Value>) {
                let model = $crate::resource::sealed::Parts::model_mut(self);
                if !model.extra.is_empty() {
                    model.extra.shift_remove("info_exists");
                }
                model.info = Some(info.into());
            }
        }
    };
    (notes $name:ident) => {
        impl $name {
            /// Its notes, to be changed.
            pub fn notes(&mut self) -> $crate::edit::Notes<'_, Self> {
                $crate::edit::Notes::new(self)
            }
        }

        impl $crate::edit::Noted for $name {
            fn notes_mut(&mut self) -> &mut Vec<flywheel_api::types::Note> {
                $crate::resource::sealed::Parts::model_mut(self).notes.get_or_insert_default()
            }
        }
    };
    (files $name:ident) => {
        impl $name {
            /// The files that hang on this very container, read anew.
            pub fn files(&self) -> $crate::Request<'static, Vec<$crate::File>> {
                $crate::container::read_files(self, |model| model.files)
            }

            /// The files that the document at hand has: all of them after a single read, with their free metadata.
            pub fn loaded_files(&self) -> Vec<$crate::File> {
                let files = self.files.clone().unwrap_or_default();
                $crate::container::files_of(&self.client, &self.reference(), files)
            }

            /// The file with this name.
            ///
            /// # Errors
            /// [`NotFound`]($crate::ErrorKind::NotFound) when there is none.
            pub fn file(&self, name: &str) -> $crate::Request<'static, $crate::File> {
                $crate::container::read_file(self, name, |model| model.files)
            }
        }
    };
    (tree $name:ident) => {
        impl $name {
            /// The files of this container and of everything below it.
            pub fn all_files(&self) -> $crate::Finder<$crate::File> {
                let path = format!("parents.{}", <Self as $crate::Resource>::KIND);
                $crate::Finder::all(&self.client).filter(flywheel_core::filter::field(path).eq(self.id()))
            }

            /// Its analyses.
            pub fn analyses(&self) -> $crate::Finder<$crate::Analysis> {
                let routes = <Self as $crate::Resource>::KIND.routes();
                let operation =
                    routes.analyses.expect("what stands in the tree has analyses, as the table shows");
                $crate::Finder::over(&self.client, operation, vec![self.id().to_owned()])
            }

            /// The analyses that the document at hand has: all of them after a single read, none in a row of a list.
            pub fn loaded_analyses(&self) -> Vec<$crate::Analysis> {
                let analyses = self.analyses.clone().unwrap_or_default().into_iter();
                analyses
                    .map(|model| $crate::resource::sealed::Parts::from_parts(self.client.clone(), model))
                    .collect()
            }

            /// A new analysis of it, to put results into.
            pub fn add_analysis(&self, label: impl Into<String>) -> $crate::edit::Create<$crate::Analysis> {
                let routes = <Self as $crate::Resource>::KIND.routes();
                let operation =
                    routes.add_analysis.expect("what stands in the tree has analyses, as the table shows");
                let label: String = label.into();
                $crate::edit::Create::new(&self.client, operation, self.analyses().labelled(&label))
                    .at(self.id())
                    .set("label", label)
            }
        }
    };
    (scanned $name:ident) => {
        impl $name {
            /// When it was recorded, with the zone it was recorded in where that is known.
            pub fn recorded_at(&self) -> Option<$crate::Moment> {
                $crate::Moment::of(self.timestamp.as_ref(), self.timezone.as_deref())
            }
        }
    };
}

macro_rules! info_methods {
    ($name:ident) => {
        impl $name {
            /// Its free metadata, to be changed.
            pub fn info(&mut self) -> $crate::edit::Info<'_, Self> {
                $crate::edit::Info::new(self)
            }

            /// A value out of its free metadata, by JSON pointer (`/qc/snr`); the empty pointer is all of it. `None` when
            /// there is nothing there, or null.
            ///
            /// # Errors
            /// [`Invalid`]($crate::ErrorKind::Invalid) when the metadata was not read because this comes out of a list,
            /// [`Decode`]($crate::ErrorKind::Decode) when what is there has another type.
            pub fn info_at<T: serde::de::DeserializeOwned>(
                &self,
                pointer: &str,
            ) -> $crate::Result<Option<T>> {
                $crate::edit::info_at(self, pointer)
            }
        }
    };
}

macro_rules! info_access {
    () => {
        fn info_map(&self) -> Option<&serde_json::Map<String, serde_json::Value>> {
            self.info.as_ref().and_then($crate::edit::InfoForm::as_map)
        }
    };
}

/// Defines the ways up from a kind.
macro_rules! ancestors {
    ($name:ident: $($field:ident $above:ident),*) => {
        impl $name {
            $(
                #[doc = concat!("The ", stringify!($field), " above it.")]
                pub fn $field(&self) -> $crate::Request<'static, $crate::$above> {
                    let id = self.parents.as_ref().and_then(|parents| parents.$field.as_deref());
                    $crate::container::above(&self.client, &self.reference(), id)
                }
            )*
        }
    };
}

pub(crate) use {ancestors, container, container_feature, info_access, info_methods};
