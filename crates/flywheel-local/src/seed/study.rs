//! The documents of made-up studies: what an imaging lab's containers and files say about themselves.

use chrono::{DateTime, TimeDelta, Utc};
use flywheel_core::{filetype, time};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Seed,
    content::{Content, Shelf},
};
use crate::{ADMIN, files::PROVIDER, kind::Kind, store::Doc, words};

const SUBJECTS_OF: [&str; 8] = [
    "Healthy Aging",
    "Early Psychosis",
    "Adolescent Development",
    "Stroke Recovery",
    "Multiple Sclerosis Follow-up",
    "Connectome",
    "Memory Training",
    "Epilepsy Surgery",
];
/// Maker, model, field strength in tesla, station.
const SCANNERS: [(&str, &str, f64, &str); 4] = [
    ("Siemens", "Prisma_fit", 3.0, "MRC35034"),
    ("Siemens", "Skyra", 3.0, "AWP45001"),
    ("GE", "DISCOVERY MR750", 3.0, "GEMR750A"),
    ("Philips", "Ingenia", 1.5, "PHILIPS-B"),
];
const OPERATORS: [&str; 5] = ["jlee", "mgarcia", "tnovak", "asmith", "operator"];

/// One sort of acquisition.
struct Protocol {
    label: &'static str,
    intent: &'static str,
    measurement: &'static str,
    /// Echo and repetition time in seconds, flip angle in degrees.
    echo: f64,
    repetition: f64,
    flip: f64,
}

const fn protocol(
    label: &'static str,
    intent: &'static str,
    measurement: &'static str,
    (echo, repetition, flip): (f64, f64, f64),
) -> Protocol {
    Protocol { label, intent, measurement, echo, repetition, flip }
}

const PROTOCOLS: [Protocol; 8] = [
    protocol("localizer", "Localizer", "T2", (0.0032, 0.0086, 20.0)),
    protocol("T1w_MPRAGE", "Structural", "T1", (0.00224, 2.4, 8.0)),
    protocol("T2w_SPC", "Structural", "T2", (0.564, 3.2, 120.0)),
    protocol("task-rest_bold", "Functional", "T2*", (0.03, 0.8, 52.0)),
    protocol("task-nback_bold", "Functional", "T2*", (0.03, 0.8, 52.0)),
    protocol("dwi_64dir", "Structural", "Diffusion", (0.089, 3.23, 78.0)),
    protocol("fmap_AP", "Fieldmap", "B0", (0.06, 7.2, 90.0)),
    protocol("asl_pcasl", "Functional", "Perfusion", (0.011, 4.1, 90.0)),
];

/// What files there are of an acquisition, first ones first: the end of the name and what is in it.
const FILES: [(&str, Content); 4] = [
    (".dicom.zip", Content::Dicom),
    (".nii.gz", Content::Nifti),
    (".json", Content::Sidecar),
    (".bval", Content::Weights),
];

/// A container made up: its kind, id and document as text, and the words of that.
pub(super) struct ContainerText {
    pub(super) kind: Kind,
    pub(super) id: String,
    pub(super) doc: String,
    pub(super) words: String,
}

/// A file made up: its record's id, the name of its blob and its document as text, and the words of that.
pub(super) struct FileText {
    pub(super) uuid: String,
    pub(super) blob: String,
    pub(super) doc: String,
    pub(super) words: String,
}

/// What is written together.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) containers: Vec<ContainerText>,
    pub(super) files: Vec<FileText>,
}

impl Batch {
    pub(super) fn len(&self) -> usize {
        self.containers.len() + self.files.len()
    }
}

/// Makes documents in the order in which a lab would have made them: the ids go up with the time.
pub(super) struct Maker {
    pub(super) rng: StdRng,
    process: [u8; 5],
    count: u32,
    clock: DateTime<Utc>,
}

