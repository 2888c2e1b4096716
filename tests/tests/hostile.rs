//! Indexes made by someone who knows the format: every checksum is right and every value is wrong.
//!
//! A third of the mutants are of the manifest, the others of a payload that is sealed again, with
//! its checksum in the inventory. Opening, checking, searching and exporting may refuse, but never
//! panic, take long, or ask for memory out of proportion to the files.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::format_collect,
    reason = "a test says what it finds, and ends where it cannot go on"
)]
#![expect(
    unsafe_code,
    reason = "an allocator that counts is unsafe by its trait; it hands everything to the system's"
)]

use littoral_guest::engine::SortOrder;
use littoral_guest::{Index, SearchOptions};
use littoral_indexes::envelope::{HEADER_BYTES, Kind};
use littoral_indexes::layout::Class;
use littoral_indexes::manifest::{MAX_ENTRY_BYTES, Manifest};
use littoral_tests::memory::{Place, Stored};
use littoral_tests::random::Random;
use littoral_tests::sample;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Mutants in one run; `LITTORAL_MUTANTS` sets another number, `LITTORAL_MUTANT` takes one alone.
const MUTANTS: usize = 6_000;

/// Longest that all that is done with one mutant may take. A sound sample takes 5 ms.
const SLOWEST: Duration = Duration::from_secs(5);

/// When a mutant is given up.
const HUNG: Duration = Duration::from_secs(10);

/// Processes that share the mutants.
const WORKERS: usize = 2;

/// The largest single allocation: four times the files, and what may be reserved whatever they hold:
/// the decoder of the manifest believes a length up to its limit of 4 MiB, and tables of the analysis
/// and first growths of buffers stay below that.
const LARGEST: fn(usize) -> usize = |files| 4 * files + MAX_ENTRY_BYTES;

/// The most held at a time.
const HELD: fn(usize) -> usize = |files| 64 * files + (16 << 20);

/// What a request beyond this gets is a null pointer, and so an end of the process: it would drag
/// the machine down before it could be reported.
const REFUSED: usize = 4 << 30;

thread_local! {
    static COUNTING: Cell<bool> = const { Cell::new(false) };
    static LARGEST_SEEN: Cell<usize> = const { Cell::new(0) };
    static HELD_NOW: Cell<isize> = const { Cell::new(0) };
    static HELD_MOST: Cell<isize> = const { Cell::new(0) };
    static MUTANT: Cell<usize> = const { Cell::new(0) };
}

struct Counted;

fn took(bytes: usize) -> bool {
    if COUNTING.get() {
        LARGEST_SEEN.set(LARGEST_SEEN.get().max(bytes));
        HELD_NOW.set(HELD_NOW.get() + bytes as isize);
        HELD_MOST.set(HELD_MOST.get().max(HELD_NOW.get()));
        if bytes > REFUSED {
            eprintln!("mutant {} asks for {bytes} bytes", MUTANT.get());
            return false;
        }
    }
    true
}

fn gave(bytes: usize) {
    if COUNTING.get() {
        HELD_NOW.set(HELD_NOW.get() - bytes as isize);
    }
}

// SAFETY: every call goes to the system's allocator with the arguments it came with, or, for an
// allocation too large to grant, returns null, which the trait allows.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if took(layout.size()) {
            // SAFETY: as above.
            unsafe { System.alloc(layout) }
        } else {
            std::ptr::null_mut()
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if took(layout.size()) {
            // SAFETY: as above.
            unsafe { System.alloc_zeroed(layout) }
        } else {
            std::ptr::null_mut()
        }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        gave(layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        gave(layout.size());
        if took(size) {
            // SAFETY: as above.
            unsafe { System.realloc(pointer, layout, size) }
        } else {
            std::ptr::null_mut()
        }
    }
}

#[global_allocator]
static ALLOCATOR: Counted = Counted;

