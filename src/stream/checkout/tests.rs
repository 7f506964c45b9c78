//! Which files of a tree are read or reported, with in-memory trees: ten thousand names, or directories missing from
//! a partial clone.

use std::collections::BTreeMap;

use super::*;
use crate::stream::walk_history;
use crate::test_support::{Repo, testdata};

/// A tree of files by path. A directory exists if a file is below it and it is not in `lacks`.
#[derive(Default)]
struct Planted {
    files: BTreeMap<PathBuf, String>,
    others: BTreeMap<PathBuf, &'static str>,
    lacks: Vec<&'static str>,
}

impl Planted {
    fn of(files: impl IntoIterator<Item = (String, String)>) -> Self {
        let files = files.into_iter().map(|(path, text)| (path.into(), text)).collect();
        Self { files, ..Self::default() }
    }

    fn read_with(&self, mut left: usize) -> (Checkout, usize) {
        let checkout = Files::of(self).read(&mut left);
        (checkout, left)
    }

    fn read_all(&self) -> Checkout {
        self.read_with(MAX_DOCUMENT_BYTES).0
    }
}

impl Tree for Planted {
    fn name(&self) -> String {
        "planted".to_owned()
    }

    fn list(&self, directory: &Path) -> Result<Option<TreeListing>, SourceError> {
        if self.lacks.iter().any(|lacks| Path::new(lacks) == directory) {
            return Ok(None);
        }
        let mut entries = BTreeMap::new();
        let others = self.others.iter().map(|(path, what)| (path, EntryKind::Other(what)));
        for (path, kind) in self.files.keys().map(|path| (path, EntryKind::File)).chain(others) {
            let Ok(below) = path.strip_prefix(directory) else { continue };
            let mut parts = below.iter();
            let name = parts.next().unwrap().to_owned();
            entries.insert(name, if parts.next().is_some() { EntryKind::Directory } else { kind });
        }
        let id = "1".to_owned();
        let entries: Vec<Entry> =
            entries.into_iter().map(|(name, kind)| Entry { name, kind, id: id.clone() }).collect();
        let identity = directory.display().to_string();
        Ok((!entries.is_empty()).then_some(TreeListing { identity, entries }))
    }

    fn read(&self, path: &Path, limit: usize) -> Result<Vec<u8>, SourceError> {
        let bytes = self.files[path].as_bytes().to_vec();
        assert!(bytes.len() <= limit);
        Ok(bytes)
    }
}

const DIGEST: &str = "f6e4458958f38a7bccae4a89a73134d431b86b183ebcf76542446c959fa2d520";

fn document() -> String {
    format!(
        r#"{{"stream": "s", "architectures": {{"x86_64": {{"artifacts": {{"metal": {{"release": "1",
            "formats": {{"iso": {{"disk": {{"location": "https://mirror.openshift.com/f.iso",
            "sha256": "{DIGEST}"}}}}}}}}}}}}}}}}"#
    )
}

fn config_map() -> String {
    let data = serde_json::json!({"stream": document()});
    serde_json::json!({"kind": "ConfigMap", "metadata": {"name": "coreos-bootimages"}, "data": data})
        .to_string()
}

fn file(path: &str, text: &str) -> (String, String) {
    (path.to_owned(), text.to_owned())
}

/// A valid document that causes no error.
fn stream_file() -> (String, String) {
    file("data/data/coreos/rhcos.json", &document())
}

fn names(checkout: &Checkout) -> Vec<&str> {
    checkout.sources.documents.iter().map(|sourced| &*sourced.document.name).collect()
}

fn skipped(checkout: &Checkout) -> Vec<(&str, &str)> {
    checkout.sources.skipped.iter().map(|skipped| (&*skipped.name, &*skipped.why)).collect()
}

fn errors(checkout: Checkout) -> String {
    checkout.errors.into_result().map_or_else(|errors| errors.to_string(), |()| String::new())
}

