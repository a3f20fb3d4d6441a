//! `/metrics`: figures, for whoever is to have them.

use crate::app::{Place, TestApp};
use crate::org::Org;

const WRITTEN: &[&str] = &[
    "freehold_http_requests_total",
    "freehold_http_request_duration_seconds",
    "freehold_tenant_requests_total",
    "freehold_commits_total",
    "freehold_commit_duration_seconds",
    "freehold_commit_jobs",
    "freehold_audit_denials_total",
    "freehold_events_total",
    "freehold_open_tenants",
    "freehold_registry_ready",
    "freehold_build_info",
];

#[test]
fn figures_are_for_the_host_and_for_whoever_has_the_token() {
    let settings = [("FREEHOLD__METRICS__TOKEN", "scrape-me")];
    let app = TestApp::dev_with(&Place::new(), &settings);
    let org = Org::new(&app, "counted");
    org.team("counted");
    org.guest.get("/members").problem(403, "forbidden");
    for nobody in [app.stranger(), app.operator(), org.owner.root(), app.bearer("scrape")] {
        nobody.get("/metrics").problem(404, "not_found");
    }
    app.bearer("scrape-me").get("/metrics").expect(200);
    let figures = app.host().get("/metrics").expect(200);
    assert!(figures.header("content-type").starts_with("text/plain; version=0.0.4"));
    for name in WRITTEN {
        assert!(figures.text.contains(&format!("# TYPE {name} ")), "{name}\n{}", figures.text);
        assert!(figures.text.contains(&format!("# HELP {name} ")), "{name}");
    }
    let tenant = format!("freehold_tenant_requests_total{{tenant=\"{}\"}}", org.id);
    assert!(figures.text.contains(&tenant), "{}", figures.text);
    // A route is a row of the table, whatever is asked for.
    app.stranger().get("/nothing/of/the/kind").expect(404);
    let figures = app.host().get("/metrics").expect(200).text;
    assert!(!figures.contains("of/the/kind") && figures.contains("route=\"none\""));
}

#[test]
fn the_dashboard_asks_for_figures_that_there_are() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/grafana.json");
    let dashboard = std::fs::read_to_string(path).unwrap();
    let parsed: serde_json::Value = serde_json::from_str(&dashboard).unwrap();
    assert!(parsed["panels"].as_array().unwrap().len() >= 8);
    let known = include_str!("../../src/cli/figures.rs");
    let mut asked = 0;
    for part in dashboard.split("freehold_").skip(1) {
        let name = part.split(|c: char| !c.is_ascii_lowercase() && c != '_').next().unwrap();
        let name = ["_bucket", "_sum", "_count"]
            .iter()
            .fold(name, |name, end| name.strip_suffix(end).unwrap_or(name));
        assert!(known.contains(&format!("\"freehold_{name}\"")), "freehold_{name}");
        asked += 1;
    }
    assert!(asked >= 8, "{asked}");
}
