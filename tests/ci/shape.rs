//! The files have the shape that their consumers read.

use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};

use crate::ci_operator::{Configuration, Reference, Step};
use crate::prow::{Container, Jobs, PodSpec};

/// A duration as Go writes it.
pub(crate) struct Duration(pub(crate) std::time::Duration);

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if !Regex::new(r"^([0-9]+(h|ms|m|s))+$").unwrap().is_match(&text) {
            return Err(D::Error::custom(format!(
                "{text} is no duration that Go's time.ParseDuration reads"
            )));
        }
        humantime::parse_duration(&text).map(Self).map_err(D::Error::custom)
    }
}

/// A quantity of Kubernetes, `resource.Quantity`.
#[expect(dead_code, reason = "what is read is also what is checked")]
pub(crate) struct Quantity(String);

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let is_quantity = Regex::new(r"^[0-9]+(\.[0-9]+)?(m|k|[KMGT]i?)?$").unwrap().is_match(&text);
        if is_quantity { Ok(Self(text)) } else { Err(D::Error::custom(format!("{text} is no quantity"))) }
    }
}

pub(crate) const CI: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/ci");

pub(crate) fn read<T: DeserializeOwned>(file: &str) -> T {
    let text = fs::read_to_string(Path::new(CI).join(file)).unwrap();
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

pub(crate) fn ci_operator() -> Configuration {
    read("ci-operator/openshift-installer.yaml")
}

pub(crate) fn reference() -> Step {
    read::<Reference>("step-registry/art-mirror-validate/art-mirror-validate-ref.yaml").r#ref
}

/// The containers of the presubmit and of the periodic.
pub(crate) fn containers() -> [Container; 2] {
    let presubmit = read::<Jobs>("prow/presubmit.yaml").presubmits.remove("openshift/installer").unwrap();
    let periodic = read::<Jobs>("prow/periodic.yaml").periodics;
    [presubmit.into_iter().next().unwrap().spec, periodic.into_iter().next().unwrap().spec]
        .map(|spec| spec.containers.into_iter().next().unwrap())
}

/// What is known to be stream metadata or to belong to it, in every year; and what is not.
const CHANGES: [(&str, bool); 12] = [
    ("data/data/rhcos-stream.json", true),
    ("data/data/rhcos.json", true),
    ("data/data/rhcos-amd64.json", true),
    ("data/data/rhcos-s390x.json", true),
    ("data/data/coreos/rhcos.json", true),
    ("data/data/coreos/fcos.json", true),
    ("data/data/coreos/coreos-rhel-10.json", true),
    ("data/data/coreos/marketplace/coreos-rhel-9.json", true),
    ("data/data/install.openshift.io_installconfigs.yaml", false),
    ("docs/data/data/rhcos-stream.json", false),
    ("data/data/bootstrap/files/usr/local/bin/rhcos.json", false),
    ("pkg/rhcos/stream.go", false),
];

fn assert_runs_for_documents(pattern: &str) {
    let pattern = Regex::new(pattern).unwrap();
    for (path, runs) in CHANGES {
        assert_eq!(pattern.is_match(path), runs, "{path}");
    }
}

/// Whatever the real checkouts have, of every year, starts the job.
#[test]
fn a_change_of_any_document_of_a_real_checkout_starts_the_job() {
    let Some(corpus) = std::env::var_os("STREAM_CORPUS") else {
        println!("skipped: STREAM_CORPUS is not set");
        return;
    };
    let pattern = Regex::new(ci_operator().tests[0].run_if_changed.as_ref().unwrap()).unwrap();
    let mut seen = 0;
    for checkout in fs::read_dir(Path::new(&corpus).join("checkouts")).unwrap() {
        let root = checkout.unwrap().path();
        let mut paths: Vec<PathBuf> = vec![root.clone()];
        while let Some(path) = paths.pop() {
            if path.is_dir() {
                paths.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            } else if path.extension().is_some_and(|extension| extension == "json") {
                let path = path.strip_prefix(&root).unwrap().to_str().unwrap();
                assert!(pattern.is_match(path), "{path}");
                seen += 1;
            }
        }
    }
    assert!(seen >= 5, "{seen}");
}

#[test]
fn the_required_test_of_ci_operator() {
    let configuration = ci_operator();
    let test = configuration.tests.iter().find(|test| test.r#as == "art-mirror-validate").unwrap();
    assert!(!test.optional && !test.postsubmit && !test.is_periodic(), "a required presubmit");
    assert_runs_for_documents(test.run_if_changed.as_ref().unwrap());
    for test in &configuration.tests {
        let [step] = test.steps.as_ref().unwrap().test.as_slice() else { panic!("{}", test.r#as) };
        assert!(step.commands.contains("check --published"), "no leaked override turns it green");
        assert!(
            step.resources.requests.contains_key("cpu") && step.resources.requests.contains_key("memory")
        );
        assert_ends_itself(&step.commands, step.timeout.as_ref().unwrap(), step.grace_period.as_ref());
        assert!(step.timeout.as_ref().unwrap().0 < test.timeout.as_ref().unwrap().0);
        let image = configuration.images.iter().find(|image| Some(&image.to) == step.from.as_ref()).unwrap();
        assert_eq!(image.from.as_deref(), Some("src"), "it has the checkout");
        assert!(image.optional, "and is built for these tests alone");
        let literal = image.dockerfile_literal.as_ref().unwrap();
        for (input, inputs) in &image.inputs {
            assert!(configuration.base_images.contains_key(input), "{input}");
            let file = Path::new(&inputs.paths[0].source_path).file_name().unwrap().to_str().unwrap();
            assert!(literal.contains(&format!("COPY {file} ")), "{literal}");
        }
    }
}

#[test]
fn the_periodic_test_of_ci_operator_reads_every_byte() {
    let configuration = ci_operator();
    let periodic: Vec<_> = configuration.tests.iter().filter(|test| test.is_periodic()).collect();
    let [test] = periodic.as_slice() else { panic!("one periodic") };
    assert!(is_cron(test.cron.as_ref().unwrap()));
    assert!(test.run_if_changed.is_none(), "a periodic has no pull request");
    assert!(test.steps.as_ref().unwrap().test[0].commands.contains("--verify content"));
}

#[test]
fn the_step_of_the_registry() {
    let step = reference();
    assert_eq!(step.r#as, "art-mirror-validate");
    // The registry's rule: files are named as their directory says, and the step as its files.
    let directory = Path::new(CI).join("step-registry").join(&step.r#as);
    assert!(directory.join(format!("{}-ref.yaml", step.r#as)).exists());
    assert_eq!(step.commands, format!("{}-commands.sh", step.r#as));
    let script = fs::read_to_string(directory.join(&step.commands)).unwrap();
    assert_ends_itself(&script, step.timeout.as_ref().unwrap(), step.grace_period.as_ref());
    let parameters: Vec<_> = step.env.iter().map(|it| (it.name.as_str(), it.default.as_deref())).collect();
    assert_eq!(parameters, [("OPENSHIFT_INSTALL_COREOS_STREAM_PREFIX", Some(""))]);
    assert!(step.env[0].documentation.is_some() && step.documentation.is_some());
    assert!(ci_operator().images.iter().any(|image| Some(&image.to) == step.from.as_ref()));
}

#[test]
fn the_required_presubmit_of_prow() {
    let jobs: Jobs = read("prow/presubmit.yaml");
    let [job] = jobs.presubmits["openshift/installer"].as_slice() else { panic!("one job") };
    assert!(!job.optional && !job.skip_report && !job.always_run, "required where it runs");
    assert_runs_for_documents(job.run_if_changed.as_ref().unwrap());
    assert!(Regex::new("^[A-Za-z0-9-._]+$").unwrap().is_match(&job.name));
    assert_eq!(job.context.as_deref(), Some("ci/prow/art-mirror-validate"));
    assert_eq!(job.decorate, Some(true));
    let trigger = Regex::new(job.trigger.as_ref().unwrap()).unwrap();
    for (comment, starts) in [
        (job.rerun_command.as_deref().unwrap(), true),
        ("/test all", true),
        ("text\n/test e2e-aws art-mirror-validate unit", true),
        ("/test art-mirror-validate-content", false),
        ("please /test art-mirror-validate", false),
    ] {
        assert_eq!(trigger.is_match(comment), starts, "{comment}");
    }
    assert_pod(&job.spec, job.decoration_config.as_ref().unwrap());
}

#[test]
fn the_periodic_of_prow() {
    let jobs: Jobs = read("prow/periodic.yaml");
    let [job] = jobs.periodics.as_slice() else { panic!("one job") };
    assert!(Regex::new("^[A-Za-z0-9-._]+$").unwrap().is_match(&job.name));
    assert!(is_cron(job.cron.as_ref().unwrap()));
    assert_eq!(job.decorate, Some(true));
    let [refs] = job.extra_refs.as_slice() else { panic!("what to clone") };
    assert_eq!((refs.org.as_str(), refs.repo.as_str()), ("openshift", "installer"));
    assert!(refs.base_ref.is_some());
    assert!(job.spec.containers[0].args.contains(&"--verify=content".to_owned()));
    assert_pod(&job.spec, job.decoration_config.as_ref().unwrap());
}

/// The run's own deadline comes before the job's timeout, and the grace is longer than reports take.
fn assert_ends_itself(command: &str, timeout: &Duration, grace: Option<&Duration>) {
    let deadline = Regex::new(r"--deadline[ =](\w+)").unwrap().captures(command).unwrap();
    let deadline = humantime::parse_duration(&deadline[1]).unwrap();
    assert!(deadline < timeout.0, "{command}");
    assert!(grace.unwrap().0 >= std::time::Duration::from_secs(10));
}

fn assert_pod(spec: &PodSpec, decoration: &crate::prow::Decoration) {
    let [container] = spec.containers.as_slice() else { panic!("one container") };
    // Decoration wraps what is written here, and does not know the image's entry point.
    assert_eq!(container.command, ["/usr/bin/art-mirror-validate"]);
    assert_eq!(container.args[..2], ["check", "--published"]);
    let timeout = decoration.timeout.as_ref().unwrap();
    assert_ends_itself(&container.args.join(" "), timeout, decoration.grace_period.as_ref());
    let security = container.security_context.as_ref().unwrap();
    assert_eq!(security.read_only_root_filesystem, Some(true));
    assert_eq!(security.allow_privilege_escalation, Some(false));
    assert_eq!(spec.security_context.as_ref().unwrap().run_as_non_root, Some(true));
    assert_eq!(spec.automount_service_account_token, Some(false));
}

fn is_cron(text: &str) -> bool {
    Regex::new(r"^[0-9]+ [0-9]+ [*0-9]+ [*0-9]+ [*0-7]+$").unwrap().is_match(text)
}
