//! `littoral advise`

mod chunks;

use super::eval::dataset_failure;
use super::output::{self, Failure};
use super::rerank::Reranker;
use super::{Named, Outcome, engine_failure};
use crate::eval::advise::{Facts, Limit, Located, Next, PAIRS, Remedy, locate, next_step};
use crate::eval::fit::fit_fusion;
use crate::eval::{self, Answers, Dataset, DatasetError, Difference, Metrics, Run};
use crate::host::IndexHost;
use littoral_guest::engine::{Fusion, Index, Mode, SearchOptions};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Queries below which a difference is hardly ever more than chance, which is then said.
const FEW: usize = 30;

/// Queries of a limit that are named.
const EXAMPLES: usize = 5;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Folder of the index
    index: PathBuf,
    /// Queries as JSON Lines with `_id` and `text`
    #[arg(long, value_name = "FILE", requires = "qrels")]
    queries: Option<PathBuf>,
    /// Judgements as lines of query id, document id and grade
    #[arg(long, value_name = "FILE", requires = "queries")]
    qrels: Option<PathBuf>,
    /// Known answers, to see whether they are quoted: a JSON object of question ids
    #[arg(long, value_name = "FILE", requires = "queries")]
    answers: Option<PathBuf>,
    #[command(flatten)]
    rerank: super::rerank::RerankArguments,
    /// Threads that indexes are built with to try chunk sizes; 0 for one a core
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let reranker = arguments.rerank.load()?;
    let named = Named {
        reranker: reranker.as_ref().map(|reranker| &reranker.encoder),
        ..Named::default()
    };
    let index = super::open_with_models(&arguments.index, true, named)?;
    let Some(dataset) = dataset(arguments)? else {
        return no_data(arguments, "no judged queries were given");
    };
    let answers = arguments.answers.as_deref().map(Answers::read).transpose();
    let answers = answers.map_err(|error| dataset_failure(&error))?;
    let options = SearchOptions {
        mode: if index.has_vectors() {
            Mode::Hybrid
        } else {
            Mode::Lexical
        },
        ..SearchOptions::default()
    };
    output::notice("locating what limits each query");
    let found = locate(&index, &dataset, answers.as_ref(), &options);
    let found = found.map_err(|error| engine_failure(&error))?;
    if found.queries.is_empty() {
        return no_data(arguments, "no judged query has a relevant document");
    }
    let base = measured(&index, &dataset, &options)?;
    let mut remedies = query_remedies(&index, &dataset, &options, &base, reranker.as_ref())?;
    output::notice("trying chunk sizes");
    remedies.extend(chunks::remedies(&index, &dataset, arguments.threads)?);
    if reranker.is_none() {
        remedies.push(Remedy {
            remedy: "add-reranker".into(),
            what: "a perfect order of the first hundred".into(),
            tried: false,
            gain: Difference {
                mean: (found.best_order - base.metrics.ndcg_10).max(0.0),
                p: 1.0,
            },
            command: "littoral search DIR QUERY --rerank NAME".into(),
        });
    }
    let n = found.queries.len() as f64;
    let mut by_limit: BTreeMap<Limit, Vec<&Located>> = BTreeMap::new();
    for located in &found.queries {
        by_limit.entry(located.limit).or_default().push(located);
    }
    let facts = Facts {
        shares: by_limit
            .iter()
            .map(|(&limit, located)| (limit, located.len() as f64 / n))
            .collect(),
        remedies,
        pairs: pairs(&dataset),
        reranked: reranker.is_some(),
    };
    let next = next_step(&facts);
    let advice = Advice {
        dataset: &dataset,
        base: &base,
        by_limit,
        facts,
        next,
    };
    if arguments.json {
        advice.json()?;
    } else {
        advice.show();
    }
    Ok(Outcome::Done)
}

/// The judged queries; `None` where there are none.
fn dataset(arguments: &Arguments) -> Result<Option<Dataset>, Failure> {
    let (Some(queries), Some(qrels)) = (&arguments.queries, &arguments.qrels) else {
        return Ok(None);
    };
    match Dataset::from_files(queries, qrels) {
        Ok(dataset) => Ok(Some(dataset)),
        Err(DatasetError::NothingJudged { .. }) => Ok(None),
        Err(error) => Err(dataset_failure(&error)),
    }
}

/// There is nothing to advise on, and so there is no advice.
fn no_data(arguments: &Arguments, why: &str) -> Result<Outcome, Failure> {
    let hint = "name judged queries with --queries and --qrels; littoral eval init DIR drafts some";
    if arguments.json {
        output::json(&json!({"n_queries": 0, "next": null, "notes": [
            {"code": "no-data", "message": why, "suggestion": hint}
        ]}))?;
    } else {
        output::line(format!("No advice: {why}."));
        output::line(format!("hint:  {hint}"));
    }
    Ok(Outcome::Negative)
}

/// Judged pairs of a query and a relevant document.
fn pairs(dataset: &Dataset) -> u64 {
    let judged = dataset.judged_queries();
    let grades = judged.filter_map(|query| dataset.qrels.grades(&query.id));
    grades
        .flat_map(|grades| grades.values())
        .filter(|grade| **grade > 0)
        .count() as u64
}

fn measured(
    index: &Index<IndexHost>,
    dataset: &Dataset,
    options: &SearchOptions,
) -> Result<Run, Failure> {
    eval::run(index, dataset, options).map_err(|error| engine_failure(&error))
}

