//! A run of the gate: what it asks, in how many rounds, and what it tells; against a server that answers as it is told.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::*;
use crate::http::{Client, ClientSettings, Proxies, Rules};
use crate::stream::{CloudReference, CloudResource, Sha256};
use crate::verdict::Finding;

const SECOND: Duration = Duration::from_secs(1);
const MOMENT: Duration = Duration::from_millis(20);

/// What a server answers to a path that is asked for the n-th time; nothing, and it never answers.
type Answers = fn(path: &str, times: usize) -> Option<u16>;

const GONE: Option<u16> = Some(404);
const THERE: Option<u16> = Some(200);

/// A server, its host, and how often it never answered. It goes on until it is dropped.
async fn server(answers: Answers) -> (MockServer, String, Arc<AtomicUsize>) {
    let silences = Arc::new(AtomicUsize::new(0));
    let (silent, asked) = (Arc::clone(&silences), Mutex::new(HashMap::<String, usize>::new()));
    let respond = move |request: &Request| {
        let path = request.url.path();
        let mut asked = asked.lock().unwrap();
        let times = asked.entry(path.to_owned()).or_default();
        *times += 1;
        let Some(status) = answers(path, *times) else {
            silent.fetch_add(1, Ordering::Relaxed);
            return ResponseTemplate::new(200).set_delay(60 * SECOND);
        };
        let body: &[u8] = if status == 200 { b"a file." } else { b"" };
        ResponseTemplate::new(status).set_body_bytes(body)
    };
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(respond).mount(&server).await;
    let host = server.address().to_string();
    (server, host, silences)
}

fn prober(host: &str) -> Prober {
    let allowed = vec![host.parse().unwrap()];
    Prober::new(Client::new(ClientSettings {
        rules: Rules { allowed, private_addresses: true, ..Rules::default() },
        proxies: Proxies::default(),
        extra_roots: Vec::new(),
        concurrency: 8,
        retries: Some(0),
        retry_for: SECOND,
        timeout: 60 * SECOND,
    }))
}

fn expectation(verify: Verify) -> Expectation {
    Expectation {
        sha256: Sha256::of(b"a file"),
        uncompressed_sha256: None,
        size: Some(7),
        uncompressed_size: None,
        legacy: Vec::new(),
        claim: None,
        names_signature: false,
        verify,
        signatures: Strictness::Ignore,
    }
}

fn case(location: &str, verify: Verify) -> Case {
    let expectation = expectation(verify);
    Case { location: ArtifactUrl::parse(location), signature: None, bridge: None, expectation }
}

/// What an observer hears: of each outcome, and of each wait how many are left.
#[derive(Default)]
struct Heard {
    judged: Vec<(usize, Option<Reason>)>,
    waiting: Vec<(usize, usize)>,
}

impl Observer for Heard {
    fn judged(&mut self, index: usize, outcome: &Outcome) {
        self.judged.push((index, outcome.reason()));
    }

    fn waiting(&mut self, artifacts: usize, references: usize, _again_in: Duration) {
        self.waiting.push((artifacts, references));
    }
}

/// A run over artifacts alone.
async fn run(
    prober: &Prober,
    cases: &[Case],
    limits: TimeLimits,
    stop: impl Future<Output = ()>,
    heard: &mut Heard,
) -> (Vec<Outcome>, Option<Ended<()>>) {
    let judged = super::run(prober, cases, Clouds::default(), limits, stop, heard).await;
    (judged.artifacts, judged.ended)
}

fn reasons(outcomes: &[Outcome]) -> Vec<Option<Reason>> {
    outcomes.iter().map(Outcome::reason).collect()
}

/// Ends when a server has not answered so many times.
async fn after(silences: &AtomicUsize, times: usize) {
    while silences.load(Ordering::Relaxed) < times {
        tokio::time::sleep(MOMENT / 4).await;
    }
    tokio::time::sleep(MOMENT).await;
}

/// Waits as long as it takes.
fn waiting() -> TimeLimits {
    TimeLimits { deadline: None, wait: Some((Instant::now() + 60 * SECOND, MOMENT)) }
}

