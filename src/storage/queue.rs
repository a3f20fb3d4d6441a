//! Group commit: the queue before a file's one writer, and how its batches are committed.
//!
//! A failed commit fails every job of its batch; nothing is acknowledged that was not committed. After an I/O error
//! nobody knows what the disk has kept: the file is fenced, closed, and looked at before it is used again. A full disk
//! undoes the batch and leaves the file as it was.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use metrics::{counter, histogram};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::disk::{Disk, FileStamp};
use super::engine::sqlite::{FileIdentity, Role, Side};
use super::engine::{Conn, Pool};
use super::gate::Gate;
use crate::domain::{Error, FileProblem, Result};

/// Batches that are decided anew when the registry moved meanwhile, before the registry is made to wait.
const FREE_ATTEMPTS: usize = 2;

/// A change that waits to be made.
pub(in crate::storage) trait Job: Send {
    /// Makes the change, in a savepoint of its own, and remembers its result. It may be asked again, after everything
    /// that it did was undone.
    fn run(&mut self, conn: &Conn);

    /// Whether what was permitted is permitted still, now that the registry has moved.
    fn stands(&mut self) -> bool;

    /// Whether the registry's epoch must advance before anybody hears of this.
    fn moves_registry(&self) -> bool;

    /// Answers whoever waits.
    fn finish(self: Box<Self>, committed: &Result<()>);
}

/// How a file's commits stand to the registry's epoch.
#[derive(Debug, Clone)]
pub(in crate::storage) enum Epoch {
    /// The registry's file: its commits advance it.
    Leads(Arc<Gate>),
    /// A tenant's file: its commits are decided by it.
    Follows(Arc<Gate>),
}

/// How much a queue takes.
#[derive(Debug, Clone, Copy)]
pub(in crate::storage) struct Limits {
    /// Jobs that wait at most.
    pub(in crate::storage) max_waiting: usize,
    /// Jobs in one transaction at most.
    pub(in crate::storage) max_batch: usize,
}

/// Told after a commit that was acknowledged.
pub(in crate::storage) type AfterCommit = Box<dyn Fn() + Send + Sync>;

/// The queue of one file, and its writing connection.
pub(in crate::storage) struct Queue {
    file: WrittenFile,
    disk: Disk,
    epoch: Epoch,
    max_waiting: usize,
    max_batch: usize,
    jobs: Mutex<VecDeque<Box<dyn Job>>>,
    scheduled: AtomicBool,
    /// A commit failed: what the file holds must be looked at before it is used again.
    fenced: AtomicBool,
    writer: Mutex<Option<Conn>>,
    /// Which file the writing connection has open.
    stamp: Mutex<Option<FileStamp>>,
    after_commit: AfterCommit,
    /// The pools of the file's readers.
    readers: Vec<Pool>,
}

