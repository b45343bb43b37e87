//! The kinds of things a site holds, and which operation does what to each.

use std::{fmt, str::FromStr};

use flywheel_api::OperationId;
use serde::{Deserialize, Serialize};

/// What sort of thing something is: the value of `container_type` and of the `type` in references.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A lab or department.
    Group,
    /// A study.
    Project,
    /// A person, an animal or a phantom.
    Subject,
    /// A visit.
    Session,
    /// One scan or recording.
    Acquisition,
    /// Results computed from files.
    Analysis,
    /// A selection of sessions and acquisitions across projects.
    Collection,
    /// A file of any container.
    File,
    /// A program that the site can run.
    Gear,
    /// One run of a gear.
    Job,
    /// A person with an account.
    User,
    /// A named set of permissions.
    Role,
    /// One run of a data view.
    DataViewExecution,
    /// A data view that is kept.
    SavedView,
    /// A search that is kept.
    SavedSearch,
    /// A machine that sends data.
    Device,
    /// A way files are made, with the words that classify them.
    Modality,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 17] = [
        Self::Group,
        Self::Project,
        Self::Subject,
        Self::Session,
        Self::Acquisition,
        Self::Analysis,
        Self::Collection,
        Self::File,
        Self::Gear,
        Self::Job,
        Self::User,
        Self::Role,
        Self::DataViewExecution,
        Self::SavedView,
        Self::SavedSearch,
        Self::Device,
        Self::Modality,
    ];

    /// The name on the wire, such as `acquisition`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Project => "project",
            Self::Subject => "subject",
            Self::Session => "session",
            Self::Acquisition => "acquisition",
            Self::Analysis => "analysis",
            Self::Collection => "collection",
            Self::File => "file",
            Self::Gear => "gear",
            Self::Job => "job",
            Self::User => "user",
            Self::Role => "role",
            Self::DataViewExecution => "data_view_execution",
            Self::SavedView => "view",
            Self::SavedSearch => "query",
            Self::Device => "device",
            Self::Modality => "modality",
        }
    }

    /// The name of several, as it stands in routes: `acquisitions`, `analyses`.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Group => "groups",
            Self::Project => "projects",
            Self::Subject => "subjects",
            Self::Session => "sessions",
            Self::Acquisition => "acquisitions",
            Self::Analysis => "analyses",
            Self::Collection => "collections",
            Self::File => "files",
            Self::Gear => "gears",
            Self::Job => "jobs",
            Self::User => "users",
            Self::Role => "roles",
            Self::DataViewExecution => "data_view_executions",
            Self::SavedView => "views",
            Self::SavedSearch => "queries",
            Self::Device => "devices",
            Self::Modality => "modalities",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownKind(String);

impl fmt::Display for UnknownKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no kind of container", self.0)
    }
}

impl std::error::Error for UnknownKind {}

impl FromStr for Kind {
    type Err = UnknownKind;

    /// Reads the singular or the plural.
    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        let named = |kind: &Self| kind.as_str() == text || kind.plural() == text;
        Self::ALL.into_iter().find(named).ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

impl Serialize for Kind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Points at one thing on the site: `{"type": "session", "id": "…"}`. What takes one takes the thing itself, too:
/// `gear.invoke().destination(&session)`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ContainerRef {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Its id.
    pub id: String,
}

impl ContainerRef {
    /// The reference to the thing of this kind with this id.
    pub fn new(kind: Kind, id: impl Into<String>) -> Self {
        Self { kind, id: id.into() }
    }
}

impl<C: crate::Resource> From<&C> for ContainerRef {
    fn from(thing: &C) -> Self {
        thing.reference()
    }
}

impl From<&Self> for ContainerRef {
    fn from(reference: &Self) -> Self {
        reference.clone()
    }
}

impl fmt::Display for ContainerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.id)
    }
}

