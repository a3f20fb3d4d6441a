//! `/docs`: the documentation for people, with no file from outside.

use crate::shared;

shared!();

/// The values of an attribute in a page.
fn attributes<'p>(page: &'p str, name: &str) -> Vec<&'p str> {
    let mark = format!("{name}=\"");
    page.split(&mark).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

#[test]
fn the_page_is_shown_and_everything_in_it_comes_from_here() {
    let stranger = app().stranger();
    let page = stranger.get("/docs/").expect(200);
    assert!(page.header("content-type").starts_with("text/html"));
    let linked = [attributes(&page.text, "src"), attributes(&page.text, "href")].concat();
    assert!(linked.len() >= 3, "{linked:?}");
    for address in linked {
        let outside = address.contains("://") || address.starts_with("//");
        assert!(!outside, "{address}");
        let path =
            format!("/docs/{}", address.trim_start_matches("./").trim_start_matches("/docs/"));
        assert!(!stranger.get(&path).expect(200).text.is_empty(), "{path}");
    }
}

#[test]
fn the_page_reads_the_document_of_this_server() {
    let script = app().stranger().get("/docs/swagger-initializer.js").expect(200);
    assert!(script.text.contains("/openapi.json"), "{}", script.text);
    assert!(
        !script.text.contains("http://") && !script.text.contains("https://"),
        "{}",
        script.text
    );
}

#[test]
fn the_page_is_found_without_its_last_slash() {
    let answer = app().stranger().get("/docs");
    assert_eq!((answer.status, answer.header("location")), (308, "/docs/"));
}

#[test]
fn what_is_not_there_is_not_found() {
    for path in ["/docs/nothing.js", "/docs/../Cargo.toml", "/docs/%2e%2e/Cargo.toml"] {
        app().stranger().get(path).expect(404);
    }
}

fn written() -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/api.md");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn the_guide_to_the_api_has_every_problem() {
    let document = app().stranger().get("/openapi.json").expect(200);
    let told = document["info"]["description"].as_str().unwrap();
    let codes = told.split("it is one of").nth(1).unwrap().split('`').skip(1).step_by(2);
    let (codes, page): (Vec<_>, _) = (codes.collect(), written());
    assert!(codes.len() > 60, "{codes:?}");
    let is_missing = |code: &&&str| !page.contains(&format!("| `{code}` |"));
    let missing: Vec<_> = codes.iter().filter(is_missing).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_guide_to_the_api_has_every_list_with_its_filters() {
    let document = app().stranger().get("/openapi.json").expect(200);
    let page = written();
    let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let mut lists = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let parameters = operations["get"]["parameters"].as_array();
        let asked = parameters.into_iter().flatten().filter(|one| one["in"] == "query");
        let filters: Vec<_> = asked.map(|one| one["name"].as_str().unwrap()).collect();
        if !filters.contains(&"cursor") {
            continue;
        }
        lists += 1;
        let list = path.trim_start_matches("/v1/").trim_start_matches("tenants/{tenant}/");
        let named = format!("`{list}`");
        let row = rows.iter().find(|row| row.split('|').nth(1).unwrap().contains(&named));
        let row = row.unwrap_or_else(|| panic!("{path} is in no row"));
        for filter in filters.iter().filter(|name| !["cursor", "limit"].contains(name)) {
            assert!(row.contains(&format!("`{filter}`")), "{path}: {filter}");
        }
    }
    assert!(lists > 35, "{lists}");
}
