//! All inputs or all outputs of one analysis as an archive, as clients up to release 16 ask for them.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use rusqlite::Connection;
use serde_json::json;

use super::{
    Format, issue, redeem,
    request::{Part, Wish},
    send,
};
use crate::{
    access::{Action::FilesDownload, Need::On},
    error::{ApiError, ApiResult},
    files::{tickets::Address, upload::Target, which::ANALYSED},
    guard::{Guard, no_ticket},
    kind::Kind,
    query::Params,
    route::{Route, get},
    state::AppState,
};

/// `GET …/analyses/{id}/inputs` and `…/files`, below what has analyses and alone.
pub(super) fn routes() -> Vec<Route> {
    let below = ANALYSED.into_iter().map(Kind::plural).chain(["containers"]);
    let below = below.map(|kind| format!("/{kind}/{{id}}/analyses/{{analysis}}"));
    let both = |analysis: String| {
        [("inputs", Part::Inputs), ("files", Part::Outputs)].map(|(name, part)| {
            let answer = move |guard, state, address, target, params| {
                archive(guard, state, (address, target, part), params)
            };
            get(&format!("{analysis}/{name}"), On(FilesDownload), answer)
        })
    };
    below.chain(["/analyses/{id}".to_owned()]).flat_map(both).map(|route| route.of(Kind::Analysis)).collect()
}

/// With an empty `ticket` a ticket, else the archive: that of the ticket, or what the caller may download.
async fn archive(
    guard: Option<Guard>,
    State(state): State<AppState>,
    (address, target, part): (Address, Target, Part),
    params: Params,
) -> ApiResult<Response> {
    let ticket = params.get("ticket").map(str::to_owned);
    if let Some(ticket) = ticket.clone().filter(|ticket| !ticket.is_empty()) {
        let wish = move |db: &Connection| {
            let wish = redeem(db, &ticket, address)?;
            let [node] = wish.nodes.as_slice() else { return Err(of_another()) };
            if node.id != target.id() || wish.part != part {
                return Err(of_another());
            }
            Ok(wish)
        };
        return send(state, Format::Tar, false, wish).await;
    }
    let guard = guard.ok_or_else(no_ticket)?;
    let wish = move |db: &Connection| {
        let analysis = target.found(db, &guard)?;
        let body = json!({"nodes": [{"level": "analysis", "_id": analysis.id}]});
        let wish = Wish { part, ..Wish::read(&Params::default(), body)? };
        wish.allowed(db, &guard.caller)
    };
    match ticket {
        Some(_) => issue(&state, address, wish).await.map(|stub| Json(stub).into_response()),
        None => send(state, Format::Tar, false, wish).await,
    }
}

fn of_another() -> ApiError {
    ApiError::bad_request("This ticket is for another archive")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::body::Body;
    use http::{Request, header::AUTHORIZATION};
    use serde_json::json;

    use crate::tests::Api;

    #[tokio::test]
    async fn older_clients_get_all_inputs_or_all_outputs_of_an_analysis() {
        let api = Api::new().await;
        let [_, _, _, session, acquisition] = api.tree().await;
        for name in ["a.txt", "b.txt"] {
            api.file(api.root(), &format!("/acquisitions/{acquisition}"), name, "taken").await.ok();
        }
        let input = |name| json!({"type": "acquisition", "id": acquisition, "name": name});
        let body = json!({"label": "seg", "inputs": [input("a.txt"), input("b.txt")]});
        let analysis = api.post(&format!("/sessions/{session}/analyses"), body).await.id();
        let empty = api.get(&format!("/analyses/{analysis}/files?ticket=")).await.error(404);
        assert!(empty.contains("no file"), "{empty}");
        api.file(api.root(), &format!("/analyses/{analysis}"), "out.txt", "made it").await.ok();
        for at in [format!("/analyses/{analysis}"), format!("/sessions/{session}/analyses/{analysis}")] {
            for (part, count, size, wanted) in [
                ("inputs", 2, 10, vec!["seg/input/a.txt", "seg/input/b.txt"]),
                ("files", 1, 7, vec!["seg/output/out.txt"]),
            ] {
                let stub = api.get(&format!("{at}/{part}?ticket=")).await.ok();
                assert_eq!((&stub["file_cnt"], &stub["size"]), (&json!(count), &json!(size)));
                assert_eq!(stub["filename"], "analysis_seg.tar");
                let ticket = stub["ticket"].as_str().unwrap();
                let asked = Request::get(format!("/api{at}/{part}?ticket={ticket}"));
                assert_eq!(names(&api, asked.body(Body::empty()).unwrap()).await, wanted);
                let asked =
                    Request::get(format!("/api{at}/{part}")).header(AUTHORIZATION, "scitran-user root");
                assert_eq!(names(&api, asked.body(Body::empty()).unwrap()).await, wanted);
                let other = if part == "files" { "inputs" } else { "files" };
                api.get(&format!("{at}/{other}?ticket={ticket}")).await.error(400);
            }
        }
        api.get(&format!("/acquisitions/{acquisition}/analyses/{analysis}/inputs")).await.error(404);
    }

    async fn names(api: &Api, request: Request<Body>) -> Vec<String> {
        let bytes = api.bytes(request).await;
        let mut archive = tar::Archive::new(&bytes[..]);
        let entries = archive.entries().unwrap();
        entries.map(|entry| entry.unwrap().path().unwrap().to_str().unwrap().to_owned()).collect()
    }
}