/// What another query would change, each measured.
fn query_remedies(
    index: &Index<IndexHost>,
    dataset: &Dataset,
    options: &SearchOptions,
    base: &Run,
    reranker: Option<&Reranker>,
) -> Result<Vec<Remedy>, Failure> {
    let mut remedies = Vec::new();
    let mut changes: Vec<(&str, &str, SearchOptions, &str)> = Vec::new();
    let with = |change: &dyn Fn(&mut SearchOptions)| {
        let mut options = options.clone();
        change(&mut options);
        options
    };
    if index.has_vectors() {
        changes.push((
            "words-alone",
            "a search by words alone",
            with(&|options| options.mode = Mode::Lexical),
            "littoral search DIR QUERY --mode lexical",
        ));
        changes.push((
            "vectors-alone",
            "a search by vectors alone",
            with(&|options| options.mode = Mode::Dense),
            "littoral search DIR QUERY --mode dense",
        ));
        changes.push((
            "fusion-by-ranks",
            "fusion by ranks",
            with(&|options| options.fusion = Some(Fusion::Ranks)),
            "littoral eval DIR --queries F --qrels F --fit",
        ));
    }
    if let Some(reranker) = reranker {
        changes.push((
            "use-reranker",
            "the reranker that was named",
            with(&|options| options.rerank = Some(reranker.asked)),
            "littoral search DIR QUERY --rerank NAME",
        ));
    }
    for (remedy, what, options, command) in changes {
        let run = measured(index, dataset, &options)?;
        remedies.push(Remedy {
            remedy: remedy.into(),
            what: what.into(),
            tried: true,
            gain: gain(base, &run),
            command: command.into(),
        });
    }
    if index.has_vectors() {
        output::notice("fitting the fusion");
        let fitted = fit_fusion(index, dataset, options, index.fusion());
        if let Some(fitted) = fitted.map_err(|error| engine_failure(&error))? {
            remedies.push(Remedy {
                remedy: "fit-fusion".into(),
                what: "fusion weights fitted to other queries of yours".into(),
                tried: true,
                gain: fitted.difference,
                command: "littoral eval DIR --queries F --qrels F --fit".into(),
            });
        }
    }
    Ok(remedies)
}

/// The change of nDCG@10.
fn gain(base: &Run, run: &Run) -> Difference {
    eval::differences(base, run)
        .get("ndcg@10")
        .copied()
        .unwrap_or_default()
}

struct Advice<'a> {
    dataset: &'a Dataset,
    base: &'a Run,
    by_limit: BTreeMap<Limit, Vec<&'a Located>>,
    facts: Facts,
    next: Next,
}

impl Advice<'_> {
    fn n_queries(&self) -> usize {
        self.by_limit.values().map(Vec::len).sum()
    }

    fn is_few(&self) -> Option<String> {
        let n = self.n_queries();
        (n < FEW).then(|| format!("{n} queries are few: most differences may be chance"))
    }

    fn json(&self) -> Result<(), Failure> {
        let limits = Limit::ALL.iter().map(|limit| {
            let located = self.by_limit.get(limit).map_or(&[][..], Vec::as_slice);
            json!({
                "limit": limit,
                "what": limit.words(),
                "queries": located.len(),
                "share": self.facts.shares.get(limit).copied().unwrap_or(0.0),
                "examples": located.iter().take(EXAMPLES).collect::<Vec<_>>(),
            })
        });
        let notes: Vec<_> = self
            .is_few()
            .map(|message| json!({"code": "few-queries", "message": message}))
            .into_iter()
            .collect();
        output::json(&json!({
            "data": self.dataset.name,
            "n_queries": self.n_queries(),
            "run": {"name": self.base.name, "metrics": self.base.metrics},
            "limits": limits.collect::<Vec<_>>(),
            "remedies": self.facts.remedies,
            "pairs": {"judged": self.facts.pairs, "wanted": PAIRS},
            "next": self.next,
            "notes": notes,
        }))
    }

    fn show(&self) {
        let Metrics {
            ndcg_10,
            recall_10,
            recall_100,
            ..
        } = self.base.metrics;
        output::line(format!(
            "{} judged queries, {}: nDCG@10 {ndcg_10:.3}, recall@10 {recall_10:.3}, recall@100 {recall_100:.3}",
            self.n_queries(),
            self.base.name,
        ));
        if let Some(few) = self.is_few() {
            output::line(format!("({few})"));
        }
        output::line("");
        output::line("where queries lose their document");
        for (limit, located) in &self.by_limit {
            let share = self.facts.shares.get(limit).copied().unwrap_or(0.0);
            let ids: Vec<&str> = located.iter().take(EXAMPLES).map(|l| &*l.query).collect();
            let ids = if *limit == Limit::None {
                String::new()
            } else {
                format!(" ({})", ids.join(", "))
            };
            output::line(format!("{:>5.1} %  {}{ids}", share * 100.0, limit.words()));
        }
        output::line("");
        output::line("what remedies do to nDCG@10");
        for remedy in &self.facts.remedies {
            let gain = remedy.gain;
            let doubt = if remedy.tried {
                format!("p {:.3}", gain.p)
            } else {
                "at most; not tried".to_owned()
            };
            output::line(format!("{:>+7.3}  {} ({doubt})", gain.mean, remedy.what));
        }
        output::line("");
        output::line(format!("next: {}", self.next.step));
        output::line(format!("      {}", self.next.why));
        if !self.next.command.is_empty() {
            output::line(format!("      {}", self.next.command));
        }
    }
}
