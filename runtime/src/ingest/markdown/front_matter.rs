//! Front matter: YAML between `---` lines or TOML between `+++` lines.
//!
//! The YAML reader takes what front matter is made of (scalars, quoted or folded; lists in either
//! form) and passes over the rest. It never fails: a page with odd front matter is still a page.

use std::collections::BTreeMap;

use crate::ingest::clean;

/// Front matter longer than this is text, in bytes.
const MAX_BYTES: usize = 64 << 10;

/// The fields that matter to a search.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct FrontMatter {
    pub(super) title: String,
    pub(super) lang: Option<String>,
    /// `permalink`, `url` or `slug`, as given.
    pub(super) url: Option<String>,
    pub(super) meta: BTreeMap<String, String>,
    pub(super) filters: BTreeMap<String, Vec<String>>,
    pub(super) sort: BTreeMap<String, String>,
    /// The page is not to be found: a draft, or out of the search.
    pub(super) hidden: bool,
}

/// Reads the front matter of a file; also its text without it.
pub(super) fn read(text: &str) -> (FrontMatter, &str) {
    let text = text.trim_start_matches('\u{feff}');
    let mut front = FrontMatter::default();
    for (fence, is_toml) in [("---", false), ("+++", true)] {
        let Some((block, rest)) = split(text, fence) else {
            continue;
        };
        if is_toml {
            let Ok(table) = block.parse::<toml::Table>() else {
                return (front, rest);
            };
            for (key, value) in &table {
                front.take(key, &toml_values(value));
            }
        } else {
            for (key, values) in yaml(block) {
                front.take(&key, &values);
            }
        }
        return (front, rest);
    }
    (front, text)
}

fn split<'a>(text: &'a str, fence: &str) -> Option<(&'a str, &'a str)> {
    let first = text.lines().next()?;
    if first.trim_end() != fence {
        return None;
    }
    let body = &text[(first.len() + 1).min(text.len())..];
    let mut at = 0;
    for line in body.split_inclusive('\n') {
        if line.trim_end() == fence || fence == "---" && line.trim_end() == "..." {
            return Some((&body[..at], &body[at + line.len()..]));
        }
        at += line.len();
        if at > MAX_BYTES {
            return None;
        }
    }
    None
}

impl FrontMatter {
    fn take(&mut self, key: &str, values: &[String]) {
        let values: Vec<String> = values
            .iter()
            .map(|v| clean::line(v))
            .filter(|v| !v.is_empty())
            .collect();
        let Some(first) = values.first().cloned() else {
            return;
        };
        match key.to_ascii_lowercase().as_str() {
            "title" => self.title = first,
            "lang" | "language" | "locale" => self.lang = clean::lang(&first),
            "permalink" => self.url = Some(first),
            "url" | "slug" => self.url = Some(self.url.take().unwrap_or(first)),
            "description" | "summary" | "excerpt" => {
                self.meta.entry("description".into()).or_insert(first);
            }
            key @ ("author" | "image") => {
                self.meta.insert(key.to_owned(), values.join(", "));
            }
            "date" => {
                self.meta.insert("date".into(), first.clone());
                self.sort.insert("date".into(), first);
            }
            key @ ("tags" | "categories" | "keywords") => {
                let values = match values.as_slice() {
                    [one] => one.split(',').map(|v| v.trim().to_owned()).collect(),
                    _ => values,
                };
                self.filters.insert(key.to_owned(), values);
            }
            "draft" | "noindex" | "unlisted" => self.hidden |= first == "true",
            "search" | "published" => self.hidden |= first == "false",
            "robots" => self.hidden |= first.contains("noindex"),
            _ => {}
        }
    }
}

