//! Endpoints that misbehave: each in a way that has an error of its own, in time, and none is told the
//! key by another.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use littoral_tests::llm::{KEY, Model, ask, event, head, reply, sea};
use littoral_tests::program::{self, Ran};
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// Asks an endpoint that behaves as `answer`, with little patience; the code of the error, which must
/// come in time.
fn hostile(
    root: &Path,
    answer: impl Fn(&mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static,
) -> String {
    let model = Model::start(move |_, _, stream| answer(stream));
    let start = Instant::now();
    let ran = ask(
        root,
        &model,
        &["--json", "--llm-timeout", "1", "--llm-time", "3"],
    );
    assert!(start.elapsed() < Duration::from_secs(15), "{ran:?}");
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(!ran.out.contains(KEY) && !ran.err.contains(KEY), "{ran:?}");
    ran.error_code()
}

#[test]
fn every_way_to_misbehave_has_an_error_of_its_own_in_time() {
    let root = sea();
    let root = root.path();
    let drip = |stream: &mut TcpStream, bytes: &[u8]| {
        bytes.iter().try_for_each(|byte| {
            stream.write_all(&[*byte])?;
            std::thread::sleep(Duration::from_millis(50));
            Ok(())
        })
    };
    let endless = |stream: &mut TcpStream, bytes: &[u8]| loop {
        stream.write_all(bytes)?;
    };
    let of_stream = |bytes: &'static [u8]| {
        move |stream: &mut TcpStream| {
            head(stream)?;
            stream.write_all(bytes)
        }
    };
    let piece = event("High water. ");

    let words = piece.clone();
    let found = hostile(root, move |stream| {
        head(stream)?;
        endless(stream, words.as_bytes())
    });
    assert_eq!(found, "llm-too-long");
    for (bytes, code) in [
        (b": still here\n\n".as_slice(), "llm-too-large"),
        (b"data: {\"choices\":[]}\n\n", "llm-too-long"),
        (b"xxxxxxxx", "llm-too-large"),
    ] {
        let found = hostile(root, move |stream| {
            head(stream)?;
            endless(stream, bytes)
        });
        assert_eq!(found, code);
    }
    // One byte after the other, in events, in a body, and in headers.
    let words = piece.repeat(100);
    let found = hostile(root, move |stream| {
        head(stream)?;
        drip(stream, words.as_bytes())
    });
    assert_eq!(found, "llm-silent");
    let found = hostile(root, move |stream| {
        drip(
            stream,
            &[b"HTTP/1.1 200 OK\r\nx: ".as_slice(), &[b'x'; 400]].concat(),
        )
    });
    assert_eq!(found, "llm-silent");
    let found = hostile(root, move |stream| {
        stream.write_all(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n",
        )?;
        drip(stream, &[b' '; 500])
    });
    assert_eq!(found, "llm-silent");
    // Piece after piece, each in time, without an end.
    let words = piece.clone();
    let found = hostile(root, move |stream| {
        head(stream)?;
        loop {
            stream.write_all(words.as_bytes())?;
            std::thread::sleep(Duration::from_millis(200));
        }
    });
    assert_eq!(found, "llm-too-slow");
    // Nothing at all.
    let found = hostile(root, |_| {
        std::thread::sleep(Duration::from_secs(5));
        Ok(())
    });
    assert_eq!(found, "llm-silent");

    let bad_utf8 = b"data: {\"choices\":[{\"delta\":{\"content\":\"\xff\xfe\"}}]}\n\n";
    assert_eq!(hostile(root, of_stream(bad_utf8)), "llm-bad-reply");
    assert_eq!(
        hostile(root, of_stream(b"data: {\"choices\":\n\n")),
        "llm-bad-reply"
    );
    assert_eq!(
        hostile(
            root,
            of_stream(b"data: {\"error\":{\"message\":\"sk-canary-5f1d\"}}\n\n")
        ),
        "llm-refused"
    );
    assert_eq!(
        hostile(
            root,
            of_stream(b"data: {\"choices\":[{\"delta\":{\"content\":\"High\"}}]}\n\n")
        ),
        "llm-cut-off"
    );
    assert_eq!(
        hostile(root, |stream| stream.write_all(b"SSH-2.0-x\r\n\r\n")),
        "llm-bad-reply"
    );
    assert_eq!(hostile(root, |_| Ok(())), "llm-cut-off");
    let json = "content-type: application/json\r\n";
    assert_eq!(
        hostile(root, move |stream| reply(stream, 200, json, b"{}")),
        "llm-bad-reply"
    );
    assert_eq!(
        hostile(root, move |stream| reply(stream, 200, json, b"\x00\xff")),
        "llm-bad-reply"
    );
    assert_eq!(
        hostile(root, move |stream| reply(
            stream,
            200,
            json,
            &vec![b' '; 2 << 20]
        )),
        "llm-too-large"
    );
    assert_eq!(
        hostile(root, |stream| reply(
            stream,
            200,
            "content-encoding: gzip\r\n",
            &[0x1f, 0x8b, 8, 0]
        )),
        "llm-bad-reply"
    );
    assert_eq!(
        hostile(root, |stream| reply(
            stream,
            401,
            "",
            b"{\"error\":{\"message\":\"bad key sk-canary-5f1d\"}}"
        )),
        "llm-refused"
    );
}

#[test]
fn a_redirect_is_not_followed_and_carries_no_key() {
    let root = sea();
    let elsewhere = Model::saying(|_| "High water [1].".into());
    for status in [301, 302, 303, 307, 308] {
        let to = format!("location: {}/v1/chat/completions\r\n", elsewhere.url());
        let model = Model::start(move |_, _, stream| reply(stream, status, &to, b""));
        let ran = ask(root.path(), &model, &["--json"]);
        assert_eq!((ran.code, ran.error_code().as_str()), (2, "llm-redirect"));
    }
    assert!(elsewhere.asked().is_empty());
}

#[test]
fn a_key_never_leaves_the_machine_unencrypted() {
    let root = sea();
    let arguments = [
        "ask",
        "sea",
        "high water",
        "--json",
        "--llm",
        "http://192.0.2.1:9/v1",
        "--llm-model",
        "m",
    ];
    let mut command = program::command(root.path(), &arguments);
    command.env("OPENAI_API_KEY", KEY);
    let ran: Ran = command.output().unwrap().into();
    assert_eq!(ran.error_code(), "llm-key-in-the-clear");
    let ran = program::run(
        root.path(),
        &[
            "ask",
            "sea",
            "high water",
            "--json",
            "--llm",
            "http://localhost:9",
        ],
    );
    assert_eq!(ran.error_code(), "usage", "a model has a name");
}
