//! Jobs: runs of gears, from the queue to their outputs.
//!
//! | file | what it holds |
//! |---|---|
//! | `store` | the table of jobs, and their logs |
//! | `states` | the states of a job and the ways between them |
//! | `order`, `inputs`, `context` | what is asked for, checked and made a job |
//! | `adding` | `POST /jobs/add` |
//! | `show`, `lists` | jobs as calls answer them |
//! | `ask` | the queue, as engines ask it |
//! | `engine`, `metadata` | outputs and `.metadata.json`, as engines hand them in |
//! | `changing`, `ending` | states, priorities, profiles; the end of a job |
//! | `logs` | what jobs say |
//! | `lost`, `retry` | jobs whose engine fell silent, and second attempts |
//!
//! Other areas queue jobs with [`enqueue`] inside their own transaction.

mod adding;
mod ask;
mod changing;
pub(crate) mod context;
mod ending;
mod engine;
mod inputs;
mod lists;
mod logs;
mod lost;
mod metadata;
mod order;
mod retry;
mod routes;
mod show;
mod states;
pub(crate) mod store;

#[cfg(test)]
pub(crate) mod tests;

pub(crate) use self::{
    adding::{PRIORITY, read},
    changing::cancel_waiting,
    lists::found,
    lost::{forgotten, watch},
    order::{Asker, Order, PROVIDER, complete_config, enqueue, prepare, ready},
    retry::set_after_failure,
    routes::routes,
    show::{plain, whole},
    states::State,
};
