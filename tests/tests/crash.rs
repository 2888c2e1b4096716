//! A build, update or compaction that is killed, or whose disk is full, at any moment leaves the old
//! index or the new one.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::format_collect,
    reason = "a test says what it finds, and ends where it cannot go on"
)]
#![cfg(unix)]

use littoral_guest::{Index, SearchOptions};
use littoral_indexes::manifest::ENTRY_NAME;
use littoral_runtime::host::IndexHost;
use littoral_tests::program::{self, Ran};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Calls by which a build changes the disk, or might find it wanting.
const CALLS: &str = "openat,write,rename,unlink,unlinkat,mkdir,fsync,fdatasync,syncfs,rmdir,close";

/// Moments tried for each command: all when there are no more, else an even sample of them.
const MOMENTS: usize = 90;

/// Time for one test file's loop; moments left over are skipped, and that is said.
const BUDGET: Duration = Duration::from_mins(1);

const QUERY: &str = "tide harbour";

/// Whether strace is there and may trace; says so once when not.
fn traces() -> bool {
    static TRACES: OnceLock<bool> = OnceLock::new();
    *TRACES.get_or_init(|| {
        let tried = Command::new("strace")
            .args(["-o", "/dev/null", "true"])
            .output();
        let works = tried.is_ok_and(|output| output.status.success());
        if !works {
            eprintln!("strace is not there or may not trace: no crash was injected");
        }
        works
    })
}

/// What a folder of inputs holds in one state.
fn inputs(folder: &Path, state: usize) {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).unwrap();
    // Few changes, so that an update does not compact by itself: one page goes, one changes, one
    // comes.
    for i in state..12 + state {
        let edit = if state > 0 && i == 5 { "changed " } else { "" };
        let text = format!(
            "# Page {i}\n\nThe {edit}tide of harbour {i} runs {} hours.\n",
            i * 7
        );
        fs::write(folder.join(format!("page{i}.md")), text).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Files below `folder`, but the lock, with their bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            all.extend(files(&entry.path()));
        } else if entry.file_name() != ".littoral.lock" {
            all.insert(entry.path(), fs::read(entry.path()).unwrap());
        }
    }
    all
}

/// What the index in `folder` answers, after its check; `None` when there is no index.
fn answer(folder: &Path) -> Option<String> {
    if !folder.join(ENTRY_NAME).exists() {
        return None;
    }
    let index = pollster::block_on(Index::open(IndexHost::new(folder))).expect("it opens");
    let check = pollster::block_on(index.check());
    assert!(check.ok, "{:?}", check.problems);
    let result = pollster::block_on(index.search(QUERY, &SearchOptions::default()));
    Some(serde_json::to_string(&result.expect("an answer").hits).unwrap())
}

/// A command on an index, with the folders it works in.
struct Story {
    root: tempfile::TempDir,
    arguments: Vec<String>,
    /// The answer before, and after an undisturbed run.
    old: Option<String>,
    new: Option<String>,
    /// The main thread's calls in that run, in order.
    calls: Vec<String>,
    /// How many of them are the loader's.
    own: usize,
}

