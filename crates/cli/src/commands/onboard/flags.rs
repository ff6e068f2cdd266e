//! `bulkhead onboard --non-interactive`: flags become a plan.

use bulkhead_setup::{MainKind, MainPlan, ModelPlan, Plan, ProfilePlan, SecretsPlan, TelegramPlan};

use crate::error::Failure;
use crate::grammar::onboard::{
    AuthChoice, Compatibility, ModelFlags, OnboardArgs, RescueFor, SecretsPlace, TelegramFlags,
};

/// The plan that the flags make.
pub fn plan(args: &OnboardArgs, name: &str) -> Result<Plan, Failure> {
    if !args.accept_risk {
        return Err(Failure::usage(
            "--non-interactive: found no --accept-risk, expected it: an agent acts on this machine with your rights; read SECURITY.md and \
             add --accept-risk",
        ));
    }
    let gateway_token =
        args.gateway.gateway_token.as_ref().map(|token| token.read("--gateway-token")).transpose()?;
    let telegram = telegram(&args.telegram)?;
    Ok(Plan {
        secrets: Some(secrets(args.secrets.unwrap_or(SecretsPlace::Keychain))),
        model: model(&args.model)?,
        main: main(args)?,
        rescue_operators: operators(&args.telegram)?,
        profiles: vec![ProfilePlan {
            name: name.to_owned(),
            port: args.gateway.gateway_port,
            bind: args.gateway.gateway_bind.map(|bind| bind.as_str().to_owned()),
            workspace: args.gateway.workspace.clone(),
            gateway_token,
            proxy: args.gateway.proxy.clone(),
            telegram,
            ..ProfilePlan::default()
        }],
        ..Plan::default()
    })
}

/// The gateway of another program that the profile is to watch.
pub fn main(args: &OnboardArgs) -> Result<Option<MainPlan>, Failure> {
    match (&args.rescue_for, &args.from) {
        (Some(RescueFor::Openclaw), from) => {
            Ok(Some(MainPlan { kind: MainKind::OpenClaw, from: from.clone(), unit: None, url: None }))
        }
        (None, Some(_)) => Err(Failure::usage(
            "--from: found no --rescue-for, expected it: --from names the OpenClaw that is to be watched; add --rescue-for openclaw",
        )),
        (None, None) => Ok(None),
    }
}

/// Who may repair.
pub fn operators(flags: &TelegramFlags) -> Result<Vec<String>, Failure> {
    flags.rescue_operator.iter().map(|id| crate::commands::rescue::operators::user_id(id)).collect()
}

/// The bot that the flags name.
pub fn telegram(flags: &TelegramFlags) -> Result<Option<TelegramPlan>, Failure> {
    match &flags.telegram_bot_token {
        Some(token) => Ok(Some(TelegramPlan {
            bot_token: token.read("--telegram-bot-token")?,
            api_root: flags.telegram_api_root.clone(),
        })),
        None if flags.telegram_api_root.is_some() => Err(Failure::usage(
            "--telegram-api-root: found no --telegram-bot-token, expected the bot's token; add it",
        )),
        None => Ok(None),
    }
}

/// Where secrets go, as the plan says it.
pub fn secrets(place: SecretsPlace) -> SecretsPlan {
    match place {
        SecretsPlace::Keychain => SecretsPlan::Keychain,
        SecretsPlace::File => SecretsPlan::File,
        SecretsPlace::Env => SecretsPlan::Env,
    }
}

/// What the flags say about the way to the model, said or implied.
fn choice(flags: &ModelFlags) -> AuthChoice {
    flags.auth_choice.unwrap_or({
        if flags.anthropic_api_key.is_some() {
            AuthChoice::AnthropicApiKey
        } else if flags.openai_api_key.is_some() {
            AuthChoice::OpenaiApiKey
        } else if flags.custom_base_url.is_some() {
            AuthChoice::CustomApiKey
        } else {
            AuthChoice::Skip
        }
    })
}

