//! Many indexes in one process: what one of them does, or is, reaches no other.
#![expect(clippy::unwrap_used, reason = "a failing test says where")]

use littoral_guest::engine::Mode;
use littoral_guest::{Document, Index, SearchOptions};
use littoral_runtime::sandbox::{Limits, Prepared, Sandbox, SandboxedIndex};
use littoral_tests::memory::{Place, Stored};
use littoral_tests::random::Random;
use littoral_tests::sample;
use littoral_tests::sandboxes::{Memory, misbehaving};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// How often each kind of misbehaviour happens.
const TIMES: usize = 1000;

/// Time of a call that would never end: shorter than a search may take, for a thousand of each.
const SHORT: Duration = Duration::from_millis(2);

/// Kinds of misbehaviour: what a search does, and how it ends.
const ZOO: [(&str, &str); 12] = [
    ("(loop $again (br $again)) i64.const 0", "out-of-time"),
    (
        "(loop $again (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) (br $again)) i64.const 0",
        "out-of-time",
    ),
    (
        "(loop $again (drop (call $find (i32.const 0) (i32.const 0))) (br $again)) i64.const 0",
        "out-of-time",
    ),
    (
        "(loop $again (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable",
        "out-of-memory",
    ),
    (
        "(drop (table.grow $table (ref.null func) (i32.const 30000))) unreachable",
        "out-of-memory",
    ),
    ("unreachable", "trapped"),
    (
        "(drop (i32.div_u (i32.const 1) (i32.const 0))) i64.const 0",
        "trapped",
    ),
    ("(drop (i32.load (i32.const -4))) i64.const 0", "trapped"),
    (
        "(call_indirect $table (result i64) (i32.const 0))",
        "trapped",
    ),
    ("(call $deep (i64.const 0))", "trapped"),
    ("(call $find (i32.const -16) (i32.const 13))", "trapped"),
    (
        "(drop (call $find (i32.const 0) (i32.const 0))) (call $take (i32.const 65530) (i32.const 100)) i64.const 0",
        "trapped",
    ),
];

/// An index whose entry is three bytes, for modules that read no more.
fn no_index() -> Memory {
    let entry: Arc<[u8]> = Arc::new([1, 2, 3]);
    let files = [(Place::Entry, entry)].into();
    Memory(Arc::new(Stored { files }))
}

/// A sandbox that runs `body` when it is asked to search.
fn sandbox_of(body: &str, time: Duration) -> Sandbox {
    let limits = Limits {
        memory_bytes: 1 << 20,
        time,
        ..Limits::default()
    };
    Sandbox::of_module(&misbehaving(body), limits).unwrap()
}

/// Makes each kind happen, of those from `first` on in steps of `step`; how often one did.
fn misbehave(first: usize, step: usize) -> usize {
    let kinds = ZOO.iter().skip(first).step_by(step);
    let kinds = kinds.map(|(body, code)| {
        let time = match *code {
            "out-of-time" => SHORT,
            _ => Duration::from_secs(600),
        };
        (sandbox_of(body, time).prepare().unwrap(), body, code)
    });
    let kinds: Vec<_> = kinds.collect();
    // In turns, so that kinds follow each other.
    for _ in 0..TIMES {
        for (prepared, body, code) in &kinds {
            // On a busy machine the short time may be over before the search.
            let opened = prepared.open(no_index());
            let ended = opened.and_then(|mut instance| {
                instance.search("tide", &SearchOptions::default()).map(drop)
            });
            assert_eq!(ended.unwrap_err().code(), **code, "{body}");
        }
    }
    kinds.len() * TIMES
}

#[test]
fn a_thousand_of_each_trap_harm_no_healthy_request() {
    let stored = Arc::new(Stored::build(&sample::documents(), &sample::settings()));
    let limits = Limits {
        time: Duration::from_secs(600),
        ..Limits::default()
    };
    let sandbox = Sandbox::new(limits).unwrap();
    let native = pollster::block_on(Index::open(Memory(Arc::clone(&stored)))).unwrap();
    let options = SearchOptions::default();
    let queries = [
        "tide table",
        "knots for mooring",
        "E1042",
        "kelp otter",
        "lihgthouse",
    ];
    let expected = queries.map(|query| pollster::block_on(native.search(query, &options)).unwrap());

    let is_over = AtomicBool::new(false);
    let (harmed, healthy) = thread::scope(|scope| {
        let zoo: Vec<_> = (0..2)
            .map(|i| scope.spawn(move || misbehave(i, 2)))
            .collect();
        let healthy = scope.spawn(|| {
            let mut index = sandbox.open(Memory(Arc::clone(&stored))).unwrap();
            let mut n = 0;
            while !is_over.load(Ordering::Relaxed) {
                for (query, expected) in queries.iter().zip(&expected) {
                    assert_eq!(index.search(query, &options).unwrap().hits, expected.hits);
                    n += 1;
                }
            }
            n
        });
        let zoo: Vec<_> = zoo
            .into_iter()
            .map(thread::ScopedJoinHandle::join)
            .collect();
        is_over.store(true, Ordering::Relaxed);
        let harmed: usize = zoo.into_iter().map(Result::unwrap).sum();
        (harmed, healthy.join().unwrap())
    });
    println!("{harmed} calls misbehaved, {healthy} others were answered");
    assert_eq!(harmed, ZOO.len() * TIMES);
    assert!(healthy > 100, "{healthy}");
}

