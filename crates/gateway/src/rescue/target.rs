//! What is watched, as the configuration says. Pure but for the look at the register of profiles.

use std::path::PathBuf;

use bulkhead_config::{Rescue, WatchedKind};
use bulkhead_profile::{Environment, Place, ProfileName, files, known_profiles};

/// What is watched.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Target {
    /// A profile of this program.
    Bundled {
        /// Where it lives.
        place: Box<Place>,
    },
    /// An installed OpenClaw.
    OpenClaw {
        /// The name of its profile, where it is not the default one.
        profile: Option<String>,
        /// Its configuration file, where it is named.
        config: Option<PathBuf>,
        /// Its state directory, where it is named.
        state: Option<PathBuf>,
        /// Where it answers, where that is named.
        url: Option<String>,
        /// Its service, where it is named.
        unit: Option<String>,
    },
    /// One on another machine.
    Remote {
        /// Where it answers.
        url: String,
    },
}

impl Target {
    /// For people.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Bundled { place } => place.name().to_string(),
            Self::OpenClaw { profile: None, .. } => "OpenClaw".to_owned(),
            Self::OpenClaw { profile: Some(profile), .. } => format!("OpenClaw {profile}"),
            Self::Remote { url } => url.clone(),
        }
    }

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
pub(super) fn target(rescue: &Rescue, own: &Place, env: &Environment) -> Result<Option<Target>, String> {
    let main = rescue.main.clone().unwrap_or_default();
    if !rescue.is_watching() {
        return Ok(None);
    }
    let path = |text: &Option<String>| text.as_deref().map(|text| env.expand(text));
    match main.kind {
        WatchedKind::Bundled => {
            let name = main.profile.as_deref().or(rescue.watch.as_deref()).unwrap_or("main");
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
        WatchedKind::OpenClaw => Ok(Some(Target::OpenClaw {
            profile: main.profile.clone(),
            config: path(&main.config_path),
            state: path(&main.state_dir),
            url: main.url.clone(),
            unit: main.unit.clone(),
        })),
        WatchedKind::Remote => match main.url {
            Some(url) => Ok(Some(Target::Remote { url })),
            None => Err(
                "rescue.main.kind is \"remote\", but rescue.main.url is missing; expected where it answers, \
                         such as wss://gateway.example:18789"
                    .to_owned(),
            ),
        },
    }
}

/// A profile by name: as registered, else by the rule.
fn place_of(name: &ProfileName, env: &Environment) -> Place {
    let known = known_profiles(env).into_iter().map(|known| known.place).find(|place| place.name() == name);
    known.unwrap_or_else(|| Place::by_rule(name, env))
}

#[cfg(test)]
mod tests {
    use bulkhead_config::WatchedMain;

    use super::*;

    fn asked(rescue: Rescue) -> Result<Option<Target>, String> {
        let env = Environment::for_test("/home/ada");
        target(&rescue, &Place::by_rule(&ProfileName::rescue(), &env), &env)
    }

    #[test]
    fn a_name_is_the_short_form_and_watching_oneself_is_refused() {
        assert_eq!(asked(Rescue::default()), Ok(None));
        let watch = |name: &str| Rescue { watch: Some(name.into()), ..Rescue::default() };
        let found = asked(watch("main")).unwrap().unwrap();
        assert_eq!((found.kind(), found.name().as_str()), ("bundled", "main"));
        assert!(asked(watch("rescue")).unwrap_err().contains("this profile itself"));
        assert!(asked(watch("No Name")).is_err());
    }

    #[test]
    fn an_openclaw_and_a_remote_one() {
        let main = |main: WatchedMain| Rescue { main: Some(main), ..Rescue::default() };
        let claw = WatchedMain {
            kind: WatchedKind::OpenClaw,
            state_dir: Some("~/.openclaw".into()),
            ..WatchedMain::default()
        };
        let Ok(Some(Target::OpenClaw { state, .. })) = asked(main(claw)) else { panic!() };
        assert_eq!(state, Some(PathBuf::from("/home/ada/.openclaw")));
        let remote = WatchedMain { kind: WatchedKind::Remote, ..WatchedMain::default() };
        assert!(asked(main(remote.clone())).unwrap_err().contains("rescue.main.url"));
        let remote = WatchedMain { url: Some("wss://far".into()), ..remote };
        assert_eq!(asked(main(remote)).unwrap().unwrap().name(), "wss://far");
    }
}
