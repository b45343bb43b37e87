//! The actions that roles grant, and which of the built-in roles grants each.

use super::Access;

macro_rules! actions {
    ($($name:ident = $text:literal, $access:ident;)*) => {
        /// Something that a role may allow in a project.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(crate) enum Action { $(#[doc = $text] $name,)* }

        impl Action {
            /// Every action.
            pub(crate) const ALL: &[Action] = &[$(Action::$name),*];

            /// As roles write it.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Action::$name => $text,)* }
            }

            /// The least of the built-in roles that grants it.
            pub(crate) const fn least(self) -> Access {
                match self { $(Action::$name => Access::$access,)* }
            }
        }
    };
}

actions! {
    ContainersViewMetadata = "containers_view_metadata", Ro;
    ContainersCreateHierarchy = "containers_create_hierarchy", Rw;
    ContainersModifyMetadata = "containers_modify_metadata", Rw;
    ContainersDeleteHierarchy = "containers_delete_hierarchy", Rw;
    ContainersDeleteProject = "containers_delete_project", Admin;
    CopyByReference = "copy_by_reference", Admin;
    AnalysesViewMetadata = "analyses_view_metadata", Ro;
    AnalysesCreateSdk = "analyses_create_sdk", Rw;
    AnalysesCreateJob = "analyses_create_job", Rw;
    AnalysesModifyMetadata = "analyses_modify_metadata", Rw;
    AnalysesDelete = "analyses_delete", Rw;
    FilesViewMetadata = "files_view_metadata", Ro;
    FilesViewContents = "files_view_contents", Ro;
    FilesDownload = "files_download", Ro;
    FilesCreateBulk = "files_create_bulk", Rw;
    FilesCreateSingle = "files_create_single", Rw;
    FilesModifyMetadata = "files_modify_metadata", Rw;
    FilesMove = "files_move", Rw;
    FilesDeleteNonDeviceData = "files_delete_non_device_data", Rw;
    FilesDeleteDeviceData = "files_delete_device_data", Admin;
    TagsView = "tags_view", Ro;
    TagsManage = "tags_manage", Rw;
    NotesView = "notes_view", Ro;
    NotesManage = "notes_manage", Rw;
    ProjectPermissionsView = "project_permissions_view", Ro;
    ProjectPermissionsManage = "project_permissions_manage", Admin;
    ProjectSharingManage = "project_sharing_manage", Admin;
    GearRulesView = "gear_rules_view", Ro;
    GearRulesManage = "gear_rules_manage", Admin;
    DataViewsView = "data_views_view", Ro;
    DataViewsManage = "data_views_manage", Rw;
    SessionTemplatesView = "session_templates_view", Ro;
    SessionTemplatesManage = "session_templates_manage", Admin;
    JobsView = "jobs_view", Ro;
    JobsManage = "jobs_manage", Rw;
    JobsManageOthers = "jobs_manage_others", Admin;
    SettingsModify = "settings_modify", Admin;
    SettingsView = "settings_view", Ro;
    ReaderTaskAdmin = "reader_task_admin", Admin;
    ReaderTaskView = "reader_task_view", Ro;
    AnnotationsManage = "annotations_manage", Rw;
    AnnotationsViewOthers = "annotations_view_others", Ro;
    AnnotationsEditOthers = "annotations_edit_others", Admin;
    AnnotationsDeleteOthers = "annotations_delete_others", Admin;
    FormAdmin = "form_admin", Admin;
    FormResponsesManage = "form_responses_manage", Rw;
    FormResponsesViewOthers = "form_responses_view_others", Ro;
    FormResponsesEditOthers = "form_responses_edit_others", Admin;
    ImportsManage = "imports_manage", Admin;
    ExportsManage = "exports_manage", Admin;
    JupyterlabServersRead = "jupyterlab_servers_read", Ro;
    JupyterlabServersLaunch = "jupyterlab_servers_launch", Rw;
    JupyterlabServersCreate = "jupyterlab_servers_create", Admin;
    JupyterlabServersModify = "jupyterlab_servers_modify", Admin;
    JupyterlabServersDelete = "jupyterlab_servers_delete", Admin;
    AuditTrailReportsManage = "audit_trail_reports_manage", Admin;
    AuditTrailReportsView = "audit_trail_reports_view", Admin;
    TasksView = "tasks_view", Ro;
    TasksCreate = "tasks_create", Admin;
    TasksModify = "tasks_modify", Rw;
    TasksAssign = "tasks_assign", Admin;
    TasksReportCreate = "tasks_report_create", Admin;
    TasksReportDelete = "tasks_report_delete", Admin;
    TasksReportRead = "tasks_report_read", Admin;
    MalwareFindingsView = "malware_findings_view", Admin;
}

