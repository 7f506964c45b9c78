//! Documents that exceed the limits.

use std::fs;
use std::io::Read;
use std::time::Duration;

use serde_json::{Value, json};

use crate::gate::{ITSELF, MEMORY, Run, check, document, gate, run, run_within};

/// The documented memory of a large document, as a multiple of its size.
const MULTIPLE: u64 = 5;

fn judge(text: &[u8]) -> Run {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("stream.json");
    fs::write(&file, text).unwrap();
    run_within(Duration::from_secs(120), check(&file, &[]), std::io::empty())
}

fn good() -> String {
    document(&["https://mirror.openshift.com/pub/f.iso".to_owned()])
}

#[test]
fn bombs_are_unusable_documents() {
    let good = good();
    let with = |key: &str, value: &str| good.replacen('{', &format!("{{{key}: {value},"), 1);
    let deep = |open: &str, close: &str| [open.repeat(200_000), close.repeat(200_000)].concat();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("only depth", "[".repeat(1_000_000).into()),
        ("nested objects that never end", "{\"a\":".repeat(500_000).into()),
        ("depth in an unknown field", with("\"x\"", &deep("[", "]")).into()),
        (
            "depth among the images",
            good.replace(
                "\"artifacts\"",
                &format!("\"images\": {}, \"artifacts\"", deep("{\"a\":", "}").replace(":}", ":1}")),
            )
            .into(),
        ),
        ("aliases that multiply", billion_laughs().into()),
        (
            "aliases that multiply in a manifest",
            format!("kind: ConfigMap\napiVersion: v1\n{}data:\n  stream: *z\n", billion_laughs()).into(),
        ),
    ];
    for (name, text) in cases {
        let run = judge(&text);
        assert_eq!(run.code, Some(2), "{name}: {}", run.said());
        assert!(
            run.stdout.is_empty() && run.stderr.len() < 20_000,
            "{name}: {} bytes said",
            run.stderr.len()
        );
        assert!(run.stderr.starts_with(b"error: "), "{name}: {}", run.said());
        assert!(run.peak < MEMORY, "{name}: {} MiB", run.peak);
        assert!(run.took < Duration::from_secs(20), "{name}: {:?}", run.took);
    }
}

/// A "billion laughs" of aliases: 10⁹ strings when expanded.
fn billion_laughs() -> String {
    let mut text = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (before, after) in
        ["a", "b", "c", "d", "e", "f", "g", "h"].iter().zip(["b", "c", "d", "e", "f", "g", "h", "z"])
    {
        let ten = vec![format!("*{before}"); 10].join(", ");
        text.extend([after, ": &", after, " [", &ten, "]\n"]);
    }
    text
}

/// For each field that holds a string, a document with one of this size in bytes, and the expected exit status.
fn large_strings(unit: &str, bytes: usize) -> impl Iterator<Item = (&'static str, String, i32)> {
    let long = unit.repeat(bytes / unit.len());
    // Nothing is requested, because the host is not allowed.
    let good = document(&["https://mirror.example.com/pub/f.iso".to_owned()]);
    let replaced = move |name: &'static str| match name {
        "an unknown field" => (good.replacen('{', &format!("{{\"x\": \"{long}\","), 1), 1),
        "the stream's name" => (good.replace("rhcos-4.8", &long), 2),
        "a location" => (good.replace("pub/f.iso", &long), 2),
        "a key" => (good.replacen("\"p000000\"", &format!("\"{long}\""), 1), 2),
        _ => (good.replace(&"00".repeat(32), &long), 2),
    };
    let places = ["an unknown field", "the stream's name", "a location", "a key", "a digest"];
    places.into_iter().map(move |name| {
        let (text, code) = replaced(name);
        (name, text, code)
    })
}

#[test]
fn documents_over_the_size_limit_are_refused() {
    // It is refused before it is parsed.
    let (_, text, _) = large_strings("a", 65 << 20).next().unwrap();
    let run = judge(text.as_bytes());
    assert_eq!(run.code, Some(2), "{}", run.said());
    assert!(run.said().contains("at most 67108864"), "{}", run.said());
    assert!(run.peak < MEMORY, "{} MiB", run.peak);
}

