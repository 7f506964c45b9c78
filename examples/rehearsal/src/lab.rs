//! The environment of the steps: a clone of the installer, a bridge, ART's mirror under its real host names, and the
//! program.

use std::error::Error;
use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;

use art_mirror_validate::cli::{Exit, env};
use art_mirror_validate::location::PUBLISHED_HOSTS;
use embedded_mirror::{Config, Mirror, Proxy, ProxyConfig, Resource};
use tempfile::TempDir;

use crate::documents;

/// The stream prefix of the bridge.
pub(crate) const BRIDGE: &str = "http://bridge.example/art/storage";

/// The request to ART that the gate writes, relative to the clone.
pub(crate) const REQUEST: &str = "../artifacts/art-mirror-validate-request.md";

/// The numbers of lines shown from the beginning and from the end of a program's output.
const SHOWN: (usize, usize) = (12, 4);

/// The servers, and a directory with `installer` (a clone), `artifacts` (the gate's reports) and `web` (the files of
/// ART's mirror).
pub(crate) struct Lab {
    directory: TempDir,
    bridge: Mirror,
    mirror: Mirror,
    proxy: Proxy,
}

impl Lab {
    pub(crate) fn build() -> Result<Self, Box<dyn Error>> {
        let bridge = Mirror::start(Config::plain())?;
        let mirror = Mirror::start(Config::tls_http2().names(PUBLISHED_HOSTS))?;
        let mut hosts = ProxyConfig::new().host("bridge.example", bridge.addr());
        for host in PUBLISHED_HOSTS {
            hosts = hosts.host(host, mirror.addr());
        }
        let directory = tempfile::Builder::new().prefix("rehearsal-").tempdir()?;
        fs::write(directory.path().join("roots.pem"), mirror.ca_pem())?;
        for name in ["installer", "web"] {
            fs::create_dir(directory.path().join(name))?;
        }
        let lab = Self { directory, bridge, mirror, proxy: Proxy::start(hosts)? };
        lab.git(&["init", "-q", "-b", "main"])?;
        Ok(lab)
    }

    /// The directory of the clone.
    pub(crate) fn installer(&self) -> PathBuf {
        self.directory.path().join("installer")
    }

    /// The root of ART's web server.
    pub(crate) fn web(&self) -> PathBuf {
        self.directory.path().join("web")
    }

    /// Runs the program in the clone, shows its output, and fails unless the exit status is `exit`.
    pub(crate) fn run(&self, arguments: &[&str], exit: Exit) -> Result<String, Box<dyn Error>> {
        let program = self.program(arguments)?;
        run_and_show(program, arguments, exit)
    }

    /// As [`Self::run`], in an e2e job, whose stream prefix is the bridge.
    pub(crate) fn run_e2e(&self, arguments: &[&str], exit: Exit) -> Result<String, Box<dyn Error>> {
        let mut program = self.program(arguments)?;
        program.env(env::STREAM_PREFIX, BRIDGE);
        run_and_show(program, arguments, exit)
    }

    /// As [`Self::run`], without showing the output.
    pub(crate) fn run_quietly(&self, arguments: &[&str], exit: Exit) -> Result<(), Box<dyn Error>> {
        let output = self.program(arguments)?.output()?;
        expect_status(output.status.code(), exit).map_err(|error| {
            let stdout = String::from_utf8_lossy(&output.stdout);
            format!("{}: {error}\n{stdout}{}", arguments.join(" "), String::from_utf8_lossy(&output.stderr))
                .into()
        })
    }

    fn program(&self, arguments: &[&str]) -> io::Result<Command> {
        let mut program = Command::new(std::env::current_exe()?);
        program.env_clear().env(crate::AS_THE_PROGRAM, "1");
        program.current_dir(self.installer()).args(arguments);
        program.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        program.env("HTTPS_PROXY", self.proxy.url()).env("HTTP_PROXY", self.proxy.url());
        program.env("SSL_CERT_FILE", self.directory.path().join("roots.pem"));
        Ok(program)
    }

    /// Shows a file; the path is relative to the clone.
    pub(crate) fn show(&self, path: &str) -> Result<(), Box<dyn Error>> {
        say(&format!("\n$ cat {path}"))?;
        let text = fs::read_to_string(self.installer().join(path))?;
        show_some(&text)
    }

