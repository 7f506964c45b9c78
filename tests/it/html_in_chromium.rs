//! The HTML report in a real browser: it renders, shows every failure, runs no script, sends no request, and shows
//! injected markup as text.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use art_mirror_validate::report::html;
use art_mirror_validate::report::model::{
    ArtifactReport, Report, ReportedTarget, Sha256Report, SizeReport, TargetKind, UncompressedReport,
};
use art_mirror_validate::report::written::Written;
use art_mirror_validate::stream::Sha256;
use art_mirror_validate::verdict::{Reason, Verdict};
use serde_json::{Value, json};

use crate::support::bump;
use crate::support::child::Watched;
use crate::support::ground::skip;
use crate::support::world::World;

const FAILURES: usize = 30;

/// Runs without a window, and without requests of the browser's own.
const OPTIONS: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--disable-extensions",
    "--disable-default-apps",
];

/// Longer than a cold start on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(90);

#[test]
fn a_hostile_report_is_only_ever_text() {
    let Some(browser) = browser() else { return };
    let (port, requests) = listener();
    let report = report(port);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("report.html");
    let mut file = std::fs::File::create(&path).unwrap();
    html::write(&mut file, &report, &Written::default()).unwrap();

    let dom = dump(browser, &directory.path().join("profile"), &format!("file://{}", path.display()));

    assert!(dom.contains("<h2>What to do</h2>"), "it renders: {dom}");
    for artifact in &report.artifacts {
        let id = format!("<p><code>x86_64/{}/", artifact.platform);
        assert!(dom.contains(&id), "{id} is shown");
    }
    assert!(!dom.contains("SCRIPT RAN"), "no script runs");
    assert!(dom.contains("&lt;<!---->script&gt;document.title"), "injected markup is shown as text");
    for element in
        ["<script", "<img", "<iframe", "<link", "<svg", "<base", "<form", "<object", "javascript:\""]
    {
        assert!(!dom.contains(element), "{element} is in the DOM");
    }
    assert_eq!(requests.load(Ordering::SeqCst), 0, "no request is made");
}

/// In Spyglass's frame, each text of the page has the same position and style as outside it, and is only text there
/// as well.
#[test]
fn the_report_looks_the_same_in_the_frame_of_spyglass() {
    let Some(browser) = browser() else { return };
    let (port, requests) = listener();
    let directory = tempfile::tempdir().unwrap();
    let mut page = Vec::new();
    html::write(&mut page, &report(port), &Written::default()).unwrap();
    let page = String::from_utf8(page).unwrap();
    // A page without its style shows that the comparison notices missing styles.
    let bare = page.replacen("<style", "<style media=none", 1);
    let mut browser = DevTools::start(browser, &directory.path().join("profile"));
    let mut documents = |name: &str, page: &str| {
        let path = directory.path().join(format!("{name}.html"));
        std::fs::write(&path, page).unwrap();
        browser.documents(&format!("file://{}", path.display()))
    };

    let alone = documents("alone", &page);
    let in_a_frame = documents("framed", &in_spyglass(&page));
    let without_style = documents("bare", &bare);

    let [alone] = alone.as_slice() else { panic!("{} documents in the page", alone.len()) };
    let [_, in_a_frame] = in_a_frame.as_slice() else { panic!("no document in the frame") };
    for (framed, alone) in in_a_frame.iter().zip(alone) {
        assert_eq!(framed, alone, "the frame shows what the page shows");
    }
    assert_eq!(in_a_frame.len(), alone.len());
    assert!(
        alone.iter().any(|shown| shown.text.starts_with("script>document.title")),
        "script source is shown as text"
    );
    assert_ne!(&without_style[0], alone, "a missing style is noticed");
    assert_eq!(requests.load(Ordering::SeqCst), 0, "no request is made");
}

/// A page as Spyglass's HTML lens embeds it: inside a document in a frame that can run scripts, with only quotation
/// marks escaped.
fn in_spyglass(page: &str) -> String {
    format!(
        "<!DOCTYPE html><meta name=color-scheme content='light dark'><title>Spyglass</title>\
         <body style='margin:0'><iframe sandbox='allow-scripts allow-popups allow-same-origin' \
         style='border:0;display:block;width:100vw;height:100vh' srcdoc=\"{}\"></iframe>",
        format!(
            "<div id=\"wrapper\">{page}</div><script>document.getElementById('wrapper').offsetHeight</script>"
        )
        .replace('"', "&quot;")
    )
}

