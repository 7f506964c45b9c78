#!/bin/bash

# A step of an e2e job: checks that every boot image is at the location from which the clusters will fetch it.
set -euo pipefail

# If a job does not set the variable, ci-operator sets it to the empty default, which the program treats as unset.
export OPENSHIFT_INSTALL_COREOS_STREAM_PREFIX="${OPENSHIFT_INSTALL_COREOS_STREAM_PREFIX:-}"

# exec, so that the signal of an aborted job reaches the program, which then writes its reports.
exec art-mirror-validate check --artifacts-dir "${ARTIFACT_DIR}" --deadline 1h
