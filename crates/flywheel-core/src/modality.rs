//! Classification: what a file shows, in the words that its modality allows.

use indexmap::IndexMap;

/// Words by aspect, such as `{"Measurement": ["T1"], "Intent": ["Structural"]}`.
pub type Classification = IndexMap<String, Vec<String>>;

/// The aspect that every file may have and whose words are free.
pub const CUSTOM: &str = "Custom";

/// The aspects and words of magnetic resonance, as the platform ships them.
pub const MR: &[(&str, &[&str])] = &[
    (
        "Intent",
        &[
            "Localizer",
            "Shim",
            "Calibration",
            "Fieldmap",
            "Structural",
            "Functional",
            "Screenshot",
            "Non-Image",
            "Spectroscopy",
        ],
    ),
    (
        "Measurement",
        &[
            "B0",
            "B1",
            "T1",
            "T2",
            "T2*",
            "PD",
            "MT",
            "Perfusion",
            "Diffusion",
            "Susceptibility",
            "Fingerprinting",
            "MRA",
            "CEST",
            "T1rho",
            "SVS",
            "CSI",
            "EPSI",
            "BOLD",
            "Phoenix",
        ],
    ),
    (
        "Features",
        &[
            "Quantitative",
            "Multi-Shell",
            "Multi-Echo",
            "Multi-Flip",
            "Multi-Band",
            "Steady-State",
            "3D",
            "Compressed-Sensing",
            "Eddy-Current-Corrected",
            "Fieldmap-Corrected",
            "Gradient-Unwarped",
            "Motion-Corrected",
            "Physio-Corrected",
            "Derived",
            "In-Plane",
            "Phase",
            "Magnitude",
            "2D",
            "AAscout",
            "Spin-Echo",
            "Gradient-Echo",
            "EPI",
            "WASSR",
            "FAIR",
            "FAIREST",
            "PASL",
            "EPISTAR",
            "PICORE",
            "pCASL",
            "MPRAGE",
            "MP2RAGE",
            "FLAIR",
            "SWI",
            "QSM",
            "RMS",
            "DTI",
            "DSI",
            "DKI",
            "HARDI",
            "NODDI",
            "Water-Reference",
            "Transmit-Reference",
            "SBRef",
            "Uniform",
            "Singlerep",
            "QC",
            "TRACE",
            "FA",
            "MIP",
            "Navigator",
            "Contrast-Agent",
            "Phase-Contrast",
            "TOF",
            "VASO",
            "iVASO",
            "DSC",
            "DCE",
            "Task",
            "Resting-State",
            "PRESS",
            "STEAM",
            "M0",
            "Phase-Reversed",
            "Spiral",
            "SPGR",
            "Control",
            "Label",
        ],
    ),
];

/// Modalities a new site begins with: `MR` with its words, the other DICOM ones with none of their own.
pub const BUILT_IN: &[&str] =
    &["MR", "CT", "PT", "US", "EEG", "MEG", "NM", "CR", "DX", "MG", "XA", "RF", "SM", "OP", "OT"];

/// The aspects and words of a built-in modality; `None` when there is no such one.
pub fn built_in(modality: &str) -> Option<Classification> {
    BUILT_IN.contains(&modality).then(|| if modality == "MR" { owned(MR) } else { Classification::new() })
}

fn owned(table: &[(&str, &[&str])]) -> Classification {
    table
        .iter()
        .map(|(aspect, words)| ((*aspect).to_owned(), words.iter().map(|word| (*word).to_owned()).collect()))
        .collect()
}

/// Words that a modality does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not in the classification of the modality: {}", .unaccepted.join(", "))]
pub struct UnacceptedWords {
    /// What was refused, written `Aspect:Word`.
    pub unaccepted: Vec<String>,
}

/// Checks words against a modality and returns them in the modality's own spelling; case is ignored, repeated words are
/// kept once. `allowed` is the modality's classification, `None` where the file has no modality or one the site does not
/// know: then only [`CUSTOM`] is accepted.
///
/// # Errors
/// [`UnacceptedWords`] names every aspect and word that the modality does not have.
///
/// ```
/// use flywheel_core::modality::{Classification, built_in, check};
///
/// let written = Classification::from([("Measurement".to_owned(), vec!["t2*".to_owned()])]);
/// let stored = check(built_in("MR").as_ref(), &written)?;
/// assert_eq!(stored["Measurement"], ["T2*"]);
/// assert!(check(None, &written).is_err());
/// # Ok::<(), flywheel_core::modality::UnacceptedWords>(())
/// ```
pub fn check(
    allowed: Option<&Classification>,
    written: &Classification,
) -> Result<Classification, UnacceptedWords> {
    let mut accepted = Classification::new();
    let mut unaccepted = Vec::new();
    for (aspect, words) in written {
        if aspect == CUSTOM {
            accepted.insert(aspect.clone(), unique(words.iter().cloned()));
            continue;
        }
        let known =
            allowed.and_then(|allowed| allowed.iter().find(|(name, _)| name.eq_ignore_ascii_case(aspect)));
        let (name, found) = match known {
            None => (aspect, vec![None; words.len()]),
            Some((name, known)) => (name, words.iter().map(|word| spelled(known, word)).collect()),
        };
        let refused = words.iter().zip(&found).filter(|(_, found)| found.is_none());
        unaccepted.extend(refused.map(|(word, _)| format!("{aspect}:{word}")));
        if known.is_none() && words.is_empty() {
            unaccepted.push(format!("{aspect}:"));
        }
        accepted.insert(name.clone(), unique(found.into_iter().flatten()));
    }
    if unaccepted.is_empty() { Ok(accepted) } else { Err(UnacceptedWords { unaccepted }) }
}