/// Shows that the tests above can fail: the browser runs scripts and makes requests, and the frame undoes escaping.
#[test]
fn the_browser_would_run_scripts_and_make_requests() {
    let Some(browser) = browser() else { return };
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    for (name, framed) in [("alone", false), ("framed", true)] {
        let (port, requests) = listener();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("page.html");
        let page = format!("<!DOCTYPE html><title>x</title>{}", injected(port));
        let page = if framed { in_spyglass(&escaped(&injected(port))) } else { page };
        std::fs::write(&path, page).unwrap();
        let dom = dump(browser, &directory.path().join("profile"), &format!("file://{}", path.display()));
        assert!(framed || dom.contains("SCRIPT RAN"), "{dom}");
        assert!(requests.load(Ordering::SeqCst) > 0, "{name}");
    }
}

fn injected(port: u16) -> String {
    format!(
        "</code></h4></dl><script>document.title='SCRIPT '+'RAN'</script>\
         <img src=http://127.0.0.1:{port}/img onerror=\"document.title='SCRIPT '+'RAN'\">\
         <link rel=stylesheet href=http://127.0.0.1:{port}/css><iframe src=http://127.0.0.1:{port}/frame></iframe>\
         <svg onload=\"document.title='SCRIPT '+'RAN'\"></svg>"
    )
}

