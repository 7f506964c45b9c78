# The gate's image: the program, CA certificates, git for `check --base`, gpgv for `--keyring`. It runs with any user ID
# and a read-only root file system.
#
#     podman build --build-arg COMMIT="$(git rev-parse HEAD)" -t art-mirror-validate .
#     podman run --rm -v "$PWD:/checkout:ro,z" art-mirror-validate check --published
#
# Both base images may use dnf, microdnf, apt or apk; only missing packages are installed. If the directory of
# `cargo vendor` is present, cargo needs no network. COMMIT goes into --version and a label; --version can also take it
# from a file `.commit`. LINK is static or dynamic; the default is static if the Rust image supports it.

ARG RUST_IMAGE=docker.io/library/rust:1.95-alpine
ARG BASE_IMAGE=registry.access.redhat.com/ubi9/ubi-minimal:9.6

FROM ${RUST_IMAGE} AS build
RUN set -eu; \
    if command -v cargo && command -v cc && command -v readelf && [ -e /usr/include/stdio.h ]; then exit 0; fi; \
    if command -v dnf; then dnf install -y cargo gcc; \
    elif command -v microdnf; then microdnf install -y cargo gcc; \
    elif command -v apk; then apk add --no-cache gcc musl-dev $(command -v cargo >/dev/null || echo cargo); \
    else apt-get update; \
        apt-get install -y --no-install-recommends gcc libc6-dev $(command -v cargo >/dev/null || echo cargo); \
    fi
WORKDIR /src
ARG PROFILE=release
ARG LINK=""
# Dependencies first, from the manifests alone, so that a change of the source does not rebuild them.
COPY ci/image/build.sh ci/image/build.sh
COPY examples/rehearsal/Cargo.toml examples/rehearsal/Cargo.toml
COPY tests/embedded-mirror/Cargo.toml tests/embedded-mirror/Cargo.toml
COPY Cargo.toml Cargo.lock ./
COPY Cargo.lock vendo[r] vendor/
RUN ci/image/build.sh dependencies
COPY . .
ARG COMMIT=""
ENV ART_MIRROR_VALIDATE_COMMIT=${COMMIT}
RUN ci/image/build.sh program

FROM ${BASE_IMAGE}
RUN set -eu; \
    if command -v git && command -v gpgv && ls /etc/ssl/certs/ca-*.crt; then exit 0; fi; \
    if command -v microdnf; then \
        microdnf install -y --nodocs --setopt=install_weak_deps=0 ca-certificates git-core gnupg2; microdnf clean all; \
    elif command -v dnf; then \
        dnf install -y --nodocs --setopt=install_weak_deps=0 ca-certificates git-core gnupg2; dnf clean all; \
    elif command -v apk; then apk add --no-cache ca-certificates git gpgv; \
    else apt-get update; apt-get install -y --no-install-recommends ca-certificates git gpgv; apt-get clean; \
    fi; \
    rm -rf /var/cache/* /var/lib/apt/lists/* /var/log/*
COPY --from=build /out/art-mirror-validate /usr/bin/art-mirror-validate
# Fails here, and not in a job, if the base image lacks what a dynamic program needs.
RUN ["/usr/bin/art-mirror-validate", "--version"]

ARG COMMIT=""
LABEL name="art-mirror-validate" \
      version="0.2.0" \
      release="1" \
      vendor="OpenShift CI" \
      maintainer="OpenShift CI" \
      com.redhat.component="art-mirror-validate" \
      vcs-ref="${COMMIT:-unknown}" \
      summary="Keeps RHEL CoreOS boot-image bumps from merging before ART's mirror has every byte" \
      description="Checks that every artifact of an installer checkout's stream metadata is at its mirrored location, with the right size and sha256" \
      org.opencontainers.image.title="art-mirror-validate" \
      org.opencontainers.image.version="0.2.0" \
      org.opencontainers.image.vendor="OpenShift CI" \
      org.opencontainers.image.description="Keeps RHEL CoreOS boot-image bumps from merging before ART's mirror has every byte" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${COMMIT:-unknown}" \
      io.k8s.display-name="art-mirror-validate" \
      io.k8s.description="Keeps RHEL CoreOS boot-image bumps from merging before ART's mirror has every byte" \
      io.openshift.tags="openshift,installer,coreos,rhcos,ci,prow"

# Numeric, because runAsNonRoot cannot verify a name. OpenShift assigns another user ID; neither owns any file here. The
# program writes to $ARTIFACTS only.
WORKDIR /checkout
USER 65532:65532
ENTRYPOINT ["/usr/bin/art-mirror-validate"]
