//! What is kept of a scenario: nothing secret, enough to run it again, and a fingerprint of what matters.

use super::{FULL, RICH, good, read, set};

#[test]
fn the_same_scenario_in_yaml_and_json_has_the_same_fingerprint() {
    let yaml = good(FULL);
    let json = serde_json::to_string_pretty(&yaml.resolved()).unwrap();
    let again = good(&json);
    assert_eq!(again.fingerprint(), yaml.fingerprint());
    let mut resolved = again.resolved();
    assert_eq!(resolved["target"]["headers"]["x-auth"], "***");
    resolved["target"]["headers"] = yaml.resolved()["target"]["headers"].clone();
    assert_eq!(resolved, yaml.resolved());
}

#[test]
fn a_rich_scenario_is_the_same_when_it_is_read_from_what_is_kept_of_it() {
    let rich = good(RICH);
    let kept = rich.resolved();
    let again = good(&serde_json::to_string_pretty(&kept).unwrap());
    assert_eq!(again.resolved(), kept);
    assert_eq!(again.fingerprint(), rich.fingerprint());
    assert_eq!(kept["sessions"][0]["messages"][0]["expect"]["json"][0]["equals"], "5");
    assert!(!kept.to_string().contains("\"eu\""), "variables are kept by name");
    for other in [
        "env=[HOST, REGION]",
        "users.sessions_per_user=4",
        "expect.max_ttfc=91s",
        "sessions[0].user_id=other",
        "sessions[0].on_error=continue",
        "sessions[0].expect.contains=a",
        "sessions[0].setup[0]=hi",
        "sessions[0].setup[1].think=2s",
        "sessions[0].closing[0].text=see you",
        "sessions[0].messages[0].expect.min_bytes=2",
        "data.order.on_end=stop",
    ] {
        assert_ne!(
            read(RICH, &set(&[other])).unwrap().fingerprint(),
            rich.fingerprint(),
            "{other}"
        );
    }
}

#[test]
fn the_fingerprint_is_of_what_is_asked_and_how() {
    let base = good(FULL).fingerprint();
    for same in [
        "name=other",
        "target.url=http://elsewhere.example",
        "target.agent_id=x",
        "target.headers.x-team=other",
        "slo.ttfc=9s",
        "thresholds.errors=rate<50%",
    ] {
        assert_eq!(read(FULL, &set(&[same])).unwrap().fingerprint(), base, "{same}");
    }
    for other in [
        "target.url=embedded",
        "target.timeouts.idle=31s",
        "users.count=21",
        "sessions[0].weight=4",
        "sessions[0].messages[1].text=Hm?",
        "data.order.pick=random",
        "load.closed.users=21",
        "warmup=11s",
        "limits.retries=1",
    ] {
        assert_ne!(read(FULL, &set(&[other])).unwrap().fingerprint(), base, "{other}");
    }
}

#[test]
fn the_resolved_scenario_keeps_variables_and_masks_keys() {
    let resolved = good(FULL).resolved();
    assert_eq!(resolved["target"]["url"], "https://${HOST}");
    assert_eq!(resolved["target"]["headers"]["x-auth"], "***");
    assert_eq!(resolved["load"]["closed"]["duration"], "1m");
    assert_eq!(resolved["sessions"][1]["from"], "good.jsonl");
    assert!(!resolved.to_string().contains("agent.example"));
}
