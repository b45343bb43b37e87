//! The graph of the tree: from which kind of container one gets to which, by what name, over what keys.

use axum::Json;
use serde_json::{Map, Value, json};

use crate::{guard::Guard, kind::Kind};

/// What a query can begin at, and lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    Container(Kind),
    Job,
}

impl Node {
    const ALL: [Node; 7] = [
        Node::Container(Kind::Group),
        Node::Container(Kind::Project),
        Node::Container(Kind::Subject),
        Node::Container(Kind::Session),
        Node::Container(Kind::Acquisition),
        Node::Container(Kind::Analysis),
        Node::Job,
    ];

    /// As requests name it.
    pub(super) fn plural(self) -> &'static str {
        match self {
            Node::Container(kind) => kind.plural(),
            Node::Job => "jobs",
        }
    }

    /// The node of this name.
    pub(super) fn parse(name: &str) -> Option<Node> {
        Self::ALL.into_iter().find(|node| node.plural() == name)
    }

    /// The connections that lead away from here: up to one of each level above, down to all below.
    pub(super) fn connections(self) -> Vec<Connection> {
        let Node::Container(kind) = self else { return Vec::new() };
        let above = Kind::LEVELS.into_iter().filter(|&level| level < kind);
        let mut list: Vec<Connection> = above
            .map(|level| Connection {
                name: level.singular(),
                to: Node::Container(level),
                local: format!("parents.{}", level.singular()),
                foreign: "_id".into(),
                one: true,
            })
            .collect();
        let below = Kind::LEVELS.into_iter().filter(|&level| level > kind);
        list.extend(below.map(|level| {
            let direct = level.parent() == Some(kind) || (level, kind) == (Kind::Session, Kind::Project);
            let prefix = if direct { "" } else { "parents." };
            Connection::down(Node::Container(level), format!("{prefix}{}", kind.singular()))
        }));
        match kind {
            Kind::Group => list.push(Connection::down(Node::Job, "parents.group".into())),
            Kind::Analysis => list.push(Connection {
                name: "job",
                to: Node::Job,
                local: "job".into(),
                foreign: "_id".into(),
                one: true,
            }),
            _ => {
                list.push(Connection::down(Node::Job, format!("parents.{}", kind.singular())));
                list.push(Connection::down(Node::Container(Kind::Analysis), "parent.id".into()));
            }
        }
        list
    }

    /// The connection of this name.
    pub(super) fn connection(self, name: &str) -> Option<Connection> {
        self.connections().into_iter().find(|connection| connection.name == name)
    }
}

/// A way from one node to another.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    pub(super) name: &'static str,
    pub(super) to: Node,
    local: String,
    foreign: String,
    /// Whether it leads to one thing instead of to many.
    pub(super) one: bool,
}

impl Connection {
    fn down(to: Node, foreign: String) -> Self {
        Self { name: to.plural(), to, local: "_id".into(), foreign, one: false }
    }

    /// What differs from the defaults: `_id`, the connection's name, many.
    fn document(&self) -> Value {
        let mut doc = json!({"foreign": self.foreign});
        if self.local != "_id" {
            doc["local"] = self.local.as_str().into();
        }
        if self.to.plural() != self.name {
            doc["collection"] = self.to.plural().into();
        }
        if self.one {
            doc["order"] = "1".into();
        }
        doc
    }
}

/// `GET /tree/graph`
pub(super) async fn show(_guard: Guard) -> Json<Value> {
    let nodes = Node::ALL.into_iter().filter(|&node| node != Node::Job).map(|node| {
        let connections: Map<String, Value> = node
            .connections()
            .iter()
            .map(|connection| (connection.name.to_owned(), connection.document()))
            .collect();
        (node.plural().to_owned(), json!({"connections": connections}))
    });
    Json(Value::Object(nodes.collect()))
}
