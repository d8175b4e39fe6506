"""Checks what we depend on, from `cargo metadata` alone: licences and duplicate versions."""

import collections
import json
import re
import subprocess
import sys

# Permissive, and nothing else.
ALLOWED = {
    "MIT", "MIT-0", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "Zlib", "Unicode-3.0",
    "Unlicense", "CC0-1.0", "0BSD", "BSL-1.0", "CDLA-Permissive-2.0",
}

# Crates that two of our dependencies want in different versions; each with the reason it stands.
DUPLICATES_ALLOWED = {
    "base64": "hdrhistogram (interval logs) is one version behind reqwest",
    "bit-vec": "optional in rcgen, which tests alone use; not built",
    "nom": "optional in rcgen, which tests alone use; not built",
    "synstructure": "optional in rcgen, which tests alone use; not built",
    "untrusted": "optional in aws-lc-rs; not built",
    "getrandom": "ring's relatives are one version behind rand",
    "hashbrown": "governor and indexmap differ",
    "windows-sys": "Windows only, not built here",
    "syn": "build time only: derive macros are moving to the next version",
}


def allowed(expression: str) -> bool:
    """Whether an SPDX expression can be met with allowed licences alone."""
    expression = re.sub(r"\s+WITH\s+LLVM-exception", "", expression.replace("/", " OR "))
    words = re.findall(r"[()]|[^\s()]+", expression)
    python = " ".join(
        {"AND": "and", "OR": "or"}.get(word, word if word in "()" else str(word in ALLOWED))
        for word in words
    )
    return bool(eval(python, {"__builtins__": {}}))  # only True, False, and, or, ( and )


def built_here() -> list[dict]:
    """The packages that are really built on this machine, tests included."""
    def ask(*words: str) -> str:
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout

    host = re.search(r"^host: (.+)$", ask("rustc", "-vV"), re.MULTILINE).group(1)
    metadata = json.loads(
        ask("cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", host)
    )
    nodes = {node["id"]: node["dependencies"] for node in metadata["resolve"]["nodes"]}
    found, left = set(), [metadata["resolve"]["root"]]
    while left:
        package = left.pop()
        if package not in found:
            found.add(package)
            left.extend(nodes[package])
    return [package for package in metadata["packages"] if package["id"] in found]


def main() -> int:
    packages = built_here()
    problems = []
    versions = collections.defaultdict(set)
    for package in packages:
        versions[package["name"]].add(package["version"])
        licence = package["license"]
        if not licence or not allowed(licence):
            problems.append(f"{package['name']} {package['version']}: licence {licence!r} is not allowed")
    for name, found in sorted(versions.items()):
        if len(found) > 1 and name not in DUPLICATES_ALLOWED:
            problems.append(f"{name} comes in {len(found)} versions: {', '.join(sorted(found))}")
    print(f"{len(packages)} packages looked at")
    for problem in problems:
        print(f"  {problem}")
    return 1 if problems else 0


sys.exit(main())
