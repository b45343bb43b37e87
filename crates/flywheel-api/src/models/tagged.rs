//! Objects of several models, told apart by a member.

/// Defines an enumeration over models, by the value of a member that they share.
///
/// The members named after `by` are asked in their order. What no variant takes, and what does not fit the
/// model its tag names, is kept whole as JSON in `Other`.
macro_rules! tagged_union {
    ($(#[$meta:meta])* $name:ident by [$($key:literal),+] { $($variant:ident = $tag:literal($type:ty),)+ }) => {
        $(#[$meta])*
        #[derive(Clone)]
        #[non_exhaustive]
        pub enum $name {
            $(#[doc = concat!("`", $tag, "`")] $variant($type),)+
            /// A kind that this release has no model for, as JSON.
            Other(serde_json::Value),
        }

        impl $name {
            /// The value of the member that tells the kinds apart.
            pub fn kind(&self) -> Option<&str> {
                match self {
                    $(Self::$variant(_) => Some($tag),)+
                    Self::Other(value) => [$($key),+].iter().find_map(|key| value.get(key)?.as_str()),
                }
            }
        }

        $(impl From<$type> for $name {
            fn from(value: $type) -> Self {
                Self::$variant(value)
            }
        })+

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self {
                    $(Self::$variant(value) => f.debug_tuple(stringify!($variant)).field(value).finish(),)+
                    Self::Other(_) => f.write_str("Other(..)"),
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$variant(value) => value.serialize(serializer),)+
                    Self::Other(value) => value.serialize(serializer),
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = serde_json::Value::deserialize(deserializer)?;
                let kind = [$($key),+].iter().find_map(|key| value.get(key)?.as_str());
                let known = match kind {
                    $(Some($tag) => <$type as serde::Deserialize>::deserialize(&value).ok().map(Self::$variant),)+
                    _ => None,
                };
                Ok(known.unwrap_or(Self::Other(value)))
            }
        }
    };
}

pub(crate) use tagged_union;
