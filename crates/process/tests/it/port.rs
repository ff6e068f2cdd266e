//! Who holds a port.

use std::net::TcpListener;

use bulkhead_process::{ProcessIdentity, RunRecord, port};

#[test]
fn a_listener_is_seen_with_its_process_on_both_families() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let Ok(listener) = TcpListener::bind(address) else { continue };
        let number = listener.local_addr().unwrap().port();
        assert!(port::listening().contains(&number));
        assert!(!port::is_free(number));
        let holder = port::holder(number).unwrap();
        assert_eq!(holder.pid, Some(std::process::id()));
        assert!(holder.program.unwrap().starts_with("it-"), "the test's own program");
        assert_eq!(holder.profile, None);
        drop(listener);
        assert!(port::holder(number).is_none_or(|holder| holder.pid != Some(std::process::id())));
    }
}

#[test]
fn one_of_ours_is_named_by_its_profile() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let number = listener.local_addr().unwrap().port();
    let record = RunRecord {
        identity: ProcessIdentity::of_self().unwrap(),
        profile: "rescue".into(),
        base_port: number,
        state_dir: "/nowhere".into(),
        version: "0.1.0".into(),
    };
    let holder = port::holder_among(number, std::slice::from_ref(&record)).unwrap();
    assert_eq!(holder.profile.as_deref(), Some("rescue"));
    let stale =
        RunRecord { identity: ProcessIdentity { start_time: 1, ..record.identity.clone() }, ..record };
    assert_eq!(port::holder_among(number, &[stale]).unwrap().profile, None);
}

#[test]
fn ranges_make_sense() {
    let range = port::ephemeral_range();
    assert!(range.start() < range.end());
    assert!(port::avoid_ranges().contains(&range));
}