#[tokio::test]
async fn each_artifact_is_told_once_when_it_is_settled() {
    let missing = Some(Reason::Missing);
    for (limits, expected) in [
        (TimeLimits::default(), [missing, missing, missing, Some(Reason::BadLocation)]),
        (waiting(), [None, None, missing, Some(Reason::BadLocation)]),
    ] {
        // In the third round nobody answers.
        let (_server, host, silences) = server(|path, times| match (path, times) {
            ("/soon", 2..) => THERE,
            ("/never", 3..) => None,
            _ => GONE,
        })
        .await;
        let at = |path: &str| case(&format!("http://{host}{path}"), Verify::Exists);
        let cases = [at("/soon"), at("/soon"), at("/never"), case("nowhere", Verify::Exists)];
        let mut heard = Heard::default();
        let (outcomes, ended) = run(&prober(&host), &cases, limits, after(&silences, 1), &mut heard).await;
        assert_eq!(reasons(&outcomes), expected);
        let waits = limits.wait.is_some();
        assert_eq!(ended, waits.then_some(Ended::Stopped(())));
        heard.judged.sort_unstable_by_key(|it| it.0);
        assert_eq!(heard.judged, expected.into_iter().enumerate().collect::<Vec<_>>());
        assert_eq!(heard.waiting, if waits { vec![(3, 0), (1, 0)] } else { vec![] });
    }
}

/// A round that was cut short makes nothing of what the one before found better.
#[tokio::test]
async fn what_a_round_found_stays_unless_the_next_finds_worse() {
    // In the second round a file, or a sidecar beside one, is never answered.
    let (_server, host, silences) = server(|path, times| match path {
        "/a/file" | "/b/sha256sum.txt" if times > 1 => None,
        _ => GONE,
    })
    .await;
    let at = |path: &str| case(&format!("http://{host}{path}"), Verify::Published);
    let cases = [at("/a/file"), at("/b/file"), case("nowhere", Verify::Published)];
    let mut heard = Heard::default();
    let (outcomes, ended) = run(&prober(&host), &cases, waiting(), after(&silences, 2), &mut heard).await;
    assert_eq!(ended, Some(Ended::Stopped(())));
    let missing = Some(Reason::Missing);
    assert_eq!(reasons(&outcomes), [missing, missing, Some(Reason::BadLocation)]);
    assert!(outcomes.iter().all(|outcome| !outcome.message().contains("interrupted")), "{outcomes:?}");
    assert_eq!(heard.judged.len(), 3, "{:?}", heard.judged);
}

#[tokio::test]
async fn a_run_that_ends_before_any_answer_says_what_ended_it() {
    let (_server, host, _) = server(|_, _| None).await;
    let cases = [case(&format!("http://{host}/f"), Verify::Exists)];
    let deadline = TimeLimits { deadline: Some(Instant::now()), wait: None };
    let pending = std::future::pending::<()>();
    let (by_deadline, _) = run(&prober(&host), &cases, deadline, pending, &mut Heard::default()).await;
    let stopped = std::future::ready(());
    let (by_signal, _) =
        run(&prober(&host), &cases, TimeLimits::default(), stopped, &mut Heard::default()).await;
    for (outcomes, says) in [(by_deadline, "the deadline passed"), (by_signal, "the run was interrupted")] {
        assert_eq!(reasons(&outcomes), [Some(Reason::Deadline)]);
        assert!(outcomes[0].message().contains(says), "{}", outcomes[0].message());
    }
}

#[tokio::test]
async fn cloud_references_are_asked_until_they_are_settled_and_each_has_an_outcome() {
    let missing = Some(Reason::Missing);
    for (limits, expected) in
        [(TimeLimits::default(), [missing, missing, None]), (waiting(), [None, missing, None])]
    {
        let (_server, host, silences) = server(|path, times| match (path, times) {
            ("/bucket/soon", 2..) => THERE,
            ("/bucket/never", 3..) => None,
            _ => GONE,
        })
        .await;
        let account = CloudReference {
            place: "images/moon".to_owned(),
            resource: CloudResource::Account(Vec::new()),
            ..object(&host, "")
        };
        let references = [object(&host, "soon"), object(&host, "never"), account];
        let clouds = Clouds { references: &references, count: true };
        let (prober, stop, mut heard) = (prober(&host), after(&silences, 1), Heard::default());
        let judged = super::run(&prober, &[], clouds, limits, stop, &mut heard).await;
        assert_eq!(reasons(&judged.clouds), expected, "{limits:?}");
        assert_eq!(heard.waiting, if limits.wait.is_some() { vec![(0, 2), (0, 1)] } else { vec![] });
    }
    let (_server, host, silences) = server(|_, _| None).await;
    let references = [object(&host, "f")];
    let clouds = Clouds { references: &references, count: true };
    let (prober, stop, mut heard) = (prober(&host), after(&silences, 1), Heard::default());
    let judged = super::run(&prober, &[], clouds, TimeLimits::default(), stop, &mut heard).await;
    assert_eq!(reasons(&judged.clouds), [Some(Reason::Deadline)]);
}

