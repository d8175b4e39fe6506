//! `streamgauge plan`: what it shows, and what it refuses.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;

use clap::Parser;
use streamgauge::cli::plan::{Args, run_in};
use streamgauge::scenario::{Imagined, Surroundings};

/// The shipped scenarios are read from the disk, with an environment of our own.
struct Shipped(Imagined);

impl Surroundings for Shipped {
    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        std::fs::read(path).map_err(|error| error.to_string())
    }

    fn var(&self, name: &str) -> Option<String> {
        self.0.var(name)
    }
}

#[derive(Parser)]
#[command(name = "streamgauge plan")]
struct Command {
    #[command(flatten)]
    args: Args,
}

fn plan(world: &dyn Surroundings, args: &str) -> (u8, String, String) {
    let words = std::iter::once("plan").chain(args.split_whitespace());
    let command = Command::try_parse_from(words).unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = run_in(world, &command.args, &mut out, &mut err);
    (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

#[test]
fn shipped_scenarios_are_good_and_shown_at_80_columns() {
    let world = Shipped(Imagined::new());
    for name in ["quickstart", "ten-users", "arrivals"] {
        let (code, out, err) = plan(&world, &format!("scenarios/{name}.yaml"));
        assert_eq!((code, err.as_str()), (0, ""), "{name}");
        for line in out.lines() {
            assert!(line.chars().count() <= 80, "{name}: {line}");
        }
        assert!(out.starts_with(name), "{out}");
        assert!(out.contains("\"message\":"), "shows requests: {out}");
    }
}

#[test]
fn the_plan_of_an_open_load_counts_its_schedule() {
    let world = Shipped(Imagined::new());
    let (_, text, _) = plan(&world, "scenarios/arrivals.yaml --set load.open.arrivals=even");
    assert!(text.contains("120 sessions, 240 turns"), "{text}");
    assert!(text.contains("0.000s, 0.500s, 1.000s"), "{text}");
    let (_, json, _) = plan(&world, "scenarios/arrivals.yaml -r 4/s -z 10s --format json");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["scenario"]["load"]["open"]["rate"], "4/s");
    assert_eq!(json["plan"]["duration_s"], 10.0);
    assert_eq!(json["plan"]["kinds"][0]["turns"]["max"], 2);
    assert_eq!(json["plan"]["first_requests"][0]["session"], 0);
    let body = &json["plan"]["first_requests"][0]["body"];
    assert_eq!(body["user_id"], "user-0");
    assert_eq!(body["message"], "Which of your answers is the shortest?");
}

#[test]
fn a_key_is_never_shown_and_a_missing_one_is_said() {
    let remote = "-m Hi! --target https://h.example --agent-id a -H x-auth:hunter2";
    let world = Imagined::new().with_var("LYZR_API_KEY", "sk-secret");
    for format in ["text", "json"] {
        let (code, out, _) = plan(&world, &format!("{remote} --format {format}"));
        assert_eq!(code, 0);
        assert!(!out.contains("sk-secret") && !out.contains("hunter2"), "{out}");
        assert!(out.contains("https://h.example/v2/stream/"), "{out}");
    }
    let (code, out, _) = plan(&Imagined::new(), remote);
    assert_eq!(code, 0, "a scenario can be checked where there is no key");
    assert!(out.contains("`LYZR_API_KEY` is not set: `run` would stop"), "{out}");
}

#[test]
fn a_bad_scenario_is_exit_code_2_and_says_nothing_on_stdout() {
    let world = Imagined::new().with_file("x.yaml", "tagret: 1\n");
    let (code, out, err) = plan(&world, "x.yaml");
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.starts_with("error: unknown field `tagret`\n  --> x.yaml:1:1"), "{err}");
    let (code, _, err) = plan(&world, "missing.yaml");
    assert_eq!(code, 2);
    assert!(err.contains("the scenario missing.yaml cannot be read"), "{err}");
}

#[test]
fn what_would_surprise_is_noted() {
    let world = Imagined::new().with_file("idle.csv", "a\n1\n").with_file(
        "x.yaml",
        "target: { url: embedded }\nsessions: [{ messages: [a, b] }]\n\
             data: { idle: { from: idle.csv } }\n\
             load: { open: { rate: 5/s, duration: 1s } }\nlimits: { requests: 300/m }\n",
    );
    let (_, out, _) = plan(&world, "x.yaml");
    assert!(out.contains("no message takes a row of `data.idle`"), "{out}");
    assert!(out.contains("lets 300/m through and the load asks about 10/s"), "{out}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the snapshot is written anew by hand")]
fn a_scenario_that_uses_every_feature_has_the_plan_a_person_has_checked_also_in_json() {
    let folder = "tests/fixtures/every-feature";
    let world = Shipped(
        Imagined::new().with_var("REGION", "north").with_var("EXAMPLE_KEY", "canary-of-the-key"),
    );
    let (code, shown, err) = plan(&world, &format!("{folder}/scenario.yaml --seed 7"));
    assert_eq!((code, err.as_str()), (0, ""), "{err}");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join("plan.txt");
    if std::env::var_os("STREAMGAUGE_BLESS").is_some() {
        std::fs::write(&file, &shown).unwrap();
    }
    let checked = std::fs::read_to_string(&file).unwrap();
    assert!(shown == checked, "not as in {}; it is now:\n{shown}", file.display());
    assert!(shown.lines().all(|line| line.chars().count() <= 80));
    for hidden in ["canary", "hidden-value"] {
        assert!(!shown.contains(hidden));
    }
    for format in ["text", "json"] {
        let of = |file: &str| plan(&world, &format!("{folder}/{file} --seed 7 --format {format}"));
        assert_eq!(of("scenario.json"), of("scenario.yaml"), "{format}");
    }
}
