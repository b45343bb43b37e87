//! The decision table `openapi/operations.yaml`: what no description says about an operation.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, bail};
use serde::Deserialize;

/// Where the table is, for messages.
pub(crate) const FILE: &str = "openapi/operations.yaml";

/// The decisions.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decisions {
    /// Operations other than reads that may be sent twice.
    #[serde(default)]
    repeatable: BTreeSet<String>,
    /// Operations that must be sent once: a repetition would do something again.
    #[serde(default)]
    once: BTreeSet<String>,
    /// Lists, by how they are paged.
    #[serde(default)]
    lists: BTreeMap<Paging, BTreeSet<String>>,
    /// Operations whose answer is handed over as it arrives.
    #[serde(default)]
    streams: BTreeSet<String>,
}

/// How a list is paged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Paging {
    /// It comes whole.
    Whole,
    /// By `after_id` or by number.
    Cursor,
    /// By number only.
    Numbered,
}

/// What the description says about an operation, as far as decisions depend on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts<'a> {
    /// The operation's id.
    pub(crate) id: &'a str,
    /// Whether its method promises to change nothing.
    pub(crate) read: bool,
    /// Whether its answer is a list.
    pub(crate) list: bool,
    /// Whether its answer is bytes.
    pub(crate) bytes: bool,
}

/// What was decided about an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decision {
    /// Whether it may be sent twice.
    pub(crate) idempotent: bool,
    /// How it is paged; `None` when it is no list.
    pub(crate) paging: Option<Paging>,
    /// Whether its answer is a stream.
    pub(crate) streaming: bool,
}

impl Decisions {
    /// Reads the table.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(root.join(FILE)).with_context(|| format!("cannot read {FILE}"))?;
        serde_saphyr::from_str(&text).with_context(|| format!("{FILE} is not a decision table"))
    }

    /// Decides about every operation, or says which ones the table does not settle.
    pub(crate) fn decide<'a>(&self, operations: &[Facts<'a>]) -> anyhow::Result<BTreeMap<&'a str, Decision>> {
        let mut complaints = Vec::new();
        let mut decided = BTreeMap::new();
        for facts in operations {
            match self.decide_one(facts) {
                Ok(decision) => drop(decided.insert(facts.id, decision)),
                Err(complaint) => complaints.push(format!("{}: {complaint}", facts.id)),
            }
        }
        let named = self
            .repeatable
            .iter()
            .chain(&self.once)
            .chain(&self.streams)
            .chain(self.lists.values().flatten());
        let stale =
            named.filter(|id| !operations.iter().any(|facts| facts.id == *id)).collect::<BTreeSet<_>>();
        complaints.extend(stale.into_iter().map(|id| format!("{id}: the description has no such operation")));
        if complaints.is_empty() {
            return Ok(decided);
        }
        bail!(
            "{FILE} does not settle {} operations; edit it:\n  {}",
            complaints.len(),
            complaints.join("\n  ")
        )
    }

    fn decide_one(&self, facts: &Facts<'_>) -> Result<Decision, String> {
        let idempotent = match (self.repeatable.contains(facts.id), self.once.contains(facts.id)) {
            (true, true) => return Err(String::from("is under both `repeatable` and `once`")),
            (false, false) if facts.read => true,
            (false, false) => {
                return Err(String::from("may it be sent twice? add it to `repeatable` or to `once`"));
            }
            (repeatable, _) => repeatable,
        };
        let pagings = self.lists.iter().filter(|(_, ids)| ids.contains(facts.id)).map(|(paging, _)| *paging);
        let paging = match (facts.list, pagings.collect::<Vec<_>>().as_slice()) {
            (true, [paging]) => Some(*paging),
            (false, []) => None,
            (true, []) => {
                return Err(String::from(
                    "how is the list paged? add it under `lists` to `cursor`, `numbered` or `whole`",
                ));
            }
            (true, _) => return Err(String::from("is under more than one kind of `lists`")),
            (false, _) => return Err(String::from("is under `lists`, but its answer is no list")),
        };
        let streaming = self.streams.contains(facts.id);
        match (facts.bytes, streaming) {
            (true, false) => Err(String::from("answers bytes: add it to `streams`")),
            (false, true) => {
                Err(String::from("is under `streams`, but the description says it answers a document"))
            }
            _ => Ok(Decision { idempotent, paging, streaming }),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn facts(id: &str) -> Facts<'_> {
        Facts { id, read: false, list: false, bytes: false }
    }

    fn table(text: &str) -> Decisions {
        serde_saphyr::from_str(text).unwrap()
    }

    #[test]
    fn an_operation_without_a_decision_fails_with_its_name_and_the_file() {
        let error = table("repeatable: [delete_file]")
            .decide(&[facts("delete_file"), facts("run_gear")])
            .unwrap_err();
        let text = error.to_string();
        assert!(text.contains("run_gear") && text.contains(FILE) && !text.contains("delete_file"), "{text}");
    }

    #[test]
    fn a_read_needs_no_decision_but_a_list_does() {
        let read = Facts { read: true, ..facts("get_file") };
        assert!(table("{}").decide(&[read]).unwrap()["get_file"].idempotent);
        let list = Facts { list: true, ..read };
        assert!(table("{}").decide(&[list]).unwrap_err().to_string().contains("paged"));
        let decided = table("lists: {cursor: [get_file]}").decide(&[list]).unwrap();
        assert_eq!(decided["get_file"].paging, Some(Paging::Cursor));
    }

    #[test]
    fn a_stale_or_contradictory_decision_fails() {
        assert!(table("once: [gone]").decide(&[]).unwrap_err().to_string().contains("gone"));
        let both = table("{once: [a], repeatable: [a]}").decide(&[facts("a")]);
        assert!(both.unwrap_err().to_string().contains("both"));
        let bytes = Facts { read: true, bytes: true, ..facts("a") };
        assert!(table("{}").decide(&[bytes]).unwrap_err().to_string().contains("streams"));
        assert!(table("streams: [a]").decide(&[Facts { read: true, ..facts("a") }]).is_err());
    }
}
