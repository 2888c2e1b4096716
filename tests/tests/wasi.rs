//! The component for WASI-HTTP, run as `wasmtime serve` runs one: an instance for each request, with the
//! index's folder lent to it and nothing else. It is asked what `littoral serve` is asked, and answers the same.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use hyper::server::conn::http1;
use hyper::service::service_fn;
use littoral_tests::cases::build;
use littoral_tests::server::Server;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use tokio::net::TcpListener;
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::io::TokioIo;
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

/// The component, compiled for the tests.
fn component() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    // Tests lie in `<target>/<profile>/deps`.
    let test = std::env::current_exe().unwrap();
    let target = test.ancestors().nth(3).unwrap().join("wasi");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--locked", "--quiet", "--package", "littoral-wasi"])
        .args(["--target", "wasm32-wasip2", "--profile", "sandbox"])
        .current_dir(root)
        .env("CARGO_TARGET_DIR", &target)
        .env("CARGO_ENCODED_RUSTFLAGS", "-Ctarget-feature=+simd128")
        .status()
        .unwrap();
    assert!(built.success(), "the component could not be built");
    target.join("wasm32-wasip2/sandbox/littoral_wasi.wasm")
}

struct State {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: wasmtime_wasi_http::default_hooks(),
        }
    }
}

struct Host {
    pre: ProxyPre<State>,
    index: PathBuf,
}

impl Host {
    async fn answer(
        &self,
        request: hyper::Request<hyper::body::Incoming>,
    ) -> wasmtime::Result<hyper::Response<HyperOutgoingBody>> {
        let mut wasi = WasiCtx::builder();
        wasi.preopened_dir(&self.index, "/index", FsPerms::ReadOnly)?;
        wasi.env("LITTORAL_NAME", "coast");
        wasi.env("LITTORAL_CORS", "https://page.example");
        let state = State {
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            table: ResourceTable::new(),
        };
        let mut store = Store::new(self.pre.engine(), state);
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let mut http = store.data_mut().http();
        let request = http.new_incoming_request(Scheme::Http, request)?;
        let out = http.new_response_outparam(sender)?;
        let pre = self.pre.clone();
        let run = tokio::spawn(async move {
            let proxy = pre.instantiate_async(&mut store).await?;
            let handler = proxy.wasi_http_incoming_handler();
            handler.call_handle(store, request, out).await
        });
        match receiver.await {
            Ok(answer) => Ok(answer?),
            Err(_) => {
                run.await.unwrap()?;
                panic!("the component gave no answer");
            }
        }
    }
}

/// Serves the index in `folder` with the component; gives its address.
fn serve(folder: &Path) -> SocketAddr {
    let engine = Engine::default();
    let component = Component::from_file(&engine, component()).unwrap();
    let mut linker = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker).unwrap();
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker).unwrap();
    let host = Arc::new(Host {
        pre: ProxyPre::new(linker.instantiate_pre(&component).unwrap()).unwrap(),
        index: folder.to_owned(),
    });
    let (told, address) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            told.send(listener.local_addr().unwrap()).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let host = Arc::clone(&host);
                tokio::spawn(async move {
                    let service = service_fn(move |request| {
                        let host = Arc::clone(&host);
                        async move { host.answer(request).await }
                    });
                    let _ = http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
    });
    address.recv().unwrap()
}

/// Status, headers and body of the answer to a request.
fn ask(host: &str, method: &str, path: &str, headers: &str, body: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(host).unwrap();
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // A server that refuses a body unread closes the connection.
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).unwrap();
    let (head, mut body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let head = head.to_ascii_lowercase();
    let mut whole = String::new();
    if head.contains("transfer-encoding: chunked") {
        while let Some((size, rest)) = body.split_once("\r\n") {
            let size = usize::from_str_radix(size, 16).unwrap();
            whole.push_str(&rest[..size]);
            body = rest.get(size + 2..).unwrap_or_default();
        }
    } else {
        whole.push_str(body);
    }
    (status, head, whole)
}

/// What must be the same of two answers: all but ids and times.
fn comparable(status: u16, body: &str) -> Value {
    let mut value: Value = serde_json::from_str(body).unwrap_or_else(|_| json!(body));
    if value.get("timings_ms").is_some() {
        value["timings_ms"] = Value::Null;
    }
    if let Some(error) = value.get_mut("error") {
        error["request_id"] = Value::Null;
        error["hint"] = Value::Null;
    }
    for name in ["id", "created"] {
        if let Some(own) = value.get_mut(name) {
            *own = Value::Null;
        }
    }
    json!([status, value])
}