/// Changes bytes as accidents and adversaries do.
fn mutate(bytes: &mut Vec<u8>, donor: &[u8], random: &mut Random) {
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        match random.below(9) {
            0 | 1 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            2 if at < bytes.len() => bytes[at] = *random.pick(&[0, 1, 0x7F, 0x80, 0xFE, 0xFF]),
            3 => bytes.truncate(at),
            4 => bytes.insert(at, random.bits() as u8),
            5 => {
                let n = random.below(40);
                let byte = *random.pick(&[0, 0xFF]);
                bytes.splice(at..at, std::iter::repeat_n(byte, n));
            }
            6 => {
                let end = (at + random.below(20)).min(bytes.len());
                bytes.drain(at..end);
            }
            7 => {
                let from = random.below(donor.len() + 1);
                let to = (from + random.below(60)).min(donor.len());
                let end = (at + to - from).min(bytes.len());
                bytes.splice(at..end, donor[from..to].iter().copied());
            }
            _ => {
                let end = (at + random.below(16)).min(bytes.len());
                for byte in &mut bytes[at..end] {
                    *byte = random.bits() as u8;
                }
            }
        }
    }
}

/// A number that is likely to be wrong.
fn number(old: u32, random: &mut Random) -> u32 {
    match random.below(8) {
        0 => 0,
        1 => u32::MAX,
        2 => u32::MAX >> 1,
        3 => old.wrapping_add(1),
        4 => old.wrapping_sub(1),
        5 => old.wrapping_mul(1 + random.below(1000) as u32),
        6 => 1 << random.below(32),
        _ => random.below(300) as u32,
    }
}

/// Changes a field of the manifest to another value of its type.
fn twist(manifest: &mut Manifest, random: &mut Random) {
    let other = random.pick(&manifest.segments).clone();
    let n_segments = manifest.segments.len();
    let s = random.below(n_segments);
    let segment = &mut manifest.segments[s];
    match random.below(22) {
        0 => segment.n_lexicon_blocks = number(segment.n_lexicon_blocks, random),
        1 => segment.n_postings_blocks = number(segment.n_postings_blocks, random),
        2 => segment.blocks_per_leaf = number(segment.blocks_per_leaf, random),
        3 => segment.chunks_per_block = number(segment.chunks_per_block, random),
        4 => segment.n_filter_blocks = number(segment.n_filter_blocks, random),
        5 => {
            for class in &mut segment.classes {
                class.n_documents = number(class.n_documents, random);
            }
        }
        6 => {
            let chunks_per_document = number(1, random);
            let n_documents = number(1, random);
            segment.classes.push(Class {
                chunks_per_document,
                n_documents,
            });
        }
        7 => segment.classes.truncate(random.below(2)),
        8 => mutate(&mut segment.deleted, &other.separators, random),
        9 | 10 => mutate(&mut segment.separators, &other.spelling, random),
        11 | 12 => mutate(&mut segment.spelling, &other.separators, random),
        13 => segment.dictionary = *random.pick(&[None, Some([1; 8]), Some(other.id)]),
        14 => segment.id = other.id,
        15 => {
            for key in &mut segment.filters {
                key.first_block = number(key.first_block, random);
                mutate(&mut key.separators, &other.separators, random);
            }
        }
        16 => {
            for key in &mut segment.sorts {
                key.first_block = number(key.first_block, random);
                key.is_numeric = !key.is_numeric;
            }
        }
        17 => {
            let filters = segment.filters.clone();
            segment.filters.extend(filters);
            let sorts = segment.sorts.clone();
            segment.sorts.extend(sorts);
        }
        18 => segment.languages = vec![("xx-☃".into(), u32::MAX), ("de".into(), u32::MAX)],
        19 => {
            manifest.settings.positions = !manifest.settings.positions;
            manifest.settings.chunk_tokens = number(48, random);
            manifest
                .settings
                .synonyms
                .push(vec![String::new(), "tide".into(), "a b".into()]);
        }
        20 => {
            manifest.averages.chunk_words = number(1, random);
            manifest.averages.document_words = number(1, random);
            manifest.settings.scoring.k1 = random.bits() as u16;
            manifest.settings.scoring.b = random.bits() as u16;
        }
        _ if n_segments < 4 => manifest.segments.push(other),
        _ => manifest.segments.clear(),
    }
}

