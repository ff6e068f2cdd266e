//! `/v1/embeddings`: texts as vectors, by the provider that `x-openclaw-model` names, else by the agent's own.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bulkhead_agent::provider::{EmbedError, embed};
use serde::Deserialize;
use serde_json::{Value, json};

use super::bounds::count;
use super::target::{agent_of_model, header, model_named};
use super::wire_error::WireError;
use super::{all_off, bad, problem, read};
use crate::gateway::Gateway;
use crate::settings::ModelRef;

/// A request may hold so many texts.
const MOST: usize = 2048;
/// What a provider of OpenAI itself is asked for when nothing names a model.
const OPENAI_DEFAULT: &str = "text-embedding-3-small";

#[derive(Debug, Deserialize)]
pub(super) struct EmbeddingsRequest {
    #[serde(default)]
    model: String,
    input: Value,
    dimensions: Option<Value>,
    encoding_format: Option<String>,
}

/// Vectors of texts.
pub(in crate::http) async fn create(
    State(gateway): State<Arc<Gateway>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    if let Some(off) = all_off(&gateway) {
        return off;
    }
    let request: EmbeddingsRequest = match read(body).await {
        Ok(request) => request,
        Err(problem) => return problem,
    };
    match answer(&gateway, &request, &headers).await {
        Ok(answer) => Json(answer).into_response(),
        Err(problem) => problem,
    }
}

async fn answer(
    gateway: &Gateway,
    request: &EmbeddingsRequest,
    headers: &HeaderMap,
) -> Result<Value, Response> {
    let texts = texts(&request.input).map_err(bad)?;
    let dimensions = count("dimensions", request.dimensions.as_ref()).map_err(bad)?;
    let which = which(gateway, &request.model, headers).map_err(bad)?;
    let settings = gateway.models.wanted(&gateway.settings.now(), &which).map_err(bad)?;
    let made = embed(&settings, &which.model, &texts, dimensions).await.map_err(|error| {
        let status = match error {
            EmbedError::NotOffered { .. } => StatusCode::BAD_REQUEST,
            EmbedError::Failed { .. } => StatusCode::BAD_GATEWAY,
        };
        problem(status, WireError::new(error.to_string(), "api_error"))
    })?;
    let in_base64 = request.encoding_format.as_deref() == Some("base64");
    let rows: Vec<Value> = made
        .vectors
        .iter()
        .enumerate()
        .map(|(index, vector)| {
            let shown: Value = if in_base64 {
                let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
                STANDARD.encode(bytes).into()
            } else {
                json!(vector)
            };
            json!({"object": "embedding", "index": index, "embedding": shown})
        })
        .collect();
    let model = if request.model.is_empty() { "bulkhead" } else { &request.model };
    Ok(json!({
        "object": "list",
        "data": rows,
        "model": model,
        "usage": {"prompt_tokens": made.tokens, "total_tokens": made.tokens},
    }))
}

/// One text or a list of them.
fn texts(input: &Value) -> Result<Vec<String>, String> {
    let texts: Option<Vec<String>> = match input {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(list) => list.iter().map(|text| text.as_str().map(str::to_owned)).collect(),
        _ => None,
    };
    let texts = texts.filter(|texts| !texts.is_empty() && texts.len() <= MOST);
    texts.ok_or_else(|| format!("`input` must be a text or a list of 1 to {MOST} texts"))
}

/// The model that makes the vectors.
fn which(gateway: &Gateway, model: &str, headers: &HeaderMap) -> Result<ModelRef, String> {
    let settings = gateway.settings.now();
    let agent = header(headers, "agent-id");
    let agent = agent.as_deref().or(agent_of_model(model)?).unwrap_or(settings.default_agent());
    let view = settings.agent(agent).ok_or_else(|| format!("there is no agent {agent:?}"))?;
    if let Some(name) = header(headers, "model") {
        return model_named(&settings, &name);
    }
    let own = view.models.first().filter(|own| {
        let address = settings.provider(&own.provider).and_then(|entry| entry.base_url.as_deref());

        address.map_or(own.provider == "openai", |url| url.starts_with("https://api.openai.com/"))
    });
    own.map(|own| ModelRef { provider: own.provider.clone(), model: OPENAI_DEFAULT.to_owned() }).ok_or_else(|| {
        format!(
            "agent {agent:?} has no model for embeddings of its own; name one with the header x-openclaw-model: \
             provider/model"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_one_or_many() {
        assert_eq!(texts(&json!("a")).unwrap(), ["a"]);
        assert_eq!(texts(&json!(["a", "b"])).unwrap().len(), 2);
        for wrong in [json!([]), json!([1]), json!({}), Value::Null] {
            assert!(texts(&wrong).is_err(), "{wrong}");
        }
    }
}
