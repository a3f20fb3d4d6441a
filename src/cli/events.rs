//! `freehold events …`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use futures_util::StreamExt;

use super::args::{ChosenEvents, Events as Verb, ListEvents};
use super::audit::reader;
use super::client::{Client, query};
use super::configuration::Configuration;
use super::{node, output};
use crate::domain::{EventEntry, event_catalogue};

/// Reads what happened.
pub(super) async fn events(
    data: &Path,
    configuration: Configuration,
    verb: &Verb,
) -> Result<ExitCode> {
    match verb {
        Verb::List(asked) => {
            node::with_client(
                data,
                configuration,
                |client| async move { list(&client, asked).await },
            )
            .await?;
        }
        Verb::Follow(asked) => {
            node::with_client(
                data,
                configuration,
                |client| async move { follow(&client, asked).await },
            )
            .await?;
        }
        Verb::Types => types()?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints every type of event, and what it says.
pub(super) fn types() -> Result<()> {
    output::say(event_catalogue().trim_end())
}

fn filters(chosen: &ChosenEvents) -> String {
    query(&[("after", Some(&chosen.after.to_string())), ("type", chosen.kind.as_deref())])
}

async fn list(host: &Client, asked: &ListEvents) -> Result<()> {
    let (client, home) = reader(host, &asked.chosen.whose).await?;
    let filters = filters(&asked.chosen);
    let events: Vec<EventEntry> = client.all(&format!("{home}/events?{filters}")).await?;
    if asked.json {
        return output::json(&events);
    }
    let mut rows =
        vec![["SEQUENCE", "TIME", "TYPE", "SUBJECT", "ACTOR"].map(str::to_owned).to_vec()];
    for event in events {
        let (sequence, time) = (event.sequence.to_string(), event.time.to_string());
        rows.push(vec![sequence, time, event.kind, event.subject, event.actor]);
    }
    output::table(&rows)
}

/// Prints events as they come, one a line.
async fn follow(host: &Client, chosen: &ChosenEvents) -> Result<()> {
    let (client, home) = reader(host, &chosen.whose).await?;
    let filters = filters(chosen);
    let answer = client.read_raw(&format!("{home}/events/stream?{filters}")).await?;
    let (mut chunks, mut text) = (answer.bytes_stream(), Vec::new());
    while let Some(chunk) = chunks.next().await {
        text.extend_from_slice(&chunk.context("the stream was ended")?);
        while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = text.drain(..=end).collect();
            if let Some(event) = line.strip_prefix(b"data: ") {
                output::say(String::from_utf8_lossy(event).trim_end())?;
            }
        }
    }
    // It has no end of its own.
    bail!("the stream was ended: the server stops, or the events may be read no more")
}