/// Failures whose texts are all markup, and whose locations are scripts.
fn report(port: u16) -> Report {
    let hostile = injected(port);
    let artifacts: Vec<ArtifactReport> = (0..FAILURES)
        .map(|number| {
            let text: Arc<str> = Arc::from(format!("{number} \"'{hostile}{{{{ x }}}}{{% y %}}"));
            ArtifactReport {
                index: 0,
                document: text.clone(),
                id: format!("x86_64/platform-{number}/{text}/{text}"),
                // Plain words, by which each artifact can be found.
                arch: "x86_64".into(),
                platform: format!("platform-{number}").into(),
                format: text.clone(),
                component: text.clone(),
                release: text.clone(),
                location: "javascript:document.title='SCRIPT '+'RAN'".into(),
                url: (number % 2 == 0).then(|| text.to_string()),
                verdict: Verdict::Fail,
                reason: Some(if number % 3 == 0 { Reason::BadLocation } else { Reason::Missing }),
                archived: false,
                message: text.to_string(),
                advice: Some(text.to_string()),
                http_status: Some(404),
                answered_by: Some(text.clone()),
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
    let mut report =
        Report::begun(ReportedTarget { kind: TargetKind::Mirror, prefix: Some(hostile.clone()) })
            .of(artifacts);
    report.interrupted_by = Some(hostile.clone());
    report.request = Some(hostile.clone());
    report.notes = vec![hostile];
    report
}

/// With all details closed, the page has a few screens, on a desktop and on a phone.
#[test]
fn the_page_of_a_missing_bump_is_short() {
    let Some(browser) = browser() else { return };
    let directory = tempfile::tempdir().unwrap();
    let mut browser = DevTools::start(browser, &directory.path().join("profile"));
    let world = World::start();
    for (at, path) in bump::checkouts().into_iter().enumerate() {
        let artifacts = directory.path().join(at.to_string());
        world.check_source(path).arg("--artifacts-dir").arg(&artifacts).run().exits(1);
        let url = format!("file://{}/art-mirror-validate-summary.html", artifacts.display());
        for (width, height, screens) in [(1280, 800, 4), (390, 844, 8)] {
            let size =
                json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 800 });
            browser.call("Emulation.setDeviceMetricsOverride", &size);
            let shown = browser.documents(&url);
            let height_of_page = json!({ "expression": "document.documentElement.scrollHeight" });
            let found =
                browser.call("Runtime.evaluate", &height_of_page)["result"]["value"].as_u64().unwrap();
            println!("{width} × {height}: {found} pixels");
            assert!(found <= height * screens, "{width} × {height}: {found} pixels");
            let texts: Vec<&str> = shown[0].iter().map(|shown| shown.text.trim()).collect();
            for part in ["What to do", "The request to ART, to copy: one click selects all of it"] {
                assert!(texts.contains(&part), "{part}: {texts:?}");
            }
        }
    }
}

/// The name of an installed browser; `None` if there is none, and the test is skipped.
fn browser() -> Option<&'static str> {
    let is_installed = |name: &&str| {
        let mut command = Command::new(name);
        let command = command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let found = ["chromium", "chromium-browser", "google-chrome"].into_iter().find(is_installed);
    if found.is_none() {
        skip("neither chromium, chromium-browser nor google-chrome is installed");
    }
    found
}

/// A server that counts connections.
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

/// The DOM after the browser has loaded the document.
fn dump(browser: &str, profile: &Path, url: &str) -> String {
    let mut command = Command::new(browser);
    command.args(OPTIONS).arg(format!("--user-data-dir={}", profile.display())).args(["--dump-dom", url]);
    let browser = Watched::start(command.stdout(Stdio::piped()).stderr(Stdio::null()));
    String::from_utf8_lossy(&browser.end(START_LIMIT).output.stdout).into_owned()
}

/// The layout of a box on a page.
#[derive(Debug, PartialEq)]
struct Shown {
    text: String,
    /// Left, top, width and height in CSS pixels, in its own document.
    bounds: Vec<f64>,
    /// The values of [`LOOKS`].
    looks: Vec<String>,
}

/// Styles with visible effects.
const LOOKS: [&str; 6] =
    ["color", "background-color", "font-family", "font-size", "font-weight", "border-left-color"];

/// A browser controlled over pipes with the `DevTools` protocol: JSON messages that end with a zero byte.
struct DevTools {
    browser: Child,
    commands: ChildStdin,
    answers: Receiver<Value>,
    session: Option<String>,
    count: u64,
}

impl DevTools {
    /// A browser with one empty page.
    fn start(browser: &str, profile: &Path) -> Self {
        // The protocol uses file descriptors 3 (input) and 4 (output).
        let mut browser = Command::new("sh")
            .args(["-c", r#"exec "$@" 3<&0 4>&1 >/dev/null"#, "sh", browser, "--remote-debugging-pipe"])
            .args(OPTIONS)
            // Otherwise, the frame would have a process of its own, and would be missing from the page's snapshot.
            .arg("--disable-features=IsolateSandboxedIframes")
            .arg(format!("--user-data-dir={}", profile.display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let commands = browser.stdin.take().unwrap();
        let messages = BufReader::new(browser.stdout.take().unwrap());
        let (send, answers) = channel();
        std::thread::spawn(move || {
            for message in messages.split(0).map_while(Result::ok) {
                let Ok(message) = serde_json::from_slice(&message) else { return };
                if send.send(message).is_err() {
                    return;
                }
            }
        });
        let mut tools = Self { browser, commands, answers, session: None, count: 0 };
        let target = tools.call("Target.createTarget", &json!({ "url": "about:blank" }));
        let target = json!({ "targetId": target["targetId"], "flatten": true });
        let session = tools.call("Target.attachToTarget", &target);
        tools.session = session["sessionId"].as_str().map(str::to_owned);
        tools
    }

    /// The texts shown by the page at a URL and by its frames, once it is loaded.
    fn documents(&mut self, url: &str) -> Vec<Vec<Shown>> {
        self.call("Page.navigate", &json!({ "url": url }));
        let complete = json!({ "expression": "document.readyState + ' ' + document.URL" });
        let until = Instant::now() + START_LIMIT;
        while self.call("Runtime.evaluate", &complete)["result"]["value"] != format!("complete {url}") {
            assert!(Instant::now() < until, "{url} was not loaded within {START_LIMIT:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
        let snapshot = self.call("DOMSnapshot.captureSnapshot", &json!({ "computedStyles": LOOKS }));
        // Texts are indices of strings; -1 means none.
        let string = |number: &Value| {
            let string = number.as_u64().and_then(|number| usize::try_from(number).ok());
            string.map_or_else(String::new, |at| snapshot["strings"][at].as_str().unwrap().to_owned())
        };
        let document = |document: &Value| {
            let layout = &document["layout"];
            let boxes = layout["text"].as_array().unwrap().iter().enumerate();
            // A frame can add boxes without text.
            boxes
                .filter(|(_, text)| !string(text).trim().is_empty())
                .map(|(at, text)| Shown {
                    text: string(text),
                    bounds: serde_json::from_value(layout["bounds"][at].clone()).unwrap(),
                    looks: layout["styles"][at].as_array().unwrap().iter().map(string).collect(),
                })
                .collect()
        };
        snapshot["documents"].as_array().unwrap().iter().map(document).collect()
    }

    /// Sends a command to the browser, and returns its result.
    fn call(&mut self, method: &str, params: &Value) -> Value {
        self.count += 1;
        let id = self.count;
        let mut command = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = &self.session {
            command["sessionId"] = session.as_str().into();
        }
        self.commands.write_all(format!("{command}\0").as_bytes()).unwrap();
        let until = Instant::now() + START_LIMIT;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.answers.recv_timeout(left) {
                Ok(answer) if answer["id"] == id => {
                    return answer.get("result").unwrap_or_else(|| panic!("{method}: {answer}")).clone();
                }
                // Events are ignored.
                Ok(_) => {}
                Err(why) => panic!("{method}: the browser did not answer: {why}"),
            }
        }
    }
}

impl Drop for DevTools {
    fn drop(&mut self) {
        let _ = self.browser.kill();
        let _ = self.browser.wait();
    }
}
