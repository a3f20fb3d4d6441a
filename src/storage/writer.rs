//! Group commit: one writer per file, a queue before it, a fixed pool of threads behind all of them.
//!
//! Requests queue as jobs. A thread takes what has queued, runs each job in its own savepoint inside one transaction,
//! commits with one sync, and then answers each. No timer: while one batch is being synced, the next one gathers.
//! A failed commit fails every job of its batch; nothing is acknowledged that was not committed.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;

use parking_lot::Mutex;

use super::disk::Disk;
use super::engine::sqlite::{Role, Side};
use super::engine::{Conn, SqlError};
use super::gate::Gate;
use crate::domain::{Error, Result};

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
    path: PathBuf,
    side: Side,
    disk: Disk,
    epoch: Epoch,
    max_waiting: usize,
    max_batch: usize,
    jobs: Mutex<VecDeque<Box<dyn Job>>>,
    scheduled: AtomicBool,
    /// A commit failed: what the file holds must be looked at before it is used again.
    fenced: AtomicBool,
    writer: Mutex<Option<Conn>>,
    after_commit: AfterCommit,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Queue {
    pub(in crate::storage) fn new(
        path: PathBuf,
        side: Side,
        disk: Disk,
        epoch: Epoch,
        limits: Limits,
        after_commit: AfterCommit,
    ) -> Self {
        Self {
            path,
            side,
            disk,
            epoch,
            max_waiting: limits.max_waiting,
            max_batch: limits.max_batch,
            jobs: Mutex::default(),
            scheduled: AtomicBool::new(false),
            fenced: AtomicBool::new(false),
            writer: Mutex::new(None),
            after_commit,
        }
    }

    /// Whether a commit failed since the file was opened.
    pub(in crate::storage) fn is_fenced(&self) -> bool {
        self.fenced.load(Ordering::Acquire)
    }

    /// Runs something on the writing connection while no batch runs.
    pub(in crate::storage) fn with_writer<T>(
        &self,
        work: impl FnOnce(&Conn) -> Result<T>,
    ) -> Result<T> {
        let mut writer = self.writer.lock();
        let conn = match writer.take() {
            Some(conn) => conn,
            None => {
                self.disk.opening(&self.path)?;
                Conn::open(&self.path, self.side, Role::Writer)?
            }
        };
        let result = work(&conn);
        if !self.is_fenced() && !conn.in_transaction() {
            *writer = Some(conn);
        }
        result
    }

    /// Closes the writing connection, the log written back into the file where that can be done.
    pub(in crate::storage) fn close(&self) {
        if let Some(conn) = self.writer.lock().take()
            && let Err(error) = conn.checkpoint()
        {
            tracing::warn!(error = %error, file = %self.path.display(), "a file was closed without a checkpoint");
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
        self.reopen_registry();
        let committed = if self.is_fenced() {
            Err(Error::Storage("an earlier commit failed; the file is being looked at".to_owned()))
        } else {
            self.with_writer(|conn| self.commit(conn, &mut jobs))
        };
        if committed.is_ok() {
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

    /// The registry is needed by all: after a failed commit it is opened anew, and SQLite recovers what was committed.
    /// A tenant's file stays fenced until it was closed, and is checked when it is opened again.
    fn reopen_registry(&self) {
        if matches!(self.epoch, Epoch::Leads(_)) {
            self.fenced.store(false, Ordering::Release);
        }
    }

    /// Runs one batch; a panic fences the file and reaches no other.
    fn take_turn(&self) {
        if catch_unwind(AssertUnwindSafe(|| self.run_batch())).is_err() {
            self.fenced.store(true, Ordering::Release);
            tracing::error!(file = %self.path.display(), "a batch panicked");
        }
    }

    /// Runs batches until nothing waits.
    fn drain(&self) {
        while !self.jobs.lock().is_empty() {
            self.take_turn();
        }
    }

    fn commit(&self, conn: &Conn, jobs: &mut Vec<Box<dyn Job>>) -> Result<()> {
        let result = match &self.epoch {
            Epoch::Leads(_) => self.run_jobs(conn, jobs).and_then(|()| conn.commit()),
            Epoch::Follows(gate) => self.commit_by_epoch(conn, jobs, gate),
        };
        result.map_err(|error| {
            conn.rollback();
            if error.is_fatal() {
                self.fenced.store(true, Ordering::Release);
            }
            tracing::error!(error = %error, file = %self.path.display(), "a batch was not committed");
            error.into()
        })
    }

    fn commit_by_epoch(
        &self,
        conn: &Conn,
        jobs: &mut Vec<Box<dyn Job>>,
        gate: &Gate,
    ) -> Result<(), SqlError> {
        for _ in 0..FREE_ATTEMPTS {
            let epoch = gate.epoch();
            self.run_jobs(conn, jobs)?;
            let _pass = gate.enter();
            if gate.epoch() == epoch || jobs.iter_mut().all(|job| job.stands()) {
                return conn.commit();
            }
            conn.rollback();
        }
        let _pass = gate.enter();
        self.run_jobs(conn, jobs)?;
        conn.commit()
    }

    /// Runs jobs in one transaction; those that queue meanwhile join them.
    fn run_jobs(&self, conn: &Conn, jobs: &mut Vec<Box<dyn Job>>) -> Result<(), SqlError> {
        conn.begin_immediate()?;
        let mut done = 0;
        while let Some(job) = jobs.get_mut(done) {
            job.run(conn);
            if !conn.in_transaction() {
                return Err(SqlError::corrupt(0, "the engine undid the transaction"));
            }
            done += 1;
            if done == jobs.len() {
                jobs.extend(self.take(self.max_batch - done));
            }
        }
        Ok(())
    }
}

/// A fixed pool of writer threads.
#[derive(Debug)]
pub(in crate::storage) struct Writers {
    sender: Mutex<Option<mpsc::Sender<Arc<Queue>>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Writers {
    /// Starts the threads.
    pub(in crate::storage) fn start(name: &str, threads: usize) -> Result<Arc<Self>> {
        let (sender, receiver) = mpsc::channel::<Arc<Queue>>();
        let receiver = Arc::new(Mutex::new(receiver));
        let writers =
            Arc::new(Self { sender: Mutex::new(Some(sender)), threads: Mutex::default() });
        for number in 0..threads {
            let receiver = receiver.clone();
            let again = Arc::downgrade(&writers);
            let thread = std::thread::Builder::new()
                .name(format!("{name}-{number}"))
                .spawn(move || work(&receiver, &again))
                .map_err(|error| Error::Storage(error.to_string()))?;
            writers.threads.lock().push(thread);
        }
        Ok(writers)
    }

    /// Queues a job, and sees to it that a thread will come for it.
    pub(in crate::storage) fn submit(&self, queue: &Arc<Queue>, job: Box<dyn Job>) -> Result<()> {
        {
            let mut jobs = queue.jobs.lock();
            if jobs.len() >= queue.max_waiting {
                return Err(Error::Busy { retry_after_s: 1 });
            }
            jobs.push_back(job);
        }
        self.schedule(queue);
        Ok(())
    }

    fn schedule(&self, queue: &Arc<Queue>) {
        if queue.scheduled.swap(true, Ordering::AcqRel) {
            return;
        }
        let sent =
            self.sender.lock().as_ref().is_some_and(|sender| sender.send(queue.clone()).is_ok());
        if !sent {
            // The threads are gone: whoever comes so late does the work.
            queue.drain();
            queue.scheduled.store(false, Ordering::Release);
        }
    }

    /// Lets the threads finish what has queued, and ends them.
    pub(in crate::storage) fn stop(&self) {
        self.sender.lock().take();
        for thread in self.threads.lock().drain(..) {
            if thread.join().is_err() {
                tracing::error!("a writer thread had panicked");
            }
        }
    }
}

fn work(receiver: &Mutex<mpsc::Receiver<Arc<Queue>>>, writers: &std::sync::Weak<Writers>) {
    loop {
        let Ok(queue) = ({ receiver.lock().recv() }) else { return };
        queue.take_turn();
        queue.scheduled.store(false, Ordering::Release);
        if !queue.jobs.lock().is_empty() {
            match writers.upgrade() {
                Some(writers) => writers.schedule(&queue),
                None => queue.drain(),
            }
        }
    }
}
