//! What `status` and `probe` share: several questions side by side, refusals tolerated.

use bulkhead_client::{Client, ClientError};
use serde_json::{Map, Value, json};

/// Answers by method, and what went wrong by method.
#[derive(Debug, Default)]
pub struct Answers {
    pub answers: Map<String, Value>,
    pub errors: Map<String, Value>,
}

/// Asks side by side. A gateway may refuse some of it to a prober; that is no failure.
pub async fn side_by_side(client: &Client, methods: &[(&'static str, Value)]) -> Answers {
    let questions: Vec<_> = methods
        .iter()
        .map(|(method, params)| {
            let (client, method, params) = (client.clone(), *method, params.clone());
            tokio::spawn(async move { (method, client.request(method, params).await) })
        })
        .collect();
    let mut all = Answers::default();
    for question in questions {
        match question.await {
            Ok((method, Ok(answer))) => {
                all.answers.insert(method.to_owned(), answer);
            }
            Ok((method, Err(error))) => {
                let code = match &error {
                    ClientError::Request { error, .. } => error.code.to_string(),
                    other => other.code().to_owned(),
                };
                all.errors.insert(method.to_owned(), json!({ "code": code, "message": error.to_string() }));
            }
            Err(_) => {}
        }
    }
    all
}
