//! Keys of free metadata: the platform cannot store `.` and `$` in them and writes `_` and `-` instead.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// The key as the platform stores it: `.` becomes `_`, `$` becomes `-`.
///
/// ```
/// assert_eq!(flywheel_core::info::sanitize_key("scan.TR$ms"), "scan_TR-ms");
/// ```
pub fn sanitize_key(key: &str) -> Cow<'_, str> {
    if is_storable(key) { Cow::Borrowed(key) } else { Cow::Owned(key.replace('.', "_").replace('$', "-")) }
}

/// Whether the platform stores the key as it is.
pub fn is_storable(key: &str) -> bool {
    !key.contains(['.', '$'])
}

/// The value with every key in it as the platform stores it, at any depth. Of two keys that become one, the later wins.
pub fn sanitize(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(sanitize_map(map)),
        Value::Array(items) => Value::Array(items.into_iter().map(sanitize).collect()),
        other => other,
    }
}

/// [`sanitize`] for the fields of an object.
pub fn sanitize_map(map: Map<String, Value>) -> Map<String, Value> {
    map.into_iter().map(|(key, value)| (sanitize_key(&key).into_owned(), sanitize(value))).collect()
}

/// The JSON pointers of all keys that the platform would rename, in document order.
///
/// ```
/// let info = serde_json::json!({"a": [{"b.c": 1}], "$d": 2});
/// assert_eq!(flywheel_core::info::renamed_keys(&info), ["/a/0/b.c", "/$d"]);
/// ```
pub fn renamed_keys(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(value, &mut String::new(), &mut found);
    found
}

fn walk(value: &Value, path: &mut String, found: &mut Vec<String>) {
    let mut enter = |step: &str, child: &Value, renamed: bool| {
        let length = path.len();
        path.push('/');
        path.push_str(&step.replace('~', "~0").replace('/', "~1"));
        if renamed {
            found.push(path.clone());
        }
        walk(child, path, found);
        path.truncate(length);
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, child)| enter(key, child, !is_storable(key))),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, child)| enter(&at.to_string(), child, false))
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn keys_are_renamed_at_every_depth() {
        let dirty = json!({"a.b": {"$x": [{"c.$d": 1}, "text.with.dots"]}, "fine": null});
        assert_eq!(sanitize(dirty), json!({"a_b": {"-x": [{"c_-d": 1}, "text.with.dots"]}, "fine": null}));
    }

    #[test]
    fn pointer_of_a_renamed_key_escapes_slash_and_tilde() {
        assert_eq!(renamed_keys(&json!({"a/b~": {".": 1}})), ["/a~1b~0/."]);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i32>().prop_map(Value::from),
            "[a.$]{0,4}".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::vec(("[a-c.$]{0,3}", inner), 0..4)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn sanitised_values_have_nothing_left_to_rename(value in any_json()) {
            let clean = sanitize(value.clone());
            prop_assert_eq!(renamed_keys(&clean), Vec::<String>::new());
            prop_assert_eq!(sanitize(clean.clone()), clean.clone());
            prop_assert_eq!(renamed_keys(&value).is_empty(), clean == value);
        }
    }
}