#[test]
fn a_directory_that_a_partial_clone_lacks_is_an_error() {
    let coreos = Planted::of([stream_file(), file("data/data/x.json", &document())]);
    let below = Planted::of([stream_file(), file("data/data/coreos/more/x.json", &document())]);
    let root = Planted::of([file("rhcos-4.8.json", &document()), file("data/data/x.json", &document())]);
    for (tree, lacks, named) in [
        (coreos, vec!["data/data/coreos"], "data/data/coreos"),
        (below, vec!["data/data/coreos/more"], "data/data/coreos/more"),
        // The listing of `data` shows that there is a `data/data`.
        (root, vec!["data/data"], "data/data"),
    ] {
        let tree = Planted { lacks, ..tree };
        let errors = errors(tree.read_all());
        assert!(
            errors.contains(&format!("{named}: found a directory that this clone does not have")),
            "{errors}"
        );
    }
    let nothing = errors(Planted::default().read_all());
    assert!(nothing.contains("planted: found a directory that this clone does not have"), "{nothing}");
    // A `data` directory without `data/data` is ignored.
    let other = Planted::of([file("rhcos-4.8.json", &document()), file("data/readme.txt", "")]);
    let checkout = other.read_all();
    assert_eq!(names(&checkout), ["rhcos-4.8.json"]);
    assert_eq!(errors(checkout), "");
    let unlisted = Planted { lacks: vec!["data"], ..other };
    assert!(!errors(unlisted.read_all()).is_empty());
}

/// The limit applies to all directories together, and exceeding it is reported once.
#[test]
fn the_number_of_names_is_limited_for_all_directories_together() {
    let filled = |most: usize| {
        let many = (0..most).map(|it| file(&format!("data/data/coreos/a/{it}.txt"), ""));
        let last = ["x", "y", "z"].map(|it| file(&format!("data/data/coreos/{it}/one.json"), &document()));
        Planted::of(many.chain(last)).read_all()
    };
    // Five of the names are directories: coreos, and four in it.
    let most = MAX_FILES - 5;
    let fits = filled(most - 3);
    assert_eq!(names(&fits).len(), 3);
    assert_eq!(errors(fits), "");
    for more in [most - 2, most - 1, most, most + 1] {
        let errors = errors(filled(more));
        assert_eq!(errors.matches("found more than 10000 names").count(), 1, "{more}: {errors}");
    }
}

#[test]
fn an_unread_file_is_reported_where_a_document_could_be() {
    let longest = format!("data/data/coreos/{}.json", "x".repeat(MAX_PATH - 22));
    assert_eq!(longest.len(), MAX_PATH);
    let tree = Planted {
        others: BTreeMap::from([
            ("data/data/link".into(), "a link out of the checkout"),
            ("data/data/coreos/notes".into(), "a link out of the checkout"),
        ]),
        ..Planted::of([
            stream_file(),
            file(&longest, &document()),
            file("data/data/directory.json/x", ""),
            file("data/data/directory/x.json", "nonsense"),
            file("data/data/coreos/directory.json/one.json", &document()),
        ])
    };
    let checkout = tree.read_all();
    assert_eq!(
        names(&checkout),
        ["data/data/coreos/rhcos.json", &*longest, "data/data/coreos/directory.json/one.json"]
    );
    assert_eq!(
        skipped(&checkout),
        [
            ("data/data/directory.json", "a directory"),
            ("data/data/coreos/notes", "a link out of the checkout"),
        ]
    );
    assert_eq!(errors(checkout), "");
    let link = BTreeMap::from([("data/data/coreos/x.json".into(), "a link to nothing")]);
    let errors = errors(Planted { others: link, ..Planted::of([stream_file()]) }.read_all());
    assert!(errors.contains("coreos/x.json: found a link to nothing"), "{errors}");
}

/// The installer does not read a ConfigMap below `data/data/coreos` as stream metadata.
#[test]
fn manifests_are_read_at_the_root_and_count_if_they_hold_documents() {
    let at_root = Planted::of([file("cm.json", &config_map()), file("other.yaml", "kind: Secret\n")]);
    let (checkout, left) = at_root.read_with(MAX_DOCUMENT_BYTES);
    assert_eq!(names(&checkout), ["cm.json"]);
    assert_eq!(left, MAX_DOCUMENT_BYTES - config_map().len(), "what holds no stream costs nothing");
    let below = Planted::of([stream_file(), file("data/data/coreos/cm.json", &config_map())]).read_all();
    assert_eq!(names(&below), ["data/data/coreos/rhcos.json"]);
    assert_eq!(
        skipped(&below),
        [("data/data/coreos/cm.json", "not stream metadata: it has no `architectures`")]
    );
}

