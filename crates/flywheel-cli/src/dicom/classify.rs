//! Classification of MR series from their headers, where these are clear.
//!
//! Values are those of the platform's MR list. Descriptions decide first, because sites name their protocols; the
//! sequence parameters decide only where no description does. What is not clear stays unclassified.

use std::collections::BTreeMap;

use dicom_dictionary_std::tags;

use super::value::DataSet;

/// Aspect to values.
pub(crate) type Classification = BTreeMap<String, Vec<String>>;

/// How a word of a rule is looked for in a description.
#[derive(Clone, Copy)]
enum Word {
    /// Anywhere.
    In(&'static str),
    /// At the start of a token (letters and digits between other characters).
    Starts(&'static str),
    /// A whole token.
    Is(&'static str),
}
use Word::{In, Is, Starts};

struct Rule {
    any: &'static [Word],
    intent: &'static str,
    measurement: &'static [&'static str],
    features: &'static [&'static str],
}

const fn rule(
    any: &'static [Word],
    intent: &'static str,
    measurement: &'static [&'static str],
    features: &'static [&'static str],
) -> Rule {
    Rule { any, intent, measurement, features }
}

/// The first rule that matches decides, so the special stands before the general.
const RULES: &[Rule] = &[
    rule(&[In("phoenix")], "Non-Image", &["Phoenix"], &[]),
    rule(&[In("screen save"), In("screensave"), In("screenshot")], "Screenshot", &[], &[]),
    rule(&[In("aascout"), In("aahead")], "Localizer", &[], &["AAscout"]),
    rule(
        &[
            In("localizer"),
            In("localiser"),
            In("scout"),
            Starts("survey"),
            In("3-plane"),
            In("3plane"),
            Is("loc"),
            Is("pilot"),
        ],
        "Localizer",
        &[],
        &[],
    ),
    rule(&[Starts("shim")], "Shim", &[], &[]),
    rule(&[Starts("calib"), In("asset cal"), In("coil sens")], "Calibration", &[], &[]),
    rule(
        &[
            In("fieldmap"),
            In("field map"),
            In("field_map"),
            In("field_mapping"),
            Starts("fmap"),
            In("b0map"),
            In("b0 map"),
            In("distortionmap"),
        ],
        "Fieldmap",
        &["B0"],
        &[],
    ),
    rule(&[In("pcasl")], "Functional", &["Perfusion"], &["pCASL"]),
    rule(&[In("pasl")], "Functional", &["Perfusion"], &["PASL"]),
    rule(&[Is("asl"), Starts("perf")], "Functional", &["Perfusion"], &[]),
    rule(&[In("tensor"), Starts("dti")], "Structural", &["Diffusion"], &["DTI"]),
    rule(&[In("hardi")], "Structural", &["Diffusion"], &["HARDI"]),
    rule(&[Starts("dwi"), Starts("diff"), Is("dsi"), Is("noddi")], "Structural", &["Diffusion"], &[]),
    rule(
        &[In("resting"), In("rsfmri"), Is("rest"), In("rest_bold"), In("bold_rest")],
        "Functional",
        &["T2*", "BOLD"],
        &["Resting-State"],
    ),
    rule(&[Is("task"), In("task-")], "Functional", &["T2*", "BOLD"], &["Task"]),
    rule(&[Starts("bold"), In("fmri"), Is("func")], "Functional", &["T2*", "BOLD"], &[]),
    rule(&[Is("tof")], "Structural", &["MRA"], &["TOF"]),
    rule(&[Starts("mra"), In("angio")], "Structural", &["MRA"], &[]),
    rule(&[Starts("swi"), In("swan")], "Structural", &["Susceptibility"], &["SWI"]),
    rule(&[Is("press"), Is("steam"), In("spectro"), Is("svs"), Is("mrs")], "Spectroscopy", &[], &[]),
    rule(&[In("flair")], "Structural", &["T2"], &["FLAIR"]),
    rule(&[In("mp2rage")], "Structural", &["T1"], &["MP2RAGE"]),
    rule(&[In("mprage"), In("mp-rage"), In("mp_rage")], "Structural", &["T1"], &["MPRAGE"]),
    rule(&[In("spgr"), In("bravo")], "Structural", &["T1"], &["SPGR"]),
    rule(&[Starts("t1rho")], "Structural", &["T1rho"], &[]),
    rule(&[In("t2*"), Starts("t2star")], "Structural", &["T2*"], &[]),
    rule(&[Starts("t1"), In("_t1"), In("structt1")], "Structural", &["T1"], &[]),
    rule(&[Starts("t2"), In("_t2"), In("inplanet2")], "Structural", &["T2"], &[]),
    rule(&[Is("pd"), Starts("proton")], "Structural", &["PD"], &[]),
];

