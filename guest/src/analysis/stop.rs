//! Stop words: the few words of each language that carry no topic.
//!
//! The lists are short and our own. Negations stay out of them (*not*, *without*), and in English so
//! do words that programs and manuals are looked up by (`this`, `if`, `while`, `where`, `not`).
//! Entries are folded: lower case, without diacritics and apostrophes, as terms are.

use super::language::Language;

/// Stop words of `language`; empty where we have none.
pub(super) fn stop_words(language: Language) -> &'static [&'static str] {
    lists()
        .find(|(code, _)| *code == language.code())
        .map_or(&[], |(_, words)| words)
}

/// All lists that this build has: language and words.
pub(super) fn lists() -> impl Iterator<Item = &'static (&'static str, &'static [&'static str])> {
    let others: &[_] = if cfg!(feature = "languages") {
        OTHERS
    } else {
        &[]
    };
    [&ENGLISH].into_iter().chain(others)
}

const ENGLISH: (&str, &[&str]) = (
    "en",
    &[
        "a", "am", "an", "and", "are", "as", "at", "be", "been", "but", "by", "can", "did", "do",
        "does", "for", "from", "had", "has", "have", "he", "her", "his", "how", "i", "in", "into",
        "is", "it", "its", "my", "of", "on", "or", "our", "she", "so", "such", "than", "that",
        "the", "their", "them", "then", "there", "these", "they", "those", "to", "was", "we",
        "were", "what", "which", "will", "with", "you", "your",
    ],
);

