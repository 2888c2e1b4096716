//! Which language a text is in: by its script, and within a script by its letters and commonest
//! words.
//!
//! The tables are our own and small. A text of a sentence or two is enough for the languages with a
//! word list; one line of a few words is a guess, and Latin text without any evidence is taken for
//! English when it is plain ASCII, since that is what code and names are.

mod latin;

use std::sync::OnceLock;

use latin::{LETTERS, WORDS};

use super::fold::{fold, lower};
use super::language::Language;
use super::stop::lists;

/// Bytes looked at.
const LOOK_BYTES: usize = 2048;

/// The language of `text`, judged by its first 2 KiB; [`Language::UNKNOWN`] where it has no letters
/// or nothing speaks for any language.
pub fn detect(text: &str) -> Language {
    let text = super::memo::cut(text, LOOK_BYTES);
    let mut scripts = Scripts::default();
    for c in text.chars() {
        scripts.count(c);
    }
    // A page about software in any language is half made of ASCII.
    if let Some(language) = scripts.not_latin(text) {
        return language;
    }
    latin_language(text)
}

/// Letters per script.
#[derive(Default)]
struct Scripts {
    latin: u32,
    kana: u32,
    han: u32,
    hangul: u32,
    cyrillic: u32,
    arabic: u32,
    greek: u32,
    hebrew: u32,
    devanagari: u32,
    /// Of a script that one language is known by: its code and count.
    single: [u32; SINGLE.len()],
}

/// Scripts that stand for one language.
const SINGLE: [(u32, u32, &str); 16] = [
    (0x0530, 0x058F, "hy"),
    (0x0980, 0x09FF, "bn"),
    (0x0A00, 0x0A7F, "pa"),
    (0x0A80, 0x0AFF, "gu"),
    (0x0B00, 0x0B7F, "or"),
    (0x0B80, 0x0BFF, "ta"),
    (0x0C00, 0x0C7F, "te"),
    (0x0C80, 0x0CFF, "kn"),
    (0x0D00, 0x0D7F, "ml"),
    (0x0D80, 0x0DFF, "si"),
    (0x0E00, 0x0E7F, "th"),
    (0x0E80, 0x0EFF, "lo"),
    (0x1000, 0x109F, "my"),
    (0x10A0, 0x10FF, "ka"),
    (0x1200, 0x139F, "am"),
    (0x1780, 0x17FF, "km"),
];

impl Scripts {
    fn count(&mut self, c: char) {
        let code = u32::from(c);
        let counter = match code {
            _ if c.is_ascii_alphabetic() => &mut self.latin,
            0x00C0..=0x024F | 0x1E00..=0x1EFF => &mut self.latin,
            0x0370..=0x03FF | 0x1F00..=0x1FFF => &mut self.greek,
            0x0400..=0x052F => &mut self.cyrillic,
            0x0590..=0x05FF => &mut self.hebrew,
            0x0600..=0x06FF | 0x0750..=0x077F | 0xFB50..=0xFDFF | 0xFE70..=0xFEFC => {
                &mut self.arabic
            }
            0x0900..=0x097F => &mut self.devanagari,
            0x3041..=0x30FF | 0xFF66..=0xFF9D => &mut self.kana,
            0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0x20000..=0x3FFFF => &mut self.han,
            0x1100..=0x11FF | 0x3131..=0x318E | 0xAC00..=0xD7A3 => &mut self.hangul,
            _ => {
                match SINGLE
                    .iter()
                    .position(|(first, last, _)| (first..=last).contains(&&code))
                {
                    Some(at) => &mut self.single[at],
                    None => return,
                }
            }
        };
        *counter += 1;
    }

