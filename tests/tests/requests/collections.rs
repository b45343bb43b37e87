//! Collections and what is in them.

use futures::StreamExt;

use crate::desk::{Desk, Study, ask};

#[tokio::test]
async fn collections_are_filled_and_emptied() {
    let desk = Desk::open().await;
    let fw = desk.fw.clone();
    let Study { project, subject, session, acquisition, collection, .. } = desk.study().await;
    ask!(desk, collection.add::<flywheel::Project, _>([&project]));
    ask!(desk, collection.add::<flywheel::Subject, _>([subject.id()]));
    ask!(desk, collection.add_sessions([&session]));
    ask!(desk, collection.add_acquisitions([acquisition.id()]));
    ask!(desk, collection.remove_acquisitions([&acquisition]));
    ask!(desk, collection.remove_sessions([&session]));
    ask!(desk, collection.add_from(project.acquisitions().iter()));
    ask!(desk, collection.remove_from(futures::stream::iter([Ok(session.clone())]).boxed()));
    ask!(desk, fw.collections_of(flywheel_local::ADMIN));
    ask!(desk, fw.curators());
    desk.close("collections");
}
