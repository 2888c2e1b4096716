//! CSS selectors, as far as options need them: tags, `.class`, `#id`, `[attribute]`,
//! `[attribute=value]`, descendants (white space) and lists (commas).

use super::tree::{Id, Tree};

/// One selector: compound selectors from the outermost to the element itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Selector(Vec<Vec<Test>>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Any,
    Name(String),
    Class(String),
    Attribute(String, Option<String>),
}

/// Reads a list of selectors.
pub(super) fn list(text: &str) -> Result<Vec<Selector>, ()> {
    text.split(',').map(one).collect()
}

fn one(text: &str) -> Result<Selector, ()> {
    let steps: Vec<_> = text
        .split_whitespace()
        .map(compound)
        .collect::<Result<_, _>>()?;
    if steps.is_empty() {
        Err(())
    } else {
        Ok(Selector(steps))
    }
}

fn compound(text: &str) -> Result<Vec<Test>, ()> {
    let mut tests = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let mark = rest
            .chars()
            .next()
            .filter(|c| matches!(c, '.' | '#' | '[' | '*'));
        let body = &rest[mark.map_or(0, char::len_utf8)..];
        if mark == Some('*') {
            tests.push(Test::Any);
            rest = body;
            continue;
        }
        let len = if mark == Some('[') {
            body.find(']').ok_or(())?
        } else {
            body.find(['.', '#', '[', '*']).unwrap_or(body.len())
        };
        let (name, after) = body.split_at(len);
        if name.is_empty() || name.contains(['>', '+', '~', ':', '(', ')']) {
            return Err(());
        }
        tests.push(match mark {
            None => Test::Name(name.to_ascii_lowercase()),
            Some('.') => Test::Class(name.to_owned()),
            Some('#') => Test::Attribute("id".into(), Some(name.to_owned())),
            Some(_) => match name.split_once('=') {
                Some((name, value)) if !name.ends_with(['^', '$', '*', '~', '|']) => {
                    let value = value.trim_matches(['"', '\'']).to_owned();
                    Test::Attribute(name.to_ascii_lowercase(), Some(value))
                }
                Some(_) => return Err(()),
                None => Test::Attribute(name.to_ascii_lowercase(), None),
            },
        });
        rest = if mark == Some('[') {
            &after[1..]
        } else {
            after
        };
    }
    Ok(tests)
}

impl Selector {
    /// Whether the element matches.
    pub(super) fn matches(&self, tree: &Tree, id: Id) -> bool {
        let Some((last, outer)) = self.0.split_last() else {
            return false;
        };
        if !fits(tree, id, last) {
            return false;
        }
        let mut at = id;
        // The nearest fitting ancestor is always as good as any above it.
        for step in outer.iter().rev() {
            loop {
                if at == 0 {
                    return false;
                }
                at = tree.node_at(at).parent;
                if fits(tree, at, step) {
                    break;
                }
            }
        }
        true
    }
}

fn fits(tree: &Tree, id: Id, tests: &[Test]) -> bool {
    tests.iter().all(|test| match test {
        Test::Any => true,
        Test::Name(name) => tree.name(id) == name,
        Test::Class(class) => tree
            .attribute(id, "class")
            .is_some_and(|list| list.split_ascii_whitespace().any(|found| found == class)),
        Test::Attribute(name, None) => tree.attribute(id, name).is_some(),
        Test::Attribute(name, Some(value)) => tree.attribute(id, name) == Some(value),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_match_tags_classes_ids_attributes_and_descendants() {
        let page = "<div id=a class='x y'><p data-k=v>t</p></div><my-tag></my-tag>";
        let tree = Tree::parse(page, 100).unwrap();
        let hits = |text: &str| {
            let selectors = list(text).unwrap();
            tree.ids()
                .filter(|id| selectors.iter().any(|s| s.matches(&tree, *id)))
                .count()
        };
        assert_eq!(hits("div.x.y#a"), 1);
        assert_eq!(hits("#a p[data-k=\"v\"]"), 1);
        assert_eq!(hits("p div"), 0);
        assert_eq!(hits("p, my-tag"), 2);
        assert_eq!(hits(".z"), 0);
        for bad in ["", "a > b", "a:hover", "[x", "a,,b", "[a^=b]"] {
            assert!(list(bad).is_err(), "{bad}");
        }
    }
}