impl Story {
    /// The story of `arguments` on the index that is in `before` when `has_index`.
    fn new(arguments: &[&str], has_index: bool) -> Self {
        let root = tempfile::tempdir().unwrap();
        inputs(&root.path().join("old"), 0);
        inputs(&root.path().join("new"), 1);
        fs::create_dir(root.path().join("scratch")).unwrap();
        let before = root.path().join("before");
        fs::create_dir(&before).unwrap();
        if has_index {
            let ran = program::run(
                root.path(),
                &[
                    "build",
                    "old",
                    "-o",
                    "before",
                    "--embedder",
                    "none",
                    "--threads",
                    "1",
                ],
            );
            assert_eq!(ran.code, 0, "{ran:?}");
            // An index of two segments, so that compacting has something to do.
            if arguments.contains(&"--compact") && !arguments.contains(&"new") {
                let ran = program::run(root.path(), &["update", "before", "new", "--prune"]);
                assert_eq!(ran.code, 0, "{ran:?}");
            }
        }
        let mut story = Self {
            old: answer(&before),
            new: None,
            root,
            arguments: arguments.iter().map(ToString::to_string).collect(),
            calls: Vec::new(),
            own: 0,
        };
        story.reset();
        let log = story.root.path().join("calls");
        let trace = ["-o", "calls", "-e", &format!("trace={CALLS}")].map(String::from);
        let ran = story.traced(&trace);
        assert_eq!(ran.code, 0, "{ran:?}");
        story.new = answer(&story.index());
        let log = fs::read_to_string(log).unwrap();
        // Before the first path of ours, the loader is at work: there is nothing of ours to break.
        story.own = log
            .lines()
            .position(|line| {
                ["littoral.toml", "\"index", "\"new"]
                    .iter()
                    .any(|p| line.contains(p))
            })
            .expect("a path of ours");
        story.calls = log
            .lines()
            .filter_map(|line| line.split_once('(').map(|(name, _)| name.to_owned()))
            .collect();
        story
    }

    fn index(&self) -> PathBuf {
        self.root.path().join("index")
    }

    fn reset(&self) {
        copy(&self.root.path().join("before"), &self.index());
    }

    /// Runs the command under strace with further `options` of it.
    fn traced(&self, options: &[String]) -> Ran {
        let output = Command::new("strace")
            .args(options)
            .arg(program::path())
            .args(&self.arguments)
            .args(["--threads", "1", "--json"])
            .current_dir(self.root.path())
            .env("TMPDIR", self.root.path().join("scratch"))
            .output()
            .expect("strace runs");
        output.into()
    }

    /// Runs the command as it is.
    fn run(&self) -> Ran {
        let mut arguments = self.arguments.clone();
        arguments.extend(["--threads".into(), "1".into()]);
        program::run(self.root.path(), &arguments)
    }

    /// `(call, n)`: the n-th of a call from the main thread, for an even sample of all moments.
    fn moments(&self, calls: &[&str]) -> Vec<(String, usize)> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        let mut all = Vec::new();
        for (i, call) in self.calls.iter().enumerate() {
            let n = counts.entry(call).or_default();
            *n += 1;
            if calls.contains(&call.as_str()) && i >= self.own {
                all.push((call.clone(), *n));
            }
        }
        let step = all.len().div_ceil(MOMENTS).max(1);
        // The last calls commit the index: none of them is left out.
        let last = all.len().saturating_sub(MOMENTS / 3);
        let chosen = |&(i, _): &(usize, _)| i % step == 0 || i >= last;
        all.into_iter()
            .enumerate()
            .filter(chosen)
            .map(|(_, moment)| moment)
            .collect()
    }

    /// The next run after a disturbance makes the new index and leaves nothing behind.
    fn recovers(&self, expected: &BTreeMap<PathBuf, Vec<u8>>, what: &str) {
        let ran = self.run();
        assert_eq!(ran.code, 0, "{what}: {ran:?}");
        assert_eq!(answer(&self.index()), self.new, "{what}");
        let left: Vec<_> = files(&self.index()).into_keys().collect();
        let wanted: Vec<_> = expected.keys().cloned().collect();
        assert_eq!(
            left, wanted,
            "{what}: the next run leaves other files than an undisturbed one"
        );
        assert!(
            files(&self.index()) == *expected,
            "{what}: the files differ"
        );
    }
}

const KILLED_BY: &[&str] = &[
    "openat", "write", "rename", "unlink", "unlinkat", "mkdir", "fsync", "syncfs", "rmdir", "close",
];

