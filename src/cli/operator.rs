//! `freehold operator …`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use serde_json::json;

use super::args::{OneOperator, Operator as Verb, SetOperator};
use super::client::Client;
use super::configuration::Configuration;
use super::{account, node, output};
use crate::domain::{AccountId, Operator};

const OPERATORS: &str = "/v1/platform/operators";

/// Keeps operators.
pub(super) async fn operator(
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
        Verb::List(list) => show(&client.all::<Operator>(OPERATORS).await?, list.json),
        Verb::Show(one) => one_of(&read(client, one).await?, one.json),
        Verb::Set(set) => one_of(&put(client, set).await?, set.json),
        Verb::Remove(one) => {
            let found = read(client, one).await?;
            client.delete(&path(found.id), found.version).await?;
            one_of(&found, one.json)
        }
    }
}

fn path(id: AccountId) -> String {
    format!("{OPERATORS}/{id}")
}

async fn read(client: &Client, one: &OneOperator) -> Result<Operator> {
    client.get(&path(account::find(client, "ACCOUNT", &one.account).await?)).await
}

/// Gives an account a role, whether or not it has one; the same one stays as it is.
async fn put(client: &Client, set: &SetOperator) -> Result<Operator> {
    let id = account::find(client, "ACCOUNT", &set.account).await?;
    let all: Vec<Operator> = client.all(OPERATORS).await?;
    let body = json!({ "role": set.role });
    match all.into_iter().find(|operator| operator.id == id) {
        Some(found) if json!(found.role) == body["role"] => Ok(found),
        Some(found) => client.put(&path(id), found.version, &body).await,
        None => client.put_new_with(&path(id), &body).await,
    }
}

fn one_of(operator: &Operator, as_json: bool) -> Result<()> {
    if as_json { output::json(operator) } else { show(std::slice::from_ref(operator), false) }
}

fn show(operators: &[Operator], as_json: bool) -> Result<()> {
    if as_json {
        return output::json(&operators);
    }
    let mut rows = vec![["NAME", "ROLE", "ACCOUNT", "SINCE"].map(str::to_owned).to_vec()];
    for operator in operators {
        rows.push(vec![
            operator.display_name.to_string(),
            operator.role.to_string(),
            operator.account_id.to_string(),
            operator.created_at.to_string(),
        ]);
    }
    output::table(&rows)
}
