//! A thread that requests run on, so that who waits for them may block or not.

use std::future::Future;
use std::sync::Arc;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// A thread that requests run on, until its last clone is dropped.
#[derive(Debug, Clone)]
pub struct Outside {
    runtime: Handle,
    _until: Arc<oneshot::Sender<()>>,
}

impl Outside {
    /// Starts the thread under a name.
    ///
    /// # Errors
    /// Says why it cannot be started.
    pub fn start(name: &str) -> Result<Self, String> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        let handle = runtime.handle().clone();
        let (until, ended) = oneshot::channel::<()>();
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                // Ends when the sender is dropped, which is no error here.
                let _dropped = runtime.block_on(ended);
                runtime.shutdown_background();
            })
            .map_err(|error| error.to_string())?;
        Ok(Self { runtime: handle, _until: Arc::new(until) })
    }

    /// Runs something there.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(work);
    }
}
