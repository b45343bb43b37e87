//! Searches, saved searches, and what the search knows.

use flywheel::{DeleteReason, Kind, Session};
use flywheel_core::sort::Order;
use futures::TryStreamExt;
use serde_json::json;

use crate::desk::{Desk, Study, ask, nifti};

#[tokio::test]
async fn the_site_is_searched() {
    let desk = Desk::open().await;
    let fw = desk.fw.clone();
    let Study { project, acquisition, collection, .. } = desk.study().await;
    acquisition.upload(nifti("t1.nii.gz")).await.unwrap();
    let search = fw.search("acquisition.label = T1w");
    ask!(desk, search.find::<Session>());
    ask!(
        desk,
        search
            .clone()
            .text("t1")
            .clause(json!({"term": {"file.type": "nifti"}}))
            .limit(5)
            .find_hits(Kind::File)
    );
    ask!(desk, search.clone().all_data(true).sort("session.age", Order::Descending).find_hits(Kind::Session));
    ask!(desk, fw.search_text("t1").find_hits(Kind::Acquisition));
    ask!(desk, search.hits(Kind::File).try_collect::<Vec<_>>());
    ask!(desk, search.nodes(Kind::Session));
    ask!(desk, search.facets(Kind::Session));
    ask!(desk, search.csv(Kind::Session));
    ask!(desk, search.add_to(&collection, Kind::Session));
    let mut saved = ask!(desk, search.save("T1", Kind::Session, &project));
    ask!(desk, saved.update().label("T1 weighted"));
    ask!(desk, saved.replace(&fw.search("session.label = ses-01"), Kind::Session));
    ask!(desk, saved.reload());
    ask!(desk, fw.saved_searches());
    ask!(desk, fw.saved_searches().get(saved.id()));
    ask!(desk, saved.delete());
    let index = fw.search_index();
    ask!(desk, index.status());
    ask!(desk, index.fields("label"));
    ask!(desk, index.fields_below("subject"));
    ask!(desk, index.values("file.type", Some("ni")));
    ask!(desk, index.suggest("session.lab"));
    ask!(desk, index.check("session.label = "));
    ask!(desk, search.delete_found(Kind::Acquisition, Some(DeleteReason::TestData)));
    desk.close("search");
}
