//! Bundles: what is in one, what it may replace, and that it is whole or not there.
//!
//! The package for pages is stood in for by files of its names, since what a bundle does with them
//! does not depend on what they hold; `web/checks/bundle.test.mjs` opens a real one in a browser.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use littoral_tests::files::below;
use littoral_tests::package::{FILES, stand_in};
use littoral_tests::program::{self, Ran};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// A folder with the index `ix` of one page, and the package `pkg`.
fn folder() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let at = root.path();
    fs::write(
        at.join("tide.md"),
        "# Tide\n\nHigh water comes twice a day.\n",
    )
    .unwrap();
    let ran = program::run(at, &["build", "tide.md", "-o", "ix", "--embedder", "none"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    stand_in(&at.join("pkg"));
    let templates = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../web/templates"));
    for (name, bytes) in below(templates) {
        let to = at.join("pkg/templates").join(name);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, bytes).unwrap();
    }
    root
}

fn bundle(root: &tempfile::TempDir, arguments: &[&str]) -> Ran {
    let mut all = vec!["bundle", "ix", "--json"];
    all.extend(arguments);
    program::command(root.path(), &all)
        .env("LITTORAL_WEB", "pkg")
        .output()
        .unwrap()
        .into()
}

const OUT: [&str; 4] = ["-o", "out", "--target", "browser"];

/// What lies beside the index and the package: nothing may be left of a bundle in the making.
fn beside(root: &tempfile::TempDir) -> Vec<String> {
    let entries = fs::read_dir(root.path()).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !matches!(name.as_str(), "tide.md" | "ix" | "pkg"))
        .collect();
    names.sort();
    names
}

#[test]
fn a_bundle_holds_a_page_the_engine_and_a_sound_index() {
    let root = folder();
    let ran = bundle(&root, &OUT);
    assert_eq!(ran.code, 0, "{ran:?}");
    let out = root.path().join("out");
    let files = below(&out);
    let json = ran.json();
    assert_eq!(json["target"], "browser");
    assert_eq!(json["files"], files.len());
    let bytes: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
    assert_eq!(json["bytes"], bytes);
    for file in FILES {
        let at = format!("js/{file}");
        assert!(files.iter().any(|(name, _)| *name == at), "{at} is missing");
    }
    let check = program::run(&out, &["check", "littoral"]);
    assert_eq!(check.code, 0, "{check:?}");
    assert!(!out.join("littoral/.littoral.lock").exists());
    let page = fs::read_to_string(out.join("index.html")).unwrap();
    for address in page.split('"').filter(|piece| piece.contains('/')) {
        let is_relative = !address.starts_with('/') && !address.contains("://");
        assert!(is_relative, "{address} is not relative");
    }
    assert_eq!(beside(&root), ["out"]);
}

/// What `export default` of a module of the bundle gives.
fn exported(file: &Path) -> Value {
    let text = fs::read_to_string(file).unwrap();
    let json = text.strip_prefix("export default ").unwrap();
    serde_json::from_str(json.trim().strip_suffix(';').unwrap()).unwrap()
}

#[test]
fn a_server_holds_its_template_the_engine_and_a_sound_index() {
    for (target, more, index, own) in [
        ("node", &[][..], "index", &["server.js", "js/node.js"][..]),
        ("bun", &[], "index", &["server.js", "js/encoder.js"]),
        ("deno", &[], "index", &["server.js", "deno.json"]),
        (
            "cloudflare",
            &[],
            "public/littoral",
            &["worker.js", "js/workerd.js", "wrangler.json"],
        ),
        (
            "cloudflare",
            &["--store", "r2", "--access", "token", "--name", "sea-1"],
            "index",
            &["worker.js", "upload.js", "wrangler.json"],
        ),
        (
            "cloudflare",
            &["--store", "kv"],
            "index",
            &["worker.js", "upload.js", "wrangler.json"],
        ),
    ] {
        let root = folder();
        let arguments = [&["-o", "out", "--target", target], more].concat();
        let ran = bundle(&root, &arguments);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(ran.json()["target"], target);
        let out = root.path().join("out");
        let common = [
            "js/edge.js",
            "js/littoral.wasm",
            "README.md",
            "package.json",
        ];
        for file in own.iter().chain(&common) {
            assert!(out.join(file).is_file(), "{target}: {file} is missing");
        }
        let lines = own[0];
        let template = fs::read_to_string(out.join(lines)).unwrap();
        assert!(template.lines().count() < 200, "{target}: {lines} is long");
        let check = program::run(&out, &["check", index]);
        assert_eq!(check.code, 0, "{check:?}");
        let config = exported(&out.join("config.js"));
        let is_bound = more.contains(&"token");
        assert_eq!(config["name"], if is_bound { "sea-1" } else { "ix" });
        assert_eq!(config["access"], if is_bound { "token" } else { "open" });
        assert_eq!(config["about"]["host"], target);
        assert_eq!(exported(&out.join("openapi.js"))["openapi"], "3.1.0");
        if target == "cloudflare" {
            let text = fs::read_to_string(out.join("wrangler.json")).unwrap();
            let told: Value = serde_json::from_str(&text).unwrap();
            let store = config["store"].as_str().unwrap();
            let bound = match store {
                "assets" => &told["assets"],
                "r2" => &told["r2_buckets"][0],
                _ => &told["kv_namespaces"][0],
            };
            assert!(bound["binding"].is_string(), "{store}: {text}");
            // Else anybody could fetch the index past its filters.
            let is_hidden = told["assets"]["run_worker_first"] == true;
            assert_eq!(is_hidden, store == "assets");
            assert!(store == "assets" || !out.join("public").exists());
        }
        let first = below(&out);
        assert_eq!(bundle(&root, &arguments).code, 0, "it is replaced");
        assert_eq!(below(&out), first);
    }
}

