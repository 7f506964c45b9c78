//! The ci-operator fields that our files use, from openshift/ci-tools, `pkg/api/types.go`. Its parsers are strict, so
//! these are too.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::shape::{Duration, Quantity};

/// The fields of `ReleaseBuildConfiguration` that our files use.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Configuration {
    #[serde(default)]
    pub(crate) base_images: BTreeMap<String, ImageStreamTag>,
    pub(crate) binary_build_commands: Option<String>,
    pub(crate) build_root: Option<BuildRoot>,
    #[serde(default)]
    pub(crate) images: Images,
    #[serde(default)]
    pub(crate) promotion: Promotion,
    #[serde(default)]
    pub(crate) resources: BTreeMap<String, Resources>,
    #[serde(default)]
    pub(crate) tests: Vec<Test>,
    #[serde(rename = "zz_generated_metadata")]
    pub(crate) metadata: Option<Metadata>,
}

impl Configuration {
    /// Some checks of ci-operator's validation: default resources, a build root for images, known base images.
    pub(crate) fn assert_is_whole(&self, repository: &str) {
        assert!(self.resources.contains_key("*"));
        assert!(self.images.items.is_empty() || self.build_root.is_some());
        let metadata = self.metadata.as_ref().unwrap();
        assert_eq!((metadata.org.as_str(), metadata.repo.as_str()), ("openshift", repository));
        for test in &self.tests {
            let Some(container) = &test.container else { panic!("{}", test.r#as) };
            let known = self.base_images.contains_key(&container.from) || container.from == "src";
            assert!(known, "{}", container.from);
        }
    }
}

/// `ImageStreamTagReference`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImageStreamTag {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) tag: String,
}

/// `BuildRootImageConfiguration`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BuildRoot {
    pub(crate) project_image: ProjectImage,
}

/// `ProjectDirectoryImageBuildInputs`, as a build root.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProjectImage {
    pub(crate) dockerfile_literal: String,
}

/// `ImageConfiguration`: an object since 2026-03, before that a list of its items.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct Images {
    pub(crate) items: Vec<Image>,
}

/// `ProjectDirectoryImageBuildStepConfiguration`, with the inlined `ProjectDirectoryImageBuildInputs`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Image {
    pub(crate) from: Option<String>,
    pub(crate) to: String,
    pub(crate) dockerfile_path: Option<String>,
    pub(crate) dockerfile_literal: Option<String>,
    #[serde(default)]
    pub(crate) inputs: BTreeMap<String, ImageInputs>,
    #[serde(default)]
    pub(crate) optional: bool,
}

/// `ImageBuildInputs`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImageInputs {
    #[serde(default)]
    pub(crate) paths: Vec<ImagePath>,
    #[serde(default)]
    pub(crate) r#as: Vec<String>,
}

/// `ImageSourcePath`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImagePath {
    pub(crate) source_path: String,
    pub(crate) destination_dir: String,
}

/// `PromotionConfiguration`
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct Promotion {
    pub(crate) to: Vec<PromotionTarget>,
}

/// `PromotionTarget`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PromotionTarget {
    pub(crate) namespace: Option<String>,
    pub(crate) tag: Option<String>,
    #[serde(default)]
    pub(crate) excluded_images: Vec<String>,
}

/// `Metadata`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Metadata {
    pub(crate) org: String,
    pub(crate) repo: String,
    pub(crate) branch: String,
    pub(crate) variant: Option<String>,
}

/// `TestStepConfiguration`, without the fields of tests that need a cluster.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Test {
    pub(crate) r#as: String,
    pub(crate) commands: Option<String>,
    pub(crate) container: Option<ContainerTest>,
    pub(crate) cron: Option<String>,
    pub(crate) always_run: Option<bool>,
    pub(crate) run_if_changed: Option<String>,
    #[serde(default)]
    pub(crate) optional: bool,
    pub(crate) timeout: Option<Duration>,
    pub(crate) steps: Option<Steps>,
}

/// `ContainerTestConfiguration`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContainerTest {
    pub(crate) from: String,
    pub(crate) clone: Option<bool>,
}

/// The fields of `MultiStageTestConfiguration` that our e2e job sets.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Steps {
    pub(crate) cluster_profile: Option<String>,
    #[serde(default)]
    pub(crate) env: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) pre: Vec<TestStep>,
    pub(crate) workflow: Option<String>,
}

/// `TestStep`, without the inlined `LiteralTestStep`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TestStep {
    pub(crate) r#ref: Option<String>,
    pub(crate) chain: Option<String>,
}

/// `LiteralTestStep`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "parsing checks the fields")]
pub(crate) struct Step {
    pub(crate) r#as: String,
    pub(crate) from: Option<String>,
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
    /// A field of `RegistryReference`, into which a step is inlined.
    pub(crate) documentation: Option<String>,
}

/// `ResourceRequirements`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "parsing checks the fields")]
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
