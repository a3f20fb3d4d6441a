//! What people and programs read: answers on standard output, everything else on standard error.
//!
//! Every answer goes through [`Answer`], which buffers nothing: a verb succeeds only if the system took its answer. A
//! closed pipe ends a verb silently, as SIGPIPE ends other programs. A secret that is shown once is different: an error
//! says that it was not delivered, and what to do.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde::Serialize;

/// The exit status of a program that SIGPIPE (13) ends, as shells tell it.
const BROKEN_PIPE: u8 = 128 + 13;

/// Why standard output did not take the answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unwritten {
    /// The reader of the pipe has ended.
    #[error("nothing reads standard output any more")]
    Closed,
    /// For another reason, such as a full disk.
    #[error("standard output cannot be written: {0}")]
    Failed(io::Error),
}

impl From<io::Error> for Unwritten {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Failed(error),
        }
    }
}

/// Standard output without a buffer. The standard library's own reports success if the descriptor cannot be written.
pub(super) struct Answer;

impl Write for Answer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(io::stdout(), bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes a part of the answer as it is.
pub(super) fn write(bytes: &[u8]) -> Result<(), Unwritten> {
    Ok(Answer.write_all(bytes)?)
}

/// Writes a line of the answer.
pub(super) fn say(text: &str) -> Result<()> {
    Ok(write(format!("{text}\n").as_bytes())?)
}

/// Writes a secret that is shown once. If it is not delivered, the error says which, and the remedy.
pub(super) fn secret(text: &str, what: &str, remedy: &str) -> Result<()> {
    let written = write(format!("{text}\n").as_bytes());
    written.map_err(|error| anyhow!("{what}: not delivered, since {error}; {remedy}"))
}

/// Writes the help or the version that was asked for.
pub(super) fn help(help: &clap::Error) -> Result<()> {
    let text = help.render();
    let text = if io::stdout().is_terminal() { text.ansi().to_string() } else { text.to_string() };
    say(text.trim_end())
}

/// Says why a verb failed, and returns its exit status.
pub(super) fn fail(error: &anyhow::Error) -> ExitCode {
    if let Some(Unwritten::Closed) = error.downcast_ref() {
        return ExitCode::from(BROKEN_PIPE);
    }
    tell(&format!("freehold: {error:#}"));
    ExitCode::FAILURE
}

/// Writes a line for people.
pub(super) fn tell(text: &str) {
    let _gone = writeln!(io::stderr(), "{text}");
}

/// Writes an answer for a program.
pub(super) fn json(answer: &impl Serialize) -> Result<()> {
    say(&serde_json::to_string_pretty(answer)?)
}

/// Writes a table: columns as wide as they need to be.
pub(super) fn table(rows: &[Vec<String>]) -> Result<()> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    say(&rows.iter().map(line).collect::<Vec<_>>().join("\n"))
}

/// Bars on a terminal; nothing where standard error is none.
pub(super) struct Bars(MultiProgress);

impl Bars {
    /// No bars yet.
    pub(super) fn new() -> Self {
        Self(MultiProgress::new())
    }

    /// A bar with a name.
    pub(super) fn add(&self, name: &str, total: u64) -> ProgressBar {
        let bar = self.0.add(ProgressBar::new(total));
        if let Ok(style) = ProgressStyle::with_template("{prefix:24} {bar:40} {pos}/{len}") {
            bar.set_style(style);
        }
        bar.set_prefix(name.to_owned());
        bar
    }
}

/// A bar that counts files.
pub(super) struct Files(ProgressBar);

/// A bar that counts files, shown once there are any.
pub(super) fn files(name: &str) -> Files {
    let bar = ProgressBar::hidden();
    bar.set_prefix(name.to_owned());
    Files(bar)
}

impl Files {
    /// So many of so many.
    pub(super) fn at(&self, done: usize, of: usize) {
        if self.0.length() != Some(of as u64) {
            self.0.set_length(of as u64);
            self.0.set_draw_target(indicatif::ProgressDrawTarget::stderr());
        }
        self.0.set_position(done as u64);
    }

    /// Done.
    pub(super) fn end(&self) {
        self.0.finish_and_clear();
    }
}
