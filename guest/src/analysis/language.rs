//! Languages by their BCP 47 primary subtag, and what analysis knows about each.

use frostem::{Algorithm, Stemmer};

/// A language, named by its BCP 47 primary subtag (`en`, `pt`, `zh`).
///
/// Every subtag of two or three ASCII letters is legal; those without a stemmer or stop words are
/// analysed by script alone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Language([u8; 3]);

impl Language {
    /// English.
    pub const ENGLISH: Self = Self(*b"en\0");
    /// Undetermined (`und`): no stemming, no stop words.
    pub const UNKNOWN: Self = Self(*b"und");

    /// The language of a BCP 47 tag: `pt-BR` is `pt`; region and script are ignored, case too.
    ///
    /// Retired and macro codes are mapped to their usual form (`iw` → `he`, `nb` and `nn` → `no`).
    /// What is not two or three ASCII letters is [`Language::UNKNOWN`].
    pub fn from_code(code: &str) -> Self {
        let primary = code.split(['-', '_']).next().unwrap_or_default().trim();
        if !(2..=3).contains(&primary.len()) || !primary.bytes().all(|b| b.is_ascii_alphabetic()) {
            return Self::UNKNOWN;
        }
        let mut bytes = [0; 3];
        for (to, from) in bytes.iter_mut().zip(primary.bytes()) {
            *to = from.to_ascii_lowercase();
        }
        match &bytes {
            b"iw\0" => Self(*b"he\0"),
            b"in\0" => Self(*b"id\0"),
            b"ji\0" => Self(*b"yi\0"),
            b"nb\0" | b"nn\0" => Self(*b"no\0"),
            b"cmn" | b"yue" => Self(*b"zh\0"),
            b"eng" => Self::ENGLISH,
            _ => Self(bytes),
        }
    }

    /// The primary subtag, lower case.
    pub fn code(&self) -> &str {
        let len = if self.0[2] == 0 { 2 } else { 3 };
        std::str::from_utf8(&self.0[..len]).unwrap_or("und")
    }

    /// Whether this build has a stemmer for the language. Index and query must agree on it.
    pub fn has_stemmer(self) -> bool {
        self.stemmer().is_some()
    }

    /// Whether this build analyses the language as every other does: always with the feature
    /// `languages`; without it, those that need nothing but what their script tells, and English.
    pub fn is_known(self) -> bool {
        cfg!(feature = "languages") || self == Self::ENGLISH || !SPECIAL.contains(&self.code())
    }

    /// The Snowball stemmer of the language, where this build has one.
    #[cfg(not(feature = "languages"))]
    pub(super) fn stemmer(self) -> Option<Stemmer> {
        (self == Self::ENGLISH).then(|| Stemmer::new(Algorithm::English))
    }

    /// The Snowball stemmer of the language, where this build has one.
    #[cfg(feature = "languages")]
    pub(super) fn stemmer(self) -> Option<Stemmer> {
        let name = match self.code() {
            "ar" => "arabic",
            "ca" => "catalan",
            "cs" => "czech",
            "da" => "danish",
            "de" => "german",
            "el" => "greek",
            "en" => "english",
            "eo" => "esperanto",
            "es" => "spanish",
            "et" => "estonian",
            "eu" => "basque",
            "fa" => "persian",
            "fi" => "finnish",
            "fr" => "french",
            "ga" => "irish",
            "hi" => "hindi",
            "hu" => "hungarian",
            "hy" => "armenian",
            "id" => "indonesian",
            "it" => "italian",
            "lt" => "lithuanian",
            "ne" => "nepali",
            "nl" => "dutch",
            "no" => "norwegian",
            "pl" => "polish",
            "pt" => "portuguese",
            "ro" => "romanian",
            "ru" => "russian",
            "sr" => "serbian",
            "st" => "sesotho",
            "sv" => "swedish",
            "ta" => "tamil",
            "tr" => "turkish",
            "uk" => "ukrainian",
            "yi" => "yiddish",
            _ => return None,
        };
        // Looked up by name, so a build with fewer stemmers still compiles.
        Algorithm::from_name(name).ok().map(Stemmer::new)
    }

