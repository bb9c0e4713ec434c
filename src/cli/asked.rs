//! Which states a question or a comparison is about: the flags that `access` and `review` share, and what is read by them.

use anyhow::{Context as _, anyhow};
use camino::Utf8PathBuf;
use clap::Args;

use super::commands::Where;
use super::output::Output;
use super::states::{self, Content, How, Side};
use super::{Stop, env};
use crate::access::State;
use crate::syntax;

/// How states are read.
#[derive(Debug, Args)]
pub struct Asked {
    /// The environment of specs; needed where a spec has several.
    #[arg(long, env = "LAKEWRIGHT_ENV", value_name = "NAME")]
    pub env: Option<String>,
    /// The spec that `git:REV`, `deployed` and `live` are about.
    #[arg(long, value_name = "FILE", default_value = "lake.yaml")]
    pub spec: Utf8PathBuf,
    /// The account that templates are for.
    #[arg(long, value_name = "ID", value_parser = account)]
    pub account: Option<String>,
    /// The region that templates are for.
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    #[command(flatten)]
    pub place: Where,
    /// The document of a policy or permissions boundary that a state names and does not hold.
    #[arg(long, value_name = "ARN=FILE", value_parser = supplied)]
    pub document: Vec<(String, Utf8PathBuf)>,
    /// A parameter of templates. Without it, every value that their conditions tell apart is looked into.
    #[arg(long, value_name = "NAME=VALUE", value_parser = parameter)]
    pub parameter: Vec<(String, String)>,
}

fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE, such as Stage=prod".into()),
    }
}

fn account(text: &str) -> Result<String, String> {
    let fine = text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    fine.then(|| text.to_owned()).ok_or_else(|| "an account id has 12 digits".to_owned())
}

fn supplied(text: &str) -> Result<(String, Utf8PathBuf), String> {
    match text.split_once('=') {
        Some((arn, file)) if arn.starts_with("arn:") && !file.is_empty() => {
            Ok((arn.to_owned(), file.into()))
        }
        _ => Err("write ARN=FILE, such as arn:aws:iam::111122223333:policy/wall=wall.json".into()),
    }
}

impl Asked {
    fn how<'a>(&'a self, account: Option<&'a str>) -> How<'a> {
        How {
            environment: self.env.as_deref(),
            file: &self.spec,
            account,
            region: self.region.as_deref(),
            place: &self.place,
            parameters: &self.parameter,
        }
    }

    /// One state.
    pub fn side(&self, word: &str, output: &Output) -> Result<Side, Stop> {
        states::read(word, &self.how(self.account.as_deref()), output)
    }

    /// Both sides. Templates whose account nobody says are taken to be of the account of the other side's spec.
    pub fn sides(&self, old: &str, new: &str, output: &Output) -> Result<(Side, Side), Stop> {
        let own = self.account.as_deref();
        let home = |side: &Side| side.spec.as_ref().map(|spec| spec.lake.home.account.to_string());
        let after = states::read(new, &self.how(own), output)?;
        let account = own.map(str::to_owned).or_else(|| home(&after));
        let before = states::read(old, &self.how(account.as_deref()), output)?;
        let after = match (own, home(&after), home(&before)) {
            (None, None, Some(account)) if new != "-" => {
                states::read(new, &self.how(Some(&account)), output)?
            }
            _ => after,
        };
        let (mut before, mut after) = (before, after);
        let read: Vec<_> = before.documents.iter().chain(&after.documents).cloned().collect();
        for side in [&mut before, &mut after] {
            if let Content::State(state) = &mut side.content {
                for (arn, document) in &read {
                    state.supply(arn, document);
                }
            }
        }
        Ok((before, after))
    }

    /// Puts the documents that were handed in into the states that name them.
    pub fn supply(&self, states: &mut [&mut State]) -> anyhow::Result<()> {
        for (arn, file) in &self.document {
            let text = syntax::decode(env::named(file, states::NO_DOCUMENT)?);
            let document = syntax::template(&text).with_context(|| format!("`{file}`"))?;
            let mut named = false;
            for state in states.iter_mut() {
                named |= state.supply(arn, &document);
            }
            if !named {
                let who = if states.len() == 1 {
                    "the state does not name"
                } else {
                    "neither state names"
                };
                return Err(anyhow!("{who} the policy {arn}, which --document supplies"));
            }
        }
        Ok(())
    }
}

/// Says what is let pass although it is not known.
pub fn let_pass(reason: Option<&str>, undecided: bool, output: &Output) {
    if let (Some(reason), true) = (reason, undecided) {
        output.report(&format!("undecided is let pass: {}", crate::render::escape(reason)));
    }
}