/// A hostile index and what was done to it.
fn mutant(base: &Stored, random: &mut Random) -> (Stored, String) {
    let mut stored = base.clone();
    let places: Vec<Place> = stored.files.keys().copied().collect();
    let donor = stored.files[random.pick(&places)].clone();
    match random.below(6) {
        0 => {
            let mut manifest = stored.manifest();
            for _ in 0..=random.below(2) {
                if !manifest.segments.is_empty() {
                    twist(&mut manifest, random);
                }
            }
            stored.put(&manifest);
            (stored, "a field of the manifest".into())
        }
        1 => {
            let mut bytes = stored.manifest_bytes();
            mutate(&mut bytes, &donor, random);
            stored.put_manifest_bytes(&bytes);
            (stored, "bytes of the manifest".into())
        }
        _ => {
            // Kinds in turn, so that one file of a kind is met as often as twenty of another.
            let kind = *random.pick(&Kind::ALL);
            let of_kind: Vec<_> = places
                .iter()
                .filter_map(|place| match place {
                    Place::Block(block) if block.kind == kind => Some(*block),
                    _ => None,
                })
                .collect();
            if of_kind.is_empty() {
                return mutant(base, random);
            }
            let block = *random.pick(&of_kind);
            let mut payload = stored.files[&Place::Block(block)][HEADER_BYTES..].to_vec();
            mutate(&mut payload, &donor, random);
            if random.once_in(20) {
                payload = (0..random.below(200))
                    .map(|_| random.bits() as u8)
                    .collect();
            }
            stored.reseal(block, &payload);
            (stored, format!("{kind:?} {}", block.number))
        }
    }
}

/// Does everything with an index that reads it.
fn use_all(stored: &Stored) {
    let Ok(index) = pollster::block_on(Index::open(stored.host())) else {
        return;
    };
    let plain = SearchOptions::default();
    let full = SearchOptions {
        filters: vec![
            ("level".into(), "easy".into()),
            ("section".into(), "guide".into()),
        ],
        facets: vec!["section".into(), "level".into()],
        sort: Some(SortOrder {
            key: "date".into(),
            descending: true,
        }),
        ..SearchOptions::default()
    };
    let typing = SearchOptions {
        as_you_type: true,
        chunks: true,
        explain: true,
        ..SearchOptions::default()
    };
    for (query, options) in [
        ("tide harbour channel", &plain),
        ("\"high water\" -gale +the title:tide", &plain),
        ("lighthuose oystercacher", &plain),
        ("channel light", &full),
        ("har", &typing),
        ("-nothing", &plain),
    ] {
        // Refusing is right, and so is any answer: the bytes are what their maker signed.
        let _ = pollster::block_on(index.search(query, options));
    }
    let found = pollster::block_on(index.check());
    assert_eq!(found.ok, found.problems.is_empty());
    for s in 0..index.n_segments() {
        let _ = pollster::block_on(index.export(s, &mut |_| true));
    }
}

/// What mutants did wrong: how often, and the first that did.
type Offenders = BTreeMap<String, (usize, String)>;

/// The variable that makes the test a worker: `FROM STEP END`.
const WORK: &str = "LITTORAL_HOSTILE_WORK";

/// Begins a line of a worker that names an offender: number, what was changed, what is wrong.
const OFFENDER: &str = "offender\t";

/// Begins the last line of a worker: largest allocation, most held, slowest in milliseconds.
const DONE: &str = "done\t";

/// The name of the test below.
const TEST: &str = "a_hostile_index_with_right_checksums_neither_panics_nor_takes_time_or_memory";

/// Uses every `step`-th mutant of `from..end` and prints what is wrong with them.
fn work(from: usize, step: usize, end: usize) {
    let base = sample::stored();
    thread_local!(static PANICKED: Cell<Option<String>> = const { Cell::new(None) });
    std::panic::set_hook(Box::new(|info| {
        let at = info.location().map(ToString::to_string).unwrap_or_default();
        let why = info
            .payload_as_str()
            .unwrap_or_default()
            .replace(['\n', '\t'], " ");
        PANICKED.set(Some(format!("panics at {at}: {why}")));
    }));
    let begun = Arc::new(Mutex::new((from, Instant::now())));
    let watched = Arc::clone(&begun);
    std::thread::spawn(move || {
        loop {
            let (mutant, start) = *watched.lock().unwrap();
            let left = HUNG.saturating_sub(start.elapsed());
            if left.is_zero() {
                eprintln!("mutant {mutant} hangs");
                std::process::abort();
            }
            std::thread::park_timeout(left);
        }
    });
    let (mut most_largest, mut most_held, mut slowest) = (0, 0, Duration::ZERO);
    for m in (from..end).step_by(step) {
        let (stored, what) = mutant(&base, &mut Random::new(m as u64));
        let bytes = stored.size_bytes();
        MUTANT.set(m);
        LARGEST_SEEN.set(0);
        HELD_NOW.set(0);
        HELD_MOST.set(0);
        let start = Instant::now();
        *begun.lock().unwrap() = (m, start);
        COUNTING.set(true);
        let outcome = catch_unwind(AssertUnwindSafe(|| use_all(&stored)));
        COUNTING.set(false);
        let took = start.elapsed();
        let (largest, held) = (LARGEST_SEEN.get(), HELD_MOST.get());
        let wrong = |wrong: String| println!("{OFFENDER}{m}\t{what}\t{wrong}");
        if outcome.is_err() {
            wrong(PANICKED.take().unwrap_or_default());
        }
        if largest > LARGEST(bytes) {
            wrong(format!("allocates 2^{} bytes at once", largest.ilog2()));
        }
        if held > HELD(bytes) as isize {
            wrong(format!("holds 2^{} bytes", held.ilog2()));
        }
        if took > SLOWEST {
            wrong(format!("takes {} s", took.as_secs()));
        }
        most_largest = most_largest.max(largest);
        most_held = most_held.max(held);
        slowest = slowest.max(took);
    }
    println!("{DONE}{most_largest}\t{most_held}\t{}", slowest.as_millis());
}