fn killed_at_every_moment(arguments: &[&str], has_index: bool) {
    if !traces() {
        return;
    }
    let start = Instant::now();
    let story = Story::new(arguments, has_index);
    let expected = files(&story.index());
    let (mut old, mut new, mut skipped) = (0, 0, 0);
    let moments = story.moments(KILLED_BY);
    for (i, (call, n)) in moments.iter().enumerate() {
        if start.elapsed() > BUDGET {
            skipped = moments.len() - i;
            break;
        }
        story.reset();
        let what = format!("{arguments:?} killed at {call} {n}");
        let inject = format!("inject={call}:signal=KILL:when={n}");
        let trace = format!("trace={call}");
        let options = ["-o", "/dev/null", "-e", &trace, "-e", &inject].map(String::from);
        let ran = story.traced(&options);
        assert_ne!(ran.code, 2, "{what}: {ran:?}");
        let found = answer(&story.index());
        if found == story.new && found != story.old {
            new += 1;
        } else {
            assert_eq!(
                found, story.old,
                "{what}: neither the old index nor the new"
            );
            old += 1;
        }
        if i % 3 == 0 && found.is_some() {
            let checked = program::run(story.root.path(), &["check", "index"]);
            assert_eq!(checked.code, 0, "{what}: {checked:?}");
        }
        // A second crash, during the recovery from the first.
        if i % 5 == 0 {
            let (call, n) = &moments[moments.len() * (i % 7) / 7];
            let inject = format!("inject={call}:signal=KILL:when={n}");
            let trace = format!("trace={call}");
            let options = ["-o", "/dev/null", "-e", &trace, "-e", &inject].map(String::from);
            story.traced(&options);
            let found = answer(&story.index());
            assert!(
                found == story.old || found == story.new,
                "{what}, then at {call} {n}"
            );
        }
        story.recovers(&expected, &what);
    }
    println!(
        "{arguments:?}: {} moments, {old} left the old index, {new} the new, {skipped} skipped, \
         {:.0?}",
        moments.len(),
        start.elapsed()
    );
}

#[test]
fn a_first_build_killed_at_any_moment_leaves_no_index_or_a_whole_one() {
    killed_at_every_moment(
        &["build", "new", "-o", "index", "--embedder", "none"],
        false,
    );
}

#[test]
fn a_build_over_an_index_killed_at_any_moment_leaves_the_old_or_the_new() {
    killed_at_every_moment(&["build", "new", "-o", "index", "--embedder", "none"], true);
}

#[test]
fn an_update_killed_at_any_moment_leaves_the_old_or_the_new() {
    killed_at_every_moment(&["update", "index", "new", "--prune"], true);
}

#[test]
fn a_compaction_killed_at_any_moment_leaves_the_old_or_the_new() {
    killed_at_every_moment(&["update", "index", "--compact"], true);
}

/// Every call of a kind fails once with `errno`: the command fails with code 2 and one JSON error,
/// or does without, and the index is the old one or, when it did not fail, the new one.
fn fails_at_every_moment(arguments: &[&str], calls: &[&str], errno: &str) {
    if !traces() {
        return;
    }
    let start = Instant::now();
    let story = Story::new(arguments, true);
    let expected = files(&story.index());
    let moments = story.moments(calls);
    let (mut failed, mut passed, mut skipped) = (0, 0, 0);
    for (i, (call, n)) in moments.iter().enumerate() {
        if start.elapsed() > BUDGET {
            skipped = moments.len() - i;
            break;
        }
        story.reset();
        let what = format!("{arguments:?}: {errno} at {call} {n}");
        let inject = format!("inject={call}:error={errno}:when={n}+");
        let trace = format!("trace={call}");
        let options = ["-o", "/dev/null", "-e", &trace, "-e", &inject].map(String::from);
        let ran = story.traced(&options);
        let found = answer(&story.index());
        if ran.code == 0 {
            assert_eq!(found, story.new, "{what}");
            passed += 1;
            continue;
        }
        failed += 1;
        // Where even the answer cannot be written, there is none to look at.
        let mute = call == "write" && ran.out.is_empty();
        assert_eq!(ran.code, if mute { ran.code } else { 2 }, "{what}: {ran:?}");
        if !mute {
            let code = ran.error_code();
            assert!(
                !code.is_empty() && !ran.json()["error"]["message"].as_str().unwrap().is_empty()
            );
        }
        assert!(found == story.old || found == story.new, "{what}: {ran:?}");
        story.recovers(&expected, &what);
    }
    println!(
        "{arguments:?} with {errno}: {failed} failed, {passed} did without, {skipped} skipped, \
         {:.0?}",
        start.elapsed()
    );
    assert!(failed > 0, "nothing was injected");
}

