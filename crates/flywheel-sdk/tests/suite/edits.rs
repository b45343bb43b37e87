//! Tags, notes, free metadata and permissions.

use flywheel::{AccessLevel, ErrorKind, field};
use serde_json::{Value, json};

use crate::bench::{Bench, Study};

#[tokio::test]
async fn tags_are_added_renamed_removed_and_set_on_every_kind() {
    let bench = Bench::open().await;
    let Study { mut group, mut project, mut subject, mut session, mut acquisition } = bench.study().await;
    let mut analysis = session.add_analysis("fit").await.unwrap();
    let mut collection = bench.fw.add_collection("c").await.unwrap();
    macro_rules! check {
        ($($container:ident)*) => {$(
            $container.tags().add(["a", "b", "a"]).await.unwrap();
            $container.tags().add(["b", "c"]).await.unwrap();
            assert_eq!($container.tags, Some(vec!["a".into(), "b".into(), "c".into()]), stringify!($container));
            $container.tags().rename("b", "d").await.unwrap();
            $container.tags().remove(["a", "never there"]).await.unwrap();
            let at_hand = $container.tags.clone();
            $container.reload().await.unwrap();
            assert_eq!($container.tags, at_hand, stringify!($container));
            assert_eq!($container.tags.as_ref().map(Vec::len), Some(2), stringify!($container));
            $container.tags().set(["x", "d"]).await.unwrap();
            $container.reload().await.unwrap();
            let mut tags = $container.tags.clone().unwrap();
            tags.sort();
            assert_eq!(tags, ["d", "x"], stringify!($container));
        )*};
    }
    check!(group project subject session acquisition analysis collection);
    assert!(session.tags().rename("never there", "y").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn the_label_and_the_code_of_a_subject_are_one() {
    let bench = Bench::open().await;
    let Study { mut subject, .. } = bench.study().await;
    for (field, name) in [("label", "by label"), ("code", "by code")] {
        subject.update().set(field, name).await.unwrap();
        let at_hand = (subject.label().to_owned(), subject.code.clone());
        subject.reload().await.unwrap();
        assert_eq!(at_hand, (name.to_owned(), Some(name.to_owned())));
        assert_eq!(at_hand, (subject.label().to_owned(), subject.code.clone()));
    }
}

#[tokio::test]
async fn notes_are_added_changed_and_removed() {
    let bench = Bench::open().await;
    let Study { mut session, .. } = bench.study().await;
    let note = session.notes().add("Moved in run 2.\nOtherwise fine. ✓").await.unwrap();
    let id = note.id.clone().unwrap();
    assert_eq!(note.user.as_deref(), Some(flywheel_local::ADMIN));
    session.notes().update(&id, "Moved in run 3.").await.unwrap();
    session.notes().add("second").await.unwrap();
    let texts = |session: &flywheel::Session| -> Vec<String> {
        session.notes.iter().flatten().filter_map(|note| note.text.clone()).collect()
    };
    let at_hand = texts(&session);
    session.reload().await.unwrap();
    assert_eq!(texts(&session), at_hand);
    assert_eq!(at_hand, ["Moved in run 3.", "second"]);
    session.notes().delete(&id).await.unwrap();
    assert_eq!(texts(&session), ["second"]);
    session.reload().await.unwrap();
    assert_eq!(texts(&session), ["second"]);
    assert!(session.notes().delete(&id).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn info_is_merged_replaced_and_deleted() {
    let bench = Bench::open().await;
    let Study { mut session, .. } = bench.study().await;
    let all = |session: &flywheel::Session| session.info_at::<Value>("").unwrap();
    session.info().merge(json!({"qc": {"snr": 12.5}, "site": "A"})).await.unwrap();
    session.info().merge(json!({"qc": {"fd": 0.2}})).await.unwrap();
    assert_eq!(all(&session), Some(json!({"qc": {"fd": 0.2}, "site": "A"})));
    session.info().delete(["site", "never there"]).await.unwrap();
    assert_eq!(session.info_at::<f64>("/qc/fd").unwrap(), Some(0.2));
    assert_eq!(session.info_at::<f64>("/qc/snr").unwrap(), None);
    let at_hand = all(&session);
    session.reload().await.unwrap();
    assert_eq!(all(&session), at_hand);
    session.info().replace(json!({"only": [1, null, "this"]})).await.unwrap();
    session.reload().await.unwrap();
    assert_eq!(session.info_at::<Vec<Value>>("/only").unwrap().unwrap().len(), 3);
    assert_eq!(session.info_at::<String>("/only/2").unwrap().as_deref(), Some("this"));
    assert_eq!(session.info_at::<f64>("/only/1").unwrap(), None);
}

#[tokio::test]
async fn info_of_another_type_or_a_wrong_pointer_is_an_error() {
    let bench = Bench::open().await;
    let Study { mut subject, .. } = bench.study().await;
    subject.info().merge(json!({"a/b": "x"})).await.unwrap();
    assert_eq!(subject.info_at::<String>("/a~1b").unwrap().as_deref(), Some("x"));
    assert_eq!(subject.info_at::<f64>("/a~1b").unwrap_err().kind(), ErrorKind::Decode);
    assert!(subject.info_at::<String>("a").unwrap_err().message().contains("\"/a\""));
    assert!(subject.info().merge(vec![1]).await.unwrap_err().is_invalid());
}

#[tokio::test]
async fn keys_the_site_would_rename_are_refused_or_agreed_to() {
    let bench = Bench::open().await;
    let Study { mut acquisition, .. } = bench.study().await;
    let error = acquisition.info().merge(json!({"scan": {"T.R": 2, "$x": 1}})).await.unwrap_err();
    assert!(error.is_invalid() && error.message().contains("/scan/T.R, /scan/$x"), "{error}");
    acquisition.info().sanitized().merge(json!({"scan": {"T.R": 2, "$x": 1}})).await.unwrap();
    let at_hand = acquisition.info_at::<Value>("/scan").unwrap();
    acquisition.reload().await.unwrap();
    assert_eq!(acquisition.info_at::<Value>("/scan").unwrap(), at_hand);
    assert_eq!(at_hand, Some(json!({"T_R": 2, "-x": 1})));
    let session = acquisition.session().await.unwrap();
    assert!(session.add_acquisition("x").info(json!({"a.b": 1})).await.unwrap_err().is_invalid());
    let made = session.add_acquisition("x").info(json!({"a": 1})).await.unwrap();
    assert_eq!(made.info_at::<i64>("/a").unwrap(), Some(1));
}

#[tokio::test]
async fn info_that_a_list_left_out_is_not_mistaken_for_none() {
    let bench = Bench::open().await;
    let Study { mut session, project, .. } = bench.study().await;
    session.info().merge(json!({"a": 1})).await.unwrap();
    let mut row = project.sessions().find_one().await.unwrap();
    let error = row.info_at::<i64>("/a").unwrap_err();
    assert!(error.is_invalid() && error.hint().unwrap().contains("with_info()"), "{error}");
    row.info().merge(json!({"b": 2})).await.unwrap();
    assert!(row.info_at::<i64>("/b").is_err(), "a part of it is not all of it");
    let full = project.sessions().with_info().find_one().await.unwrap();
    assert_eq!(full.info_at::<Value>("").unwrap(), Some(json!({"a": 1, "b": 2})));
    assert_eq!(project.info_at::<i64>("/a").unwrap(), None, "there is none, and that is known");
}

#[tokio::test]
async fn permissions_are_given_changed_and_withdrawn() {
    let bench = Bench::open().await;
    let Study { mut group, mut project, .. } = bench.study().await;
    let jo = bench.user("jo@example.org", false).await;
    assert_eq!(jo.projects().count().await.unwrap(), 0);
    assert!(jo.projects().get(project.id()).await.unwrap_err().is_permission_denied());

    let roles = bench.fw.roles().await.unwrap();
    let role = |label: &str| roles.iter().find(|role| role.label() == label).unwrap().id().to_owned();
    project.permissions().add("jo@example.org", [role("read-only")]).await.unwrap();
    let count = project.permissions.as_ref().unwrap().len();
    assert_eq!(jo.projects().find_one().await.unwrap().id(), project.id());
    assert!(
        jo.projects()
            .get(project.id())
            .await
            .unwrap()
            .add_subject("x")
            .await
            .unwrap_err()
            .is_permission_denied()
    );
    project.permissions().set("jo@example.org", [role("read-write")]).await.unwrap();
    jo.projects().get(project.id()).await.unwrap().add_subject("x").await.unwrap();
    project.permissions().remove("jo@example.org").await.unwrap();
    assert_eq!(project.permissions.as_ref().unwrap().len(), count - 1);
    assert_eq!(jo.projects().count().await.unwrap(), 0);

    group.permissions().add("jo@example.org", "ro").await.unwrap();
    assert_eq!(jo.groups().count().await.unwrap(), 1);
    group.permissions().set("jo@example.org", AccessLevel::Admin).await.unwrap();
    let granted =
        group.permissions.iter().flatten().find(|grant| grant.id.as_deref() == Some("jo@example.org"));
    assert_eq!(granted.unwrap().access, Some(AccessLevel::Admin));
    group.permission_template().add("jo@example.org", [role("read-only")]).await.unwrap();
    let next = group.add_project("Next").await.unwrap();
    assert_eq!(jo.projects().filter(field("label").eq("Next")).find_one().await.unwrap().id(), next.id());
    let alone = group.add_project("Alone").inherit_permissions(false).await.unwrap();
    assert!(jo.projects().get(alone.id()).await.unwrap_err().is_permission_denied());
    group.permission_template().remove("jo@example.org").await.unwrap();
    assert_eq!(jo.projects().count().await.unwrap(), 1, "projects keep what they began with");
}
