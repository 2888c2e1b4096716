//! Bundles for servers in the runtimes that they are for: `web/checks/edge.test.mjs`, which asks each of
//! them and `littoral serve` the same; and `web/checks/mcp.test.mjs`, a client library of the Model
//! Context Protocol.
//!
//! Needs `node`, the package that `node web/build.mjs` makes, and `npm install` in `web/checks` for
//! Deno, Bun and workerd; without them the test says so and passes, unless `LITTORAL_REQUIRE_WEB` is set.

use littoral_tests::cases::build;
use littoral_tests::program;
use std::env;
use std::path::Path;
use std::process::Command;

#[test]
fn servers_on_the_edge_answer_as_the_program_does() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let needs = [
        (
            "web/pkg/edge.js",
            "build the package with `node web/build.mjs`",
        ),
        (
            "web/checks/node_modules/miniflare",
            "run `npm install` in web/checks",
        ),
    ];
    let missing = needs.iter().find(|(file, _)| !root.join(file).exists());
    if let Some((file, cure)) = missing {
        let reason = format!("there is no {file}; {cure}");
        assert!(env::var_os("LITTORAL_REQUIRE_WEB").is_none(), "{reason}");
        println!("skipped: {reason}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let index = folder.path().join("index");
    build(&root.join("tests/corpora/coast"), &index, 7);
    let output = Command::new("node")
        .args(["--test", "--test-concurrency=1"])
        .arg(root.join("web/checks/edge.test.mjs"))
        .arg(root.join("web/checks/mcp.test.mjs"))
        .env("LITTORAL_PROGRAM", program::path())
        .env("LITTORAL_WEB", root.join("web/pkg"))
        .env("LITTORAL_EDGE_INDEX", &index)
        .env_remove("NODE_TEST_CONTEXT")
        .output()
        .unwrap();
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    assert!(output.status.success(), "{out}\n{err}");
    println!("{out}");
}
