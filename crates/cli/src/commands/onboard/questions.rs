//! `bulkhead onboard` on a terminal: one question after the other, checked before anything is written.

use std::io::IsTerminal as _;

use bulkhead_profile::ProfileName;
use bulkhead_setup::{
    Action, CheckKind, Detection, FoundModel, ModelPlan, Plan, ProfilePlan, Request, SecretsPlan,
    TelegramPlan,
};
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::{perform, service};
use crate::commands::setup;
use crate::context::Context;
use crate::error::Failure;
use crate::grammar::onboard::OnboardArgs;
use crate::output::table;

/// A way to a model that the person can choose.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Way {
    Found(usize),
    Custom,
    Anthropic,
    OpenAi,
    Skip,
}

pub fn run(args: &OnboardArgs, context: &Context, name: &ProfileName) -> Result<u8, Failure> {
    if context.out.is_json() || !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(Failure::usage(
            "onboard asks questions: found no terminal (or --json), expected somebody to ask; use --non-interactive with flags, or --plan - \
             with JSON (see `bulkhead onboard --help`)",
        ));
    }
    ask(args, context, name).unwrap_or_else(|error| Err(stopped(&error)))
}

fn stopped(error: &std::io::Error) -> Failure {
    Failure::failed(
        "onboard.stopped",
        format!(
            "onboarding was stopped ({error}); nothing was written, so `bulkhead onboard` can begin again"
        ),
    )
}

fn ask(args: &OnboardArgs, context: &Context, name: &ProfileName) -> std::io::Result<Result<u8, Failure>> {
    cliclack::intro(format!("Bulkhead: setting up profile {name}"))?;
    if !args.accept_risk {
        cliclack::note(
            "Before you begin",
            "An agent acts on this machine with your rights, and reads what strangers may have written.\nIt cannot run commands unless you \
             allow it later. SECURITY.md says what it may do.",
        )?;
        if !cliclack::confirm("Go on?").initial_value(true).interact()? {
            return Ok(Err(Failure::failed(
                "onboard.stopped",
                "onboarding was stopped; nothing was written",
            )));
        }
    }
    let detection = match perform(context, &Request::new(Action::Detect, None, Vec::new())) {
        Ok(outcome) => outcome.detection,
        Err(failure) => return Ok(Err(failure)),
    };
    // What a flag says is not asked.
    let model = match super::flags::model(&args.model) {
        Ok(Some(model)) => Some(model),
        Ok(None) if args.model.auth_choice.is_some() => None,
        Ok(None) => ask_model(detection.as_ref())?,
        Err(failure) => return Ok(Err(failure)),
    };
    let telegram = match super::flags::telegram(&args.telegram) {
        Ok(Some(telegram)) => Some(telegram),
        Ok(None) => ask_telegram()?,
        Err(failure) => return Ok(Err(failure)),
    };
    let secrets = match args.secrets {
        Some(place) => super::flags::secrets(place),
        None => ask_secrets(detection.as_ref())?,
    };
    let main = match super::flags::main(args) {
        Ok(main) => main,
        Err(failure) => return Ok(Err(failure)),
    };
    let make = |model: Option<ModelPlan>, telegram: Option<TelegramPlan>| Plan {
        main: main.clone(),
        secrets: Some(secrets),
        model,
        profiles: vec![ProfilePlan {
            name: name.as_str().to_owned(),
            port: args.gateway.gateway_port,
            bind: args.gateway.gateway_bind.map(|bind| bind.as_str().to_owned()),
            workspace: args.gateway.workspace.clone(),
            proxy: args.gateway.proxy.clone(),
            telegram,
            ..ProfilePlan::default()
        }],
        ..Plan::default()
    };
    let plan = make(model, telegram);
    if !args.skip_health {
        context.out.note("Checking model, bot, ports and secrets…");
        let checks = CheckKind::ALL.to_vec();
        let request = Request::new(Action::Check, Some(plan), checks);
        let checked = match perform(context, &request) {
            Ok(outcome) => outcome,
            Err(failure) => return Ok(Err(failure)),
        };
        if !checked.findings.is_empty() {
            context.out.note(&table::findings(&checked.findings));
        }
        if !checked.ok
            && !cliclack::confirm("Not everything works yet. Write it all the same?")
                .initial_value(false)
                .interact()?
        {
            return Ok(Err(Failure::failed(
                "onboard.stopped",
                "onboarding was stopped; nothing was written",
            )));
        }
        let service = ask_service(args, context)?;
        return Ok(finish(context, request.plan.unwrap_or_default(), name, service));
    }
    let service = ask_service(args, context)?;
    Ok(finish(context, plan, name, service))
}

/// A service, and whether it runs without a log-in.
#[derive(Debug, Clone, Copy)]
struct WantedService {
    linger: bool,
}

