#!/usr/bin/env python3
"""Regenerates the documents in testdata/; README.md has the rule for their digests.

Run it from anywhere: `python3 testdata/generate.py`. Its output is the same each time.
"""

import hashlib
import json
import struct
import zlib
from pathlib import Path

HERE = Path(__file__).resolve().parent
STREAMS = "https://rhcos.mirror.openshift.com/art/storage/prod/streams"
RELEASES = "https://rhcos.mirror.openshift.com/art/storage/releases"
BRIDGE = "https://releases-art-rhcos.svc.ci.openshift.org/art/storage/releases"
DISK = "disk"
PXE = [("kernel", "live-kernel"), ("initramfs", "live-initramfs"), ("rootfs", "live-rootfs")]


def uncompressed(name):
    """The decompressed content of an artifact."""
    return f"art-mirror-validate test artifact: {name}\n".encode("ascii")


def content(name):
    """The bytes of an artifact; for .gz names, a gzip member of one stored block (RFC 1951, 3.2.4)."""
    inner = uncompressed(name)
    if not name.endswith(".gz"):
        return inner
    header = bytes([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255])
    block = struct.pack("<BHH", 1, len(inner), len(inner) ^ 0xFFFF) + inner
    return header + block + struct.pack("<II", zlib.crc32(inner), len(inner))


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def component(directory, name, signature=False):
    entry = {"location": f"{directory}/{name}"}
    if signature:
        entry["signature"] = f"{directory}/{name}.sig"
    entry["sha256"] = sha256(content(name))
    if name.endswith(".gz") and not name.endswith(".tar.gz"):
        entry["uncompressed-sha256"] = sha256(uncompressed(name))
    return entry


def architecture(arch, prefix, build, directory, platforms, images=None, extensions=None, old=False):
    """One architecture: `platforms` maps a platform to (format, component, name's middle, extension) rows."""
    artifacts = {}
    for platform, rows in platforms.items():
        formats = {}
        for form, part, middle, extension in rows:
            if old and part == "kernel":
                name = f"{prefix}-{build}-{middle}-{arch}"
            else:
                name = f"{prefix}-{build}-{middle}.{arch}{extension}"
            formats.setdefault(form, {})[part] = component(directory, name, signature=old)
        artifacts[platform] = {"release": build, "formats": formats}
    entry = {"artifacts": artifacts}
    if images:
        entry["images"] = images
    if extensions:
        entry["rhel-coreos-extensions"] = extensions
    return entry


def pxe():
    return [("pxe", part, middle, "" if part == "kernel" else ".img") for part, middle in PXE]


def write(path, document, indent=2, newline=True):
    path = HERE / path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=indent) + ("\n" if newline else ""))


# -- testdata/checkout: an installer checkout of the streams layout ------------------------------------------

