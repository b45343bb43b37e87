//! Counts what an import found, so that a surprise shows before it reaches the raw crate.

use std::collections::BTreeSet;
use std::fmt;

use super::models::{Model, Models};
use super::operations::{ArrayFormat, Operation, Parameter, Place, Transfer};
use super::types::Type;

/// Named counts, in the order in which they are printed.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Summary {
    counts: Vec<(&'static str, usize)>,
}

impl Summary {
    /// Adds a count.
    pub(crate) fn push(&mut self, name: &'static str, count: usize) {
        self.counts.push((name, count));
    }

    /// The count of that name.
    #[cfg(test)]
    pub(crate) fn get(&self, name: &str) -> Option<usize> {
        self.counts.iter().find(|(known, _)| *known == name).map(|(_, count)| *count)
    }

    /// Counts the parts of a wheel.
    pub(crate) fn of_wheel(operations: &[Operation], models: &Models) -> Self {
        let mut summary = Self::default();
        summary.count_operations(operations);
        summary.count_parameters(operations);
        summary.count_models(models);
        summary
    }

    fn count_operations(&mut self, operations: &[Operation]) {
        let count =
            |test: fn(&Operation) -> bool| operations.iter().filter(|operation| test(operation)).count();
        let pairs: BTreeSet<_> = operations.iter().map(|o| (&o.method, &o.path)).collect();
        let paths: BTreeSet<_> = operations.iter().map(|o| &o.path).collect();
        let tags: BTreeSet<_> = operations.iter().map(|o| &o.tag).collect();
        let shared = pairs
            .iter()
            .filter(|pair| operations.iter().filter(|o| (&o.method, &o.path) == **pair).count() > 1);
        let unions: Vec<&Type> =
            operations.iter().filter_map(|o| o.answer.as_ref()).filter(|t| t.is_union()).collect();
        let distinct: BTreeSet<String> = unions.iter().map(|kind| kind.schema().to_string()).collect();
        self.push("wrapped operations", operations.len());
        self.push("method and path pairs", pairs.len());
        self.push("paths", paths.len());
        self.push("pairs shared by several operations", shared.count());
        self.push("operations that are variants of another", operations.len() - pairs.len());
        self.push("tags", tags.len());
        self.push("JSON bodies", count(|o| o.body.is_some()));
        self.push("multipart bodies", count(|o| o.parameters.iter().any(|p| p.place.location().is_none())));
        self.push("union bodies", count(|o| o.body.as_ref().is_some_and(|body| body.kind.is_union())));
        self.push("union answers", unions.len());
        self.push("distinct union answers", distinct.len());
        self.push("answers without a type", count(|o| o.answer.is_none()));
        self.push("file downloads", count(|o| o.transfer == Transfer::Download));
        self.push("raw streams", count(|o| o.transfer == Transfer::Stream));
        self.push("constants added by the client", operations.iter().map(|o| o.constants.len()).sum());
    }

    fn count_parameters(&mut self, operations: &[Operation]) {
        let all = || operations.iter().flat_map(|operation| &operation.parameters);
        let at = |place: Place| all().filter(|parameter| parameter.place == place).count();
        self.push("query parameters", at(Place::Query));
        self.push("path parameters", at(Place::Path));
        self.push("header parameters", at(Place::Header));
        self.push("form parts", at(Place::Form));
        self.push("file parts", at(Place::File));
        let lists = |place: Place, format: ArrayFormat| {
            let is_list =
                |p: &&Parameter| matches!(p.kind, Type::List(_)) && p.place == place && p.format == format;
            let named = |o: &Operation| -> Vec<(String, String, String)> {
                let names = o.parameters.iter().filter(is_list).map(|p| p.name.clone());
                names.map(|name| (o.method.clone(), o.path.clone(), name)).collect()
            };
            operations.iter().flat_map(named).collect::<BTreeSet<_>>().len()
        };
        self.push("header lists, comma separated", lists(Place::Header, ArrayFormat::Csv));
        self.push("query lists, repeated key", lists(Place::Query, ArrayFormat::Multi));
        self.push("query lists, comma separated", lists(Place::Query, ArrayFormat::Csv));
    }

    fn count_models(&mut self, models: &Models) {
        let objects: Vec<_> = models
            .values()
            .filter_map(|m| if let Model::Object(object) = m { Some(object) } else { None })
            .collect();
        let enums: Vec<_> = models
            .values()
            .filter_map(|m| if let Model::Enum(values) = m { Some(values) } else { None })
            .collect();
        let properties = || objects.iter().flat_map(|object| &object.properties);
        self.push("object models", objects.len());
        self.push(
            "models without fields",
            objects.iter().filter(|object| object.properties.is_empty()).count(),
        );
        self.push("properties", properties().count());
        self.push("required properties", properties().filter(|property| property.required).count());
        self.push("property defaults", properties().filter(|property| property.default.is_some()).count());
        self.push("enums", enums.len());
        self.push("enum values", enums.iter().map(|values| values.len()).sum());
        self.push("aliases", models.values().filter(|m| matches!(m, Model::Alias(_))).count());
        self.push(
            "deprecated subclasses",
            models.values().filter(|m| matches!(m, Model::Subclass(_))).count(),
        );
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, count) in &self.counts {
            writeln!(f, "{count:>6}  {name}")?;
        }
        Ok(())
    }
}
