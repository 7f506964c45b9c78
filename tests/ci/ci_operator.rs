//! What ci-operator reads, after openshift/ci-tools, `pkg/api/types.go`: the names and types of the fields that
//! may stand where ours do. Its readers are strict, so these are too.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::shape::{Duration, Quantity};

/// The part of `ReleaseBuildConfiguration` that a snippet may have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Configuration {
    #[serde(default)]
    pub(crate) base_images: BTreeMap<String, ImageStreamTag>,
    #[serde(default)]
    pub(crate) images: Vec<Image>,
    #[serde(default)]
    pub(crate) tests: Vec<Test>,
}

/// `ImageStreamTagReference`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "what is read is also what is checked")]
pub(crate) struct ImageStreamTag {
    namespace: String,
    name: String,
    tag: String,
    r#as: Option<String>,
}

/// `ProjectDirectoryImageBuildStepConfiguration`, with the inlined `ProjectDirectoryImageBuildInputs`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "what is read is also what is checked")]
pub(crate) struct Image {
    pub(crate) from: Option<String>,
    pub(crate) to: String,
    context_dir: Option<String>,
    dockerfile_path: Option<String>,
    pub(crate) dockerfile_literal: Option<String>,
    #[serde(default)]
    pub(crate) inputs: BTreeMap<String, ImageInputs>,
    #[serde(default)]
    pub(crate) optional: bool,
}

/// `ImageBuildInputs`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "what is read is also what is checked")]
pub(crate) struct ImageInputs {
    #[serde(default)]
    pub(crate) paths: Vec<ImagePath>,
    #[serde(default)]
    r#as: Vec<String>,
}

/// `ImageSourcePath`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "what is read is also what is checked")]
pub(crate) struct ImagePath {
    pub(crate) source_path: String,
    destination_dir: String,
}

/// `TestStepConfiguration`, without the kinds of tests that need a cluster.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "what is read is also what is checked")]
pub(crate) struct Test {
    pub(crate) r#as: String,
    commands: Option<String>,
    cluster: Option<String>,
    pub(crate) cron: Option<String>,
    interval: Option<String>,
    minimum_interval: Option<String>,
    #[serde(default)]
    pub(crate) postsubmit: bool,
    always_run: Option<bool>,
    pub(crate) run_if_changed: Option<String>,
    #[serde(default)]
    pub(crate) optional: bool,
    #[serde(default)]
    portable: bool,
    skip_if_only_changed: Option<String>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) steps: Option<Steps>,
}

impl Test {
    /// `IsPeriodic`, as far as these fields say.
    pub(crate) fn is_periodic(&self) -> bool {
        self.cron.is_some() || self.interval.is_some() || self.minimum_interval.is_some()
    }
}

/// `MultiStageTestConfiguration`, as far as a test without a cluster has use for it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "what is read is also what is checked")]
pub(crate) struct Steps {
    #[serde(default)]
    pre: Vec<Step>,
    #[serde(default)]
    pub(crate) test: Vec<Step>,
    #[serde(default)]
    post: Vec<Step>,
    workflow: Option<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    dependencies: BTreeMap<String, String>,
}

/// `LiteralTestStep`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "what is read is also what is checked")]
pub(crate) struct Step {
    pub(crate) r#as: String,
    pub(crate) from: Option<String>,
    from_image: Option<ImageStreamTag>,
    pub(crate) commands: String,
    pub(crate) resources: Resources,
    pub(crate) timeout: Option<Duration>,
    pub(crate) grace_period: Option<Duration>,
    #[serde(default)]
    pub(crate) env: Vec<Parameter>,
    optional_on_success: Option<bool>,
    best_effort: Option<bool>,
    no_kubeconfig: Option<bool>,
    cli: Option<String>,
    run_as_script: Option<bool>,
    /// Of `RegistryReference`, in which a step is inlined.
    pub(crate) documentation: Option<String>,
}

/// `ResourceRequirements`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "what is read is also what is checked")]
pub(crate) struct Resources {
    #[serde(default)]
    pub(crate) requests: BTreeMap<String, Quantity>,
    #[serde(default)]
    limits: BTreeMap<String, Quantity>,
}

/// `StepParameter`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) default: Option<String>,
    pub(crate) documentation: Option<String>,
}

/// `RegistryReferenceConfig`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reference {
    pub(crate) r#ref: Step,
}