    /// Whether the language is written in another script than Latin; its Latin words are then
    /// analysed as English.
    pub(super) fn is_non_latin(self) -> bool {
        matches!(
            self.code(),
            "am" | "ar"
                | "be"
                | "bg"
                | "bn"
                | "el"
                | "fa"
                | "gu"
                | "he"
                | "hi"
                | "hy"
                | "ja"
                | "ka"
                | "kk"
                | "km"
                | "kn"
                | "ko"
                | "lo"
                | "mk"
                | "ml"
                | "mr"
                | "my"
                | "ne"
                | "pa"
                | "ru"
                | "si"
                | "ta"
                | "te"
                | "th"
                | "ti"
                | "uk"
                | "ur"
                | "yi"
                | "zh"
        )
    }

    /// Words that lose their vowel before an apostrophe (`l'homme`), folded.
    #[cfg(not(feature = "languages"))]
    #[expect(clippy::unused_self, reason = "the other build asks the language")]
    pub(super) fn elisions(self) -> &'static [&'static str] {
        &[]
    }

    /// Words that lose their vowel before an apostrophe (`l'homme`), folded.
    #[cfg(feature = "languages")]
    pub(super) fn elisions(self) -> &'static [&'static str] {
        match self.code() {
            "fr" => &[
                "c", "d", "j", "jusqu", "l", "lorsqu", "m", "n", "puisqu", "qu", "quoiqu", "s", "t",
            ],
            "it" => &[
                "agl", "all", "c", "coll", "d", "dagl", "dall", "degl", "dell", "gl", "l", "m",
                "negl", "nell", "quell", "quest", "s", "sugl", "sull", "t", "tutt", "un", "v",
            ],
            "ca" | "oc" => &["d", "l", "m", "n", "s", "t"],
            "ga" => &["b", "d", "m"],
            _ => &[],
        }
    }
}

/// Languages other than English of which analysis knows more than the script: stemmers, stop words,
/// elisions.
const SPECIAL: &[&str] = &[
    "ar", "ca", "cs", "da", "de", "el", "eo", "es", "et", "eu", "fa", "fi", "fr", "ga", "hi", "hu",
    "hy", "id", "it", "lt", "ne", "nl", "no", "oc", "pl", "pt", "ro", "ru", "sr", "st", "sv", "ta",
    "tr", "uk", "yi",
];

impl Default for Language {
    fn default() -> Self {
        Self::UNKNOWN
    }
}

impl std::fmt::Debug for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Language({})", self.code())
    }
}

impl std::fmt::Display for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::stop::{lists, stop_words};

    #[test]
    fn a_tag_gives_its_primary_subtag() {
        for (tag, code) in [
            ("en", "en"),
            ("pt-BR", "pt"),
            ("zh_Hant", "zh"),
            ("NB", "no"),
            ("gsw", "gsw"),
            ("", "und"),
            ("x", "und"),
            ("english", "und"),
            ("é", "und"),
        ] {
            assert_eq!(Language::from_code(tag).code(), code, "{tag}");
        }
    }

    #[test]
    fn a_small_build_knows_which_languages_it_lacks() {
        for [a, b] in ('a'..='z').flat_map(|a| ('a'..='z').map(move |b| [a, b])) {
            let code: String = [a, b].into_iter().collect();
            let language = Language::from_code(&code);
            let is_special = language != Language::ENGLISH
                && (language.has_stemmer()
                    || !language.elisions().is_empty()
                    || !stop_words(language).is_empty());
            assert_eq!(SPECIAL.contains(&language.code()), is_special, "{code}");
            assert!(language.is_known());
        }
        assert!(lists().all(|(code, _)| code.len() == 2));
    }

    #[test]
    fn the_named_stemmers_exist() {
        for code in [
            "en", "de", "es", "fr", "pt", "ru", "ar", "hi", "no", "fa", "cs", "ga",
        ] {
            assert!(Language::from_code(code).has_stemmer(), "{code}");
        }
        assert!(!Language::from_code("ja").has_stemmer());
    }
}