def rhcos_4_19():
    def directory(build, arch):
        return f"{STREAMS}/4.19-9.6/builds/{build}/{arch}"

    x86, arm = "419.96.202506171412-0", "419.96.202506171413-0"
    power, z = "419.96.202506171415-0", "419.96.202506171417-0"
    return {
        "stream": "rhcos-4.19",
        "metadata": {"last-modified": "2025-06-18T09:12:44Z", "generator": "plume cosa2stream 0a1b2c3"},
        "architectures": {
            "aarch64": architecture(
                "aarch64", "rhcos", arm, directory(arm, "aarch64"),
                {
                    "aws": [("vmdk.gz", DISK, "aws", ".vmdk.gz")],
                    "metal": [("iso", DISK, "live-iso", ".iso"), ("raw.gz", DISK, "metal", ".raw.gz")],
                },
                images={"aws": {"regions": {"us-east-1": {"release": arm, "image": "ami-0aaaaaaaaaaaaaaa1"}}}},
            ),
            "ppc64le": architecture(
                "ppc64le", "rhcos", power, directory(power, "ppc64le"),
                {
                    "metal": [("4k.raw.gz", DISK, "metal4k", ".raw.gz"), ("iso", DISK, "live-iso", ".iso")],
                    "powervs": [("ova.gz", DISK, "powervs", ".ova.gz")],
                },
            ),
            "s390x": architecture(
                "s390x", "rhcos", z, directory(z, "s390x"),
                {
                    "metal": [("raw.gz", DISK, "metal", ".raw.gz")],
                    "qemu-secex": [("qcow2.gz", DISK, "qemu-secex", ".qcow2.gz")],
                },
            ),
            "x86_64": architecture(
                "x86_64", "rhcos", x86, directory(x86, "x86_64"),
                {
                    "aws": [("vmdk.gz", DISK, "aws", ".vmdk.gz")],
                    "azure": [("vhd.gz", DISK, "azure", ".vhd.gz")],
                    "gcp": [("tar.gz", DISK, "gcp", ".tar.gz")],
                    "kubevirt": [("ociarchive", DISK, "kubevirt", ".ociarchive")],
                    "metal": [
                        ("4k.raw.gz", DISK, "metal4k", ".raw.gz"),
                        ("iso", DISK, "live-iso", ".iso"),
                        *pxe(),
                        ("raw.gz", DISK, "metal", ".raw.gz"),
                    ],
                    "openstack": [("qcow2.gz", DISK, "openstack", ".qcow2.gz")],
                    "qemu": [("qcow2.gz", DISK, "qemu", ".qcow2.gz")],
                    "vmware": [("ova", DISK, "vmware", ".ova")],
                },
                images={
                    "aws": {
                        "regions": {
                            "eu-west-1": {"release": x86, "image": "ami-0bbbbbbbbbbbbbbb1"},
                            "us-east-1": {"release": x86, "image": "ami-0bbbbbbbbbbbbbbb2"},
                        }
                    },
                    "gcp": {
                        "release": x86,
                        "project": "example-project",
                        "name": "rhcos-419-96-202506171412-0-gcp-x86-64",
                    },
                },
                extensions={
                    "azure-disk": {
                        "release": x86,
                        "url": f"https://rhcos.blob.core.windows.net/imagebucket/rhcos-{x86}-azure.x86_64.vhd",
                    }
                },
            ),
        },
    }


def scos():
    build = "10.0.20250611-0"
    directory = f"{STREAMS}/c10s/builds/{build}/x86_64"
    return {
        "stream": "c10s",
        "metadata": {"last-modified": "2025-06-12T07:30:01Z", "generator": "plume cosa2stream 0a1b2c3"},
        "architectures": {
            "x86_64": architecture(
                "x86_64", "scos", build, directory,
                {
                    "metal": [("iso", DISK, "live-iso", ".iso")],
                    "qemu": [("qcow2.gz", DISK, "qemu", ".qcow2.gz")],
                },
            )
        },
    }


def marketplace(version="419.96.20250617"):
    def image(sku):
        return {"publisher": "example", "offer": "example-worker", "sku": sku, "version": version}

    return {
        "x86_64": {
            "azure": {"no-purchase-plan": {"hyperVGen1": image("example_419"), "hyperVGen2": image("419-v2")}}
        }
    }


# -- testdata/checkout-2026: two RHEL streams, every platform, cloud images -----------------------------------

def disks(*rows):
    """A platform of one format each: its name in documents and files, and the format."""
    return {name: [(form, DISK, name, "." + form)] for name, form in rows}


METAL = [
    ("4k.raw.gz", DISK, "metal4k", ".raw.gz"),
    ("iso", DISK, "live-iso", ".iso"),
    *pxe(),
    ("raw.gz", DISK, "metal", ".raw.gz"),
]
VIRTUAL = disks(("openstack", "qcow2.gz"), ("qemu", "qcow2.gz"))
PLATFORMS_2026 = {
    "aarch64": disks(("aws", "vmdk.gz"), ("azure", "vhd.gz"), ("gcp", "tar.gz"), ("nvidiabluefield", "bfb")),
    "ppc64le": disks(("powervs", "ova.gz")),
    "s390x": disks(("ibmcloud", "qcow2.gz"), ("kubevirt", "ociarchive"), ("qemu-secex", "qcow2.gz")),
    "x86_64": disks(
        ("aws", "vmdk.gz"), ("azure", "vhd.gz"), ("azurestack", "vhd.gz"), ("gcp", "tar.gz"),
        ("ibmcloud", "qcow2.gz"), ("kubevirt", "ociarchive"), ("nutanix", "qcow2"), ("vmware", "ova"),
    ),
}


