//! The responses to requests that fail with an error of this crate.

use axum_core::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header::WWW_AUTHENTICATE};

use crate::Error;

/// The status is 401 if the user must log in, 503 if Redis is unavailable, 409 for a conflict, else 500. The body is
/// empty. The error is an extension of the response, and a status of 5xx is reported to
/// [`SessionLayer::on_error`](crate::axum::SessionLayer::on_error).
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        response(self)
    }
}

/// A response to the error, with an empty body of any type.
pub(super) fn response<B: Default>(error: Error) -> http::Response<B> {
    let mut response = http::Response::new(B::default());
    *response.status_mut() = status(&error);
    if response.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge(&error));
    }
    response.extensions_mut().insert(error);
    response
}

fn status(error: &Error) -> StatusCode {
    match error {
        Error::StaleAuth { .. } | Error::NoSession | Error::SessionEnded | Error::NoOwner => StatusCode::UNAUTHORIZED,
        error if error.is_token_refused() => StatusCode::UNAUTHORIZED,
        Error::Conflict(_) => StatusCode::CONFLICT,
        error if error.is_unavailable() => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// For `STALEAUTH`, the challenge of RFC 9470, section 3.
fn challenge(error: &Error) -> HeaderValue {
    let plain = HeaderValue::from_static("Bearer");
    let Error::StaleAuth { max_age, .. } = error else { return plain };
    let description = "More recent authentication is required";
    let mut text = format!("Bearer error=\"insufficient_user_authentication\", error_description=\"{description}\"");
    if let Some(seconds) = max_age {
        text += &format!(", max_age=\"{seconds}\"");
    }
    HeaderValue::from_str(&text).unwrap_or(plain)
}
