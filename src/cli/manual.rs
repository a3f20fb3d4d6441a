//! `freehold completions` and `freehold man`: what shells and people read, made of the definition of the command line.

use anyhow::{Context, Result};
use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

use super::{args, output};

/// Prints a script that completes commands.
pub(super) fn completions(shell: Shell) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut args::command(), "freehold", &mut script);
    print(script)
}

/// Prints the manual: the program's page, and behind it a page of every verb.
pub(super) fn man() -> Result<()> {
    let mut command = args::command();
    command.build();
    let mut pages = Vec::new();
    render(&command, &mut pages)?;
    print(pages)
}

fn render(command: &Command, pages: &mut Vec<u8>) -> Result<()> {
    Man::new(command.clone()).render(pages)?;
    command
        .get_subcommands()
        .filter(|verb| verb.get_name() != "help")
        .try_for_each(|verb| render(verb, pages))
}

fn print(text: Vec<u8>) -> Result<()> {
    output::say(String::from_utf8(text).context("it is no text")?.trim_end())
}