#[test]
fn a_former_bundle_is_replaced_and_the_same_input_gives_the_same_bytes() {
    let root = folder();
    fs::create_dir(root.path().join("out")).unwrap();
    assert_eq!(bundle(&root, &OUT).code, 0, "an empty folder is taken");
    let first = below(&root.path().join("out"));
    assert_eq!(bundle(&root, &OUT).code, 0);
    assert_eq!(below(&root.path().join("out")), first);
    fs::write(root.path().join("tide.md"), "# Ebb\n\nLow water.\n").unwrap();
    let built = program::run(
        root.path(),
        &["build", "tide.md", "-o", "ix", "--embedder", "none"],
    );
    assert_eq!(built.code, 0, "{built:?}");
    assert_eq!(bundle(&root, &OUT).code, 0);
    let found = program::run(root.path(), &["search", "out/littoral", "ebb"]);
    assert_eq!(found.code, 0, "{found:?}");
    assert_eq!(beside(&root), ["out"], "nothing of the old one is left");
}

#[test]
fn what_no_bundle_wrote_is_left_alone() {
    let changes: [(&str, &str); 3] = [
        ("index.html", "mine"),
        ("notes.txt", "mine"),
        ("littoral-bundle.json", "{}"),
    ];
    for (file, text) in changes {
        let root = folder();
        assert_eq!(bundle(&root, &OUT).code, 0);
        fs::write(root.path().join("out").join(file), text).unwrap();
        let before = below(&root.path().join("out"));
        let ran = bundle(&root, &OUT);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert_eq!(ran.error_code(), "not-a-bundle");
        assert_eq!(below(&root.path().join("out")), before);
        assert_eq!(beside(&root), ["out"]);
    }
    let root = folder();
    fs::create_dir(root.path().join("out")).unwrap();
    fs::write(root.path().join("out/thesis.txt"), "mine").unwrap();
    let ran = bundle(&root, &OUT);
    assert_eq!(ran.error_code(), "not-a-bundle");
    assert!(ran.out.contains("thesis.txt"), "{}", ran.out);
}

#[test]
fn a_component_lies_beside_its_index_and_what_hosts_are_told() {
    let root = folder();
    let at = root.path();
    let arguments = ["-o", "out", "--target", "wasi", "--name", "sea"];
    // A package of another version has no component.
    assert_eq!(
        bundle(&root, &arguments).error_code(),
        "web-package-not-built"
    );
    fs::write(at.join("pkg/littoral-wasi.wasm"), "component").unwrap();
    let ran = bundle(&root, &arguments);
    assert_eq!(ran.code, 0, "{ran:?}");
    let file = |name: &str| fs::read_to_string(at.join("out").join(name)).unwrap();
    assert_eq!(file("littoral.wasm"), "component");
    assert!(file("README.md").contains("LITTORAL_NAME=sea"));
    assert!(file("spin.toml").contains("[component.sea]"));
    assert!(at.join("out/LICENSE-MIT").is_file() && !at.join("out/js").exists());
    assert_eq!(program::run(at, &["check", "out/index"]).code, 0);
}

