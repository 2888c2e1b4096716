//! Compounds to tokens.

use super::beginnings::Beginnings;
use super::fold::{fold, lower};
use super::language::Language;
use super::memo::Memo;
use super::scan::{Class, Compound, Segment, extends};
use super::{MAX_TERM_BYTES, Token, TokenKind, unicode};

/// Segments beyond which a compound is not a name but a list.
const MAX_WHOLE_SEGMENTS: usize = 8;

/// Endings that an apostrophe separates from a word (`John's`, `she'll`).
const CLITICS: &[&str] = &["d", "ll", "m", "re", "s", "ve"];

/// Sends the tokens of one text to a caller.
pub(super) struct Emitter<'a> {
    text: &'a str,
    elisions: &'static [&'static str],
    suffixes: bool,
    wanted: Option<&'a Beginnings>,
    memo: &'a mut Memo,
    buffer: &'a mut String,
    each: &'a mut dyn FnMut(Token<'_>),
    position: u32,
}

impl<'a> Emitter<'a> {
    pub(super) fn new(
        text: &'a str,
        language: Language,
        wanted: Option<&'a Beginnings>,
        memo: &'a mut Memo,
        buffer: &'a mut String,
        each: &'a mut dyn FnMut(Token<'_>),
    ) -> Self {
        Self {
            text,
            elisions: language.elisions(),
            // Turkish sets endings off from names: Ankara'da.
            suffixes: matches!(language.code(), "tr" | "az"),
            wanted,
            memo,
            buffer,
            each,
            position: 0,
        }
    }

    pub(super) fn compound(&mut self, compound: &Compound) {
        match compound.class {
            Class::Unspaced => self.run(compound.start, compound.end),
            Class::Hangul => self.hangul(compound.start, compound.end),
            Class::Spaced => self.words(compound),
            Class::Operator => {
                let (start, end) = (compound.start, compound.end);
                let written = &self.text[start..end];
                send(
                    self.each,
                    written,
                    written,
                    self.position,
                    (start, end),
                    TokenKind::Whole,
                );
            }
        }
    }

    fn words(&mut self, compound: &Compound) {
        let segments = &compound.segments[..];
        if let Some((start, end)) = compound.tag {
            self.tag(start, end);
        }
        if let [segment] = segments
            && (segment.start, segment.end) == (compound.start, compound.end)
        {
            self.segment(*segment);
            return;
        }
        for (at, segment) in segments.iter().enumerate() {
            self.wholes(compound, at);
            let position = self.position;
            self.segment(*segment);
            if at == 0 && position != self.position && segment.start == compound.start {
                self.joined(segments, position);
            }
        }
    }

    /// The wholes that begin at segment `at`, longest first.
    fn wholes(&mut self, compound: &Compound, at: usize) {
        let segments = &compound.segments[..];
        let mut longer = usize::MAX;
        for tightness in [3, 2, 1] {
            if at > 0 && segments[at].joint <= tightness {
                continue;
            }
            let rest = &segments[at + 1..];
            let len = 1 + rest.iter().take_while(|s| s.joint <= tightness).count();
            let start = if at == 0 {
                compound.start
            } else {
                segments[at].start
            };
            let last = at + len == segments.len();
            let end = if last {
                compound.end
            } else {
                segments[at + len - 1].end
            };
            let marked = len > 1 || start < segments[at].start || end > segments[at].end;
            if marked && len < longer {
                longer = len;
                if len <= MAX_WHOLE_SEGMENTS {
                    self.whole(&segments[at..at + len], start, end);
                }
            }
        }
        // `--no-verify` is asked for as `no-verify` too.
        let named = segments[at].start;
        if at == 0
            && segments.len() > 1
            && compound.start < named
            && segments.len() <= MAX_WHOLE_SEGMENTS
        {
            self.whole(segments, named, compound.end);
        }
    }

    fn whole(&mut self, segments: &[Segment], start: usize, end: usize) {
        if end - start > 4 * MAX_TERM_BYTES {
            return;
        }
        self.buffer.clear();
        let mut from = start;
        for segment in segments {
            match &self.text[from..segment.start] {
                "," => {}
                mark if mark.is_ascii() => self.buffer.push_str(mark),
                _ => self.buffer.push('-'),
            }
            let written = &self.text[segment.start..segment.end];
            if segment.ascii && !segment.apostrophe {
                self.buffer
                    .extend(written.bytes().map(|b| char::from(b.to_ascii_lowercase())));
            } else {
                let mut lowered = String::with_capacity(written.len());
                lower(written, false, &mut lowered);
                fold(&lowered, self.buffer);
            }
            from = segment.end;
        }
        self.buffer.push_str(&self.text[from..end]);
        if self.buffer.len() <= MAX_TERM_BYTES {
            send(
                self.each,
                self.buffer,
                self.buffer,
                self.position,
                (start, end),
                TokenKind::Whole,
            );
        }
    }

    /// `<name>` for the element that opens at `start`.
    fn tag(&mut self, start: usize, end: usize) {
        let name = self.text[start + 1..end].trim_end_matches(['/', '>']);
        self.buffer.clear();
        self.buffer.push('<');
        self.buffer
            .extend(name.bytes().map(|b| char::from(b.to_ascii_lowercase())));
        self.buffer.push('>');
        send(
            self.each,
            self.buffer,
            self.buffer,
            self.position,
            (start, end),
            TokenKind::Whole,
        );
    }

    /// What the segments are without their joints, where people write them so too: the acronym
    /// `u.s.a` and the prefixed word `e-mail`.
    fn joined(&mut self, segments: &[Segment], position: u32) {
        let (Some(first), Some(last)) = (segments.first(), segments.last()) else {
            return;
        };
        let text = self.text;
        let letters = |s: &Segment| {
            text[s.start..s.end]
                .bytes()
                .all(|b| b.is_ascii_alphabetic())
        };
        let joint = |s: &[Segment]| &text[s[0].end..s[1].start];
        let acronym = segments.len() > 1
            && segments.iter().all(|s| s.end - s.start == 1 && letters(s))
            && segments.windows(2).all(|pair| joint(pair) == ".");
        let prefixed = segments.len() == 2
            && first.end - first.start <= 2
            && segments.iter().all(letters)
            && joint(segments) == "-";
        if acronym || prefixed {
            self.buffer.clear();
            for segment in segments {
                self.buffer.push_str(&text[segment.start..segment.end]);
            }
            let forms = self.memo.forms(self.buffer);
            let span = (first.start, last.end);
            send(
                self.each,
                forms.term,
                forms.word,
                position,
                span,
                TokenKind::Part,
            );
        }
    }

    fn segment(&mut self, segment: Segment) {
        if segment.apostrophe {
            self.apostrophised(segment.start, segment.end);
            return;
        }
        if let Some(wanted) = self.wanted
            && segment.ascii
            && !segment.inner_upper
            && !wanted.allow(&self.text.as_bytes()[segment.start..segment.end])
        {
            self.position = self.position.saturating_add(1);
            return;
        }
        let position = self.position;
        if self.word(segment.start, segment.end, segment.start, segment.end)
            && segment.inner_upper
            && segment.ascii
        {
            self.camel(segment.start, segment.end, position);
        }
    }

    /// Sends the word written at `from..to`, whose token spans `start..end`.
    fn word(&mut self, from: usize, to: usize, start: usize, end: usize) -> bool {
        let forms = self.memo.forms(&self.text[from..to]);
        if forms.word.is_empty() {
            return false;
        }
        let kind = if forms.stop {
            TokenKind::Stop
        } else {
            TokenKind::Word
        };
        send(
            self.each,
            forms.term,
            forms.word,
            self.position,
            (start, end),
            kind,
        );
        self.position = self.position.saturating_add(1);
        true
    }

    fn part(&mut self, start: usize, end: usize, position: u32) {
        let forms = self.memo.forms(&self.text[start..end]);
        if !forms.word.is_empty() && !forms.stop {
            send(
                self.each,
                forms.term,
                forms.word,
                position,
                (start, end),
                TokenKind::Part,
            );
        }
    }

    fn camel(&mut self, start: usize, end: usize, position: u32) {
        let bytes = &self.text.as_bytes()[start..end];
        let mut from = 0;
        for at in 2..bytes.len().saturating_sub(1) {
            let upper = bytes[at].is_ascii_uppercase();
            let hump = upper
                && if bytes[at - 1].is_ascii_uppercase() {
                    // HTML|Element, but not URLs.
                    bytes[at + 1].is_ascii_lowercase()
                        && bytes.get(at + 2).is_some_and(u8::is_ascii_lowercase)
                } else {
                    true
                };
            if hump && at - from >= 2 {
                self.part(start + from, start + at, position);
                from = at;
            }
        }
        if from > 0 {
            self.part(start + from, end, position);
        }
    }

    fn apostrophised(&mut self, start: usize, end: usize) {
        let written = &self.text[start..end];
        let Some((at, mark)) = written
            .char_indices()
            .find(|(_, c)| matches!(c, '\'' | '\u{2019}' | '\u{2BC}' | '\u{FF07}'))
        else {
            self.word(start, end, start, end);
            return;
        };
        let (head, tail) = (&written[..at], &written[at + mark.len_utf8()..]);
        let tail_start = end - tail.len();
        if !self.elisions.is_empty() && self.elisions.contains(&self.memo.forms(head).word) {
            self.word(start, start + at, start, start + at);
            let apostrophe = tail.contains(['\'', '\u{2019}', '\u{2BC}', '\u{FF07}']);
            if apostrophe {
                self.apostrophised(tail_start, end);
            } else {
                self.word(tail_start, end, tail_start, end);
            }
        } else if self.suffixes
            || self.elisions.is_empty() && CLITICS.iter().any(|c| tail.eq_ignore_ascii_case(c))
        {
            self.word(start, start + at, start, end);
        } else {
            let position = self.position;
            let one = self.word(start, end, start, end);
            if one && head.len() == 1 && tail.len() > 2 {
                self.part(tail_start, end, position);
            }
        }
    }

    fn hangul(&mut self, start: usize, end: usize) {
        let position = self.position;
        if !self.word(start, end, start, end) {
            return;
        }
        self.buffer.clear();
        // Composed first, for a syllable may be written as its letters.
        self.buffer.extend(unicode::nfkc(&self.text[start..end]));
        let exact = *self.buffer == self.text[start..end];
        let ends: Vec<usize> = self
            .buffer
            .char_indices()
            .map(|(at, c)| at + c.len_utf8())
            .collect();
        if ends.len() < 3 {
            return;
        }
        let mut from = 0;
        for (one, two) in ends.iter().zip(&ends[1..]) {
            let gram = &self.buffer[from..*two];
            let span = if exact {
                (start + from, start + two)
            } else {
                (start, end)
            };
            send(self.each, gram, gram, position, span, TokenKind::Part);
            from = *one;
        }
    }

    /// A run of an unspaced script.
    fn run(&mut self, start: usize, end: usize) {
        // The last two characters' beginnings, a character being a letter with its marks.
        let mut before: Option<usize> = None;
        let mut current = start;
        let mut at = start;
        for c in self.text[start..end].chars() {
            if at > start && !extends(c) {
                if let Some(before) = before {
                    self.gram(before, at, TokenKind::Gram);
                }
                before = Some(current);
                current = at;
            }
            at += c.len_utf8();
        }
        match before {
            Some(before) => {
                self.gram(before, end, TokenKind::Gram);
                self.gram(current, end, TokenKind::Tail);
            }
            None => self.gram(current, end, TokenKind::Gram),
        }
    }

    fn gram(&mut self, start: usize, end: usize, kind: TokenKind) {
        let written = &self.text[start..end];
        let plain = written.len() <= MAX_TERM_BYTES
            && written.chars().all(
                |c| matches!(c, '\u{3041}'..='\u{3096}' | '\u{30A1}'..='\u{30FA}' | '\u{30FC}' | '\u{4E00}'..='\u{9FFF}'),
            );
        if plain {
            send(
                self.each,
                written,
                written,
                self.position,
                (start, end),
                kind,
            );
        } else {
            let forms = self.memo.forms(written);
            if forms.word.is_empty() {
                return;
            }
            send(
                self.each,
                forms.word,
                forms.word,
                self.position,
                (start, end),
                kind,
            );
        }
        self.position = self.position.saturating_add(1);
    }
}

fn send(
    each: &mut dyn FnMut(Token<'_>),
    term: &str,
    word: &str,
    position: u32,
    (start, end): (usize, usize),
    kind: TokenKind,
) {
    each(Token {
        term,
        word,
        position,
        start,
        end,
        kind,
    });
}
