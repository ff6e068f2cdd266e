//! What carries rig's requests: our client, our key, our limits.
//!
//! The key never goes through rig: it is added here, marked as sensitive so that no HTTP library logs it. Every body
//! is bounded, and errors come back as [`Trouble`], without an address in them.

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream};
use http::{HeaderMap, Request, Response, header};
use rig_core::http_client::{
    BoxedStream, Error as RigHttpError, HttpClientExt, LazyBody, MultipartForm, Result as RigResult,
    StreamingResponse,
};

use crate::http::{self as clients, Route};

/// No answer is longer (it is text; this is about a million words).
const LONGEST_REPLY: usize = 32 * 1024 * 1024;
/// Nor does an error's explanation matter beyond this.
const LONGEST_ERROR: usize = 16 * 1024;

/// Why no answer came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    /// No client could be made.
    #[error("{0}")]
    Client(String),
    /// No connection.
    #[error("{0}")]
    Connect(String),
    /// The connection broke before an answer began.
    #[error("{0}")]
    Broken(String),
    /// The connection broke in the middle of the answer.
    #[error("{0}")]
    Cut(String),
    /// The answer does not end.
    #[error("more than {} MiB", LONGEST_REPLY / 1024 / 1024)]
    TooLarge,
}

/// The transport of one provider.
#[derive(Clone)]
pub(super) struct Transport {
    route: Route,
    headers: HeaderMap,
}

impl Transport {
    /// `headers` replace what rig would send under the same names.
    pub(super) const fn new(route: Route, headers: HeaderMap) -> Self {
        Self { route, headers }
    }

    async fn open(self, request: Request<Bytes>) -> RigResult<reqwest::Response> {
        let client =
            clients::client(&self.route).map_err(|found| RigHttpError::instance(Trouble::Client(found)))?;
        let (parts, body) = request.into_parts();
        let mut headers = parts.headers;
        for name in [header::AUTHORIZATION, header::HeaderName::from_static("x-api-key")] {
            // rig holds no key, so whatever it put there is empty.
            headers.remove(name);
        }
        for (name, value) in &self.headers {
            headers.insert(name, value.clone());
        }
        let sent =
            client.request(parts.method, parts.uri.to_string()).headers(headers).body(body).send().await;
        let response = sent.map_err(|error| {
            let connect = error.is_connect();
            let found = clients::describe(error);
            RigHttpError::instance(if connect { Trouble::Connect(found) } else { Trouble::Broken(found) })
        })?;
        if response.status().is_success() {
            return Ok(response);
        }
        let (status, headers) = (response.status(), response.headers().clone());
        let body = read(response, LONGEST_ERROR, true).await.unwrap_or_default();
        Err(RigHttpError::non_success_with_details(
            status,
            headers,
            String::from_utf8_lossy(&body).into_owned(),
        ))
    }
}

/// Reads a body up to `limit`; beyond it, cuts or fails.
async fn read(response: reqwest::Response, limit: usize, cut: bool) -> Result<Bytes, Trouble> {
    let mut body = BytesMut::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| Trouble::Cut(clients::describe(error)))?;
        if body.len() + chunk.len() > limit {
            if cut {
                body.extend_from_slice(&chunk[..limit - body.len()]);
                break;
            }
            return Err(Trouble::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn head(response: &reqwest::Response) -> http::response::Builder {
    let mut builder = Response::builder().status(response.status());
    if let Some(headers) = builder.headers_mut() {
        headers.clone_from(response.headers());
    }
    builder
}

impl HttpClientExt for Transport {
    fn send<T, U>(
        &self,
        request: Request<T>,
    ) -> impl Future<Output = RigResult<Response<LazyBody<U>>>> + Send + 'static
    where
        T: Into<Bytes> + Send,
        U: From<Bytes> + Send + 'static,
    {
        let transport = self.clone();
        let request = request.map(Into::into);
        async move {
            let response = transport.open(request).await?;
            let builder = head(&response);
            let body: LazyBody<U> = Box::pin(async move {
                read(response, LONGEST_REPLY, false).await.map(U::from).map_err(RigHttpError::instance)
            });
            builder.body(body).map_err(RigHttpError::Protocol)
        }
    }

    fn send_multipart<U>(
        &self,
        _request: Request<MultipartForm>,
    ) -> impl Future<Output = RigResult<Response<LazyBody<U>>>> + Send + 'static
    where
        U: From<Bytes> + Send + 'static,
    {
        let refused = Trouble::Client("this transport sends no forms".to_owned());
        async move { Err(RigHttpError::instance(refused)) }
    }

    fn send_streaming<T>(
        &self,
        request: Request<T>,
    ) -> impl Future<Output = RigResult<StreamingResponse>> + Send
    where
        T: Into<Bytes> + Send,
    {
        let transport = self.clone();
        let request = request.map(Into::into);
        async move {
            let response = transport.open(request).await?;
            let builder = head(&response);
            let chunks = response.bytes_stream();
            let bounded =
                stream::unfold((Box::pin(chunks), 0, false), |(mut chunks, read, ended)| async move {
                    if ended {
                        return None;
                    }
                    match chunks.next().await? {
                        Ok(chunk) if read + chunk.len() > LONGEST_REPLY => {
                            Some((Err(RigHttpError::instance(Trouble::TooLarge)), (chunks, read, true)))
                        }
                        Ok(chunk) => {
                            let read = read + chunk.len();
                            Some((Ok(chunk), (chunks, read, false)))
                        }
                        Err(error) => {
                            let cut = Trouble::Cut(clients::describe(error));
                            Some((Err(RigHttpError::instance(cut)), (chunks, read, true)))
                        }
                    }
                });
            let body: BoxedStream = Box::pin(bounded);
            builder.body(body).map_err(RigHttpError::Protocol)
        }
    }
}
