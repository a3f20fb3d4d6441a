//! Closed enumerations, each written once: the enum, its words in JSON, in OpenAPI and in the database.

/// An enumeration whose variants are words in JSON and in the database.
pub trait Word: Sized + Copy + 'static {
    /// Every variant, in declaration order.
    const ALL: &'static [Self];

    /// The variant's word.
    fn as_str(self) -> &'static str;

    /// The variant of a word, where there is one.
    fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|variant| variant.as_str() == word)
    }
}

/// Reads a variant: a string that is one of the words, and nothing else.
pub(crate) fn read<'de, W: Word, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<W, D::Error> {
    use serde::Deserialize as _;
    let word = std::borrow::Cow::<str>::deserialize(deserializer)?;
    W::parse(&word).ok_or_else(|| {
        let words: Vec<_> = W::ALL.iter().map(|variant| variant.as_str()).collect();
        serde::de::Error::custom(format!("must be one of {}", words.join(", ")))
    })
}

macro_rules! words {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $word)] $variant,)+
        }

        impl crate::domain::Word for $name {
            const ALL: &'static [Self] = &[$(Self::$variant),+];

            fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::domain::word::read(deserializer)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                utoipa::openapi::schema::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .enum_values(Some([$($word),+]))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(crate::domain::Word::as_str(*self))
            }
        }
    };
}
pub(crate) use words;