/// The classification of an MR series by its first header, or nothing where the header is not clear.
pub(crate) fn classify_mr(header: &DataSet) -> Classification {
    let description = [tags::SERIES_DESCRIPTION, tags::PROTOCOL_NAME, tags::SEQUENCE_NAME]
        .into_iter()
        .filter_map(|tag| header.text(tag))
        .map(|text| text.to_lowercase());
    let by_name = description.into_iter().find_map(|text| {
        let rule = RULES.iter().find(|rule| rule.any.iter().any(|word| word.matches(&text)))?;
        Some((rule, text))
    });
    let mut found = Found::default();
    match by_name {
        Some((rule, text)) => {
            found.take(rule.intent, rule.measurement, rule.features);
            if text.contains("sbref") {
                found.feature("SBRef");
            }
            if rule.measurement == ["B0"] {
                found.image_type_parts(header);
            }
        }
        None => found.by_parameters(header),
    }
    found.finish(header)
}

impl Word {
    fn matches(self, text: &str) -> bool {
        let mut tokens = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '*');
        match self {
            In(part) => text.contains(part),
            Starts(start) => tokens.any(|token| token.starts_with(start)),
            Is(whole) => tokens.any(|token| token == whole),
        }
    }
}

/// Values found so far.
#[derive(Default)]
struct Found {
    intent: Option<&'static str>,
    measurement: Vec<&'static str>,
    features: Vec<&'static str>,
}

impl Found {
    fn take(&mut self, intent: &'static str, measurement: &[&'static str], features: &[&'static str]) {
        self.intent = Some(intent);
        self.measurement.extend(measurement);
        self.features.extend(features);
    }

    fn feature(&mut self, feature: &'static str) {
        if !self.features.contains(&feature) {
            self.features.push(feature);
        }
    }

    /// Weighting by echo and repetition time, for plain spin-echo and inversion-recovery images only.
    fn by_parameters(&mut self, header: &DataSet) {
        let derived = header.texts(tags::IMAGE_TYPE).iter().any(|part| part == "DERIVED");
        let sequence = header.texts(tags::SCANNING_SEQUENCE);
        let spin_echo = sequence.iter().any(|part| part == "SE");
        let inversion = sequence.iter().any(|part| part == "IR");
        let times = (header.number(tags::ECHO_TIME), header.number(tags::REPETITION_TIME));
        if header.number(tags::DIFFUSION_B_VALUE).is_some_and(|b| b > 0.0) {
            return self.take("Structural", &["Diffusion"], &[]);
        }
        let (false, true, (Some(echo), Some(repetition))) = (derived, spin_echo || inversion, times) else {
            return;
        };
        let inversion_time = header.number(tags::INVERSION_TIME).unwrap_or_default();
        if inversion && echo > 70.0 && (1600.0..3000.0).contains(&inversion_time) {
            self.take("Structural", &["T2"], &["FLAIR"]);
        } else if spin_echo && !inversion && echo < 30.0 && repetition < 800.0 && repetition > 0.0 {
            self.take("Structural", &["T1"], &[]);
        } else if spin_echo && !inversion && echo > 70.0 && repetition > 2000.0 {
            self.take("Structural", &["T2"], &[]);
        } else if spin_echo && !inversion && echo < 30.0 && repetition > 2000.0 {
            self.take("Structural", &["PD"], &[]);
        }
    }

    /// Phase and magnitude images of a field map.
    fn image_type_parts(&mut self, header: &DataSet) {
        for part in header.texts(tags::IMAGE_TYPE) {
            match part.as_str() {
                "P" | "PHASE" => self.feature("Phase"),
                "M" | "MAGNITUDE" => self.feature("Magnitude"),
                _ => {}
            }
        }
    }

