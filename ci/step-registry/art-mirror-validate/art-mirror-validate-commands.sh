#!/bin/bash

# The step of an e2e job: is everything that the clusters will boot from where they will look for it?
set -euo pipefail

# ci-operator sets what a job leaves alone to the empty default; the program takes that for no prefix.
export OPENSHIFT_INSTALL_COREOS_STREAM_PREFIX="${OPENSHIFT_INSTALL_COREOS_STREAM_PREFIX:-}"

# In place of the shell, so that the job's abort reaches the program, which then leaves its reports.
exec art-mirror-validate check --artifacts-dir "${ARTIFACT_DIR}" --deadline 1h
