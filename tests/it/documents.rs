//! What the documents show is what there is: scenarios load, command lines are understood.

use std::path::{Path, PathBuf};

use streamgauge::scenario::{self, Overrides};
use streamgauge::surroundings::Process;

fn documents() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = vec![root.join("README.md")];
    for entry in std::fs::read_dir(root.join("docs")).unwrap() {
        paths.push(entry.unwrap().path());
    }
    for entry in std::fs::read_dir(root.join("scenarios")).unwrap() {
        paths.push(entry.unwrap().path());
    }
    paths.retain(|path| path.is_file());
    paths.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn the_readmes_scenario_loads() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let mut blocks = 0;
    for block in readme.split("```yaml\n").skip(1) {
        let text = block.split("```").next().unwrap();
        let loaded = scenario::load("README.md", text, root, &Overrides::default(), &Process);
        assert!(loaded.is_ok(), "{}", loaded.unwrap_err());
        blocks += 1;
    }
    assert_eq!(blocks, 1);
}

#[test]
fn command_lines_in_documents_are_understood() {
    let mut seen = 0;
    let mut wrong = Vec::new();
    for (path, text) in documents() {
        for line in text.lines() {
            // A command line stands on a line of its own, indented or in a comment.
            let line = line.trim_start_matches(['#', ' ']);
            let line = line
                .strip_prefix("cargo run --release --")
                .map(str::trim_start)
                .or_else(|| line.strip_prefix("streamgauge "));
            let Some(line) = line else { continue };
            let words = words(line);
            // Prose about the program; the scenarios explain their command lines after two spaces.
            let commands = [
                "run", "plan", "agent", "batch", "report", "compare", "history", "init", "baseline",
            ];
            if !words.first().is_some_and(|first| commands.contains(&first.as_str())) {
                continue;
            }
            seen += 1;
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            if let Err(said) = streamgauge::cli::understands(&words) {
                wrong.push(format!("{}: {line}\n{said}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen >= 8, "only {seen} command lines were found");
}

/// The words of a command line: quotes as in a shell; a comment, or two spaces, ends it.
fn words(line: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut open: Option<char> = None;
    let mut fresh = true;
    let mut before = ' ';
    for letter in line.chars() {
        match (open, letter) {
            (Some(quote), _) if letter == quote => open = None,
            (None, '"' | '\'') => open = Some(letter),
            (None, '#') if before == ' ' => break,
            (None, ' ') if before == ' ' => break,
            (None, ' ') => fresh = true,
            _ => {
                if std::mem::take(&mut fresh) {
                    words.push(String::new());
                }
                words.last_mut().unwrap().push(letter);
            }
        }
        before = letter;
    }
    words
}
