//! How a route is written down, and what answers where no route is.

use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, Request},
    handler::Handler,
    middleware,
    response::{IntoResponse, Response},
    routing::{MethodFilter, MethodRouter, on},
};
use http::{Method, StatusCode};
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    access::Need, drain, error::ApiError, guard::Rule, kind::Kind, operations, request_id, router, state::AppState,
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
    let api = router::routes()
        .into_iter()
        .fold(Router::new(), |api, route| api.route(&route.path, route.handler.layer(Extension(route.rule))));
    let api = api.fallback(unserved).method_not_allowed_fallback(unserved);
    Router::new()
        .nest("/api", api)
        .fallback(unserved)
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::map_request(drain::to_the_end))
        .layer(CatchPanicLayer::custom(|_| ApiError::internal("a panic in a handler").into_response()))
        .layer(middleware::from_fn(request_id::assign))
        .with_state(state)
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

fn refuse(method: &Method, path: &str) -> ApiError {
    let known: Vec<_> = operations::ALL.iter().filter(|operation| operation.fits(path)).collect();
    if let Some(operation) = known.iter().find(|operation| operation.method == *method) {
        let message =
            format!("This local site does not serve {} ({method} {}) yet", operation.id, operation.path);
        return ApiError::new(StatusCode::NOT_IMPLEMENTED, message).with("operation", operation.id);
    }
    if known.is_empty() {
        return ApiError::not_found("The resource could not be found: no such route");
    }
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, format!("{method} is not allowed here"))
}

/// 204 would be truer, but the clients of the platform read 200 with nothing.
pub(crate) fn nothing() -> Response {
    StatusCode::OK.into_response()
}
