//! Creation of profiles through the register, one after another and all at once.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Barrier;

use bulkhead_profile::{
    ClaimRequest, Environment, Owner, Place, Ports, ProfileName, Register, RegisterError, Severity,
    Surroundings, gather_facts, known_profiles,
};
use proptest::prelude::*;

fn place(env: &Environment, name: &str) -> Place {
    Place::resolve(Some(&ProfileName::parse(name).unwrap()), env).unwrap()
}

fn claim(
    env: &Environment,
    name: &str,
    base: Option<u16>,
    around: &Surroundings,
) -> Result<u16, RegisterError> {
    let place = place(env, name);
    let request = ClaimRequest { place: &place, base_port: base, owner: None };
    let claimed = Register::open(env).claim(&request, around)?;
    place.write_marker()?;
    Ok(claimed.entry.base_port)
}

fn assert_disjoint(bases: &[u16]) {
    let mut bases = bases.to_vec();
    bases.sort_unstable();
    for pair in bases.windows(2) {
        let (one, two) = (Ports::new(pair[0]).unwrap(), Ports::new(pair[1]).unwrap());
        assert!(one.interval().end() < two.interval().start(), "{bases:?}");
    }
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

#[test]
fn twenty_at_once_among_strangers_an_openclaw_and_a_broken_profile() {
    let dir = tempfile::tempdir().unwrap();
    let env = Environment::for_test(dir.path());
    write(&dir.path().join(".openclaw/openclaw.json"), "{gateway: {port: 18789}}");
    write(&dir.path().join(".openclaw-ops/openclaw.json"), "{gateway: {port: 20100}}");
    write(&dir.path().join(".bulkhead-broken/bulkhead.json"), "{\"gateway\": {\"port\": 20400, oops");
    write(
        &env.shared_dir().join("profiles.json"),
        "{\"version\":1,\"profiles\":[{\"name\":\"from the future\"}]}",
    );
    let strangers: Vec<TcpListener> = (0..3).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let mut listening: BTreeSet<u16> = strangers.iter().map(|l| l.local_addr().unwrap().port()).collect();
    listening.extend([19950, 20250, 20251, 21300]);
    let around = Surroundings::look(&env, listening.clone(), vec![32768..=60999]);
    let names: Vec<String> = ["main", "rescue", "dev"]
        .into_iter()
        .map(String::from)
        .chain((0..17).map(|n| format!("p{n}")))
        .collect();
    let start = Barrier::new(names.len());
    let bases: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = names
            .iter()
            .map(|name| {
                scope.spawn(|| {
                    start.wait();
                    claim(&env, name, None, &around).unwrap()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut all = bases.clone();
    all.extend([18789, 20100, 20400]);
    assert_disjoint(&all);
    for base in &bases {
        assert!(listening.range(Ports::new(*base).unwrap().interval()).next().is_none(), "{base}");
        assert!(!(32768 - 110..=60999).contains(base), "{base} is ephemeral");
    }
    assert_eq!(bases[1], 19789, "rescue gets what it prefers");
    assert_eq!(Register::open(&env).read().unwrap().len(), 20);
    let text = std::fs::read_to_string(env.shared_dir().join("profiles.json")).unwrap();
    assert!(text.contains("from the future"), "what cannot be read is kept");
    let findings = bulkhead_profile::audit::isolation(&gather_facts(&env));
    assert!(findings.iter().all(|f| f.code == "config-unreadable"), "{findings:#?}");
}

#[test]
fn closer_than_twenty_is_refused_and_an_overlap_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let env = Environment::for_test(dir.path());
    let around = Surroundings::default();
    assert_eq!(claim(&env, "main", None, &around).unwrap(), 18789);
    let error = claim(&env, "rescue", Some(18805), &around).unwrap_err();
    assert_eq!(error.code(), "base-ports-too-close");
    assert_eq!(
        error.to_string(),
        "base ports of rescue and main: 18805 and 18789 are only 16 apart: rescue claims 18805–18915, main claims 18789–18899; expected at least 20 between base ports, better 111 so that no interval meets; give rescue another base port, for example: bulkhead --profile rescue config set gateway.port 18900; or leave the port out when you create it, and a free interval is taken"
    );
    assert!(Register::open(&env).find(&place(&env, "rescue")).unwrap().is_none(), "nothing is written");
    let rescue = place(&env, "rescue");
    let request = ClaimRequest { place: &rescue, base_port: Some(18820), owner: Some(Owner::Service) };
    let claimed = Register::open(&env).claim(&request, &around).unwrap();
    assert_eq!(
        (claimed.entry.base_port, claimed.entry.owner, claimed.created),
        (18820, Owner::Service, true)
    );
    assert_eq!(claimed.warnings.len(), 1);
    assert_eq!(claimed.warnings[0].severity, Severity::Warning);
    assert_eq!(
        claimed.warnings[0].found,
        "31 apart: rescue claims 18820–18930, main claims 18789–18899; 18820–18899 (80 ports) belong to both"
    );
    assert!(matches!(claim(&env, "x", Some(80), &around), Err(RegisterError::Port(_))));
}

#[test]
fn a_claim_is_kept_changed_and_given_back() {
    let dir = tempfile::tempdir().unwrap();
    let env = Environment::for_test(dir.path());
    let around = Surroundings::default();
    let first = claim(&env, "ops", None, &around).unwrap();
    assert_eq!(claim(&env, "ops", None, &around).unwrap(), first, "asked again, it stays");
    assert_eq!(claim(&env, "ops", Some(25000), &around).unwrap(), 25000);
    let register = Register::open(&env);
    let ops = place(&env, "ops");
    assert!(register.record_bots(&ops, &[42]).unwrap());
    assert_eq!(known_profiles(&env)[0].bot_ids, [42]);
    assert!(register.release(&ops).unwrap());
    assert!(!register.release(&ops).unwrap());
}

#[test]
fn a_register_that_cannot_be_read_is_put_aside_and_profiles_are_found_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let env = Environment::for_test(dir.path());
    let around = Surroundings::default();
    write(&dir.path().join(".bulkhead-ops/bulkhead.json"), "{gateway: {port: 19900}}");
    write(&env.shared_dir().join("profiles.json"), "{ not json");
    assert_eq!(claim(&env, "new", None, &around).unwrap(), 20011);
    let kept = std::fs::read_dir(env.shared_dir())
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("profiles.broken-"))
        .count();
    assert_eq!(kept, 1);
}

#[test]
fn a_failed_change_writes_nothing_and_a_held_lock_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let env = Environment::for_test(dir.path());
    claim(&env, "main", None, &Surroundings::default()).unwrap();
    let register = Register::open(&env).with_lock_wait(std::time::Duration::from_millis(20));
    let before = std::fs::read(register.path()).unwrap();
    register
        .with_lock(|entries| -> Result<(), RegisterError> {
            entries.clear();
            let inner = register.with_lock(|_| Ok::<_, RegisterError>(())).unwrap_err();
            assert_eq!(inner.code(), "register-busy");
            Err(inner)
        })
        .unwrap_err();
    assert_eq!(std::fs::read(register.path()).unwrap(), before);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_set_created_at_once_is_disjoint(
        names in proptest::collection::btree_set("[a-z][a-z0-9-]{0,6}", 2..14),
        listening in proptest::collection::btree_set(18000u16..24000, 0..20),
        openclaw in proptest::option::of(1024u16..65425),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let env = Environment::for_test(dir.path());
        if let Some(port) = openclaw {
            write(&dir.path().join(".openclaw/openclaw.json"), &format!("{{gateway: {{port: {port}}}}}"));
        }
        let around = Surroundings::look(&env, listening.clone(), vec![32768..=60999]);
        let names: Vec<_> = names.into_iter().filter(|name| ProfileName::parse(name).is_ok()).collect();
        let mut bases: Vec<u16> = std::thread::scope(|scope| {
            let threads: Vec<_> = names.iter().map(|name| scope.spawn(|| claim(&env, name, None, &around).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for base in &bases {
            prop_assert!(listening.range(*base..=*base + 110).next().is_none());
        }
        bases.extend(openclaw);
        assert_disjoint(&bases);
    }
}
