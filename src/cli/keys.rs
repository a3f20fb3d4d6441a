//! `freehold keys …`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use reqwest::Method;

use super::args::Keys as Verb;
use super::client::Client;
use super::configuration::Configuration;
use super::{node, output};
use crate::domain::{KeyId, SigningKeyEntry};

const KEYS: &str = "/v1/platform/keys";

/// Keeps the keys that sign.
pub(super) async fn keys(
    data: &Path,
    configuration: Configuration,
    verb: &Verb,
) -> Result<ExitCode> {
    node::with_client(data, configuration, |client| async move { ask(&client, verb).await })
        .await?;
    Ok(ExitCode::SUCCESS)
}

async fn ask(client: &Client, verb: &Verb) -> Result<()> {
    match verb {
        Verb::List(list) => show(&client.all::<SigningKeyEntry>(KEYS).await?, list.json),
        Verb::Rotate(rotate) => {
            let path = format!("{KEYS}/rotate");
            one(&client.ask(Method::POST, &path, None).await?, rotate.json)
        }
        Verb::Retire(retire) => {
            // What can be no key's id can be no part of a path.
            let kid = KeyId::parse(retire.kid.as_str()).map_err(anyhow::Error::msg)?;
            let path = format!("{KEYS}/{kid}/retire");
            one(&client.ask(Method::POST, &path, None).await?, retire.json)
        }
    }
}

fn one(key: &SigningKeyEntry, as_json: bool) -> Result<()> {
    if as_json { output::json(key) } else { show(std::slice::from_ref(key), false) }
}

fn show(keys: &[SigningKeyEntry], as_json: bool) -> Result<()> {
    if as_json {
        return output::json(&keys);
    }
    let mut rows = vec![["KEY", "STATE", "MADE", "VERIFIES UNTIL"].map(str::to_owned).to_vec()];
    for key in keys {
        let until = key.retired_at.or(key.retires_at);
        rows.push(vec![
            key.id.to_string(),
            key.state.to_string(),
            key.created_at.to_string(),
            until.map_or_else(|| "-".to_owned(), |until| until.to_string()),
        ]);
    }
    output::table(&rows)
}
