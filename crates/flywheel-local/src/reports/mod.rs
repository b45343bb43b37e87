//! Reports for site administrators: what there is, who used how much of it, who looked at what.
//!
//! | file | what it holds |
//! |---|---|
//! | `site` | groups and their projects |
//! | `demographics` | the people in projects |
//! | `accesses` | the access log |
//! | `totals` | counting sessions, files and bytes at an instant or over a time |
//! | `usage` | usage by month and by day |
//! | `summary` | usage between two days |
//! | `span` | days and months as parameters say them |
//! | `table` | rows as CSV |

mod accesses;
mod demographics;
mod site;
mod span;
mod summary;
mod table;
mod totals;
mod usage;

#[cfg(test)]
mod tests;

use crate::{
    access::Need::SiteAdmin,
    route::{Route, get},
};

/// Every route of the reports.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        get("/report/site", SiteAdmin, site::report),
        get("/report/project", SiteAdmin, demographics::report),
        get("/report/accesslog", SiteAdmin, accesses::report),
        get("/report/accesslog/types", SiteAdmin, accesses::types),
        get("/report/usage", SiteAdmin, usage::monthly),
        get("/report/daily-usage", SiteAdmin, usage::daily),
        get("/report/daily-usage-range", SiteAdmin, usage::range),
        get("/report/legacy-usage", SiteAdmin, usage::legacy),
        get("/report/usage/availability", SiteAdmin, usage::availability),
        get("/report/usage/collect", SiteAdmin, usage::collect),
        get("/report/usage-summary", SiteAdmin, summary::report),
    ]
}
