//! The base port and those derived from it: who holds them now.

use std::collections::BTreeSet;

use bulkhead_process::Holder;
use bulkhead_profile::Ports;

use super::finding::{DoctorFinding, Subject};
use super::patient::Patient;
use super::remedy::Remedy;

const SUBJECT: Subject = Subject::Ports;

pub(super) fn check(patient: &Patient) -> Vec<DoctorFinding> {
    let base = patient.base_port();
    let Ok(ports) = Ports::new(base) else {
        return vec![
            DoctorFinding::error(SUBJECT, "ports.impossible", format!("{base} cannot be a base port."))
                .why("A profile needs 111 ports from its base upwards.")
                .next(format!("Choose another one: {} config set gateway.port 18789", patient.command())),
        ];
    };
    let listening = patient.world.listening();
    let mut findings = Vec::new();
    findings.extend(base_port(patient, base, &listening));
    findings.extend(control_port(patient, ports, &listening));
    findings.extend(browsers(patient, ports, &listening));
    findings.extend(claim(patient));
    if findings.is_empty() {
        let state = if patient.record.is_some() { "The gateway listens on" } else { "Free now:" };
        findings.push(DoctorFinding::ok(
            SUBJECT,
            format!(
                "{state} {base}; {} and {} to {} are kept for its browsers.",
                ports.control(),
                ports.cdp_first(),
                ports.cdp_last()
            ),
        ));
    }
    findings
}

fn base_port(patient: &Patient, base: u16, listening: &BTreeSet<u16>) -> Option<DoctorFinding> {
    let command = patient.command();
    if let Some(record) = &patient.record {
        if listening.contains(&base) {
            let wanted = patient.config.gateway.port.filter(|wanted| *wanted != base)?;
            return Some(
                DoctorFinding::info(
                    SUBJECT,
                    "ports.other-after-restart",
                    format!("The gateway listens on {base}; the configuration says {wanted}."),
                )
                .why("The port changes with the next start; until then clients that read the configuration look in the wrong place.")
                .next(format!("When nobody minds: {command} gateway restart")),
            );
        }
        return Some(
            DoctorFinding::error(
                SUBJECT,
                "ports.not-listening",
                format!("The gateway runs (process {}), and nothing listens on {base}.", record.identity.pid),
            )
            .why("Nobody can reach it.")
            .next(format!("See why: {command} logs. Then: {command} gateway restart")),
        );
    }
    if !listening.contains(&base) {
        return None;
    }
    let holder = patient.world.holder(base);
    let who = holder.as_ref().map_or_else(|| "a program that cannot be seen".to_owned(), Holder::to_string);
    Some(
        DoctorFinding::error(SUBJECT, "ports.base-taken", format!("Port {base} is held by {who}."))
            .why("The gateway listens on this port: it cannot start while somebody else has it.")
            .next(format!(
                "End that program if it is not needed, or give {} another base port.",
                patient.name()
            ))
            .asked_fix(
                format!("move {} to the next free interval of ports", patient.name()),
                Remedy::MovePorts { from: base },
            ),
    )
}

fn control_port(patient: &Patient, ports: Ports, listening: &BTreeSet<u16>) -> Option<DoctorFinding> {
    if patient.config.browser.enabled == Some(false) {
        return None;
    }
    let port = patient.config.browser.control_port.unwrap_or(ports.control());
    let holder = listening.contains(&port).then(|| patient.world.holder(port)).flatten()?;
    let own = patient.record.as_ref().is_some_and(|record| Some(record.identity.pid) == holder.pid);
    (!own).then(|| {
        DoctorFinding::warning(
            SUBJECT,
            "ports.control-taken",
            format!("Port {port} (browser control) is held by {holder}."),
        )
        .why("The gateway starts all the same, without the browser seat.")
        .next(format!(
            "End that program, or choose another port: {} config set browser.controlPort {}",
            patient.command(),
            port.saturating_add(1)
        ))
    })
}

fn browsers(patient: &Patient, ports: Ports, listening: &BTreeSet<u16>) -> Option<DoctorFinding> {
    let taken: Vec<u16> = listening.range(ports.cdp_first()..=ports.cdp_last()).copied().collect();
    // The gateway's own browsers listen there while it runs.
    if taken.is_empty() || patient.record.is_some() {
        return None;
    }
    let shown: Vec<String> = taken
        .iter()
        .take(5)
        .map(|port| match patient.world.holder(*port) {
            Some(holder) => format!("{port} by {holder}"),
            None => port.to_string(),
        })
        .collect();
    Some(
        DoctorFinding::info(SUBJECT, "ports.cdp-taken", format!("Held in the range of its browsers: {}.", shown.join(", ")))
            .why("Browsers take the free ones, so nothing is broken; a browser left over from a crash would show here too."),
    )
}

fn claim(patient: &Patient) -> Option<DoctorFinding> {
    if !patient.exists() {
        return None;
    }
    let configured = patient.config.gateway.port;
    match &patient.entry {
        None => Some(
            DoctorFinding::warning(
                SUBJECT,
                "ports.not-registered",
                format!("{} is not in the register of profiles.", patient.name()),
            )
            .why("A profile that is set up later could be given the same ports.")
            .safe_fix("enter it with the ports that it has", Remedy::Register),
        ),
        Some(entry) if configured.is_some_and(|port| port != entry.base_port) => Some(
            DoctorFinding::warning(
                SUBJECT,
                "ports.claim-differs",
                format!(
                    "The register has {} for {}, the configuration {}.",
                    entry.base_port,
                    patient.name(),
                    configured.unwrap_or_default()
                ),
            )
            .why("A profile that is set up later could be given the ports that this one uses.")
            .safe_fix("enter the ports of the configuration", Remedy::Register),
        ),
        Some(_) => None,
    }
}
