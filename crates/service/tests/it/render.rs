use std::path::Path;

use bulkhead_profile::{Environment, Place, ProfileName};
use bulkhead_service::{DriftKind, Format, Scope, ServiceError, ServiceSpec, systemd};

const FORMATS: [Format; 4] = [Format::Systemd, Format::Launchd, Format::Task, Format::Startup];

fn spec(env: &Environment, name: &str, program: &str, scope: Scope) -> ServiceSpec {
    let name = ProfileName::parse(name).unwrap();
    let place = Place::resolve(Some(&name), env).unwrap();
    ServiceSpec::new(&place, env, Path::new(program), 18789, scope).unwrap().with_version("1.2.3")
}

fn plain(name: &str) -> ServiceSpec {
    spec(&Environment::for_test("/home/ada"), name, "/usr/bin/bulkhead", Scope::User)
}

/// Paths with everything that one of the formats might trip over.
fn odd() -> ServiceSpec {
    let mut env = Environment::for_test("/home/ädä & sons")
        .with_var("BULKHEAD_STATE_DIR", "/srv/100% \"$HOME\" <b>/it's")
        .with_var("BULKHEAD_CONFIG_PATH", "/srv/a b/%h.json")
        .with_var("OPENCLAW_GATEWAY_TOKEN", "planted-secret");
    env.config_home = "/home/ädä & sons/.cfg".into();
    spec(&env, "rescue", "/opt/My $Apps/50%/bulkhead", Scope::User)
}

fn kind(format: Format) -> String {
    format!("{format:?}").to_lowercase()
}

#[test]
fn each_format_as_it_is_written() {
    for format in FORMATS {
        insta::assert_snapshot!(format!("plain-{}", kind(format)), format.render(&plain("main")));
        insta::assert_snapshot!(format!("odd-{}", kind(format)), format.render(&odd()));
    }
    let env = Environment::for_test("/home/ada");
    let system = spec(&env, "rescue", "/usr/bin/bulkhead", Scope::System { user: "ada".to_owned() });
    insta::assert_snapshot!("system-systemd", Format::Systemd.render(&system));
    insta::assert_snapshot!("system-launchd", Format::Launchd.render(&system));
    let snap = plain("main").with_setuid_programs(true);
    assert!(!Format::Systemd.render(&snap).contains("NoNewPrivileges"));
}

#[test]
fn nothing_secret_is_in_any_of_them() {
    for format in FORMATS {
        assert!(!format.render(&odd()).contains("planted"));
    }
}

#[test]
fn what_is_written_is_read_back_and_differs_in_nothing() {
    for spec in [plain("main"), plain("rescue"), odd()] {
        for format in FORMATS {
            let text = format.render(&spec);
            let about = format.metadata(&text).unwrap();
            assert_eq!(about.profile, spec.place().name().as_str());
            assert_eq!(about.state_dir, spec.place().state_dir().to_str().unwrap());
            assert_eq!((about.version.as_str(), about.port), ("1.2.3", 18789));
            assert_eq!(spec.drift(&text, format), [], "{format:?}");
        }
    }
}

#[test]
fn the_command_line_of_a_unit_is_what_was_meant() {
    let text = systemd::render(&odd());
    let words = systemd::split_words(&systemd::value(&text, "Service", "ExecStart").unwrap());
    assert_eq!(
        words,
        [
            "/opt/My $Apps/50%/bulkhead",
            "--profile",
            "rescue",
            "--state-dir",
            "/srv/100% \"$HOME\" <b>/it's",
            "--config",
            "/srv/a b/%h.json",
            "gateway",
            "supervise",
            "--service",
            "systemd"
        ]
    );
}

#[test]
fn every_difference_is_told() {
    let old = plain("main").with_version("1.0.0");
    for format in FORMATS {
        let text = format.render(&old);
        let kinds = |spec: &ServiceSpec, text: &str| -> Vec<DriftKind> {
            spec.drift(text, format).iter().map(|drift| drift.kind).collect()
        };
        assert_eq!(kinds(&plain("main"), &text), [DriftKind::Version], "{format:?}");
        let env = Environment::for_test("/home/ada");
        let moved = spec(&env, "main", "/opt/bulkhead", Scope::User).with_version("1.0.0");
        assert_eq!(kinds(&moved, &text), [DriftKind::Program], "{format:?}");
        let place = old.place().clone();
        let port =
            ServiceSpec::new(&place, &env, Path::new("/usr/bin/bulkhead"), 20000, Scope::User).unwrap();
        assert_eq!(kinds(&port.with_version("1.0.0"), &text), [DriftKind::Port], "{format:?}");
        let edited = text.replace("supervise", "supervise --port 5");
        assert_eq!(kinds(&old, &edited), [DriftKind::Edited], "{format:?}");
        assert_eq!(kinds(&old, "something else"), [DriftKind::Foreign], "{format:?}");
    }
    let env = Environment::for_test("/home/ada").with_var("BULKHEAD_CONFIG_PATH", "/etc/b.json");
    let config = spec(&env, "main", "/usr/bin/bulkhead", Scope::User);
    let drift = config.drift(&systemd::render(&plain("main")), Format::Systemd);
    assert_eq!(
        drift[0].sentence(),
        "it was installed for /home/ada/.bulkhead/bulkhead.json, the configuration is /etc/b.json now"
    );
    // Written in the same way by the same version, but with another rule for the hardening.
    let hardened = plain("main").with_setuid_programs(true);
    let kinds: Vec<_> = hardened.drift(&systemd::render(&plain("main")), Format::Systemd);
    assert_eq!(kinds[0].kind, DriftKind::Outdated);
}

#[test]
fn what_no_file_can_hold_is_refused() {
    let env = Environment::for_test("/home/ada");
    let place = Place::resolve(None, &env).unwrap();
    let refused =
        |program: &str| ServiceSpec::new(&place, &env, Path::new(program), 18789, Scope::User).unwrap_err();
    assert!(matches!(refused("/a\nb"), ServiceError::Unwritable { .. }));
    assert!(matches!(refused("bulkhead"), ServiceError::Program { .. }));
    let strange: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"/a\xff");
    let error = ServiceSpec::new(&place, &env, Path::new(strange), 18789, Scope::User).unwrap_err();
    assert_eq!(error.code(), "service-unwritable");
}