#[test]
fn the_memory_of_large_strings_is_proportional_to_their_size() {
    const SIZE: usize = 12 << 20;
    // Plain, and as escapes of six bytes for each character.
    for unit in ["a", "\\u0061"] {
        for (name, text, code) in large_strings(unit, SIZE) {
            let run = judge(text.as_bytes());
            eprintln!("{name} of {unit}: {} MiB, {:?}, exit {:?}", run.peak, run.took, run.code);
            let said: String = run.said().chars().take(2_000).collect();
            assert_eq!(run.code, Some(code), "{name} of {unit}: {said}");
            assert!(run.stderr.len() < 20_000, "{name} of {unit}: {} bytes said", run.stderr.len());
            let stated = ITSELF / 2 + MULTIPLE * (text.len() as u64 >> 20);
            assert!(run.peak < stated, "{name} of {unit}: {} of {stated} MiB", run.peak);
        }
    }
    // The costliest case, near the maximum size of a document.
    let (_, text, code) = large_strings("a", 60 << 20).find(|(name, ..)| *name == "a key").unwrap();
    let run = judge(text.as_bytes());
    assert_eq!(run.code, Some(code));
    assert!(run.peak < MULTIPLE * 60, "{} MiB", run.peak);
}

#[test]
fn an_endless_document_is_not_read_completely() {
    struct Endless;
    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            buffer.fill(b' ');
            Ok(buffer.len())
        }
    }
    let run = run_within(Duration::from_secs(60), check("-".as_ref(), &[]), Endless);
    assert_eq!(run.code, Some(2), "{}", run.said());
    assert!(run.peak < 400, "{} MiB", run.peak);
}

#[test]
fn the_faults_of_a_document_are_limited() {
    let many = vec!["no location".to_owned(); 20_000];
    let run = judge(document(&many).as_bytes());
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.len() < 1 << 20, "{} bytes on standard error", run.stderr.len());
    assert!(run.peak < MEMORY, "{} MiB", run.peak);
}

#[test]
fn the_memory_of_many_artifacts_is_four_kib_each() {
    let many = |count: usize| {
        let one = document(&["https://mirror.example.com/pub/f.iso".to_owned()]);
        let (before, rest) = one.split_once("\"p000000\"").unwrap();
        // Splits at the end of the platform's object.
        let (platform, after) = rest.split_at(rest.find("}}}},\"metadata\"").unwrap() + 1);
        let platforms: Vec<String> = (0..count).map(|index| format!("\"p{index:07}\"{platform}")).collect();
        let text = [before, &platforms.join(","), after].concat();
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("stream.json");
        fs::write(&file, text).unwrap();
        let mut command = check(&file, &[]);
        command.arg("--artifacts-dir").arg(directory.path());
        run_within(Duration::from_secs(120), command, std::io::empty())
    };
    // Nothing is requested, because the host is not allowed.
    let some = many(6_000);
    eprintln!("6000 artifacts: {} MiB, {:?}", some.peak, some.took);
    assert_eq!(some.code, Some(1), "{}", some.said());
    assert!(some.peak < ITSELF + 24, "{} MiB", some.peak);
    // This exceeds the maximum size of a document.
    let most = many(500_000);
    eprintln!("500000 artifacts: {} MiB, {:?}", most.peak, most.took);
    assert_eq!(most.code, Some(2), "{}", most.said());
    assert!(most.peak < 300, "{} MiB", most.peak);
}

/// Strings at their maximum length that are once in the document and in the report of every artifact.
#[test]
fn names_of_maximum_length_stay_within_the_documented_memory() {
    const COUNT: usize = 3_000;
    let fill = |length: usize| "\u{fc}".repeat(length / 2);
    let disk = json!({ "location": "https://mirror.example.com/pub/f.iso", "sha256": "00".repeat(32) });
    let components: serde_json::Map<String, Value> =
        (0..COUNT).map(|index| (format!("{index:08}{}", fill(56)), disk.clone())).collect();
    let document = |release: usize| {
        let formats = json!({ fill(64): components });
        let platform = json!({ "release": fill(release), "formats": formats });
        let artifacts = json!({ fill(64): platform });
        json!({ "stream": fill(128), "architectures": { fill(64): { "artifacts": artifacts } } }).to_string()
    };
    let checkout = tempfile::tempdir().unwrap();
    let coreos = checkout.path().join("data/data/coreos");
    fs::create_dir_all(&coreos).unwrap();
    let source = coreos.join(format!("{}.json", fill(230)));
    let artifacts = checkout.path().join("artifacts");
    let run = |release| {
        let text = document(release);
        fs::write(&source, &text).unwrap();
        let mut command = check(checkout.path(), &[]);
        command.arg("--artifacts-dir").arg(&artifacts);
        (text.len() as u64 >> 20, run_within(Duration::from_secs(180), command, std::io::empty()))
    };
    let (size, at) = run(128);
    let stated = ITSELF + MULTIPLE * size + 4 * COUNT as u64 / 1024;
    let written: u64 =
        fs::read_dir(&artifacts).unwrap().map(|it| it.unwrap().metadata().unwrap().len()).sum();
    eprintln!(
        "{COUNT} artifacts: {} of {stated} MiB, {} MiB of reports, {:?}",
        at.peak,
        written >> 20,
        at.took
    );
    assert_eq!(at.code, Some(1), "{}", at.said());
    assert!(at.peak < stated, "{} of {stated} MiB", at.peak);
    let (_, beyond) = run(130);
    assert_eq!(beyond.code, Some(2), "{}", beyond.said());
    assert!(beyond.said().contains("expected at most 128 characters"), "{}", beyond.said());
    assert!(beyond.peak < stated && beyond.stderr.len() < 2_000, "{} MiB", beyond.peak);
}

