//! What the embedded agent has no place for: too many at once, too many a minute, moments it is away.

use std::net::TcpStream;
use std::time::Duration;

use streamgauge::agent::Behaviour;

use super::{agent, ask};

#[test]
fn a_full_agent_queues_or_refuses() {
    let slow = Behaviour::fixed(Duration::from_millis(500), Duration::ZERO, 1);
    for (reject, expected) in [(false, [200, 200]), (true, [200, 429])] {
        let agent = agent(|options| {
            options.behaviour = slow.clone();
            options.capacity.max_concurrent = Some(1);
            if reject {
                options.capacity.when_full = agent::WhenFull::Reject;
            }
        });
        let statuses = std::thread::scope(|scope| {
            let first = scope.spawn(|| ask(&agent, "1").status);
            std::thread::sleep(Duration::from_millis(150));
            let second = scope.spawn(|| ask(&agent, "2").status);
            [first.join().unwrap(), second.join().unwrap()]
        });
        assert_eq!(statuses, expected);
        let truth = agent.stop();
        let second = &truth.requests.iter().find(|record| record.seq == 2).unwrap();
        if !reject {
            let waited = second.admitted.unwrap().since(second.complete);
            assert!(waited >= Duration::from_millis(50), "{waited:?}");
        } else {
            assert_eq!(&*second.fault, "full");
        }
    }
}

#[test]
fn a_freeze_holds_everything_and_is_logged() {
    let agent = agent(|options| {
        options.behaviour = Behaviour::fixed(Duration::ZERO, Duration::from_millis(10), 40);
        options.freezes = vec!["100ms+300ms".parse().unwrap()];
        options.threads = 2;
        options.limits.truth_writes = true;
    });
    assert!(ask(&agent, "x").whole);
    let truth = agent.stop();
    assert_eq!(truth.freezes.len(), 2, "one for each thread");
    let from = truth.freezes.iter().map(|freeze| freeze.0).max().unwrap();
    let until = truth.freezes.iter().map(|freeze| freeze.1).min().unwrap();
    assert!(until.since(from) >= Duration::from_millis(250), "{from} {until}");
    let writes = &truth.requests[0].write_times;
    assert!(writes.iter().all(|at| *at <= from || *at >= until));
    assert!(truth.requests[0].late_us > 200_000);
}

#[test]
fn connections_are_refused_for_a_while_and_then_welcome_again() {
    let agent = agent(|options| options.refusals = vec!["100ms+1500ms".parse().unwrap()]);
    assert_eq!(ask(&agent, "x").status, 200);
    std::thread::sleep(Duration::from_millis(600));
    let error = TcpStream::connect(agent.address()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
    while TcpStream::connect(agent.address()).is_err() {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(ask(&agent, "x").status, 200);
}

#[test]
fn a_rate_and_credits_are_kept_to() {
    let limited = agent(|options| {
        options.capacity.rate = Some("2/m".parse().unwrap());
        options.capacity.retry_after = agent::RetryAfter::Seconds;
    });
    assert_eq!(ask(&limited, "x").status, 200);
    let refused = ask(&limited, "x");
    assert_eq!(refused.status, 429);
    let after = refused.head.lines().find_map(|line| line.strip_prefix("retry-after: "));
    let after: u64 = after.unwrap().parse().unwrap();
    assert!((1..=30).contains(&after), "{after}");
    assert_eq!(&*limited.stop().requests[1].fault, "rate");
    let poor = agent(|options| options.capacity.credits = Some(1));
    assert_eq!(ask(&poor, "x").status, 200);
    let refused = ask(&poor, "x");
    assert_eq!(
        (refused.status, refused.json()["detail"].as_str()),
        (429, Some("Insufficient credits"))
    );
    assert!(!refused.head.contains("retry-after"));
}
