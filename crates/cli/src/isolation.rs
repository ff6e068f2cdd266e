//! What an edit of a configuration does to the walls between profiles.

use bulkhead_process::port;
use bulkhead_profile::{
    ClaimRequest, ConfigGlimpse, FactsKind, Finding, Place, ProfileFacts, Register, Surroundings, audit,
    bot_id_of_token, files, gather_facts,
};
use serde_json::Value;

use crate::context::Context;
use crate::error::{CONFIGURATION, Failure};

/// Refuses an edit that would let this profile touch another one, and tells what is only worth knowing. What was so
/// before the edit does not stand in its way.
pub fn check_edit(
    context: &Context,
    place: &Place,
    before: &Value,
    after: &Value,
) -> Result<Vec<Finding>, Failure> {
    let (old, new) = (ConfigGlimpse::of_value(before), ConfigGlimpse::of_value(after));
    if old == new {
        return Ok(Vec::new());
    }
    let known = findings(context, place, &old);
    let fresh = findings(context, place, &new).into_iter().filter(|finding| !known.contains(finding));
    let (errors, warnings): (Vec<_>, Vec<_>) = fresh.partition(Finding::is_error);
    let Some(first) = errors.first() else { return Ok(warnings) };
    let text = errors.iter().map(Finding::sentence).collect::<Vec<_>>().join("\n");
    Err(Failure::new(CONFIGURATION, first.code.clone(), text)
        .with_details(serde_json::to_value(&errors).unwrap_or_default()))
}

fn findings(context: &Context, place: &Place, glimpse: &ConfigGlimpse) -> Vec<Finding> {
    let own = files::canonical(place.state_dir());
    let mut facts = gather_facts(&context.env);
    let is_own =
        |one: &ProfileFacts| one.kind == FactsKind::Bulkhead && files::canonical(&one.state_dir) == own;
    let mine = facts.iter().position(is_own).map(|at| facts.remove(at));
    let bots = mine.as_ref().map(|facts| facts.bot_ids.clone()).unwrap_or_default();
    let base = glimpse.base_port.or_else(|| mine.as_ref().and_then(|facts| facts.base_port));
    let changed = ProfileFacts::of_place(place, base).with_bots(&bots).with_glimpse(glimpse, &context.env);
    facts.push(changed);
    let name = place.name().as_str();
    audit::isolation(&facts)
        .into_iter()
        .filter(|finding| finding.profiles.iter().any(|profile| profile == name))
        .collect()
}

/// Refuses a bot that another profile, or an OpenClaw here, already polls: Telegram lets only one of them. The id of the
/// bot where the text is a token at all.
pub fn check_bot(context: &Context, place: &Place, token: &str) -> Result<Option<u64>, Failure> {
    let Some(bot) = bot_id_of_token(token) else { return Ok(None) };
    let own = files::canonical(place.state_dir());
    let mut facts = gather_facts(&context.env);
    facts.retain(|one| one.kind != FactsKind::Bulkhead || files::canonical(&one.state_dir) != own);
    facts.push(ProfileFacts::of_place(place, None).with_bots(&[bot]));
    let name = place.name().as_str();
    let shared = audit::isolation(&facts).into_iter().find(|finding| {
        finding.code == "bot-shared" && finding.profiles.iter().any(|profile| profile == name)
    });
    match shared {
        Some(finding) => Err(Failure::new(CONFIGURATION, finding.code.clone(), finding.sentence())
            .with_details(serde_json::to_value([&finding]).unwrap_or_default())),
        None => Ok(Some(bot)),
    }
}

/// A registered profile's claim follows its `gateway.port`.
pub fn follow_edit(context: &Context, place: &Place, after: &Value) -> Result<(), Failure> {
    let Some(base_port) = ConfigGlimpse::of_value(after).base_port else { return Ok(()) };
    let register = Register::open(&context.env);
    match register.find(place)? {
        Some(entry) if entry.base_port != base_port => {
            let around = Surroundings::look(&context.env, port::listening(), port::avoid_ranges());
            register.claim(&ClaimRequest { place, base_port: Some(base_port), owner: None }, &around)?;
            Ok(())
        }
        _ => Ok(()),
    }
}