    /// Adds what the tags say in any case, and gives the document's form. Nothing stays nothing.
    fn finish(mut self, header: &DataSet) -> Classification {
        let Some(intent) = self.intent else { return Classification::new() };
        match header.text(tags::MR_ACQUISITION_TYPE).as_deref() {
            Some("3D") => self.feature("3D"),
            Some("2D") => self.feature("2D"),
            _ => {}
        }
        for part in header.texts(tags::SCANNING_SEQUENCE) {
            match part.as_str() {
                "EP" => self.feature("EPI"),
                "SE" => self.feature("Spin-Echo"),
                "GR" => self.feature("Gradient-Echo"),
                _ => {}
            }
        }
        let image_type = header.texts(tags::IMAGE_TYPE);
        for (part, feature) in [("TRACEW", "TRACE"), ("FA", "FA"), ("DERIVED", "Derived")] {
            if image_type.iter().any(|value| value == part) {
                self.feature(feature);
            }
        }
        if header.text(tags::CONTRAST_BOLUS_AGENT).is_some() {
            self.feature("Contrast-Agent");
        }
        let owned = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect::<Vec<_>>();
        let aspects = [
            ("Intent", owned(&[intent])),
            ("Measurement", owned(&self.measurement)),
            ("Features", owned(&self.features)),
        ];
        aspects
            .into_iter()
            .filter(|(_, values)| !values.is_empty())
            .map(|(aspect, values)| (aspect.to_owned(), values))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::dicom::header::fixture::data_set;
    use dicom_core::VR;
    use flywheel_core::modality;

    fn described(description: &str) -> Classification {
        classify_mr(&data_set(&[(tags::SERIES_DESCRIPTION, VR::LO, description)]))
    }

    fn aspects(classification: &Classification) -> String {
        ["Intent", "Measurement", "Features"]
            .into_iter()
            .filter_map(|aspect| classification.get(aspect))
            .map(|values| values.join("+"))
            .collect::<Vec<_>>()
            .join(" / ")
    }

    #[test]
    fn descriptions_of_common_protocols_are_classified() {
        let table = [
            ("T1w_MPR", "Structural / T1"),
            ("Sag 3D T1 MPRAGE", "Structural / T1 / MPRAGE"),
            ("Struct_T1", "Structural / T1"),
            ("AX T2 FLAIR", "Structural / T2 / FLAIR"),
            ("AX_T2_TSE", "Structural / T2"),
            ("inplaneT2", "Structural / T2"),
            ("task-nback_bold", "Functional / T2*+BOLD / Task"),
            ("task-nback_bold_SBRef", "Functional / T2*+BOLD / Task+SBRef"),
            ("rfMRI resting state", "Functional / T2*+BOLD / Resting-State"),
            ("ep2d_diff_mddw_64", "Structural / Diffusion"),
            ("DTI_30dir", "Structural / Diffusion / DTI"),
            ("3-plane localizer", "Localizer"),
            ("AAScout", "Localizer / AAscout"),
            ("gre_field_mapping", "Fieldmap / B0"),
            ("SpinEchoFieldMap_AP", "Fieldmap / B0"),
            ("pcasl_3d", "Functional / Perfusion / pCASL"),
            ("TOF 3D multi-slab", "Structural / MRA / TOF"),
            ("SWI_Images", "Structural / Susceptibility / SWI"),
            ("PD TSE fs", "Structural / PD"),
            ("Compressed restore", ""),
            ("Routine Brain", ""),
        ];
        for (description, expected) in table {
            assert_eq!(aspects(&described(description)), expected, "{description}");
        }
    }

    #[test]
    fn parameters_decide_only_where_no_description_does() {
        let spin_echo = |echo, repetition| {
            data_set(&[
                (tags::SCANNING_SEQUENCE, VR::CS, "SE"),
                (tags::MR_ACQUISITION_TYPE, VR::CS, "2D"),
                (tags::REPETITION_TIME, VR::DS, repetition),
                (tags::ECHO_TIME, VR::DS, echo),
            ])
        };
        assert_eq!(aspects(&classify_mr(&spin_echo("12", "500"))), "Structural / T1 / 2D+Spin-Echo");
        assert_eq!(aspects(&classify_mr(&spin_echo("100", "4000"))), "Structural / T2 / 2D+Spin-Echo");
        assert_eq!(aspects(&classify_mr(&spin_echo("15", "3000"))), "Structural / PD / 2D+Spin-Echo");
        assert_eq!(aspects(&classify_mr(&spin_echo("50", "1500"))), "");
    }

    #[test]
    fn every_rule_speaks_the_platforms_list() {
        for rule in RULES {
            let mut found = Found::default();
            found.take(rule.intent, rule.measurement, rule.features);
            let known = modality::MR;
            for (aspect, values) in found.finish(&DataSet::default()) {
                let (_, list) = known.iter().find(|(name, _)| *name == aspect).unwrap();
                for value in values {
                    assert!(list.contains(&value.as_str()), "{aspect}: {value}");
                }
            }
        }
    }
}
