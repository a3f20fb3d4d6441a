//! A process of this test program that dies where it is told to: a test runs itself again, and the
//! second one ends with an abort, as a process ends that is killed: nothing is closed, nothing
//! written back.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use freehold::storage::{Faults, Operation};

const ROOT: &str = "FREEHOLD_TEST_CHILD_ROOT";
const STEP: &str = "FREEHOLD_TEST_CHILD_STEP";

/// What a child is told: the place that it works in, and where it dies.
pub(crate) struct Task {
    pub(crate) root: PathBuf,
    pub(crate) step: usize,
}

/// The task, where this process is a child.
pub(crate) fn task() -> Option<Task> {
    let root = PathBuf::from(std::env::var_os(ROOT)?);
    let step = std::env::var_os(STEP)?.into_string().unwrap().parse().unwrap();
    Some(Task { root, step })
}

/// Runs a test of this program as a child; says whether it came to its end.
pub(crate) fn survives(test: &str, root: &Path, step: usize) -> bool {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", test, "--nocapture"]).env(ROOT, root).env(STEP, step.to_string());
    let output = child.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("panicked"), "a child panicked at step {step}: {said}");
    output.status.success()
}

/// Ends the process before an operation of the file system, counted from when it is armed.
#[derive(Default)]
pub(crate) struct Death {
    /// Operations until then, and one more; 0 is never.
    left: AtomicUsize,
}

impl Death {
    pub(crate) fn arm(&self, after: usize) {
        self.left.store(after + 1, Ordering::SeqCst);
    }
}

impl Faults for Death {
    fn before(&self, _: Operation, _: &Path) -> io::Result<()> {
        let step = |left: usize| left.checked_sub(1);
        if self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, step) == Ok(1) {
            std::process::abort();
        }
        Ok(())
    }
}