#[test]
fn a_component_answers_what_the_server_answers() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let index = folder.path().join("coast");
    build(&root.join("tests/corpora/coast"), &index, 7);
    let native = Server::start(folder.path(), &["coast", "--host", "native"]);
    let native = native.address().to_owned();
    let component = serve(&index).to_string();

    let long = "x".repeat(70 << 10);
    let chat = |more: Value| {
        let mut body = json!({"messages": [{"role": "user", "content": "when is high water?"}]});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body.to_string()
    };
    let mut requests = vec![
        ("POST", "/v1/context", json!({"query": "spring tide"}).to_string()),
        (
            "POST",
            "/v1/context",
            json!({"query": "water", "max_tokens": 60, "filters": {"section": ["tides", "weather"]}}).to_string(),
        ),
        ("POST", "/v1/context", json!({"query": "tide", "max_tokens": 0}).to_string()),
        ("POST", "/v1/context", "{".to_owned()),
        ("POST", "/v1/context", json!({"query": "tide", "more": long}).to_string()),
        ("POST", "/v1/chat/completions", chat(json!({}))),
        ("POST", "/v1/chat/completions", chat(json!({"mode": "lexical", "threshold": 0}))),
        ("POST", "/v1/chat/completions", chat(json!({"index": "other"}))),
        ("POST", "/v1/chat/completions", json!({"messages": []}).to_string()),
        ("POST", "/v1/embeddings", json!({"input": []}).to_string()),
        ("POST", "/v1/embeddings", json!({"input": "tide"}).to_string()),
        ("POST", "/v1/rerank", json!({"query": "tide", "documents": ["a"]}).to_string()),
        ("GET", "/openapi.json", String::new()),
        ("GET", "/nothing", String::new()),
        ("DELETE", "/search?q=a", String::new()),
        ("GET", "/v1/context", String::new()),
    ];
    for query in [
        "spring+tide",
        "tdie+tabel",
        "%22high+water%22+-moon",
        "",
        "100%25",
        "Gezeiten",
    ] {
        for mode in ["hybrid", "lexical", "dense"] {
            let path = format!("/search?q={query}&mode={mode}&k=5&facet=section&explain=1");
            requests.push(("GET", path.leak(), String::new()));
        }
    }
    for bad in [
        "",
        "q=a&k=0",
        "q=a&mode=best",
        "q=a&index=other",
        "q=%ff",
        "q=a&rerank",
        "q=nowhere:x",
    ] {
        let path = format!("/search?{bad}");
        requests.push(("GET", path.leak(), String::new()));
    }
    for (method, path, body) in requests {
        let (found, _, text) = ask(&component, method, path, "", &body);
        let (expected, _, other) = ask(&native, method, path, "", &body);
        let what = format!("{method} {path} {}", body.get(..100).unwrap_or(&body));
        assert_eq!(
            comparable(found, &text),
            comparable(expected, &other),
            "{what}"
        );
    }

    let (status, _, events) = ask(
        &component,
        "POST",
        "/v1/chat/completions",
        "",
        &chat(json!({"stream": true})),
    );
    let (_, _, others) = ask(
        &native,
        "POST",
        "/v1/chat/completions",
        "",
        &chat(json!({"stream": true})),
    );
    let parts = |text: &str| -> Vec<Value> {
        let events = text
            .split("\n\n")
            .filter_map(|event| event.strip_prefix("data: "));
        events.map(|event| comparable(200, event)).collect()
    };
    assert_eq!((status, parts(&events)), (200, parts(&others)));

    let (status, _, health) = ask(&component, "GET", "/healthz", "", "");
    let health: Value = serde_json::from_str(&health).unwrap();
    assert_eq!((status, &health["host"]), (200, &json!("wasi")));
    assert!(
        health["indexes"][0]["documents"].as_u64() > Some(10),
        "{health}"
    );
    let origin = "origin: https://page.example\r\nx-request-id: mine-1\r\n";
    let (status, head, body) = ask(&component, "HEAD", "/search?q=tide", origin, "");
    assert_eq!((status, body.as_str()), (200, ""));
    assert!(head.contains("x-request-id: mine-1"), "{head}");
    assert!(
        head.contains("access-control-allow-origin: https://page.example"),
        "{head}"
    );
    let (status, head, _) = ask(&component, "OPTIONS", "/v1/context", origin, "");
    assert!(
        status == 204 && head.contains("access-control-allow-methods: post, options"),
        "{head}"
    );
    let (_, head, _) = ask(
        &component,
        "GET",
        "/search?q=tide",
        "origin: https://other.example\r\n",
        "",
    );
    assert!(!head.contains("access-control-allow-origin"), "{head}");

    // Without the folder nothing is answered, and nothing of the machine is told.
    std::fs::remove_file(index.join("littoral.json")).unwrap();
    let (status, _, body) = ask(&component, "GET", "/search?q=tide", "", "");
    assert_eq!(status, 503);
    assert!(
        body.contains("\"not-found\"") && !body.contains("coast"),
        "{body}"
    );
}
