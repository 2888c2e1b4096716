//! `littoral tune prepare --format chat`: examples for a generator.

use super::super::super::output::{self, Failure};
use crate::tune::chat::{Behaviour, ChatOptions, Chats};
use crate::tune::schema::Schema;
use littoral_guest::answer::SENTENCES;
use std::fs;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Rows for encoders and query tables
    Pairs,
    /// These, and conversations for a generator
    Chat,
}

/// What examples for a generator alone have.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "With --format chat")]
pub(super) struct ChatArguments {
    /// What to write
    #[arg(long, value_enum, default_value_t = Format::Pairs)]
    format: Format,
    /// Passages of a prompt, those that answer and hard negatives
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=20))]
    passages: u32,
    /// Sentences of an answer at most
    #[arg(long, value_name = "N", default_value_t = SENTENCES as u32, value_parser = clap::value_parser!(u32).range(1..=10))]
    sentences: u32,
    /// Share of the questions that get no passage that answers, and the answer NOT FOUND
    #[arg(long, value_name = "SHARE", default_value_t = 0.1, value_parser = super::super::super::ask::share)]
    unanswered: f64,
    /// What the model is told instead of the rules for citing; answers are then those of --pairs, as they
    /// are
    #[arg(long, value_name = "FILE")]
    instructions: Option<PathBuf>,
    /// JSON Schema that every answer is held to; it is told to the model behind the instructions
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
}

impl ChatArguments {
    /// How examples are made, by this seed; `None` where none are asked for.
    pub(super) fn options(&self, seed: u64) -> Result<Option<ChatOptions>, Failure> {
        if self.format == Format::Pairs {
            let given = [
                (self.instructions.is_some(), "--instructions"),
                (self.schema.is_some(), "--schema"),
            ];
            let Some((_, name)) = given.into_iter().find(|(is_given, _)| *is_given) else {
                return Ok(None);
            };
            return Err(Failure::new(
                "no-chat",
                format!("{name} is for conversations, and pairs are asked for"),
                "say --format chat, or leave it out",
            ));
        }
        Ok(Some(ChatOptions {
            passages: self.passages as usize,
            sentences: self.sentences as usize,
            unanswered: self.unanswered,
            seed,
            behaviour: self.behaviour()?,
        }))
    }

    fn behaviour(&self) -> Result<Option<Behaviour>, Failure> {
        if self.instructions.is_none() && self.schema.is_none() {
            return Ok(None);
        }
        let given = self.instructions.as_deref().map(read).transpose()?;
        let mut parts = vec![given.unwrap_or_default()];
        let schema = match &self.schema {
            Some(path) => {
                let text = read(path)?;
                let bad = |reason: String| {
                    Failure::new(
                        "bad-schema",
                        format!("{}: {reason}", path.display()),
                        "mend the schema, or leave out what is not known here",
                    )
                };
                let value = serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
                parts.push(format!(
                    "Answer with one JSON value that this JSON Schema allows: {value}"
                ));
                Some(Schema::new(value).map_err(bad)?)
            }
            None => None,
        };
        Ok(Some(Behaviour {
            instructions: parts.join("\n").trim().to_owned(),
            schema,
        }))
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| {
        Failure::new(
            "tune-unreadable",
            format!("cannot read {}: {error}", path.display()),
            "check the name of the file",
        )
    })
}

/// Prints what was made.
pub(super) fn show(chats: &Chats) {
    output::line(format!(
        "Conversations: {} to train on, {} held out; {} of them without a passage that answers.",
        chats.train, chats.held_out, chats.unanswered
    ));
    for (flag, n) in &chats.flags {
        output::line(format!("  left out: {n} {flag}"));
    }
}
