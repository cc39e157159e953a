//! `rowlock-lab bench` with small loads.

use pretty_assertions::assert_eq;
use serde_json::Value;

use super::process::{Running, output_of, rowlock_lab};
use crate::harness::{PATIENCE, Scratch, eventually};

#[test]
fn the_bench_measures_on_a_durable_stack_of_its_own_and_reports() {
    let dir = Scratch::new();
    let (stack, out) = (dir.path().join("stack"), dir.path().join("out"));
    let mut command = rowlock_lab(&["bench", "--quick", "--rounds", "2", "--only", "single_claim_per_call", "--dir"]);
    let output = output_of(command.arg(&stack).arg("--out").arg(&out));
    let (said, text) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}: {text}\n{said}", output.status);
    assert!(text.contains("fsync on, synchronous_commit on") && text.contains("durable writes"), "{text}");

    let report: Value = serde_json::from_slice(&std::fs::read(out.join("report.json")).expect("the report")).expect("JSON");
    let figures = report["figures"].as_array().expect("figures");
    let ids: Vec<&str> = figures.iter().map(|figure| figure["id"].as_str().expect("an id")).collect();
    assert_eq!(ids, ["single_claim_per_call", "single_claim_ms", "single_call_ms", "generator_single"]);
    let (ratio, base) = (&figures[0], &figures[1]);
    let number = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("no number in {ratio}"));
    let (min, median, max) = (number(&ratio["min"]), number(&ratio["median"]), number(&ratio["max"]));
    assert!(0.0 < min && min <= median && median <= max, "{ratio}");
    assert_eq!((number(&ratio["must"]), number(&ratio["aim"])), (2.0, 1.4));
    assert_eq!(ratio["holds"], median <= 2.0);
    assert_eq!(ratio["rounds"].as_array().map(Vec::len), Some(2));
    assert!(base["must"].is_null() && base["holds"].is_null() && number(&base["median"]) > 0.0, "{base}");
    for (key, setting) in [("fsync", "on"), ("synchronous_commit", "on")] {
        assert_eq!(report["machine"][key], setting);
    }
    assert!(number(&report["machine"]["fdatasync_per_s"]) > 0.0 && number(&report["machine"]["cores"]) >= 1.0);
    assert_eq!(report["broken"], Value::Array(Vec::new()));

    let what = ratio["what"].as_str().expect("a text");
    let table = std::fs::read_to_string(out.join("table.md")).expect("the table");
    let verdict = if median <= 2.0 { "holds" } else { "falls short" };
    let page = std::fs::read_to_string(out.join("report.html")).expect("the page");
    assert!(page.contains("1 of 1 figures hold") == (median <= 2.0) && page.contains(what), "{page}");
    assert!(table.contains(&format!("\n| `single_claim_per_call` | {what} |")), "{table}");
    for text in [&*said, &table] {
        let line = text.lines().find(|line| line.contains(what)).unwrap_or_else(|| panic!("no {what}: {text}"));
        assert!(line.contains(verdict) && line.contains("≤ 2.00"), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_early_it_reports_what_was_measured_until_then() {
    let dir = Scratch::new();
    let (stack, out) = (dir.path().join("stack"), dir.path().join("out"));
    let mut command = rowlock_lab(&["bench", "--quick", "--rounds", "100", "--only", "single_claim_ms", "--dir"]);
    command.arg(&stack).arg("--out").arg(&out);
    let mut bench = Running::start(command).await;
    // A whole sale and a whole round come first, which takes more than seconds on a busy machine.
    eventually(2 * PATIENCE, || std::future::ready(bench.stderr().contains("round 2 of 100"))).await;
    bench.signal("INT");
    let status = bench.ended().await;
    assert_eq!(status.code(), Some(130), "{}{}", bench.stdout(), bench.stderr());
    let report: Value = serde_json::from_slice(&std::fs::read(out.join("report.json")).expect("the report")).expect("JSON");
    let rounds = report["figures"][0]["rounds"].as_array().map_or(0, Vec::len);
    assert!((1..100).contains(&rounds), "{rounds}");
    assert!(report["failed"][0].as_str().is_some_and(|why| why.contains("interrupted")), "{report}");
    assert_eq!(report["broken"], Value::Array(Vec::new()));
}

#[test]
fn a_report_that_cannot_be_written_is_noticed_before_anything_is_started() {
    let dir = Scratch::new();
    let file = dir.path().join("a file");
    std::fs::write(&file, "").expect("a file");
    let output = output_of(rowlock_lab(&["bench", "--dir"]).arg(dir.path().join("stack")).arg("--out").arg(file.join("out")));
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("cannot create"), "{output:?}");
    for flag in ["--json", "--html"] {
        let output = output_of(rowlock_lab(&["rush", "--dir"]).arg(dir.path().join("stack")).arg(flag).arg(file.join("report")));
        assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("cannot write"), "{output:?}");
    }
    assert!(!dir.path().join("stack").exists());
}

#[test]
fn an_unknown_figure_is_refused_before_anything_is_started() {
    let dir = Scratch::new();
    let output = output_of(rowlock_lab(&["bench", "--only", "speed", "--dir"]).arg(dir.path().join("stack")));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains("no figure \"speed\"") && text.contains("claims_per_no_op"), "{text}");
    assert!(!dir.path().join("stack").exists());
}
