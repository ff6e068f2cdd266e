//! `bulkhead onboard --plan -`: the machine interface. One request in, JSON lines out, the result last.

use std::io::Read as _;

use bulkhead_setup::{Action, Event, MAX_REQUEST_BYTES, Request, World};
use zeroize::Zeroizing;

use super::{event, service, tell};
use crate::commands::{DONE, setup};
use crate::context::Context;
use crate::error::{FAILED, Failure};

pub fn run(source: &str, context: &Context) -> Result<u8, Failure> {
    let bytes = read(source)?;
    let mut request = Request::parse(&bytes)?;
    drop(bytes);
    let services = match (request.action, &mut request.plan) {
        (Action::Create, Some(plan)) => service::take_from(plan),
        _ => Vec::new(),
    };
    let world = World::of_this_machine(setup::surroundings(context));
    let out = context.out;
    let json = out.is_json();
    let sink =
        move |progress| if json { event(out, &Event::Progress(progress)) } else { tell(out, &progress) };
    let mut outcome = context.block_on(async { Ok(bulkhead_setup::run(&request, &world, &sink).await) })?;
    service::install_all(context, &mut outcome, &services, false, &sink);
    if json {
        let trouble = outcome.findings.iter().find(|finding| finding.is_error());
        let exit =
            if outcome.ok { DONE } else { trouble.map_or(FAILED, |finding| setup::exit_of(&finding.code)) };
        event(out, &Event::Result(Box::new(outcome)));
        return Ok(exit);
    }
    let name = outcome.profiles.first().map_or_else(|| "main".to_owned(), |profile| profile.name.clone());
    setup::show(out, &outcome, &name)
}

fn read(source: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut bytes = Zeroizing::new(Vec::new());
    // One byte more than allowed, so that the parser can tell.
    let limit = MAX_REQUEST_BYTES as u64 + 1;
    let read = if source == "-" {
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes)
    } else {
        let path = source.strip_prefix('@').unwrap_or(source);
        std::fs::File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    read.map_err(|error| {
        Failure::usage(format!(
            "--plan: {source} cannot be read: {error}; name a file, or `-` for standard input"
        ))
    })?;
    Ok(bytes)
}