def cloud_2026(arch, prefix, build, tag):
    """The cloud images and extensions of an architecture, which follow from its build alone."""
    def ami(name):
        return "ami-0" + sha256(f"{build}{arch}{name}".encode())[:16]

    def regions(kind, *names):
        return {"regions": {name: {"release": build, "image": ami(kind + name)} for name in names}}

    dashed, reference = build.replace(".", "-"), "quay.io/openshift-release-dev/ocp-v4.0-art-dev"
    gcp = {
        "release": build,
        "project": "rhcos-cloud",
        "name": f"{prefix}-{dashed}-gcp-{arch.replace('_', '-')}",
    }
    aws = regions("", "eu-west-1", "us-east-1")
    kubevirt = {
        "release": build,
        "image": f"{reference}:{tag}-coreos-kubevirt",
        "digest-ref": f"{reference}@sha256:{sha256(f'{build}{arch}'.encode())}",
    }
    disk = {
        "release": build,
        "url": f"https://rhcos.blob.core.windows.net/imagebucket/{prefix}-{build}-azure.{arch}.vhd",
    }
    name = f"{prefix}-{dashed}-{arch}-powervs.ova.gz"
    bucket = "rhcos-powervs-images-us-east"
    power = {
        "release": build,
        "object": name,
        "bucket": bucket,
        "url": f"https://s3.us-east.cloud-object-storage.appdomain.cloud/{bucket}/{name}",
    }
    return {
        "aarch64": ({"aws": aws, "gcp": gcp}, {"azure-disk": disk}),
        "ppc64le": ({"powervs": {"regions": {"us-east": power}}}, None),
        "s390x": ({"kubevirt": kubevirt}, None),
        "x86_64": (
            {"aws": aws, "gcp": gcp, "kubevirt": kubevirt},
            {"aws-winli": regions("winli", "eu-west-1", "us-east-1"), "azure-disk": disk},
        ),
    }[arch]


def of_2026(stream, prefix, tag, directory, build, modified):
    architectures = {}
    for arch, platforms in PLATFORMS_2026.items():
        # CentOS Stream has no image for the DPU.
        platforms = {name: rows for name, rows in platforms.items() if (prefix, name) != ("scos", "nvidiabluefield")}
        images, extensions = cloud_2026(arch, prefix, build, tag)
        architectures[arch] = architecture(
            arch, prefix, build, f"{STREAMS}/{directory}/builds/{build}/{arch}",
            dict(sorted({**platforms, **VIRTUAL, "metal": METAL}.items())), images, extensions,
        )
    metadata = {"last-modified": modified, "generator": "plume cosa2stream 0a1b2c3"}
    return {"stream": stream, "metadata": metadata, "architectures": architectures}


# -- testdata/checkout-2021: stream metadata beside legacy metadata ------------------------------------------

X86_2021, POWER_2021 = "48.83.202103301045-0", "47.83.202103021100-0"


def rhcos_4_8():
    return {
        "stream": "rhcos-4.8",
        "metadata": {"last-modified": "2021-03-31T10:00:00Z"},
        "architectures": {
            "ppc64le": architecture(
                "ppc64le", "rhcos", POWER_2021, f"{RELEASES}/rhcos-4.7-ppc64le/{POWER_2021}/ppc64le",
                {
                    "metal": [("iso", DISK, "live", ".iso"), ("raw.gz", DISK, "metal", ".raw.gz")],
                },
                old=True,
            ),
            "x86_64": architecture(
                "x86_64", "rhcos", X86_2021, f"{RELEASES}/rhcos-4.8/{X86_2021}/x86_64",
                {
                    "aws": [("vmdk.gz", DISK, "aws", ".vmdk.gz")],
                    "metal": [("iso", DISK, "live", ".iso"), *pxe(), ("raw.gz", DISK, "metal", ".raw.gz")],
                    "qemu": [("qcow2.gz", DISK, "qemu", ".qcow2.gz")],
                    "vmware": [("ova", DISK, "vmware", ".ova")],
                },
                old=True,
            ),
        },
    }


