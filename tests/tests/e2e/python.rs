//! The official Python client: one test for each program of `tests/conformance`.

use std::collections::BTreeSet;

use flywheel_tests::python;

macro_rules! programs {
    ($($name:ident),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                python::run(stringify!($name));
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
    csv_reports,
    curation,
    devices,
    every_kind,
    exceptions,
    file_info_classification,
    file_zip,
    files,
    finders_operators,
    finders_paging,
    hierarchy_print,
    info_tags_notes,
    list_options,
    moves,
    parallel_uploads,
    permissions,
    quality_flags,
    resolve_lookup,
    search,
    timestamps_ages,
    unicode_names,
    views,
];

/// Programs that upload, once more on a site that asks for signed uploads.
mod signed {
    use flywheel_tests::python;

    macro_rules! signed {
        ($($name:ident),* $(,)?) => {
            $(
                #[test]
                fn $name() {
                    python::run_signed(stringify!($name));
                }
            )*
        };
    }

    signed![analyses, every_kind, file_zip, files, parallel_uploads, unicode_names];
}

#[test]
fn every_program_has_a_test() {
    let tested: BTreeSet<String> = PROGRAMS.iter().map(|name| (*name).to_owned()).collect();
    let found: BTreeSet<String> = std::fs::read_dir(python::programs())
        .unwrap()
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            name.strip_suffix(".py").map(str::to_owned)
        })
        .filter(|name| name != "harness")
        .collect();
    assert_eq!(tested, found);
}
