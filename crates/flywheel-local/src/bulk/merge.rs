//! Putting a container below another one, where one of the same label may be already: then both become one, level by level.

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::{
    access_log,
    error::ApiResult,
    files::moving,
    kind::Kind,
    store::{
        containers::{self, Container},
        files,
    },
    uploads::child_by_label,
};

/// What is done where a label is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// The container stays where it is.
    Skip,
    /// Both become one.
    Move,
    /// Nothing is done at all; conflicts are told.
    Dry,
}

impl Mode {
    /// The mode of this name.
    pub(super) fn read(name: &str) -> Self {
        match name {
            "move" => Self::Move,
            "dry" => Self::Dry,
            _ => Self::Skip,
        }
    }
}

/// Moves containers and gathers the conflicts.
pub(super) struct Mover<'a> {
    pub(super) db: &'a Connection,
    pub(super) mode: Mode,
    pub(super) conflicts: Vec<Value>,
}

impl Mover<'_> {
    /// Puts a container below `to`, its new parent.
    pub(super) fn put(&mut self, container: Container, to: &Container) -> ApiResult<()> {
        let taken = child_by_label(self.db, &to.id, container.kind, container.label())?;
        if container.ancestor(to.kind) == Some(&to.id) {
            return Ok(());
        }
        match taken {
            Some(taken) => {
                self.tell(&container, &taken)?;
                if self.mode == Mode::Move { self.merge(container, &taken) } else { Ok(()) }
            }
            None if self.mode == Mode::Dry => Ok(()),
            None => reparent(self.db, container, to),
        }
    }

    /// Puts what is in a container into another one of its kind. What finds no room, a file whose name is taken, stays;
    /// when nothing does, the container goes.
    pub(super) fn merge(&mut self, container: Container, into: &Container) -> ApiResult<()> {
        if let Some(kind) = container.kind.child() {
            for child in containers::children(self.db, &container.id, kind)? {
                self.put(child, into)?;
            }
        }
        if self.mode == Mode::Dry {
            return Ok(());
        }
        for file in files::of_container(self.db, &container.id)? {
            if files::by_name(self.db, &into.id, file.text("name"))?.is_none() {
                moving::rewrite(self.db, &file, &container, into, file.text("name"))?;
            }
        }
        for mut analysis in containers::children(self.db, &container.id, Kind::Analysis)? {
            analysis.doc.insert("parent".into(), into.reference());
            reparent(self.db, analysis, into)?;
        }
        containers::touch(self.db, &into.id)?;
        remove_empty(self.db, &container)
    }

    fn tell(&mut self, container: &Container, taken: &Container) -> ApiResult<()> {
        let subject =
            container.ancestor(Kind::Subject).map(|id| containers::find(self.db, id)).transpose()?;
        let code = subject.flatten().map(|subject| subject.label().to_owned());
        self.conflicts.push(json!({
            "move_type": [container.kind.singular()], "id": container.id, "conflict_with": taken.reference(),
            "conflict_label": taken.label(), "label": container.label(), "subject_code": code,
        }));
        Ok(())
    }
}

fn reparent(db: &Connection, mut container: Container, to: &Container) -> ApiResult<()> {
    let before = container.clone();
    container.doc.insert("parents".into(), to.parents_of_child());
    containers::save(db, &mut container)?;
    containers::rebase_tree(db, &container)?;
    access_log::container_moved(db, &before, &container)
}

/// Deletes a container in which nothing is left.
pub(super) fn remove_empty(db: &Connection, container: &Container) -> ApiResult<()> {
    let kinds = [container.kind.child(), Some(Kind::Analysis)];
    for kind in kinds.into_iter().flatten() {
        if containers::count_children(db, &container.id, kind)? > 0 {
            return Ok(());
        }
    }
    if files::of_container(db, &container.id)?.is_empty() {
        containers::delete_tree(db, &container.id)?;
    }
    Ok(())
}
