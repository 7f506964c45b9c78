//! A running git process, with its output limited in time and size.

use std::io::{self, Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process_group};

/// The size of one read from git, in bytes.
const CHUNK: usize = 64 * 1024;

/// The most that is kept of git's standard error, in bytes.
const MAX_COMPLAINT: usize = 4 * 1024;

/// The longest header line of an object, in bytes: it can repeat the requested name.
pub(super) const MAX_LINE: usize = 64 * 1024;

/// 40 or 64 hexadecimal digits.
pub(super) fn is_object_id(text: &str) -> bool {
    [40, 64].contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The answer of `git cat-file --batch` to a name.
pub(super) enum ObjectAnswer {
    Object { id: String, kind: String, content: Vec<u8> },
    Missing,
    BadLink(&'static str),
    TooLarge(u64),
}

pub(super) enum AnswerError {
    Io(io::Error),
    /// The time limit was exceeded.
    TimedOut,
    /// The size limit was exceeded.
    TooLong,
    Closed,
}

/// A running git process, which is killed with its process group when this value is dropped.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) child: Child,
    input: Option<ChildStdin>,
    pub(super) output: ProcessOutput,
    complaint: Receiver<Vec<u8>>,
}

impl Process {
    pub(super) fn start(mut command: Command) -> io::Result<Self> {
        let mut child = command.process_group(0).spawn()?;
        let (chunks, receiver) = mpsc::sync_channel(2);
        let mut output = child.stdout.take();
        // Separate threads, so that neither pipe blocks the other and waiting can time out.
        std::thread::spawn(move || {
            while let Some(pipe) = &mut output {
                let mut chunk = vec![0; CHUNK];
                let read = pipe.read(&mut chunk);
                let last = !matches!(read, Ok(1..));
                let read = read.map(|length| {
                    chunk.truncate(length);
                    chunk
                });
                // The receiver is gone after a timeout.
                if chunks.send(read).is_err() || last {
                    break;
                }
            }
        });
        let (sender, complaint) = mpsc::channel();
        let mut complaints = child.stderr.take();
        std::thread::spawn(move || {
            let mut kept = Vec::new();
            let mut chunk = [0; 1024];
            while let Some(Ok(length @ 1..)) = complaints.as_mut().map(|pipe| pipe.read(&mut chunk)) {
                let left = MAX_COMPLAINT.saturating_sub(kept.len());
                kept.extend(chunk.iter().take(length.min(left)));
            }
            let _ = sender.send(kept);
        });
        let input = child.stdin.take();
        Ok(Self { child, input, output: ProcessOutput { receiver, chunk: Vec::new(), at: 0 }, complaint })
    }

    /// Requests an object.
    pub(super) fn ask(&mut self, name: &[u8]) -> Result<(), AnswerError> {
        let Some(input) = &mut self.input else { return Err(AnswerError::Closed) };
        match input.write_all(&[name, b"\n"].concat()).and_then(|()| input.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(AnswerError::Closed),
            asked => asked.map_err(AnswerError::Io),
        }
    }

    pub(super) fn answer(&mut self, limit: usize, until: Instant) -> Result<ObjectAnswer, AnswerError> {
        let line = self.output.line(until)?;
        let line = String::from_utf8_lossy(&line).into_owned();
        let fields: Vec<&str> = line.split(' ').collect();
        match fields.as_slice() {
            [id, kind @ ("blob" | "tree" | "commit" | "tag"), size] if is_object_id(id) => {
                let size: u64 = size.parse().map_err(|_| AnswerError::TooLong)?;
                match usize::try_from(size) {
                    Ok(length) if length <= limit => {
                        let content = self.output.exactly(length, until)?;
                        self.output.exactly(1, until)?;
                        Ok(ObjectAnswer::Object { id: (*id).to_owned(), kind: (*kind).to_owned(), content })
                    }
                    _ => Ok(ObjectAnswer::TooLarge(size)),
                }
            }
            [kind @ ("symlink" | "dangling" | "loop" | "notdir"), size] => {
                let size: usize = size.parse().map_err(|_| AnswerError::TooLong)?;
                if size > MAX_LINE {
                    return Err(AnswerError::TooLong);
                }
                self.output.exactly(size + 1, until)?;
                Ok(match *kind {
                    "notdir" => ObjectAnswer::Missing,
                    "symlink" => ObjectAnswer::BadLink("a link out of the checkout"),
                    "loop" => ObjectAnswer::BadLink("a link to itself"),
                    _ => ObjectAnswer::BadLink("a link to nothing"),
                })
            }
            // Otherwise it repeats the name: `… missing`, `… ambiguous`.
            _ => Ok(ObjectAnswer::Missing),
        }
    }

    /// Its standard error.
    pub(super) fn complaint(&self, until: Instant) -> Vec<u8> {
        self.complaint.recv_timeout(until.saturating_duration_since(Instant::now())).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The process ID cannot be reused before the process is waited for.
        if let Ok(None) = self.child.try_wait()
            && let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
        {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

/// The output of a process, received in chunks.
#[derive(Debug)]
pub(super) struct ProcessOutput {
    receiver: Receiver<io::Result<Vec<u8>>>,
    chunk: Vec<u8>,
    /// The number of bytes of the chunk that were consumed.
    at: usize,
}

impl ProcessOutput {
    /// The unconsumed part of the chunk or the next chunk; empty at the end.
    fn more(&mut self, until: Instant) -> Result<&[u8], AnswerError> {
        if self.at >= self.chunk.len() {
            let left = until.saturating_duration_since(Instant::now());
            self.chunk = match self.receiver.recv_timeout(left) {
                Ok(chunk) => chunk.map_err(AnswerError::Io)?,
                Err(RecvTimeoutError::Timeout) => return Err(AnswerError::TimedOut),
                Err(RecvTimeoutError::Disconnected) => Vec::new(),
            };
            self.at = 0;
        }
        Ok(self.chunk.get(self.at..).unwrap_or_default())
    }

    /// The next line, without its end.
    pub(super) fn line(&mut self, until: Instant) -> Result<Vec<u8>, AnswerError> {
        let mut line = Vec::new();
        loop {
            let more = self.more(until)?;
            if more.is_empty() {
                return Err(AnswerError::Closed);
            }
            let end = more.iter().position(|&byte| byte == b'\n');
            line.extend_from_slice(more.get(..end.unwrap_or(more.len())).unwrap_or_default());
            self.at += end.map_or(more.len(), |end| end + 1);
            if end.is_some() {
                return Ok(line);
            }
            if line.len() > MAX_LINE {
                return Err(AnswerError::TooLong);
            }
        }
    }

    fn exactly(&mut self, length: usize, until: Instant) -> Result<Vec<u8>, AnswerError> {
        let mut bytes = Vec::with_capacity(length);
        while bytes.len() < length {
            let more = self.more(until)?;
            if more.is_empty() {
                return Err(AnswerError::Closed);
            }
            let taken = more.len().min(length - bytes.len());
            bytes.extend_from_slice(more.get(..taken).unwrap_or_default());
            self.at += taken;
        }
        Ok(bytes)
    }

    /// The output until its end.
    pub(super) fn rest(&mut self, limit: usize, until: Instant) -> Result<Vec<u8>, AnswerError> {
        let mut bytes = Vec::new();
        loop {
            let more = self.more(until)?;
            if more.is_empty() {
                return Ok(bytes);
            }
            bytes.extend_from_slice(more);
            self.at += more.len();
            if bytes.len() > limit {
                return Err(AnswerError::TooLong);
            }
        }
    }
}
