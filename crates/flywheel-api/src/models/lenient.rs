//! Numbers that servers write in other ways: `1.0` or `"1"` for an integer.

use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;

use indexmap::IndexMap;
use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

/// A type whose numbers are read leniently.
pub(crate) trait Lenient<'de>: Sized {
    fn read<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

/// Reads a field leniently: the `deserialize_with` of every field that holds numbers.
pub(crate) fn deserialize<'de, T: Lenient<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    T::read(deserializer)
}

/// A value read leniently, for places that take a type instead of a function.
pub(crate) struct Number<T>(pub(crate) T);

impl<'de, T: Lenient<'de>> Deserialize<'de> for Number<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::read(deserializer).map(Self)
    }
}

struct NumberVisitor<T>(PhantomData<T>);

/// A number type, by the three ways JSON text can give it.
trait Numeric: Sized + TryFrom<i64> + TryFrom<u64> + std::str::FromStr {
    const NAME: &'static str;
    fn of_float(value: f64) -> Option<Self>;
}

macro_rules! numeric {
    ($($type:ty),+) => {$(
        impl Numeric for $type {
            const NAME: &'static str = "an integer";

            fn of_float(value: f64) -> Option<Self> {
                // Beyond 2^53 a float no longer says which integer is meant.
                let exact = value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0;
                exact.then_some(value as i64).and_then(|value| Self::try_from(value).ok())
            }
        }

        impl<'de> Lenient<'de> for $type {
            fn read<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(NumberVisitor::<$type>(PhantomData))
            }
        }
    )+};
}

numeric!(i64, u64, i32, u32);

impl<T: Numeric> Visitor<'_> for NumberVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::NAME)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
        T::try_from(value).map_err(|_| E::invalid_value(Unexpected::Signed(value), &self))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        T::try_from(value).map_err(|_| E::invalid_value(Unexpected::Unsigned(value), &self))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<T, E> {
        T::of_float(value).ok_or_else(|| E::invalid_value(Unexpected::Float(value), &self))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<T, E> {
        let text = value.trim();
        let float = || text.parse::<f64>().ok().and_then(T::of_float);
        text.parse().ok().or_else(float).ok_or_else(|| E::invalid_value(Unexpected::Str(value), &self))
    }
}

/// A float is read from a number or from its text.
impl<'de> Lenient<'de> for f64 {
    fn read<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Float;

        impl Visitor<'_> for Float {
            type Value = f64;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<f64, E> {
                Ok(value as f64)
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<f64, E> {
                Ok(value as f64)
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<f64, E> {
                Ok(value)
            }

            fn visit_str<E: Error>(self, value: &str) -> Result<f64, E> {
                let number = value.trim().parse().ok().filter(|number: &f64| number.is_finite());
                number.ok_or_else(|| E::invalid_value(Unexpected::Str(value), &self))
            }
        }

        deserializer.deserialize_any(Float)
    }
}

impl<'de, T: Lenient<'de>> Lenient<'de> for Option<T> {
    fn read<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::<Number<T>>::deserialize(deserializer).map(|value| value.map(|value| value.0))
    }
}

impl<'de, T: Lenient<'de>> Lenient<'de> for Vec<T> {
    fn read<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let numbers = Vec::<Number<T>>::deserialize(deserializer)?;
        Ok(numbers.into_iter().map(|number| number.0).collect())
    }
}

impl<'de, K, T, S> Lenient<'de> for IndexMap<K, T, S>
where
    K: Deserialize<'de> + Eq + Hash,
    T: Lenient<'de>,
    S: BuildHasher + Default,
{
    fn read<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let numbers = IndexMap::<K, Number<T>, S>::deserialize(deserializer)?;
        Ok(numbers.into_iter().map(|(key, number)| (key, number.0)).collect())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};

    use super::*;

    fn read<T: for<'de> Lenient<'de>>(value: Value) -> Option<T> {
        serde_json::from_value::<Number<T>>(value).ok().map(|number| number.0)
    }

    #[test]
    fn an_integer_is_read_from_each_way_to_write_it() {
        for value in [json!(7), json!(7.0), json!("7"), json!(" 7.0 ")] {
            assert_eq!(read::<i64>(value.clone()), Some(7), "{value}");
            assert_eq!(read::<Option<u32>>(value), Some(Some(7)));
        }
        assert_eq!(read::<Option<i64>>(json!(null)), Some(None));
        assert_eq!(read::<Vec<i64>>(json!([1, "2", 3.0])), Some(vec![1, 2, 3]));
        let map = read::<IndexMap<String, i64>>(json!({ "b": "1", "a": 2.0 })).unwrap();
        assert_eq!(map.into_iter().collect::<Vec<_>>(), [(String::from("b"), 1), (String::from("a"), 2)]);
    }

    #[test]
    fn what_is_no_exact_integer_is_refused() {
        for value in
            [json!(7.5), json!("7.5"), json!(1e300), json!("seven"), json!(true), json!("NaN"), json!("")]
        {
            assert_eq!(read::<i64>(value.clone()), None, "{value}");
        }
        assert_eq!(read::<u64>(json!(-1)), None);
        assert_eq!(read::<u64>(json!(u64::MAX)), Some(u64::MAX));
        assert_eq!(read::<i64>(json!(9_007_199_254_740_993_i64)), Some(9_007_199_254_740_993));
    }

    #[test]
    fn a_float_is_read_from_an_integer_and_a_text() {
        for value in [json!(2), json!(2.0), json!("2")] {
            assert_eq!(read::<f64>(value), Some(2.0));
        }
        assert_eq!(read::<f64>(json!("inf")), None);
    }
}
