//! Containers: found, read, made, changed, deleted; ways up and down.

use chrono::NaiveDate;
use flywheel::{Age, DeleteReason, Resource, Sort, field};
use futures::TryStreamExt;

use crate::desk::{Desk, Study, ask};

#[tokio::test]
async fn containers_are_made_read_and_deleted() {
    let desk = Desk::open().await;
    let fw = desk.fw.clone();
    let group = ask!(desk, fw.add_group("neuro", "Neuro Lab"));
    ask!(desk, fw.add_group("neuro", "Neuro Lab").or_existing());
    let project =
        ask!(desk, group.add_project("Color Study").description("Colours").inherit_permissions(true));
    let born = NaiveDate::from_ymd_opt(1980, 2, 29).unwrap();
    let subject = ask!(
        desk,
        project
            .add_subject("sub-01")
            .sex("female")
            .date_of_birth(born)
            .set("cohort", "Control")
            .or_existing()
    );
    let session = ask!(
        desk,
        subject.add_session("ses-01").age(Age::from_years(42.5).seconds()).timezone("Europe/Berlin")
    );
    ask!(desk, project.add_session("sub-02", "ses-01").or_existing());
    let acquisition = ask!(desk, session.add_acquisition("T1w").set("uid", "1.2.3").or_existing());
    let collection = ask!(desk, fw.add_collection("Best of").description("Good scans"));
    let mut analyses = Vec::new();
    macro_rules! analysed {
        ($($container:ident)*) => {$(
            analyses.push(ask!(desk, $container.add_analysis("fit").description("A line")));
            ask!(desk, $container.analyses());
        )*};
    }
    analysed!(project subject session acquisition);
    let analysis = analyses.pop().unwrap();
    let mut containers = (group, project, subject, session, acquisition, analysis, collection);
    let (group, project, subject, session, acquisition, analysis, collection) = &mut containers;
    ask!(desk, fw.groups().get(group.id()));
    ask!(desk, fw.projects().get_opt(project.id()));
    ask!(desk, fw.subjects().get(subject.id()));
    ask!(desk, fw.sessions().get(session.id()));
    ask!(desk, fw.acquisitions().get(acquisition.id()));
    ask!(desk, fw.analyses().get(analysis.id()));
    ask!(desk, fw.collections().get(collection.id()));
    macro_rules! changed {
        ($($container:ident)*) => {$(
            ask!(desk, $container.update().label("Another"));
            ask!(desk, $container.reload());
        )*};
    }
    changed!(group project subject session acquisition analysis collection);
    ask!(desk, subject.update().clear("sex").firstname("Jo").subject_type("human"));
    ask!(desk, session.update().operator("Jo").weight(71.5).request());
    let (group, project, subject, session, acquisition, analysis, collection) = containers;
    ask!(desk, analysis.delete());
    ask!(desk, collection.delete());
    ask!(desk, acquisition.delete().reason(DeleteReason::TestData));
    ask!(desk, session.delete());
    ask!(desk, subject.delete());
    ask!(desk, project.delete().in_background(true));
    ask!(desk, group.delete());
    desk.close("containers");
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_walked() {
    let desk = Desk::open().await;
    let fw = desk.fw.clone();
    let Study { group, project, subject, session, acquisition, analysis, collection } = desk.study().await;
    ask!(desk, fw.groups());
    ask!(desk, fw.projects().filter("label=Color Study").find_one());
    ask!(desk, fw.subjects().filter(field("label").eq("sub-01, of two")).find_first());
    ask!(desk, fw.sessions().sort(Sort::desc("label")).limit(10));
    ask!(desk, fw.sessions().sort("label").page_size(50).page(3).limit(50));
    ask!(desk, fw.acquisitions().count());
    ask!(desk, fw.analyses().with_info());
    ask!(desk, fw.collections().exhaustive(true));
    ask!(desk, fw.files().full());
    ask!(desk, fw.users());
    ask!(desk, fw.roles());
    ask!(desk, fw.gears());
    ask!(desk, fw.jobs().filter("state=pending"));
    ask!(desk, fw.devices());
    ask!(desk, fw.modalities());
    ask!(desk, fw.projects().page_size(1).find());
    ask!(desk, fw.projects().pages().try_collect::<Vec<_>>());
    ask!(desk, fw.projects().find().feature("exclude-files").exhaustive(true));
    ask!(desk, group.projects());
    ask!(desk, project.subjects().with_info());
    ask!(desk, project.sessions());
    ask!(desk, project.acquisitions());
    ask!(desk, project.all_files());
    ask!(desk, subject.sessions());
    ask!(desk, subject.acquisitions());
    ask!(desk, session.acquisitions());
    ask!(desk, collection.sessions());
    ask!(desk, collection.acquisitions());
    ask!(desk, acquisition.session());
    ask!(desk, acquisition.group());
    ask!(desk, session.subject());
    ask!(desk, subject.project());
    ask!(desk, project.group());
    ask!(desk, analysis.parent());
    assert_eq!(analysis.model().label.as_deref(), Some("fit"));
    desk.close("lists");
}