    /// The language where another script than Latin is more than an occasional quotation.
    fn not_latin(&self, text: &str) -> Option<Language> {
        let cjk = self.kana + self.han;
        let mut best = (0, "");
        let mut offer = |count, code| {
            if count > best.0 {
                best = (count, code);
            }
        };
        // One ideograph says about as much as three letters.
        offer(3 * cjk, if self.kana * 12 >= cjk { "ja" } else { "zh" });
        offer(2 * self.hangul, "ko");
        offer(self.cyrillic, cyrillic(text));
        offer(self.arabic, arabic(text));
        offer(self.greek, "el");
        offer(self.hebrew, "he");
        offer(self.devanagari, devanagari(text));
        for (count, (_, _, code)) in self.single.iter().zip(&SINGLE) {
            offer(*count, code);
        }
        (best.0 > 0 && best.0 * 5 >= self.latin).then(|| Language::from_code(best.1))
    }
}

fn cyrillic(text: &str) -> &'static str {
    let has = |letters: &[char]| text.matches(letters).count();
    let ukrainian = has(&['і', 'ї', 'є', 'ґ', 'І', 'Ї', 'Є']);
    let belarusian = has(&['ў', 'Ў']);
    let serbian = has(&['ј', 'љ', 'њ', 'ћ', 'ђ', 'џ', 'Ј']);
    let macedonian = has(&['ѓ', 'ќ', 'ѕ']);
    let kazakh = has(&['қ', 'ғ', 'ң', 'ө', 'ұ', 'ү', 'ә']);
    let russian = has(&['ы', 'э', 'ё', 'Э']);
    if kazakh > 0 {
        "kk"
    } else if belarusian > 0 {
        "be"
    } else if serbian > russian {
        if macedonian > 0 { "mk" } else { "sr" }
    } else if ukrainian > russian {
        "uk"
    } else if russian == 0 && has(&['ъ']) * 100 > has(&['а', 'о', 'е']) {
        "bg"
    } else {
        "ru"
    }
}

fn arabic(text: &str) -> &'static str {
    let has = |letters: &[char]| text.matches(letters).count();
    if has(&['ٹ', 'ڈ', 'ڑ', 'ے', 'ں']) > 0 {
        "ur"
    } else if has(&['پ', 'چ', 'ژ', 'گ', 'ک', 'ی']) > has(&['ة', 'ي', 'ى', 'أ', 'إ', 'ك'])
    {
        "fa"
    } else {
        "ar"
    }
}

fn devanagari(text: &str) -> &'static str {
    let has = |words: &[&str]| {
        text.split_whitespace()
            .filter(|w| words.contains(w))
            .count()
    };
    let hindi = has(&[
        "है",
        "हैं",
        "में",
        "के",
        "की",
        "का",
        "और",
        "से",
        "को",
        "है।",
        "करें",
        "करें:",
    ]);
    let marathi = has(&["आहे", "आणि", "आहेत", "मध्ये", "होते", "हे"]);
    let nepali = has(&["छ", "र", "छन्", "हो", "गर्न", "भएको", "मा"]);
    if marathi > hindi && marathi >= nepali {
        "mr"
    } else if nepali > hindi {
        "ne"
    } else {
        "hi"
    }
}

/// Every listed word with a language that has it, sorted.
fn words() -> &'static [(&'static str, &'static str)] {
    static TABLE: OnceLock<Vec<(&str, &str)>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let stops = lists().flat_map(|(code, words)| words.iter().map(|w| (*w, *code)));
        let more = WORDS
            .iter()
            .flat_map(|(code, words)| words.split(' ').map(|w| (w, *code)));
        let mut table: Vec<_> = stops.chain(more).collect();
        table.sort_unstable();
        table.dedup();
        table
    })
}

