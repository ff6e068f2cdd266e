//! From a name and the surroundings to a place: flag, then `BULKHEAD_*`, then `OPENCLAW_*`, then the rule.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::environment::Environment;
use crate::error::PlaceError;
use crate::files;
use crate::marker::{Marker, other_profile};
use crate::name::ProfileName;
use crate::place::Place;
use crate::register::RegisterEntry;

/// Places named on the command line; they win over every variable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlaceFlags {
    /// `--state-dir`.
    pub state_dir: Option<PathBuf>,
    /// `--config`.
    pub config_path: Option<PathBuf>,
}

impl Place {
    /// The place of a profile. Without an explicit name: `BULKHEAD_PROFILE`, `OPENCLAW_PROFILE`, the profile that an
    /// overridden state directory records, else main.
    pub fn resolve(explicit: Option<&ProfileName>, env: &Environment) -> Result<Self, PlaceError> {
        Self::resolve_with(explicit, &PlaceFlags::default(), env)
    }

    /// The same with places named on the command line.
    pub fn resolve_with(
        explicit: Option<&ProfileName>,
        flags: &PlaceFlags,
        env: &Environment,
    ) -> Result<Self, PlaceError> {
        let state = named_path(flags.state_dir.as_deref(), "--state-dir", "STATE_DIR", env)?;
        let config = named_path(flags.config_path.as_deref(), "--config", "CONFIG_PATH", env)?;
        if !env.home.is_absolute() && (state.is_none() || !env.config_home.is_absolute()) {
            let found = if env.home.as_os_str().is_empty() {
                "not set".to_owned()
            } else {
                format!("\"{}\"", env.home.display())
            };
            return Err(PlaceError::NoHome { found });
        }
        let asked = match explicit {
            Some(name) => Some(name.clone()),
            None => named_by_variable(env)?,
        };
        let name = match &state {
            None => asked.unwrap_or_else(ProfileName::main),
            Some((dir, source)) => {
                let recorded = match Marker::read(dir)? {
                    Some(marker) => Some(marker.profile),
                    None => rule_owner(dir, env),
                };
                match (asked, recorded) {
                    (Some(asked), Some(recorded)) if asked != recorded => {
                        return Err(other_profile(dir, Some(source), &recorded, &asked));
                    }
                    (Some(name), _) | (None, Some(name)) => name,
                    (None, None) => ProfileName::main(),
                }
            }
        };
        Ok(Self::build(name, state, config, env))
    }

    /// The place of the rule, whatever the variables say: for listing profiles and for naming neighbours.
    pub fn by_rule(name: &ProfileName, env: &Environment) -> Self {
        Self::build(name.clone(), None, None, env)
    }

    /// The place of an entry in the register.
    pub fn of_entry(entry: &RegisterEntry, env: &Environment) -> Self {
        let source = "the register".to_owned();
        let state = (entry.state_dir.clone(), source.clone());
        let config = (entry.config_path.clone(), source);
        let by_rule = entry.config_path == entry.state_dir.join("bulkhead.json");
        Self::build(entry.name.clone(), Some(state), (!by_rule).then_some(config), env)
    }

    fn build(
        name: ProfileName,
        state: Option<(PathBuf, String)>,
        config: Option<(PathBuf, String)>,
        env: &Environment,
    ) -> Self {
        let rule_dir = rule_state_dir(&name, env);
        let rule_canonical = files::canonical(&rule_dir);
        let (state_dir, state_source) = match state {
            Some((dir, source)) => (dir, Some(source)),
            None => (rule_dir, None),
        };
        let canonical = files::canonical(&state_dir);
        let overridden = canonical != rule_canonical;
        let workspace = if overridden {
            state_dir.join("workspace")
        } else {
            let folder = if name.is_main() { "workspace".to_owned() } else { format!("workspace-{name}") };
            rule_state_dir(&ProfileName::main(), env).join(folder)
        };
        let (config_path, config_source) = match config {
            Some((path, source)) => (path, Some(source)),
            None => (state_dir.join("bulkhead.json"), None),
        };
        Self {
            hash: short_hash(&canonical),
            name,
            state_dir,
            config_path,
            workspace,
            overridden,
            state_source,
            config_source,
            shared_dir: env.shared_dir(),
            runtime_dir: env.runtime_dir.clone(),
            temp_dir: env.temp_dir.clone(),
        }
    }
}

/// `~/.bulkhead` or `~/.bulkhead-NAME`.
fn rule_state_dir(name: &ProfileName, env: &Environment) -> PathBuf {
    if name.is_main() { env.home.join(".bulkhead") } else { env.home.join(format!(".bulkhead-{name}")) }
}

