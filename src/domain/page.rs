//! Keyset pages: a page begins after a position in a total order, never at an offset.

use serde::{Deserialize, Serialize};

/// One page of a list.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Asks for the page after this one; `null` on the last.
    pub next_cursor: Option<String>,
    /// Where the next page begins, before it is sealed.
    #[serde(skip)]
    pub next: Option<Position>,
}

/// A position in a list: the sort key of the last item delivered, and its id, which makes the order total.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The sort key's value as text; times and numbers in decimal.
    pub key: String,
    /// The id, or another unique text.
    pub id: String,
}

/// Which page is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// Items at most.
    pub limit: u32,
    /// Bytes that heavy items weigh together at most; a single one may weigh more.
    pub max_bytes: usize,
    /// Begin after this position.
    pub after: Option<Position>,
}

impl PageRequest {
    /// Items on a page where nothing else is asked.
    pub const DEFAULT_LIMIT: u32 = 50;
    /// Items on a page at most.
    pub const MAX_LIMIT: u32 = 200;
    /// Bytes of a page's items where nothing else is said.
    pub const DEFAULT_BYTES: usize = 1 << 20;

    /// The first page of a list.
    #[must_use]
    pub fn first(limit: u32) -> Self {
        Self { limit, max_bytes: Self::DEFAULT_BYTES, after: None }
    }
}

impl<T> Page<T> {
    /// Makes a page of one more rows than the limit asks for: the surplus row says that another page follows.
    #[must_use]
    pub fn cut(rows: Vec<T>, request: &PageRequest, position: impl Fn(&T) -> Position) -> Self {
        Self::cut_by_weight(rows, request, |_| 0, position)
    }

    /// The same of rows that can be heavy, each with its weight in bytes: a page ends sooner where it weighs as much as
    /// it may. It has one row at the least.
    #[must_use]
    pub fn cut_by_weight(
        mut rows: Vec<T>,
        request: &PageRequest,
        weight: impl Fn(&T) -> usize,
        position: impl Fn(&T) -> Position,
    ) -> Self {
        let mut bytes = 0;
        let fits = |row: &&T| {
            bytes += weight(row);
            bytes <= request.max_bytes
        };
        let fitting = rows.iter().take(request.limit as usize).take_while(fits).count();
        let delivered = fitting.max(rows.len().min(1));
        let more = rows.len() > delivered;
        rows.truncate(delivered);
        let next = if more { rows.last().map(position) } else { None };
        Self { items: rows, next_cursor: None, next }
    }

    /// The same page of other items.
    #[must_use]
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        let items = self.items.into_iter().map(change).collect();
        Page { items, next_cursor: self.next_cursor, next: self.next }
    }
}

/// Bytes of a value as JSON, counted without writing them down.
pub fn weight(value: &(impl Serialize + ?Sized)) -> usize {
    struct Counter(usize);
    impl std::io::Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut counter = Counter(0);
    // What cannot be written as JSON fits nowhere.
    serde_json::to_writer(&mut counter, value).map_or(usize::MAX, |()| counter.0)
}

super::word::words! {
    /// The direction of an order.
    pub enum Direction {
        /// Smallest first.
        Ascending = "asc",
        /// Largest first.
        Descending = "desc",
    }
}