/// As many faults as fit into a checkout, each below a long path of characters that are printed as eight bytes.
#[test]
fn the_faults_of_a_whole_checkout_stay_within_the_documented_memory() {
    let key = "\u{202e}".repeat(80);
    let deep = format!("{}{}{}", format!("{{\"{key}\":").repeat(100), "{\"a\":1,\"a\":1}", "}".repeat(100));
    let bad = format!("{{\"stream\":\"s\",\"x\":[{}]}}", [deep.as_str(); 60].join(","));
    let checkout = tempfile::tempdir().unwrap();
    let coreos = checkout.path().join("data/data/coreos");
    fs::create_dir_all(&coreos).unwrap();
    let files = (20 << 20) / bad.len();
    for index in 0..files {
        fs::write(coreos.join(format!("{index}.json")), &bad).unwrap();
    }
    let mut command = check(checkout.path(), &["--deadline", "100s"]);
    command.arg("--artifacts-dir").arg(checkout.path().join("artifacts"));
    let run = run_within(Duration::from_secs(120), command, std::io::empty());
    eprintln!("{files} files of faults: {} MiB, {:?}, {} bytes said", run.peak, run.took, run.stderr.len());
    assert_eq!(run.code, Some(2));
    assert!(run.peak < MEMORY, "{} MiB", run.peak);
    assert!(run.stderr.len() < 200_000, "{} bytes on standard error", run.stderr.len());
    assert!(run.said().contains("more faults in other files"), "{}", run.said());
}

#[test]
fn links_pipes_and_directories_in_a_checkout_never_pass() {
    use std::os::unix::fs::symlink;
    type Make = fn(&std::path::Path);
    let kinds: [(&str, Make); 5] = [
        ("a link out of it", |path| symlink("/etc/passwd", path).unwrap()),
        ("a link to a device", |path| symlink("/dev/zero", path).unwrap()),
        ("a link to itself", |path| symlink(path, path).unwrap()),
        ("a directory", |path| fs::create_dir(path).unwrap()),
        ("a pipe without a writer", |path| {
            assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
        }),
    ];
    for (kind, make) in kinds {
        for name in
            ["data/data/rhcos-stream.json", "data/data/coreos/rhcos.json", "data/data/rhcos-amd64.json"]
        {
            let checkout = tempfile::tempdir().unwrap();
            let coreos = checkout.path().join("data/data/coreos");
            fs::create_dir_all(&coreos).unwrap();
            fs::write(coreos.join("fcos.json"), document(&["https://mirror.example.com/f".to_owned()]))
                .unwrap();
            make(&checkout.path().join(name));
            let run = run(check(checkout.path(), &[]));
            // It must not pass; whether such an entry is a fault or skipped is not tested here.
            assert!(matches!(run.code, Some(1 | 2)), "{kind} as {name}: {:?} {}", run.code, run.said());
            assert!(!run.said().contains("root:"), "{kind} as {name}: {}", run.said());
            assert!(run.took < Duration::from_secs(10) && run.peak < MEMORY, "{kind} as {name}: {run:?}");
        }
    }
}

