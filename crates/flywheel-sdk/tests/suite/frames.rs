//! Rows as record batches, Parquet files and data frames.

use flywheel::{Client, Project, View, view::Column};
use serde_json::json;

use crate::bench::Bench;

async fn nested(fw: &Client) -> Project {
    let project = fw.add_group("neuro", "Neuro Lab").await.unwrap().add_project("Color Study").await.unwrap();
    for (label, info) in [
        (
            "sub-01",
            json!({"n": 1, "list": [1, 2], "deep": {"a": "x"}, "odd": 1, "none": null, "empty": {}, "no": []}),
        ),
        ("sub-02", json!({"n": 2.5, "list": [], "deep": {"b": [true]}, "odd": "one"})),
        ("sub-03", json!({})),
    ] {
        project.add_subject(label).set("info", info).await.unwrap();
    }
    project
}

fn view() -> View {
    let builder = View::builder().column(Column::new("subject.label").named("subject"));
    let builder = builder.column(Column::new("subject.info").named("info")).column("subject.tags");
    builder.include_ids(false).include_labels(false).error_column(false).build().unwrap()
}

#[cfg(feature = "arrow")]
mod arrow {
    use arrow_array::{
        Array, RecordBatch,
        cast::AsArray,
        types::{Float64Type, Int64Type},
    };
    use arrow_schema::DataType;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::*;

    fn check(batches: &[RecordBatch]) {
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        assert_eq!(rows, 3);
        let first = &batches[0];
        assert_eq!(first.column(0).as_string::<i32>().value(0), "sub-01");
        let info = first.column(1).as_struct();
        assert_eq!(info.column_by_name("n").unwrap().as_primitive::<Float64Type>().value(0), 1.0);
        let list = info.column_by_name("list").unwrap().as_list::<i32>().value(0);
        assert_eq!(list.as_primitive::<Int64Type>().values(), &[1, 2]);
        let deep = info.column_by_name("deep").unwrap().as_struct();
        assert_eq!(deep.column_by_name("a").unwrap().as_string::<i32>().value(0), "x");
        assert!(deep.column_by_name("b").unwrap().is_null(0));
        assert_eq!(info.column_by_name("odd").unwrap().data_type(), &DataType::Utf8);
        assert_eq!(info.column_by_name("odd").unwrap().as_string::<i32>().value(0), "1");
        assert!(info.column_by_name("none").unwrap().is_null(0));
        assert!(info.column_by_name("empty").unwrap().is_null(0));
    }

    #[tokio::test]
    async fn record_batches_keep_nested_metadata() {
        let bench = Bench::open().await;
        let project = nested(&bench.fw).await;
        let table = bench.fw.views().run(view(), &project).table().await.unwrap();
        let batches: Vec<RecordBatch> = table.record_batches(2).collect::<Result<_, _>>().unwrap();
        assert_eq!(batches.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [2, 1]);
        assert!(batches.iter().all(|batch| batch.schema() == table.schema()));
        check(&batches);
        let none =
            bench.fw.views().run(view(), &project).filter("subject.label=nobody").table().await.unwrap();
        assert_eq!((none.record_batches(2).count(), none.schema().fields().len()), (0, 3));
    }

    #[tokio::test]
    async fn parquet_files_hold_the_same_batches() {
        let bench = Bench::open().await;
        let project = nested(&bench.fw).await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("subjects.parquet");
        let written = bench.fw.views().run(view(), &project).to_path(&path).await.unwrap();
        let file = std::fs::File::open(&path).unwrap();
        assert_eq!(written, file.metadata().unwrap().len());
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
        check(&reader.collect::<Result<Vec<_>, _>>().unwrap());
        let none = bench.fw.views().run(view(), &project).filter("subject.label=nobody");
        none.to_path(&path).await.unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(&path).unwrap()).unwrap();
        assert_eq!(reader.build().unwrap().count(), 0);
    }
}

#[cfg(feature = "polars")]
mod polars {
    use polars_core::prelude::{AnyValue, DataType};

    use super::*;

    #[tokio::test]
    async fn data_frames_keep_nested_metadata() {
        let bench = Bench::open().await;
        let project = nested(&bench.fw).await;
        let table = bench.fw.views().run(view(), &project).table().await.unwrap();
        let frame = table.data_frame().unwrap();
        assert_eq!(frame.shape(), (3, 3));
        assert_eq!(frame.column("subject").unwrap().get(1).unwrap(), AnyValue::String("sub-02"));
        let info = frame.column("info").unwrap();
        let DataType::Struct(fields) = info.dtype() else { panic!("{}", info.dtype()) };
        let kind = |name: &str| fields.iter().find(|field| field.name() == name).unwrap().dtype().clone();
        assert_eq!(kind("n"), DataType::Float64);
        assert_eq!(kind("list"), DataType::List(Box::new(DataType::Int64)));
        assert_eq!(kind("odd"), DataType::String);
        assert!(matches!(kind("deep"), DataType::Struct(deep) if deep.len() == 2));
        let n = info.struct_().unwrap().field_by_name("n").unwrap();
        assert_eq!(n.f64().unwrap().iter().collect::<Vec<_>>(), [Some(1.0), Some(2.5), None]);
    }
}