#[test]
fn a_component_for_hosts_of_ones_own_lies_beside_its_world_and_a_host() {
    let root = folder();
    let at = root.path();
    let arguments = ["-o", "out", "--target", "component"];
    // A package of another version has no component.
    assert_eq!(
        bundle(&root, &arguments).error_code(),
        "web-package-not-built"
    );
    fs::write(at.join("pkg/littoral-component.wasm"), "component").unwrap();
    let world = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../guest/component/wit"
    ));
    fs::create_dir(at.join("pkg/wit")).unwrap();
    for (name, bytes) in below(world) {
        fs::write(at.join("pkg/wit").join(name), bytes).unwrap();
    }
    let ran = bundle(&root, &arguments);
    assert_eq!(ran.code, 0, "{ran:?}");
    let out = at.join("out");
    let file = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    assert_eq!(file("littoral.wasm"), "component");
    assert_eq!(below(&out.join("wit")), below(world));
    assert!(file("README.md").contains("littoral:retrieval/host"));
    assert!(file("src/main.rs").contains("mod host;"));
    assert!(file("src/host.rs").lines().count() < 200);
    // Its Wasmtime is the one that the component is tested with.
    let version = |manifest: &str| {
        let line = manifest.lines().find(|line| line.starts_with("wasmtime ="));
        let (_, rest) = line.unwrap().split_once("version = \"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    let workspace = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"));
    let workspace = fs::read_to_string(workspace).unwrap();
    assert_eq!(version(&file("Cargo.toml")), version(&workspace));
    assert!(out.join("LICENSE-MIT").is_file() && !out.join("js").exists());
    assert_eq!(program::run(at, &["check", "out/index"]).code, 0);
}

#[test]
fn a_damaged_index_gives_no_bundle() {
    let root = folder();
    let files = below(&root.path().join("ix"));
    let (name, bytes) = files
        .iter()
        .find(|(name, _)| name.rsplit('.').next() == Some("lit"))
        .unwrap();
    let mut bytes = bytes.clone();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(root.path().join("ix").join(name), bytes).unwrap();
    let ran = bundle(&root, &OUT);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert_eq!(ran.error_code(), "index-corrupt");
    assert_eq!(beside(&root), [""; 0]);
}

#[test]
fn other_targets_and_places_are_errors_that_name_what_exists() {
    let root = folder();
    let ran = bundle(&root, &["-o", "out", "--target", "toaster"]);
    assert_eq!(ran.error_code(), "bad-option");
    assert!(ran.out.contains("--target browser"), "{}", ran.out);
    for misplaced in [
        &["--target", "browser", "--access", "token"][..],
        &["--target", "browser", "--name", "sea"],
        &["--target", "node", "--store", "r2"],
        &["--target", "deno", "--base-url", "https://example.org/"],
        &["--target", "node", "--name", "Sea"],
        &["--target", "node", "--name", "-sea"],
        &["--target", "cloudflare", "--name", ""],
        &["--target", "wasi", "--access", "token"],
        &["--target", "wasi", "--store", "kv"],
        &["--target", "component", "--name", "sea"],
    ] {
        let ran = bundle(&root, &[&["-o", "out"], misplaced].concat());
        assert_eq!(ran.error_code(), "bad-option", "{misplaced:?}");
    }
    let inside = bundle(&root, &["-o", "ix/out", "--target", "browser"]);
    assert_eq!(inside.error_code(), "bad-output");
    let none = program::run(
        root.path(),
        &[
            "bundle", "none", "-o", "out", "--target", "browser", "--json",
        ],
    );
    assert_eq!(none.error_code(), "not-found");
    let lacking: Ran = program::command(
        root.path(),
        &["bundle", "ix", "-o", "out", "--target", "browser", "--json"],
    )
    .env("LITTORAL_WEB", "ix")
    .output()
    .unwrap()
    .into();
    assert_eq!(lacking.error_code(), "no-web-package");
    assert_eq!(beside(&root), [""; 0]);
}

#[test]
fn addresses_of_documents_are_relative_to_what_is_said() {
    let root = folder();
    let base = "https://example.org/a\"><script>";
    let ran = bundle(
        &root,
        &["-o", "out", "--target", "browser", "--base-url", base],
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    let page = fs::read_to_string(root.path().join("out/index.html")).unwrap();
    let escaped = "base=\"https://example.org/a&quot;><script>\"";
    assert!(page.contains(escaped), "{page}");
}
