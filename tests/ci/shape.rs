//! The files have the format that their consumers read.

use std::fs;
use std::path::Path;

use regex::Regex;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};

use crate::binary::PROGRAM;
use crate::ci_operator::{Configuration, Reference, Step, Test};
use crate::ground::{Repo, files_below, real_checkouts};
use crate::prow::{Container, Jobs, PodSpec};

/// A duration in Go's syntax.
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

/// Kubernetes' `resource.Quantity`.
#[expect(dead_code, reason = "parsing checks the fields")]
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

/// The part of ci-operator's configuration of an installer branch that adds the required presubmit.
pub(crate) fn presubmit() -> Configuration {
    read("ci-operator/openshift-installer.yaml")
}

/// The weekly job's configuration.
pub(crate) fn weekly() -> Configuration {
    read("ci-operator/openshift-installer-main__art-mirror-validate.yaml")
}

/// Every ci-operator test that runs the gate in its own image, with its commands.
pub(crate) fn container_tests() -> Vec<(Test, String)> {
    let tests = [presubmit(), weekly()].into_iter().flat_map(|configuration| configuration.tests);
    tests
        .map(|mut test| {
            let commands = test.commands.take().unwrap();
            (test, commands)
        })
        .collect()
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

/// Paths in the installer's repository of all years, and whether they are stream metadata or belong to it.
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

/// Every document in real checkouts of any year starts the job.
#[test]
fn a_change_of_any_document_of_a_real_checkout_starts_the_job() {
    let pattern = Regex::new(presubmit().tests[0].run_if_changed.as_ref().unwrap()).unwrap();
    let mut seen = 0;
    let checkouts = real_checkouts();
    if checkouts.is_empty() {
        return;
    }
    for root in checkouts {
        for path in files_below(&root)
            .iter()
            .filter(|path| Path::new(path).extension().is_some_and(|it| it == "json"))
        {
            assert!(pattern.is_match(path), "{path}");
            seen += 1;
        }
    }
    assert!(seen >= 5, "{seen}");
}

#[test]
fn the_required_test_of_ci_operator() {
    let configuration = presubmit();
    let [test] = configuration.tests.as_slice() else { panic!("one test for each branch") };
    assert_eq!(test.r#as, "art-mirror-validate", "the context is ci/prow/art-mirror-validate");
    assert!(!test.optional && test.cron.is_none() && test.always_run.is_none(), "a required presubmit");
    assert_runs_for_documents(test.run_if_changed.as_ref().unwrap());
    assert!(configuration.images.items.is_empty(), "an image here would be part of the job ci/prow/images");
    for (test, commands) in container_tests() {
        assert!(commands.contains("check --published"), "a leaked override must not make it pass");
        assert_deadline_before(&commands, test.timeout.as_ref().unwrap());
        let container = test.container.as_ref().unwrap();
        assert_eq!(container.clone, Some(true), "it has the checkout");
        let image = &configuration.base_images[&container.from];
        assert_eq!(promoted(), [&image.namespace, &image.name, &image.tag].map(Clone::clone));
    }
}

/// The namespace, name and tag of the image that this repository's own configuration promotes.
fn promoted() -> [String; 3] {
    let own: Configuration = read("ci-operator/art-mirror-validate.yaml");
    let [image] = own.images.items.as_slice() else { panic!("one image") };
    let [target] = own.promotion.to.as_slice() else { panic!("one place") };
    assert!(!image.optional && !target.excluded_images.contains(&image.to), "it is promoted");
    [target.namespace.clone().unwrap(), image.to.clone(), target.tag.clone().unwrap()]
}

#[test]
fn the_weekly_test_of_ci_operator_reads_every_byte_for_one_branch() {
    let configuration = weekly();
    configuration.assert_is_whole("installer");
    let metadata = configuration.metadata.as_ref().unwrap();
    assert_eq!(metadata.variant.as_deref(), Some("art-mirror-validate"), "new branches must not inherit it");
    let [test] = configuration.tests.as_slice() else { panic!("one periodic") };
    assert!(is_cron(test.cron.as_ref().unwrap()));
    assert!(test.run_if_changed.is_none() && !test.optional, "a periodic has no pull request");
    assert!(test.commands.as_ref().unwrap().contains("--verify content"));
}

/// Our own configuration provides what the Dockerfile needs.
#[test]
fn our_own_configuration_builds_the_image() {
    let own: Configuration = read("ci-operator/art-mirror-validate.yaml");
    own.assert_is_whole("art-mirror-validate");
    assert_eq!(own.metadata.as_ref().unwrap().branch, "main");
    let image = &own.images.items[0];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dockerfile = fs::read_to_string(root.join(image.dockerfile_path.as_ref().unwrap())).unwrap();
    assert!(own.base_images.contains_key(image.from.as_ref().unwrap()), "the base image of the last stage");
    let [stage] = image.inputs["root"].r#as.as_slice() else { panic!("one stage") };
    assert!(dockerfile.contains(&format!(" AS {stage}\n")), "{stage}");
    let tools = &own.build_root.as_ref().unwrap().project_image.dockerfile_literal;
    for tool in ["cargo", "gcc", "git"] {
        assert!(tools.contains(tool), "the stage {stage} has {tool}");
    }
    // The commit is passed in a file, because the image's build context has no repository.
    let [commit] = image.inputs["bin"].paths.as_slice() else { panic!("one file") };
    let written = own.binary_build_commands.as_ref().unwrap().rsplit('>').next().unwrap();
    assert!(commit.source_path.ends_with(&format!("/{written}")) && commit.destination_dir == ".");
    let build = fs::read_to_string(root.join("build.rs")).unwrap();
    assert!(build.contains(&format!("\"{written}\"")), "the build reads {written}");
}

#[test]
fn the_e2e_job_of_ci_operator_waits_for_the_bridge_and_costs_no_cluster_otherwise() {
    let configuration: Configuration = read("ci-operator/openshift-installer-e2e.yaml");
    let [test] = configuration.tests.as_slice() else { panic!("one test") };
    assert!(test.optional, "it must not block a merge");
    assert_runs_for_documents(test.run_if_changed.as_ref().unwrap());
    let steps = test.steps.as_ref().unwrap();
    assert!(steps.cluster_profile.is_some() && steps.workflow.is_some());
    assert_eq!(steps.pre[0].r#ref.as_deref(), Some("art-mirror-validate"), "before a cluster is created");
    assert!(steps.pre[1].chain.is_some());
    let declared: Vec<_> = reference().env.into_iter().map(|parameter| parameter.name).collect();
    assert_eq!(steps.env.keys().cloned().collect::<Vec<_>>(), declared);
    // The image in which the step runs.
    let [image] = configuration.images.items.as_slice() else { panic!("one image") };
    assert_eq!(Some(&image.to), reference().from.as_ref());
    assert_eq!(image.from.as_deref(), Some("src"), "it has the checkout");
    assert!(!image.optional, "an optional image makes the whole job ci/prow/images optional");
    assert!(configuration.promotion.to[0].excluded_images.contains(&image.to), "it is only for tests");
    for (input, inputs) in &image.inputs {
        assert!(presubmit().base_images.contains_key(input), "{input}");
        let file = Path::new(&inputs.paths[0].source_path).file_name().unwrap().to_str().unwrap();
        assert!(image.dockerfile_literal.as_ref().unwrap().contains(&format!("COPY {file} ")), "{file}");
    }
}

#[test]
fn the_step_of_the_registry() {
    let step = reference();
    assert_eq!(step.r#as, "art-mirror-validate");
    // The registry's rule: files are named after their directory, and the step after its files.
    let directory = Path::new(CI).join("step-registry").join(&step.r#as);
    assert!(directory.join(format!("{}-ref.yaml", step.r#as)).exists());
    assert_eq!(step.commands, format!("{}-commands.sh", step.r#as));
    let script = fs::read_to_string(directory.join(&step.commands)).unwrap();
    assert_deadline_before(&script, step.timeout.as_ref().unwrap());
    assert_has_grace_period(step.grace_period.as_ref());
    let parameters: Vec<_> = step.env.iter().map(|it| (it.name.as_str(), it.default.as_deref())).collect();
    assert_eq!(parameters, [("OPENSHIFT_INSTALL_COREOS_STREAM_PREFIX", Some(""))]);
    assert!(step.env[0].documentation.is_some() && step.documentation.is_some());
}

#[test]
fn the_required_presubmit_of_prow() {
    let jobs: Jobs = read("prow/presubmit.yaml");
    let [job] = jobs.presubmits["openshift/installer"].as_slice() else { panic!("one job") };
    assert!(!job.optional && !job.skip_report && !job.always_run, "required if it runs");
    assert_runs_for_documents(job.run_if_changed.as_ref().unwrap());
    assert!(Regex::new("^[A-Za-z0-9-._]+$").unwrap().is_match(&job.name));
    assert_eq!(job.context.as_deref(), Some("ci/prow/art-mirror-validate"));
    assert_eq!(job.decorate, Some(true));
    // With Prow's defaults, `/test all` only starts the job if the changed files require it.
    assert!(job.trigger.is_none() && job.rerun_command.is_none());
    let trigger = Regex::new(&format!(r"(?m)^/test( | .* ){},?($|\s.*)", job.name)).unwrap();
    for (comment, starts) in [
        (format!("/test {}", job.name), true),
        (format!("text\n/test e2e-aws {} unit", job.name), true),
        ("/test all".into(), false),
        ("/test required".into(), false),
        (format!("/test {}-content", job.name), false),
    ] {
        assert_eq!(trigger.is_match(&comment), starts, "{comment}");
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

/// The weekly job for all branches: its script fetches their tips and runs the program.
#[test]
fn the_job_over_every_branch() {
    let jobs: Jobs = read("prow/branches.yaml");
    let [job] = jobs.periodics.as_slice() else { panic!("one job") };
    assert!(is_cron(job.cron.as_ref().unwrap()));
    let [container] = job.spec.containers.as_slice() else { panic!("one container") };
    let [script] = container.args.as_slice() else { panic!("one script") };
    assert_deadline_before(script, job.decoration_config.as_ref().unwrap().timeout.as_ref().unwrap());

    // It writes to a volume; the rest of the file system is read-only.
    let [mount] = container.volume_mounts.as_slice() else { panic!("one place to write to") };
    assert!(job.spec.volumes.iter().any(|volume| volume.name == mount.name));
    assert!(container.env.iter().all(|variable| variable.value == mount.mount_path));

    let upstream = Repo::new();
    let location = "https://art-rhcos-bridge.example/rhcos.iso";
    let disk = serde_json::json!({ "location": location, "sha256": "0".repeat(64) });
    let iso = serde_json::json!({ "release": "9.6.20260301-0", "formats": { "iso": { "disk": disk } } });
    let document = serde_json::json!({
        "stream": "s", "architectures": { "x86_64": { "artifacts": { "metal": iso } } }
    });
    upstream.write("data/data/coreos/rhcos.json", &document.to_string());
    upstream.git(&["add", "."]);
    upstream.git(&["commit", "--quiet", "-m", "a bump"]);
    upstream.git(&["branch", "release-4.19"]);
    let work = tempfile::tempdir().unwrap();
    let program = Path::new(PROGRAM).parent().unwrap();
    let output = std::process::Command::new(&container.command[0])
        .args(&container.command[1..])
        .arg(script)
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", program.display()))
        .env("TMPDIR", work.path())
        .env("HOME", work.path())
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", format!("url.{}.insteadOf", upstream.path().display()))
        .env("GIT_CONFIG_VALUE_0", "https://github.com/openshift/installer")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    // Nothing is requested, because the document names no published host.
    assert_eq!(output.status.code(), Some(1), "{said}{}", String::from_utf8_lossy(&output.stderr));
    for branch in ["main", "release-4.19"] {
        assert!(said.contains(&format!("{branch}: 9.6.20260301-0: 1 of 1 missing or wrong")), "{said}");
    }
}

/// The run's deadline is earlier than the job's timeout.
fn assert_deadline_before(command: &str, timeout: &Duration) {
    let deadline = Regex::new(r"--deadline[ =](\w+)").unwrap().captures(command).unwrap();
    let deadline = humantime::parse_duration(&deadline[1]).unwrap();
    assert!(deadline < timeout.0, "{command}");
}

/// The grace period is long enough to write the reports.
fn assert_has_grace_period(grace: Option<&Duration>) {
    assert!(grace.unwrap().0 >= std::time::Duration::from_secs(10));
}

fn assert_pod(spec: &PodSpec, decoration: &crate::prow::Decoration) {
    let [container] = spec.containers.as_slice() else { panic!("one container") };
    // Prow's decoration wraps this command and does not know the image's entry point.
    assert_eq!(container.command, ["/usr/bin/art-mirror-validate"]);
    assert_eq!(container.args[..2], ["check", "--published"]);
    assert_deadline_before(&container.args.join(" "), decoration.timeout.as_ref().unwrap());
    assert_has_grace_period(decoration.grace_period.as_ref());
    let security = container.security_context.as_ref().unwrap();
    assert_eq!(security.run_as_non_root, Some(true));
    assert_eq!(security.read_only_root_filesystem, Some(true));
    assert_eq!(security.allow_privilege_escalation, Some(false));
    assert_eq!(spec.automount_service_account_token, Some(false));
    // A pod's security context also applies to Prow's containers, and some of their images run as root.
    assert!(spec.security_context.is_none());
}

fn is_cron(text: &str) -> bool {
    Regex::new(r"^[0-9]+ [0-9]+ [*0-9]+ [*0-9]+ [*0-7]+$").unwrap().is_match(text)
}
