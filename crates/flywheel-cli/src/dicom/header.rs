//! A tolerant reader of DICOM headers: what can be read is kept, and what ended the reading is said.
//!
//! `dicom-object` reads a data set whole or not at all. Archives hold files without preamble or file meta group, with
//! wrong value representations, or cut short; their first hundred elements are still enough to file them. This reader
//! drives the parser beneath `dicom-object` and stops before the pixel data.

use std::io::{Cursor, Read};

use dicom_core::header::DataElementHeader;
use dicom_core::{Tag, VR};
use dicom_dictionary_std::{tags, uids};
use dicom_parser::DynStatefulDecoder;
use dicom_parser::dataset::LazyDataToken;
use dicom_parser::dataset::lazy_read::LazyDataSetReader;
use dicom_transfer_syntax_registry::entries;
use flate2::read::DeflateDecoder;

use super::charset::Charsets;
use super::value::{DataSet, Element, Value, decode, is_bulk, sensible_vr};

/// Values longer than this are bulk: they are passed over. Bytes.
const LONGEST_VALUE: u32 = 64 * 1024;
/// Sequences nested deeper than this are passed over.
const DEEPEST: usize = 8;
/// What is kept of one header: contours and curves would otherwise fill the memory. Bytes.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// What was read of one file.
#[derive(Debug)]
pub(crate) struct Header {
    /// The data set, without private elements and bulk values.
    pub(crate) data: DataSet,
    /// Why the reading stopped before the pixel data, for a file that is damaged there.
    pub(crate) ended_early: Option<String>,
}

/// Why a file is not one that can be filed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("the file is empty")]
    Empty,
    #[error("not a DICOM file: no DICM mark and no elements that identify an object")]
    NotDicom,
    #[error("a DICOM file without a data set{}", .0.as_deref().map(|why| format!(": {why}")).unwrap_or_default())]
    NoDataSet(Option<String>),
    #[error("a DICOMDIR: an index of other files, not an object")]
    MediaDirectory,
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl Header {
    /// Reads up to the pixel data of `source`.
    ///
    /// # Errors
    /// [`Unreadable`] when nothing in it identifies a DICOM object.
    pub(crate) fn read<'a>(source: impl Read + 'a) -> Result<Self, Unreadable> {
        let mut source: Box<dyn Read + 'a> = Box::new(source);
        let start = take_start(&mut *source, 132)?;
        if start.is_empty() {
            return Err(Unreadable::Empty);
        }
        let marked = if start.get(128..132) == Some(b"DICM") {
            true
        } else {
            let without_preamble = start.starts_with(b"DICM");
            let rest = if without_preamble { start.get(4..).unwrap_or_default() } else { &start };
            source = Box::new(Cursor::new(rest.to_vec()).chain(source));
            without_preamble
        };
        let meta = Meta::take(&mut *source)?;
        if meta.storage_class.as_deref() == Some(uids::MEDIA_STORAGE_DIRECTORY_STORAGE) {
            return Err(Unreadable::MediaDirectory);
        }
        let header = read_data_set(source, &meta)?;
        header.check(marked || meta.storage_class.is_some())
    }

    fn check(self, marked: bool) -> Result<Self, Unreadable> {
        let has = |tag| self.data.get(tag).is_some();
        if has(tags::DIRECTORY_RECORD_SEQUENCE) || has(tags::FILE_SET_ID) {
            Err(Unreadable::MediaDirectory)
        } else if !marked
            && ![tags::SOP_CLASS_UID, tags::STUDY_INSTANCE_UID, tags::SERIES_INSTANCE_UID]
                .into_iter()
                .any(has)
        {
            Err(Unreadable::NotDicom)
        } else if self.data.is_empty() && self.ended_early.is_some() {
            Err(Unreadable::NoDataSet(self.ended_early))
        } else {
            Ok(self)
        }
    }
}

/// The two facts of the file meta group that reading needs.
#[derive(Debug, Default)]
struct Meta {
    transfer_syntax: Option<String>,
    storage_class: Option<String>,
    /// Bytes of the data set that were read while looking for the end of the group.
    overshoot: Vec<u8>,
}

