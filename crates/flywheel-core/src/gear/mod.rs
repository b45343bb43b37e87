//! Gears: manifests, their configuration and inputs, and what a running gear is told.
//!
//! | file | what it holds |
//! |---|---|
//! | `manifest` | a gear's manifest, read and checked |
//! | `schema` | the JSON Schema (draft 4) of its configuration and inputs |
//! | `config` | defaults, and values held against the manifest |
//! | `input` | what an input takes |
//! | `invocation` | the schema of a whole call |
//! | `license` | the licences a manifest may name |
//!
//! ```
//! use flywheel_core::gear::Manifest;
//! use serde_json::json;
//!
//! let manifest = Manifest::new(json!({
//!     "name": "smooth", "label": "Smooth", "description": "Smooths an image", "version": "1.0.0",
//!     "author": "A", "license": "MIT", "url": "", "source": "",
//!     "config": {"fwhm": {"type": "number", "default": 6, "minimum": 0}},
//!     "inputs": {"image": {"base": "file", "type": {"enum": ["nifti"]}}},
//! }))?;
//! assert_eq!(manifest.default_config()["fwhm"], 6);
//! assert!(manifest.input("image").is_some_and(|input| input.accepts(&json!({"type": "nifti"}))));
//! # Ok::<(), flywheel_core::gear::ManifestError>(())
//! ```

mod config;
mod input;
mod invocation;
mod license;
mod manifest;
pub mod schema;
#[cfg(test)]
mod tests;

pub use self::{
    config::{ConfigError, environment_name, environment_text},
    input::{Base, Input},
    manifest::{Manifest, ManifestError, Problem},
};
