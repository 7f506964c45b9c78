//! The HTML report in a real browser: it renders, shows every failure, runs no script, makes no request, and
//! shows injected markup as text.

#![expect(clippy::unwrap_used, clippy::panic, reason = "the helpers of a test fail as its test does")]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use art_mirror_validate::report::model::{
    ArtifactReport, Report, SCHEMA_VERSION, Sha256Report, SizeReport, Summary, Target, TargetKind,
    UncompressedReport,
};
use art_mirror_validate::report::{RunContext, html};
use art_mirror_validate::stream::Sha256;
use art_mirror_validate::verdict::{Reason, Verdict};

const FAILURES: usize = 30;

/// Longer than a cold start on a busy machine takes.
const PATIENCE: Duration = Duration::from_secs(90);

#[test]
fn a_hostile_report_is_only_ever_text() {
    let Some(browser) = browser() else {
        println!("skipped: neither chromium, chromium-browser nor google-chrome is installed");
        return;
    };
    let (port, requests) = listener();
    let report = report(port);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("report.html");
    let mut file = std::fs::File::create(&path).unwrap();
    html::write(&mut file, &report, &RunContext::default()).unwrap();

    let dom = dump(browser, &directory.path().join("profile"), &format!("file://{}", path.display()));

    assert!(dom.contains("<h2>What did not pass</h2>"), "it renders: {dom}");
    for artifact in &report.artifacts {
        assert!(dom.contains(&format!("<h4><code>{}</code> ", artifact.id)), "{} is shown", artifact.id);
    }
    assert!(!dom.contains("SCRIPT RAN"), "no script runs");
    assert!(dom.contains("&lt;script&gt;document.title"), "injected markup is shown as text");
    for element in
        ["<script", "<img", "<iframe", "<link", "<svg", "<base", "<form", "<object", "javascript:\""]
    {
        assert!(!dom.contains(element), "{element} came to life");
    }
    assert_eq!(requests.load(Ordering::SeqCst), 0, "no request is made");
}

/// As Spyglass shows it: in a frame that may run no scripts, and whose address is not the page's. Nobody can look
/// into such a frame, so its picture has to be the one of the page by itself.
#[test]
fn in_a_sandboxed_frame_the_report_looks_as_it_does_alone() {
    let Some(browser) = browser() else {
        println!("skipped: neither chromium, chromium-browser nor google-chrome is installed");
        return;
    };
    let (port, requests) = listener();
    let directory = tempfile::tempdir().unwrap();
    let mut page = Vec::new();
    html::write(&mut page, &report(port), &RunContext::default()).unwrap();
    let page = String::from_utf8(page).unwrap();
    let framed = format!(
        "<!DOCTYPE html><meta name=color-scheme content='light dark'><title>Spyglass</title>\
         <body style='margin:0'><iframe sandbox style='border:0;display:block;width:100vw;height:100vh' \
         srcdoc=\"{}\"></iframe>",
        page.replace('&', "&amp;").replace('"', "&quot;")
    );
    let picture = |name: &str, page: &str| {
        let path = directory.path().join(format!("{name}.html"));
        std::fs::write(&path, page).unwrap();
        let picture = directory.path().join(format!("{name}.png"));
        let options = [
            format!("--screenshot={}", picture.display()),
            "--window-size=1000,1400".to_owned(),
            "--hide-scrollbars".to_owned(),
            "--force-device-scale-factor=1".to_owned(),
            // A frame has a process of its own, which paints when it gets to it.
            "--virtual-time-budget=5000".to_owned(),
        ];
        let url = format!("file://{}", path.display());
        run(browser, &directory.path().join(format!("{name}-profile")), &options, &url);
        std::fs::read(picture).unwrap()
    };
    let blank = picture("blank", "<!DOCTYPE html><title>x</title>");
    let alone = picture("alone", &page);
    assert!(alone != blank, "the page is not empty");
    // On a busy machine the picture may be taken before the frame has painted.
    let shows_the_page = (0..5).any(|attempt| picture(&format!("framed-{attempt}"), &framed) == alone);
    assert!(shows_the_page, "the frame shows what the page shows");
    assert_eq!(requests.load(Ordering::SeqCst), 0, "no request is made");
}

