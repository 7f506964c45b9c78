"""Generates stream documents like the real ones, with any number of artifacts, and the files that they name."""

import hashlib
import json
import os

ARCHITECTURES = ("aarch64", "ppc64le", "s390x", "x86_64")

# Twelve of the files that one architecture of a real document has, so 48 for four architectures.
REAL = (
    ("aws", "vmdk.gz", "disk"),
    ("azure", "vhd.gz", "disk"),
    ("gcp", "tar.gz", "disk"),
    ("ibmcloud", "qcow2.gz", "disk"),
    ("metal", "4k.raw.gz", "disk"),
    ("metal", "iso", "disk"),
    ("metal", "pxe", "initramfs"),
    ("metal", "pxe", "kernel"),
    ("metal", "pxe", "rootfs"),
    ("metal", "raw.gz", "disk"),
    ("openstack", "qcow2.gz", "disk"),
    ("qemu", "qcow2.gz", "disk"),
)

# The number of branches, and of artifacts that each pins, no two the same.
BRANCHES, OF_A_BRANCH = 20, 150

# Files per directory in documents that are larger than real ones.
MANY = 100

# A real meta.json has some 11 KiB.
META_JSON_BYTES = 11_000

PATH = "/art/storage/prod/streams"


class File:
    """One artifact's file."""

    def __init__(self, directory, name, size, sha256):
        self.directory, self.name, self.size, self.sha256 = directory, name, size, sha256

    @property
    def path(self):
        return f"{self.directory}/{self.name}"


def real_document(stream, rhel, build, artifacts):
    """The files of a document like a real one, as (arch, platform, release, format, component, path)."""
    for arch in ARCHITECTURES:
        for platform, form, component in REAL:
            if artifacts == 0:
                return
            artifacts -= 1
            suffix = form if component == "disk" else f"live-{component}"
            name = f"{stream}-{build}-{platform}.{arch}.{suffix}"
            yield arch, platform, build, form, component, f"{PATH}/{rhel}/builds/{build}/{arch}", name


def large_document(artifacts):
    """The files of a document with any number of artifacts: a build and a platform for each hundred."""
    for index in range(artifacts):
        batch, number = divmod(index, MANY)
        arch = ARCHITECTURES[batch % len(ARCHITECTURES)]
        build = f"9.6.{20250000 + batch // 10}-{batch % 10}"
        name = f"rhcos-{build}-metal-{number}.{arch}.raw.gz"
        directory = f"{PATH}/rhel-9.6/builds/{build}/{arch}"
        yield arch, f"platform-{batch}", build, f"{number}.raw.gz", "disk", directory, name


def documents_for(artifacts):
    """The names and rows of the documents for a number of artifacts."""
    if artifacts == 48:
        return [("coreos-rhel-9", list(real_document("rhcos", "rhel-9.8", "9.8.20260403-0", 48)))]
    if artifacts == 143:
        return [
            ("coreos-rhel-9", list(real_document("rhcos", "rhel-9.8", "9.8.20260403-0", 48))),
            ("coreos-rhel-10", list(real_document("rhcos", "rhel-10.2", "10.2.20260405-0", 48))),
            ("scos", list(real_document("scos", "c10s", "10.0.20251103-0", 47))),
        ]
    if artifacts == BRANCHES * OF_A_BRANCH:
        rows = list(large_document(artifacts))
        return [(f"release-4.{number + 1}", rows[number * OF_A_BRANCH:(number + 1) * OF_A_BRANCH])
                for number in range(BRANCHES)]
    return [(f"large-{artifacts}", list(large_document(artifacts)))]


def write_files(root, rows):
    """Writes the files and the sidecars of their directories; returns the files by path, with their digests."""
    files, directories = {}, {}
    for _, _, _, _, _, directory, name in rows:
        bytes_ = content(name)
        file = File(directory, name, len(bytes_), hashlib.sha256(bytes_).hexdigest())
        files[file.path] = file
        directories.setdefault(directory, []).append(file)
        at = root + file.path
        if not os.path.exists(at):
            os.makedirs(os.path.dirname(at), exist_ok=True)
            with open(at, "wb") as out:
                out.write(bytes_)
    for directory, its in directories.items():
        write_sidecars(root + directory, its)
    return files


def content(name):
    return f"art-mirror-validate bench artifact: {name}\n".encode()


def write_sidecars(directory, files):
    images = {
        f"image-{number}": {"path": file.name, "sha256": file.sha256, "size": file.size}
        for number, file in enumerate(files)
    }
    meta = {"buildid": directory.split("/")[-2], "images": images}
    text = json.dumps(meta, indent=2)
    meta["padding"] = "x" * max(0, META_JSON_BYTES - len(text))
    with open(f"{directory}/meta.json", "w") as out:
        json.dump(meta, out, indent=2)
    with open(f"{directory}/sha256sum.txt", "w") as out:
        out.writelines(f"{file.sha256}  {file.name}\n" for file in files)


def write_document(path, stream, rows, files, base, extra=None):
    """Writes a stream document with locations below `base`, indented by two spaces like the real ones."""
    architectures = {}
    for arch, platform, release, form, component, directory, name in rows:
        file = files[f"{directory}/{name}"]
        entry = {"location": base + file.path, "sha256": file.sha256}
        entry.update(extra.get(name, {}) if extra else {})
        platforms = architectures.setdefault(arch, {"artifacts": {}})["artifacts"]
        formats = platforms.setdefault(platform, {"release": release, "formats": {}})["formats"]
        formats.setdefault(form, {})[component] = entry
    document = {"stream": stream, "metadata": {"last-modified": "2026-01-01T00:00:00Z"},
                "architectures": architectures}
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as out:
        json.dump(document, out, indent=2)
        out.write("\n")


def write_corpus(work, root, artifacts, bases):
    """Writes documents with that many artifacts for each base, and lists of their URLs for the other programs.

    Runs in a separate process, because the peak memory that is reported for a program includes that of the process
    that started it.
    """
    documents = documents_for(artifacts)
    rows = [row for _, its in documents for row in its]
    files = write_files(root, rows)
    for label, base in bases.items():
        folder = f"{work}/{label}-{artifacts}"
        for stream, its in documents:
            write_document(f"{folder}/documents/{stream}.json", stream, its, files, base)
        urls = [f"{base}{directory}/{name}" for _, _, _, _, _, directory, name in rows]
        with open(f"{folder}/urls.txt", "w") as out:
            out.writelines(f"{url}\n" for url in urls)
        with open(f"{folder}/curl.cfg", "w") as out:
            out.writelines(f'url = "{url}"\noutput = "/dev/null"\n' for url in urls)
