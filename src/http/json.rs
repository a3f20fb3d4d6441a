//! JSON texts, checked before anything is made of them: bounded in depth, and every name once in its object.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeOwned, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::failure::Failure;
use crate::domain::{Error, FieldError};
use crate::services::imports;

/// Reads what a body says.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8], max_depth: usize) -> Result<T, Failure> {
    read(check(body, max_depth)?)
}

/// A whole JSON text, an object at its top; whatever is wrong after that is wrong with a field.
pub(super) fn check(body: &[u8], max_depth: usize) -> Result<&str, Failure> {
    let text = std::str::from_utf8(body).map_err(|error| Failure::Malformed(error.to_string()))?;
    if is_deeper(body, max_depth) {
        return Err(Failure::TooDeep(max_depth));
    }
    read::<Unambiguous>(text)?;
    if text.trim_start().starts_with('{') {
        Ok(text)
    } else {
        Err(Error::invalid("", "must be an object").into())
    }
}

/// Whether brackets nest deeper; of what is no JSON, it may say either.
fn is_deeper(text: &[u8], max_depth: usize) -> bool {
    let (mut depth, mut in_string, mut is_escaped) = (0_usize, false, false);
    for byte in text {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_string => is_escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > max_depth {
            return true;
        }
    }
    false
}

fn read<'t, T: Deserialize<'t>>(text: &'t str) -> Result<T, Failure> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = serde_path_to_error::deserialize(&mut reader).map_err(|error| refused(&error))?;
    reader.end().map_err(|error| Failure::Malformed(error.to_string()))?;
    Ok(read)
}

fn refused(error: &serde_path_to_error::Error<serde_json::Error>) -> Failure {
    let cause = error.inner();
    if !cause.is_data() {
        return Failure::Malformed(cause.to_string());
    }
    let detail = cause.to_string();
    let detail = detail.split(" at line ").next().unwrap_or(&detail).to_owned();
    let mut field = imports::pointer(error.path());
    for named in ["unknown field `", "missing field `", "duplicate field `"] {
        let name = detail.strip_prefix(named).and_then(|rest| rest.split('`').next());
        if let Some(name) = name.filter(|name| !field.ends_with(&format!("/{name}"))) {
            field = format!("{field}/{name}");
        }
    }
    Error::Invalid(vec![FieldError::new(field, detail)]).into()
}

/// Any JSON value in which no object has a name twice: two readers might take different ones.
struct Unambiguous;

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

/// What a value says of itself does not matter here.
macro_rules! takes {
    ($($visit:ident: $type:ty),+) => {$(
        fn $visit<E>(self, _: $type) -> Result<Self, E> {
            Ok(Self)
        }
    )+};
}

impl<'de> Visitor<'de> for Unambiguous {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    takes!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self, A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if names.contains(&name) {
                return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
            }
            names.insert(name);
            members.next_value::<Self>()?;
        }
        Ok(self)
    }
}