impl Meta {
    /// Reads the group (0002,eeee), which is always explicit VR little endian, as far as it goes.
    fn take(source: &mut (dyn Read + '_)) -> Result<Self, Unreadable> {
        let mut meta = Self::default();
        loop {
            let head = take_start(source, 8)?;
            let [2, 0, low, high, v1, v2, l1, l2] = head[..] else {
                meta.overshoot = head;
                return Ok(meta);
            };
            let long = matches!(&[v1, v2], b"OB" | b"OW" | b"UN" | b"UT" | b"SQ");
            let length = if long {
                let length = take_start(source, 4)?;
                u32::from_le_bytes(length.try_into().unwrap_or_default())
            } else {
                u32::from(u16::from_le_bytes([l1, l2]))
            };
            let mut value = Vec::new();
            source.take(u64::from(length)).read_to_end(&mut value)?;
            let text = || {
                let text = String::from_utf8_lossy(&value);
                text.trim_end_matches(['\0', ' ']).trim().to_owned()
            };
            match u16::from_le_bytes([low, high]) {
                0x0002 => meta.storage_class = Some(text()),
                0x0010 => meta.transfer_syntax = Some(text()),
                _ => {}
            }
        }
    }
}

/// Up to `length` bytes; fewer only at the end of the source.
fn take_start(source: &mut (dyn Read + '_), length: u64) -> Result<Vec<u8>, std::io::Error> {
    let mut bytes = Vec::new();
    source.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The three encodings of elements; every compressed transfer syntax is explicit little endian around its pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Encoding {
    Implicit,
    Explicit,
    ExplicitBigEndian,
}

impl Encoding {
    fn declared(transfer_syntax: Option<&str>) -> Option<Self> {
        Some(match transfer_syntax?.trim() {
            "" => return None,
            uids::IMPLICIT_VR_LITTLE_ENDIAN | "1.2.840.113619.5.2" => Self::Implicit,
            "1.2.840.10008.1.2.2" => Self::ExplicitBigEndian,
            _ => Self::Explicit,
        })
    }

    /// What the first element looks like decides where nothing is declared, and against a declaration that cannot be true.
    fn of(first: &[u8], declared: Option<Self>) -> Self {
        let names_a_vr = first.get(4..6).is_some_and(|vr| vr.iter().all(u8::is_ascii_uppercase));
        let small_big_endian_group = matches!(first, [0, 1..=0x7f, ..]);
        match declared {
            Some(Self::Implicit) if names_a_vr => Self::Explicit,
            Some(encoding @ (Self::Explicit | Self::ExplicitBigEndian)) if names_a_vr => encoding,
            None if names_a_vr && small_big_endian_group => Self::ExplicitBigEndian,
            None if names_a_vr => Self::Explicit,
            _ => Self::Implicit,
        }
    }
}

fn read_data_set(source: Box<dyn Read + '_>, meta: &Meta) -> Result<Header, Unreadable> {
    let syntax = meta.transfer_syntax.as_deref();
    let mut source: Box<dyn Read + '_> = Box::new(Cursor::new(meta.overshoot.clone()).chain(source));
    if syntax.is_some_and(|uid| uid == uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN) {
        source = Box::new(DeflateDecoder::new(source));
    }
    let first = take_start(&mut *source, 8)?;
    let encoding = Encoding::of(&first, Encoding::declared(syntax));
    let source = Cursor::new(first).chain(source);
    let syntax = match encoding {
        Encoding::Implicit => entries::IMPLICIT_VR_LITTLE_ENDIAN.erased(),
        Encoding::Explicit => entries::EXPLICIT_VR_LITTLE_ENDIAN.erased(),
        Encoding::ExplicitBigEndian => entries::EXPLICIT_VR_BIG_ENDIAN.erased(),
    };
    let decoder = DynStatefulDecoder::new_with_ts(source, &syntax, 0)
        .map_err(|error| Unreadable::NoDataSet(Some(error.to_string())))?;
    Ok(Collector::new(encoding == Encoding::ExplicitBigEndian).collect(LazyDataSetReader::new(decoder)))
}

/// An open sequence or item on the way down from the root.
enum Open {
    Sequence { tag: Tag, items: Vec<DataSet> },
    Item(DataSet, Charsets),
}

/// Builds the data set out of the parser's tokens.
struct Collector {
    big_endian: bool,
    root: DataSet,
    charsets: Charsets,
    open: Vec<Open>,
    kept: usize,
}

/// What to do after a token.
enum Step {
    Next,
    PixelData,
    Broken(String),
}

impl Collector {
    fn new(big_endian: bool) -> Self {
        Self {
            big_endian,
            root: DataSet::default(),
            charsets: Charsets::default(),
            open: Vec::new(),
            kept: 0,
        }
    }

    fn collect<R: Read>(mut self, mut reader: LazyDataSetReader<DynStatefulDecoder<R>>) -> Header {
        let mut last = Tag(0, 0);
        let ended_early = loop {
            let step = match reader.advance() {
                None if self.open.is_empty() => break None,
                None => Step::Broken("the file ends inside a sequence".into()),
                Some(Err(error)) => Step::Broken(chain(&error)),
                Some(Ok(token)) => self.token(token, &mut last),
            };
            match step {
                Step::Next => {}
                Step::PixelData => break None,
                Step::Broken(why) => break Some(format!("damaged after {last}: {why}")),
            }
        };
        while !self.open.is_empty() {
            self.close();
        }
        Header { data: self.root, ended_early }
    }

    fn token<D: dicom_parser::StatefulDecode>(&mut self, token: LazyDataToken<D>, last: &mut Tag) -> Step {
        match token {
            LazyDataToken::ElementHeader(header) => {
                if self.open.is_empty() && header.tag.group() == 0x7fe0 {
                    return Step::PixelData;
                }
                *last = header.tag;
            }
            LazyDataToken::PixelSequenceStart => return Step::PixelData,
            LazyDataToken::SequenceStart { tag, .. } => {
                *last = tag;
                self.open.push(Open::Sequence { tag, items: Vec::new() });
            }
            LazyDataToken::ItemStart { .. } => {
                self.open.push(Open::Item(DataSet::default(), self.current_charsets()));
            }
            // The parser trusts that delimiters pair up and asserts it, so a stray one must end the reading here.
            LazyDataToken::ItemEnd => match self.open.last() {
                Some(Open::Item(..)) => self.close(),
                _ => return Step::Broken("an item ends that was not begun".into()),
            },
            LazyDataToken::SequenceEnd => match self.open.last() {
                Some(Open::Sequence { .. }) => self.close(),
                _ => return Step::Broken("a sequence ends that was not begun".into()),
            },
            LazyDataToken::LazyValue { header, decoder } => return self.value(header, decoder),
            token @ LazyDataToken::LazyItemValue { .. } => {
                if let Err(error) = token.skip() {
                    return Step::Broken(chain(&error));
                }
            }
            _ => return Step::Broken("a token this program does not know".into()),
        }
        Step::Next
    }

    fn value<D: dicom_parser::StatefulDecode>(&mut self, header: DataElementHeader, mut decoder: D) -> Step {
        let vr = sensible_vr(header.tag, header.vr);
        let length = header.len.0;
        let wanted = header.tag.group() & 1 == 0
            && !is_bulk(vr)
            && length <= LONGEST_VALUE
            && self.open.len() <= DEEPEST * 2
            && self.kept < MOST_BYTES;
        if !wanted {
            return match decoder.skip_bytes(length) {
                Ok(()) => Step::Next,
                Err(error) => Step::Broken(chain(&error)),
            };
        }
        let mut bytes = Vec::new();
        if let Err(error) = decoder.read_to(length, &mut bytes) {
            return Step::Broken(chain(&error));
        }
        if bytes.len() < length as usize {
            return Step::Broken(format!("a value of {length} bytes is cut after {}", bytes.len()));
        }
        let value = decode(vr, &bytes, self.big_endian, &self.current_charsets());
        if header.tag == tags::SPECIFIC_CHARACTER_SET
            && let Value::Text(terms) = &value
        {
            self.declare(Charsets::declared(&terms.join("\\")));
        }
        self.kept += bytes.len() + size_of::<Element>();
        self.current().put(header.tag, vr, value);
        Step::Next
    }

    fn current(&mut self) -> &mut DataSet {
        match self.open.last_mut() {
            Some(Open::Item(data, _)) => data,
            _ => &mut self.root,
        }
    }

    fn current_charsets(&self) -> Charsets {
        let inner = self.open.iter().rev().find_map(|open| match open {
            Open::Item(_, charsets) => Some(charsets),
            Open::Sequence { .. } => None,
        });
        inner.unwrap_or(&self.charsets).clone()
    }

    fn declare(&mut self, declared: Charsets) {
        match self.open.last_mut() {
            Some(Open::Item(_, charsets)) => *charsets = declared,
            _ => self.charsets = declared,
        }
    }

    /// Closes the innermost open sequence or item and hands it to what holds it.
    fn close(&mut self) {
        match self.open.pop() {
            Some(Open::Item(data, _)) => {
                let deep = self.open.len() > DEEPEST * 2;
                if let (Some(Open::Sequence { items, .. }), false) = (self.open.last_mut(), deep) {
                    items.push(data);
                }
            }
            Some(Open::Sequence { tag, items }) if tag.group() & 1 == 0 && !items.is_empty() => {
                self.current().put(tag, VR::SQ, Value::Items(items));
            }
            _ => {}
        }
    }
}

/// An error with its causes, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Headers made for the tests of this folder.
#[cfg(test)]
pub(crate) mod fixture {
    #![allow(clippy::unwrap_used)]
    use dicom_core::{DataElement, PrimitiveValue};
    use dicom_object::{FileMetaTableBuilder, InMemDicomObject};

    use super::*;

    /// The bytes of a file in explicit little endian with these elements.
    pub(crate) fn file(elements: &[(Tag, VR, &str)]) -> Vec<u8> {
        let elements =
            elements.iter().map(|&(tag, vr, text)| DataElement::new(tag, vr, PrimitiveValue::from(text)));
        let meta = FileMetaTableBuilder::new()
            .transfer_syntax(uids::EXPLICIT_VR_LITTLE_ENDIAN)
            .media_storage_sop_class_uid(uids::MR_IMAGE_STORAGE)
            .media_storage_sop_instance_uid("1.2.3.4");
        let object = InMemDicomObject::from_element_iter(elements).with_meta(meta).unwrap();
        let mut bytes = Vec::new();
        object.write_all(&mut bytes).unwrap();
        bytes
    }

    pub(crate) fn data_set(elements: &[(Tag, VR, &str)]) -> DataSet {
        Header::read(&file(elements)[..]).unwrap().data
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const ELEMENTS: &[(Tag, VR, &str)] = &[
        (tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192"),
        (tags::PATIENT_NAME, VR::PN, "Åberg^Jörg"),
        (tags::PATIENT_ID, VR::LO, "P1"),
        (tags::STUDY_INSTANCE_UID, VR::UI, "1.2.3"),
        (tags::SERIES_NUMBER, VR::IS, "7"),
        (tags::PIXEL_SPACING, VR::DS, "1.5\\2"),
        (tags::ROWS, VR::US, ""),
    ];

    #[test]
    fn every_kind_of_start_leads_to_the_data_set() {
        let whole = fixture::file(ELEMENTS);
        let without_preamble = &whole[128..];
        let data_set = &whole[whole.windows(4).position(|w| w == [8, 0, 5, 0]).unwrap()..];
        for bytes in [&whole[..], without_preamble, &without_preamble[4..], data_set] {
            let header = Header::read(bytes).unwrap();
            assert_eq!(header.data.text(tags::PATIENT_NAME).unwrap(), "Åberg^Jörg");
            assert_eq!(header.data.number(tags::SERIES_NUMBER), Some(7.0));
            assert!(
                matches!(&header.data.get(tags::PIXEL_SPACING).unwrap().value, Value::Decimals(v) if *v == [1.5, 2.0])
            );
            assert_eq!(header.ended_early, None);
        }
    }

    #[test]
    fn a_file_cut_anywhere_gives_what_was_whole_or_a_reason() {
        let whole = fixture::file(ELEMENTS);
        let mut readable = 0;
        for length in 0..whole.len() {
            match Header::read(&whole[..length]) {
                Ok(header) => {
                    readable += 1;
                    assert!(header.ended_early.is_some() || header.data.iter().count() < ELEMENTS.len());
                }
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
        assert!(readable > 50);
    }

    #[test]
    fn changed_bytes_never_panic() {
        let whole = fixture::file(ELEMENTS);
        for at in 128..whole.len() {
            for byte in [0x00, 0x7f, 0xff, 0xfe] {
                let mut bytes = whole.clone();
                bytes[at] = byte;
                let _ = Header::read(&bytes[..]);
            }
        }
    }

    #[test]
    fn stray_delimiters_end_the_reading() {
        // A sequence of undefined length in which an item ends that never began.
        let mut bytes = vec![8, 0, 0x16, 0, b'U', b'I', 2, 0, b'1', 0];
        bytes.extend([8, 0, 0x40, 0x11, b'S', b'Q', 0, 0, 0xff, 0xff, 0xff, 0xff]);
        bytes.extend([0xfe, 0xff, 0x0d, 0xe0, 0, 0, 0, 0].repeat(3));
        bytes.extend([0xfe, 0xff, 0x00, 0xe0, 0, 0, 0, 0]);
        let header = Header::read(&bytes[..]).unwrap();
        assert!(header.ended_early.unwrap().contains("not begun"));
    }

    #[test]
    fn deeply_nested_sequences_are_passed_over() {
        let mut bytes = vec![8, 0, 0x16, 0, b'U', b'I', 2, 0, b'1', 0];
        for _ in 0..200_000 {
            bytes.extend([8, 0, 0x40, 0x11, b'S', b'Q', 0, 0, 0xff, 0xff, 0xff, 0xff]);
            bytes.extend([0xfe, 0xff, 0x00, 0xe0, 0xff, 0xff, 0xff, 0xff]);
        }
        assert_eq!(Header::read(&bytes[..]).unwrap().data.text(tags::SOP_CLASS_UID).unwrap(), "1");
    }

    #[test]
    fn what_is_no_dicom_says_so() {
        assert!(matches!(Header::read(&b""[..]), Err(Unreadable::Empty)));
        assert!(matches!(
            Header::read(&b"A plain text file, long enough to hold an element or two."[..]),
            Err(Unreadable::NotDicom)
        ));
        assert!(matches!(Header::read(&[0; 4096][..]), Err(Unreadable::NotDicom)));
    }
}
