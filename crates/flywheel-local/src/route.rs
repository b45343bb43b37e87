//! How a route is written down, and what answers where no route is.

use std::sync::{Arc, LazyLock};

use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, Request, State},
    handler::Handler,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{MethodFilter, MethodRouter, on},
};
use http::{Method, StatusCode, header::CONTENT_TYPE};
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    access::Need,
    access_log, drain,
    error::ApiError,
    guard::Rule,
    kind::Kind,
    operations::{self, Operation},
    request_id, router,
    state::AppState,
    unserved,
};

/// One route of the site: a line of the table in [`crate::router`].
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) rule: Rule,
    handler: MethodRouter<AppState>,
}

macro_rules! verbs {
    ($($verb:ident = $filter:ident;)*) => {$(
        #[doc = concat!("A ", stringify!($filter), " route.")]
        pub(crate) fn $verb<H, T>(path: &str, need: Need, handler: H) -> Route
        where
            H: Handler<T, AppState>,
            T: 'static,
        {
            let rule = Rule { need, kind: None, child: None };
            Route { method: Method::$filter, path: path.to_owned(), rule, handler: on(MethodFilter::$filter, handler) }
        }
    )*};
}

verbs! {
    get = GET;
    post = POST;
    put = PUT;
    patch = PATCH;
    delete = DELETE;
}

impl Route {
    /// The route is about containers of this kind.
    pub(crate) fn of(mut self, kind: Kind) -> Self {
        self.rule.kind = Some(kind);
        self
    }

    /// The route lists containers of this kind.
    pub(crate) fn listing(mut self, kind: Kind) -> Self {
        self.rule.child = Some(kind);
        self
    }
}

/// The site's routes below `/api`, and what surrounds each of them.
pub(crate) fn assemble(state: AppState) -> Router {
    let routes = router::routes();
    let hidden: Arc<[_]> = hidden(&routes).into();
    let api = routes.into_iter().fold(Router::new(), |api, route| {
        let handler = route.handler.layer(Extension(route.rule));
        let handler = match access_log::of_route(&route.method, &route.path) {
            Some(kind) => {
                handler.layer(middleware::from_fn_with_state((state.clone(), kind), access_log::watch))
            }
            None => handler,
        };
        api.route(&route.path, handler)
    });
    let api = api.fallback(unserved).method_not_allowed_fallback(unserved);
    let api = api.layer(middleware::from_fn_with_state(hidden, reveal));
    let api = api.layer(middleware::map_response_with_state(state.clone(), notice_full));
    let router = surround(Router::new().nest("/api", api).fallback(unserved)).with_state(state);
    #[cfg(test)]
    let router = router.layer(middleware::from_fn_with_state(Arc::default(), flywheel_description::insist));
    router
}

/// What surrounds every route: bodies without a limit of the framework's own, panics and the framework's refusals as
/// errors in JSON, and the request's id.
fn surround<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::map_request(drain::to_the_end))
        .layer(middleware::map_response(in_json))
        .layer(CatchPanicLayer::custom(|_| ApiError::internal("a panic in a handler").into_response()))
        .layer(middleware::from_fn(request_id::assign))
}

/// What is deleted next gives room where there was none.
async fn notice_full(State(state): State<AppState>, response: Response) -> Response {
    if response.status() == StatusCode::INSUFFICIENT_STORAGE {
        state.store.want_room();
    }
    response
}

/// Refusals of the framework itself, such as of a path that is no UTF-8, are plain text: they become errors like all.
async fn in_json(response: Response) -> Response {
    let status = response.status();
    let plain =
        response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !plain || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let text = axum::body::to_bytes(response.into_body(), 64 << 10).await.unwrap_or_default();
    ApiError::new(status, String::from_utf8_lossy(&text)).into_response()
}

/// Operations that are not served although a served route takes their requests for its own, as `GET /projects/{id}`
/// does those of `GET /projects/labels`.
fn hidden(routes: &[Route]) -> Vec<&'static Operation> {
    let mut hidden = unserved_by(routes);
    hidden.retain(|operation| {
        let mut taken = routes.iter().filter(|route| route.method == operation.method);
        taken.any(|route| operations::fits(&route.path, operation.path))
    });
    hidden
}

fn unserved_by(routes: &[Route]) -> Vec<&'static Operation> {
    let routes: Vec<_> = routes.iter().map(|route| (route.method.clone(), route.path.as_str())).collect();
    operations::unserved(&routes)
}

/// Answers for the [`hidden`] operations before a route does.
async fn reveal(State(hidden): State<Arc<[&'static Operation]>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    match hidden.iter().find(|operation| operation.method == *request.method() && operation.fits(path)) {
        Some(operation) => not_served(operation).into_response(),
        None => next.run(request).await,
    }
}

fn not_served(operation: &Operation) -> ApiError {
    let Operation { method, path, id } = operation;
    let reason = unserved::reason(id).map_or_else(|| ".".to_owned(), |reason| format!(": {reason}"));
    let message = format!("This local site does not serve {id} ({method} {path}){reason}");
    ApiError::new(StatusCode::NOT_IMPLEMENTED, message).with("operation", *id)
}

/// Answers what no route answers: 501 for an operation of the API that is not served, 405 for a path that other methods
/// serve, 404 for the rest.
async fn unserved(request: Request) -> ApiError {
    let path = request
        .extensions()
        .get::<axum::extract::OriginalUri>()
        .map_or_else(|| request.uri().path().to_owned(), |original| original.0.path().to_owned());
    refuse(request.method(), path.strip_prefix("/api").unwrap_or(&path))
}

/// The operations that no route of the site serves.
static UNSERVED: LazyLock<Vec<&Operation>> = LazyLock::new(|| unserved_by(&router::routes()));

fn refuse(method: &Method, path: &str) -> ApiError {
    if let Some(operation) =
        UNSERVED.iter().find(|operation| operation.method == *method && operation.fits(path))
    {
        return not_served(operation);
    }
    if operations::ALL.iter().any(|operation| operation.method != *method && operation.fits(path)) {
        return ApiError::new(StatusCode::METHOD_NOT_ALLOWED, format!("{method} is not allowed here"));
    }
    ApiError::not_found("The resource could not be found: no such route")
}

/// 204 would be truer, but the clients of the platform read 200 with nothing.
pub(crate) fn nothing() -> Response {
    StatusCode::OK.into_response()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::{body::Body, routing};
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_with_the_id_of_its_request() {
        async fn fall() -> &'static str {
            panic!("on purpose")
        }
        let router = surround(Router::new().route("/fall", routing::get(fall)));
        let response = router.oneshot(Request::get("/fall").body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 500);
        let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&body["status_code"], &body["request_id"]), (&500.into(), &id.into()));
        assert!(!body.to_string().contains("on purpose"));
    }
}
