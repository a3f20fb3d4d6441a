//! The command line: the only place that knows everything.
//!
//! A verb is a request to the local socket of the data directory, by the same routes as any other. When no server runs,
//! the verb runs the application itself, with the local socket alone, for as long as it takes. Standard output is the
//! answer, standard error is for people. Exit statuses: 0 done, 1 failed, 2 wrong usage, 141 nothing reads the answer.

mod account;
mod api_key;
mod app;
mod application;
mod args;
mod audit;
mod break_glass;
mod client;
mod clock;
mod configuration;
mod copy;
mod decision_point;
mod doctor;
mod events;
mod figures;
mod guard;
mod host;
mod import;
mod issuers;
mod keys;
mod logging;
mod login;
mod manual;
mod migrate;
mod node;
mod operator;
mod output;
mod quota;
mod role;
mod row_security;
mod seed;
mod serve;
mod service_account;
mod spans;
mod tenant;
mod token;

use std::process::ExitCode;

use anyhow::Result;

use self::args::{Arguments, Verb};

pub use application::{Application, Mode};
pub use clock::SystemClock;
pub use configuration::Configuration;

/// Runs the program with the arguments that it was called with.
#[must_use]
pub fn main() -> ExitCode {
    crate::identity::install_crypto();
    let ended = match args::parse() {
        Ok(arguments) => run(&arguments),
        Err(error) if error.use_stderr() => error.exit(),
        Err(help) => output::help(&help).map(|()| ExitCode::SUCCESS),
    };
    ended.unwrap_or_else(|error| output::fail(&error))
}

fn run(arguments: &Arguments) -> Result<ExitCode> {
    match arguments.verb {
        Verb::Openapi => output::say(&crate::http::document().to_pretty_json()?)?,
        Verb::Completions { shell } => manual::completions(shell)?,
        Verb::Man => manual::man()?,
        _ => return act(arguments),
    }
    Ok(ExitCode::SUCCESS)
}

fn act(arguments: &Arguments) -> Result<ExitCode> {
    let configuration = Configuration::load(arguments.config.as_deref())?;
    let _spans = logging::start(&configuration, arguments.verb.serves())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(verb(arguments, configuration))
}

async fn verb(arguments: &Arguments, configuration: Configuration) -> Result<ExitCode> {
    let data = &arguments.data;
    if !arguments.verb.may_begin() {
        node::refuse_empty(data)?;
    }
    match &arguments.verb {
        Verb::Dev(dev) => serve::dev(data, configuration, dev).await,
        Verb::Serve(listen) => serve::serve(data, configuration, listen).await,
        Verb::Check => serve::check(data, &configuration),
        Verb::Token(token) => token::token(data, configuration, token).await,
        Verb::Tenant(verb) => tenant::tenant(data, configuration, verb).await,
        Verb::Operator(verb) => operator::operator(data, configuration, verb).await,
        Verb::BreakGlass(verb) => break_glass::break_glass(data, configuration, verb).await,
        Verb::Keys(verb) => keys::keys(data, configuration, verb).await,
        Verb::ServiceAccount(verb) => {
            service_account::service_account(data, configuration, verb).await
        }
        Verb::ApiKey(verb) => api_key::api_key(data, configuration, verb).await,
        Verb::Role(verb) => role::role(data, configuration, verb).await,
        Verb::App(verb) => app::app(data, configuration, verb).await,
        Verb::Audit(verb) => audit::audit(data, configuration, verb).await,
        Verb::Events(verb) => events::events(data, configuration, verb).await,
        Verb::Quota(verb) => quota::quota(data, configuration, verb).await,
        Verb::Seed(seed) => seed::seed(data, configuration, seed).await,
        Verb::Import(import) => import::import(data, configuration, import).await,
        Verb::Migrate(migrate) => migrate::migrate(data, configuration, migrate).await,
        Verb::Doctor(doctor) => doctor::doctor(data, configuration, doctor).await,
        Verb::Healthcheck(listen) => serve::healthcheck(configuration, listen).await,
        Verb::Openapi | Verb::Completions { .. } | Verb::Man => Ok(ExitCode::SUCCESS),
    }
}