/// Defines [`Routes`] and the table of them: kind by kind, which operation does what; what a kind has no operation for is
/// left out.
macro_rules! routes {
    (
        struct { $($(#[$doc:meta])* $field:ident,)* }
        $($kind:ident { $($set:ident: $operation:ident,)* })*
    ) => {
        /// The operations of one kind.
        #[derive(Clone, Copy, Debug, Default)]
        pub(crate) struct Routes {
            $($(#[$doc])* pub(crate) $field: Option<OperationId>,)*
        }

        impl Kind {
            /// The operations of this kind.
            pub(crate) fn routes(self) -> &'static Routes {
                match self {
                    $(Self::$kind => {
                        static ROUTES: Routes = {
                            let mut routes = Routes::NONE;
                            $(routes.$set = Some(OperationId::$operation);)*
                            routes
                        };
                        &ROUTES
                    })*
                }
            }
        }

        impl Routes {
            const NONE: Self = Self { $($field: None,)* };
        }
    };
}

routes! {
    struct {
        /// All of them.
        list,
        /// One of them, by id.
        get,
        /// Other values for some fields.
        modify,
        /// Away with it.
        delete,
        /// Free metadata.
        info,
        /// A list of tags added.
        add_tags,
        /// One tag added, where a list cannot be.
        add_tag,
        /// A list of tags removed.
        delete_tags,
        /// One tag removed, where a list cannot be.
        delete_tag,
        /// One tag replaced.
        rename_tag,
        /// A new note.
        add_note,
        /// Another text for a note.
        modify_note,
        /// A note removed.
        delete_note,
        /// Files sent.
        upload,
        /// A file's bytes, by name.
        download,
        /// A file's document, by name.
        file,
        /// Type and modality of a file, by name.
        modify_file,
        /// Free metadata of a file, by name.
        file_info,
        /// The analyses of it.
        analyses,
        /// A new analysis of it.
        add_analysis,
    }
    Group {
        list: GetAllGroups, get: GetGroup, modify: ModifyGroup, delete: DeleteGroup, add_tags: AddGroupTags,
        delete_tags: DeleteGroupTags, rename_tag: RenameGroupTag,
    }
    Project {
        list: GetAllProjects, get: GetProject, modify: ModifyProject, delete: DeleteProject,
        info: ModifyProjectInfo, add_tags: AddProjectTags, delete_tags: DeleteProjectTags,
        rename_tag: RenameProjectTag,
        add_note: AddProjectNote, modify_note: ModifyProjectNote, delete_note: DeleteProjectNote,
        upload: UploadFileToProject, download: DownloadFileFromProject, file: GetProjectFileInfo,
        modify_file: ModifyProjectFile, file_info: ModifyProjectFileInfo, analyses: GetProjectAnalyses,
        add_analysis: AddProjectAnalysis,
    }
    Subject {
        list: GetAllSubjects, get: GetSubject, modify: ModifySubject, delete: DeleteSubject,
        info: ModifySubjectInfo, add_tags: AddSubjectTags, delete_tags: DeleteSubjectTags,
        rename_tag: RenameSubjectTag,
        add_note: AddSubjectNote, modify_note: ModifySubjectNote, delete_note: DeleteSubjectNote,
        upload: UploadFileToSubject, download: DownloadFileFromSubject, file: GetSubjectFileInfo,
        modify_file: ModifySubjectFile, file_info: ModifySubjectFileInfo, analyses: GetSubjectAnalyses,
        add_analysis: AddSubjectAnalysis,
    }
    Session {
        list: GetAllSessions, get: GetSession, modify: ModifySession, delete: DeleteSession,
        info: ModifySessionInfo, add_tags: AddSessionTags, delete_tags: DeleteSessionTags,
        rename_tag: RenameSessionTag,
        add_note: AddSessionNote, modify_note: ModifySessionNote, delete_note: DeleteSessionNote,
        upload: UploadFileToSession, download: DownloadFileFromSession, file: GetSessionFileInfo,
        modify_file: ModifySessionFile, file_info: ModifySessionFileInfo, analyses: GetSessionAnalyses,
        add_analysis: AddSessionAnalysis,
    }
    Acquisition {
        list: GetAllAcquisitions, get: GetAcquisition, modify: ModifyAcquisition, delete: DeleteAcquisition,
        info: ModifyAcquisitionInfo, add_tags: AddAcquisitionTags, delete_tags: DeleteAcquisitionTags,
        rename_tag: RenameAcquisitionTag, add_note: AddAcquisitionNote, modify_note: ModifyAcquisitionNote,
        delete_note: DeleteAcquisitionNote, upload: UploadFileToAcquisition,
        download: DownloadFileFromAcquisition, file: GetAcquisitionFileInfo,
        modify_file: ModifyAcquisitionFile, file_info: ModifyAcquisitionFileInfo,
        analyses: GetAcquisitionAnalyses, add_analysis: AddAcquisitionAnalysis,
    }
    Analysis {
        list: GetAllAnalyses, get: GetAnalysis, modify: ModifyAnalysis, delete: DeleteAnalysis,
        info: ModifyAnalysisInfo, add_tag: AddAnalysisTag, delete_tag: DeleteAnalysisTag,
        rename_tag: RenameAnalysisTag, add_note: AddAnalysisNote, modify_note: ModifyAnalysisNote,
        delete_note: DeleteAnalysisNote, upload: UploadOutputToAnalysis, download: DownloadFileFromAnalysis,
        file: GetAnalysisOutputFile, modify_file: ModifyAnalysisFile, file_info: ModifyAnalysisFileInfo,
    }
    Collection {
        list: GetAllCollections, get: GetCollection, modify: ModifyCollection, delete: DeleteCollection,
        info: ModifyCollectionInfo, add_tags: AddCollectionTags, delete_tags: DeleteCollectionTags,
        rename_tag: RenameCollectionTag,
        add_note: AddCollectionNote, modify_note: ModifyCollectionNote, delete_note: DeleteCollectionNote,
        upload: UploadFileToCollection, download: DownloadFileFromCollection, file: GetCollectionFileInfo,
        modify_file: ModifyCollectionFile, file_info: ModifyCollectionFileInfo,
    }
    File {
        list: GetAllFiles, get: GetFile, delete: DeleteFile, add_tags: AddFileTags,
        delete_tags: DeleteFileTags,
    }
    Gear {
        list: GetAllGears, get: GetGear, delete: DeleteGear,
    }
    Job {
        list: GetAllJobs, get: GetJob, modify: ModifyJob,
    }
    User {
        list: GetAllUsers, get: GetUser, modify: ModifyUser, delete: DeleteUser,
    }
    Role {
        list: GetAllRoles, get: GetRole, modify: ModifyRole, delete: DeleteRole,
    }
    Device {
        list: GetAllDevices, get: GetDevice, modify: ModifyDevice, delete: DeleteDevice,
    }
    Modality {
        list: GetAllModalities, get: GetModality, modify: ReplaceModality, delete: DeleteModality,
    }
    DataViewExecution {
        list: GetAllDataViewExecutions, get: GetDataViewExecution, delete: DeleteViewExecution,
    }
    SavedView {
        list: GetViews, get: GetView, modify: ModifyView, delete: DeleteView,
    }
    SavedSearch {
        list: GetAllSavedSearches, get: GetSavedSearch, modify: ReplaceSearch, delete: DeleteSaveSearch,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_kind_is_read_from_its_singular_and_its_plural() {
        for kind in Kind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(kind.plural().parse(), Ok(kind));
        }
        assert!("tricorder".parse::<Kind>().unwrap_err().to_string().contains("tricorder"));
    }

    #[test]
    fn operations_of_a_kind_live_under_its_route() {
        for kind in Kind::ALL {
            let routes = kind.routes();
            for operation in [routes.list, routes.get, routes.modify, routes.delete, routes.info] {
                let Some(operation) = operation else { continue };
                let path = operation.operation().path;
                assert!(path.split('/').any(|part| part == kind.plural()), "{path}");
            }
            assert!(routes.list.is_some() && routes.get.is_some());
        }
    }
}
