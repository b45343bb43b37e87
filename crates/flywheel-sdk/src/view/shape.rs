//! What a column holds, learned from its values: the common form of all of them.

use flywheel_core::view::{ColumnType, value};
use indexmap::IndexMap;
use serde_json::{Map, Value};

/// The form of the values of a column.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Shape {
    /// No value at all, only null.
    #[default]
    Empty,
    /// Truth values.
    Bool,
    /// Whole numbers of 64 bits.
    Int,
    /// Numbers.
    Float,
    /// Text.
    Text,
    /// Lists of one form.
    List(Box<Shape>),
    /// Objects, with the forms of their members. A member that one object lacks is null in it.
    Struct(IndexMap<String, Shape>),
    /// Values that have no form in common; where one form is needed, each is its JSON as text, and text is itself.
    Mixed,
}

impl Shape {
    /// What values of a type have for sure.
    pub(super) fn of_type(kind: ColumnType) -> Self {
        match kind {
            ColumnType::Int => Self::Int,
            ColumnType::Float => Self::Float,
            ColumnType::String => Self::Text,
            ColumnType::Bool => Self::Bool,
            ColumnType::Object => Self::Empty,
        }
    }

    /// The form of one value.
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Empty,
            Value::Bool(_) => Self::Bool,
            Value::Number(number) if number.is_i64() => Self::Int,
            Value::Number(_) => Self::Float,
            Value::String(_) => Self::Text,
            Value::Array(items) => {
                Self::List(Box::new(items.iter().fold(Self::Empty, |shape, item| shape.and(item))))
            }
            Value::Object(map) => {
                Self::Struct(map.iter().map(|(key, value)| (key.clone(), Self::of(value))).collect())
            }
        }
    }

    /// The form that this one and a value have in common.
    #[must_use]
    pub fn and(self, value: &Value) -> Self {
        match (&self, value) {
            (_, Value::Null) | (Self::Mixed, _) | (Self::Text, Value::String(_)) => self,
            _ => self.join(Self::of(value)),
        }
    }

    fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Empty, other) | (other, Self::Empty) => other,
            (Self::Int, Self::Float) | (Self::Float, Self::Int) => Self::Float,
            (Self::List(a), Self::List(b)) => Self::List(Box::new(a.join(*b))),
            (Self::Struct(mut a), Self::Struct(b)) => {
                for (key, shape) in b {
                    let known = a.entry(key).or_default();
                    *known = std::mem::take(known).join(shape);
                }
                Self::Struct(a)
            }
            (a, b) if a == b => a,
            _ => Self::Mixed,
        }
    }

    /// A value in this form: what has no form in common becomes text.
    #[cfg(any(feature = "arrow", feature = "polars"))]
    pub(super) fn fit(&self, value: Value) -> Value {
        match (self, value) {
            (Self::Mixed | Self::Text, Value::String(text)) => Value::String(text),
            (Self::Mixed | Self::Text, Value::Null) | (Self::Empty, _) => Value::Null,
            (Self::Mixed | Self::Text, other) => other.to_string().into(),
            (Self::List(shape), Value::Array(items)) => {
                items.into_iter().map(|item| shape.fit(item)).collect()
            }
            (Self::Struct(shapes), Value::Object(_)) if shapes.is_empty() => Value::Null,
            (Self::Struct(shapes), Value::Object(mut map)) => {
                let member = |(key, shape): (&String, &Self)| {
                    (key.clone(), shape.fit(map.get_mut(key).map(Value::take).unwrap_or_default()))
                };
                Value::Object(shapes.iter().map(member).collect())
            }
            (Self::Int, value) if !value.is_i64() => Value::Null,
            (Self::Float, value) if !value.is_number() => Value::Null,
            (Self::Bool, value) if !value.is_boolean() => Value::Null,
            (_, value) => value,
        }
    }

    /// The columns that a column takes in a table of text: one, or one for each leaf of its objects, by the names of the
    /// keys that lead there.
    pub(super) fn leaves(&self) -> Option<Vec<String>> {
        match self {
            Self::Struct(members) if !members.is_empty() => {
                let below = |(key, shape): (&String, &Self)| match shape.leaves() {
                    None => vec![key.clone()],
                    Some(rest) => rest.into_iter().map(|rest| format!("{key}.{rest}")).collect(),
                };
                Some(members.iter().flat_map(below).collect())
            }
            _ => None,
        }
    }
}

