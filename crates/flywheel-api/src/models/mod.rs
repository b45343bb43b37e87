//! The types that generated models are made of: what answers need beyond plain structs.

mod extra;
pub(crate) mod lenient;
mod listing;
mod odd;
mod open_enum;
mod patch;
mod private;
mod tagged;
mod timestamp;
mod union;

pub use extra::Extra;
pub use listing::{Listing, Page};
pub use odd::Odd;
pub use open_enum::Unrecognized;
pub use patch::Patch;
pub use timestamp::{Timestamp, TimestampError};

pub(crate) use open_enum::{open_enum, read as read_text};
pub(crate) use private::private_debug;
pub(crate) use tagged::tagged_union;
pub(crate) use union::{json_union, union_pick, union_take, union_visit, union_visitor};
