//! Caches whose keys come from outside: names of tenants and hosts, addresses of issuers, ids of tokens. The sender chooses
//! how long a name is, so these caches are bounded by bytes and not by the number of entries.

use std::sync::Arc;

use moka::sync::Cache;

use super::{TenantEntry, tenant_issuers};
use crate::domain::{TenantReference, TokenName};

/// What is known by a name, with the epoch that it was read in.
type Known<K, V> = Cache<K, (u64, V)>;

/// Bytes that names of tenants take at most, with the entries of those that there are: room for 100,000 tenants.
const MAX_TENANT_BYTES: u64 = 64 << 20;
/// Bytes that addresses of issuers, and ids of tokens, take at most.
const MAX_BYTES: u64 = 16 << 20;
/// Bytes that a cache needs for an entry besides its key's text.
const ENTRY_BYTES: usize = 160;
/// Bytes of a tenant's entry, or of an issuer with its terms, where there is one.
const FOUND_BYTES: usize = 480;

fn by_bytes<K, V>(max: u64, bytes: fn(&K, &V) -> usize) -> Known<K, V>
where
    K: std::hash::Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    let weigh = move |key: &K, (_, value): &(u64, V)| {
        u32::try_from(ENTRY_BYTES + bytes(key, value)).unwrap_or(u32::MAX)
    };
    Cache::builder().weigher(weigh).max_capacity(max).build()
}

fn found<T>(value: Option<&T>) -> usize {
    value.map_or(0, |_| FOUND_BYTES)
}

/// Tenants, and names that mean none.
pub(super) fn tenants() -> Known<TenantReference, Option<Arc<TenantEntry>>> {
    by_bytes(MAX_TENANT_BYTES, |reference, entry| {
        let name = match reference {
            TenantReference::Id(_) => 0,
            TenantReference::Slug(slug) => slug.as_str().len(),
            TenantReference::Host(host) => host.as_str().len(),
        };
        name + found(entry.as_ref())
    })
}

/// Tenants' issuers, and addresses of which it is known that they are none.
pub(super) fn issuers() -> tenant_issuers::Kept {
    by_bytes(MAX_BYTES, |(_, url), issuer| url.len() + found(issuer.as_ref()))
}

/// Tokens, and whether each is still good.
pub(super) fn tokens() -> Known<TokenName, bool> {
    by_bytes(MAX_BYTES, |name, _| name.iss.len() + name.jti.len())
}

#[cfg(test)]
mod tests {
    use super::{Arc, MAX_BYTES, TokenName, tokens};

    #[test]
    fn long_names_take_no_more_room_than_short_ones() {
        for length in [20, 1_000] {
            let (tokens, issuer) = (tokens(), Arc::<str>::from("https://id.example"));
            for n in 0..30_000 {
                let jti = format!("{n:0length$}").into();
                tokens.insert(TokenName { iss: issuer.clone(), tid: None, jti }, (0, true));
            }
            tokens.run_pending_tasks();
            assert!(tokens.weighted_size() <= MAX_BYTES, "{}", tokens.weighted_size());
            assert_eq!(tokens.entry_count() == 30_000, length == 20, "{}", tokens.entry_count());
        }
    }
}
