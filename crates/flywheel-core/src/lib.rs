//! The pure parts of the Flywheel client and of the local site: no input or output, no clock except where a new id is
//! made, only text and values.
//!
//! | module | what it knows |
//! |---|---|
//! | [`key`] | API keys, their written forms, the `Authorization` value |
//! | [`credentials`] | the text of the credential files of the command line tools |
//! | [`filter`], [`sort`] | the query grammars of list calls, read and written |
//! | [`query`] | FlyQL, the language of the search: read, written, built, completed |
//! | [`path`] | `group/project/…` paths and the grammar behind resolve and lookup |
//! | [`id`] | 24-digit object ids |
//! | [`time`], [`age`] | timestamps as the platform reads and writes them, ages at a session |
//! | [`info`] | keys of free metadata |
//! | [`filetype`], [`modality`] | file types by name, classification by modality |
//! | [`range`] | the HTTP `Range` header |
//! | [`gear`] | gears: manifests, their configuration and inputs |
//! | [`view`] | data views: documents, aliases, columns, expressions |
//! | [`redact`] | taking secrets out of text that people will read |
//!
//! ```
//! use flywheel_core::filter::{Filter, field};
//!
//! let built = field("label").eq("001") & field("age").gte(40);
//! assert_eq!(built.to_string(), r#"label="001",age>=40"#);
//! assert_eq!(built, r#"label="001",age>=40"#.parse::<Filter>()?);
//! # Ok::<(), flywheel_core::syntax::ParseError>(())
//! ```

pub mod age;
pub mod credentials;
pub mod filetype;
pub mod filter;
pub mod gear;
pub mod id;
pub mod info;
pub mod key;
pub mod modality;
mod operand;
pub mod path;
pub mod query;
pub mod range;
pub mod redact;
pub mod sort;
pub mod syntax;
pub mod time;
pub mod view;
