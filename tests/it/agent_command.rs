//! `streamgauge agent` as a command: what it says where, how it ends, how it refuses.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Output, Stdio};

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_streamgauge"));
    command.arg("agent").args(arguments).env_remove("AGENT_KEY");
    command
}

fn refused(arguments: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = command(arguments).output().unwrap();
    assert!(stdout.is_empty(), "stdout is for the URL");
    (status.code(), String::from_utf8(stderr).unwrap())
}

#[cfg(unix)]
#[test]
fn the_first_line_is_the_url_and_a_signal_ends_it_well() {
    let arguments = ["--listen", "127.0.0.1:0", "--first-chunk", "1ms", "--gap", "0"];
    let mut child = command(&arguments)
        .args(["--api-key-env", "AGENT_KEY", "--fault", "status=503@2"])
        .env("AGENT_KEY", "right")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    let address = line.trim_end().strip_prefix("http://").unwrap();
    let ask = |key: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        let body = r#"{"user_id":"u","agent_id":"a","session_id":"s","message":"hello"}"#;
        write!(
            stream,
            "POST /v2/stream/ HTTP/1.1\r\nx-api-key: {key}\r\nconnection: close\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    assert!(ask("right").starts_with("HTTP/1.1 200 "));
    assert!(ask("wrong").starts_with("HTTP/1.1 403 "));
    assert!(ask("right").starts_with("HTTP/1.1 503 "));
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let talk = String::from_utf8(output.stderr).unwrap();
    assert!(talk.contains("SIGTERM") && talk.contains("after 3 requests"), "{talk}");
    assert!(!talk.contains("right"), "the key is not shown");
}

#[test]
fn what_cannot_be_is_refused_with_a_sentence() {
    for (arguments, words) in [
        (["--fault", "explode"], "is not a fault"),
        (["--gap", "5"], "has no unit"),
        (["--chunks", "many"], "is not an amount"),
        (["--freeze", "10s"], "write `10s+2s`"),
        (["--api-key-env", "AGENT_KEY"], "AGENT_KEY is not set"),
        (["--script", "no/such.yaml"], "no/such.yaml: "),
        (["--replay", "no/such/run"], "record a run with `--record chunks` first"),
        (["--max-concurrent", "0"], "never answers"),
        (["--max-connections", "0"], "never asked"),
    ] {
        let (code, talk) = refused(&arguments);
        assert_eq!(code, Some(2), "{talk}");
        assert!(talk.contains(words), "{arguments:?}: {talk}");
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (code, talk) = refused(&["--listen", &taken.local_addr().unwrap().to_string()]);
    assert_eq!(code, Some(1));
    assert!(talk.contains("cannot listen on 127.0.0.1:"), "{talk}");
}
