//! What a file's name says about it: the platform's file type and its media type.

/// The file types of the platform and the suffixes they go by, as the server ships them.
pub const TYPES: &[(&str, &[&str])] = &[
    ("bval", &[".bval", ".bvals"]),
    ("bvec", &[".bvec", ".bvecs"]),
    ("dicom", &[".dcm", ".dcm.zip", ".dicom.zip"]),
    ("eeg", &[".eeg.zip"]),
    ("eeg data", &[".eeg"]),
    ("eeg marker", &[".vmrk"]),
    ("eeg header", &[".vhdr"]),
    ("gephysio", &[".gephysio.zip"]),
    ("HDF5", &[".h5", ".hdf5"]),
    ("MATLAB data", &[".mat"]),
    ("MGH data", &[".mgh", ".mgz", ".mgh.gz"]),
    ("nifti", &[".nii.gz", ".nii"]),
    ("ParaVision", &[".pv5.zip", ".pv6.zip"]),
    ("parrec", &[".parrec.zip", ".par-rec.zip"]),
    ("pfile", &[".7.gz", ".7", ".7.zip"]),
    ("PsychoPy data", &[".psydat"]),
    ("qa", &[".qa.png", ".qa.json", ".qa.html"]),
    ("archive", &[".zip", ".tbz2", ".tar.gz", ".tbz", ".tar.bz2", ".tgz", ".tar", ".txz", ".tar.xz"]),
    ("document", &[".docx", ".doc"]),
    ("image", &[".jpg", ".tif", ".jpeg", ".gif", ".bmp", ".png", ".tiff"]),
    ("markup", &[".html", ".htm", ".xml"]),
    ("markdown", &[".md", ".markdown"]),
    ("log", &[".log"]),
    ("pdf", &[".pdf"]),
    ("presentation", &[".ppt", ".pptx"]),
    (
        "source code",
        &[
            ".c", ".py", ".cpp", ".js", ".m", ".json", ".java", ".php", ".css", ".toml", ".yaml", ".yml",
            ".sh",
        ],
    ),
    ("spreadsheet", &[".xls", ".xlsx"]),
    ("tabular data", &[".csv.gz", ".csv", ".tsv.gz", ".tsv"]),
    ("text", &[".txt"]),
    ("video", &[".mpeg", ".mpg", ".mov", ".mp4", ".m4v", ".mts"]),
    ("3D Object", &[".obj"]),
    ("Material Library", &[".mtl"]),
    ("Cinema 4D Model", &[".c4d"]),
    ("CG Resource", &[".cgresource.zip"]),
];

/// Media types that the platform adds to the usual table, or that the usual table lacks.
const MEDIA_TYPES: &[(&str, &str)] = &[
    (".bvec", "text/bvec"),
    (".bval", "text/bval"),
    (".m", "text/matlab"),
    (".sh", "text/shell"),
    (".r", "text/r"),
    (".dcm", "application/dicom"),
    (".h5", "application/x-hdf5"),
    (".tgz", "application/x-tar"),
    (".tbz2", "application/x-tar"),
    (".txz", "application/x-tar"),
];

/// Suffixes that say how a file is packed; what it is stands before them.
const PACKINGS: &[&str] = &[".gz", ".bz2", ".xz", ".br"];

/// The media type of a file whose name says nothing.
pub const UNKNOWN_MEDIA_TYPE: &str = "application/octet-stream";

/// The file type that a name stands for: the longest known suffix decides, in any letter case; what stands before the first
/// dot never counts.
///
/// ```
/// use flywheel_core::filetype::file_type;
///
/// assert_eq!(file_type("sub-01_T1w.nii.gz"), Some("nifti"));
/// assert_eq!(file_type("series.1.2.DICOM.ZIP"), Some("dicom"));
/// assert_eq!(file_type("notes"), None);
/// ```
pub fn file_type(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase();
    suffixes(&name).find_map(|suffix| {
        TYPES.iter().find(|(_, known)| known.contains(&suffix)).map(|(file_type, _)| *file_type)
    })
}

/// The suffixes of a name, longest first: `a.b.nii.gz` has `.b.nii.gz`, `.nii.gz` and `.gz`.
fn suffixes(name: &str) -> impl Iterator<Item = &str> {
    name.match_indices('.').filter_map(|(at, _)| name.get(at..))
}

/// The media type that a name stands for; a file packed with gzip and the like has the type of what is inside.
///
/// ```
/// use flywheel_core::filetype::media_type;
///
/// assert_eq!(media_type("qc.csv.gz"), "text/csv");
/// assert_eq!(media_type("dwi.bval"), "text/bval");
/// assert_eq!(media_type("t1.nii.gz"), "application/octet-stream");
/// ```
pub fn media_type(name: &str) -> &'static str {
    let name = name.to_lowercase();
    let inner = PACKINGS.iter().find_map(|packing| name.strip_suffix(packing)).unwrap_or(&name);
    let Some(last) = inner.rfind('.').and_then(|at| inner.get(at..)) else { return UNKNOWN_MEDIA_TYPE };
    let ours = MEDIA_TYPES.iter().find(|(suffix, _)| *suffix == last).map(|(_, media_type)| *media_type);
    let usual = || mime_guess::from_ext(last.trim_start_matches('.')).first_raw();
    ours.or_else(usual).unwrap_or(UNKNOWN_MEDIA_TYPE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn longest_suffix_wins() {
        let expected = [
            ("a.dcm.zip", Some("dicom")),
            ("a.zip", Some("archive")),
            ("a.qa.json", Some("qa")),
            ("a.json", Some("source code")),
            ("a.gephysio.zip", Some("gephysio")),
            ("P12345.7.gz", Some("pfile")),
            ("a.b.c.tar.gz", Some("archive")),
            ("a.gz", None),
            (".csv", Some("tabular data")),
            ("csv", None),
            ("", None),
        ];
        for (name, file_type_) in expected {
            assert_eq!(file_type(name), file_type_, "{name}");
        }
    }

    #[test]
    fn no_suffix_stands_for_two_types() {
        let mut all: Vec<_> = TYPES.iter().flat_map(|(_, suffixes)| *suffixes).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(all.iter().all(|suffix| suffix.starts_with('.') && **suffix == suffix.to_lowercase()));
    }

    #[test]
    fn media_types_follow_the_last_suffix() {
        let expected = [
            ("a.zip", "application/zip"),
            ("a.dcm.zip", "application/zip"),
            ("a.json", "application/json"),
            ("a.pdf", "application/pdf"),
            ("a.PNG", "image/png"),
            ("a.tar.gz", "application/x-tar"),
            ("a.tgz", "application/x-tar"),
            ("a.r", "text/r"),
            ("a.unheard-of", UNKNOWN_MEDIA_TYPE),
            ("a", UNKNOWN_MEDIA_TYPE),
            ("a.", UNKNOWN_MEDIA_TYPE),
        ];
        for (name, expected) in expected {
            assert_eq!(media_type(name), expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_name_is_read_without_panic(name in any::<String>(), known in 0..TYPES.len(), stem in "[^.]{0,5}") {
            let _ = (file_type(&name), media_type(&name));
            let (expected, suffixes) = TYPES[known];
            for suffix in suffixes {
                prop_assert_eq!(file_type(&format!("{stem}{suffix}")), Some(expected));
            }
        }
    }
}
