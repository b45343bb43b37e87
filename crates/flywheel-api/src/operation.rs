//! What is known about an operation before it is sent: one row of the operation table.

use http::Method;

use crate::OperationId;

/// One operation of the API: how it is reached, and what may be done with it.
///
/// Each row of the table comes from the API description and from the decision table `openapi/operations.yaml`. The transport reads them to know what it may retry and what
/// to trace; a local site reads them to know what it has to serve.
#[derive(Debug)]
#[non_exhaustive]
pub struct Operation {
    /// The identifier of the operation.
    pub id: OperationId,
    /// The identifier as the description writes it, `get_project`.
    pub name: &'static str,
    /// The HTTP method.
    pub method: Method,
    /// The path under `/api`, with its parameters in braces: `/projects/{project_id}`.
    pub path: &'static str,
    /// The area of the API that the operation belongs to, `projects`.
    pub tag: &'static str,
    /// Whether sending the request twice has the effect of sending it once.
    pub idempotent: bool,
    /// How a long answer is cut into pages.
    pub paging: Paging,
    /// Whether the answer is a stream of bytes instead of a JSON document.
    pub streaming: bool,
    /// What the request carries.
    pub body: BodyKind,
    /// What a successful answer holds.
    pub answer: AnswerKind,
    /// The parameters outside the body, in the order of the description.
    pub parameters: &'static [Parameter],
    /// The fields of the form, for operations that take one.
    pub form: &'static [Field],
    /// Parameters that are sent with a fixed value when the caller gives none.
    pub constants: &'static [Constant],
    /// Where the operation is known from.
    pub source: Source,
}

impl Operation {
    /// The operation of a name, `get_project`.
    pub fn named(name: &str) -> Option<&'static Self> {
        OperationId::ALL.iter().map(|id| id.operation()).find(|operation| operation.name == name)
    }

    /// The parameters of one place.
    pub fn parameters_in(&self, place: Place) -> impl Iterator<Item = &'static Parameter> {
        self.parameters.iter().filter(move |parameter| parameter.place == place)
    }
}

/// A parameter outside the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parameter {
    /// The name on the wire.
    pub name: &'static str,
    /// Where it is sent.
    pub place: Place,
    /// Whether the request is refused without it.
    pub required: bool,
}

impl Parameter {
    pub(crate) const fn new(name: &'static str, place: Place, required: bool) -> Self {
        Self { name, place, required }
    }
}

/// A field of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Field {
    /// The name on the wire.
    pub name: &'static str,
    /// Whether it holds a file instead of a text.
    pub file: bool,
    /// Whether the request is refused without it.
    pub required: bool,
}

impl Field {
    pub(crate) const fn new(name: &'static str, file: bool, required: bool) -> Self {
        Self { name, file, required }
    }
}

/// A parameter that has a fixed value when the caller gives none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Constant {
    /// The name on the wire.
    pub name: &'static str,
    /// Where it is sent.
    pub place: Place,
    /// The value.
    pub value: &'static str,
    /// Whether a caller may give another value: false for what tells one variant of a route from another.
    pub replaceable: bool,
}

impl Constant {
    pub(crate) const fn new(
        name: &'static str,
        place: Place,
        value: &'static str,
        replaceable: bool,
    ) -> Self {
        Self { name, place, value, replaceable }
    }
}

/// The place of a parameter in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Place {
    /// A segment of the path.
    Path,
    /// The query string.
    Query,
    /// A header.
    Header,
}

/// How an operation cuts a long answer into pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Paging {
    /// The answer is not a list, or always comes whole.
    None,
    /// A list that takes `limit` and one or more of `after_id`, `page` and `skip`.
    Cursor,
    /// A list that takes `limit` with `page` or `skip`, but no `after_id`.
    Numbered,
}

/// What a request carries besides its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BodyKind {
    /// Nothing.
    None,
    /// A JSON document.
    Json,
    /// A form of several parts, files among them.
    Multipart,
}

/// What a successful answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AnswerKind {
    /// Nothing that counts.
    Empty,
    /// A JSON document.
    Document,
    /// A list, bare or as a page.
    List,
    /// One text, with or without the quotes of JSON.
    Text,
    /// Bytes.
    Bytes,
}

/// Where an operation is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// A generated method of the official client.
    Wheel,
    /// A call that the official client makes outside its generated methods.
    Client,
    /// A route of the platform that the official client does not wrap.
    Unwrapped,
    /// A site's own description.
    Document,
}
