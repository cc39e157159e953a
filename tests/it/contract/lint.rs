//! Linters find nothing wrong with the document, nor with the programs that test the server against it.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::tools::tool;
use crate::drift::in_project;
use crate::harness::Scratch;

/// What redocly reports about a document.
fn report(document: &Path) -> Value {
    let output = Command::new(tool("node_modules/.bin/redocly"))
        .args(["lint", "--config", "redocly.yaml", "--format", "json"])
        .arg(document)
        .current_dir(in_project("openapi"))
        .envs([("REDOCLY_TELEMETRY", "off"), ("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true")])
        .output()
        .expect("redocly runs");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[test]
fn the_linter_finds_nothing_but_what_the_readme_gives_reasons_for() {
    let report = report(Path::new("openapi.json"));
    let totals = &report["totals"];
    assert_eq!((&totals["errors"], &totals["warnings"], &totals["ignored"]), (&0.into(), &0.into(), &2.into()), "{report:#}");
}

#[test]
fn the_linter_notices_a_fault() {
    let mut document: Value = serde_json::from_str(&rowlock::spec()).expect("a document");
    document["paths"]["/v1/events"]["get"]["operationId"] = "createEvent".into();
    document["paths"]["/v1/events"]["post"]["requestBody"]["content"]["application/json"]["examples"]["rows"]["value"]["name"] = 5.into();
    let scratch = Scratch::new();
    let report = report(&scratch.file("openapi.json", document.to_string()));
    let rules: Vec<_> = report["problems"].as_array().expect("problems").iter().map(|problem| problem["ruleId"].clone()).collect();
    for rule in ["operation-operationId-unique", "no-invalid-media-type-examples"] {
        assert!(rules.contains(&rule.into()), "{rule} is not among {rules:?}");
    }
}

#[test]
fn the_hooks_of_schemathesis_are_strictly_typed() {
    let scratch = Scratch::new();
    let output = Command::new(tool(".venv/bin/mypy"))
        .args(["--strict", "--cache-dir"])
        .arg(scratch.path())
        .arg("conformance.py")
        .current_dir(in_project("openapi"))
        .output()
        .expect("mypy runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