/// Asked only where services work; elsewhere it is said with the outcome.
fn ask_service(args: &OnboardArgs, context: &Context) -> std::io::Result<Option<WantedService>> {
    if !service::wanted(args, context) {
        return Ok(None);
    }
    if !service::works(context) {
        return Ok(Some(WantedService { linger: false }));
    }
    let wanted = cliclack::confirm("Shall a service of this computer keep the gateway running?")
        .initial_value(true)
        .interact()?;
    if !wanted {
        return Ok(None);
    }
    let linger = args.linger
        || service::linger_is_off(context)
            && cliclack::confirm("Also while nobody is logged in, from the start of the machine on?")
                .initial_value(false)
                .interact()?;
    Ok(Some(WantedService { linger }))
}

fn finish(
    context: &Context,
    plan: Plan,
    name: &ProfileName,
    wanted: Option<WantedService>,
) -> Result<u8, Failure> {
    let mut outcome = super::create(context, plan)?;
    if let Some(WantedService { linger }) = wanted {
        let out = context.out;
        let names = [name.as_str().to_owned()];
        let tell = |progress| super::tell(out, &progress);
        service::install_all(context, &mut outcome, &names, linger, &tell);
    }
    setup::show(context.out, &outcome, name.as_str())
}

fn ask_model(detection: Option<&Detection>) -> std::io::Result<Option<ModelPlan>> {
    let found: &[FoundModel] = detection.map(|detection| detection.models.as_slice()).unwrap_or_default();
    let mut question = cliclack::select("Which model shall answer?");
    for (index, model) in found.iter().enumerate() {
        let hint = model.env_var.map_or_else(|| model.base_url.clone(), |name| format!("key from {name}"));
        question = question.item(Way::Found(index), format!("{} (found here)", model.provider), hint);
    }
    question = question
        .item(
            Way::Custom,
            "Another endpoint",
            "OpenAI-compatible or Anthropic-compatible, with a key or without",
        )
        .item(Way::Anthropic, "Anthropic", "with an API key")
        .item(Way::OpenAi, "OpenAI", "with an API key")
        .item(Way::Skip, "None now", "the gateway runs, but nobody answers");
    let way = question.interact()?;
    let known = match &way {
        Way::Found(index) => found.get(*index),
        _ => None,
    };
    let (provider, api, base_url) = match (&way, known) {
        (Way::Skip, _) => return Ok(None),
        (Way::Anthropic, _) => ("anthropic".to_owned(), "anthropic".to_owned(), None),
        (Way::OpenAi, _) => ("openai".to_owned(), "openai".to_owned(), None),
        (_, Some(model)) => (model.provider.to_owned(), model.api.to_owned(), Some(model.base_url.clone())),
        _ => {
            let url: String =
                cliclack::input("Its address").placeholder("http://127.0.0.1:8080/v1").interact()?;
            let api = cliclack::select("What does it speak?")
                .item("openai", "OpenAI chat completions", "")
                .item("anthropic", "Anthropic messages", "")
                .interact()?;
            ("custom".to_owned(), api.to_owned(), Some(url))
        }
    };
    let api_key_env = known.and_then(|model| model.env_var).map(str::to_owned);
    let api_key = if api_key_env.is_some() || api == "ollama" {
        None
    } else {
        ask_secret("Its API key (empty: none)")?
    };
    let offered = known.map(|model| model.models.clone()).unwrap_or_default();
    let model_id = if offered.is_empty() {
        cliclack::input("Which model?").interact()?
    } else {
        let mut question = cliclack::select("Which model?");
        for model in &offered {
            question = question.item(model.clone(), model, "");
        }
        question.interact()?
    };
    Ok(Some(ModelPlan { provider, api: Some(api), base_url, model_id, api_key, api_key_env }))
}

fn ask_telegram() -> std::io::Result<Option<TelegramPlan>> {
    if !cliclack::confirm("Connect a Telegram bot?").initial_value(true).interact()? {
        return Ok(None);
    }
    cliclack::note(
        "A bot of its own",
        "Make one with @BotFather (/newbot). Each profile needs its own bot: two gateways on one bot steal each other's messages.",
    )?;
    Ok(ask_secret("The bot's token (empty: not now)")?
        .map(|bot_token| TelegramPlan { bot_token, api_root: None }))
}

fn ask_secrets(detection: Option<&Detection>) -> std::io::Result<SecretsPlan> {
    let keychain = detection.map(|detection| &detection.keychain);
    let hint = match keychain {
        Some(found) if !found.available => found.reason.clone().unwrap_or_default(),
        _ => "encrypted, opened with your login".to_owned(),
    };
    cliclack::select("Where shall secrets go?")
        .item(SecretsPlan::Keychain, "Keychain", hint)
        .item(SecretsPlan::File, "File", "readable only by you, but not encrypted")
        .item(
            SecretsPlan::Env,
            "Environment",
            "nothing is stored; you set variables where the gateway starts",
        )
        .interact()
}

/// Nothing typed is no secret.
fn ask_secret(question: &str) -> std::io::Result<Option<SecretString>> {
    let text = Zeroizing::new(cliclack::password(question).mask('•').allow_empty().interact()?);
    let text = text.trim();
    Ok((!text.is_empty()).then(|| SecretString::from(text)))
}