/// The file that a queue writes to.
#[derive(Debug, Clone)]
pub(in crate::storage) struct WrittenFile {
    /// Where it lies.
    pub(in crate::storage) path: PathBuf,
    /// Which kind it is.
    pub(in crate::storage) side: Side,
    /// Which one it is.
    pub(in crate::storage) identity: FileIdentity,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Queue {
    pub(in crate::storage) fn new(
        file: WrittenFile,
        disk: Disk,
        epoch: Epoch,
        limits: Limits,
        (after_commit, readers): (AfterCommit, Vec<Pool>),
    ) -> Self {
        Self {
            file,
            disk,
            epoch,
            max_waiting: limits.max_waiting,
            max_batch: limits.max_batch,
            jobs: Mutex::default(),
            scheduled: AtomicBool::new(false),
            fenced: AtomicBool::new(false),
            writer: Mutex::new(None),
            stamp: Mutex::new(None),
            after_commit,
            readers,
        }
    }

    /// Whether a commit failed since the file was opened.
    pub(in crate::storage) fn is_fenced(&self) -> bool {
        self.fenced.load(Ordering::Acquire)
    }

    /// Queues a job, where not too many wait.
    pub(in crate::storage) fn push(&self, job: Box<dyn Job>) -> Result<()> {
        let mut jobs = self.jobs.lock();
        if jobs.len() >= self.max_waiting {
            return Err(Error::Busy { retry_after_s: 1 });
        }
        jobs.push_back(job);
        Ok(())
    }

    /// Whether jobs wait.
    pub(in crate::storage) fn has_jobs(&self) -> bool {
        !self.jobs.lock().is_empty()
    }

    /// Books a thread's next turn; false where one is booked already.
    pub(in crate::storage) fn book(&self) -> bool {
        !self.scheduled.swap(true, Ordering::AcqRel)
    }

    /// Says that the booked turn is over.
    pub(in crate::storage) fn unbook(&self) {
        self.scheduled.store(false, Ordering::Release);
    }

    /// Runs something on the writing connection while no batch runs. A connection on which it failed is closed.
    pub(in crate::storage) fn with_writer<T>(
        &self,
        work: impl FnOnce(&Conn) -> Result<T>,
    ) -> Result<T> {
        let mut writer = self.writer.lock();
        let conn = match writer.take() {
            Some(conn) => conn,
            None => self.open_writer().map_err(|error| self.fence_after(error))?,
        };
        let result = work(&conn);
        if result.is_ok() && !self.is_fenced() && !conn.in_transaction() {
            *writer = Some(conn);
        }
        result
    }

    fn open_writer(&self) -> Result<Conn> {
        let WrittenFile { path, side, identity } = &self.file;
        self.disk.opening(path)?;
        let conn = Conn::open(path, *side, Role::Writer)?;
        conn.check_identity(identity)?;
        *self.stamp.lock() = Some(self.disk.stamp(path)?);
        Ok(conn)
    }

    /// Fences the file after what leaves open what the disk has kept.
    fn fence_after(&self, error: Error) -> Error {
        if matches!(error, Error::Storage(_) | Error::File(_)) {
            self.fenced.store(true, Ordering::Release);
        }
        tracing::error!(error = %error, file = %self.file.path.display(), "nothing was committed");
        error
    }

    /// Commits, if the file that is open is the one that lies in its place: what is committed to a file that was moved
    /// away is lost.
    fn make_durable(&self, conn: &Conn) -> Result<()> {
        let now = self.disk.stamp(&self.file.path)?;
        let before = self.stamp.lock().replace(now);
        if !before.is_some_and(|before| before.goes_on_as(&now)) {
            self.let_go(conn)?;
            return Err(Error::File(FileProblem::Replaced));
        }
        Ok(conn.commit()?)
    }

    /// Nothing that was read from a file that was moved away is believed any longer, and no log is written into what
    /// lies in its place.
    fn let_go(&self, conn: &Conn) -> Result<()> {
        self.readers.iter().for_each(Pool::renew);
        if let Epoch::Leads(gate) = &self.epoch {
            gate.advance();
        }
        Ok(conn.leave_log(true)?)
    }

    /// Runs something in a transaction of its own while no batch runs.
    pub(in crate::storage) fn transact<T>(
        &self,
        work: impl FnOnce(&Conn) -> Result<T>,
    ) -> Result<T> {
        self.check_usable()?;
        let done = self.with_writer(|conn| {
            conn.begin_immediate()?;
            let done = work(conn).and_then(|done| {
                self.make_durable(conn).map(|()| done).map_err(|error| self.fence_after(error))
            });
            conn.rollback();
            done
        })?;
        (self.after_commit)();
        Ok(done)
    }

    /// Closes the writing connection, the log written back into the file where that can be done.
    pub(in crate::storage) fn close(&self) {
        if let Some(conn) = self.writer.lock().take()
            && let Err(error) = conn.checkpoint()
        {
            tracing::warn!(error = %error, file = %self.file.path.display(), "a file was closed without a checkpoint");
        }
    }

    /// The jobs that have queued, up to so many.
    fn take(&self, most: usize) -> Vec<Box<dyn Job>> {
        let mut jobs = self.jobs.lock();
        let count = jobs.len().min(most);
        jobs.drain(..count).collect()
    }

    fn run_batch(&self) {
        let mut jobs = self.take(self.max_batch);
        if jobs.is_empty() {
            return;
        }
        let began = Instant::now();
        let committed = self.attempt(&mut jobs);
        if committed.is_ok() {
            self.observe(began, jobs.len());
            if let Epoch::Leads(gate) = &self.epoch
                && jobs.iter().any(|job| job.moves_registry())
            {
                gate.advance();
            }
            (self.after_commit)();
        }
        for job in jobs {
            job.finish(&committed);
        }
    }

    fn observe(&self, began: Instant, jobs: usize) {
        let side = match self.epoch {
            Epoch::Leads(_) => "registry",
            Epoch::Follows(_) => "tenant",
        };
        let jobs = f64::from(u32::try_from(jobs).unwrap_or(u32::MAX));
        counter!("freehold_commits_total", "side" => side).increment(1);
        histogram!("freehold_commit_duration_seconds", "side" => side)
            .record(began.elapsed().as_secs_f64());
        histogram!("freehold_commit_jobs", "side" => side).record(jobs);
    }

    fn attempt(&self, jobs: &mut Vec<Box<dyn Job>>) -> Result<()> {
        self.check_usable()?;
        self.with_writer(|conn| {
            let committed = match &self.epoch {
                Epoch::Leads(_) => self.run_jobs(conn, jobs).and_then(|()| self.make_durable(conn)),
                Epoch::Follows(gate) => self.commit_by_epoch(conn, jobs, gate),
            };
            conn.rollback();
            committed.map_err(|error| self.fence_after(error))
        })
    }

    /// Refuses to write where there is no room, or to what failed before and was not looked at since.
    fn check_usable(&self) -> Result<()> {
        self.disk.check_room(&self.file.path)?;
        self.reopen_registry();
        if self.is_fenced() {
            let why = "an earlier commit failed; the file is being looked at";
            return Err(Error::Storage(why.to_owned()));
        }
        Ok(())
    }

    /// The registry is needed by all: after a failed commit it is opened anew, and SQLite recovers what was committed.
    /// A tenant's file stays fenced until it was closed, and is looked at when it is opened again.
    fn reopen_registry(&self) {
        if matches!(self.epoch, Epoch::Leads(_)) {
            self.fenced.store(false, Ordering::Release);
        }
    }

    /// Whether nothing is wrong with the file; what was fenced is tried again.
    pub(in crate::storage) fn is_ready(&self) -> bool {
        !self.is_fenced() || self.attempt(&mut Vec::new()).is_ok()
    }

    /// Runs one batch; a panic fences the file and reaches no other.
    pub(in crate::storage) fn take_turn(&self) {
        if catch_unwind(AssertUnwindSafe(|| self.run_batch())).is_err() {
            self.fenced.store(true, Ordering::Release);
            tracing::error!(file = %self.file.path.display(), "a batch panicked");
        }
    }

    /// Runs batches until nothing waits.
    pub(in crate::storage) fn drain(&self) {
        while self.has_jobs() {
            self.take_turn();
        }
    }

    fn commit_by_epoch(
        &self,
        conn: &Conn,
        jobs: &mut Vec<Box<dyn Job>>,
        gate: &Gate,
    ) -> Result<()> {
        for _ in 0..FREE_ATTEMPTS {
            let epoch = gate.epoch();
            self.run_jobs(conn, jobs)?;
            let _pass = gate.enter();
            if gate.epoch() == epoch || jobs.iter_mut().all(|job| job.stands()) {
                return self.make_durable(conn);
            }
            conn.rollback();
        }
        let _pass = gate.enter();
        self.run_jobs(conn, jobs)?;
        self.make_durable(conn)
    }

    /// Runs jobs in one transaction; those that queue meanwhile join them.
    fn run_jobs(&self, conn: &Conn, jobs: &mut Vec<Box<dyn Job>>) -> Result<()> {
        conn.begin_immediate()?;
        let mut done = 0;
        while let Some(job) = jobs.get_mut(done) {
            job.run(conn);
            if !conn.in_transaction() {
                return Err(conn.failure().into());
            }
            done += 1;
            if done == jobs.len() {
                jobs.extend(self.take(self.max_batch - done));
            }
        }
        Ok(())
    }
}
