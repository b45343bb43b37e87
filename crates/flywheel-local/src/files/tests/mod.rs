//! Files as clients see them, through the router.
#![allow(clippy::unwrap_used)]

mod described;
mod moved;
mod sent;
mod stored;