/// Whose directory it would be by the rule.
fn rule_owner(dir: &Path, env: &Environment) -> Option<ProfileName> {
    let canonical = files::canonical(dir);
    if canonical.parent()? != files::canonical(&env.home) {
        return None;
    }
    match canonical.file_name()?.to_str()? {
        ".bulkhead" => Some(ProfileName::main()),
        other => ProfileName::parse(other.strip_prefix(".bulkhead-")?).ok(),
    }
}

fn named_path(
    flag: Option<&Path>,
    flag_name: &str,
    meaning: &str,
    env: &Environment,
) -> Result<Option<(PathBuf, String)>, PlaceError> {
    if let Some(path) = flag {
        let path = match path.to_str() {
            Some(text) => env.expand(text),
            None => std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
        };
        return Ok(Some((files::normalise(&path), flag_name.to_owned())));
    }
    for prefix in ["BULKHEAD", "OPENCLAW"] {
        let variable = format!("{prefix}_{meaning}");
        if env.unreadable.contains(&variable) {
            return Err(PlaceError::NotUnicode { variable });
        }
        if let Some(value) = env.var(&variable) {
            return Ok(Some((files::normalise(&env.expand(value)), variable)));
        }
    }
    Ok(None)
}

fn named_by_variable(env: &Environment) -> Result<Option<ProfileName>, PlaceError> {
    let Some((variable, value)) = env.either("PROFILE") else { return Ok(None) };
    // OpenClaw calls its unnamed profile "default".
    if variable == "OPENCLAW_PROFILE" && value == "default" {
        return Ok(None);
    }
    ProfileName::parse(value).map(Some).map_err(|source| PlaceError::Name { variable, source })
}