const OTHERS: &[(&str, &[&str])] = &[
    (
        "de",
        &[
            "aber", "als", "am", "an", "auch", "auf", "aus", "bei", "bis", "da", "das", "dass",
            "dem", "den", "der", "des", "die", "dies", "diese", "dieser", "dieses", "du", "durch",
            "ein", "eine", "einem", "einen", "einer", "eines", "er", "es", "fur", "hat", "ich",
            "ihr", "im", "in", "ist", "man", "mit", "nach", "noch", "nur", "oder", "sich", "sie",
            "sind", "so", "sowie", "um", "und", "von", "vom", "vor", "war", "was", "welche",
            "wenn", "werden", "wie", "wir", "wird", "wurde", "wurden", "zu", "zum", "zur",
        ],
    ),
    (
        "es",
        &[
            "a", "al", "como", "con", "cual", "de", "del", "el", "ella", "ellos", "en", "era",
            "es", "esta", "estas", "este", "esto", "estos", "fue", "ha", "han", "la", "las", "le",
            "les", "lo", "los", "mas", "me", "mi", "o", "para", "pero", "por", "que", "se", "ser",
            "si", "son", "su", "sus", "te", "tu", "un", "una", "unas", "uno", "unos", "y", "ya",
        ],
    ),
    (
        "fr",
        &[
            "a", "au", "aux", "avec", "c", "ce", "ces", "cet", "cette", "d", "dans", "de", "des",
            "du", "elle", "elles", "en", "est", "et", "eux", "il", "ils", "j", "je", "jusqu", "l",
            "la", "le", "les", "leur", "leurs", "lorsqu", "m", "ma", "mais", "mes", "mon", "n",
            "nos", "notre", "nous", "on", "ou", "par", "pour", "puisqu", "qu", "que", "qui", "s",
            "sa", "se", "ses", "son", "sont", "sur", "t", "ta", "tes", "ton", "tu", "un", "une",
            "vos", "votre", "vous", "y",
        ],
    ),
    (
        "it",
        &[
            "a", "ad", "agl", "ai", "al", "alla", "alle", "c", "che", "chi", "come", "con", "d",
            "da", "dal", "dalla", "degl", "degli", "dei", "del", "dell", "della", "delle", "dello",
            "di", "e", "ed", "era", "gl", "gli", "ha", "i", "il", "in", "io", "l", "la", "le",
            "lo", "ma", "mi", "nei", "nel", "nell", "nella", "nelle", "o", "per", "piu", "quest",
            "questa", "questo", "s", "se", "si", "sono", "su", "sul", "sulla", "t", "tra", "tu",
            "un", "una", "uno", "v",
        ],
    ),
    (
        "pt",
        &[
            "a", "ao", "aos", "as", "com", "como", "da", "das", "de", "do", "dos", "e", "ela",
            "ele", "eles", "em", "era", "essa", "esse", "esta", "este", "eu", "foi", "ha", "isso",
            "isto", "ja", "mais", "mas", "me", "na", "nas", "no", "nos", "o", "os", "ou", "para",
            "pela", "pelo", "por", "que", "quem", "se", "ser", "seu", "seus", "sua", "suas", "sao",
            "tem", "um", "uma",
        ],
    ),
    (
        "nl",
        &[
            "aan", "al", "als", "bij", "dan", "dat", "de", "deze", "die", "dit", "door", "een",
            "en", "er", "haar", "had", "heeft", "het", "hij", "hoe", "ik", "in", "is", "je", "kan",
            "maar", "me", "met", "mijn", "naar", "nog", "of", "om", "ook", "op", "over", "te",
            "tot", "uit", "van", "voor", "was", "wat", "we", "wel", "werd", "wordt", "ze", "zich",
            "zij", "zijn", "zo",
        ],
    ),
    (
        "sv",
        &[
            "alla", "att", "av", "de", "dem", "den", "denna", "det", "detta", "du", "eller", "en",
            "ett", "for", "fran", "han", "har", "hon", "hur", "i", "jag", "kan", "man", "med",
            "men", "nar", "och", "om", "pa", "sig", "sin", "som", "ska", "till", "upp", "var",
            "vi", "vid", "ar",
        ],
    ),
    (
        "da",
        &[
            "af", "alle", "at", "da", "de", "dem", "den", "der", "det", "du", "efter", "eller",
            "en", "er", "et", "for", "fra", "han", "har", "hun", "hvor", "i", "jeg", "kan", "man",
            "med", "men", "nar", "og", "om", "op", "pa", "sig", "sin", "skal", "som", "til", "var",
            "ved", "vi",
        ],
    ),
    (
        "no",
        &[
            "alle", "at", "av", "da", "de", "den", "der", "det", "du", "eller", "en", "er", "et",
            "etter", "for", "fra", "ham", "han", "har", "hun", "hvor", "i", "jeg", "kan", "man",
            "med", "men", "nar", "og", "om", "opp", "pa", "seg", "sin", "skal", "som", "til",
            "var", "ved", "vi",
        ],
    ),
    (
        "fi",
        &[
            "etta", "han", "he", "ja", "joka", "jos", "jotka", "kanssa", "kuin", "kun", "me",
            "mika", "mina", "mutta", "myos", "ne", "nyt", "oli", "olla", "on", "ovat", "se", "sen",
            "sina", "tai", "tama", "te", "vain", "voi",
        ],
    ),
    (
        "pl",
        &[
            "a", "aby", "ale", "albo", "by", "byl", "co", "czy", "dla", "do", "go", "i", "ich",
            "jak", "jako", "jego", "jej", "jest", "jesli", "juz", "ktora", "ktore", "ktory", "lub",
            "ma", "mi", "na", "o", "od", "oraz", "po", "przez", "przy", "sa", "sie", "ta", "tak",
            "tego", "ten", "to", "tym", "w", "we", "z", "za", "ze",
        ],
    ),
    (
        "cs",
        &[
            "a", "aby", "ale", "ani", "az", "byl", "byla", "bylo", "by", "co", "do", "i", "ja",
            "jak", "jako", "je", "jeho", "jej", "jen", "jsou", "k", "ke", "kde", "ktera", "ktere",
            "ktery", "na", "nebo", "o", "od", "po", "pro", "pri", "s", "se", "si", "ta", "tak",
            "ten", "to", "u", "v", "ve", "z", "za", "ze",
        ],
    ),
    (
        "hu",
        &[
            "a", "az", "be", "de", "egy", "el", "es", "ez", "ha", "hogy", "is", "ki", "le", "meg",
            "mint", "mar", "o", "ok", "van", "vagy", "volt",
        ],
    ),
    (
        "ro",
        &[
            "a", "al", "ale", "am", "ar", "au", "ca", "care", "ce", "cu", "de", "din", "doar",
            "este", "ei", "el", "ea", "fi", "iar", "in", "la", "mai", "o", "pe", "pentru", "prin",
            "sa", "sau", "se", "si", "sunt", "un", "unei", "unui",
        ],
    ),
    (
        "tr",
        &[
            "ama", "bir", "bu", "cok", "da", "daha", "de", "gibi", "her", "icin", "ile", "ise",
            "ki", "mi", "o", "olan", "olarak", "su", "ve", "veya", "ya",
        ],
    ),
    (
        "ca",
        &[
            "a", "al", "als", "amb", "com", "d", "de", "del", "dels", "el", "els", "en", "es",
            "ha", "hi", "i", "l", "la", "les", "m", "mes", "n", "o", "pel", "per", "que", "s",
            "se", "ser", "seva", "seu", "son", "t", "un", "una",
        ],
    ),
    (
        "id",
        &[
            "ada", "adalah", "akan", "atau", "bagi", "dalam", "dan", "dapat", "dari", "dengan",
            "di", "ini", "itu", "juga", "ke", "oleh", "pada", "saya", "sebagai", "untuk", "yang",
        ],
    ),
    (
        "ru",
        &[
            "а",
            "без",
            "бы",
            "был",
            "была",
            "были",
            "было",
            "в",
            "во",
            "вот",
            "все",
            "вы",
            "для",
            "до",
            "его",
            "ее",
            "если",
            "есть",
            "же",
            "за",
            "и",
            "из",
            "или",
            "им",
            "их",
            "к",
            "как",
            "ко",
            "который",
            "ли",
            "мы",
            "на",
            "но",
            "о",
            "об",
            "он",
            "она",
            "они",
            "оно",
            "от",
            "по",
            "при",
            "с",
            "со",
            "так",
            "также",
            "то",
            "у",
            "уже",
            "что",
            "чтобы",
            "это",
            "этот",
            "я",
        ],
    ),
    (
        "uk",
        &[
            "а", "або", "але", "був", "була", "були", "в", "вже", "ви", "від", "він", "вона",
            "вони", "до", "для", "за", "з", "і", "із", "й", "його", "та", "так", "то", "у", "це",
            "цей", "що", "щоб", "як", "який", "на", "ми", "про", "по", "при", "є", "ж", "чи", "я",
        ],
    ),
    (
        "ar",
        &[
            "ان",
            "او",
            "اي",
            "اذا",
            "الي",
            "التي",
            "الذي",
            "الذين",
            "ب",
            "تم",
            "ثم",
            "حيث",
            "ذلك",
            "عن",
            "علي",
            "عند",
            "في",
            "قد",
            "كان",
            "كانت",
            "كما",
            "كل",
            "ما",
            "مع",
            "من",
            "منذ",
            "هذا",
            "هذه",
            "هل",
            "هو",
            "هي",
            "و",
            "وقد",
            "وهو",
            "وهي",
            "يا",
        ],
    ),
    (
        "hi",
        &[
            "और",
            "एक",
            "इस",
            "इसे",
            "उस",
            "का",
            "कि",
            "की",
            "के",
            "को",
            "जो",
            "तो",
            "था",
            "थी",
            "थे",
            "ने",
            "पर",
            "भी",
            "में",
            "या",
            "यह",
            "वह",
            "से",
            "है",
            "हैं",
            "हो",
        ],
    ),
    (
        "el",
        &[
            "α",
            "αν",
            "απο",
            "αυτο",
            "για",
            "δε",
            "ειναι",
            "και",
            "με",
            "η",
            "να",
            "ο",
            "οι",
            "οτι",
            "που",
            "σε",
            "στη",
            "στην",
            "στο",
            "τα",
            "τη",
            "την",
            "τησ",
            "το",
            "τον",
            "του",
            "των",
            "ωσ",
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::super::fold::fold;
    use super::*;

    #[test]
    fn entries_are_folded_and_not_repeated() {
        for (code, words) in lists() {
            for (at, word) in words.iter().enumerate() {
                let mut folded = String::new();
                fold(word, &mut folded);
                assert_eq!(*word, folded, "{code}");
                assert!(!words[..at].contains(word), "{code} repeats {word}");
            }
        }
    }

    #[test]
    fn negations_are_not_stop_words() {
        for (code, word) in [("en", "not"), ("de", "nicht"), ("fr", "pas"), ("es", "no")] {
            assert!(!stop_words(Language::from_code(code)).contains(&word));
        }
    }
}