    /// Writes a file to the clone.
    pub(crate) fn write(&self, name: &str, text: &str) -> io::Result<()> {
        let path = self.installer().join(name);
        fs::create_dir_all(path.parent().unwrap_or(&path))?;
        fs::write(path, text)
    }

    pub(crate) fn commit(&self, message: &str) -> Result<(), Box<dyn Error>> {
        self.git(&["add", "--all"])?;
        self.git(&["commit", "-q", "-m", message])
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> Result<(), Box<dyn Error>> {
        let mut git = Command::new("git");
        git.current_dir(self.installer()).args([
            "-c",
            "user.name=installer",
            "-c",
            "user.email=i@example.com",
        ]);
        git.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
        let output = git.args(arguments).output().map_err(|error| format!("git is needed: {error}"))?;
        if output.status.success() {
            return Ok(());
        }
        Err(format!("git {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr)).into())
    }

    /// The directory of the clone, after checking out a branch.
    pub(crate) fn installer_at(&self, branch: &str) -> Result<PathBuf, Box<dyn Error>> {
        self.git(&["checkout", "-q", branch])?;
        Ok(self.installer())
    }

    /// Puts the builds of the current documents on the bridge, as a build pipeline does.
    pub(crate) fn put_builds_on_bridge(&self) -> Result<(), Box<dyn Error>> {
        for (url, bytes) in documents::on_the_bridge(&self.installer(), BRIDGE)? {
            self.bridge
                .put(url.strip_prefix("http://bridge.example").unwrap_or(&url), Resource::bytes(bytes));
        }
        Ok(())
    }

    /// Makes ART's mirror serve the current files of `web`.
    pub(crate) fn publish(&self) -> Result<(), Box<dyn Error>> {
        for path in documents::files_below(&self.web())? {
            let place = path.strip_prefix(self.web())?.to_string_lossy().into_owned();
            self.mirror.put(&format!("/{place}"), Resource::bytes(fs::read(&path)?));
        }
        Ok(())
    }

    /// Downloads a URL without the program, as a client in a job would.
    pub(crate) fn fetch(&self, url: &str) -> Result<Vec<u8>, Box<dyn Error>> {
        let mut connection = TcpStream::connect(self.proxy.addr())?;
        let host = url.split('/').nth(2).unwrap_or_default();
        write!(connection, "GET {url} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer)?;
        let head = answer.windows(4).position(|window| window == b"\r\n\r\n").ok_or("no answer")?;
        let bytes = answer.split_off(head + 4);
        if answer.starts_with(b"HTTP/1.1 200 ") {
            Ok(bytes)
        } else {
            Err(format!("{url}: expected 200").into())
        }
    }
}

fn expect_status(code: Option<i32>, exit: Exit) -> Result<(), Box<dyn Error>> {
    if code == Some(exit as i32) {
        Ok(())
    } else {
        Err(format!("expected exit status {}", exit as i32).into())
    }
}

pub(crate) fn say(line: &str) -> Result<(), Box<dyn Error>> {
    Ok(writeln!(io::stdout(), "{line}")?)
}

/// Prints the beginning and the end of a text.
fn show_some(text: &str) -> Result<(), Box<dyn Error>> {
    let lines: Vec<&str> = text.lines().collect();
    let (first, last) = SHOWN;
    let hidden = lines.len().saturating_sub(first + last);
    for (index, line) in lines.iter().enumerate() {
        match index {
            _ if hidden <= 1 || index < first || index >= first + hidden => say(line)?,
            _ if index == first => say(&format!("… {hidden} more lines …"))?,
            _ => {}
        }
    }
    Ok(())
}

fn run_and_show(mut program: Command, arguments: &[&str], exit: Exit) -> Result<String, Box<dyn Error>> {
    say(&format!("$ art-mirror-validate {}", arguments.join(" ")))?;
    let output = program.output()?;
    let stdout = String::from_utf8(output.stdout)?;
    show_some(&stdout)?;
    say(String::from_utf8(output.stderr)?.trim_end())?;
    say(&format!("exit status {}", output.status.code().unwrap_or(-1)))?;
    expect_status(output.status.code(), exit)?;
    Ok(stdout)
}