/// The model that the flags name.
pub fn model(flags: &ModelFlags) -> Result<Option<ModelPlan>, Failure> {
    let missing = |flag: &str, why: &str| {
        Failure::usage(format!("{flag}: found nothing, expected it because {why}; add {flag}"))
    };
    let read = |own: &Option<crate::grammar::secret_flag::SecretFlag>, flag: &str| {
        let (given, flag) = match own {
            Some(_) => (own, flag),
            None => (&flags.custom_api_key, "--custom-api-key"),
        };
        given.as_ref().map(|key| key.read(flag)).transpose()
    };
    let (provider, api, base_url, api_key) = match choice(flags) {
        AuthChoice::Skip => return Ok(None),
        AuthChoice::CustomApiKey => {
            let url = flags.custom_base_url.clone();
            let url = url.ok_or_else(|| missing("--custom-base-url", "--auth-choice is custom-api-key"))?;
            let api = match flags.custom_compatibility.unwrap_or(Compatibility::Openai) {
                Compatibility::Openai => "openai",
                Compatibility::Anthropic => "anthropic",
            };
            ("custom", api, Some(url), read(&None, "--custom-api-key")?)
        }
        AuthChoice::AnthropicApiKey => {
            let key = read(&flags.anthropic_api_key, "--anthropic-api-key")?;
            let key =
                key.ok_or_else(|| missing("--anthropic-api-key", "--auth-choice is anthropic-api-key"))?;
            ("anthropic", "anthropic", flags.custom_base_url.clone(), Some(key))
        }
        AuthChoice::OpenaiApiKey => {
            let key = read(&flags.openai_api_key, "--openai-api-key")?;
            let key = key.ok_or_else(|| missing("--openai-api-key", "--auth-choice is openai-api-key"))?;
            ("openai", "openai", flags.custom_base_url.clone(), Some(key))
        }
        AuthChoice::Ollama => ("ollama", "ollama", flags.custom_base_url.clone(), None),
    };
    let model_id =
        flags.custom_model_id.clone().ok_or_else(|| missing("--custom-model-id", "a model is set up"))?;
    Ok(Some(ModelPlan {
        provider: flags.custom_provider_id.clone().unwrap_or_else(|| provider.to_owned()),
        api: Some(api.to_owned()),
        base_url,
        model_id,
        api_key,
        api_key_env: None,
    }))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::grammar::{Cli, Command};

    fn plan_of(flags: &[&str]) -> Result<Plan, Failure> {
        let words = ["bulkhead", "onboard", "--non-interactive"].iter().chain(flags);
        match Cli::try_parse_from(words).unwrap().command {
            Command::Onboard(args) => plan(&args, "main"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_usual_flags_make_a_plan() {
        let flags = "--accept-risk --skip-health --mode local --auth-choice custom-api-key --custom-base-url http://127.0.0.1:1/v1 \
                     --custom-model-id fake-1 --custom-provider-id fake --custom-api-key k --custom-compatibility openai --gateway-auth \
                     token --gateway-token TOKEN --gateway-port 18789 --gateway-bind loopback --no-install-daemon --skip-skills \
                     --skip-channels --skip-search --skip-ui --json";
        let plan = plan_of(&flags.split_whitespace().collect::<Vec<_>>()).unwrap();
        let model = plan.model.unwrap();
        assert_eq!(
            (model.provider.as_str(), model.api.as_deref(), model.model_id.as_str()),
            ("fake", Some("openai"), "fake-1")
        );
        assert_eq!(plan.secrets, Some(SecretsPlan::Keychain));
        assert_eq!(
            (plan.profiles[0].port, plan.profiles[0].bind.as_deref()),
            (Some(18789), Some("loopback"))
        );
        assert!(plan.profiles[0].gateway_token.is_some() && plan.profiles[0].telegram.is_none());
    }

    #[test]
    fn what_is_missing_is_named() {
        let says = |flags: &[&str], expected: &str| {
            let failure = plan_of(flags).unwrap_err();
            assert_eq!(failure.exit, 2);
            assert!(failure.message.starts_with(expected), "{failure}");
        };
        says(&[], "--non-interactive: found no --accept-risk");
        says(&["--accept-risk", "--auth-choice", "custom-api-key"], "--custom-base-url: found nothing");
        says(&["--accept-risk", "--auth-choice", "anthropic-api-key"], "--anthropic-api-key: found nothing");
        says(&["--accept-risk", "--auth-choice", "ollama"], "--custom-model-id: found nothing");
        says(
            &["--accept-risk", "--telegram-api-root", "http://x"],
            "--telegram-api-root: found no --telegram-bot-token",
        );
    }

    #[test]
    fn the_choice_is_implied_by_what_is_given() {
        let plan = plan_of(&["--accept-risk", "--openai-api-key", "k", "--custom-model-id", "m"]).unwrap();
        assert_eq!(plan.model.unwrap().provider, "openai");
        assert!(plan_of(&["--accept-risk"]).unwrap().model.is_none());
    }
}
