//! `bulkhead channels add`

use std::io::IsTerminal as _;

use bulkhead_config::{Config, ConfigPath, SecretRef, SecretSource};
use bulkhead_secrets::SecretId;
use bulkhead_setup::{Bot, Trouble, World};
use secrecy::SecretString;
use serde_json::json;

use crate::commands::config::edit;
use crate::commands::{secrets, setup};
use crate::context::{Context, config};
use crate::error::{CONFIGURATION, FAILED, Failure};
use crate::grammar::channels::AddArgs;
use crate::output::paint;

/// The variable that `--use-env` means.
const VARIABLE: &str = "TELEGRAM_BOT_TOKEN";

pub(super) fn run(context: &Context, args: &AddArgs) -> Result<(), Failure> {
    let place = context.place_for_writing()?;
    let known = config(&place)?.config;
    let account = args.account.name();
    let base = ConfigPath::root().key("channels").key("telegram");
    // The first account stands in `channels.telegram` itself, unless the file has it among the others.
    let first = account == "default" && !known.channels.telegram.accounts.contains_key("default");
    let entry = if first { base.clone() } else { base.key("accounts").key(account) };
    if args.use_env && !first {
        return Err(Failure::usage(
            "--use-env: it names the first account's variable, found another account; give its token with --token",
        ));
    }
    let token = token(context, args)?;
    let id = if first { SecretId::telegram_bot_token() } else { SecretId::telegram_account_token(account) };
    crate::bots::check(context, &place, &id, &token)?;
    let bot = if args.no_check { None } else { Some(ask_telegram(context, &known, account, &token)?) };
    let source = if args.use_env { SecretSource::Env } else { SecretSource::Keychain };
    let reference = if args.use_env {
        SecretRef::new(source, VARIABLE)
    } else {
        let stored = secrets::store(context, &place, None, &id, &token)?;
        SecretRef::new(stored.source, id.as_str())
    };
    edit(context, &place, |document| {
        document.set_at(&entry.key("botToken"), reference.to_value())?;
        document.set_at(&entry.key("enabled"), true.into())?;
        if let Some(name) = &args.name {
            document.set_at(&entry.key("name"), name.trim().into())?;
        }
        // The channel as a whole must be on for an account to run.
        if document.get_at(&base.key("enabled")) == Some(false.into()) {
            document.set_at(&base.key("enabled"), true.into())?;
        }
        Ok(())
    })?;
    if args.use_env {
        crate::bots::record(context, &place, &token)?;
    }
    let shown = bot.as_ref().map(|bot| json!({"id": bot.id, "username": bot.username, "name": bot.name}));
    let result = json!({
        "channel": "telegram", "accountId": account, "bot": shown,
        "secret": {"id": reference.id, "source": reference.source},
    });
    context.out.result(&result, || {
        let who = match &bot {
            Some(bot) if bot.username.is_empty() => format!(", the bot {}", bot.name),
            Some(bot) => format!(", the bot @{}", bot.username),
            None => String::new(),
        };
        format!(
            "{} {}{who}; its token is {} in {}. A running gateway follows; write to the bot, then `bulkhead pairing list`",
            paint::good("added"),
            paint::strong(&format!("telegram {account}")),
            reference.id,
            reference.source
        )
    });
    Ok(())
}

fn token(context: &Context, args: &AddArgs) -> Result<SecretString, Failure> {
    if args.use_env {
        let value = context.env.var(VARIABLE).map(str::trim).filter(|value| !value.is_empty());
        return value.map(SecretString::from).ok_or_else(|| {
            Failure::usage(format!(
                "--use-env: {VARIABLE} is not set, expected the bot's token in it; set it here and for the gateway, or give --token"
            ))
        });
    }
    if let Some(flag) = &args.token {
        return flag.read("--token");
    }
    if context.out.is_json() || !std::io::stdin().is_terminal() {
        return Err(Failure::usage(
            "channels add: found no token and nobody to ask, expected --token - or --token @FILE with the one from @BotFather",
        ));
    }
    let said = cliclack::password("The bot's token, from @BotFather").mask('•').interact();
    said.map(SecretString::from).map_err(|_| Failure::new(FAILED, "channels.stopped", "nothing was added"))
}

fn ask_telegram(
    context: &Context,
    known: &Config,
    account: &str,
    token: &SecretString,
) -> Result<Bot, Failure> {
    let telegram = &known.channels.telegram;
    let own = telegram.accounts.get(account);
    let api_root = own.and_then(|own| own.api_root.as_deref()).or(telegram.api_root.as_deref());
    let proxy = own.and_then(|own| own.proxy.as_deref()).or(telegram.proxy.as_deref());
    let world = World::of_this_machine(setup::surroundings(context));
    let answer = context.block_on(async { Ok(world.live().bot(api_root, token, proxy).await) })?;
    answer.map_err(|trouble| refusal(&trouble))
}

fn refusal(trouble: &Trouble) -> Failure {
    let Trouble { code, what, found, expected, next_step } = trouble;
    Failure::new(
        CONFIGURATION,
        code.clone(),
        format!(
            "{what}: found {found}, expected {expected}; {next_step}, or add --no-check to store it unseen"
        ),
    )
}