fn latin_language(text: &str) -> Language {
    let mut scores: Vec<(&str, i32)> = Vec::new();
    let mut add = |code: &'static str, points: i32| match scores.iter_mut().find(|s| s.0 == code) {
        Some(score) => score.1 += points,
        None => scores.push((code, points)),
    };
    let table = words();
    let (mut lowered, mut folded) = (String::new(), String::new());
    let mut any_letter = false;
    for written in text.split(|c: char| !c.is_alphanumeric() && !super::scan::extends(c)) {
        if written.is_empty() || written.len() > 40 || !written.chars().any(char::is_alphabetic) {
            continue;
        }
        any_letter = true;
        lowered.clear();
        folded.clear();
        lower(written, false, &mut lowered);
        fold(&lowered, &mut folded);
        // A word that one language has says much, one that six have little; longer ones say more.
        let first = table.partition_point(|(word, _)| *word < folded.as_str());
        let holders = table[first..]
            .iter()
            .take_while(|(word, _)| *word == folded);
        let sharing = holders.clone().count() as i32;
        let length = folded.len().min(4) as i32;
        for (_, code) in holders {
            add(code, (6 + 4 * length) / sharing);
        }
        if !lowered.is_ascii() {
            for &(code, letters, points) in LETTERS {
                let count = lowered.chars().filter(|&c| letters.contains(c)).count();
                if count > 0 {
                    add(code, points * count as i32);
                }
            }
        }
    }
    for (code, signs) in [("es", &['¿', '¡'][..]), ("ca", &['·'][..])] {
        let count = text.matches(signs).count() as i32;
        if count > 0 {
            add(code, 8 * count);
        }
    }
    let best = scores
        .iter()
        .max_by_key(|(code, score)| (*score, *code == "en", *code < "m"));
    match best {
        Some((code, score)) if *score >= 6 => Language::from_code(code),
        _ if any_letter && text.is_ascii() => Language::ENGLISH,
        _ => Language::UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_tells_its_language() {
        for (code, text) in [
            ("en", "The quick brown fox jumps over the lazy dog."),
            (
                "de",
                "Der schnelle braune Fuchs springt über den faulen Hund.",
            ),
            ("es", "El veloz zorro marrón salta sobre el perro perezoso."),
            ("fr", "Le renard brun saute par-dessus le chien paresseux."),
            ("pt", "A rápida raposa marrom salta sobre o cão preguiçoso."),
            (
                "it",
                "La volpe veloce salta sopra il cane pigro che dorme nella casa.",
            ),
            (
                "nl",
                "De snelle bruine vos springt over de luie hond en het huis.",
            ),
            (
                "sv",
                "Den snabba bruna räven hoppar över den lata hunden och katten.",
            ),
            (
                "pl",
                "Szybki brązowy lis przeskakuje nad leniwym psem i nie jest zmęczony.",
            ),
            (
                "tr",
                "Hızlı kahverengi tilki tembel köpeğin üzerinden atlar ve koşar.",
            ),
            (
                "ru",
                "Быстрая коричневая лиса прыгает через ленивую собаку.",
            ),
            (
                "uk",
                "Швидка коричнева лисиця стрибає через лінивого собаку і кота.",
            ),
            ("ar", "الثعلب البني السريع يقفز فوق الكلب الكسول."),
            ("fa", "روباه قهوه‌ای سریع از روی سگ تنبل می‌پرد."),
            ("hi", "तेज़ भूरी लोमड़ी आलसी कुत्ते के ऊपर कूदती है।"),
            ("zh", "敏捷的棕色狐狸跳过了懒狗。"),
            ("ja", "素早い茶色の狐がのろまな犬を飛び越える。"),
            ("ko", "빠른 갈색 여우가 게으른 개를 뛰어넘는다."),
            ("th", "สุนัขจิ้งจอกสีน้ำตาลกระโดดข้ามสุนัขขี้เกียจ"),
            (
                "el",
                "Η γρήγορη καφέ αλεπού πηδάει πάνω από το τεμπέλικο σκυλί.",
            ),
            ("he", "השועל החום המהיר קופץ מעל הכלב העצלן."),
        ] {
            assert_eq!(detect(text).code(), code, "{text}");
        }
    }

    #[test]
    fn text_without_letters_has_no_language() {
        assert_eq!(detect(""), Language::UNKNOWN);
        assert_eq!(detect("1, 2, 3 — 4"), Language::UNKNOWN);
    }

    #[test]
    fn names_alone_are_taken_for_english() {
        assert_eq!(detect("Array.prototype.map()"), Language::ENGLISH);
    }
}
