//! The shell steps of `action.yml` and of the examples in docs/ci.md do what is said of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::KEY;

const SCENARIO: &str = r#"
name: agent
target: { url: embedded }
sessions: [{ name: greeting, messages: ["Hello!"] }]
load: { closed: { users: 2, iterations: 8 } }
thresholds: { ttfc: ["p(95)<10s"] }
"#;

/// A checkout with the command on the path and a job of GitHub around it.
struct Checkout {
    folder: TempDir,
}

impl Checkout {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        fs::write(path.join("agent.yaml"), SCENARIO).unwrap();
        fs::create_dir(path.join("bin")).unwrap();
        let command = path.join("bin/streamgauge");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_streamgauge"), command).unwrap();
        Self { folder }
    }

    /// A step, as a CI system runs one.
    fn step(&self, script: &str, env: &BTreeMap<String, String>) -> Output {
        let path = self.folder.path();
        #[expect(clippy::disallowed_methods, reason = "a step finds its commands as we do")]
        let old = std::env::var("PATH").unwrap();
        Command::new("bash")
            .args(["-e", "-o", "pipefail", "-c", script])
            .current_dir(path)
            .env("PATH", format!("{}:{old}", path.join("bin").display()))
            .env("LYZR_API_KEY", KEY)
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_STEP_SUMMARY", path.join("summary.md"))
            .env("GITHUB_OUTPUT", path.join("output"))
            .env("GITHUB_ACTION_PATH", env!("CARGO_MANIFEST_DIR"))
            .envs(env)
            .output()
            .unwrap()
    }

    fn good(&self, script: &str) {
        let output = self.step(script, &BTreeMap::new());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}: {said}");
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }
}

/// Fenced blocks of a language in docs/ci.md.
fn blocks(language: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("docs/ci.md")).unwrap();
    let fence = format!("```{language}\n");
    let blocks = text.split(&fence).skip(1);
    blocks.map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

#[test]
fn the_steps_of_the_github_example() {
    let checkout = Checkout::new();
    let workflow = yaml(&blocks("yaml")[0]);
    let steps = workflow["jobs"]["latency"]["steps"].as_array().unwrap();
    let scripts: Vec<&str> = steps.iter().filter_map(|step| step["run"].as_str()).collect();
    assert_eq!(scripts.len(), 3);
    scripts.iter().for_each(|script| checkout.good(script));
    assert!(checkout.file("junit.xml").contains("<testsuite name=\"agent\""));
    let summary = checkout.file("summary.md");
    assert!(summary.contains("## ✅ agent: everything held"), "{summary}");
    assert!(summary.contains("agent: too few runs"), "the history's part: {summary}");
    assert!(checkout.file("output").contains("verdict=passed"));
}

#[test]
fn the_steps_of_the_gitlab_and_jenkins_examples() {
    let checkout = Checkout::new();
    let job = &yaml(&blocks("yaml")[2])["latency"];
    for part in ["script", "after_script"] {
        for script in job[part].as_array().unwrap() {
            checkout.good(script.as_str().unwrap());
        }
    }
    let junit = checkout.file("junit.xml");
    assert!(checkout.file("latency.md").contains("everything held"));
    let jenkins = blocks("groovy").remove(0);
    let scripts: Vec<&str> =
        jenkins.split("sh '").skip(1).map(|rest| rest.split('\'').next().unwrap()).collect();
    assert_eq!(scripts.len(), 2);
    scripts.iter().for_each(|script| checkout.good(script));
    assert_ne!(checkout.file("junit.xml"), junit, "it is of the second run");
}

/// The environment of a step of the action, with these inputs.
fn environment(action: &Value, step: &Value, given: &[(&str, &str)]) -> BTreeMap<String, String> {
    let filled = step["env"].as_object().unwrap().iter().map(|(name, value)| {
        let input = value.as_str().unwrap();
        let input = input.trim_start_matches("${{ inputs.").trim_end_matches(" }}");
        let declared = &action["inputs"][input];
        assert!(declared.is_object(), "{input} is no input");
        let default = declared["default"].as_str().unwrap_or_default();
        let value = given.iter().find(|(name, _)| *name == input).map_or(default, |(_, it)| *it);
        (name.clone(), value.to_owned())
    });
    filled.collect()
}

#[test]
fn the_steps_of_the_action() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let action = yaml(&fs::read_to_string(root.join("action.yml")).unwrap());
    let steps = action["runs"]["steps"].as_array().unwrap();
    let step = |name: &str| steps.iter().find(|step| step["name"] == name).unwrap();
    let checkout = Checkout::new();
    let with = |step: &Value, more: &[(&str, &str)]| {
        let mut given = vec![
            ("scenario", "agent.yaml"),
            ("binary", env!("CARGO_BIN_EXE_streamgauge")),
            ("reports", "out put"),
        ];
        given.extend(more);
        let environment = environment(&action, step, &given);
        checkout.step(step["run"].as_str().unwrap(), &environment)
    };
    let output = with(step("Run"), &[("arguments", "-n 6 --seed 7")]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let outputs = checkout.file("output");
    // Every output that is declared is set.
    for (_, declared) in action["outputs"].as_object().unwrap() {
        let value = declared["value"].as_str().unwrap();
        let name = value.trim_start_matches("${{ steps.run.outputs.").trim_end_matches(" }}");
        assert!(outputs.lines().any(|line| line.starts_with(&format!("{name}="))), "{name}");
    }
    let output = with(step("Judge by the runs before"), &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(checkout.file("summary.md").contains("agent: too few runs"));
    // A threshold that fails is the exit code of the step.
    let arguments = ("arguments", "-n 6 --set thresholds.ttfc=max<1us");
    assert_eq!(with(step("Run"), &[arguments]).status.code(), Some(99));
    let output = with(step("Run"), &[("baseline", "nobody")]);
    assert_eq!(output.status.code(), Some(2), "the baseline is asked for");
}
