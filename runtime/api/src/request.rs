//! What requests ask for, read from addresses and bodies.

mod chat;

pub use chat::ChatBody;

use crate::refusal::Refusal;
use littoral_guest::SearchOptions;
use littoral_guest::engine::{Mode, Rerank, SortOrder};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Longest query in bytes.
const MAX_QUERY_BYTES: usize = 2048;

/// Most hits of a search.
const MAX_HITS: usize = 100;

/// Most filter values, facets and the like.
const MAX_VALUES: usize = 32;

/// A search as asked.
#[derive(Debug, Clone)]
pub struct Search {
    /// The index that is asked, where one is named.
    pub index: Option<String>,
    /// What is looked for.
    pub query: String,
    /// How.
    pub options: SearchOptions,
    /// Whether the server's reranker is asked for.
    pub rerank: bool,
}

/// A value of a filter, or several that are alternatives.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum OneOrMore {
    /// One.
    One(String),
    /// Several.
    More(Vec<String>),
}

impl OneOrMore {
    fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one],
            Self::More(more) => more,
        }
    }
}

/// The body of `POST /v1/context`.
#[derive(Debug, Deserialize)]
pub struct ContextBody {
    /// What is looked for.
    pub query: String,
    /// The index that is asked, where one is named.
    pub index: Option<String>,
    /// Tokens of the context.
    pub max_tokens: Option<u32>,
    mode: Option<Mode>,
    #[serde(default)]
    filters: BTreeMap<String, OneOrMore>,
    #[serde(default)]
    rerank: bool,
}

impl ContextBody {
    /// What is looked for, and how.
    ///
    /// # Errors
    /// [`Refusal`] of what is out of bounds or cannot be understood.
    pub fn search(self) -> Result<Search, Refusal> {
        let options = SearchOptions {
            mode: self.mode.unwrap_or_default(),
            filters: pairs(self.filters),
            ..SearchOptions::default()
        };
        bounded(Search {
            index: self.index,
            query: self.query,
            options,
            rerank: self.rerank,
        })
    }
}

/// Every value of a filter with its key.
fn pairs(filters: BTreeMap<String, OneOrMore>) -> Vec<(String, String)> {
    let each = |(key, values): (String, OneOrMore)| {
        let values = values.into_vec().into_iter();
        values.map(move |value| (key.clone(), value))
    };
    filters.into_iter().flat_map(each).collect()
}

/// The body of `POST /v1/embeddings`, as OpenAI's.
#[derive(Debug, Deserialize)]
pub struct EmbeddingsBody {
    input: OneOrMore,
    /// The index that is asked, where one is named.
    pub index: Option<String>,
    /// `float` or `base64`.
    pub encoding_format: Option<String>,
}

impl EmbeddingsBody {
    /// The texts.
    ///
    /// # Errors
    /// [`Refusal`] of what is out of bounds or cannot be understood.
    pub fn texts(&self) -> Result<Vec<String>, Refusal> {
        texts(self.input.clone().into_vec(), "input")
    }
}

/// A document to rerank: a text, or an object with one.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum RerankDocument {
    /// A text.
    Text(String),
    /// An object with a text.
    Object {
        /// The text.
        text: String,
    },
}

/// The body of `POST /v1/rerank`, as Cohere's.
#[derive(Debug, Deserialize)]
pub struct RerankBody {
    /// What is looked for.
    pub query: String,
    documents: Vec<RerankDocument>,
    /// Documents wanted.
    pub top_n: Option<usize>,
    /// Whether their texts are wanted too.
    #[serde(default)]
    pub return_documents: bool,
}

impl RerankBody {
    /// The query and the texts.
    ///
    /// # Errors
    /// [`Refusal`] of what is out of bounds or cannot be understood.
    pub fn texts(&self) -> Result<Vec<String>, Refusal> {
        query(&self.query)?;
        let text = |document: &RerankDocument| match document {
            RerankDocument::Text(text) | RerankDocument::Object { text } => text.clone(),
        };
        texts(self.documents.iter().map(text).collect(), "documents")
    }
}

/// Most texts of one request.
const MAX_TEXTS: usize = 128;

fn texts(texts: Vec<String>, name: &str) -> Result<Vec<String>, Refusal> {
    if texts.is_empty() || texts.len() > MAX_TEXTS {
        return Err(Refusal::bad(format!(
            "\"{name}\" has {} texts; it may have 1 to {MAX_TEXTS}",
            texts.len()
        )));
    }
    Ok(texts)
}

/// Reads the body of a request.
///
/// # Errors
/// [`Refusal`] of what is out of bounds or cannot be understood.
pub fn body<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(bytes).map_err(|error| Refusal::bad(format!("the body: {error}")))
}

