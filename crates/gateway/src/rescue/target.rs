//! What is watched, as the configuration says. Pure but for the look at the register of profiles.

use bulkhead_config::{Rescue, WatchedKind, WatchedMain};
use bulkhead_profile::{Environment, Place, ProfileName, files, known_profiles};

/// What is watched. Two that are equal need no new watch.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Target {
    /// A profile of this program.
    Bundled {
        /// Where it lives.
        place: Box<Place>,
    },
    /// An installed OpenClaw.
    OpenClaw {
        /// As the configuration describes it.
        main: Box<WatchedMain>,
        /// Whether copies of its configuration can be encrypted.
        keyed: bool,
    },
    /// One on another machine.
    Remote {
        /// Where it answers.
        url: String,
    },
}

impl Target {
    /// For programs.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Bundled { .. } => "bundled",
            Self::OpenClaw { .. } => "openclaw",
            Self::Remote { .. } => "remote",
        }
    }
}

/// What this configuration asks to watch; an error says what is wrong with it.
pub(super) fn target(
    rescue: &Rescue,
    own: &Place,
    env: &Environment,
    keyed: bool,
) -> Result<Option<Target>, String> {
    if !rescue.is_watching() {
        return Ok(None);
    }
    let main = rescue.main.clone().unwrap_or_default();
    match main.kind {
        WatchedKind::Bundled => {
            let name = rescue.watch.as_deref().or(main.profile.as_deref()).unwrap_or("main");
            let name = ProfileName::parse(name)
                .map_err(|error| format!("rescue.watch is no name of a profile: {error}"))?;
            let place = place_of(&name, env);
            if files::canonical(place.state_dir()) == files::canonical(own.state_dir()) {
                return Err(format!(
                    "rescue.watch names {name}, which is this profile itself; expected the other one, such as {}",
                    if name.is_main() { "rescue" } else { "main" }
                ));
            }
            Ok(Some(Target::Bundled { place: Box::new(place) }))
        }
        WatchedKind::OpenClaw => Ok(Some(Target::OpenClaw { main: Box::new(main), keyed })),
        WatchedKind::Remote => {
            let url = main.url.ok_or(
                "rescue.main.kind is \"remote\", but rescue.main.url is missing; expected where it answers, such as \
                 wss://gateway.example:18789",
            )?;
            if bulkhead_rescue::Target::remote(&url, env).is_none() {
                return Err(format!(
                    "rescue.main.url is no address of a gateway: found {url:?}, expected one such as \
                     wss://gateway.example:18789"
                ));
            }
            Ok(Some(Target::Remote { url }))
        }
    }
}

/// A profile by name: as registered, else by the rule.
fn place_of(name: &ProfileName, env: &Environment) -> Place {
    let known = known_profiles(env).into_iter().map(|known| known.place).find(|place| place.name() == name);
    known.unwrap_or_else(|| Place::by_rule(name, env))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(rescue: &Rescue) -> Result<Option<Target>, String> {
        let env = Environment::for_test("/home/ada");
        target(rescue, &Place::by_rule(&ProfileName::rescue(), &env), &env, false)
    }

    #[test]
    fn a_name_is_the_short_form_and_watching_oneself_is_refused() {
        assert_eq!(asked(&Rescue::default()), Ok(None));
        let watch = |name: &str| Rescue { watch: Some(name.into()), ..Rescue::default() };
        let Ok(Some(Target::Bundled { place })) = asked(&watch("main")) else { panic!() };
        assert!(place.name().is_main());
        assert!(asked(&watch("rescue")).unwrap_err().contains("this profile itself"));
        assert!(asked(&watch("No Name")).is_err());
    }

    #[test]
    fn an_openclaw_and_a_remote_one() {
        let main = |main: WatchedMain| Rescue { main: Some(main), ..Rescue::default() };
        let claw = WatchedMain { kind: WatchedKind::OpenClaw, ..WatchedMain::default() };
        assert_eq!(asked(&main(claw)).unwrap().unwrap().kind(), "openclaw");
        let remote = WatchedMain { kind: WatchedKind::Remote, ..WatchedMain::default() };
        assert!(asked(&main(remote.clone())).unwrap_err().contains("rescue.main.url is missing"));
        let odd = WatchedMain { url: Some("not an address".into()), ..remote.clone() };
        assert!(asked(&main(odd)).unwrap_err().contains("no address"));
        let remote = WatchedMain { url: Some("wss://far.example".into()), ..remote };
        assert_eq!(asked(&main(remote)).unwrap().unwrap().kind(), "remote");
    }
}
