//! A model of ART's sync job, on one directory instead of its two stores.
//!
//! It does what `artcd sync-rhcos` does (art-tools, `pyartcd/pipelines/sync_rhcos.py`, read in November 2026), step
//! by step, and no more safely. It downloads the files of the list to a staging directory, which can already contain
//! files, renames and links them, writes the sidecars, and makes each destination equal to the staging directory.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use embedded_mirror::sha256sum_txt;

/// One run of the job, with the options of its command line.
#[derive(Debug)]
pub(crate) struct SyncJob {
    working_dir: String,
    arch: String,
    build_id: String,
    version: String,
    mirror_prefix: String,
    base_dir: String,
    synclist: String,
    signs: bool,
    no_latest: bool,
}

impl SyncJob {
    /// Reads a command line such as `mkdir DIR && artcd --working-dir DIR sync-rhcos --arch x86_64 …`.
    pub(crate) fn of(command: &str) -> Self {
        let (mkdir, artcd) = command.split_once(" && artcd ").unwrap();
        let mut words = artcd.split_whitespace();
        assert_eq!(words.next(), Some("--working-dir"));
        let working_dir = words.next().unwrap().to_owned();
        assert_eq!(mkdir, format!("mkdir {working_dir}"), "the job needs an empty directory that exists");
        assert_eq!(words.next(), Some("sync-rhcos"));
        let mut given = BTreeMap::new();
        let mut no_latest = false;
        while let Some(name) = words.next() {
            if name == "--no-latest" {
                no_latest = true;
            } else {
                given.insert(name, words.next().unwrap().to_owned());
            }
        }
        let mut take = |name: &str| given.remove(name).unwrap();
        let job = Self {
            working_dir,
            arch: take("--arch"),
            build_id: take("--build-id"),
            version: take("--version"),
            mirror_prefix: take("--mirror-prefix"),
            base_dir: take("--base-dir"),
            synclist: take("--synclist"),
            signs: take("--signing-env") == "prod",
            no_latest,
        };
        assert!(given.is_empty(), "artcd knows no {given:?}");
        job
    }

    /// Whether the surrounding Jenkins job would run it.
    pub(crate) fn jenkins_would_run(&self, store: &Path, force: bool) -> bool {
        let id = self.destination(store).join("rhcos-id.txt");
        force || fs::read_to_string(id).map(|id| id.trim().to_owned()).ok() != Some(self.build_id.clone())
    }

    /// The directory of the release.
    pub(crate) fn destination(&self, store: &Path) -> PathBuf {
        self.base(store).join(&self.mirror_prefix).join(&self.version)
    }

    /// Runs in the directory `here`, which has the list, and writes below `store`.
    pub(crate) fn run(&self, here: &Path, store: &Path, download: &dyn Fn(&str) -> Vec<u8>) {
        fs::create_dir(here.join(&self.working_dir)).unwrap();
        let staging = here.join(&self.working_dir).join(format!("staging-{}", self.version));
        fs::create_dir_all(&staging).unwrap();
        for url in fs::read_to_string(here.join(&self.synclist)).unwrap().split_whitespace() {
            fs::write(staging.join(url.rsplit('/').next().unwrap()), download(url)).unwrap();
        }
        self.rename(&staging);
        self.write_sidecars(&staging);
        sync(&staging, &self.destination(store));
        if !self.no_latest {
            self.update_latest(&staging, store);
        }
    }

    fn base(&self, store: &Path) -> PathBuf {
        store.join(self.base_dir.strip_prefix('/').unwrap())
    }

    fn rename(&self, staging: &Path) {
        let release = if self.version.contains(&self.arch) {
            self.version.clone()
        } else {
            format!("{}-{}", self.version, self.arch)
        };
        for name in names(staging) {
            if staging.join(&name).is_symlink() || !name.contains(&self.build_id) {
                continue;
            }
            let versioned = name.replace(&self.build_id, &release);
            fs::rename(staging.join(&name), staging.join(&versioned)).unwrap();
            let unversioned = name.replace(&format!("-{}", self.build_id), "");
            symlink(&versioned, staging.join(unversioned)).unwrap();
        }
        for name in names(staging) {
            let path = staging.join(&name);
            if path.is_symlink() && name.starts_with("rhcos-live-") {
                let installer = staging.join(name.replace("rhcos-live-", "rhcos-installer-"));
                if !installer.exists() {
                    symlink(fs::read_link(&path).unwrap(), installer).unwrap();
                }
            }
        }
    }

    fn write_sidecars(&self, staging: &Path) {
        fs::write(staging.join("rhcos-id.txt"), format!("{}\n", self.build_id)).unwrap();
        let sums = sums_of(staging);
        fs::write(staging.join("sha256sum.txt"), &sums).unwrap();
        if self.signs {
            fs::write(staging.join("sha256sum.txt.gpg"), format!("signed\n{sums}")).unwrap();
        }
    }

    fn update_latest(&self, staging: &Path, store: &Path) {
        let mut numbers = self.version.split('.');
        let (major, minor) = (numbers.next().unwrap(), numbers.next().unwrap());
        // Like artcd, this fails if the version does not begin with numbers.
        let (major, minor): (u32, u32) = (major.parse().unwrap(), minor.parse().unwrap());
        let next = format!("{major}.{}", minor + 1);
        let base = self.base(store);
        let prefix = base.join(&self.mirror_prefix);
        let (first, newer, global) = if self.mirror_prefix == "pre-release" {
            let newer = prefix.join(format!("latest-{next}"));
            (prefix.join(format!("latest-{major}.{minor}")), newer, prefix.join("latest"))
        } else {
            (prefix.join("latest"), base.join(next), base.join("latest"))
        };
        sync(staging, &first);
        if !fs::read_dir(newer).is_ok_and(|mut entries| entries.next().is_some()) {
            sync(staging, &global);
        }
    }
}

/// The content of a `sha256sum.txt` for a directory.
pub(crate) fn sums_of(directory: &Path) -> String {
    let sidecars = ["rhcos-id.txt", "sha256sum.txt", "sha256sum.txt.gpg"];
    let names = names(directory).into_iter().filter(|name| !sidecars.contains(&name.as_str()));
    sha256sum_txt(names.map(|name| (name.clone(), fs::read(directory.join(&name)).unwrap())))
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// `aws s3 sync --delete`: follows links, and deletes files that the source does not have.
fn sync(source: &Path, destination: &Path) {
    fs::create_dir_all(destination).unwrap();
    for name in names(destination) {
        if !source.join(&name).exists() {
            fs::remove_file(destination.join(&name)).unwrap();
        }
    }
    for name in names(source) {
        fs::write(destination.join(&name), fs::read(source.join(&name)).unwrap()).unwrap();
    }
}
