# The gate's image: the program, CA certificates, git for `check --base`, and gpgv for `check --keyring`. Any user ID, a
# read-only root.
#
#     podman build --build-arg COMMIT="$(git rev-parse HEAD)" -t art-mirror-validate .
#     podman run --rm -v "$PWD:/checkout:ro,z" art-mirror-validate check --published

ARG RUST_IMAGE=docker.io/library/rust:1.95-alpine
ARG BASE_IMAGE=registry.access.redhat.com/ubi9/ubi-minimal:9.6

# On Alpine the program is linked statically, so that it also runs where ci-operator copies it to: into the
# installer's build images, of any age and libc.
FROM ${RUST_IMAGE} AS build
RUN apk add --no-cache gcc musl-dev
WORKDIR /src
COPY . .
# There is no repository in here that would say it.
ARG COMMIT=""
ENV ART_MIRROR_VALIDATE_COMMIT=${COMMIT}
RUN cargo build --release --locked --bin art-mirror-validate && \
    target/release/art-mirror-validate --version

FROM ${BASE_IMAGE}
RUN microdnf install -y --nodocs --setopt=install_weak_deps=0 ca-certificates git-core gnupg2 && \
    microdnf clean all && \
    rm -rf /var/cache /var/log/*
COPY --from=build --chmod=0755 /src/target/release/art-mirror-validate /usr/bin/art-mirror-validate

ARG COMMIT=""
LABEL name="art-mirror-validate" \
      summary="Keeps RHEL CoreOS boot-image bumps from merging before ART's mirror has every byte" \
      description="Checks that every artifact of an installer checkout's stream metadata is at its mirrored location, with the right size and sha256" \
      org.opencontainers.image.title="art-mirror-validate" \
      org.opencontainers.image.description="Keeps RHEL CoreOS boot-image bumps from merging before ART's mirror has every byte" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${COMMIT}" \
      io.k8s.display-name="art-mirror-validate" \
      io.k8s.description="Keeps RHEL CoreOS boot-image bumps from merging before ART's mirror has every byte" \
      io.openshift.tags="openshift,installer,coreos,rhcos,ci,prow"

# Numeric, so that runAsNonRoot can tell; OpenShift gives it another one, and nothing here belongs to either. The
# only place that is written to is $ARTIFACTS.
WORKDIR /checkout
USER 65532:65532
ENTRYPOINT ["/usr/bin/art-mirror-validate"]
