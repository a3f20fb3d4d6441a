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
use crate::domain::{EndReason, EventEntry, StreamEnd, event_catalogue};

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

fn filters(chosen: &ChosenEvents, after: i64) -> String {
    query(&[("after", Some(&after.to_string())), ("type", chosen.kind.as_deref())])
}

async fn list(host: &Client, asked: &ListEvents) -> Result<()> {
    let (client, home) = reader(host, &asked.chosen.whose).await?;
    let filters = filters(&asked.chosen, asked.chosen.after);
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

/// Prints events as they come, one a line. Where the verb's own token expires, the host mints another one.
async fn follow(host: &Client, chosen: &ChosenEvents) -> Result<()> {
    let mut after = chosen.after;
    loop {
        let (client, home) = reader(host, &chosen.whose).await?;
        let path = format!("{home}/events/stream?{}", filters(chosen, after));
        match print_until_end(&client, &path, &mut after).await? {
            Some(EndReason::CredentialExpired) => {}
            Some(EndReason::TimeOver) => return Ok(()),
            Some(reason) => bail!("the stream ended: {reason}"),
            None => bail!("the connection ended before the stream did"),
        }
    }
}

/// Prints the events of one stream, and notes the last one; why the stream ended, if it said so.
async fn print_until_end(
    client: &Client,
    path: &str,
    after: &mut i64,
) -> Result<Option<EndReason>> {
    let answer = client.read_raw(path).await?;
    let (mut chunks, mut text, mut is_end) = (answer.bytes_stream(), Vec::new(), false);
    while let Some(chunk) = chunks.next().await {
        text.extend_from_slice(&chunk.context("the connection ended before the stream did")?);
        while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = text.drain(..=end).collect();
            match String::from_utf8_lossy(&line).trim_end().split_once(": ") {
                Some(("id", id)) => *after = id.parse()?,
                Some(("event", kind)) => is_end = kind == StreamEnd::MESSAGE,
                Some(("data", data)) if is_end => {
                    return Ok(Some(serde_json::from_str::<StreamEnd>(data)?.reason));
                }
                Some(("data", event)) => output::say(event)?,
                _ => {}
            }
        }
    }
    Ok(None)
}