#[test]
fn no_two_artifacts_share_a_name() {
    use std::collections::BTreeSet;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    // Names that look alike or are invisible.
    let platforms = [
        "p",
        "p\u{200b}",
        "p\\u{200b}",
        "p\\\\u{200b}",
        "p\u{3164}",
        "p\u{fe0f}",
        "p\u{1d173}",
        "p ",
        "p\u{a0}",
    ];
    let files: [&[u8]; 5] =
        [b"a.json", b"a\xff.json", b"a\xfe.json", b"a\\xff.json", "a\u{fffd}.json".as_bytes()];
    let mut text: Value =
        serde_json::from_str(&document(&["https://mirror.example.com/f".to_owned()])).unwrap();
    let artifacts = text["architectures"]["x86_64"]["artifacts"].as_object_mut().unwrap();
    let platform = artifacts.remove("p000000").unwrap();
    artifacts.extend(platforms.map(|name| (name.to_owned(), platform.clone())));
    let root = tempfile::tempdir().unwrap();
    let (checkout, out) = (root.path().join("checkout"), root.path().join("artifacts"));
    let data = checkout.join("data/data/coreos");
    fs::create_dir_all(&data).unwrap();
    fs::create_dir(&out).unwrap();
    for name in files {
        fs::write(data.join(OsStr::from_bytes(name)), text.to_string()).unwrap();
    }
    let all = platforms.len() * files.len();
    let mut command = gate(&["check", "--retries", "0", "--artifacts-dir"]);
    command.arg(&out).arg(&checkout);
    let run = run(command);
    assert_eq!(run.code, Some(1), "{}", run.said());
    let junit = fs::read_to_string(out.join("junit_art-mirror-validate.xml")).unwrap();
    let junit = roxmltree::Document::parse(&junit).unwrap();
    let cases = junit.descendants().filter(|node| node.has_tag_name("testcase"));
    let cases: BTreeSet<_> = cases.map(|it| (it.attribute("classname"), it.attribute("name"))).collect();
    assert_eq!(cases.len(), all, "{cases:?}");
    let json: Value =
        serde_json::from_slice(&fs::read(out.join("art-mirror-validate.json")).unwrap()).unwrap();
    let ids: BTreeSet<_> =
        json["artifacts"].as_array().unwrap().iter().map(|it| it["id"].to_string()).collect();
    assert_eq!(ids.len(), all, "{ids:?}");
    let log = String::from_utf8(run.stdout).unwrap();
    let lines: BTreeSet<_> = log.lines().filter(|line| line.starts_with("FAIL ")).collect();
    assert_eq!(lines.len(), all, "{log}");
}

#[test]
fn strings_that_are_copied_into_every_artifact_do_not_multiply() {
    const ARTIFACTS: u64 = 1_000;
    let one = document(&["https://mirror.example.com/pub/f.iso".to_owned()]);
    let mut text: Value = serde_json::from_str(&one).unwrap();
    let platform = &mut text["architectures"]["x86_64"]["artifacts"]["p000000"];
    let disk = platform["formats"]["iso"]["disk"].clone();
    // The release is repeated in every artifact of its platform.
    platform["release"] = "\u{1b}".repeat(20_000).into();
    platform["formats"] = (0..ARTIFACTS)
        .map(|number| (format!("f{number:05}"), serde_json::json!({ "disk": disk.clone() })))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let root = tempfile::tempdir().unwrap();
    let (file, out) = (root.path().join("stream.json"), root.path().join("artifacts"));
    fs::write(&file, text.to_string()).unwrap();
    for output in ["human", "json", "markdown"] {
        let mut command = gate(&["check", "--retries", "0", "--output", output, "--artifacts-dir"]);
        command.arg(&out).arg(&file);
        let run = run_within(Duration::from_secs(120), command, std::io::empty());
        // Accepted, or rejected as unusable.
        assert!(matches!(run.code, Some(1 | 2)), "{}", run.said());
        let reports: u64 = fs::read_dir(&out).unwrap().map(|it| it.unwrap().metadata().unwrap().len()).sum();
        let said = (run.stdout.len() + run.stderr.len()) as u64;
        eprintln!("{output}: {reports} bytes of reports, {said} said, {} MiB", run.peak);
        let most = (64 << 20) + ARTIFACTS * 8 * 1024;
        assert!(reports < most && said < most, "{output}: {reports} bytes of reports, {said} said");
        assert!(run.peak < MEMORY + 10 + ARTIFACTS / 256, "{output}: {} MiB", run.peak);
    }
}
