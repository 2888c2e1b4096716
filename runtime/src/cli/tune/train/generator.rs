//! `littoral tune train --target generator`: an adapter of a generator, by a trainer that is there already.

use super::super::super::Outcome;
use super::super::super::output::{self, Failure};
use super::super::failure;
use super::Arguments;
use super::encoder::EncoderArguments;
use crate::tune::generator::{
    ADAPTER, CONFIG, Config, Event, GeneratorOptions, GeneratorRecord, is_trained,
};
use serde_json::json;
use std::path::PathBuf;

/// What a generator alone has.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "With --target generator")]
pub(super) struct GeneratorArguments {
    /// Which matrices change, by the ends of their names, such as q_proj,v_proj
    #[arg(long, value_delimiter = ',', default_value = "all-linear")]
    targets: Vec<String>,
    /// Hold the base in 4 bits: less memory, on a GPU
    #[arg(long)]
    qlora: bool,
    /// Rounds over all conversations, unless there are --steps
    #[arg(long, value_name = "N", default_value_t = GeneratorOptions::default().epochs, value_parser = super::encoder::from_to::<0, 1000>)]
    epochs: f64,
    /// Conversations of a step that are computed at once: as many as memory holds
    #[arg(long, value_name = "N", default_value_t = GeneratorOptions::default().at_once, value_parser = clap::value_parser!(u32).range(1..=1024))]
    at_once: u32,
    /// The program that runs the script
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    python: PathBuf,
    /// Write the script and what it needs, and run nothing
    #[arg(long)]
    no_run: bool,
}

pub(super) fn run(
    arguments: &Arguments,
    shared: &EncoderArguments,
    generator: &GeneratorArguments,
) -> Result<Outcome, Failure> {
    let Some(model) = &shared.model else {
        return Err(Failure::new(
            "no-model",
            "nothing says which generator to teach",
            "add --model with a folder, or a name on the Hugging Face Hub, of a model that was made to answer",
        ));
    };
    if arguments.html.is_some() {
        return Err(Failure::new(
            "html-of-generator",
            "there is no page of a generator's training",
            "leave --html out: the losses are in training.json",
        ));
    }
    let default = GeneratorOptions::default();
    let options = GeneratorOptions {
        rank: shared.rank.unwrap_or(default.rank),
        alpha: shared.alpha.unwrap_or(default.alpha),
        targets: generator.targets.clone(),
        qlora: generator.qlora,
        steps: arguments.steps,
        epochs: generator.epochs,
        batch: arguments.batch.unwrap_or(default.batch),
        at_once: generator.at_once,
        rate: shared.rate.unwrap_or(default.rate),
        warm_up: shared.warm_up,
        tokens: shared.tokens.unwrap_or(default.tokens),
        look: shared.look,
        patience: shared.patience,
        seed: arguments.seed,
    };
    let output = &arguments.output;
    if is_trained(output) && !shared.fresh {
        return Err(Failure::new(
            "already-there",
            format!("{} is there already", output.join(ADAPTER).display()),
            "name another folder with --output, or replace it with --fresh",
        ));
    }
    let model = model.to_string_lossy();
    let config = Config::new(&model, &arguments.data, options).map_err(|error| failure(&error))?;
    config
        .write(output, shared.fresh)
        .map_err(|error| failure(&error))?;
    if generator.no_run {
        if arguments.json {
            output::json(&json!({"trained": false, "folder": output, "config": config}))?;
        } else {
            output::line(format!(
                "Wrote {}, train.py and requirements.txt beside it.",
                output.join(CONFIG).display()
            ));
            output::line(format!(
                "Next: pip install -r {0}/requirements.txt, then python3 {0}/train.py",
                output.display()
            ));
        }
        return Ok(Outcome::Done);
    }
    let record = config.run(&generator.python, output, notice);
    let record = record.map_err(|error| failure(&error))?;
    let is_better = record.after < record.before;
    if arguments.json {
        output::json(&json!({"trained": true, "folder": output, "record": record}))?;
    } else {
        show(arguments, &config, &record, is_better);
    }
    Ok(if is_better {
        Outcome::Done
    } else {
        Outcome::Negative
    })
}

/// Shows on a terminal how training goes.
fn notice(event: &Event) {
    match event {
        Event::Began {
            n_train,
            n_held_out,
            n_trained,
            n_numbers,
        } => output::notice(&format!(
            "{n_train} conversations, {n_held_out} held out; {n_trained} of {n_numbers} numbers are trained"
        )),
        Event::Step { step, steps, loss } => {
            output::notice(&format!("step {step:>5} of {steps}  loss {loss:.4}"));
        }
        Event::Look { step, loss } => output::notice(&format!(
            "step {step:>5}  loss {loss:.4} of the held-out conversations"
        )),
        Event::Done { .. } => {}
    }
}

fn show(arguments: &Arguments, config: &Config, record: &GeneratorRecord, is_better: bool) {
    for (step, loss) in &record.curve {
        output::line(format!("step {step:>5}  held-out loss {loss:.4}"));
    }
    if !is_better {
        output::line("Held-out answers are no likelier than by the model as it is.");
        return;
    }
    output::line(format!(
        "Trained {} of {} numbers on {} conversations, {} steps in {:.0} s; loss of {} held-out ones {:.4} → \
         {:.4}.",
        record.n_trained,
        record.n_numbers,
        record.n_train,
        record.steps,
        record.seconds,
        record.n_held_out,
        record.before,
        record.after
    ));
    let adapter = arguments.output.join(ADAPTER);
    let (adapter, model) = (adapter.display(), &config.model);
    let folder = arguments.output.canonicalize().unwrap_or_default();
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    output::line(format!("The adapter is {adapter}. Serve it with one of:"));
    output::line(format!(
        "  vllm serve {model} --enable-lora --lora-modules {name}={adapter}"
    ));
    output::line(format!(
        "  llama-server -m BASE.gguf --lora {name}.gguf   # convert_lora_to_gguf.py {adapter} --outfile \
         {name}.gguf"
    ));
    output::line(format!(
        "  ollama create {name} -f Modelfile   # FROM the base, ADAPTER {adapter}"
    ));
    output::line(format!(
        "Next: littoral ask INDEX QUESTION --llm http://127.0.0.1:8000 --llm-model {name}"
    ));
}