fn short_hash(path: &Path) -> String {
    let text = path.to_string_lossy();
    // Systems whose file names ignore case must not make two instances of one directory.
    let text = if cfg!(any(windows, target_os = "macos")) { text.to_lowercase() } else { text.into_owned() };
    hex::encode(&Sha256::digest(text.as_bytes())[..4])
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)] // also in what the tests share
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn temp_env() -> (tempfile::TempDir, Environment) {
        let dir = tempfile::tempdir().unwrap();
        let env = Environment::for_test(dir.path().canonicalize().unwrap());
        (dir, env)
    }

    #[test]
    fn the_seeds_manual_example_gives_two_isolated_instances() {
        let (_dir, env) = temp_env();
        let of = |config: &str, state: &str| {
            let env =
                env.clone().with_var("OPENCLAW_CONFIG_PATH", config).with_var("OPENCLAW_STATE_DIR", state);
            Place::resolve(None, &env).unwrap()
        };
        let main = of("~/.openclaw/main.json", "~/.openclaw");
        let rescue = of("~/.openclaw/rescue.json", "~/.openclaw-rescue");
        for place in [&main, &rescue] {
            assert_eq!(place.name(), &ProfileName::main());
            assert!(place.overridden());
            assert_eq!(place.workspace(), place.state_dir().join("workspace"));
            assert_eq!(place.suffix().unwrap().len(), 8);
            place.write_marker().unwrap();
            place.check_marker().unwrap();
        }
        assert_ne!(main.keychain_service(), rescue.keychain_service());
        assert_ne!(main.service_name(), rescue.service_name());
        assert_ne!(main.secrets_file(), rescue.secrets_file());
        assert_eq!(main.config_path(), env.home.join(".openclaw/main.json"));
    }

    #[test]
    fn flag_wins_over_own_variable_over_openclaws() {
        let (_dir, env) = temp_env();
        let env = env.with_var("OPENCLAW_STATE_DIR", "/o").with_var("BULKHEAD_STATE_DIR", "/b");
        let flags = PlaceFlags { state_dir: Some("/f".into()), config_path: None };
        assert_eq!(Place::resolve_with(None, &flags, &env).unwrap().state_dir(), Path::new("/f"));
        assert_eq!(Place::resolve(None, &env).unwrap().state_dir(), Path::new("/b"));
        let env = env.with_var("BULKHEAD_STATE_DIR", "");
        let place = Place::resolve(None, &env).unwrap();
        assert_eq!((place.state_dir(), place.state_source()), (Path::new("/o"), Some("OPENCLAW_STATE_DIR")));
    }

    #[test]
    fn an_explicit_profile_that_disagrees_is_refused_naming_the_variable() {
        let (_dir, env) = temp_env();
        let rescue = ProfileName::rescue();
        Place::resolve(Some(&rescue), &env).unwrap().write_marker().unwrap();
        let dir = env.home.join(".bulkhead-rescue");
        let led = env.clone().with_var("OPENCLAW_STATE_DIR", dir.to_str().unwrap());
        let error = Place::resolve(Some(&ProfileName::main()), &led).unwrap_err();
        assert_eq!(error.code(), "place-other-profile");
        assert_eq!(
            error.to_string(),
            format!(
                "the state directory {} (from OPENCLAW_STATE_DIR) belongs to profile 'rescue', but profile 'main' was asked for; expected a directory of its own for each profile; unset OPENCLAW_STATE_DIR, or use --profile rescue",
                dir.display()
            )
        );
        let adopted = Place::resolve(None, &led).unwrap();
        assert_eq!(adopted.name(), &rescue);
        assert!(!adopted.overridden(), "the rule's own directory is no override");
        assert_eq!(adopted.keychain_service(), "ai.bulkhead.rescue");
    }

    #[test]
    fn a_directory_of_the_rule_is_its_owners_even_before_it_exists() {
        let (_dir, env) = temp_env();
        let led = env.clone().with_var("BULKHEAD_STATE_DIR", "~/.bulkhead");
        assert!(Place::resolve(Some(&ProfileName::rescue()), &led).is_err());
    }

    #[test]
    fn a_copied_state_directory_is_refused() {
        let (_dir, env) = temp_env();
        let main = Place::resolve(None, &env).unwrap();
        main.write_marker().unwrap();
        let rescue = Place::resolve(Some(&ProfileName::rescue()), &env).unwrap();
        std::fs::create_dir(rescue.state_dir()).unwrap();
        std::fs::copy(main.marker_path(), rescue.marker_path()).unwrap();
        assert_eq!(rescue.check_marker().unwrap_err().code(), "place-other-profile");
        assert!(rescue.write_marker().is_err());
    }

    #[test]
    fn a_real_openclaw_is_never_written() {
        let (_dir, env) = temp_env();
        std::fs::create_dir(env.home.join(".openclaw")).unwrap();
        std::fs::write(env.home.join(".openclaw/openclaw.json"), "{}").unwrap();
        let state = env.clone().with_var("OPENCLAW_STATE_DIR", "~/.openclaw");
        let error = Place::resolve(None, &state).unwrap().write_marker().unwrap_err();
        assert_eq!(error.code(), "place-openclaw");
        assert!(error.to_string().contains("bulkhead import openclaw"), "{error}");
        let config = env.clone().with_var("OPENCLAW_CONFIG_PATH", "~/.openclaw/main.json");
        let error = Place::resolve(None, &config).unwrap().check_marker().unwrap_err();
        assert!(error.to_string().contains("the configuration file"), "{error}");
        assert!(!env.home.join(".openclaw/profile.json").exists());
    }

    #[test]
    fn links_to_one_directory_are_one_instance() {
        let (_dir, env) = temp_env();
        std::fs::create_dir(env.home.join("real")).unwrap();
        std::os::unix::fs::symlink("real", env.home.join("link")).unwrap();
        let at = |dir: &str| Place::resolve(None, &env.clone().with_var("BULKHEAD_STATE_DIR", dir)).unwrap();
        assert_eq!(at("~/real").suffix(), at("~/link/").suffix());
        assert_eq!(at("~/real/later/x").suffix(), at("~/link/./later/y/../x").suffix());
    }

    #[test]
    fn a_missing_home_is_told() {
        let mut env = Environment::for_test("/h");
        env.home = PathBuf::new();
        env.config_home = PathBuf::from(".config");
        assert_eq!(Place::resolve(None, &env).unwrap_err().code(), "place-no-home");
    }

    #[test]
    fn a_bad_name_in_a_variable_names_it() {
        let (_dir, env) = temp_env();
        let error = Place::resolve(None, &env.with_var("BULKHEAD_PROFILE", "Bad")).unwrap_err();
        assert!(error.to_string().starts_with("BULKHEAD_PROFILE: "), "{error}");
    }

    proptest! {
        #[test]
        fn no_environment_panics(
            home in ".{0,20}",
            values in proptest::collection::vec((0usize..6, ".{0,30}"), 0..6),
            profile in proptest::option::of("[a-z][a-z0-9-]{0,8}"),
        ) {
            let names = ["BULKHEAD_STATE_DIR", "OPENCLAW_STATE_DIR", "BULKHEAD_CONFIG_PATH", "OPENCLAW_CONFIG_PATH", "BULKHEAD_PROFILE", "BULKHEAD_GATEWAY_PORT"];
            let mut env = Environment::for_test(home);
            for (index, value) in values {
                env.vars.insert(names[index].to_owned(), value);
            }
            let name = profile.and_then(|name| ProfileName::parse(&name).ok());
            if let Ok(place) = Place::resolve(name.as_ref(), &env) {
                let _ = (place.control_socket(), place.service_name(), place.secrets_file(), place.label());
                if let Some(suffix) = place.suffix() {
                    prop_assert!(suffix.len() == 8 && suffix.bytes().all(|b| b.is_ascii_hexdigit()));
                }
            }
        }
    }
}