/// A document with the name of legacy metadata must be valid as both.
#[test]
fn legacy_metadata_that_is_also_a_document_must_be_valid_as_both() {
    let legacy = r#"{"buildid": "42.81.20190919.0", "amis": {"us-east-1": {"hvm": "ami-1"}}}"#;
    let checkout = Planted::of([stream_file(), file("data/data/rhcos-amd64.json", legacy)]).read_all();
    let [build] = &*checkout.sources.legacy_builds else { panic!("{:?}", checkout.sources.legacy_builds) };
    assert_eq!(build.amis, BTreeMap::from([("us-east-1".to_owned(), "ami-1".to_owned())]));
    for (images, documents) in [("{}", 2), (r#"{"x": {"path": "f", "size": "5"}}"#, 1)] {
        let both = document().replacen('{', &format!(r#"{{"images": {images}, "#), 1);
        let checkout = Planted::of([stream_file(), file("data/data/rhcos-amd64.json", &both)]).read_all();
        assert_eq!(names(&checkout).len(), documents, "{images}");
        assert_eq!(errors(checkout).is_empty(), documents == 2, "{images}");
    }
}

/// `list_commit` lists exactly the files that `read_commit` reads.
#[test]
fn the_files_of_a_commit_are_listed_as_they_are_read() {
    let scratch = Repo::new();
    scratch.copy(&testdata("checkout"), "");
    let commit = |message: &str| CommitId::parse(&scratch.commit(message)).unwrap();
    let first = commit("x");
    let repository = Repository::of(scratch.path(), None).unwrap();
    let read = read_commit(&repository, &first);
    let listed = list_commit(&repository, &first);
    let mut documents = Vec::new();
    for (path, _) in &listed.files {
        let one = read_listed(&repository, &first, path, &mut { MAX_DOCUMENT_BYTES });
        documents.extend(names(&one).into_iter().map(str::to_owned));
    }
    assert_eq!(documents, names(&read));
    let key = |commit: &CommitId| list_commit(&repository, commit).into_key();
    let of_first = key(&first).unwrap();
    assert_eq!(of_first.len(), listed.files.len());
    assert!(of_first.iter().all(|(path, id)| path.starts_with(DATA) && id.len() == 40), "{of_first:?}");
    // The key changes with a document and not with other files.
    scratch.write("README.md", "new");
    assert_eq!(key(&commit("readme")), Some(of_first.clone()));
    scratch.write("data/data/coreos/rhcos.json", &document());
    assert!(key(&commit("document")).is_some_and(|key| key != of_first));
    // The target of a link can change, and a directory that cannot be listed can contain anything.
    std::os::unix::fs::symlink("rhcos.json", scratch.path().join("data/data/coreos/link.json")).unwrap();
    let linked = commit("link");
    assert!(list_commit(&repository, &linked).has_links);
    assert_eq!(key(&linked), None);
    fs::remove_file(scratch.path().join("data/data/coreos/link.json")).unwrap();
    scratch.write(&format!("data/data/coreos/{}x.json", "d/".repeat(MAX_DEPTH)), &document());
    let deep = commit("deep");
    assert!(!list_commit(&repository, &deep).has_links);
    assert_eq!(key(&deep), None);
}

#[test]
fn a_change_to_what_may_hold_documents_is_part_of_the_history() {
    let repo = Repo::new();
    repo.write("README.md", "");
    let commit = |name: &str| CommitId::parse(&repo.commit(name)).unwrap();
    let first = commit("first");
    let mut expected = vec![first];
    let mut last = None;
    for (path, is_looked_at) in [
        ("x.json", true),
        ("README.md", false),
        ("X.JSON", true),
        ("x.yaml", true),
        ("x.YML", true),
        ("below/x.json", false),
        ("data/data/x.json", true),
        ("data/data/X.Json", true),
        ("data/data/x.yaml", false),
        ("data/data/below/x.json", false),
        ("data/data/coreos/x.json", true),
        ("data/data/coreos/below/x.json", true),
    ] {
        repo.write(path, "new");
        let made = commit(path);
        last = Some(made.clone());
        expected.extend(is_looked_at.then_some(made));
    }
    let last = [last.unwrap()];
    // From the root, and from a directory in it.
    for directory in ["", "below", "data/data"] {
        let mut visited = Vec::new();
        let repository = Repository::at(&repo.path().join(directory));
        walk_history(&repository, &last, None, |past, _| visited.push(past.commit.clone())).unwrap();
        assert_eq!(visited, expected, "{directory}");
    }
}
