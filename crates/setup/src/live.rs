//! What is asked of the world outside: a model, a bot.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bulkhead_agent::{ProviderSettings, http, provider};
use bulkhead_channels::ChannelError;
use secrecy::SecretString;

/// How long a model may take in a check; a local one may have to be loaded first.
const MODEL_LIMIT: Duration = Duration::from_secs(90);
const LIST_LIMIT: Duration = Duration::from_millis(1500);
/// How long a provider may take to list its models when that is the question.
const LISTING_LIMIT: Duration = Duration::from_secs(8);
const DATE_LIMIT: Duration = Duration::from_secs(5);

/// Why a live check failed, in the parts of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// A stable word.
    pub code: String,
    /// What and where.
    pub what: String,
    /// What is there.
    pub found: String,
    /// What should be there.
    pub expected: String,
    /// What to do.
    pub next_step: String,
}

/// A model that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelAnswer {
    /// How long it took.
    pub latency_ms: u64,
    /// The model's name.
    pub model: String,
}

/// A bot that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bot {
    /// Its id.
    pub id: u64,
    /// Its user name, without `@`; empty when Telegram tells none.
    pub username: String,
    /// Its name for people.
    pub name: String,
}

/// The outside world; tests put another one in its place.
#[async_trait]
pub trait Live: Send + Sync {
    /// A real completion.
    async fn model(&self, settings: &ProviderSettings, model: &str) -> Result<ModelAnswer, Trouble>;

    /// The models of a server; empty when it does not answer quickly.
    async fn models(&self, settings: &ProviderSettings) -> Vec<String>;

    /// The models that a provider lists: unpaid, and proof that address and key are right.
    async fn listing(&self, settings: &ProviderSettings) -> Result<Vec<String>, Trouble>;

    /// What time a server says it is (the `Date` header of an answer to `HEAD`); none if it does not say.
    async fn date(&self, url: &str, proxy: Option<&str>) -> Option<SystemTime>;

    /// Who a token belongs to.
    async fn bot(
        &self,
        api_root: Option<&str>,
        token: &SecretString,
        proxy: Option<&str>,
    ) -> Result<Bot, Trouble>;
}

/// Real models, real bots.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Internet;

#[async_trait]
impl Live for Internet {
    async fn model(&self, settings: &ProviderSettings, model: &str) -> Result<ModelAnswer, Trouble> {
        let provider = provider::build(settings.clone()).map_err(|error| model_trouble(&error))?;
        let answer =
            provider::probe(&*provider, model, MODEL_LIMIT).await.map_err(|error| model_trouble(&error))?;
        Ok(ModelAnswer { latency_ms: answer.latency_ms, model: answer.model })
    }

    async fn models(&self, settings: &ProviderSettings) -> Vec<String> {
        let Ok(provider) = provider::build(settings.clone()) else { return Vec::new() };
        let models = provider::list_models(&*provider, LIST_LIMIT).await.unwrap_or_default();
        models.into_iter().map(|model| model.id).take(200).collect()
    }

    async fn listing(&self, settings: &ProviderSettings) -> Result<Vec<String>, Trouble> {
        let provider = provider::build(settings.clone()).map_err(|error| model_trouble(&error))?;
        let models =
            provider::list_models(&*provider, LISTING_LIMIT).await.map_err(|error| model_trouble(&error))?;
        Ok(models.into_iter().map(|model| model.id).collect())
    }

    async fn date(&self, url: &str, proxy: Option<&str>) -> Option<SystemTime> {
        let url = url::Url::parse(url).ok()?;
        let client = http::client(&http::Route::choose(&url, proxy)).ok()?;
        let answer = client.head(url).timeout(DATE_LIMIT).send().await.ok()?;
        httpdate::parse_http_date(answer.headers().get("date")?.to_str().ok()?).ok()
    }

    async fn bot(
        &self,
        api_root: Option<&str>,
        token: &SecretString,
        proxy: Option<&str>,
    ) -> Result<Bot, Trouble> {
        let proxy = proxy.map(SecretString::from);
        let bot = bulkhead_channels::check_token(api_root, token, proxy.as_ref())
            .await
            .map_err(|error| bot_trouble(&error))?;
        Ok(Bot { id: bot.id, username: bot.username.unwrap_or_default(), name: bot.name })
    }
}

fn model_trouble(error: &bulkhead_agent::ProviderError) -> Trouble {
    Trouble {
        code: error.code().to_owned(),
        what: format!("model provider {} at {}", error.provider, error.place),
        found: error.found.clone(),
        expected: error.expected().to_owned(),
        next_step: error.next_step().to_owned(),
    }
}

fn bot_trouble(error: &ChannelError) -> Trouble {
    let (found, expected, next_step) = match error {
        ChannelError::MalformedToken => (
            "a text that is no bot token".to_owned(),
            "digits, a colon and letters",
            "copy the whole token from the chat with @BotFather",
        ),
        ChannelError::BadToken { status, server } => (
            format!("it refused ({status} from {server})"),
            "a token that @BotFather gave and that was not revoked since",
            "ask @BotFather for it with /token, and enter it again",
        ),
        ChannelError::BadApiRoot { found } => {
            (format!("`{found}`"), "the address of a Bot API server", "correct apiRoot, or leave it out")
        }
        ChannelError::BadProxy { reason } => (
            reason.clone(),
            "http://, https:// or socks5:// with host and port",
            "correct the proxy, or leave it out",
        ),
        ChannelError::Unreachable { server, reason, .. } => (
            format!("{server} could not be reached ({reason})"),
            "an answer to getMe",
            "check the network and the proxy, and try again",
        ),
        ChannelError::TooMany { server, seconds, .. } => {
            (format!("{server} asks to wait {seconds} s"), "an answer to getMe", "wait, and try again")
        }
        ChannelError::NotTheApi { server, status, .. } => (
            format!("{server} answered with something that is not the Bot API ({status})"),
            "an answer to getMe",
            "check apiRoot, and whether a proxy or a login page of the network stands in between",
        ),
        ChannelError::Server { server, status, description, .. }
        | ChannelError::Refused { server, status, description, .. } => (
            format!("{server} answered with {status} ({description})"),
            "an answer to getMe",
            "try again in a while; if it stays so, check apiRoot",
        ),
        other => (
            other.to_string(),
            "an answer to getMe",
            "check apiRoot, and whether a proxy or a login page of the network stands in between",
        ),
    };
    Trouble {
        code: error.code().to_owned(),
        what: "Telegram bot token".to_owned(),
        found,
        expected: expected.to_owned(),
        next_step: next_step.to_owned(),
    }
}
