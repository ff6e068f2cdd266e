//! Bots: does the token work, and does nobody else poll the same bot?

use std::collections::BTreeSet;

use bulkhead_config::SecretInput;
use bulkhead_profile::{FactsKind, ProfileFacts, bot_id_of_token, files, gather_facts};
use futures::future::join_all;
use secrecy::{ExposeSecret as _, SecretString};

use super::finding::{DoctorFinding, Subject};
use super::isolation::capital;
use super::patient::Patient;
use super::remedy::Remedy;

const SUBJECT: Subject = Subject::Channels;

/// One bot of the profile.
struct Account {
    field: String,
    token: Option<SecretString>,
    api_root: Option<String>,
    proxy: Option<String>,
}

impl Account {
    fn bot(&self) -> Option<u64> {
        self.token.as_ref().and_then(|token| bot_id_of_token(token.expose_secret()))
    }
}

pub(super) async fn check(patient: &Patient) -> Vec<DoctorFinding> {
    let accounts = accounts(patient).await;
    if accounts.is_empty() {
        return vec![DoctorFinding::ok(SUBJECT, "No channel is set up.")];
    }
    let mut findings = twice_here(&accounts);
    findings.extend(twice_around(patient, &accounts));
    findings.extend(unrecorded(patient, &accounts));
    let answers = join_all(accounts.iter().map(|account| ask(patient, account))).await;
    findings.extend(answers.into_iter().flatten());
    findings
}

async fn accounts(patient: &Patient) -> Vec<Account> {
    let telegram = &patient.config.channels.telegram;
    if !telegram.is_on() {
        return Vec::new();
    }
    let secrets = patient.secrets().await;
    let account =
        |field: String, input: &SecretInput, api_root: &Option<String>, proxy: &Option<String>| Account {
            field,
            token: secrets.bundle.resolve(input),
            api_root: api_root.clone().or_else(|| telegram.api_root.clone()),
            proxy: proxy.clone().or_else(|| telegram.proxy.clone()),
        };
    let mut accounts = Vec::new();
    if let Some(input) = &telegram.bot_token {
        accounts.push(account("channels.telegram".to_owned(), input, &None, &None));
    }
    for (name, entry) in &telegram.accounts {
        if let (Some(input), true) = (&entry.bot_token, entry.enabled != Some(false)) {
            let field = format!("channels.telegram.accounts.{name}");
            accounts.push(account(field, input, &entry.api_root, &entry.proxy));
        }
    }
    accounts
}

fn twice_here(accounts: &[Account]) -> Vec<DoctorFinding> {
    let mut findings = Vec::new();
    for (index, account) in accounts.iter().enumerate() {
        let Some(bot) = account.bot() else { continue };
        if let Some(first) = accounts[..index].iter().find(|other| other.bot() == Some(bot)) {
            findings.push(
                DoctorFinding::error(
                    SUBJECT,
                    "bot-twice",
                    format!("{} and {} have the same bot {bot}.", first.field, account.field),
                )
                .why("Each would end the other's polling, with error 409, for ever.")
                .next(format!("Make another bot with @BotFather, or remove {}.", account.field)),
            );
        }
    }
    findings
}

/// The same bot in another profile here, or in an OpenClaw on this machine: by recorded ids and by the tokens
/// themselves, so that it is found with a locked keychain too.
fn twice_around(patient: &Patient, accounts: &[Account]) -> Vec<DoctorFinding> {
    let own = files::canonical(patient.place.state_dir());
    let mut facts = gather_facts(&patient.world.env);
    let is_own = |facts: &ProfileFacts| facts.kind == FactsKind::Bulkhead && facts.state_dir == own;
    let mut mine = facts
        .iter()
        .position(is_own)
        .map_or_else(|| ProfileFacts::of_place(&patient.place, None), |at| facts.remove(at));
    let bots: Vec<u64> = accounts.iter().filter_map(Account::bot).collect();
    if !bots.is_empty() {
        mine.bot_ids.clear();
    }
    let mine = mine.with_bots(&bots);
    let label = mine.name.clone();
    facts.push(mine);
    bulkhead_profile::audit::isolation(&facts)
        .into_iter()
        .filter(|finding| finding.code == "bot-shared" && finding.profiles.contains(&label))
        .map(|finding| {
            DoctorFinding::error(SUBJECT, "bot-shared", format!("{}: {}.", finding.what, finding.found))
                .why("Messages would reach now one, now the other, and both keep failing.")
                .next(capital(&finding.next_step))
        })
        .collect()
}

fn unrecorded(patient: &Patient, accounts: &[Account]) -> Option<DoctorFinding> {
    let entry = patient.entry.as_ref()?;
    let bots: BTreeSet<u64> = accounts.iter().filter_map(Account::bot).collect();
    // An account whose token is not known now may be the recorded one.
    if accounts.iter().any(|account| account.bot().is_none()) {
        return None;
    }
    let recorded: BTreeSet<u64> = entry.bot_ids.iter().copied().collect();
    (bots != recorded).then(|| {
        DoctorFinding::warning(SUBJECT, "bot-not-recorded", "The register of profiles has other bots for this profile.")
            .why("Another profile could be given the same bot without anybody noticing. Only public ids are recorded.")
            .safe_fix("record the bots that it has", Remedy::RecordBots { ids: bots.into_iter().collect() })
    })
}

async fn ask(patient: &Patient, account: &Account) -> Option<DoctorFinding> {
    // A missing token is told with the secrets.
    let token = account.token.as_ref()?;
    if patient.options.offline {
        return Some(DoctorFinding::ok(
            SUBJECT,
            format!("{}: there is a token; Telegram was not asked.", account.field),
        ));
    }
    Some(match patient.world.live().bot(account.api_root.as_deref(), token, account.proxy.as_deref()).await {
        Ok(bot) if bot.username.is_empty() => {
            DoctorFinding::ok(SUBJECT, format!("{}: bot {} answers.", account.field, bot.id))
        }
        Ok(bot) => DoctorFinding::ok(SUBJECT, format!("{}: @{} answers.", account.field, bot.username)),
        Err(trouble) => DoctorFinding::error(
            SUBJECT,
            &trouble.code,
            format!("{}: {}: {}; expected {}.", account.field, trouble.what, trouble.found, trouble.expected),
        )
        .why("Nobody can reach the agent over this bot.")
        .next(capital(&trouble.next_step)),
    })
}
