//! Runs of the gate against a server with scripted answers: requests, rounds, and calls of the observer.

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

/// The status of the n-th answer for a path; with `None` the server never answers.
type Answers = fn(path: &str, times: usize) -> Option<u16>;

const GONE: Option<u16> = Some(404);
const THERE: Option<u16> = Some(200);

/// A server, its host, and the number of requests that it never answers. It runs until it is dropped.
async fn server(answers: Answers) -> (MockServer, String, Arc<AtomicUsize>) {
    let unanswered = Arc::new(AtomicUsize::new(0));
    let (counter, asked) = (Arc::clone(&unanswered), Mutex::new(HashMap::<String, usize>::new()));
    let respond = move |request: &Request| {
        let path = request.url.path();
        let mut asked = asked.lock().unwrap();
        let times = asked.entry(path.to_owned()).or_default();
        *times += 1;
        let Some(status) = answers(path, *times) else {
            counter.fetch_add(1, Ordering::Relaxed);
            return ResponseTemplate::new(200).set_delay(60 * SECOND);
        };
        let body: &[u8] = if status == 200 { b"a file." } else { b"" };
        ResponseTemplate::new(status).set_body_bytes(body)
    };
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(respond).mount(&server).await;
    let host = server.address().to_string();
    (server, host, unanswered)
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

/// The reported outcomes, and the numbers of artifacts and cloud references left at each wait.
#[derive(Default)]
struct Record {
    judged: Vec<(usize, Option<Reason>)>,
    waiting: Vec<(usize, usize)>,
}

impl Observer for Record {
    fn judged(&mut self, index: usize, outcome: &Outcome) {
        self.judged.push((index, outcome.reason()));
    }

    fn waiting(&mut self, artifacts: usize, references: usize, _again_in: Duration) {
        self.waiting.push((artifacts, references));
    }
}

/// A run without cloud references.
async fn run(
    prober: &Prober,
    cases: &[Case],
    limits: TimeLimits,
    stop: impl Future<Output = ()>,
    record: &mut Record,
) -> (Vec<Outcome>, Option<Ended<()>>) {
    let judged = super::run(prober, cases, Clouds::default(), limits, stop, record).await;
    (judged.artifacts, judged.ended)
}

fn reasons(outcomes: &[Outcome]) -> Vec<Option<Reason>> {
    outcomes.iter().map(Outcome::reason).collect()
}

/// Resolves when the server has left this many requests unanswered.
async fn after(unanswered: &AtomicUsize, times: usize) {
    while unanswered.load(Ordering::Relaxed) < times {
        tokio::time::sleep(MOMENT / 4).await;
    }
    tokio::time::sleep(MOMENT).await;
}

/// Limits that allow many rounds.
fn waiting() -> TimeLimits {
    TimeLimits { deadline: None, wait: Some((Instant::now() + 60 * SECOND, MOMENT)) }
}

#[tokio::test]
async fn each_artifact_is_reported_once_with_its_final_outcome() {
    let missing = Some(Reason::Missing);
    for (limits, expected) in [
        (TimeLimits::default(), [missing, missing, missing, Some(Reason::BadLocation)]),
        (waiting(), [None, None, missing, Some(Reason::BadLocation)]),
    ] {
        // In the third round, the server never answers.
        let (_server, host, unanswered) = server(|path, times| match (path, times) {
            ("/soon", 2..) => THERE,
            ("/never", 3..) => None,
            _ => GONE,
        })
        .await;
        let at = |path: &str| case(&format!("http://{host}{path}"), Verify::Exists);
        let cases = [at("/soon"), at("/soon"), at("/never"), case("nowhere", Verify::Exists)];
        let mut record = Record::default();
        let (outcomes, ended) = run(&prober(&host), &cases, limits, after(&unanswered, 1), &mut record).await;
        assert_eq!(reasons(&outcomes), expected);
        let waited = limits.wait.is_some();
        assert_eq!(ended, waited.then_some(Ended::Stopped(())));
        record.judged.sort_unstable_by_key(|it| it.0);
        assert_eq!(record.judged, expected.into_iter().enumerate().collect::<Vec<_>>());
        assert_eq!(record.waiting, if waited { vec![(3, 0), (1, 0)] } else { vec![] });
    }
}

#[tokio::test]
async fn a_round_that_was_cut_short_replaces_no_outcome_by_a_better_one() {
    // In the second round, the request for a file, or for a sidecar of one, is never answered.
    let (_server, host, unanswered) = server(|path, times| match path {
        "/a/file" | "/b/sha256sum.txt" if times > 1 => None,
        _ => GONE,
    })
    .await;
    let at = |path: &str| case(&format!("http://{host}{path}"), Verify::Published);
    let cases = [at("/a/file"), at("/b/file"), case("nowhere", Verify::Published)];
    let mut record = Record::default();
    let (outcomes, ended) = run(&prober(&host), &cases, waiting(), after(&unanswered, 2), &mut record).await;
    assert_eq!(ended, Some(Ended::Stopped(())));
    let missing = Some(Reason::Missing);
    assert_eq!(reasons(&outcomes), [missing, missing, Some(Reason::BadLocation)]);
    assert!(outcomes.iter().all(|outcome| !outcome.message().contains("interrupted")), "{outcomes:?}");
    assert_eq!(record.judged.len(), 3, "{:?}", record.judged);
}

#[tokio::test]
async fn a_run_that_ends_before_any_answer_says_what_ended_it() {
    let (_server, host, _) = server(|_, _| None).await;
    let cases = [case(&format!("http://{host}/f"), Verify::Exists)];
    let deadline = TimeLimits { deadline: Some(Instant::now()), wait: None };
    let pending = std::future::pending::<()>();
    let (by_deadline, _) = run(&prober(&host), &cases, deadline, pending, &mut Record::default()).await;
    let stopped = std::future::ready(());
    let (by_signal, _) =
        run(&prober(&host), &cases, TimeLimits::default(), stopped, &mut Record::default()).await;
    for (outcomes, says) in [(by_deadline, "the deadline passed"), (by_signal, "the run was interrupted")] {
        assert_eq!(reasons(&outcomes), [Some(Reason::Deadline)]);
        assert!(outcomes[0].message().contains(says), "{}", outcomes[0].message());
    }
}

#[tokio::test]
async fn cloud_references_are_requested_until_settled_and_each_has_an_outcome() {
    let missing = Some(Reason::Missing);
    for (limits, expected) in
        [(TimeLimits::default(), [missing, missing, None]), (waiting(), [None, missing, None])]
    {
        let (_server, host, unanswered) = server(|path, times| match (path, times) {
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
        let (prober, stop, mut record) = (prober(&host), after(&unanswered, 1), Record::default());
        let judged = super::run(&prober, &[], clouds, limits, stop, &mut record).await;
        assert_eq!(reasons(&judged.clouds), expected, "{limits:?}");
        assert_eq!(record.waiting, if limits.wait.is_some() { vec![(0, 2), (0, 1)] } else { vec![] });
    }
    let (_server, host, unanswered) = server(|_, _| None).await;
    let references = [object(&host, "f")];
    let clouds = Clouds { references: &references, count: true };
    let (prober, stop, mut record) = (prober(&host), after(&unanswered, 1), Record::default());
    let judged = super::run(&prober, &[], clouds, TimeLimits::default(), stop, &mut record).await;
    assert_eq!(reasons(&judged.clouds), [Some(Reason::Deadline)]);
}

/// A round ends with the last answer for either, so no request is in flight when the next round begins.
#[tokio::test]
async fn artifacts_and_required_cloud_references_share_their_rounds() {
    let (_server, host, _) = server(|_, times| if times < 3 { GONE } else { THERE }).await;
    let cases = [case(&format!("http://{host}/f"), Verify::Exists)];
    let references = [object(&host, "f")];
    let clouds = Clouds { references: &references, count: true };
    let (prober, mut record) = (prober(&host), Record::default());
    let stop = std::future::pending::<()>();
    let judged = super::run(&prober, &cases, clouds, waiting(), stop, &mut record).await;
    assert_eq!((reasons(&judged.artifacts), reasons(&judged.clouds)), (vec![None], vec![None]));
    assert_eq!(record.waiting, [(1, 1), (1, 1)]);
}

#[tokio::test]
async fn optional_cloud_references_get_a_grace_period_and_cause_no_round() {
    // The grace period of three seconds passes once.
    let (_server, host, _) = server(|path, _| match path {
        "/f" => THERE,
        "/bucket/gone" => GONE,
        _ => None,
    })
    .await;
    let cases = [case(&format!("http://{host}/f"), Verify::Exists)];
    let references = [object(&host, "gone"), object(&host, "silent")];
    let clouds = Clouds { references: &references, count: false };
    let (prober, mut record, began) = (prober(&host), Record::default(), Instant::now());
    let stop = std::future::pending::<()>();
    let judged = super::run(&prober, &cases, clouds, waiting(), stop, &mut record).await;
    assert_eq!((reasons(&judged.artifacts), judged.ended), (vec![None], None));
    assert_eq!(reasons(&judged.clouds), [Some(Reason::Missing), Some(Reason::Deadline)]);
    assert_eq!(record.waiting, []);
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
fn only_transient_outcomes_can_change() {
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
fn equal_requests_are_sent_once() {
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
    let (asked, duplicates) = requests(&cases, &[0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(asked.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [0, 1, 3, 5]);
    assert_eq!(duplicates, Duplicates::from([(0, vec![2, 6])]));
    let (asked, duplicates) = requests(&cases, &[2, 6]);
    assert_eq!((asked[0].0, duplicates), (2, Duplicates::from([(2, vec![6])])));
}

#[test]
fn no_more_is_requested_than_the_verdict_needs() {
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
    // A file is decompressed if the document has its uncompressed digest or size.
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
fn a_signature_at_a_bad_location_counts_as_missing() {
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
async fn the_last_round_is_at_the_end_of_the_waiting_time() {
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
    assert_eq!(TimeLimits::default().until_next_round(1), None, "no waiting time");
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
    // If both happen at once, the signal takes precedence, because it determines the exit status.
    let limits = TimeLimits { deadline: Some(Instant::now()), wait: None };
    assert_eq!(limits.end(std::future::ready(())).await, Ended::Stopped(()));
}
