//! `littoral search`

use super::output::{self, Failure};
use super::{Named, Outcome, engine_failure};
use littoral_guest::engine::{Explanation, Mode, SearchOptions, SearchResult, SortOrder};
use std::path::{Path, PathBuf};
use std::time::Instant;

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum ModeName {
    Hybrid,
    Lexical,
    Dense,
}

impl From<ModeName> for Mode {
    fn from(name: ModeName) -> Self {
        match name {
            ModeName::Hybrid => Self::Hybrid,
            ModeName::Lexical => Self::Lexical,
            ModeName::Dense => Self::Dense,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum HostName {
    Native,
    Sandbox,
}

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Folder of the index
    index: PathBuf,
    /// What to look for: words, "phrases", -excluded, +required, title:word
    #[arg(allow_hyphen_values = true)]
    query: String,
    /// Hits to show
    #[arg(short, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    k: u16,
    /// Which retrievers answer
    #[arg(long, value_enum, default_value = "hybrid")]
    mode: ModeName,
    /// Only documents with this filter value (repeat for alternatives of a key, or more keys)
    #[arg(long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// Order by a sort key instead of the score; KEY:desc for highest first
    #[arg(long, value_name = "KEY[:desc]")]
    sort: Option<String>,
    /// Count the values of a filter key over everything found (repeatable)
    #[arg(long, value_name = "KEY")]
    facet: Vec<String>,
    /// Give every chunk a hit of its own
    #[arg(long)]
    chunks: bool,
    /// How far hits are to differ from those above them, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    diversity: f64,
    /// Take the last word for the beginning of one
    #[arg(long)]
    as_you_type: bool,
    /// The model that encoded the documents, where it lies elsewhere than when the index was built, or
    /// where the index has a query table and the model itself is to encode the query
    #[arg(long, value_name = "minilm|PATH")]
    embedder: Option<String>,
    #[command(flatten)]
    rerank: super::rerank::RerankArguments,
    /// Where the engine runs: as part of the program, or in a sandbox, for an index that nobody
    /// vouches for
    #[arg(long, value_enum, default_value = "native")]
    host: HostName,
    /// Take each score apart
    #[arg(long)]
    explain: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let start = Instant::now();
    let reranker = arguments.rerank.load()?;
    let options = SearchOptions {
        k: usize::from(arguments.k),
        mode: arguments.mode.into(),
        filters: filters(&arguments.filter)?,
        sort: arguments.sort.as_ref().map(|sort| {
            let (key, descending) = match sort.rsplit_once(':') {
                Some((key, "desc")) => (key, true),
                Some((key, "asc")) => (key, false),
                _ => (sort.as_str(), false),
            };
            SortOrder {
                key: key.to_owned(),
                descending,
            }
        }),
        rerank: reranker.as_ref().map(|reranker| reranker.asked),
        facets: arguments.facet.clone(),
        chunks: arguments.chunks,
        diversity: arguments.diversity,
        as_you_type: arguments.as_you_type,
        explain: arguments.explain,
        ..SearchOptions::default()
    };
    let named = Named {
        embedder: arguments.embedder.as_deref(),
        reranker: reranker.as_ref().map(|reranker| &reranker.encoder),
    };
    let (index, query) = (&arguments.index, &arguments.query);
    let mut result = find(index, query, &options, named, arguments.host)?;
    result.timings_ms.total = start.elapsed().as_secs_f64() * 1e3;
    if arguments.json {
        output::json(&result)?;
    } else {
        show(&result);
    }
    Ok(if result.hits.is_empty() {
        Outcome::Negative
    } else {
        Outcome::Done
    })
}

/// A number from 0 to 1.
pub(super) fn share(given: &str) -> Result<f64, String> {
    let share = given.parse().ok().filter(|s| (0.0..=1.0).contains(s));
    share.ok_or_else(|| "it may be 0 to 1".to_owned())
}

/// Filters of the form KEY=VALUE.
pub(super) fn filters(given: &[String]) -> Result<Vec<(String, String)>, Failure> {
    let mut filters = Vec::new();
    for filter in given {
        let Some((key, value)) = filter.split_once('=') else {
            return Err(Failure::new(
                "bad-filter",
                format!("{filter:?} is not of the form KEY=VALUE"),
                "for example --filter section=guide",
            ));
        };
        filters.push((key.to_owned(), value.to_owned()));
    }
    Ok(filters)
}

/// Searches the index in `path` where `host` says.
pub(super) fn find(
    path: &Path,
    query: &str,
    options: &SearchOptions,
    named: Named<'_>,
    host: HostName,
) -> Result<SearchResult, Failure> {
    let vectors = options.mode != Mode::Lexical;
    match host {
        HostName::Native => {
            let index = super::open_with_models(path, vectors, named)?;
            pollster::block_on(index.search(query, options)).map_err(|error| engine_failure(&error))
        }
        HostName::Sandbox => super::open_in_sandbox(path, vectors, named)?
            .search(query, options)
            .map_err(|error| super::sandbox_failure(&error)),
    }
}

/// Prints a result for a person.
pub(super) fn show(result: &SearchResult) {
    for note in &result.notes {
        // That there are no vectors is worth saying only to programs: no user asked for any.
        if note.code != "no-vectors" {
            output::line(format!("({})", note.message));
        }
    }
    if result.hits.is_empty() {
        output::line(format!("Nothing found for {:?}.", result.query));
    }
    for hit in &result.hits {
        let title = if hit.document.title.is_empty() {
            &hit.document.id
        } else {
            &hit.document.title
        };
        let path: String = hit
            .chunk
            .heading
            .iter()
            .map(|h| format!(" › {h}"))
            .collect();
        let anchor = hit
            .chunk
            .anchor
            .as_ref()
            .map(|a| format!("#{a}"))
            .unwrap_or_default();
        output::line(format!(
            "{:>2}. {title}{path}  [{:.2}]",
            hit.rank, hit.score
        ));
        output::line(format!("    {}{anchor}", hit.document.url));
        output::line(format!("    {}", output::marked(&hit.excerpt)));
        if let Some(explanation) = &hit.explain {
            explain(explanation, 2);
        }
    }
    for (key, values) in result.facets.iter() {
        let counts: Vec<String> = values
            .iter()
            .map(|facet| format!("{} ({})", facet.value, facet.count))
            .collect();
        output::line(format!("{key}: {}", counts.join(", ")));
    }
    let fetched = &result.fetched;
    output::line(format!(
        "{} found; {:.1} ms; a cold query fetches {} in {} files and {} round trips",
        result.n_found,
        result.timings_ms.total,
        output::bytes(fetched.bytes),
        fetched.requests,
        fetched.round_trips
    ));
}

fn explain(explanation: &Explanation, depth: usize) {
    let indent = "  ".repeat(depth);
    output::line(format!(
        "{indent}{:.3}  {}",
        explanation.value, explanation.label
    ));
    for part in &explanation.parts {
        explain(part, depth + 1);
    }
}