impl Action {
    /// The action of this name.
    pub(crate) fn parse(name: &str) -> Option<Action> {
        Self::ALL.iter().copied().find(|action| action.name() == name)
    }

    /// Whether it only looks, or takes copies away: what a locked project still lets through.
    pub(crate) const fn only_reads(self) -> bool {
        use Action::{
            AnalysesViewMetadata, AnnotationsViewOthers, AuditTrailReportsManage, AuditTrailReportsView,
            ContainersViewMetadata, DataViewsView, ExportsManage, FilesDownload, FilesViewContents,
            FilesViewMetadata, FormResponsesViewOthers, GearRulesView, JobsView, JupyterlabServersRead,
            MalwareFindingsView, NotesView, ProjectPermissionsView, ReaderTaskView, SessionTemplatesView,
            SettingsView, TagsView, TasksReportRead, TasksView,
        };
        matches!(
            self,
            AnalysesViewMetadata
                | AnnotationsViewOthers
                | AuditTrailReportsManage
                | AuditTrailReportsView
                | ContainersViewMetadata
                | DataViewsView
                | ExportsManage
                | FilesDownload
                | FilesViewContents
                | FilesViewMetadata
                | FormResponsesViewOthers
                | GearRulesView
                | JobsView
                | JupyterlabServersRead
                | MalwareFindingsView
                | NotesView
                | ProjectPermissionsView
                | ReaderTaskView
                | SessionTemplatesView
                | SettingsView
                | TagsView
                | TasksReportRead
                | TasksView
        )
    }
}

/// A set of actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ActionSet(u128);

impl ActionSet {
    /// What the built-in role of this level grants.
    pub(crate) fn of_access(access: Access) -> Self {
        Action::ALL
            .iter()
            .filter(|action| action.least() <= access)
            .fold(Self::default(), |set, &action| set.with(action))
    }

    /// With one more.
    pub(crate) const fn with(self, action: Action) -> Self {
        Self(self.0 | 1 << action as u32)
    }

    /// With the action of this name; unknown names grant nothing.
    pub(crate) fn with_name(self, name: &str) -> Self {
        Action::parse(name).map_or(self, |action| self.with(action))
    }

    /// Whether the action is among them.
    pub(crate) const fn has(self, action: Action) -> bool {
        self.0 & (1 << action as u32) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_grant_more_as_they_rise() {
        let [ro, rw, admin] = [Access::Ro, Access::Rw, Access::Admin].map(ActionSet::of_access);
        assert!(Action::ALL.iter().all(|&action| admin.has(action)));
        assert!(rw.has(Action::TagsManage) && !ro.has(Action::TagsManage));
        assert!(!rw.has(Action::FilesDeleteDeviceData) && !rw.has(Action::ContainersDeleteProject));
        assert!(Action::ALL.iter().all(|&action| !ro.has(action) || rw.has(action)));
    }

    #[test]
    fn a_name_leads_to_its_action_and_an_unknown_one_to_nothing() {
        for &action in Action::ALL {
            assert!(ActionSet::default().with_name(action.name()).has(action));
        }
        assert_eq!(ActionSet::default().with_name("fly"), ActionSet::default());
    }
}
