//! The official clients: one test for each program of `tests/conformance` and each release that it is for.

use std::collections::BTreeSet;

use flywheel_tests::python;

macro_rules! programs {
    ($($name:ident),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                python::run(&python::SDK_23, stringify!($name));
            }
        )*

        const PROGRAMS: &[&str] = &[$(stringify!($name)),*];
    };
}

programs![
    analyses,
    archives,
    connect,
    containers,
    copies,
    csv_reports,
    curation,
    devices,
    every_builder,
    every_finder,
    every_helper,
    every_kind,
    every_site_call,
    every_spelling,
    exceptions,
    file_info_classification,
    file_zip,
    files,
    finders_operators,
    finders_paging,
    gears,
    hierarchy_print,
    info_tags_notes,
    jobs,
    list_options,
    moves,
    parallel_uploads,
    permissions,
    quality_flags,
    reports,
    resolve_lookup,
    search,
    site_admin,
    templates,
    timestamps_ages,
    tree,
    unicode_names,
    uploads,
    views,
    workflows,
];

/// Programs that upload, once more on a site that asks for signed uploads.
mod signed {
    use flywheel_tests::python;

    macro_rules! signed {
        ($($name:ident),* $(,)?) => {
            $(
                #[test]
                fn $name() {
                    python::run_signed(&python::SDK_23, stringify!($name));
                }
            )*
        };
    }

    signed![
        analyses,
        every_helper,
        every_kind,
        every_spelling,
        file_zip,
        files,
        parallel_uploads,
        unicode_names
    ];
}

/// A module of tests that run programs of a folder with some client.
macro_rules! suite {
    ($(#[$about:meta])* $module:ident with $client:ident from $folder:literal: $($name:ident),* $(,)?) => {
        $(#[$about])*
        mod $module {
            use flywheel_tests::python;

            pub(super) const PROGRAMS: &[&str] = &[$(concat!($folder, stringify!($name))),*];

            $(
                #[test]
                fn $name() {
                    python::run(&python::$client, concat!($folder, stringify!($name)));
                }
            )*
        }
    };
}

suite! {
    /// Programs of the newest client whose calls the client of release 20 has too.
    shared_with_release_20 with SDK_20 from "":
    analyses, archives, connect, curation, every_finder, every_kind, every_spelling, file_info_classification, file_zip,
    files, finders_operators, info_tags_notes, list_options, moves, permissions, quality_flags, resolve_lookup, search,
    unicode_names,
}

suite! {
    /// Programs of the newest client whose calls the client of release 17 has too.
    shared_with_release_17 with SDK_17 from "":
    archives, curation, finders_operators, moves, parallel_uploads, quality_flags, resolve_lookup, timestamps_ages,
    unicode_names,
}

suite! {
    /// Programs of the newest client whose calls the client of release 14 has too.
    shared_with_release_14 with SDK_14 from "":
    csv_reports, hierarchy_print, quality_flags,
}

suite! {
    /// The verbs that later releases changed or lost.
    release_14 with SDK_14 from "older/": documents, files_and_views, hierarchy,
}

suite! {
    /// The verbs that later releases changed or lost.
    release_17 with SDK_17 from "older/": documents, files_and_views, hierarchy,
}

suite! {
    /// The verbs that later releases changed or lost.
    release_20 with SDK_20 from "older/": documents, files_and_views, hierarchy,
}

suite! {
    /// The official command line tool.
    command_line with CLI from "cli/": bids, dicom, folders, projects, session_and_files, sync, template,
}

suite! {
    /// Other public packages: the toolkit of gears, BIDS.
    toolkit with TOOLKIT from "tools/": bids, toolkit,
}

suite! {
    /// Other public packages: the HTTP client of services, the newer toolkit of gears.
    services with SERVICES from "tools/": gear_context, http_client,
}

suite! {
    /// The HTTP client that services had before.
    older_services with OLDER_SERVICES from "tools/": core_client,
}

/// Generated requests for every operation of the description: no fault of the server, and every answer fits.
#[test]
fn generated_requests() {
    python::run(&python::SCHEMATHESIS, "schema/fuzz");
}

/// Whatever a user of the newest client may call is called, with success, by one of the programs.
#[test]
fn every_public_method_is_called() {
    python::review(&python::SDK_23, PROGRAMS, "surface/called");
}

/// What the programs share.
const HELPERS: [&str; 3] = ["harness", "cli/cli_harness", "tools/job_folder"];

/// The programs in a folder below the folder of programs, by their paths without `.py`.
fn programs_in(folder: &str) -> Vec<String> {
    let files = std::fs::read_dir(python::programs().join(folder)).unwrap();
    let names = files.filter_map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        name.strip_suffix(".py").map(|name| format!("{folder}{name}"))
    });
    names.collect()
}

#[test]
fn every_program_has_a_test() {
    let tested: BTreeSet<&str> = PROGRAMS
        .iter()
        .chain(release_14::PROGRAMS)
        .chain(release_17::PROGRAMS)
        .chain(release_20::PROGRAMS)
        .chain(command_line::PROGRAMS)
        .chain(toolkit::PROGRAMS)
        .chain(services::PROGRAMS)
        .chain(older_services::PROGRAMS)
        .copied()
        .collect();
    let found: Vec<String> = ["", "older/", "cli/", "tools/"].into_iter().flat_map(programs_in).collect();
    let found: BTreeSet<&str> =
        found.iter().map(String::as_str).filter(|name| !HELPERS.contains(name)).collect();
    assert_eq!(tested, found);
    let newest: BTreeSet<&&str> = PROGRAMS.iter().collect();
    let shared = shared_with_release_14::PROGRAMS
        .iter()
        .chain(shared_with_release_17::PROGRAMS)
        .chain(shared_with_release_20::PROGRAMS);
    for program in shared {
        assert!(newest.contains(program), "{program} is no program of the newest client");
    }
}
