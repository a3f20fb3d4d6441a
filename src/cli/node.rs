//! The process that answers a verb: the server that runs on the data directory, or this one for as long as it takes.

use std::future::Future;
use std::os::unix::net::UnixStream;
use std::path::Path;

use anyhow::{Result, bail};

use super::application::{Application, Mode, socket};
use super::client::Client;
use super::configuration::Configuration;
use super::output;

/// Runs a verb against whoever owns the data directory.
pub(super) async fn with_client<T, F, W>(
    data: &Path,
    configuration: Configuration,
    work: W,
) -> Result<T>
where
    F: Future<Output = Result<T>>,
    W: FnOnce(Client) -> F,
{
    let path = socket(data);
    if UnixStream::connect(&path).is_ok() {
        return work(Client::new(&path)?).await;
    }
    let application = start(data, configuration, Mode::Production).await?;
    let server = application.server(Mode::Production, None)?;
    let handle = server.handle.clone();
    let mut running = Box::pin(server.running);
    let client = Client::new(&path)?;
    let result = tokio::select! {
        result = work(client) => result,
        ended = &mut running => match ended {
            Ok(()) => bail!("the application ended before the verb did"),
            Err(error) => Err(error.into()),
        },
    };
    let (_stopped, _ended) = tokio::join!(handle.stop(true), running);
    stop(application).await?;
    result
}

/// Refuses a data directory that a server runs on.
pub(super) fn refuse_taken(data: &Path) -> Result<()> {
    if UnixStream::connect(socket(data)).is_ok() {
        bail!(
            "{} belongs to another running freehold: stop that one, or give another directory with --data",
            data.display()
        );
    }
    Ok(())
}

/// Refuses a data directory in which nothing was begun, so that a mistyped one is not taken for an empty installation.
pub(super) fn refuse_empty(data: &Path) -> Result<()> {
    if !data.join("registry.db").exists() {
        bail!(
            "{}: there is no installation; give its directory with --data or FREEHOLD_DATA, or begin one with `freehold serve`",
            data.display()
        );
    }
    Ok(())
}

/// Runs work that blocks apart from the runtime's own thread.
pub(super) async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await?
}

/// Starts the application, with a bar while files are migrated.
pub(super) async fn start(
    data: &Path,
    configuration: Configuration,
    mode: Mode,
) -> Result<Application> {
    let data = data.to_owned();
    apart(move || {
        let progress = output::files("Migrating");
        let application =
            Application::start(&data, configuration, mode, &|done, of| progress.at(done, of))?;
        progress.end();
        Ok(application)
    })
    .await
}

/// Stops the application.
pub(super) async fn stop(application: Application) -> Result<()> {
    apart(move || {
        application.stop();
        Ok(())
    })
    .await
}
