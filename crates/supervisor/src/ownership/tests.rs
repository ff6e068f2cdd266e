use super::words::{ACTIONS, RUNNERS};
use super::*;

const OWNERS: [Owner; 3] = [Owner::Desktop, Owner::Service, Owner::External];

fn every() -> impl Iterator<Item = (Owner, Runner, Action, Decision)> {
    OWNERS.into_iter().flat_map(|owner| {
        RUNNERS.into_iter().flat_map(move |runner| {
            ACTIONS.into_iter().map(move |action| (owner, runner, action, decide(owner, runner, action)))
        })
    })
}

#[test]
fn architecture_shows_this_table() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../ARCHITECTURE.md");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains(&table()), "ARCHITECTURE.md has to show this:\n{}", table());
}

#[test]
fn nothing_starts_a_second_gateway() {
    let starts = |decision| matches!(decision, Decision::App | Decision::StartService | Decision::Install);
    for (owner, runner, action, decision) in every() {
        if starts(decision) {
            let free = runner == Runner::Nobody || runner == Runner::Service && decision == Decision::Install;
            assert!(free, "{owner} {runner} {action}: {decision}");
        }
    }
}

#[test]
fn the_owner_moves_only_when_asked() {
    for (owner, runner, action, decision) in every() {
        let moves = matches!(decision, Decision::Install | Decision::HandOver | Decision::Uninstall);
        assert_eq!(
            moves,
            matches!(action, Action::Install | Action::Uninstall) && !matches!(decision, Decision::Refuse(_)),
            "{owner} {runner} {action}: {decision}"
        );
    }
}

#[test]
fn what_is_not_ours_is_neither_started_nor_stopped() {
    for (owner, runner, action, decision) in every() {
        if matches!(runner, Runner::Stranger | Runner::Elsewhere) && action != Action::Uninstall {
            let hands_off = matches!(decision, Decision::Refuse(_) | Decision::Nothing | Decision::Attach);
            assert!(hands_off, "{owner} {runner} {action}: {decision}");
        }
    }
}

#[test]
fn a_service_gateway_is_attached_to_after_the_app_restarts() {
    assert_eq!(decide(Owner::Service, Runner::Service, Action::Attach), Decision::Attach);
    assert_eq!(decide(Owner::Service, Runner::Nobody, Action::Attach), Decision::Attach);
}

#[test]
fn who_runs_it_is_read_from_what_is_seen() {
    let sight = Sight::default();
    for (sight, runner) in [
        (sight, Runner::Nobody),
        (Sight { port_taken: true, ..sight }, Runner::Stranger),
        (Sight { port_taken: true, locked: true, ..sight }, Runner::Elsewhere),
        (Sight { port_taken: true, locked: true, gateway: true, ..sight }, Runner::Foreground),
        (Sight { supervisor: Some(Owner::External), gateway: true, ..sight }, Runner::Terminal),
        (Sight { supervisor: Some(Owner::Service), locked: true, ..sight }, Runner::Service),
        (Sight { supervisor: Some(Owner::Desktop), ..sight }, Runner::App),
    ] {
        assert_eq!(sight.runner(), runner, "{sight:?}");
    }
}