impl Maker {
    /// Two groups with the same number share no ids.
    pub(super) fn new(seed: &Seed) -> Self {
        let mixed = seed.group.bytes().fold(seed.rng_seed, |mixed, byte| {
            (mixed ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(5)
        });
        let mut rng = StdRng::seed_from_u64(mixed);
        let first = DateTime::from_timestamp(1_577_865_600, 0).unwrap_or_default();
        Self { process: rng.random(), rng, count: 0, clock: first }
    }

    /// The id and the time of something new.
    fn tick(&mut self) -> (String, String) {
        self.clock += TimeDelta::milliseconds(self.rng.random_range(1_000..20_000));
        self.count = (self.count + 1) & 0x00ff_ffff;
        let id = format!(
            "{:08x}{}{:06x}",
            u32::try_from(self.clock.timestamp()).unwrap_or(u32::MAX),
            hex::encode(self.process),
            self.count
        );
        (id, time::format(self.clock))
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        from.get(self.rng.random_range(0..from.len().max(1))).copied()
    }

    /// A number of about this mean and spread, with three digits after the point.
    fn about(&mut self, mean: f64, spread: f64) -> f64 {
        let sum: f64 = (0..4).map(|_| self.rng.random_range(-1.0..1.0)).sum();
        ((mean + spread * sum / 1.15).max(0.0) * 1000.0).round() / 1000.0
    }

    /// A project's document; `permissions` and `parents` are the caller's.
    pub(super) fn project(&mut self, number: u32) -> (String, Doc) {
        let (id, now) = self.tick();
        let topic = SUBJECTS_OF.get(number as usize % SUBJECTS_OF.len()).copied().unwrap_or_default();
        let doc = json!({
            "label": format!("{topic} {:03}", number + 1), "description": format!("A made-up study: {topic}"),
            "tags": [], "notes": [], "created": now,
            "info": {"protocol": format!("IRB-{:05}", self.rng.random_range(0..100_000)), "sponsor": "nobody"},
        });
        (id, into_doc(doc))
    }

    fn container(&mut self, kind: Kind, parents: &Value, mut doc: Doc) -> (ContainerText, Value) {
        let (id, now) = self.tick();
        doc.shift_insert(0, "_id".to_owned(), id.clone().into());
        for (key, value) in [
            ("notes", json!([])),
            ("created", now.clone().into()),
            ("modified", now.into()),
            ("revision", 1.into()),
            ("info_exists", true.into()),
            ("parents", parents.clone()),
        ] {
            doc.insert(key.to_owned(), value);
        }
        let mut below = parents.clone();
        if let Some(below) = below.as_object_mut() {
            below.insert(kind.singular().to_owned(), id.clone().into());
        }
        let words = words::of_document(kind.code(), &doc);
        (ContainerText { kind, id, doc: Value::Object(doc).to_string(), words }, below)
    }

    /// A subject and everything below.
    pub(super) fn subject(
        &mut self,
        seed: &Seed,
        shelf: &Shelf,
        project: &Value,
        number: u32,
        batch: &mut Batch,
    ) {
        let (label, age) = (format!("sub-{:05}", number + 1), self.about(42.0, 16.0).max(6.0));
        let sex = if self.rng.random_bool(0.5) { "female" } else { "male" };
        let cohort = if self.rng.random_bool(0.4) { "Control" } else { "Study" };
        let doc = json!({
            "label": label, "code": label, "sex": sex, "cohort": cohort, "type": "human", "tags": [],
            "info": {
                "handedness": if self.rng.random_bool(0.9) { "right" } else { "left" },
                "education_years": self.rng.random_range(8..22), "moca": self.rng.random_range(12..31),
                "genotype": {"apoe": self.pick(&["e3/e3", "e3/e4", "e2/e3", "e4/e4"])},
            },
        });
        let (text, parents) = self.container(Kind::Subject, project, into_doc(doc));
        batch.containers.push(text);
        for visit in 0..seed.sessions {
            self.session(seed, shelf, &parents, (visit, age), batch);
        }
    }

    fn session(
        &mut self,
        seed: &Seed,
        shelf: &Shelf,
        subject: &Value,
        (visit, age): (u32, f64),
        batch: &mut Batch,
    ) {
        let (maker, model, field, station) = self.pick(&SCANNERS).unwrap_or(("", "", 0.0, ""));
        let snr = self.about(78.0, 14.0);
        let motion = self.about(0.25, 0.2);
        let outcome = if snr < 50.0 || motion > 0.6 { "FAIL" } else { "PASS" };
        let uid = self.uid();
        let seconds = ((age + f64::from(visit) * 0.5) * 31_557_600.0) as i64;
        let doc = json!({
            "label": format!("ses-{:02}", visit + 1), "uid": uid, "timestamp": time::format(self.clock),
            "timezone": "Etc/UTC", "age": seconds, "weight": self.about(74.0, 12.0),
            "operator": self.pick(&OPERATORS), "tags": if outcome == "FAIL" { json!(["review"]) } else { json!([]) },
            "info": {
                "scanner": {"manufacturer": maker, "model": model, "field_strength": field, "station": station},
                "qc": {"outcome": outcome, "snr": snr, "motion_mm": motion, "rater": self.pick(&OPERATORS)},
                "visit": visit + 1,
            },
        });
        let (text, parents) = self.container(Kind::Session, subject, into_doc(doc));
        batch.containers.push(text);
        for series in 0..seed.acquisitions {
            self.acquisition(seed, shelf, &parents, (series, maker, model, field), batch);
        }
    }

    fn acquisition(
        &mut self,
        seed: &Seed,
        shelf: &Shelf,
        session: &Value,
        (series, maker, model, field): (u32, &str, &str, f64),
        batch: &mut Batch,
    ) {
        let Some(protocol) = PROTOCOLS.get(series as usize % PROTOCOLS.len()) else { return };
        let run = series as usize / PROTOCOLS.len() + 1;
        let label =
            if run == 1 { protocol.label.to_owned() } else { format!("{}_run-{run}", protocol.label) };
        let doc = json!({
            "label": label, "uid": self.uid(), "timestamp": time::format(self.clock), "timezone": "Etc/UTC", "tags": [],
            "info": {"SeriesNumber": series + 1, "SeriesDescription": label, "runs": run},
        });
        let (text, parents) = self.container(Kind::Acquisition, session, into_doc(doc));
        let header = json!({
            "EchoTime": protocol.echo, "RepetitionTime": protocol.repetition, "FlipAngle": protocol.flip,
            "Manufacturer": maker, "ManufacturerModelName": model, "MagneticFieldStrength": field,
            "SeriesDescription": label, "SeriesNumber": series + 1,
        });
        let words = json!({"Intent": [protocol.intent], "Measurement": [protocol.measurement]});
        for number in 0..seed.files {
            let stem = format!("{}_{label}", series + 1);
            let made = self.file(shelf, &parents, &text.id, (number, &stem), (&header, &words));
            batch.files.extend(made);
        }
        batch.containers.push(text);
    }

    fn file(
        &mut self,
        shelf: &Shelf,
        parents: &Value,
        acquisition: &str,
        (number, stem): (u32, &str),
        (header, words): (&Value, &Value),
    ) -> Option<FileText> {
        let (suffix, content) = FILES.get(number as usize % FILES.len()).copied()?;
        let round = number as usize / FILES.len();
        let name =
            if round == 0 { format!("{stem}{suffix}") } else { format!("{stem}_{}{suffix}", round + 1) };
        let (file_id, now) = self.tick();
        let blob = shelf.pick(content, &mut self.rng)?.clone();
        let uuid = uuid::Builder::from_random_bytes(self.rng.random()).into_uuid();
        let image = matches!(content, Content::Dicom | Content::Nifti);
        let info = match content {
            Content::Nifti => json!({
                "header": header,
                "qc": {"snr": self.about(60.0, 15.0), "motion_mm": self.about(0.3, 0.25), "version": "1.2.0"},
            }),
            Content::Dicom => json!({"header": header}),
            Content::Sidecar | Content::Weights => json!({}),
        };
        let doc = json!({
            "_id": uuid.to_string(), "file_id": file_id, "version": 1, "name": name,
            "type": filetype::file_type(&name), "mimetype": filetype::media_type(&name),
            "modality": image.then_some("MR"), "classification": if image { words.clone() } else { json!({}) },
            "tags": [], "info": info, "size": blob.size, "hash": blob.hash, "origin": {"type": "user", "id": ADMIN},
            "parent_ref": {"type": "acquisition", "id": acquisition}, "parents": parents, "provider_id": PROVIDER,
            "reference": false, "file_group": "files", "zip_member_count": (content == Content::Dicom).then_some(1),
            "deid_log_id": null, "deid_log_skip_reason": null, "created": now, "modified": now, "revision": 1,
        });
        let doc = into_doc(doc);
        let words = words::of_document(words::FILE, &doc);
        Some(FileText {
            uuid: uuid.to_string(),
            blob: blob.id.to_string(),
            doc: Value::Object(doc).to_string(),
            words,
        })
    }

    /// A uid as scanners draw them.
    fn uid(&mut self) -> String {
        format!("2.25.{}", Uuid::from_bytes(self.rng.random()).as_u128())
    }
}

fn into_doc(value: Value) -> Doc {
    match value {
        Value::Object(doc) => doc,
        _ => Doc::new(),
    }
}