fn spelled(known: &[String], word: &str) -> Option<String> {
    known.iter().find(|known| known.to_lowercase() == word.to_lowercase()).cloned()
}

fn unique(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for word in words {
        if !kept.contains(&word) {
            kept.push(word);
        }
    }
    kept
}

/// Adds words to a classification; those that are there stay where they are.
pub fn add(classification: &mut Classification, words: &Classification) {
    for (aspect, words) in words {
        let present = classification.entry(aspect.clone()).or_default();
        *present = unique(present.drain(..).chain(words.iter().cloned()));
    }
}

/// Takes words out of a classification, in any letter case; an aspect without words left goes too.
pub fn remove(classification: &mut Classification, words: &Classification) {
    for (aspect, words) in words {
        if let Some(present) = classification.get_mut(aspect) {
            present.retain(|word| !words.iter().any(|gone| gone.to_lowercase() == word.to_lowercase()));
        }
    }
    classification.retain(|_, words| !words.is_empty());
}

/// What is left of a classification when the file's modality changes: only [`CUSTOM`].
pub fn after_modality_change(mut classification: Classification) -> Classification {
    classification.retain(|aspect, _| aspect == CUSTOM);
    classification
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn words(pairs: &[(&str, &[&str])]) -> Classification {
        owned(pairs)
    }

    #[test]
    fn words_take_the_modalitys_spelling() {
        let stored = check(
            built_in("MR").as_ref(),
            &words(&[("features", &["sbref", "SBREF", "3d"]), ("Custom", &["x"])]),
        );
        assert_eq!(stored.unwrap(), words(&[("Features", &["SBRef", "3D"]), ("Custom", &["x"])]));
    }

    #[test]
    fn unknown_words_and_aspects_are_all_named() {
        let error = check(
            built_in("MR").as_ref(),
            &words(&[("Intent", &["Structural", "Art"]), ("Mood", &["Blue"])]),
        );
        assert_eq!(error.unwrap_err().unaccepted, ["Intent:Art", "Mood:Blue"]);
    }

    #[test]
    fn without_a_modality_only_custom_is_accepted() {
        assert!(check(None, &words(&[("Custom", &["anything"])])).is_ok());
        assert!(check(None, &words(&[("Intent", &["Structural"])])).is_err());
        assert!(check(built_in("CT").as_ref(), &words(&[("Intent", &["Structural"])])).is_err());
        assert_eq!(built_in("Telepathy"), None);
    }

    #[test]
    fn added_words_are_a_union_and_removed_ones_are_gone() {
        let mut now = words(&[("Intent", &["Structural"]), ("Custom", &["a"])]);
        add(&mut now, &words(&[("Intent", &["Structural", "Localizer"]), ("Measurement", &["T1"])]));
        assert_eq!(
            now,
            words(&[("Intent", &["Structural", "Localizer"]), ("Custom", &["a"]), ("Measurement", &["T1"])])
        );
        remove(
            &mut now,
            &words(&[("Intent", &["structural"]), ("Measurement", &["T1"]), ("Absent", &["x"])]),
        );
        assert_eq!(now, words(&[("Intent", &["Localizer"]), ("Custom", &["a"])]));
        assert_eq!(after_modality_change(now), words(&[("Custom", &["a"])]));
    }

    #[test]
    fn mr_list_is_complete() {
        let counts: Vec<_> = MR.iter().map(|(aspect, words)| (*aspect, words.len())).collect();
        assert_eq!(counts, [("Intent", 9), ("Measurement", 19), ("Features", 67)]);
    }

    proptest! {
        #[test]
        fn accepted_words_are_accepted_again(picks in proptest::collection::vec((0..3usize, any::<prop::sample::Index>()), 0..8)) {
            let mut written = Classification::new();
            for (aspect, pick) in picks {
                let (aspect, known) = MR[aspect];
                written.entry(aspect.to_owned()).or_default().push(pick.get(known).to_uppercase());
            }
            let mr = built_in("MR");
            let once = check(mr.as_ref(), &written).unwrap();
            prop_assert_eq!(check(mr.as_ref(), &once).unwrap(), once);
        }
    }
}