/// A round ends when the last answer has come, whoever it is about: nothing is under way when hosts are asked anew.
#[tokio::test]
async fn artifacts_and_required_cloud_references_share_their_rounds() {
    let (_server, host, _) = server(|_, times| if times < 3 { GONE } else { THERE }).await;
    let cases = [case(&format!("http://{host}/f"), Verify::Exists)];
    let references = [object(&host, "f")];
    let clouds = Clouds { references: &references, count: true };
    let (prober, mut heard) = (prober(&host), Heard::default());
    let stop = std::future::pending::<()>();
    let judged = super::run(&prober, &cases, clouds, waiting(), stop, &mut heard).await;
    assert_eq!((reasons(&judged.artifacts), reasons(&judged.clouds)), (vec![None], vec![None]));
    assert_eq!(heard.waiting, [(1, 1), (1, 1)]);
}

#[tokio::test]
async fn what_does_not_count_is_waited_for_a_moment_and_makes_no_round() {
    // The grace of three seconds is waited out once.
    let (_server, host, _) = server(|path, _| match path {
        "/f" => THERE,
        "/bucket/gone" => GONE,
        _ => None,
    })
    .await;
    let cases = [case(&format!("http://{host}/f"), Verify::Exists)];
    let references = [object(&host, "gone"), object(&host, "silent")];
    let clouds = Clouds { references: &references, count: false };
    let (prober, mut heard, began) = (prober(&host), Heard::default(), Instant::now());
    let stop = std::future::pending::<()>();
    let judged = super::run(&prober, &cases, clouds, waiting(), stop, &mut heard).await;
    assert_eq!((reasons(&judged.artifacts), judged.ended), (vec![None], None));
    assert_eq!(reasons(&judged.clouds), [Some(Reason::Missing), Some(Reason::Deadline)]);
    assert_eq!(heard.waiting, []);
    assert!((GRACE..2 * GRACE).contains(&began.elapsed()), "{:?}", began.elapsed());
}

fn object(host: &str, object: &str) -> CloudReference {
    CloudReference {
        arch: "x86_64".into(),
        place: "images/powervs/au-syd".to_owned(),
        release: None,
        resource: CloudResource::Object {
            region: "au-syd".to_owned(),
            bucket: "bucket".to_owned(),
            object: object.to_owned(),
            url: format!("http://{host}/bucket/{object}"),
        },
        artifact_release: None,
    }
}

#[test]
fn what_passes_with_time_is_asked_again_and_nothing_else() {
    let missing = || Finding::Missing { status: 404, how: crate::probe::Absence::Status };
    let unknown = || Finding::NoDigest;
    let wrong = || Finding::Image("it is another".to_owned());
    for (findings, may) in [
        (vec![], false),
        (vec![missing()], true),
        (vec![unknown()], true),
        (vec![missing(), unknown()], true),
        (vec![wrong()], false),
        (vec![wrong(), missing()], false),
    ] {
        let outcome = Outcome { findings, ..Outcome::default() };
        assert_eq!(may_change(&outcome), may, "{outcome:?}");
    }
}

