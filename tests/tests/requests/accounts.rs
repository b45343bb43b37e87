//! People, roles, devices and their keys.

use chrono::DateTime;
use flywheel::Client;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::desk::{Desk, Study, ask};
use flywheel_tests::site::DRONE_SECRET;

/// The id of the key with this label, wherever a document lists it.
fn key_id(document: &Value, label: &str) -> String {
    let found = document.as_object().into_iter().flatten().find_map(|(_, keys)| {
        let keys = keys.as_array()?;
        keys.iter().find(|key| key["label"] == label)?["_id"].as_str()
    });
    found.unwrap_or_else(|| panic!("no key {label} in {document}")).to_owned()
}

#[tokio::test]
async fn people_roles_and_devices_are_managed() {
    let desk = Desk::open().await;
    let fw = desk.fw.clone();
    let Study { group, .. } = desk.study().await;
    ask!(desk, fw.me());
    ask!(desk, fw.auth_status());
    let mut user = ask!(desk, fw.add_user("jo@example.org").firstname("Jo").lastname("Doe"));
    ask!(desk, fw.users().get("jo@example.org"));
    ask!(desk, user.update().disabled(true).clear_permissions(true));
    ask!(desk, user.reload());
    ask!(desk, user.groups());
    ask!(desk, user.projects());
    ask!(desk, user.sessions());
    ask!(desk, user.acquisitions());
    ask!(desk, user.collections());
    let expires = DateTime::from_timestamp(1_900_000_000, 0);
    ask!(desk, fw.add_key("laptop", expires));
    let key = key_id(&json!(fw.me().await.unwrap()), "laptop");
    ask!(desk, fw.delete_key(&key));
    ask!(desk, fw.update_my_info(json!({"theme": "dark"})));
    ask!(desk, fw.my_info());
    ask!(desk, fw.my_permissions());
    ask!(desk, user.delete());

    let mut role = ask!(desk, fw.add_role("reviewer", ["files_view_metadata"]));
    ask!(desk, fw.roles().get(role.id()));
    ask!(desk, role.update().label("reader").actions(["files_view_metadata", "files_view_contents"]));
    ask!(desk, role.reload());
    ask!(desk, fw.role_actions());
    ask!(desk, group.add_role(role.id()));
    ask!(desk, group.roles());
    ask!(desk, group.remove_role(role.id()));
    ask!(desk, role.delete());

    let mut made = ask!(desk, fw.add_device("mover", "engine"));
    ask!(desk, made.add_key("first"));
    let key = key_id(&json!(fw.devices().get(made.id()).await.unwrap()), "first");
    ask!(desk, made.delete_key(&key));
    ask!(desk, made.update().disabled(true));
    ask!(desk, made.reload());
    ask!(desk, fw.devices().get(made.id()));
    ask!(desk, fw.device_statuses());
    ask!(desk, made.changes());
    ask!(desk, made.delete());
    let secret = SecretString::from(DRONE_SECRET);
    let device = ask!(desk, Client::device_login(desk.api(), secret, "reaper", "scanner-3"));
    ask!(desk, device.report_device(json!({"interval": 60, "errors": []})));
    ask!(desk, device.this_device());
    desk.close("accounts");
}
