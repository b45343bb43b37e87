//! Tags, notes, free metadata and permissions.

use flywheel::AccessLevel;
use serde_json::json;

use crate::desk::{Desk, Study, ask, nifti};

#[tokio::test]
async fn tags_notes_info_and_permissions_are_changed() {
    let desk = Desk::open().await;
    let Study {
        mut group,
        mut project,
        mut subject,
        mut session,
        mut acquisition,
        mut analysis,
        mut collection,
    } = desk.study().await;
    macro_rules! tagged {
        ($($container:ident)*) => {$(
            ask!(desk, $container.tags().add(["a", "b"]));
            ask!(desk, $container.tags().rename("b", "c"));
            ask!(desk, $container.tags().remove(["a"]));
            ask!(desk, $container.tags().set(["d"]));
        )*};
    }
    tagged!(group project subject session acquisition analysis collection);
    macro_rules! noted {
        ($($container:ident)*) => {$(
            let note = ask!(desk, $container.notes().add("Moved in run 2.")).id.unwrap();
            ask!(desk, $container.notes().update(&note, "Moved in run 3."));
            ask!(desk, $container.notes().delete(&note));
        )*};
    }
    noted!(project subject session acquisition analysis collection);
    macro_rules! described {
        ($($container:ident)*) => {$(
            ask!(desk, $container.info().merge(json!({"qc": {"snr": 12.5}})));
            ask!(desk, $container.info().replace(json!({"site": "A"})));
            ask!(desk, $container.info().delete(["site"]));
        )*};
    }
    described!(project subject session acquisition analysis collection);
    let mut file = acquisition.upload(nifti("t1.nii.gz")).await.unwrap();
    ask!(desk, file.tags().add(["a", "b"]));
    ask!(desk, file.tags().rename("b", "c"));
    ask!(desk, file.tags().remove(["a"]));
    ask!(desk, file.tags().set(["d"]));
    ask!(desk, acquisition.info().sanitized().merge(json!({"T.R": 2})));

    desk.user("jo@example.org").await;
    ask!(desk, group.permissions().add("jo@example.org", "ro"));
    ask!(desk, group.permissions().get("jo@example.org"));
    ask!(desk, group.permissions().set("jo@example.org", AccessLevel::Admin));
    ask!(desk, group.permissions().remove("jo@example.org"));
    ask!(desk, collection.permissions().add("jo@example.org", "ro"));
    ask!(desk, collection.permissions().get("jo@example.org"));
    ask!(desk, collection.permissions().set("jo@example.org", AccessLevel::Admin));
    ask!(desk, collection.permissions().remove("jo@example.org"));
    ask!(desk, project.permissions().add("jo@example.org", ["read-only"]));
    ask!(desk, project.permissions().get("jo@example.org"));
    ask!(desk, project.permissions().set("jo@example.org", ["read-write"]));
    ask!(desk, project.permissions().remove("jo@example.org"));
    ask!(desk, group.permission_template().propagate(true).add("jo@example.org", ["read-only"]));
    ask!(desk, group.permission_template().get("jo@example.org"));
    ask!(desk, group.permission_template().set("jo@example.org", ["read-write"]));
    ask!(desk, group.permission_template().propagate(true).remove("jo@example.org"));
    desk.close("metadata");
}
