//! The Prow job, from its environment.

use super::env;
use crate::report::ProwContext;

pub(super) fn context() -> ProwContext {
    ProwContext {
        job_name: env::value(env::JOB_NAME),
        build_id: env::value(env::BUILD_ID),
        repo_owner: env::value(env::REPO_OWNER),
        repo_name: env::value(env::REPO_NAME),
        pull_number: env::value(env::PULL_NUMBER),
        pull_base_ref: env::value(env::PULL_BASE_REF),
        pull_pull_sha: env::value(env::PULL_PULL_SHA),
    }
}
