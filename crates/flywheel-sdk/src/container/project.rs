//! Projects: studies, the level at which permissions are given.

use flywheel_api::OperationId;
use serde_json::json;

use super::{ancestors, container};
use crate::{
    Acquisition, Finder, Session, Subject,
    edit::{Create, Delete, PermissionRoutes, Permissions, Roles, fields},
    resource::resource,
};

resource! {
    /// A study.
    Project: ProjectOutput, cursor id
}

container!(Project: info notes files tree);
ancestors!(Project: group Group);

fields!(Project {
    /// What it is about.
    description: String,
    /// Whether others may copy it.
    copyable: bool,
    /// The group it belongs to, by id; another one moves it.
    group: String,
});

impl Create<Project> {
    /// Whether the project begins with the permissions of its group's template, as it does unless told otherwise; without,
    /// its maker alone has one.
    pub fn inherit_permissions(self, yes: bool) -> Self {
        self.parameter("inherit", yes)
    }
}

impl Delete<Project> {
    /// Whether the site answers at once and deletes afterwards, as large projects want it;
    /// [`delete_status`](Project::delete_status) of a copy then tells how far it is.
    pub fn in_background(self, yes: bool) -> Self {
        self.parameter("background", yes)
    }
}

impl Project {
    /// Its subjects.
    pub fn subjects(&self) -> Finder<Subject> {
        Finder::over(&self.client, OperationId::GetProjectSubjects, vec![self.id().to_owned()])
    }

    /// The sessions of all its subjects.
    pub fn sessions(&self) -> Finder<Session> {
        Finder::over(&self.client, OperationId::GetProjectSessions, vec![self.id().to_owned()])
    }

    /// The acquisitions of all its sessions.
    pub fn acquisitions(&self) -> Finder<Acquisition> {
        Finder::over(&self.client, OperationId::GetProjectAcquisitions, vec![self.id().to_owned()])
    }

    /// A new subject in it. Labels of subjects are unique in a project.
    pub fn add_subject(&self, label: impl Into<String>) -> Create<Subject> {
        let label: String = label.into();
        Create::new(&self.client, OperationId::AddSubject, self.subjects().labelled(&label))
            .set("project", self.id())
            .set("label", label)
    }

    /// A new session of the subject with this label, which is made where there is none, in one call.
    pub fn add_session(&self, subject: impl Into<String>, label: impl Into<String>) -> Create<Session> {
        let (subject, label): (String, String) = (subject.into(), label.into());
        let of_subject = flywheel_core::filter::field("subject.label").eq(subject.as_str());
        let same = self.sessions().labelled(&label).filter(of_subject);
        Create::new(&self.client, OperationId::AddSession, same)
            .set("project", self.id())
            .set("subject", json!({"label": subject}))
            .set("label", label)
    }

    /// Who has which roles in it, to be changed.
    pub fn permissions(&mut self) -> Permissions<'_, Self, Roles> {
        let routes = PermissionRoutes {
            get: OperationId::GetProjectUserPermission,
            add: OperationId::AddProjectPermission,
            modify: OperationId::ModifyProjectUserPermission,
            delete: OperationId::DeleteProjectUserPermission,
            field: "role_ids",
        };
        Permissions::new(self, routes)
    }
}
