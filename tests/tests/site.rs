//! An index within its site: one command on a folder of pages, and the site shown while it is worked on.
//!
//! The package for pages is stood in for by files of its names.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use littoral_tests::package::{FILES, stand_in};
use littoral_tests::program::{self, Ran};
use std::fs;
use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

fn page(title: &str, text: &str) -> String {
    format!(
        "<!doctype html><html lang=en><title>{title}</title><main><h1>{title}</h1><p>{text}</p></main></html>"
    )
}

/// A folder with the site `site` of two pages, and the package `pkg`.
fn folder() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let at = root.path();
    fs::create_dir_all(at.join("site/guide")).unwrap();
    let tides = page("Tides", "High water comes twice a day.");
    fs::write(at.join("site/index.html"), tides).unwrap();
    let anchors = page("Anchors", "A plough holds in sand.");
    fs::write(at.join("site/guide/anchors.html"), anchors).unwrap();
    stand_in(&at.join("pkg"));
    root
}

fn build(root: &Path, more: &[&str]) -> Ran {
    let arguments = [&["build", "--embedder", "none"], more].concat();
    let mut command = program::command(root, &arguments);
    command.env("LITTORAL_WEB", root.join("pkg"));
    command.output().unwrap().into()
}

#[test]
fn one_folder_of_pages_gets_its_index_and_all_that_a_page_needs() {
    let root = folder();
    let at = root.path();
    let ran = build(at, &["site"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("src=\"/littoral/element.js\""), "{ran:?}");
    for file in FILES {
        let copied = fs::read_to_string(at.join("site/littoral").join(file)).unwrap();
        assert_eq!(copied, format!("{file}\n"));
    }
    let checked = program::run(at, &["check", "site/littoral", "--json"]);
    assert_eq!(checked.code, 0, "{checked:?}");
    let found = program::run(at, &["search", "site/littoral", "plough", "--json"]);
    assert_eq!(
        found.json()["hits"][0]["document"]["id"],
        "guide/anchors.html"
    );

    // What a page loads is neither indexed nor counted, and a second build changes nothing.
    let first = program::run(at, &["inspect", "site/littoral", "--json"]).json();
    let again = build(at, &["site", "--json"]);
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(again.json()["documents"], 2);
    let second = program::run(at, &["inspect", "site/littoral", "--json"]).json();
    assert_eq!(first, second);
    let elsewhere = build(at, &["site", "-o", "index", "--json"]);
    assert_eq!(elsewhere.json()["files"], again.json()["files"]);
    assert_eq!(elsewhere.json()["index_bytes"], again.json()["index_bytes"]);
    assert!(!at.join("index/element.js").exists());

    let under = build(at, &["site", "--base-url", "https://example.org/docs/"]);
    assert!(under.out.contains("src=\"/docs/littoral/\""), "{under:?}");
}

#[test]
fn where_an_index_goes_must_be_said_for_anything_else() {
    let root = folder();
    let at = root.path();
    for inputs in [&["site/index.html"][..], &["site", "site/guide"][..]] {
        let ran = build(at, &[inputs, &["--json"]].concat());
        assert_eq!((ran.code, ran.error_code()), (2, "no-output".to_owned()));
    }
    // A folder of other documents is nobody's site.
    fs::create_dir(at.join("notes")).unwrap();
    fs::write(at.join("notes/a.md"), "# Tides\n\nHigh water.\n").unwrap();
    let ran = build(at, &["notes", "--json"]);
    assert_eq!(ran.error_code(), "no-output");
    assert!(!at.join("notes/littoral").exists());
    fs::remove_file(at.join("pkg/element.js")).unwrap();
    let ran = build(at, &["site", "--json"]);
    assert_eq!(ran.error_code(), "no-web-package");
    assert!(!at.join("site/littoral").exists(), "nothing was begun");
}

#[test]
fn an_engine_for_another_index_format_is_refused_with_its_cure() {
    let root = folder();
    let at = root.path();
    fs::write(at.join("pkg/FORMAT.md"), "# Another format\n").unwrap();
    let ran = build(at, &["site", "--json"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert_eq!(ran.error_code(), "web-package-stale");
    assert!(ran.out.contains("node web/build.mjs"), "{ran:?}");
}

/// A program that is ended with the test.
struct Running {
    child: Child,
    /// Where it writes to: closed, it would end at its next line.
    _said: Lines<BufReader<ChildStdout>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The answer to a request for `path`, headers included.
fn get(host: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(host).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Shows `site`; the host and path that the program names.
fn serve(at: &Path, more: &[&str]) -> (Running, String) {
    let arguments = [
        "build",
        "--embedder",
        "none",
        "site",
        "--serve",
        "--port",
        "0",
    ];
    let mut command = program::command(at, &[&arguments, more].concat());
    command.env("LITTORAL_WEB", at.join("pkg"));
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let shown = said.find_map(|line| {
        let line = line.unwrap();
        let rest = line.strip_prefix("The site: http://")?;
        Some(rest.split(' ').next().unwrap().to_owned())
    });
    (Running { child, _said: said }, shown.unwrap())
}

#[test]
fn a_site_under_a_path_is_shown_there() {
    let root = folder();
    let (_running, shown) = serve(root.path(), &["--base-url", "https://example.org/docs/"]);
    let host = shown.strip_suffix("/docs/").unwrap();
    assert!(get(host, "/docs/").contains("High water"));
    assert!(get(host, "/docs/guide/anchors.html").contains("A plough"));
    assert!(get(host, "/docs/littoral/element.js").ends_with("element.js\n"));
    for (from, to) in [("/docs", "location: /docs/"), ("/", "url=/docs/")] {
        let led = get(host, from);
        assert!(led.contains(to), "{led}");
    }
    for missing in [
        "/guide/anchors.html",
        "/littoral/element.js",
        "/docsguide/anchors.html",
    ] {
        assert!(get(host, missing).starts_with("HTTP/1.1 404"), "{missing}");
    }
}

#[test]
fn a_site_that_is_shown_follows_its_files() {
    let root = folder();
    let at = root.path();
    let (_running, shown) = serve(at, &[]);
    let host = shown.trim_end_matches('/').to_owned();

    let front = get(&host, "/");
    assert!(
        front.contains("High water") && front.contains("/_littoral/reload.js"),
        "{front}"
    );
    assert!(
        !front.contains("content-security-policy"),
        "a page does here what it does elsewhere"
    );
    assert!(get(&host, "/guide/anchors").contains("A plough"));
    assert!(get(&host, "/_littoral/").contains("base=\"/\""));
    assert!(get(&host, "/_littoral/").contains("content-security-policy"));
    assert!(get(&host, "/littoral/element.js").ends_with("element.js\n"));
    assert!(get(&host, "/../pkg/element.js").starts_with("HTTP/1.1 400"));
    let version = || {
        get(&host, "/_littoral/version")
            .split("\r\n\r\n")
            .nth(1)
            .unwrap()
            .to_owned()
    };
    assert_eq!(version(), "0");

    let changed = |before: &str| {
        let end = Instant::now() + Duration::from_secs(60);
        while version() == before && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    let buoys = page("Buoys", "A red buoy marks port.");
    fs::create_dir(at.join("site/buoys")).unwrap();
    fs::write(at.join("site/buoys/index.html"), &buoys).unwrap();
    fs::remove_file(at.join("site/guide/anchors.html")).unwrap();
    changed("0");
    let found = |query| program::run(at, &["search", "site/littoral", query, "--json"]).code;
    assert_eq!((found("buoy"), found("plough"), found("water")), (0, 1, 0));
    assert!(get(&host, "/buoys/").contains("A red buoy"));
    let led = get(&host, "/buoys");
    assert!(
        led.starts_with("HTTP/1.1 307") && led.contains("location: /buoys/"),
        "{led}"
    );

    // A generator that makes the site anew takes the index with it.
    fs::remove_dir_all(at.join("site")).unwrap();
    std::thread::sleep(Duration::from_millis(2500));
    assert_eq!(version(), "1", "nothing is not a site");
    fs::create_dir(at.join("site")).unwrap();
    fs::write(at.join("site/index.html"), &buoys).unwrap();
    changed("1");
    assert_eq!((found("buoy"), found("water")), (0, 1));
    assert!(at.join("site/littoral/element.js").is_file());
}