/// The fields of a row in a table of text.
pub(super) fn fields(columns: &IndexMap<String, Shape>, row: &Map<String, Value>) -> Vec<String> {
    let text = |value: Option<&Value>| value.map(value::text).unwrap_or_default();
    let each = |(name, shape): (&String, &Shape)| {
        let found = row.get(name);
        match shape.leaves() {
            None => vec![text(found)],
            Some(keys) => {
                keys.iter().map(|key| text(found.and_then(|found| value::leaf(found, key)))).collect()
            }
        }
    };
    columns.iter().flat_map(each).collect()
}

/// The names over [`fields`].
pub(super) fn header(columns: &IndexMap<String, Shape>) -> Vec<String> {
    let each = |(name, shape): (&String, &Shape)| match shape.leaves() {
        None => vec![name.clone()],
        Some(keys) => keys.into_iter().map(|key| format!("{name}.{key}")).collect(),
    };
    columns.iter().flat_map(each).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn common(values: &[Value]) -> Shape {
        values.iter().fold(Shape::Empty, Shape::and)
    }

    #[test]
    fn unlike_values_have_no_form_in_common_and_whole_numbers_are_numbers() {
        assert_eq!(common(&[json!(null), json!(1), json!(2.5)]), Shape::Float);
        assert_eq!(common(&[json!(1), json!("a")]), Shape::Mixed);
        assert_eq!(common(&[json!([1]), json!([]), json!([null, 2])]), Shape::List(Box::new(Shape::Int)));
        assert_eq!(common(&[json!(true), json!(1), json!(true)]), Shape::Mixed);
        assert_eq!(common(&[json!(u64::MAX)]), Shape::Float);
    }

    #[test]
    fn objects_have_the_members_of_all_of_them() {
        let shape = common(&[json!({"a": 1, "b": {"c": "x"}}), json!({"b": {"d": [0.5]}, "a": null})]);
        assert_eq!(shape.leaves(), Some(vec!["a".to_owned(), "b.c".to_owned(), "b.d".to_owned()]));
    }

    #[test]
    fn a_table_of_text_takes_objects_apart() {
        let rows = [
            json!({"id": 1, "info": {"a": 1, "b": {"c": "x"}}}),
            json!({"id": 2, "info": {"b": {"d": true}}}),
        ];
        let columns: IndexMap<String, Shape> =
            [("id", Shape::Int), ("info", common(&rows.clone().map(|row| row["info"].clone())))]
                .map(|(name, shape)| (name.to_owned(), shape))
                .into();
        assert_eq!(header(&columns), ["id", "info.a", "info.b.c", "info.b.d"]);
        let second = rows[1].as_object().map(|row| fields(&columns, row));
        assert_eq!(second.unwrap_or_default(), ["2", "", "", "True"]);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[a-z]{0,3}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 20, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[a-c]", inner, 0..3).prop_map(|map| json!(map)),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_common_form_takes_in_each_value_again(values in prop::collection::vec(any_json(), 0..6)) {
            let shape = common(&values);
            for value in &values {
                prop_assert_eq!(shape.clone().and(value), shape.clone());
            }
        }

        #[cfg(any(feature = "arrow", feature = "polars"))]
        #[test]
        fn values_that_fit_keep_the_form_and_fit_again(values in prop::collection::vec(any_json(), 0..6)) {
            let shape = common(&values);
            for value in values {
                let once = shape.fit(value);
                prop_assert_eq!(shape.fit(once.clone()), once);
            }
        }
    }
}
