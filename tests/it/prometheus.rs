//! `--prometheus`: what a scraper gets while a run goes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::{run, run_into, scenario};

/// One request, its head and its body.
fn get(address: &str, line: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(stream, "{line} HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

fn value(page: &str, name: &str) -> Option<f64> {
    let line = page
        .lines()
        .find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')))?;
    line.rsplit_once(' ')?.1.parse().ok()
}

#[test]
fn a_scraper_gets_growing_counters_while_the_run_goes_and_nothing_of_users_or_sessions() {
    let scenario = scenario(
        "name: scraped\ntarget: { url: embedded }\nusers: { count: 2, id: 'user-canary-{{ user.index }}' }\n\
         sessions: [{ name: kind-canary, messages: [Hello] }]\n\
         load: { closed: { users: 2, duration: 6s } }\nthresholds: { ttfc: ['p(95)<20s'] }\n",
        &[],
    );
    let reports = tempfile::tempdir().unwrap();
    let arguments =
        [scenario.path.to_str().unwrap(), "--prometheus", "127.0.0.1:0", "--progress", "none"];
    let mut child = run_into(&reports, &arguments).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("metrics: ") {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "the address is said");
    }
    let address = line.trim().strip_prefix("metrics: http://").unwrap();
    let address = address.strip_suffix("/metrics").unwrap();
    let completed = "streamgauge_turns_total{outcome=\"completed\"}";
    let mut asked = 0;
    let page = loop {
        let (head, page) = get(address, "GET /metrics");
        assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("version=0.0.4"), "{head}");
        if value(&page, completed) > Some(2.0) && page.contains("streamgauge_threshold_holds{") {
            break page;
        }
        asked += 1;
        assert!(asked < 600, "{page}");
        std::thread::sleep(Duration::from_millis(100));
    };
    let count = value(&page, "streamgauge_time_to_first_chunk_seconds_count").unwrap();
    assert_eq!(value(&page, completed), Some(count), "every completed turn has a first chunk");
    assert!(value(&page, "streamgauge_attempts_started_total").unwrap() >= count);
    assert!(!page.contains("canary"), "{page}");
    let (head, body) = get(address, "HEAD /metrics");
    assert!(head.starts_with("HTTP/1.1 200 ") && body.is_empty());
    assert!(get(address, "GET /").0.starts_with("HTTP/1.1 404 "));
    assert!(get(address, "POST /metrics").0.starts_with("HTTP/1.1 405 "));
    assert!(child.wait().unwrap().success());
    assert!(TcpStream::connect(address).is_err(), "it is served while the run goes");
}

#[test]
fn an_address_that_is_taken_is_told_before_anything_is_sent() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ran = run(&["-m", "Hello", "--target", "embedded", "--prometheus", &address]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains(&format!("cannot serve metrics on {address}")), "{}", ran.err);
    assert_eq!(std::fs::read_dir(ran.reports.path()).unwrap().count(), 0);
    assert_eq!(run(&["-m", "Hello", "--prometheus", "nowhere"]).code, 2);
}

#[test]
fn a_live_view_without_a_terminal_is_plain_lines_and_says_so() {
    let ran = run(&["-m", "Hello", "--target", "embedded", "--progress", "tui"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("note: no live view, plain lines instead"), "{}", ran.err);
    assert!(!ran.err.contains('\x1b'), "{}", ran.err);
}