fn toml_values(value: &toml::Value) -> Vec<String> {
    match value {
        toml::Value::String(text) => vec![text.clone()],
        toml::Value::Array(values) => values.iter().flat_map(toml_values).take(1000).collect(),
        toml::Value::Table(_) => Vec::new(),
        toml::Value::Integer(number) => vec![number.to_string()],
        toml::Value::Float(number) => vec![number.to_string()],
        toml::Value::Boolean(truth) => vec![truth.to_string()],
        toml::Value::Datetime(time) => vec![time.to_string()],
    }
}

/// Top-level keys with their values.
fn yaml(block: &str) -> Vec<(String, Vec<String>)> {
    let mut out: Vec<(String, Vec<String>)> = Vec::new();
    // The value goes on over indented lines: a list, or text.
    let mut text = false;
    for line in block.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let indented = line.starts_with([' ', '\t']);
        if let Some((_, values)) = out
            .last_mut()
            .filter(|_| indented || trimmed.starts_with("- "))
        {
            if let Some(item) = trimmed.strip_prefix("- ").filter(|_| !text) {
                values.push(scalar(item));
            } else if text {
                let so_far = values.pop().unwrap_or_default();
                values.push(format!("{so_far} {trimmed}"));
            }
            continue;
        }
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        let value = value.trim();
        text = value.starts_with(['>', '|']) && value.len() <= 3;
        let values = if text || value.is_empty() {
            Vec::new()
        } else if let Some(list) = value.strip_prefix('[').and_then(|v| v.strip_suffix(']')) {
            items(list)
        } else {
            text = !value.starts_with(['"', '\'', '{', '[']);
            vec![scalar(value)]
        };
        out.push((scalar(key), values));
    }
    out
}

/// The items of a list on one line; commas within quotes belong to the item.
fn items(list: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut quote = None;
    let mut start = 0;
    for (at, c) in list.char_indices() {
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (',', None) => {
                out.push(scalar(&list[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    out.push(scalar(&list[start..]));
    out
}

/// A scalar without its quotes or trailing comment.
fn scalar(text: &str) -> String {
    let text = text.trim();
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|t| t.rsplit_once(quote)) {
            return if quote == '"' {
                inner
                    .0
                    .replace("\\\"", "\"")
                    .replace("\\n", " ")
                    .replace("\\\\", "\\")
            } else {
                inner.0.replace("''", "'")
            };
        }
    }
    text.split(" #")
        .next()
        .unwrap_or_default()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_and_toml_front_matter_give_the_same_fields() {
        let yaml = "---\ntitle: \"A \\\"b\\\": c\"\ntags: [x, 'y, z']\ndate: 2024-01-02 # day\n\
                    description: >-\n  two\n  lines\nlang: pt_BR\nslug: /a\nodd\n---\nbody";
        let toml = "+++\ntitle = 'A \"b\": c'\ntags = ['x', 'y, z']\ndate = 2024-01-02\n\
                    description = 'two lines'\nlang = 'pt_BR'\nslug = '/a'\n+++\nbody";
        let (front, body) = read(yaml);
        assert_eq!(read(toml), (read(yaml).0, "body"));
        assert_eq!(body, "body");
        assert_eq!(front.title, "A \"b\": c");
        assert_eq!(front.filters["tags"], ["x", "y, z"]);
        assert_eq!(front.meta["description"], "two lines");
        assert_eq!(front.sort["date"], "2024-01-02");
        assert_eq!(front.lang.as_deref(), Some("pt-BR"));
        assert_eq!(front.url.as_deref(), Some("/a"));
    }

    #[test]
    fn lists_may_be_written_over_several_lines() {
        let (front, _) = read("---\ntags:\n  - a\n  - b c\ncategories:\n- d\ntitle: T\n---\n");
        assert_eq!(front.filters["tags"], ["a", "b c"]);
        assert_eq!(front.filters["categories"], ["d"]);
        assert_eq!(front.title, "T");
    }

    #[test]
    fn a_rule_or_an_open_fence_is_not_front_matter() {
        for text in ["---\nno end", "text\n---\n", "----\na: b\n---\n", ""] {
            assert_eq!(read(text).1, text);
        }
    }
}
