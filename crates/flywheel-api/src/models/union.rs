//! Values that are one of several JSON kinds: a list or an object, an id or a document.

/// Defines an enumeration over JSON kinds, at most one variant a kind.
///
/// Reading dispatches on the kind, so that a member's own errors keep their place; a kind that no variant takes
/// is kept as JSON in `Other`.
macro_rules! json_union {
    ($(#[$meta:meta])* $name:ident { $($variant:ident: $kind:ident($type:ty),)+ }) => {
        $(#[$meta])*
        #[derive(Clone)]
        #[non_exhaustive]
        pub enum $name {
            $(#[doc = concat!("The form of a JSON ", stringify!($kind), ".")] $variant($type),)+
            /// A form that the description does not know, as JSON.
            Other(serde_json::Value),
        }

        $(impl From<$type> for $name {
            fn from(value: $type) -> Self {
                Self::$variant(value)
            }
        })+

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(match self {
                    $(Self::$variant(_) => concat!(stringify!($variant), "(..)"),)+
                    Self::Other(_) => "Other(..)",
                })
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
                struct Visitor;

                impl<'de> serde::de::Visitor<'de> for Visitor {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("one of the forms of ", stringify!($name)))
                    }

                    $crate::models::union_visitor!($name [array object string boolean number] $($kind $variant $type,)+);

                    fn visit_none<E: serde::de::Error>(self) -> Result<$name, E> {
                        Ok($name::Other(serde_json::Value::Null))
                    }

                    fn visit_unit<E: serde::de::Error>(self) -> Result<$name, E> {
                        Ok($name::Other(serde_json::Value::Null))
                    }
                }

                deserializer.deserialize_any(Visitor)
            }
        }
    };
}

/// The visits of a [`json_union`], kind by kind: a variant's own type where there is one, `Other` elsewhere.
macro_rules! union_visitor {
    ($name:ident []) => {};
    // A listing is read from either of its two kinds.
    ($name:ident [array object $($kinds:ident)*] listing $variant:ident $type:ty, $($rest:tt)*) => {
        $crate::models::union_visit!(array $name $variant $type);
        $crate::models::union_visit!(object $name $variant $type);
        $crate::models::union_visitor!($name [$($kinds)*] $($rest)*);
    };
    // A kind with a variant: the list of kinds is walked, the variants are in the order of the kinds.
    ($name:ident [$kind:ident $($kinds:ident)*] $have:ident $variant:ident $type:ty, $($rest:tt)*) => {
        $crate::models::union_pick!($kind $have $name [$($kinds)*] $variant $type, $($rest)*);
    };
    ($name:ident [$kind:ident $($kinds:ident)*]) => {
        $crate::models::union_visit!($kind $name Other serde_json::Value);
        $crate::models::union_visitor!($name [$($kinds)*]);
    };
}

/// Gives a kind to the variant at hand when it is the variant's, and to `Other` when it is not.
macro_rules! union_pick {
    (array array $($rest:tt)*) => { $crate::models::union_take!(array $($rest)*); };
    (object object $($rest:tt)*) => { $crate::models::union_take!(object $($rest)*); };
    (string string $($rest:tt)*) => { $crate::models::union_take!(string $($rest)*); };
    (boolean boolean $($rest:tt)*) => { $crate::models::union_take!(boolean $($rest)*); };
    (number number $($rest:tt)*) => { $crate::models::union_take!(number $($rest)*); };
    ($kind:ident $have:ident $name:ident [$($kinds:ident)*] $($rest:tt)*) => {
        $crate::models::union_visit!($kind $name Other serde_json::Value);
        $crate::models::union_visitor!($name [$($kinds)*] $have $($rest)*);
    };
}

/// Writes the visit of a kind and goes on with the next one.
macro_rules! union_take {
    ($kind:ident $name:ident [$($kinds:ident)*] $variant:ident $type:ty, $($rest:tt)*) => {
        $crate::models::union_visit!($kind $name $variant $type);
        $crate::models::union_visitor!($name [$($kinds)*] $($rest)*);
    };
}

/// The visits of one kind.
macro_rules! union_visit {
    (array $name:ident $variant:ident $type:ty) => {
        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, items: A) -> Result<$name, A::Error> {
            let items = serde::de::value::SeqAccessDeserializer::new(items);
            <$type as serde::Deserialize>::deserialize(items).map($name::$variant)
        }
    };
    (object $name:ident $variant:ident $type:ty) => {
        fn visit_map<A: serde::de::MapAccess<'de>>(self, members: A) -> Result<$name, A::Error> {
            let members = serde::de::value::MapAccessDeserializer::new(members);
            <$type as serde::Deserialize>::deserialize(members).map($name::$variant)
        }
    };
    (string $name:ident $variant:ident $type:ty) => {
        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> {
            Ok($name::$variant(<$type>::from(text)))
        }
    };
    (boolean $name:ident $variant:ident $type:ty) => {
        fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<$name, E> {
            Ok($name::$variant(<$type>::from(value)))
        }
    };
    (number $name:ident $variant:ident $type:ty) => {
        fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<$name, E> {
            let value = serde::de::value::I64Deserializer::new(value);
            <$type as serde::Deserialize>::deserialize(value).map($name::$variant)
        }

        fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<$name, E> {
            let value = serde::de::value::U64Deserializer::new(value);
            <$type as serde::Deserialize>::deserialize(value).map($name::$variant)
        }

        fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<$name, E> {
            let value = serde::de::value::F64Deserializer::new(value);
            <$type as serde::Deserialize>::deserialize(value).map($name::$variant)
        }
    };
}

pub(crate) use {json_union, union_pick, union_take, union_visit, union_visitor};