/// The test above would pass in vain if the browser, as it is started here, ran no scripts and made no
/// requests at all.
#[test]
fn the_browser_would_run_scripts_and_make_requests() {
    let Some(browser) = browser() else {
        println!("skipped: neither chromium, chromium-browser nor google-chrome is installed");
        return;
    };
    let (port, requests) = listener();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("page.html");
    let page = format!("<!DOCTYPE html><title>x</title>{}", injected(port));
    std::fs::write(&path, page).unwrap();
    let dom = dump(browser, &directory.path().join("profile"), &format!("file://{}", path.display()));
    assert!(dom.contains("SCRIPT RAN"), "{dom}");
    assert!(requests.load(Ordering::SeqCst) > 0);
}

fn injected(port: u16) -> String {
    format!(
        "</code></h4></dl><script>document.title='SCRIPT '+'RAN'</script>\
         <img src=http://127.0.0.1:{port}/img onerror=\"document.title='SCRIPT '+'RAN'\">\
         <link rel=stylesheet href=http://127.0.0.1:{port}/css><iframe src=http://127.0.0.1:{port}/frame></iframe>\
         <svg onload=\"document.title='SCRIPT '+'RAN'\"></svg>"
    )
}

/// Failures whose every text is markup, and one whose location is a script.
fn report(port: u16) -> Report {
    let hostile = injected(port);
    let artifacts: Vec<ArtifactReport> = (0..FAILURES)
        .map(|number| {
            let text: Arc<str> = Arc::from(format!("{number} \"'{hostile}{{{{ x }}}}{{% y %}}"));
            ArtifactReport {
                index: 0,
                document: text.clone(),
                // Known by a plain id, so that each can be looked for.
                id: format!("x86_64/platform-{number}/raw.gz/disk"),
                arch: text.clone(),
                platform: text.clone(),
                format: text.clone(),
                component: text.clone(),
                release: text.clone(),
                location: "javascript:document.title='SCRIPT '+'RAN'".into(),
                url: (number % 2 == 0).then(|| text.to_string()),
                verdict: Verdict::Fail,
                reason: Some(if number % 3 == 0 { Reason::BadLocation } else { Reason::Missing }),
                message: text.to_string(),
                advice: Some(text.to_string()),
                http_status: Some(404),
                size: SizeReport::default(),
                sha256: Sha256Report {
                    expected: Sha256::from_bytes([1; 32]),
                    observed: None,
                    observed_from: None,
                },
                uncompressed_sha256: UncompressedReport::default(),
                attempts: 1,
                warnings: vec![text.to_string()],
            }
        })
        .collect();
    Report {
        schema_version: SCHEMA_VERSION,
        verdict: Verdict::Fail,
        target: Target { kind: TargetKind::Mirror, prefix: Some(hostile.clone()) },
        summary: Summary { artifacts: FAILURES, failed: FAILURES, warnings: FAILURES, ..Summary::default() },
        verify: None,
        partition: None,
        documents: Vec::new(),
        artifacts,
        changes: None,
        problems: Vec::new(),
        interrupted_by: Some(hostile.clone()),
        elapsed_ms: 1,
        notes: vec![hostile],
    }
}

fn browser() -> Option<&'static str> {
    ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|name| {
        Command::new(name)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    })
}

/// A server that counts who connects.
fn listener() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&requests);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            counter.fetch_add(1, Ordering::SeqCst);
            let answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            if let Ok(mut stream) = stream {
                let _ = stream.write_all(answer);
            }
        }
    });
    (port, requests)
}

/// The document after the browser has loaded it.
fn dump(browser: &str, profile: &Path, url: &str) -> String {
    run(browser, profile, &["--dump-dom".to_owned()], url)
}

/// What the browser writes to standard output.
fn run(browser: &str, profile: &Path, options: &[String], url: &str) -> String {
    let mut child = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--disable-quic", "--disable-extensions", "--disable-default-apps"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .args(options)
        .arg(url)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut dom = Vec::new();
        stdout.read_to_end(&mut dom).map(|_| String::from_utf8_lossy(&dom).into_owned())
    });
    let start = Instant::now();
    loop {
        if child.try_wait().unwrap().is_some() {
            break;
        }
        if start.elapsed() > PATIENCE {
            let _ = child.kill();
            let _ = child.wait();
            panic!("the browser did not finish within {PATIENCE:?}");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    reader.join().unwrap().unwrap()
}