/// Reads the parameters of `GET /search`.
///
/// # Errors
/// [`Refusal`] of what is out of bounds or cannot be understood.
pub fn search(parameters: &str) -> Result<Search, Refusal> {
    let mut search = Search {
        index: None,
        query: String::new(),
        options: SearchOptions::default(),
        rerank: false,
    };
    let mut asked = false;
    for pair in parameters.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decoded(name)?, decoded(value)?);
        let options = &mut search.options;
        match &*name {
            "q" => {
                search.query = value;
                asked = true;
            }
            "index" => search.index = Some(value),
            "k" => {
                let k = value.parse().ok().filter(|k| (1..=MAX_HITS).contains(k));
                options.k = k.ok_or_else(|| {
                    Refusal::bad(format!("k is {value:?}; it may be 1 to {MAX_HITS}"))
                })?;
            }
            "mode" => options.mode = mode(&value)?,
            "filter" => {
                let Some((key, value)) = value.split_once('=') else {
                    let message = format!("the filter {value:?} is not of the form key=value");
                    return Err(Refusal::bad(message));
                };
                options.filters.push((key.to_owned(), value.to_owned()));
            }
            "facet" => options.facets.push(value),
            "sort" => {
                let (key, descending) = match value.rsplit_once(':') {
                    Some((key, "desc")) => (key, true),
                    Some((key, "asc")) => (key, false),
                    _ => (value.as_str(), false),
                };
                options.sort = Some(SortOrder {
                    key: key.to_owned(),
                    descending,
                });
            }
            "chunks" => options.chunks = flag(&name, &value)?,
            "diversity" => {
                let share = value
                    .parse()
                    .ok()
                    .filter(|share| (0.0..=1.0).contains(share));
                options.diversity = share.ok_or_else(|| {
                    Refusal::bad(format!("diversity is {value:?}; it may be 0 to 1"))
                })?;
            }
            "as_you_type" => options.as_you_type = flag(&name, &value)?,
            "explain" => options.explain = flag(&name, &value)?,
            "rerank" => search.rerank = flag(&name, &value)?,
            _ => return Err(Refusal::bad(format!("there is no parameter {name:?}"))),
        }
    }
    if !asked {
        return Err(Refusal::bad("q, what to look for, is missing"));
    }
    bounded(search)
}

fn bounded(search: Search) -> Result<Search, Refusal> {
    query(&search.query)?;
    if search
        .options
        .filters
        .len()
        .max(search.options.facets.len())
        > MAX_VALUES
    {
        let message = format!("there may be {MAX_VALUES} filters and facets");
        return Err(Refusal::bad(message));
    }
    Ok(search)
}

fn query(query: &str) -> Result<(), Refusal> {
    if query.len() > MAX_QUERY_BYTES {
        let n = query.len();
        let message = format!("the query has {n} bytes; it may have {MAX_QUERY_BYTES}");
        return Err(Refusal::bad(message));
    }
    Ok(())
}

fn mode(name: &str) -> Result<Mode, Refusal> {
    match name {
        "hybrid" => Ok(Mode::Hybrid),
        "lexical" => Ok(Mode::Lexical),
        "dense" => Ok(Mode::Dense),
        _ => Err(Refusal::bad(format!(
            "there is no mode {name:?}; there are hybrid, lexical and dense"
        ))),
    }
}

fn flag(name: &str, value: &str) -> Result<bool, Refusal> {
    match value {
        "" | "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err(Refusal::bad(format!(
            "{name} is {value:?}; it may be true or false"
        ))),
    }
}

/// A name or value of an address, decoded as forms are.
fn decoded(text: &str) -> Result<String, Refusal> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| Refusal::bad("the address is not in UTF-8"))
}

/// How the server's reranker is asked.
pub fn rerank(model: [u8; 8]) -> Rerank {
    Rerank {
        model,
        depth: Rerank::DEPTH,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_become_a_search() {
        let asked = search(
            "q=high+water%20%C3%A4&k=7&mode=dense&filter=section%3Dguide&filter=a=b=c&sort=date:desc\
             &facet=author&chunks&diversity=0.5&as_you_type=false&explain=1&rerank=true&index=docs",
        )
        .unwrap();
        assert_eq!(asked.query, "high water ä");
        assert_eq!(asked.index.as_deref(), Some("docs"));
        assert!(asked.rerank);
        let options = asked.options;
        assert_eq!((options.k, options.mode), (7, Mode::Dense));
        let filters = [("section", "guide"), ("a", "b=c")];
        let filters = filters.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(options.filters, filters);
        let sort = options.sort.unwrap();
        assert_eq!((sort.key.as_str(), sort.descending), ("date", true));
        assert_eq!(options.facets, ["author"]);
        assert_eq!(options.diversity.to_bits(), 0.5f64.to_bits());
        assert!(options.chunks && options.explain && !options.as_you_type);
        assert!(search("q=").unwrap().query.is_empty());
    }

    #[test]
    fn what_cannot_be_understood_is_refused_with_its_name() {
        let long = format!("q={}", "a".repeat(MAX_QUERY_BYTES + 1));
        let many = format!("q=a{}", "&filter=a=b".repeat(MAX_VALUES + 1));
        for (parameters, said) in [
            ("", "q,"),
            ("k=3", "q,"),
            ("q=a&k=0", "\"0\""),
            ("q=a&k=101", "\"101\""),
            ("q=a&k=-1", "\"-1\""),
            ("q=a&mode=best", "best"),
            ("q=a&filter=x", "\"x\""),
            ("q=a&chunks=maybe", "maybe"),
            ("q=a&diversity=NaN", "NaN"),
            ("q=a&diversity=2", "\"2\""),
            ("q=a&callback=x", "callback"),
            ("q=%ff", "UTF-8"),
            (&long, "2049"),
            (&many, "32"),
        ] {
            let refusal = search(parameters).unwrap_err();
            assert_eq!(refusal.status, http::StatusCode::BAD_REQUEST);
            assert!(
                refusal.message.contains(said),
                "{parameters}: {}",
                refusal.message
            );
        }
    }
}
