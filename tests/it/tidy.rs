//! Conventions that matter are tests: who may use whom, purity, sizes, one home each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every source file, with its path from `src/`.
fn sources() -> Vec<(PathBuf, String)> {
    fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                found.push(path);
            }
        }
    }
    let src = root().join("src");
    let mut found = Vec::new();
    walk(&src, &mut found);
    found.sort();
    found
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            (path.strip_prefix(&src).unwrap().to_owned(), text)
        })
        .collect()
}

/// The top-level module a file belongs to.
fn module(path: &Path) -> String {
    let first = path.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// The code of a file without its unit tests and comments: `#[cfg(test)]` stands last in a file.
fn code(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod tests").unwrap_or(text.len());
    text[..end]
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The modules in reading order: the order of the `pub mod` lines of `lib.rs`.
fn reading_order() -> BTreeMap<String, usize> {
    let lib = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    lib.lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .enumerate()
        .map(|(at, name)| (name.to_owned(), at))
        .collect()
}

/// The modules that touch nothing of the world.
const PURE: [&str; 17] = [
    "units",
    "metric",
    "sample",
    "secret",
    "threshold",
    "stats",
    "measure",
    "expect",
    "scenario",
    "plan",
    "protocol",
    "summary",
    "calibration",
    "sweep",
    "compare",
    "history",
    "report",
];

/// Top-level modules that `code` names as `crate::module`.
fn used(code: &str) -> Vec<String> {
    code.match_indices("crate::")
        .map(|(at, word)| {
            let rest = &code[at + word.len()..];
            rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()
        })
        .filter(|name| name.starts_with(|c: char| c.is_ascii_lowercase()))
        .collect()
}

#[test]
fn a_module_uses_only_modules_above_it() {
    let order = reading_order();
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let own = module(&path);
        let Some(&at) = order.get(&own) else { continue };
        for other in used(&code(&text)) {
            if order.get(&other).is_some_and(|&theirs| theirs > at) {
                wrong.push(format!("{} uses {other}, which stands below {own}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pure_modules_touch_nothing() {
    let forbidden = [
        "tokio",
        "reqwest::",
        "std::fs",
        "std::env::",
        "std::net",
        "Instant",
        "SystemTime",
        "std::thread",
    ];
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        if !PURE.contains(&module(&path).as_str()) {
            continue;
        }
        let code = code(&text);
        for word in forbidden {
            if code.contains(word) {
                wrong.push(format!("{} names {word}", path.display()));
            }
        }
        for other in used(&code) {
            if reading_order().contains_key(&other) && !PURE.contains(&other.as_str()) {
                wrong.push(format!("{} is pure and uses {other}, which is not", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_happens_knows_nothing_of_what_is_learnt() {
    let happens = ["clock", "client", "exchange", "event", "executor", "agent"];
    for (path, text) in sources() {
        if happens.contains(&module(&path).as_str()) {
            for other in used(&code(&text)) {
                assert!(
                    !["summary", "report"].contains(&other.as_str()),
                    "{} uses {other}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn the_agent_and_the_client_side_share_no_code() {
    for (path, text) in sources() {
        if module(&path) == "agent" {
            for other in used(&code(&text)) {
                let theirs = ["protocol", "client", "exchange", "executor"];
                assert!(!theirs.contains(&other.as_str()), "{} uses {other}", path.display());
            }
        }
    }
}

#[test]
fn each_library_that_matters_has_one_home() {
    let homes = [
        ("reqwest::", &["client/", "agent/upstream"][..]),
        ("governor::", &["executor/admission.rs"]),
        ("clap::", &["cli/"]),
        ("regex::", &["expect/", "scenario/read/"]),
        ("minijinja::", &["scenario/", "plan/"]),
    ];
    for (path, text) in sources() {
        let path = path.to_str().unwrap();
        for (library, places) in homes {
            if code(&text).contains(library) {
                assert!(
                    places.iter().any(|place| path.starts_with(place)),
                    "{path} uses {library}"
                );
            }
        }
    }
}

#[test]
fn a_file_knows_one_thing() {
    for (path, text) in sources() {
        let lines = code(&text).lines().count();
        assert!(lines <= 400, "{} has {lines} lines of code: split it", path.display());
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(
            !["utils", "util", "common", "helpers", "manager", "misc"].contains(&name),
            "{}",
            path.display()
        );
        assert!(text.starts_with("//!"), "{} does not say what it is for", path.display());
    }
}

#[test]
fn documents_name_only_files_that_exist() {
    let mut documents: Vec<PathBuf> = vec![root().join("README.md"), root().join("CHANGELOG.md")];
    for folder in ["docs", "docs/decisions"] {
        documents.extend(
            std::fs::read_dir(root().join(folder))
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.extension().is_some_and(|ext| ext == "md")),
        );
    }
    let mut wrong = Vec::new();
    for document in documents {
        let Ok(text) = std::fs::read_to_string(&document) else { continue };
        for word in text.split(['`', '(', ')', ' ', '\n']) {
            let named = ["src/", "docs/", "scenarios/", "tests/", "benches/"]
                .iter()
                .any(|folder| word.starts_with(folder));
            let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "/_-.".contains(c));
            let word = word.trim_end_matches(['.', '/']);
            if named && plain && !root().join(word).exists() {
                wrong.push(format!("{} names {word}", document.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