def legacy(arch, build, directory, images):
    def image(middle, extension):
        name = f"rhcos-{build}-{middle}" + ("-" + arch if middle == "live-kernel" else f".{arch}{extension}")
        entry = {"path": name, "sha256": sha256(content(name))}
        if not middle.startswith("live"):  # the installer's legacy metadata has no sizes of live images
            entry["size"] = len(content(name))
        if name.endswith(".gz"):
            entry["uncompressed-sha256"] = sha256(uncompressed(name))
            entry["uncompressed-size"] = len(uncompressed(name))
        return entry

    return {
        "baseURI": f"{BRIDGE}/{directory}/{build}/{arch}/",
        "buildid": build,
        "images": {key: image(middle, extension) for key, middle, extension in images},
        "ostree-version": build,
    }


def legacy_amd64():
    return legacy("x86_64", X86_2021, "rhcos-4.8", [
        ("aws", "aws", ".vmdk.gz"),
        ("live-initramfs", "live-initramfs", ".img"),
        ("live-iso", "live", ".iso"),
        ("live-kernel", "live-kernel", ""),
        ("live-rootfs", "live-rootfs", ".img"),
        ("metal", "metal", ".raw.gz"),
        ("ostree", "ostree", ".tar"),
        ("qemu", "qemu", ".qcow2.gz"),
        ("vmware", "vmware", ".ova"),
    ])


def legacy_ppc64le():
    return legacy("ppc64le", POWER_2021, "rhcos-4.7-ppc64le", [
        ("live-iso", "live", ".iso"),
        ("metal", "metal", ".raw.gz"),
    ])


# -- testdata/faulty: one document for each fault -------------------------------------------------------------

def minimal():
    """A small good document, to be spoilt."""
    build = "419.96.202506171412-0"
    directory = f"{STREAMS}/4.19-9.6/builds/{build}/x86_64"
    return {
        "stream": "rhcos-4.19",
        "metadata": {"last-modified": "2025-06-18T09:12:44Z"},
        "architectures": {
            "x86_64": architecture(
                "x86_64", "rhcos", build, directory,
                {
                    "metal": [("iso", DISK, "live-iso", ".iso")],
                    "qemu": [("qcow2.gz", DISK, "qemu", ".qcow2.gz")],
                },
            )
        },
    }


def iso(document):
    return document["architectures"]["x86_64"]["artifacts"]["metal"]["formats"]["iso"]["disk"]


def qemu(document):
    return document["architectures"]["x86_64"]["artifacts"]["qemu"]["formats"]["qcow2.gz"]["disk"]


def faulty():
    def spoilt(name, spoil):
        document = minimal()
        spoil(document)
        write(f"faulty/{name}.json", document)

    def several(document):
        del iso(document)["location"]
        qemu(document)["sha256"] = "not hexadecimal"
        qemu(document)["uncompressed-sha256"] = 7
        document["architectures"]["x86_64"]["artifacts"]["qemu"]["release"] = None

    text = json.dumps(minimal(), indent=2) + "\n"
    good = '"stream": "rhcos-4.19",\n'
    location = json.dumps(iso(minimal())["location"])
    files = {
        # The comma after "stream" is gone: line 3, column 3.
        "malformed.json": text.replace(good, good.replace(",", ""), 1),
        "truncated.json": text[: len(text) // 2],
        "trailing-data.json": text + "{}\n",
        "duplicate-key-top.json": text.replace(good, good + '  "stream": "rhcos-4.18",\n', 1),
        "duplicate-key-component.json": text.replace(
            f'"location": {location},', f'"location": {location},\n                "location": {location},', 1
        ),
        "empty.json": "",
    }
    for name, data in files.items():
        (HERE / "faulty" / name).write_text(data)
    (HERE / "faulty/invalid-utf-8.json").write_bytes(text.encode().replace(b"rhcos-4.19", b"rhcos-\xff\xfe", 1))

    spoilt("missing-location", lambda d: iso(d).pop("location"))
    spoilt("missing-sha256", lambda d: iso(d).pop("sha256"))
    spoilt("missing-release", lambda d: d["architectures"]["x86_64"]["artifacts"]["metal"].pop("release"))
    spoilt("missing-formats", lambda d: d["architectures"]["x86_64"]["artifacts"]["metal"].pop("formats"))
    spoilt("missing-stream", lambda d: d.pop("stream"))
    spoilt("mistyped-location", lambda d: iso(d).update(location=["https://h/x"]))
    spoilt("mistyped-sha256", lambda d: iso(d).update(sha256=42))
    spoilt("mistyped-size", lambda d: iso(d).update(size="12"))
    spoilt("mistyped-architectures", lambda d: d.update(architectures=[]))
    spoilt("bad-sha256-short", lambda d: iso(d).update(sha256=iso(d)["sha256"][1:]))
    spoilt("bad-sha256-not-hex", lambda d: iso(d).update(sha256="g" + iso(d)["sha256"][1:]))
    spoilt("bad-url-relative", lambda d: iso(d).update(location="/art/storage/rhcos.iso"))
    spoilt("bad-url-scheme", lambda d: iso(d).update(location="ftp://rhcos.mirror.openshift.com/rhcos.iso"))
    spoilt("bad-url-userinfo", lambda d: iso(d).update(location="https://u:p@rhcos.mirror.openshift.com/x.iso"))
    spoilt("bad-url-spelling", lambda d: iso(d).update(location="https://rhcos.mirror.openshift.com/a/../x.iso"))
    spoilt("no-artifacts", lambda d: d.update(architectures={}))
    spoilt("several-faults", several)


# -- ConfigMaps -----------------------------------------------------------------------------------------------

def configmap(data):
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "coreos-bootimages", "namespace": "openshift-machine-config-operator"},
        "data": data,
    }


