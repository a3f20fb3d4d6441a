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
