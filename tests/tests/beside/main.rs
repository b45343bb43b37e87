//! Common tasks, written once for the official Python client and once for the ergonomic crate: both work on the same
//! site, on data made equally, and must give the same result and leave the same state.
//!
//! The Python half of a topic is `tests/beside/TOPIC.py`, the Rust half the module here; a task has one name in both.

#![allow(clippy::unwrap_used)]

mod files;
mod finding;
mod making;
mod people;
mod same;
mod tables;
mod task;
mod work;

use std::fmt::Write as _;

use flywheel_tests::python;
use flywheel_tests::site::LocalSite;
use serde_json::{Value, json};

use task::{Side, Work};

macro_rules! topics {
    ($($topic:ident: $($name:ident),* $(,)?;)*) => {
        $(
            #[test]
            fn $topic() {
                compare(stringify!($topic), &[$((stringify!($name), $topic::$name)),*]);
            }
        )*

        const TASKS: &[&str] = &[$($(concat!(stringify!($topic), "::", stringify!($name))),*),*];
    };
}

topics! {
    finding:
        look_up, resolve_a_path, filter_with_every_operator, find_one_or_none, walk_all, find_by_age_and_sex, search_files,
        search_every_type, tree_query, print_hierarchy, read_parents, ask_for_what_is_missing;
    making:
        add_containers, update_fields, change_info, change_tags, write_notes, tell_times_and_ages, move_a_session,
        copy_a_subject, delete_with_a_reason, curate_a_collection;
    files:
        upload_and_describe, download_bytes, read_zip_members, change_file_info, classify, keep_versions,
        move_a_file, download_an_archive;
    tables:
        read_rows, write_csv, read_files_through_a_view, group_rows, save_a_view;
    people:
        grant_roles, manage_roles, manage_users, use_permission_templates, read_reports;
    work:
        add_gears, run_jobs, run_batches, add_rules, attach_analyses, restrict_gears, save_searches;
}

#[test]
fn there_are_tasks_enough() {
    assert!(TASKS.len() >= 30, "{}", TASKS.len());
}

/// Runs both halves of a topic and compares them, task by task.
fn compare(topic: &str, tasks: &[(&str, Work)]) {
    let site = LocalSite::start();
    let names: Vec<&str> = tasks.iter().map(|(name, _)| *name).collect();
    let (theirs, ours) = (Side::make(&site, "python", &names), Side::make(&site, "rust", &names));
    let Some(answers) = python::answer(&python::SDK_23, topic, &site, &theirs.document(&site)) else {
        return;
    };
    assert_eq!(
        answers.as_object().map_or(0, serde_json::Map::len),
        tasks.len(),
        "{topic}.py has other tasks"
    );
    let mut apart = String::new();
    for (name, work) in tasks {
        let result = work(&ours.task(&site, name)).unwrap_or_else(|error| panic!("{topic}::{name}: {error}"));
        assert_ne!(result, Value::Null, "{name} shows nothing");
        let expected =
            same::normal("python", &json!({"result": answers[*name], "state": theirs.state(&site, name)}));
        let got = same::normal("rust", &json!({"result": result, "state": ours.state(&site, name)}));
        if got != expected {
            let _ = writeln!(apart, "{name}:\n{}", same::differences(&got, &expected));
        }
    }
    assert!(apart.is_empty(), "{topic}, Rust against Python:\n{apart}");
}
