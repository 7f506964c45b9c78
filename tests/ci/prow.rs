//! The Prow fields that our files use, from kubernetes-sigs/prow, `pkg/config/jobs.go` and
//! `pkg/apis/prowjobs/v1/types.go`, and from Kubernetes' `core/v1` for the pod.

#![expect(dead_code, reason = "parsing checks the fields")]

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::shape::{Duration, Quantity};

/// `JobConfig`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Jobs {
    #[serde(default)]
    pub(crate) presubmits: BTreeMap<String, Vec<Presubmit>>,
    #[serde(default)]
    pub(crate) periodics: Vec<Periodic>,
}

/// `Presubmit`, with the inlined `JobBase`, `UtilityConfig`, `Brancher`, `RegexpChangeMatcher` and `Reporter`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "they are fields of Prow")]
pub(crate) struct Presubmit {
    pub(crate) name: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    max_concurrency: Option<u32>,
    cluster: Option<String>,
    pub(crate) spec: PodSpec,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) always_run: bool,
    #[serde(default)]
    pub(crate) optional: bool,
    pub(crate) trigger: Option<String>,
    pub(crate) rerun_command: Option<String>,
    #[serde(default)]
    skip_branches: Vec<String>,
    #[serde(default)]
    branches: Vec<String>,
    pub(crate) run_if_changed: Option<String>,
    skip_if_only_changed: Option<String>,
    pub(crate) context: Option<String>,
    #[serde(default)]
    pub(crate) skip_report: bool,
    pub(crate) decorate: Option<bool>,
    path_alias: Option<String>,
    clone_uri: Option<String>,
    #[serde(default)]
    skip_submodules: bool,
    clone_depth: Option<u32>,
    #[serde(default)]
    extra_refs: Vec<Refs>,
    pub(crate) decoration_config: Option<Decoration>,
}

/// `Periodic`, with the inlined `JobBase` and `UtilityConfig`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Periodic {
    pub(crate) name: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    max_concurrency: Option<u32>,
    cluster: Option<String>,
    pub(crate) spec: PodSpec,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    interval: Option<String>,
    minimum_interval: Option<String>,
    pub(crate) cron: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    pub(crate) decorate: Option<bool>,
    #[serde(default)]
    pub(crate) extra_refs: Vec<Refs>,
    pub(crate) decoration_config: Option<Decoration>,
}

/// `Refs`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refs {
    pub(crate) org: String,
    pub(crate) repo: String,
    pub(crate) base_ref: Option<String>,
    base_sha: Option<String>,
    path_alias: Option<String>,
    work_dir: Option<bool>,
    clone_uri: Option<String>,
    #[serde(default)]
    skip_submodules: bool,
    clone_depth: Option<u32>,
}

/// The fields of `DecorationConfig` that a job can set for itself.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decoration {
    skip_cloning: Option<bool>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) grace_period: Option<Duration>,
}

/// `PodSpec`
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct PodSpec {
    pub(crate) containers: Vec<Container>,
    service_account_name: Option<String>,
    pub(crate) automount_service_account_token: Option<bool>,
    #[serde(default)]
    pub(crate) volumes: Vec<Volume>,
    pub(crate) security_context: Option<SecurityContext>,
}

/// `Container`
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Container {
    name: String,
    image: String,
    image_pull_policy: Option<PullPolicy>,
    pub(crate) command: Vec<String>,
    #[serde(default)]
    pub(crate) args: Vec<String>,
    #[serde(default)]
    pub(crate) env: Vec<Variable>,
    resources: Option<Resources>,
    #[serde(default)]
    pub(crate) volume_mounts: Vec<VolumeMount>,
    pub(crate) security_context: Option<SecurityContext>,
}

/// `Volume`, with the only kind that our jobs use.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Volume {
    pub(crate) name: String,
    empty_dir: BTreeMap<String, String>,
}

/// `VolumeMount`
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct VolumeMount {
    pub(crate) name: String,
    pub(crate) mount_path: String,
}

/// `PullPolicy`
#[derive(Deserialize)]
pub(crate) enum PullPolicy {
    Always,
    Never,
    IfNotPresent,
}

/// `EnvVar`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Variable {
    name: String,
    pub(crate) value: String,
}

/// `ResourceRequirements`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resources {
    #[serde(default)]
    requests: BTreeMap<String, Quantity>,
    #[serde(default)]
    limits: BTreeMap<String, Quantity>,
}

/// The fields that `SecurityContext` and `PodSecurityContext` share.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct SecurityContext {
    pub(crate) run_as_non_root: Option<bool>,
    run_as_user: Option<i64>,
    pub(crate) allow_privilege_escalation: Option<bool>,
    pub(crate) read_only_root_filesystem: Option<bool>,
    capabilities: Option<Capabilities>,
    seccomp_profile: Option<SeccompProfile>,
}

/// `Capabilities`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Capabilities {
    #[serde(default)]
    add: Vec<String>,
    #[serde(default)]
    drop: Vec<String>,
}

/// `SeccompProfile`
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct SeccompProfile {
    r#type: SeccompProfileType,
    localhost_profile: Option<String>,
}

/// `SeccompProfileType`
#[derive(Deserialize)]
pub(crate) enum SeccompProfileType {
    Unconfined,
    RuntimeDefault,
    Localhost,
}
