//! Metadata of builds about their files: legacy metadata in a checkout, and a build's `meta.json`.
//!
//! Both have `images.<name>.{path, sha256, size, uncompressed-sha256, uncompressed-size}`; in older ones, live
//! images have no size (coreos-assembler's `cosa` build schema).

use std::collections::HashMap;
use std::sync::Arc;

use super::Sha256;
use super::derivation::{CLOUDS, DocumentBuild, MetaJson};
use super::fault::Faults;
use super::limits::{MAX_FILE_NAME, MAX_IMAGES, MAX_IMAGES_OF_A_FILE, MAX_RELEASE};
use super::reader::{Expected, Reader, Shape};
use crate::text::{count, printed_length};

/// Build metadata of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildFile {
    pub said_by: Arc<str>,
    pub sha256: Option<Sha256>,
    /// The size in bytes.
    pub size: Option<u64>,
    pub uncompressed_sha256: Option<Sha256>,
    /// The decompressed size in bytes.
    pub uncompressed_size: Option<u64>,
}

/// Build metadata by file name. A file can have several entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildMetadata {
    build_id: Option<String>,
    files: HashMap<String, Vec<BuildFile>>,
    /// The build as a document must describe it, if the metadata is a complete `meta.json`.
    build: Option<Arc<DocumentBuild>>,
}

impl BuildMetadata {
    pub fn parse(name: &str, text: &[u8]) -> Result<Self, Faults> {
        let (metadata, outcome) = Self::parse_lossy(name, text);
        outcome.map(|()| metadata)
    }

    /// Parses metadata, and returns what is readable even if there are faults: it is not evidence for a file, but
    /// what contradicts a file still counts.
    pub fn parse_lossy(name: &str, text: &[u8]) -> (Self, Result<(), Faults>) {
        let mut metadata = Self::default();
        let mut meta = MetaJson::default();
        let outcome = Reader::read_lossy(name, text, |reader, raw| {
            reader.object(raw, &BUILD, |reader, key, raw| match key {
                "images" => metadata.read_images(reader, raw, &mut meta),
                "buildid" => {
                    metadata.build_id = string(raw).filter(|it| printed_length(it) <= MAX_RELEASE);
                    meta.id.clone_from(&metadata.build_id);
                }
                "coreos-assembler.basearch" => meta.arch = string(raw),
                cloud if CLOUDS.contains(&cloud) => {
                    let any = |_: &[String]| Expected::Anything;
                    reader.leaves(raw, any, |path, value| meta.value(path, value));
                }
                _ => reader.skip(raw),
            });
        });
        // Something missing from incomplete metadata is not necessarily missing from the build.
        metadata.build = outcome.is_ok().then(|| meta.finish()).flatten().map(Arc::new);
        (metadata, outcome)
    }

