//! The threads that write: a fixed pool, behind the queues of all files.
//!
//! Requests queue as jobs. A thread takes what has queued, runs each job in its own savepoint inside one transaction,
//! commits with one sync, and then answers each. No timer: while one batch is being synced, the next one gathers.

use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;

use parking_lot::Mutex;

use super::queue::{Job, Queue};
use crate::domain::{Error, Result};

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
        queue.push(job)?;
        self.schedule(queue);
        Ok(())
    }

    fn schedule(&self, queue: &Arc<Queue>) {
        if !queue.book() {
            return;
        }
        let sent =
            self.sender.lock().as_ref().is_some_and(|sender| sender.send(queue.clone()).is_ok());
        if !sent {
            // The threads are gone: whoever comes so late does the work.
            queue.drain();
            queue.unbook();
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
        queue.unbook();
        if queue.has_jobs() {
            match writers.upgrade() {
                Some(writers) => writers.schedule(&queue),
                None => queue.drain(),
            }
        }
    }
}