#[test]
fn a_full_disk_ends_a_build_and_leaves_the_old_index() {
    fails_at_every_moment(
        &["build", "new", "-o", "index", "--embedder", "none"],
        &["write"],
        "ENOSPC",
    );
}

#[test]
fn a_full_disk_ends_an_update_and_leaves_the_old_index() {
    fails_at_every_moment(
        &["update", "index", "new", "--prune"],
        &["write", "mkdir"],
        "ENOSPC",
    );
}

#[test]
fn a_disk_that_fails_ends_an_update_and_leaves_the_old_index() {
    let calls = ["write", "fsync", "syncfs", "rename"];
    fails_at_every_moment(&["update", "index", "new"], &calls, "EIO");
}

#[test]
fn too_many_open_files_end_a_build_and_leave_the_old_index() {
    fails_at_every_moment(
        &["build", "new", "-o", "index", "--embedder", "none"],
        &["openat"],
        "EMFILE",
    );
}

#[test]
fn two_builds_at_once_end_with_one_index_and_a_reason() {
    let story_root = tempfile::tempdir().unwrap();
    inputs(&story_root.path().join("new"), 1);
    let arguments = [
        "build",
        "new",
        "-o",
        "index",
        "--embedder",
        "none",
        "--json",
    ];
    let mut children: Vec<_> = (0..3)
        .map(|_| {
            program::command(story_root.path(), &arguments)
                .stdout(std::process::Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let mut done = 0;
    for child in children.drain(..) {
        let ran: Ran = child.wait_with_output().unwrap().into();
        if ran.code == 0 {
            done += 1;
        } else {
            assert_eq!((ran.code, ran.error_code().as_str()), (2, "index-locked"));
        }
    }
    assert!(done > 0);
    assert!(answer(&story_root.path().join("index")).is_some());
}

#[test]
fn an_interrupt_leaves_no_half_index() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("many");
    fs::create_dir(&folder).unwrap();
    let mut lines = String::new();
    for i in 0..20_000 {
        let words: String = (0..60).map(|w| format!("word{} ", i * w % 9973)).collect();
        lines.push_str(r#"{"_id":"d"#);
        lines.push_str(&i.to_string());
        lines.push_str(r#"","text":""#);
        lines.push_str(&words);
        lines.push_str("\"}\n");
    }
    fs::write(folder.join("all.jsonl"), lines).unwrap();
    let mut interrupted = 0;
    for delay in [30, 80, 150, 300, 600, 1200] {
        let child = program::command(
            root.path(),
            &[
                "build",
                "many",
                "-o",
                "index",
                "--embedder",
                "none",
                "--json",
            ],
        )
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
        // The moment need not be exact: whichever it is, what is left must be whole.
        let started = Instant::now();
        while started.elapsed() < Duration::from_millis(delay) {
            std::thread::yield_now();
        }
        let pid = rustix::process::Pid::from_child(&child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
        let ran: Ran = child.wait_with_output().unwrap().into();
        let index = root.path().join("index");
        match ran.code {
            0 => {
                assert!(answer(&index).is_some());
                break;
            }
            2 => {
                assert_eq!(ran.error_code(), "interrupted");
                interrupted += 1;
            }
            // Before the handler stands, the signal ends the program as it ends any.
            code => assert_eq!(code, -1, "{ran:?}"),
        }
        assert_eq!(answer(&index), None);
        assert!(files(&index).is_empty(), "{:?}", files(&index).keys());
    }
    assert!(interrupted > 0);
}