/// Runs workers over every `step`-th mutant of `from..end`; one that dies is named, and another goes
/// on behind the mutant it died of.
fn employ(mut from: usize, step: usize, end: usize, offenders: &Mutex<Offenders>) {
    let add = |wrong: &str, first: String| {
        let mut offenders = offenders.lock().unwrap();
        offenders.entry(wrong.to_owned()).or_insert((0, first)).0 += 1;
    };
    loop {
        let worker = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", TEST, "--nocapture"])
            .env(WORK, format!("{from} {step} {end}"))
            .output()
            .unwrap();
        let out = String::from_utf8_lossy(&worker.stdout);
        for line in out.lines() {
            if let Some(offender) = line.strip_prefix(OFFENDER) {
                let mut fields = offender.splitn(3, '\t');
                let mut field = || fields.next().unwrap_or_default();
                let (mutant, what, wrong) = (field(), field(), field());
                add(wrong, format!("mutant {mutant}: {what}"));
            } else if let Some(most) = line.strip_prefix(DONE) {
                let most: Vec<&str> = most.split('\t').collect();
                println!(
                    "largest allocation {}, most held {}, slowest {} ms",
                    most[0], most[1], most[2]
                );
                return;
            }
        }
        let err = String::from_utf8_lossy(&worker.stderr);
        let last = err.lines().find_map(|line| line.strip_prefix("mutant "));
        let (mutant, wrong) = last
            .and_then(|line| line.split_once(' '))
            .unwrap_or_else(|| panic!("{out}{err}"));
        // Which mutant it was tells little beside where it was: the first frame of ours.
        let frame = err.lines().map(str::trim).find(|line| {
            line.contains(": {async_fn") || line.contains("littoral_") && !line.contains("iter")
        });
        let wrong: String = wrong
            .split(char::is_numeric)
            .next()
            .unwrap_or_default()
            .into();
        let wrong = format!("dies: {wrong}too much, in {}", frame.unwrap_or("?"));
        add(&wrong, format!("mutant {mutant}"));
        from = mutant.parse::<usize>().unwrap() + step;
    }
}

#[test]
fn a_hostile_index_with_right_checksums_neither_panics_nor_takes_time_or_memory() {
    if let Ok(work_to_do) = std::env::var(WORK) {
        let numbers: Vec<usize> = work_to_do
            .split(' ')
            .map(|number| number.parse().unwrap())
            .collect();
        return work(numbers[0], numbers[1], numbers[2]);
    }
    let variable = |name| {
        std::env::var(name)
            .ok()
            .and_then(|n| n.parse::<usize>().ok())
    };
    let (from, end) = match variable("LITTORAL_MUTANT") {
        Some(only) => (only, only + 1),
        None => (0, variable("LITTORAL_MUTANTS").unwrap_or(MUTANTS)),
    };
    let offenders = Mutex::default();
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let offenders = &offenders;
            scope.spawn(move || employ(from + worker, WORKERS, end, offenders));
        }
    });
    let list: Vec<String> = offenders
        .into_inner()
        .unwrap()
        .iter()
        .map(|(wrong, (n, first))| format!("{n} x {wrong} (first {first})"))
        .collect();
    assert!(list.is_empty(), "\n{}", list.join("\n"));
}
