//! Answers that the definition gives itself: fixed ones, and the examples of an OpenAPI document.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use crate::{
    apidef::model::{ExampleAnswers, ExampleBody, ExampleMedia, FixedAnswer, Mock},
    reply::{self, Reply, body::ReplyBody, error::GatewayError},
};

/// Headers with which a request asks for another example, as in Tyk.
const CODE: &str = "x-tyk-accept-example-code";
const NAME: &str = "x-tyk-accept-example-name";

/// The answer in the upstream's place.
///
/// # Errors
/// [`GatewayError::NoExample`] when the request asks for an example that is not there.
pub fn answer(mock: &Mock, request: &HeaderMap) -> Result<Reply, GatewayError> {
    match mock {
        Mock::Fixed(answer) => Ok(fixed(answer)),
        Mock::Examples(answers) => example(answers, request),
    }
}

/// A fixed answer.
pub fn fixed(answer: &FixedAnswer) -> Reply {
    build(answer.status, &answer.headers, answer.body.clone())
}

fn build(status: StatusCode, headers: &HeaderMap, body: Bytes) -> Reply {
    let mut reply = Response::new(ReplyBody::from(body));
    *reply.status_mut() = status;
    *reply.headers_mut() = reply::header_map::with_room(headers.len());
    reply.headers_mut().extend(headers.iter().map(|(name, value)| (name.clone(), value.clone())));
    reply
}

/// The example that the request asks for; what it says nothing of is as the definition has it.
fn example(answers: &ExampleAnswers, request: &HeaderMap) -> Result<Reply, GatewayError> {
    let asked = |name: &str| {
        let value = request.get(name).map(HeaderValue::as_bytes).map(String::from_utf8_lossy);
        value.filter(|value| !value.is_empty())
    };
    let code = match asked(CODE) {
        Some(text) => text.parse().map_err(|_| GatewayError::NoExample {
            status: StatusCode::BAD_REQUEST,
            message: format!("given code {text} is not a valid integer value"),
        })?,
        None => answers.code,
    };
    let accepted = asked(header::ACCEPT.as_str()).filter(|accepted| accepted != "*/*");
    let content_type = accepted.as_deref().unwrap_or(&answers.content_type);
    let name = asked(NAME);
    let name = name.as_deref().or(answers.name.as_deref());

    let response = answers.responses.iter().find(|response| i64::from(response.status.as_u16()) == code);
    let response = response.ok_or_else(|| missing("code", &code.to_string()))?;
    let media = find_media(&response.media, content_type);
    let media = media.ok_or_else(|| missing("content type", content_type))?;
    let body = match (&media.body, name) {
        (ExampleBody::One(body), _) => body,
        (ExampleBody::Named(bodies), Some(name)) => {
            let found = bodies.iter().find(|(known, _)| known == name);
            &found.ok_or_else(|| missing("example name", name))?.1
        }
        (ExampleBody::Named(bodies), None) => bodies.first().map_or(&None, |(_, body)| body),
    };
    let body = body.clone().ok_or_else(|| missing("content type", content_type))?;
    let mut reply = build(response.status, &response.headers, body);
    reply.headers_mut().insert(header::CONTENT_TYPE, media.header.clone());
    Ok(reply)
}

fn missing(what: &str, value: &str) -> GatewayError {
    GatewayError::NoExample {
        status: StatusCode::NOT_FOUND,
        message: format!("there is no example response for the {what}: {value}"),
    }
}

/// The media type by its name, then without parameters, then by its range.
fn find_media<'a>(media: &'a [ExampleMedia], wanted: &str) -> Option<&'a ExampleMedia> {
    let named = |name: &str| media.iter().find(|media| media.content_type == name);
    let essence = wanted.split(';').next().unwrap_or("").trim();
    let (main, _) = essence.split_once('/')?;
    named(wanted).or_else(|| named(essence)).or_else(|| named(&format!("{main}/*"))).or_else(|| named("*/*"))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue, StatusCode, header};

    use super::{CODE, NAME, answer};
    use crate::apidef::model::{ExampleAnswers, ExampleBody, ExampleMedia, ExampleResponse, Mock};

    fn media(content_type: &'static str, body: ExampleBody) -> ExampleMedia {
        ExampleMedia {
            content_type: content_type.to_owned(),
            header: HeaderValue::from_static(content_type),
            body,
        }
    }

    fn text(text: &'static str) -> Option<Bytes> {
        Some(Bytes::from_static(text.as_bytes()))
    }

    fn mock() -> Mock {
        let response = |status: u16, media: Vec<ExampleMedia>| ExampleResponse {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            media,
        };
        let named = vec![("first".to_owned(), text("1")), ("second".to_owned(), text("2"))];
        Mock::Examples(Box::new(ExampleAnswers {
            code: 200,
            content_type: "application/json".to_owned(),
            name: None,
            responses: vec![
                response(
                    200,
                    vec![
                        media("application/json", ExampleBody::Named(named)),
                        media("text/*", ExampleBody::One(text("any"))),
                    ],
                ),
                response(404, vec![media("application/json", ExampleBody::One(None))]),
            ],
        }))
    }

    /// Headers of a request, and the text of its answer or of the error.
    type Case<'a> = (&'a [(&'a str, &'a str)], Result<&'a str, &'a str>);

    #[test]
    fn requests_choose_their_example() {
        let cases: &[Case<'_>] = &[
            (&[], Ok("1")),
            (&[(NAME, "second")], Ok("2")),
            (&[(NAME, "third")], Err("404 mock: there is no example response for the example name: third")),
            (&[("accept", "*/*")], Ok("1")),
            (&[("accept", "application/json; charset=utf-8")], Ok("1")),
            (&[("accept", "text/html")], Ok("any")),
            (
                &[("accept", "image/png")],
                Err("404 mock: there is no example response for the content type: image/png"),
            ),
            (
                &[("accept", "nonsense")],
                Err("404 mock: there is no example response for the content type: nonsense"),
            ),
            (
                &[(CODE, "404")],
                Err("404 mock: there is no example response for the content type: application/json"),
            ),
            (&[(CODE, "512")], Err("404 mock: there is no example response for the code: 512")),
            (&[(CODE, "x")], Err("400 mock: given code x is not a valid integer value")),
        ];
        for (headers, expected) in cases {
            let mut request = HeaderMap::new();
            for (name, value) in *headers {
                request.insert(header::HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            let found = answer(&mock(), &request);
            let found =
                found.as_ref().map(|reply| std::str::from_utf8(reply.body().full().unwrap()).unwrap());
            let error = found.map_err(|error| format!("{} {error}", error.status().as_u16()));
            assert_eq!(error.as_ref().map(|text| *text).map_err(String::as_str), *expected, "{headers:?}");
        }
    }
}
