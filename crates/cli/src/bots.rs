//! The Telegram bots of a profile: no other profile may poll one of them, and no two of its accounts the same one. The
//! register knows them by their public ids, so that the walls between profiles can be looked at without a secret.

use bulkhead_config::{Config, ConfigStore, SecretInput};
use bulkhead_profile::{Place, Register, bot_id_of_token};
use bulkhead_secrets::{SecretId, Sources};
use secrecy::{ExposeSecret as _, SecretString};

use crate::context::Context;
use crate::error::{CONFIGURATION, Failure};
use crate::isolation::check_bot;

/// Whether a secret of this name is the token of a bot: the first account's or another one's.
pub fn is_token(id: &SecretId) -> bool {
    id.as_str() == "telegram/bot-token"
        || id.as_str().strip_prefix("telegram/").is_some_and(|rest| rest.ends_with("/bot-token"))
}

/// Refuses a token whose bot somebody polls already: another profile, an OpenClaw here, or another account of this
/// profile. Secrets that are no bot tokens pass.
pub fn check(context: &Context, place: &Place, id: &SecretId, token: &SecretString) -> Result<(), Failure> {
    if !is_token(id) {
        return Ok(());
    }
    let Some(bot) = check_bot(context, place, token.expose_secret())? else { return Ok(()) };
    let config = config(place);
    let taken = tokens(context, place, &config)?
        .into_iter()
        .find(|(of, known)| of != id && known.as_ref().and_then(bot_of) == Some(bot));
    let Some((other, _)) = taken else { return Ok(()) };
    Err(Failure::new(
        CONFIGURATION,
        "bot-twice",
        format!(
            "{}: found the bot {bot}, which {} is of already, expected a bot of its own for every account: Telegram lets only one of them \
             poll; make another bot with @BotFather",
            id.as_str(),
            other.as_str()
        ),
    ))
}

/// Writes down which bots this profile polls from now on: those of its accounts, and this one.
pub fn record(context: &Context, place: &Place, new: &SecretString) -> Result<(), Failure> {
    let Some(new) = bot_of(new) else { return Ok(()) };
    let register = Register::open(&context.env);
    let mut bots = vec![new];
    for (_, token) in tokens(context, place, &config(place))? {
        match token.as_ref().map(bot_of) {
            Some(Some(bot)) => bots.push(bot),
            Some(None) => {}
            // One that cannot be read now may be any of those that were written down.
            None => bots.extend(register.find(place)?.map(|entry| entry.bot_ids).unwrap_or_default()),
        }
    }
    bots.sort_unstable();
    bots.dedup();
    register.record_bots(place, &bots)?;
    Ok(())
}

fn bot_of(token: &SecretString) -> Option<u64> {
    bot_id_of_token(token.expose_secret())
}

/// The tokens that the configuration refers to, by the names that they have by rule; none where one cannot be read.
fn tokens(
    context: &Context,
    place: &Place,
    config: &Config,
) -> Result<Vec<(SecretId, Option<SecretString>)>, Failure> {
    let telegram = &config.channels.telegram;
    let mut inputs: Vec<(SecretId, &SecretInput)> = Vec::new();
    inputs.extend(telegram.bot_token.as_ref().map(|token| (SecretId::telegram_bot_token(), token)));
    for (account, own) in &telegram.accounts {
        inputs.extend(own.bot_token.as_ref().map(|token| (SecretId::telegram_account_token(account), token)));
    }
    if inputs.is_empty() {
        return Ok(Vec::new());
    }
    let sources = Sources::for_place(place, &context.env).with_providers(config);
    context.block_on(async {
        let mut found = Vec::new();
        for (id, input) in inputs {
            let token = match input {
                SecretInput::Plain(token) => Some(token.clone()),
                SecretInput::Ref(reference) => sources.get(reference).await.ok(),
            };
            found.push((id, token));
        }
        Ok(found)
    })
}

fn config(place: &Place) -> Config {
    // A broken configuration must not keep anybody from storing a secret.
    ConfigStore::new(place).load().map(|loaded| loaded.config).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_every_account_are_known_by_name() {
        for (id, expected) in [
            (SecretId::telegram_bot_token(), true),
            (SecretId::telegram_account_token("ops"), true),
            (SecretId::gateway_token(), false),
            (SecretId::model_api_key("bot-token"), false),
        ] {
            assert_eq!(is_token(&id), expected, "{}", id.as_str());
        }
    }
}
