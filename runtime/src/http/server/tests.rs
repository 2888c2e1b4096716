use super::super::reply::HTML;
use super::*;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread::JoinHandle;
use tokio::sync::oneshot;

struct Running {
    port: u16,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<(), ServerError>>,
    _folder: tempfile::TempDir,
}

/// A server of a page, and of a folder with a script, its compressed form and a file of an index.
fn start() -> Running {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.js"), "large").unwrap();
    fs::write(folder.path().join("a.js.br"), "small").unwrap();
    fs::write(folder.path().join("b.lit"), "block").unwrap();
    fs::write(folder.path().join(".littoral.lock"), "hidden").unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    fs::write(folder.path().join("sub/index.html"), "front").unwrap();
    let site = Site::default()
        .page("/", HTML, b"<!doctype html>".to_vec())
        .folder("/js/", folder.path());
    let server = Server::bind(0).unwrap();
    let port = server.address.port();
    let (stop, stopped) = oneshot::channel();
    let wait = || {
        Ok(async {
            let _ = stopped.await;
        })
    };
    Running {
        port,
        stop,
        thread: std::thread::spawn(move || server.run(site, wait)),
        _folder: folder,
    }
}

impl Running {
    /// The answer to a request, whole, where `{port}` stands for the server's.
    fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        let request = request.replace("{port}", &self.port.to_string());
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8(answer).unwrap()
    }

    fn get(&self, path: &str, more: &str) -> String {
        self.ask(&format!(
            "GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{{port}}\r\nconnection: close\r\n{more}\r\n"
        ))
    }

    fn end(self) {
        self.stop.send(()).unwrap();
        self.thread.join().unwrap().unwrap();
    }
}

#[test]
fn pages_and_files_come_with_their_types_under_a_strict_policy() {
    let server = start();
    for (path, kind, body) in [
        ("/", "text/html; charset=utf-8", "<!doctype html>"),
        ("/?q=tide", "text/html; charset=utf-8", "<!doctype html>"),
        ("/js/a.js", "text/javascript; charset=utf-8", "large"),
        ("/js/b.lit", "application/octet-stream", "block"),
        ("/js/sub/", "text/html; charset=utf-8", "front"),
    ] {
        let answer = server.get(path, "");
        assert!(
            answer.starts_with("HTTP/1.1 200 OK\r\n"),
            "{path}: {answer}"
        );
        let has = |line: &str| answer.contains(&format!("{line}\r\n"));
        assert!(has(&format!("content-type: {kind}")), "{answer}");
        assert!(has("x-content-type-options: nosniff"), "{answer}");
        assert!(has("cross-origin-resource-policy: same-origin"), "{answer}");
        assert!(answer.contains("content-security-policy: default-src 'none'; "));
        assert!(answer.contains("require-trusted-types-for 'script'; trusted-types 'none'"));
        assert!(!answer.contains("unsafe-inline"));
        assert!(answer.ends_with(&format!("\r\n\r\n{body}")), "{answer}");
        assert_eq!(answer.contains("immutable"), path == "/js/b.lit");
    }
    server.end();
}

#[test]
fn what_lies_compressed_beside_a_file_goes_to_those_who_take_it() {
    let server = start();
    let small = server.get("/js/a.js", "accept-encoding: gzip, br;q=0.9\r\n");
    assert!(small.contains("content-encoding: br\r\n"), "{small}");
    assert!(small.contains("text/javascript"), "{small}");
    assert!(small.ends_with("small"), "{small}");
    for none in ["accept-encoding: gzip\r\n", "accept-encoding: br;q=0\r\n"] {
        let large = server.get("/js/a.js", none);
        assert!(!large.contains("content-encoding"), "{large}");
        assert!(large.ends_with("large"), "{large}");
    }
    server.end();
}

#[test]
fn other_names_methods_and_paths_are_refused() {
    let server = start();
    for (host, status) in [
        ("localhost:{port}", "200"),
        ("LOCALHOST:{port}", "200"),
        ("[::1]:{port}", "200"),
        ("127.0.0.1", "421"),
        ("localhost:1", "421"),
        ("rebound.example:{port}", "421"),
        ("127.0.0.1.example:{port}", "421"),
        ("", "421"),
    ] {
        let answer = server.ask(&format!(
            "GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
        ));
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{host}: {answer}"
        );
    }
    let two =
        "GET / HTTP/1.1\r\nhost: localhost:{port}\r\nhost: a.example\r\nconnection: close\r\n\r\n";
    assert!(server.ask(two).starts_with("HTTP/1.1 421 "));
    assert!(
        server
            .ask("GET / HTTP/1.0\r\n\r\n")
            .starts_with("HTTP/1.0 421 ")
    );
    let absolute =
        "GET http://a.example/ HTTP/1.1\r\nhost: localhost:{port}\r\nconnection: close\r\n\r\n";
    assert!(server.ask(absolute).starts_with("HTTP/1.1 421 "));
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let answer = server.ask(&format!(
            "{method} / HTTP/1.1\r\nhost: localhost:{{port}}\r\nconnection: close\r\n\r\n"
        ));
        assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
        assert!(answer.contains("allow: GET, HEAD\r\n"), "{answer}");
    }
    for path in [
        "/js/../Cargo.toml",
        "/js/%2e%2e/a",
        "/js/.littoral.lock",
        "//a",
    ] {
        let answer = server.get(path, "");
        assert!(answer.starts_with("HTTP/1.1 400 "), "{path}: {answer}");
        assert!(answer.contains("default-src 'none'"), "{answer}");
    }
    for path in ["/none", "/js/none.js", "/js/sub", "/js"] {
        assert!(server.get(path, "").starts_with("HTTP/1.1 404 "), "{path}");
    }
    server.end();
}

#[test]
fn headers_alone_are_given_where_they_are_asked_for() {
    let server = start();
    let answer =
        server.ask("HEAD / HTTP/1.1\r\nhost: localhost:{port}\r\nconnection: close\r\n\r\n");
    assert!(answer.contains("content-length: 15\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    server.end();
}

#[test]
fn headers_without_end_are_cut_off() {
    let server = start();
    let long = "x".repeat(64 << 10);
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port)).unwrap();
    // The server may hang up before all of it was sent.
    let _ = stream.write_all(format!("GET / HTTP/1.1\r\nx: {long}").as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431 "),
        "{answer}"
    );
    server.end();
}

#[test]
fn a_silent_connection_does_not_keep_the_server_from_ending() {
    let server = start();
    let silent = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port)).unwrap();
    assert!(server.get("/", "").starts_with("HTTP/1.1 200 "));
    server.end();
    drop(silent);
}

#[test]
fn a_port_that_is_taken_is_an_error_with_a_cure() {
    let first = Server::bind(0).unwrap();
    let error = Server::bind(first.address.port()).unwrap_err();
    assert_eq!(error.code(), "address-in-use");
    assert!(error.hint().contains("--port"));
}
