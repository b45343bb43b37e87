//! What the builders of filters and of search queries have in common: the comparisons, and what can be compared with.

/// Defines the comparisons of a field: each hands its operator, of the type `Op` in scope, and its operand to `compare`.
macro_rules! comparisons {
    ($operand:ty => $built:ty, $($note:literal)?) => {
        $crate::operand::comparisons! {
            @each $operand => $built;
            /// Equal; on a list, any element equals.
            $(#[doc = $note])?
            eq Eq;
            /// Not equal; also holds where the field is missing.
            ne Ne;
            /// Less, among values of the same type.
            lt Lt;
            /// Less or equal.
            lte Lte;
            /// Greater.
            gt Gt;
            /// Greater or equal.
            gte Gte;
        }
    };
    (@each $operand:ty => $built:ty; $($(#[$doc:meta])* $name:ident $op:ident;)*) => {$(
        $(#[$doc])*
        pub fn $name(self, operand: impl Into<$operand>) -> $built {
            self.compare(Op::$op, operand.into())
        }
    )*};
}

/// Defines how the types of Rust become operands.
macro_rules! operands {
    (
        $operand:ty:
        text => $text:expr, id => $id:expr, truth => $truth:expr, time => $time:expr,
        number => |$number:ident| $of_number:expr
    ) => {
        $crate::operand::operands! { @each $operand;
            &str => |v| $text(v.to_owned());
            String => |v| $text(v);
            &String => |v| $text(v.clone());
            $crate::id::ObjectId => |v| $id(v.to_string());
            &$crate::id::ObjectId => |v| $id(v.to_string());
            bool => |v| $truth(v);
            f64 => |$number| $of_number;
            f32 => |$number| $of_number;
            i32 => |$number| $of_number;
            u32 => |$number| $of_number;
            i64 => |$number| $of_number;
            u64 => |$number| $of_number;
            usize => |$number| $of_number;
            chrono::DateTime<chrono::Utc> => |v| $time(v);
            chrono::DateTime<chrono::FixedOffset> => |v| $time(v.to_utc());
            chrono::NaiveDate => |v| $time(v.and_time(chrono::NaiveTime::MIN).and_utc());
        }
    };
    (@each $operand:ty; $($type:ty => |$v:ident| $value:expr;)*) => {$(
        impl From<$type> for $operand {
            fn from($v: $type) -> Self { $value }
        }
    )*};
}

pub(crate) use {comparisons, operands};
