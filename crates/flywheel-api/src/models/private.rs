//! What models show of themselves: patient data never goes into a log by way of `{:?}`.

/// Implements a `Debug` that shows the name of a model and, where there is one, its id on the platform.
macro_rules! private_debug {
    ($name:ident) => {
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
    ($name:ident $id:ident) => {
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).field(stringify!($id), &self.$id).finish_non_exhaustive()
            }
        }
    };
}

pub(crate) use private_debug;