#[test]
fn artifacts_that_ask_the_same_are_asked_once() {
    let (a, b) = ("https://h/a", "https://h/b");
    let other = Case {
        expectation: Expectation { size: None, ..expectation(Verify::Exists) },
        ..case(a, Verify::Exists)
    };
    let cases = [
        case(a, Verify::Exists),
        case(b, Verify::Exists),
        case(a, Verify::Exists),
        case(a, Verify::Content),
        case("nowhere", Verify::Exists),
        other,
        case(a, Verify::Exists),
    ];
    let (asked, twins) = requests(&cases, &[0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(asked.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [0, 1, 3, 5]);
    assert_eq!(twins, Twins::from([(0, vec![2, 6])]));
    let (asked, twins) = requests(&cases, &[2, 6]);
    assert_eq!((asked[0].0, twins), (2, Twins::from([(2, vec![6])])));
}

#[test]
fn no_more_is_asked_than_the_verdict_needs() {
    let signature = || ArtifactUrl::parse("https://h/f.sig").unwrap();
    let bridge = || ArtifactUrl::parse("https://b/f").unwrap();
    let of = |change: fn(&mut Expectation)| {
        let mut case = Case {
            signature: Some(Ok(signature())),
            bridge: Some(bridge()),
            ..case("https://h/f", Verify::Exists)
        };
        change(&mut case.expectation);
        case.request().unwrap()
    };
    let asked = of(|_| {});
    assert_eq!((asked.signature, asked.size_from), (None, None));
    assert_eq!((asked.sidecars, asked.content), (SidecarPolicy::None, None));
    let without_size = of(|want| want.size = None);
    assert_eq!((without_size.sidecars, without_size.size_from), (SidecarPolicy::Size, Some(bridge())));
    for signatures in [Strictness::Warn, Strictness::Require] {
        let mut case = Case { signature: Some(Ok(signature())), ..case("https://h/f", Verify::Exists) };
        case.expectation.signatures = signatures;
        assert_eq!(case.request().unwrap().signature, Some(signature()));
    }
    for (verify, reads) in [(Verify::Published, false), (Verify::Auto, true), (Verify::Content, true)] {
        let asked = case("https://h/f", verify).request().unwrap();
        assert_eq!((asked.sidecars, asked.content.is_some()), (SidecarPolicy::All, reads), "{verify:?}");
    }
    // What is inside is wanted where the document says a digest or a size of it.
    let inside = |sha256: Option<Sha256>, size| {
        let mut case = case("https://h/f", Verify::Content);
        (case.expectation.uncompressed_sha256, case.expectation.uncompressed_size) = (sha256, size);
        let content = case.request().unwrap().content.unwrap();
        assert_eq!(content.sizes, [7]);
        (content.uncompress, content.uncompressed_size)
    };
    let digest = Sha256::of(b"inside");
    assert_eq!(inside(None, None), (false, None));
    assert_eq!(inside(Some(digest), None), (true, None));
    assert_eq!(inside(None, Some(9)), (true, Some(9)));
}

#[test]
fn a_signature_at_a_bad_location_is_one_that_is_not_there() {
    let bad = || ArtifactUrl::parse("nowhere").unwrap_err();
    for (signatures, reason, warns) in [
        (Strictness::Ignore, None, false),
        (Strictness::Warn, None, true),
        (Strictness::Require, Some(Reason::BadSignature), false),
    ] {
        let mut case = Case { signature: Some(Err(bad())), ..case("https://h/f", Verify::Exists) };
        (case.expectation.signatures, case.expectation.names_signature) = (signatures, true);
        let outcome = case.judge(Evidence::only(Observation::Present { status: 200, size: Some(7) }));
        assert_eq!((outcome.reason(), !outcome.warnings.is_empty()), (reason, warns), "{outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_round_is_when_the_time_is_over() {
    let wait = |minutes: u32, interval| Some((Instant::now() + minutes * 60 * SECOND, interval));
    let limits = TimeLimits { deadline: None, wait: wait(1, 25 * SECOND) };
    let began = Instant::now();
    let mut rounds = vec![];
    while let Some(interval) = limits.until_next_round(1) {
        tokio::time::sleep(interval).await;
        rounds.push(began.elapsed().as_secs());
    }
    assert_eq!(rounds, [25, 50, 60]);
    let over = TimeLimits { deadline: None, wait: wait(0, SECOND) };
    assert_eq!(over.until_next_round(1), None);
    let nothing_left = TimeLimits { deadline: None, wait: wait(1, SECOND) };
    assert_eq!(nothing_left.until_next_round(0), None);
    assert_eq!(TimeLimits::default().until_next_round(1), None, "nobody waits");
}

#[tokio::test(start_paused = true)]
async fn a_run_ends_at_its_deadline_or_when_it_is_stopped() {
    let began = Instant::now();
    let limits = TimeLimits { deadline: Some(began + 9 * SECOND), wait: None };
    assert_eq!(limits.end(std::future::pending::<()>()).await, Ended::Deadline);
    assert_eq!(began.elapsed(), 9 * SECOND);
    let limits = TimeLimits { deadline: Some(Instant::now() + 9 * SECOND), wait: None };
    assert_eq!(limits.end(tokio::time::sleep(4 * SECOND)).await, Ended::Stopped(()));
    assert_eq!(began.elapsed(), 13 * SECOND);
    // Both at once: the signal is what the exit status tells.
    let limits = TimeLimits { deadline: Some(Instant::now()), wait: None };
    assert_eq!(limits.end(std::future::ready(())).await, Ended::Stopped(()));
}