def configmap_yaml(stream):
    lines = "".join(f"    {line}\n" for line in stream.splitlines())
    return (
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: coreos-bootimages\n"
        "  namespace: openshift-machine-config-operator\ndata:\n  releaseVersion: 0.0.1-snapshot\n"
        f"  stream: |\n{lines}"
    )


def main():
    write("checkout/data/data/coreos/rhcos.json", rhcos_4_19())
    write("checkout/data/data/coreos/scos.json", scos(), newline=False)
    write("checkout/data/data/coreos/marketplace/rhcos.json", marketplace(), indent=4)
    for name, stream, prefix, directory, build, newline in [
        ("coreos-rhel-9", "rhcos-4.21", "rhcos", "rhel-9.8", "9.8.20260611-0", True),
        ("coreos-rhel-10", "rhcos-4.22", "rhcos", "rhel-10.2", "10.2.20260612-0", True),
        ("scos", "c10s", "scos", "c10s", "10.0.20260610-0", False),
    ]:
        document = of_2026(stream, prefix, directory, directory, build, "2026-06-13T08:01:02Z")
        write(f"checkout-2026/data/data/coreos/{name}.json", document, newline=newline)
    write("checkout-2026/data/data/coreos/marketplace/coreos-rhel-9.json", marketplace("9.8.20260611"), indent=4)
    write("checkout-2021/data/data/rhcos-stream.json", rhcos_4_8(), newline=False)
    write("checkout-2021/data/data/rhcos-amd64.json", legacy_amd64(), indent=4, newline=False)
    write("checkout-2021/data/data/rhcos-ppc64le.json", legacy_ppc64le(), indent=4, newline=False)
    # The installer kept the x86_64 metadata under this older name too.
    write("checkout-2021/data/data/rhcos.json", legacy_amd64(), indent=4, newline=False)

    (HERE / "faulty").mkdir(exist_ok=True)
    faulty()

    stream = json.dumps(minimal(), indent=2)
    write("configmap.json", configmap({"releaseVersion": "0.0.1-snapshot", "stream": stream}))
    (HERE / "configmap.yaml").write_text(configmap_yaml(stream))
    write("faulty/configmap-without-stream.json", configmap({"releaseVersion": "0.0.1-snapshot"}))
    (HERE / "faulty/configmap-without-stream.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: coreos-bootimages\ndata:\n"
        "  releaseVersion: 0.0.1-snapshot\n"
    )
    # A fault inside the document that a ConfigMap holds.
    spoilt = minimal()
    iso(spoilt).pop("sha256")
    (HERE / "faulty/configmap-missing-sha256.yaml").write_text(configmap_yaml(json.dumps(spoilt, indent=2)))


if __name__ == "__main__":
    main()