/// Fills the memory when it is asked for what begins with `w`, and traps; else it traps when it finds a
/// byte there that is not zero, and answers with nothing.
const SPY: &str = r#"
    (local $at i32) (local $writes i32)
    (local.set $writes (i32.eq (i32.load8_u offset=10 (local.get 0)) (i32.const 119)))
    (drop (memory.grow (i32.const 15)))
    (local.set $at (i32.const 8192))
    (loop $again
        (if (local.get $writes)
            (then (i64.store (local.get $at) (i64.const -1)))
            (else (if (i64.ne (i64.load (local.get $at)) (i64.const 0)) (then unreachable))))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (br_if $again (i32.lt_u (local.get $at) (i32.const 1048576))))
    (if (local.get $writes) (then unreachable))
    i64.const 0"#;

#[test]
fn an_instance_finds_nothing_of_the_one_before_it() {
    // One place, which all instances have in turn.
    let sandbox = sandbox_of(SPY, Duration::from_secs(600)).prepare().unwrap();
    let options = SearchOptions::default();
    for round in 0..TIMES {
        let mut writer = sandbox.open(no_index()).unwrap();
        let error = writer.search("write", &options).unwrap_err();
        assert_eq!(error.code(), "trapped", "round {round}");
        drop(writer);
        let mut reader = sandbox.open(no_index()).unwrap();
        let error = reader.search("read", &options).unwrap_err();
        assert_eq!(error.code(), "bad-reply", "round {round}");
    }
    // A byte that is there is found.
    let grown = "(drop (memory.grow (i32.const 15)))";
    let marked = SPY.replace(
        grown,
        &format!("{grown} (i32.store8 (i32.const 999999) (i32.const 1))"),
    );
    let sandbox = sandbox_of(&marked, Duration::from_secs(600));
    let error = sandbox.open(no_index()).unwrap().search("read", &options);
    assert_eq!(error.unwrap_err().code(), "trapped");
}

const TENANTS: usize = 6;
const QUERIES: usize = 100_000;

/// What only the documents of a tenant say; all begin alike, as misspelt words do.
fn secret(tenant: usize) -> String {
    let letter = char::from(b'p' + tenant as u8);
    format!("keelhaul{}", letter.to_string().repeat(3))
}

/// The index of a tenant: the sample's documents and ten that hold its secret, in text, title, address
/// and filters.
fn index_of(tenant: usize) -> Memory {
    let secret = secret(tenant);
    let mut documents = sample::documents();
    for i in 0..10 {
        let text = format!("The harbour keeps {secret} for the tide of day {i}.");
        let mut document = Document::plain(format!("{secret}-{i}"), format!("On {secret}"), text);
        document.url = format!("https://example.org/{secret}/{i}");
        document.filters.insert("part".into(), vec![secret.clone()]);
        documents.push(document);
    }
    Memory(Arc::new(Stored::build(&documents, &sample::settings())))
}

/// Asks `n` queries of tenants drawn by chance, and looks for the others' secrets in every answer.
/// Instances are opened anew after some queries, in places that were other tenants'.
fn ask(sandbox: &Prepared<Memory>, tenants: &[Memory], n: usize, seed: u64) -> usize {
    let mut random = Random::new(seed);
    let mut open: Vec<Option<SandboxedIndex<Memory>>> = (0..TENANTS).map(|_| None).collect();
    let mut own = 0;
    for _ in 0..n {
        let tenant = random.below(TENANTS);
        let mut index = match open[tenant].take() {
            Some(index) if !random.once_in(50) => index,
            old => {
                drop(old);
                // The place of another tenant, now and then.
                open[random.below(TENANTS)] = None;
                sandbox.open(tenants[tenant].clone()).unwrap()
            }
        };
        let queries = [
            "keelhaul",
            "keelhaulqq",
            "harbour tide",
            "keeps",
            "on keelhau",
        ];
        let modes = [Mode::Lexical, Mode::Hybrid, Mode::Dense];
        let options = SearchOptions {
            k: 4,
            mode: *random.pick(&modes),
            facets: vec!["part".to_owned()],
            explain: random.once_in(3),
            ..SearchOptions::default()
        };
        let answer = match random.below(8) {
            0 => {
                // A document of another tenant is not there.
                let other = random.below(TENANTS);
                let read = index.read(&format!("{}-3", secret(other)), 0, 10).unwrap();
                assert_eq!(read.is_some(), other == tenant);
                serde_json::to_string(&read).unwrap()
            }
            _ => {
                let query = queries[random.below(queries.len())];
                let found = index.search(query, &options);
                serde_json::to_string(&found.unwrap()).unwrap()
            }
        };
        for other in 0..TENANTS {
            let is_named = answer.contains(&secret(other));
            assert!(
                !is_named || other == tenant,
                "{tenant} is told of {other}: {answer}"
            );
            own += usize::from(is_named);
        }
        open[tenant] = Some(index);
    }
    own
}

#[test]
fn a_hundred_thousand_queries_are_told_of_no_other_tenant() {
    let limits = Limits {
        instances: 2 * TENANTS as u32,
        time: Duration::from_secs(600),
        ..Limits::default()
    };
    let sandbox = Sandbox::new(limits).unwrap().prepare().unwrap();
    let tenants: Vec<Memory> = (0..TENANTS).map(index_of).collect();
    let own: usize = thread::scope(|scope| {
        let (sandbox, tenants) = (&sandbox, &tenants);
        let askers = (0..2).map(|i| scope.spawn(move || ask(sandbox, tenants, QUERIES / 2, i)));
        let askers: Vec<_> = askers.collect();
        askers.into_iter().map(|asker| asker.join().unwrap()).sum()
    });
    println!("{QUERIES} queries, {own} answers with the tenant's own secret");
    assert!(own > QUERIES / 2, "{own}");
}
