//! A token as a caller presents it: parsed once, however often and by whichever issuer's rules it is verified.

use std::cell::OnceCell;

use serde_json::{Map, Value};

use crate::identity::jose::{Signed, object};

/// A token of a request. Its form is read when it is first needed, and then kept.
#[derive(Debug)]
pub struct Presented<'t> {
    text: &'t str,
    parsed: OnceCell<Result<Parsed<'t>, &'static str>>,
}

/// A token in its form, and what it says; nothing of it is verified.
#[derive(Debug)]
pub(super) struct Parsed<'t> {
    pub(super) signed: Signed<'t>,
    pub(super) claims: Map<String, Value>,
    /// The issuer that it names.
    pub(super) issuer: String,
}

impl<'t> Presented<'t> {
    /// A token that is not parsed yet.
    #[must_use]
    pub fn new(text: &'t str) -> Self {
        Self { text, parsed: OnceCell::new() }
    }

    pub(super) fn text(&self) -> &'t str {
        self.text
    }

    /// The token, parsed; or what of its form is wrong.
    pub(super) fn parsed(&self) -> Result<&Parsed<'t>, &'static str> {
        self.parsed.get_or_init(|| Parsed::read(self.text)).as_ref().map_err(|why| *why)
    }
}

impl<'t> Parsed<'t> {
    fn read(text: &'t str) -> Result<Self, &'static str> {
        let signed = Signed::parse(text)?;
        let claims = object(signed.payload()).ok_or("the claims cannot be read")?;
        let issuer = claims.get("iss").and_then(Value::as_str).ok_or("there is no issuer")?;
        Ok(Self { issuer: issuer.to_owned(), signed, claims })
    }
}
