//! Texts as vectors, by providers that make them.

use std::time::Duration;

use futures::StreamExt as _;
use serde_json::{Value, json};

use super::rig::settings::{address, headers};
use super::{ProviderApi, ProviderSettings};
use crate::http::{Route, client, describe};

/// How long a provider may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// The largest answer.
const LARGEST: usize = 32 * 1024 * 1024;
/// How much of an error is told.
const EXPLANATION: usize = 300;

/// What a provider made of some texts.
#[derive(Debug, Clone, PartialEq)]
pub struct Embeddings {
    /// One vector per text, in their order.
    pub vectors: Vec<Vec<f32>>,
    /// Tokens, if the provider counts them.
    pub tokens: u64,
}

/// Why there are no vectors.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EmbedError {
    /// This kind of provider makes none.
    #[error(
        "provider {provider} speaks {api}, which makes no embeddings; expected an OpenAI-compatible provider or Ollama. \
         Name one with x-openclaw-model: provider/model"
    )]
    NotOffered {
        /// Its id.
        provider: String,
        /// Its wire format.
        api: &'static str,
    },
    /// It made none.
    #[error(
        "provider {provider} made no embeddings with {model}: {found}. Check the model's name and the key"
    )]
    Failed {
        /// Its id.
        provider: String,
        /// What was asked.
        model: String,
        /// What happened.
        found: String,
    },
}

/// Asks a provider for the vectors of some texts.
pub async fn embed(
    settings: &ProviderSettings,
    model: &str,
    texts: &[String],
    dimensions: Option<u64>,
) -> Result<Embeddings, EmbedError> {
    let failed =
        |found: String| EmbedError::Failed { provider: settings.id.clone(), model: model.to_owned(), found };
    let url = address(&settings.base_url).map_err(failed)?;
    let base = url.as_str().trim_end_matches('/');
    let mut body = json!({"model": model, "input": texts});
    let target = match settings.api {
        ProviderApi::OpenAi => {
            body["encoding_format"] = "float".into();
            format!("{}/embeddings", base.trim_end_matches("/chat/completions"))
        }
        ProviderApi::Ollama => format!("{}/api/embed", base.trim_end_matches("/v1").trim_end_matches("/api")),
        ProviderApi::Anthropic => {
            return Err(EmbedError::NotOffered { provider: settings.id.clone(), api: settings.api.as_str() });
        }
    };
    if let Some(dimensions) = dimensions {
        body["dimensions"] = dimensions.into();
    }
    let client = client(&Route::choose(&url, settings.proxy.as_deref())).map_err(failed)?;
    let request =
        client.post(target).headers(headers(settings).map_err(failed)?).timeout(PATIENCE).json(&body);
    let response = request.send().await.map_err(|error| failed(describe(error)))?;
    let status = response.status();
    let mut bytes = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| failed(describe(error)))?;
        if bytes.len() + chunk.len() > LARGEST {
            return Err(failed(format!("its answer has more than {} MiB", LARGEST >> 20)));
        }
        bytes.extend_from_slice(&chunk);
    }
    if !status.is_success() {
        let words = String::from_utf8_lossy(&bytes).chars().take(EXPLANATION).collect::<String>();
        return Err(failed(format!("HTTP {}: {}", status.as_u16(), words.trim())));
    }
    let answer: Value =
        serde_json::from_slice(&bytes).map_err(|error| failed(format!("its answer is no JSON ({error})")))?;
    let embeddings = read(&answer, settings.api);
    if embeddings.vectors.len() == texts.len() {
        return Ok(embeddings);
    }
    Err(failed(format!("it sent {} vectors for {} texts", embeddings.vectors.len(), texts.len())))
}

fn read(answer: &Value, api: ProviderApi) -> Embeddings {
    #[allow(clippy::cast_possible_truncation, reason = "vectors are single precision everywhere")]
    let vector = |numbers: &Value| -> Vec<f32> {
        numbers.as_array().into_iter().flatten().filter_map(Value::as_f64).map(|n| n as f32).collect()
    };
    let list = |name: &str| answer.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    if api == ProviderApi::Ollama {
        Embeddings {
            vectors: list("embeddings").iter().map(vector).collect(),
            tokens: answer.get("prompt_eval_count").and_then(Value::as_u64).unwrap_or(0),
        }
    } else {
        let mut rows = list("data");
        rows.sort_by_key(|row| row.get("index").and_then(Value::as_u64).unwrap_or(0));
        let tokens = answer.pointer("/usage/prompt_tokens").and_then(Value::as_u64).unwrap_or(0);
        Embeddings { vectors: rows.iter().map(|row| vector(&row["embedding"])).collect(), tokens }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_come_in_the_order_of_the_texts() {
        let openai = json!({"data": [
            {"index": 1, "embedding": [0.5]}, {"index": 0, "embedding": [1, -1]},
        ], "usage": {"prompt_tokens": 4}});
        let read_openai = read(&openai, ProviderApi::OpenAi);
        assert_eq!(read_openai, Embeddings { vectors: vec![vec![1.0, -1.0], vec![0.5]], tokens: 4 });
        let ollama = json!({"embeddings": [[0.25]], "prompt_eval_count": 2});
        assert_eq!(read(&ollama, ProviderApi::Ollama), Embeddings { vectors: vec![vec![0.25]], tokens: 2 });
    }
}