    fn read_images<'t>(&mut self, reader: &mut Reader<'t>, raw: &'t str, meta: &mut MetaJson) {
        let mut images = 0_usize;
        reader.object(raw, &IMAGES, |reader, name, raw| {
            images += 1;
            // In older metadata some images are strings (`"oscontainer"`), which are not files.
            if images <= MAX_IMAGES && raw.starts_with('{') {
                self.read_image(reader, raw, name, meta);
            } else {
                reader.skip(raw);
            }
        });
        if images > MAX_IMAGES {
            reader.fault(None, count(images, "image"), &format!("at most {MAX_IMAGES}"));
        }
    }

    fn read_image<'t>(&mut self, reader: &mut Reader<'t>, raw: &'t str, name: &str, meta: &mut MetaJson) {
        let mut path = None;
        let mut file = BuildFile {
            said_by: reader.interned(reader.file),
            sha256: None,
            size: None,
            uncompressed_sha256: None,
            uncompressed_size: None,
        };
        let is_whole = reader.object(raw, &IMAGE, |reader, key, raw| match key {
            "path" => path = reader.optional(raw, |reader, raw| reader.text(raw, MAX_FILE_NAME)),
            "sha256" => file.sha256 = reader.optional(raw, Reader::hex_digest),
            "size" => file.size = reader.optional(raw, Reader::size),
            "uncompressed-sha256" => file.uncompressed_sha256 = reader.optional(raw, Reader::hex_digest),
            "uncompressed-size" => file.uncompressed_size = reader.optional(raw, Reader::size),
            _ => reader.skip(raw),
        });
        let Some(path) = path.filter(|_| is_whole) else { return };
        meta.image(name, &path);
        // Most files have one entry; a vector's default capacity would be four.
        let files = self.files.entry(path).or_insert_with(|| Vec::with_capacity(1));
        if files.len() < MAX_IMAGES_OF_A_FILE {
            files.push(file);
        } else {
            let expected = format!("at most {MAX_IMAGES_OF_A_FILE} images of one file");
            reader.fault(None, "one more image of a file".to_owned(), &expected);
        }
    }

    /// The `buildid`, if it is not too long.
    pub fn build_id(&self) -> Option<&str> {
        self.build_id.as_deref()
    }

    /// Adds the files of other metadata.
    pub fn extend(&mut self, other: Self) {
        for (name, mut entries) in other.files {
            self.files.entry(name).or_default().append(&mut entries);
        }
    }

    /// The build as a document must describe it, if this is a complete `meta.json`.
    pub fn build(&self) -> Option<&Arc<DocumentBuild>> {
        self.build.as_ref()
    }

    pub fn of(&self, file_name: &str) -> &[BuildFile] {
        self.files.get(file_name).map(Vec::as_slice).unwrap_or_default()
    }

    /// Drops the entries of all other files.
    pub fn retain(&mut self, is_of_interest: impl Fn(&str) -> bool) {
        self.files.retain(|name, _| is_of_interest(name));
        self.files.shrink_to_fit();
    }

    pub fn len(&self) -> usize {
        self.files.len()
    }

    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

fn string(raw: &str) -> Option<String> {
    serde_json::from_str(raw).ok()
}

const BUILD: Shape = Shape { fields: &[], is_nullable: false, expected: "build metadata, an object" };

const IMAGES: Shape = Shape { fields: &[], is_nullable: false, expected: "an object of images" };

