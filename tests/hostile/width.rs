//! Documents that are far too wide, but not deep.

use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use art_mirror_validate::probe::MAX_META_JSON_BYTES;

use crate::gate::{ITSELF, MEMORY, Run, check, document, gate, run_within};
use crate::server::{Server, artifact, file};

/// The size of the files, in MiB.
const SIZE: u64 = 4;

/// The documented memory for large documents, in MiB: five times their size, plus that of any run.
const DOCUMENTED_LIMIT: u64 = 5 * SIZE + ITSELF * 3 / 4;

/// As many items as fill a file, separated by commas.
fn fill(item: impl Fn(usize) -> String) -> String {
    let size = usize::try_from(SIZE << 20).unwrap();
    let mut filled = item(0);
    for number in 1.. {
        if filled.len() >= size {
            break;
        }
        write!(filled, ",{}", item(number)).unwrap();
    }
    filled
}

/// A document with one artifact, on a host that is not allowed.
fn good() -> String {
    document(&["https://evil.example/pub/f.iso".to_owned()])
}

/// `check` of a checkout with these files.
fn judge(files: &[(&str, &str)]) -> Run {
    let checkout = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = checkout.path().join("data/data").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    run_within(Duration::from_secs(120), check(checkout.path(), &[]), std::io::empty())
}

#[test]
fn wide_documents_stay_within_the_documented_memory() {
    let good = good();
    let with = |key: &str, value: &str| good.replacen('{', &format!("{{\"{key}\": {value},"), 1);
    let beside = |key: &str, value: &str| {
        good.replacen("\"artifacts\"", &format!("\"{key}\": {value}, \"artifacts\""), 1)
    };
    let numbers = format!("[{}]", fill(|_| "1".to_owned()));
    let keys = format!("{{{}}}", fill(|number| format!("\"{number:x}\":1")));
    let empty = format!("{{{}}}", fill(|number| format!("\"{number:x}\":{{}}")));
    let images = fill(|number| format!("\"{number:x}\":{{\"path\":\"{number:x}\",\"size\":1}}"));
    let images = format!("{{\"images\":{{{images}}}}}");
    let stream = "coreos/rhcos.json";
    let beside_stream = |path, text| vec![(stream, &*good), (path, text)];
    let alone = |text: String| vec![(stream, text)];
    let of_stream = [
        ("numbers in an unknown field", alone(with("x", &numbers)), 1, ""),
        ("keys in an unknown field", alone(with("x", &keys)), 1, ""),
        (
            "formats without components",
            alone(good.replacen("\"formats\":{", &format!("\"formats\":{{\"x\":{empty},"), 1)),
            1,
            "",
        ),
        ("numbers in place of the cloud images", alone(beside("images", &numbers)), 2, "found an array"),
        (
            "numbers among the cloud images",
            alone(beside("images", &format!("{{\"later\": {numbers}}}"))),
            2,
            "found one value too many",
        ),
        (
            "cloud images far down a long path",
            alone(beside("images", &format!("{{\"{}\": [{}1]}}", "k".repeat(1 << 20), "1,".repeat(100_000)))),
            2,
            "found a longer path of keys",
        ),
    ];
    let of_others = [
        ("another file, of numbers", beside_stream("coreos/x.json", &numbers), 1, ""),
        ("another file, of keys", beside_stream("coreos/x.json", &keys), 1, ""),
        ("legacy metadata", beside_stream("rhcos-amd64.json", &images), 2, "expected at most 10000"),
    ];
    let of_stream = of_stream.iter().map(|(name, files, code, says)| {
        (*name, files.iter().map(|(path, text)| (*path, text.as_str())).collect::<Vec<_>>(), *code, *says)
    });
    for (name, files, code, says) in of_stream.chain(of_others) {
        let run = judge(&files);
        eprintln!("{name}: {} MiB, {:?}", run.peak, run.took);
        assert_eq!(run.code, Some(code), "{name}: {}", run.said());
        assert!(run.said().contains(says), "{name}: {}", run.said());
        assert!(run.peak < DOCUMENTED_LIMIT, "{name}: {} of {DOCUMENTED_LIMIT} MiB", run.peak);
    }
}

#[test]
fn documents_that_are_too_large_together_are_refused() {
    let [one, other] =
        ["a", "b"].map(|key| good().replacen('{', &format!("{{\"{key}\": \"{}\",", "x".repeat(33 << 20)), 1));
    let run = judge(&[("coreos/rhcos.json", &*one), ("coreos/x.json", &*other)]);
    assert_eq!(run.code, Some(2), "{}", run.said());
    assert!(run.said().contains("together"), "{}", run.said());
    assert!(run.peak < MEMORY, "{} MiB", run.peak);
}

/// A `meta.json` of the maximum size with as many keys as possible, in two directories.
#[test]
fn wide_sidecars_stay_within_the_documented_memory() {
    let server = Server::start();
    let mut meta = "{\"images\":{\"-\":{}".to_owned();
    for number in 0.. {
        write!(meta, ",\"{number:x}\":{{}}").unwrap();
        if meta.len() > MAX_META_JSON_BYTES - 32 {
            break;
        }
    }
    meta.push_str("}}");
    assert!(meta.len() <= MAX_META_JSON_BYTES);
    let meta = file(meta);
    let paths = ["a", "b"].map(|name| format!("/{name}/f.iso"));
    for path in &paths {
        server.put(path, artifact("f.iso"));
        server.put(&path.replace("f.iso", "meta.json"), meta.clone());
    }
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("stream.json");
    fs::write(&source, document(&paths.each_ref().map(|path| server.url(path)))).unwrap();
    let mut command = gate(&["check", "--verify", "published", "--allow-private-addresses", "--allow-host"]);
    command.arg(server.addr().to_string()).arg(&source);
    let run = run_within(Duration::from_secs(120), command, std::io::empty());
    eprintln!("wide sidecars: {} MiB, {:?}", run.peak, run.took);
    assert_eq!(run.code, Some(3), "{}", run.said());
    assert_eq!(server.request_count(), 6);
    assert!(run.peak < MEMORY, "{} MiB", run.peak);
}
