//! Lists: constant fragments put together into one statement per shape, paged by keyset.

use super::Param;
use crate::domain::{Direction, PageRequest};

/// A statement in the making. Its text is made of constants alone; values are parameters.
pub(in crate::storage) struct Listing<'a> {
    sql: String,
    params: Vec<Param<'a>>,
}

impl<'a> Listing<'a> {
    /// Begins with a `select … from … where …`.
    pub(in crate::storage) fn new(select: &'static str) -> Self {
        Self { sql: select.to_owned(), params: Vec::new() }
    }

    /// Adds a condition in which `?` stands for the value.
    pub(in crate::storage) fn and(&mut self, condition: &'static str, value: impl Into<Param<'a>>) {
        self.params.push(value.into());
        let number = format!("?{}", self.params.len());
        self.sql.push_str(" and ");
        self.sql.push_str(&condition.replace('?', &number));
    }

    /// Adds a condition in which the first `?` stands for one value and the second for another.
    pub(in crate::storage) fn and_both(
        &mut self,
        condition: &'static str,
        one: &'a str,
        other: &'a str,
    ) {
        self.params.extend([Param::Text(one), Param::Text(other)]);
        let first = self.params.len() - 1;
        let mut parts = condition.split('?');
        self.add(" and ");
        self.add(parts.next().unwrap_or_default());
        for (number, part) in parts.enumerate() {
            self.add(&format!("?{}{part}", first + number));
        }
    }

    /// Adds a condition where there is a value for it.
    pub(in crate::storage) fn and_if(
        &mut self,
        condition: &'static str,
        value: Option<impl Into<Param<'a>>>,
    ) {
        if let Some(value) = value {
            self.and(condition, value);
        }
    }

    /// Adds that a column begins with a text.
    pub(in crate::storage) fn and_prefix(
        &mut self,
        from: &'static str,
        to: &'static str,
        prefix: Option<&'a str>,
    ) {
        if let Some(prefix) = prefix {
            self.and(from, prefix);
            // The largest character there is: nothing that begins with the prefix sorts behind it.
            self.and(to, format!("{prefix}\u{10ffff}"));
        }
    }

    fn add(&mut self, fragment: &str) {
        self.sql.push_str(fragment);
    }

    /// Orders by a key and a unique id, begins after the page's position, and ends one row behind its limit.
    pub(in crate::storage) fn page(
        mut self,
        keys: (&'static str, &'static str),
        direction: Direction,
        page: &'a PageRequest,
        parse: impl Fn(&'a str) -> Param<'a>,
    ) -> (String, Vec<Param<'a>>) {
        let (key, id) = keys;
        let (order, beyond) = match direction {
            Direction::Ascending => ("asc", ">"),
            Direction::Descending => ("desc", "<"),
        };
        if let Some(after) = &page.after {
            self.params.push(parse(&after.key));
            self.params.push(Param::Text(&after.id));
            let count = self.params.len();
            self.add(&format!(" and ({key}, {id}) {beyond} (?{}, ?{count})", count - 1));
        }
        self.params.push(Param::Int(i64::from(page.limit) + 1));
        self.add(&format!(" order by {key} {order}, {id} {order} limit ?{}", self.params.len()));
        (self.sql, self.params)
    }

    /// The same, where a unique number is the key.
    pub(in crate::storage) fn page_by_number(
        mut self,
        number: &'static str,
        direction: Direction,
        page: &'a PageRequest,
    ) -> (String, Vec<Param<'a>>) {
        let (order, beyond) = match direction {
            Direction::Ascending => ("asc", ">"),
            Direction::Descending => ("desc", "<"),
        };
        if let Some(after) = &page.after {
            // A position that was signed here is a number.
            self.params.push(Param::Int(after.key.parse().unwrap_or_default()));
            self.add(&format!(" and {number} {beyond} ?{}", self.params.len()));
        }
        self.params.push(Param::Int(i64::from(page.limit) + 1));
        self.add(&format!(" order by {number} {order} limit ?{}", self.params.len()));
        (self.sql, self.params)
    }

    /// The same, where the unique id itself is the key.
    pub(in crate::storage) fn page_by_id(
        mut self,
        id: &'static str,
        direction: Direction,
        page: &'a PageRequest,
    ) -> (String, Vec<Param<'a>>) {
        let (order, beyond) = match direction {
            Direction::Ascending => ("asc", ">"),
            Direction::Descending => ("desc", "<"),
        };
        if let Some(after) = &page.after {
            self.params.push(Param::Text(&after.id));
            self.add(&format!(" and {id} {beyond} ?{}", self.params.len()));
        }
        self.params.push(Param::Int(i64::from(page.limit) + 1));
        self.add(&format!(" order by {id} {order} limit ?{}", self.params.len()));
        (self.sql, self.params)
    }
}
