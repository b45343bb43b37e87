//! The worked examples: each runs on a site of its own, and prints what its snapshot says.
#![allow(clippy::unwrap_used, reason = "a failure ends the test")]
#![allow(clippy::duplicate_mod, reason = "each example is a program with the shared module of its own")]

/// A test for each example, named after its file.
macro_rules! examples {
    ($($name:ident $path:literal),* $(,)?) => {$(
        #[path = $path]
        #[allow(dead_code, reason = "main is for the program")]
        mod $name;
    )*
        /// What the examples print.
        mod prints {
            $(
                #[tokio::test]
                async fn $name() {
                    let mut out = String::new();
                    super::$name::run(&mut out).await.unwrap();
                    insta::assert_snapshot!(stringify!($name), out);
                }
            )*
        }
    };
}

examples! {
    add_from_csv "../examples/add_from_csv.rs",
    collections_by_decade "../examples/collections_by_decade.rs",
    curate_by_finders "../examples/curate_by_finders.rs",
    curate_by_query "../examples/curate_by_query.rs",
    demographics "../examples/demographics.rs",
    download_tar "../examples/download_tar.rs",
    find_by_age "../examples/find_by_age.rs",
    first_steps "../examples/first_steps.rs",
    gear_permissions "../examples/gear_permissions.rs",
    gear_status "../examples/gear_status.rs",
    large_file "../examples/large_file.rs",
    launch_gear "../examples/launch_gear.rs",
    metadata_tour "../examples/metadata_tour.rs",
    missing_acquisitions "../examples/missing_acquisitions.rs",
    mriqc_report "../examples/mriqc_report.rs",
    permissions "../examples/permissions.rs",
    print_hierarchy "../examples/print_hierarchy.rs",
    project_overview "../examples/project_overview.rs",
    read_csv_results "../examples/read_csv_results.rs",
    report_from_zip "../examples/report_from_zip.rs",
    upload_files "../examples/upload_files.rs",
    view_over_projects "../examples/view_over_projects.rs",
}
