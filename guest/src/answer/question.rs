//! What kind of thing a question asks for, as far as its question words tell.

/// What an answer should hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// A number or a date.
    Number,
    /// A name.
    Name,
    /// Anything.
    Any,
}

/// Words, and the words that follow, that ask for a number.
const NUMBER: &[&str] = &[
    "when",
    "how many",
    "how much",
    "how long",
    "how old",
    "how far",
    "how tall",
    "how large",
    "how big",
    "how high",
    "how fast",
    "how often",
    "what year",
    "which year",
    "what date",
    "what day",
    "what month",
    "what century",
    "what decade",
    "what percent",
    "what percentage",
    "what number",
    "what time",
    "what age",
    "wann",
    "wie viel",
    "wie viele",
    "wieviel",
    "wieviele",
    "wie lange",
    "welches jahr",
    "welchem jahr",
    "quand",
    "combien",
    "quelle année",
    "cuándo",
    "cuántos",
    "cuántas",
    "cuánto",
    "cuánta",
    "qué año",
    "quando",
    "quanti",
    "quante",
    "quanto",
    "wanneer",
    "hoeveel",
];

/// Words that ask for a name.
const NAME: &[&str] = &[
    "who",
    "whom",
    "whose",
    "where",
    "what city",
    "what country",
    "what state",
    "which country",
    "which city",
    "what company",
    "what organization",
    "what name",
    "wer",
    "wem",
    "wen",
    "wo",
    "qui",
    "où",
    "quién",
    "quiénes",
    "dónde",
    "chi",
    "dove",
    "quem",
    "onde",
    "wie heißt",
];

/// Words that ask, folded as terms are, beside those that are stop words.
const ASKING: &[&str] = &[
    "chi", "combien", "cuando", "cuanto", "cuantos", "donde", "dove", "hoeveel", "onde", "ou",
    "perche", "pourquoi", "quand", "quando", "quanto", "quem", "qui", "quien", "quienes", "waar",
    "waarom", "wann", "wanneer", "warum", "wem", "wen", "wer", "weshalb", "when", "where", "who",
    "whom", "whose", "why", "wie", "wieso", "wieviel", "wieviele", "wo",
];

/// Whether a folded word asks: it says what kind of thing the answer is, not what it is about.
pub(crate) fn asks(word: &str) -> bool {
    ASKING.binary_search(&word).is_ok()
}

/// What `question` asks for. A question word may stand anywhere: "In what year …?"
pub(crate) fn expected(question: &str) -> Expected {
    let mut spaced = String::from(" ");
    for word in question.split(|c: char| !c.is_alphanumeric()) {
        if !word.is_empty() {
            spaced.push_str(&word.to_lowercase());
            spaced.push(' ');
        }
    }
    let first = |words: &[&str]| {
        let places = words.iter().filter_map(|word| {
            let at = spaced.find(&[" ", word, " "].concat())?;
            Some(at)
        });
        places.min().unwrap_or(usize::MAX)
    };
    let (number, name) = (first(NUMBER), first(NAME));
    if number == usize::MAX && name == usize::MAX {
        Expected::Any
    } else if number <= name {
        Expected::Number
    } else {
        Expected::Name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_ask_are_known_by_themselves() {
        assert!(ASKING.is_sorted());
        assert!(asks("when") && asks("warum") && !asks("whenever") && !asks("harbour"));
    }

    #[test]
    fn question_words_tell_what_is_asked_for() {
        for (question, kind) in [
            ("When did the 1973 oil crisis begin?", Expected::Number),
            ("In what year was it?", Expected::Number),
            ("How many boats are there?", Expected::Number),
            ("Who proclaimed the embargo?", Expected::Name),
            ("By whom was it built when it was new?", Expected::Name),
            ("Wo liegt Hamburg?", Expected::Name),
            ("What is a tide?", Expected::Any),
            ("somewhere", Expected::Any),
            ("", Expected::Any),
        ] {
            assert_eq!(expected(question), kind, "{question}");
        }
    }
}