const IMAGE: Shape = Shape { fields: &[], is_nullable: false, expected: "an object with path and sha256" };

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "f6e4458958f38a7bccae4a89a73134d431b86b183ebcf76542446c959fa2d520";
    const INSIDE: &str = "0000000000000000000000000000000000000000000000000000000000000000";

    #[test]
    fn files_are_found_by_name_and_may_lack_a_size() {
        let text = format!(
            r#"{{"buildid": "x", "images": {{
                "metal": {{"path": "a.raw.gz", "sha256": "{DIGEST}", "size": 7,
                    "uncompressed-sha256": "{INSIDE}", "uncompressed-size": 9}},
                "live-iso": {{"path": "a.iso", "sha256": "{DIGEST}"}},
                "again": {{"path": "a.iso", "size": 3}},
                "container": "quay.io/x", "cloud": {{"url": "https://x"}}
            }}}}"#
        );
        let metadata = BuildMetadata::parse("meta.json", text.as_bytes()).unwrap();
        assert_eq!(metadata.len(), 2);
        assert!(!metadata.is_empty() && BuildMetadata::default().is_empty());
        let digest = |text| Sha256::from_hex(text).ok();
        let file = |size, uncompressed_sha256, uncompressed_size| BuildFile {
            said_by: "meta.json".into(),
            sha256: digest(DIGEST),
            size,
            uncompressed_sha256,
            uncompressed_size,
        };
        assert_eq!(metadata.of("a.raw.gz"), [file(Some(7), digest(INSIDE), Some(9))]);
        assert_eq!(metadata.of("a.iso")[0], file(None, None, None));
        assert_eq!(metadata.of("a.iso").len(), 2);
        assert!(metadata.of("b").is_empty());
    }

    /// A build has hundreds of files, and a run needs few of them.
    #[test]
    fn entries_of_other_files_can_be_dropped() {
        let text = br#"{"images": {"a": {"path": "one"}, "b": {"path": "two"}}}"#;
        let mut metadata = BuildMetadata::parse("meta.json", text).unwrap();
        metadata.retain(|name| name == "two");
        assert_eq!((metadata.len(), metadata.of("two").len()), (1, 1));
    }

    /// Nothing is reported missing by comparison with metadata that is not a complete `meta.json` of a known build.
    #[test]
    fn a_build_is_known_by_its_id_and_architecture_and_has_its_clouds() {
        let text = |of: &str| {
            format!(
                r#"{{{of}, "images": {{"qemu": {{"path": "rhcos-1-qemu.x86_64.qcow2.gz"}}}},
                    "amis": [{{"name": "us-east-1", "hvm": "ami-1"}}], "other": [{{"name": "x", "hvm": "y"}}]}}"#
            )
        };
        let build = |text: &str| BuildMetadata::parse("meta.json", text.as_bytes()).unwrap().build().cloned();
        let (id, arch) = (r#""buildid": "1""#, r#""coreos-assembler.basearch": "x86_64""#);
        assert_eq!(build(&text(id)), None);
        assert_eq!(build(&text(arch)), None);
        // Values other than cloud uploads are not limited.
        let much = format!("{id}, {arch}, \"x\": [{}]", vec!["1"; 4001].join(","));
        assert!(build(&text(&much)).is_some());
        let build = format!("{:?}", build(&text(&format!("{id}, {arch}"))).unwrap());
        assert!(build.contains(r#""images.aws.regions.us-east-1.image": "ami-1""#), "{build}");
    }

    #[test]
    fn text_that_is_not_build_metadata_is_an_error() {
        for text in
            ["", "<html>", "[]", r#"{"images": []}"#, r#"{"images": {"x": {"path": "p", "size": -1}}}"#]
        {
            assert!(BuildMetadata::parse("meta.json", text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn readable_parts_are_returned_along_with_faults() {
        let image = format!(r#""x": {{"path": "a.iso", "sha256": "{DIGEST}"}}"#);
        for (text, files) in [
            (format!(r#"{{"images": {{{image}, "y": {{"path": "b", "size": -1}}}}}}"#), 2),
            (format!(r#"{{"images": {{{image}, "y": {{"path": "b", "si"#), 1),
            (format!(r#"{{"images": {{{image}}}, "images": []}}"#), 1),
            (format!("[{image}]"), 0),
        ] {
            let (metadata, outcome) = BuildMetadata::parse_lossy("meta.json", text.as_bytes());
            assert!(outcome.is_err(), "{text}");
            assert_eq!(metadata.len(), files, "{text}");
            assert_eq!(metadata.of("a.iso").len(), usize::from(files > 0), "{text}");
        }
    }

    #[test]
    fn the_images_of_one_file_are_limited() {
        let text = |images: usize| {
            let images: Vec<String> = (0..images).map(|it| format!(r#""{it}": {{"path": "f"}}"#)).collect();
            format!(r#"{{"images": {{{}}}}}"#, images.join(","))
        };
        assert_eq!(BuildMetadata::parse("meta.json", text(4).as_bytes()).unwrap().of("f").len(), 4);
        let faults = BuildMetadata::parse("meta.json", text(5).as_bytes()).unwrap_err();
        assert_eq!(
            faults.to_string(),
            "meta.json: images.4: found one more image of a file, expected at most 4 images of one file"
        );
    }

    #[test]
    fn the_number_of_images_is_limited() {
        let text = |images: usize| {
            let images: Vec<String> =
                (0..images).map(|it| format!(r#""{it}": {{"path": "{it}"}}"#)).collect();
            format!(r#"{{"images": {{{}}}}}"#, images.join(","))
        };
        assert_eq!(BuildMetadata::parse("meta.json", text(MAX_IMAGES).as_bytes()).unwrap().len(), MAX_IMAGES);
        let faults = BuildMetadata::parse("meta.json", text(MAX_IMAGES + 1).as_bytes()).unwrap_err();
        assert_eq!(faults.to_string(), "meta.json: images: found 10001 images, expected at most 10000");
    }
}
