//! Paths as people write them, and the grammar behind lookup.
#![no_main]

use flywheel_core::path::{FwPath, Level, ResolvedPath, Segment, Tail, parse_tree};
use flywheel_fuzz::assert_points_into;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match text.parse::<FwPath>() {
        Ok(path) => {
            let written = format!("fw://{path}");
            assert_eq!(written.parse::<FwPath>().as_ref(), Ok(&path), "{written}");
            assert_eq!(FwPath::from_labels(path.to_wire()), path);
            if let Some(parent) = path.parent() {
                let last = path.segments.last().map(Segment::to_string).unwrap_or_default();
                assert_eq!(parent.join(&last), path);
            }
        }
        Err(error) => assert_points_into(text, &error),
    }
    let segments: Vec<&str> = text.split('/').collect();
    for full_tree in [false, true] {
        let read = parse_tree(&segments, full_tree);
        assert_eq!(written(&read, full_tree), trimmed(&segments), "{read:?}");
    }
});

/// The segments without empty ones at either end.
fn trimmed(segments: &[&str]) -> Vec<String> {
    let mut kept: Vec<String> = segments.iter().map(|segment| (*segment).to_owned()).collect();
    while kept.last().is_some_and(String::is_empty) {
        kept.pop();
    }
    let first = kept.iter().position(|segment| !segment.is_empty()).unwrap_or(kept.len());
    kept.split_off(first)
}

/// The segments that a path was read from: none is lost and none is added.
fn written(path: &ResolvedPath, full_tree: bool) -> Vec<String> {
    let spelled = |word: &str| if full_tree { word.to_uppercase() } else { word.to_owned() };
    let mut out = Vec::new();
    match path {
        ResolvedPath::Root => {}
        ResolvedPath::Gears { gear, version, leftover } => {
            out.push("gears".to_owned());
            out.extend(gear.iter().map(Segment::to_string));
            out.extend(version.iter().chain(leftover).cloned());
        }
        ResolvedPath::Tree(tree) => {
            for (level, segment) in &tree.containers {
                if full_tree && *level != Level::Group {
                    out.push(format!("{level}s").to_uppercase());
                }
                out.push(segment.to_string());
            }
            match &tree.tail {
                Tail::None => {}
                Tail::Files(name) => {
                    out.push(spelled("files"));
                    out.extend(name.clone());
                }
                Tail::Analyses { analysis, files } => {
                    out.push(spelled("analyses"));
                    out.extend(analysis.iter().map(Segment::to_string));
                    if let Some(name) = files {
                        out.push(spelled("files"));
                        out.extend(name.clone());
                    }
                }
            }
            out.extend(tree.leftover.iter().cloned());
        }
    }
    out
}
