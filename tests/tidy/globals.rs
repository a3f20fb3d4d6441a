//! No global state that names a tenant: what one tenant's request leaves behind, another's must not
//! find.

use crate::rust::{Rust, end_of, rust, words};
use crate::source::Source;

fn rule(sources: &[Source]) -> Vec<String> {
    rust(sources).into_iter().flat_map(|rust| file(&rust.without_tests())).collect()
}

fn file(rust: &Rust<'_>) -> Vec<String> {
    let lifetime = |at: &usize| rust.code[..*at].ends_with('\'');
    // Those of thread_local!, task_local! and lazy_static! are written with the same word.
    let items = words(&rust.code, "static").into_iter().filter(|at| !lifetime(at));
    items
        .filter(|at| item_text(rust, *at).to_lowercase().contains("tenant"))
        .map(|at| rust.source.violation(at, "is global state that names a tenant."))
        .collect()
}

/// The item without its comments, and the strings in it.
fn item_text(rust: &Rust<'_>, start: usize) -> String {
    let range = start..end_of(&rust.code, start, b";");
    let strings = rust.literals.iter().filter(|literal| range.contains(&literal.start));
    let strings: Vec<_> = strings.map(|literal| literal.text.as_str()).collect();
    format!("{} {}", &rust.code[range], strings.join(" "))
}

#[cfg(test)]
mod tests {
    use super::rule;
    use crate::source::{assert_none, assert_tells_apart, sources};

    #[test]
    fn no_global_state_names_a_tenant() {
        assert_none(&rule(&sources("src")));
    }

    #[test]
    fn planted_global_state_of_a_tenant_is_found() {
        assert_tells_apart(
            rule,
            &[
                ("src/a.rs", "static OPEN: Mutex<Vec<TenantId>> = Mutex::new(Vec::new());"),
                ("src/a.rs", "pub(crate) static CURRENT_TENANT: AtomicU64 = AtomicU64::new(0);"),
                (
                    "src/a.rs",
                    "thread_local! { static NOW: Cell<Option<TenantId>> = Cell::new(None) }",
                ),
                (
                    "src/a.rs",
                    "fn f() { static A: Once = Once::new(); }\nstatic mut T: [tenant; 2] = x;",
                ),
                (
                    "src/a.rs",
                    "static A: LazyLock<Map> = LazyLock::new(|| { let x = 1; of(Tenant, x) });",
                ),
                (
                    "src/a.rs",
                    "lazy_static! { static ref A: Map<&'static str, File> = read(\"tenants\"); }",
                ),
            ],
            &[
                ("src/a.rs", "static COUNT: AtomicU64 = AtomicU64::new(0);\nstruct Tenant;"),
                ("src/a.rs", "fn tenant(x: &'static str) -> &'static Tenant {}"),
                (
                    "src/a.rs",
                    "// static TENANT\n/* static A: Tenant */ const A: &str = \"static tenant\";",
                ),
                (
                    "src/a.rs",
                    "#[cfg(test)]\nmod tests { static TENANT: Mutex<u8> = Mutex::new(0); }",
                ),
                ("src/a.rs", "static A: u8 = /* of no tenant */ 1;"),
            ],
        );
    }
}
