//! What people and programs read: answers on standard output, everything else on standard error.

use std::io::Write;

use anyhow::Result;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde::Serialize;

/// Writes a line of the answer. Whoever reads may have stopped reading.
pub(super) fn say(text: &str) {
    let _gone = writeln!(std::io::stdout(), "{text}");
}

/// Writes a line for people.
pub(super) fn tell(text: &str) {
    let _gone = writeln!(std::io::stderr(), "{text}");
}

/// Writes what went wrong, with its causes.
pub(super) fn complain(error: &anyhow::Error) {
    tell(&format!("freehold: {error:#}"));
}

/// Writes an answer for a program.
pub(super) fn json(answer: &impl Serialize) -> Result<()> {
    say(&serde_json::to_string_pretty(answer)?);
    Ok(())
}

/// Writes a table: columns as wide as they need to be.
pub(super) fn table(rows: &[Vec<String>]) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        say(cells.collect::<Vec<_>>().join("  ").trim_end());
    }
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
