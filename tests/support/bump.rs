//! A boot-image bump of today's shape: two documents of RHEL CoreOS and one of CentOS Stream CoreOS, 143 artifacts.

use std::path::{Path, PathBuf};

use embedded_mirror::{artifact_content, hex_sha256};
use serde_json::{Value, json};

use super::Checkout;

/// Platforms, formats and components of each architecture.
const SHAPE: [(&str, &str); 4] = [
    (
        "aarch64",
        "aws/vmdk.gz/disk azure/vhd.gz/disk gcp/tar.gz/disk metal/4k.raw.gz/disk metal/iso/disk metal/pxe/kernel \
         metal/pxe/initramfs metal/pxe/rootfs metal/raw.gz/disk nvidiabluefield/bfb/disk openstack/qcow2.gz/disk \
         qemu/qcow2.gz/disk",
    ),
    (
        "ppc64le",
        "metal/4k.raw.gz/disk metal/iso/disk metal/pxe/kernel metal/pxe/initramfs metal/pxe/rootfs metal/raw.gz/disk \
         openstack/qcow2.gz/disk powervs/ova.gz/disk qemu/qcow2.gz/disk",
    ),
    (
        "s390x",
        "ibmcloud/qcow2.gz/disk kubevirt/ociarchive/disk metal/4k.raw.gz/disk metal/iso/disk metal/pxe/kernel \
         metal/pxe/initramfs metal/pxe/rootfs metal/raw.gz/disk openstack/qcow2.gz/disk qemu/qcow2.gz/disk \
         qemu-secex/qcow2.gz/disk",
    ),
    (
        "x86_64",
        "aws/vmdk.gz/disk azure/vhd.gz/disk azurestack/vhd.gz/disk gcp/tar.gz/disk ibmcloud/qcow2.gz/disk \
         kubevirt/ociarchive/disk metal/4k.raw.gz/disk metal/iso/disk metal/pxe/kernel metal/pxe/initramfs \
         metal/pxe/rootfs metal/raw.gz/disk nutanix/qcow2/disk openstack/qcow2.gz/disk qemu/qcow2.gz/disk \
         vmware/ova/disk",
    ),
];

const DOCUMENTS: [(&str, &str, &str, &str, &str); 3] = [
    ("coreos-rhel-10.json", "rhcos-4.22", "rhcos", "rhel-10.2", "10.2.20260405-0"),
    ("coreos-rhel-9.json", "rhcos-4.21", "rhcos", "rhel-9.8", "9.8.20260403-0"),
    ("scos.json", "c10s", "scos", "c10s", "10.0.20251103-0"),
];

/// One made here, whose files the embedded mirror has.
pub(crate) fn made() -> Checkout {
    DOCUMENTS.iter().fold(Checkout::empty(), |checkout, (name, stream, product, directory, build)| {
        let mut architectures = json!({});
        for (arch, ids) in SHAPE {
            for id in ids.split(' ').filter(|id| *product == "rhcos" || !id.starts_with("nvidia")) {
                let [platform, format, part] = id.split('/').collect::<Vec<_>>().try_into().unwrap();
                let file = match (format, part) {
                    ("iso", _) => format!("live-iso.{arch}.iso"),
                    ("pxe", "kernel") => format!("live-kernel.{arch}"),
                    ("pxe", part) => format!("live-{part}.{arch}.img"),
                    ("4k.raw.gz", _) => format!("metal4k.{arch}.raw.gz"),
                    _ => format!("{platform}.{arch}.{format}"),
                };
                let file = format!("{product}-{build}-{file}");
                let entry = &mut architectures[arch]["artifacts"][platform];
                entry["release"] = Value::from(*build);
                entry["formats"][format][part] = json!({
                    "location": format!(
                        "https://rhcos.mirror.openshift.com/art/storage/prod/streams/{directory}/builds/{build}/\
                         {arch}/{file}"
                    ),
                    "sha256": hex_sha256(&artifact_content(&file)),
                });
            }
        }
        let document = json!({ "stream": stream, "metadata": {}, "architectures": architectures });
        checkout.file(&format!("data/data/coreos/{name}"), document.to_string())
    })
}

/// The real one, where the corpus of checkouts is there.
pub(crate) fn real() -> Option<PathBuf> {
    let corpus = std::env::var_os("STREAM_CORPUS")?;
    let checkout = Path::new(&corpus).join("checkouts/2026-04");
    checkout.is_dir().then_some(checkout)
}
