//! Who may do what, once: nonces and the check of every request. Pure; what is refused is for the audit log.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::request::{Ask, ChatKind, IssuedNonce, Nonce, Refusal, RefusalKind, RemedyKind, RemedyRequest};
use crate::incident::IncidentId;

/// How long a button works. Open incidents get fresh buttons before that.
pub(crate) const LIFETIME_MS: u64 = 30 * 60 * 1000;
/// A second tap has to come soon.
const CONFIRMATION_MS: u64 = 2 * 60 * 1000;
/// Used nonces are remembered for a day, so that a replay can be told from a guess.
const REMEMBERED_MS: u64 = 24 * 3600 * 1000;
/// More nonces than this are never kept.
const MOST: usize = 2000;

/// What a request is held against.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// `rescue.operators`.
    pub operators: &'a BTreeSet<String>,
    /// The open incident.
    pub incident: Option<&'a IncidentId>,
    /// The watched configuration now.
    pub config_hash: Option<&'a str>,
    /// The remedy that is under way.
    pub under_way: Option<RemedyKind>,
    /// Milliseconds since 1970.
    pub now_ms: u64,
}

/// A request that may go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// The remedy.
    pub remedy: RemedyKind,
    /// Whether it was confirmed; a destructive one that was not has to be asked about first.
    pub confirmed: bool,
    /// The version to go back to.
    pub version: Option<String>,
    /// The nonce that was used up, to be kept.
    pub spent: Option<IssuedNonce>,
}

impl Admitted {
    /// Whether a second tap has to come first.
    pub fn needs_confirmation(&self) -> bool {
        self.remedy.is_destructive() && !self.confirmed
    }
}

/// The gate.
#[derive(Debug, Clone, Default)]
pub struct Gate {
    nonces: BTreeMap<Nonce, IssuedNonce>,
    requests: VecDeque<String>,
}

impl Gate {
    /// Takes back what an earlier run of this gateway issued.
    pub fn restore(&mut self, nonces: impl IntoIterator<Item = IssuedNonce>) {
        self.nonces.extend(nonces.into_iter().map(|issued| (issued.nonce.clone(), issued)));
    }

    /// Issues a nonce for one operator; `None` when the system has no randomness.
    pub fn issue(
        &mut self,
        remedy: RemedyKind,
        operator: &str,
        confirmed: bool,
        at: &Circumstances<'_>,
    ) -> Option<IssuedNonce> {
        self.sweep(at.now_ms);
        let lifetime = if confirmed { CONFIRMATION_MS } else { LIFETIME_MS };
        let issued = IssuedNonce {
            nonce: Nonce::generate()?,
            incident: at.incident.cloned(),
            remedy,
            operator: operator.to_owned(),
            config_hash: at.config_hash.map(str::to_owned),
            confirmed,
            expires_ms: at.now_ms.saturating_add(lifetime),
            used_ms: None,
        };
        self.nonces.insert(issued.nonce.clone(), issued.clone());
        Some(issued)
    }

    /// Checks a request and uses up its nonce.
    pub fn admit(&mut self, request: &RemedyRequest, at: &Circumstances<'_>) -> Result<Admitted, Refusal> {
        let refuse = |kind, message: &str| Err(Refusal::new(kind, message));
        match request.by.chat {
            ChatKind::Group => {
                return refuse(
                    RefusalKind::NotPrivate,
                    "Remedies work in a private chat with this bot only.",
                );
            }
            ChatKind::Private if !at.operators.contains(&request.by.user) => {
                let message = "You are not an operator here. Operators are added on the machine itself, under rescue.operators.";
                return refuse(RefusalKind::NotAnOperator, message);
            }
            ChatKind::Private | ChatKind::Local => {}
        }
        if self.requests.contains(&request.id) {
            return refuse(RefusalKind::Replayed, "This request was taken already; nothing is done twice.");
        }
        let admitted = match &request.ask {
            Ask::Command { remedy, confirmed, version } => {
                Admitted { remedy: *remedy, confirmed: *confirmed, version: version.clone(), spent: None }
            }
            Ask::Button { data } => self.tapped(request, data, at)?,
        };
        if let Some(other) = at.under_way
            && admitted.remedy.is_repair()
        {
            let message = format!("{} is under way already; wait for what comes of it.", other.label());
            return Err(Refusal::new(RefusalKind::UnderWay, message));
        }
        self.remember(&request.id);
        let mut admitted = admitted;
        if let Some(issued) = &mut admitted.spent {
            issued.used_ms = Some(at.now_ms);
            self.nonces.insert(issued.nonce.clone(), issued.clone());
        }
        Ok(admitted)
    }

    fn tapped(
        &self,
        request: &RemedyRequest,
        data: &str,
        at: &Circumstances<'_>,
    ) -> Result<Admitted, Refusal> {
        let refuse = |kind, message: &str| Err(Refusal::new(kind, message));
        let issued = Nonce::from_tap(data).and_then(|nonce| self.nonces.get(&nonce));
        let Some(issued) = issued else {
            return refuse(
                RefusalKind::UnknownNonce,
                "This button is not known here; use the newest message.",
            );
        };
        if issued.operator != request.by.user {
            return refuse(RefusalKind::OtherOperator, "This button was made for somebody else.");
        }
        if issued.used_ms.is_some() {
            return refuse(RefusalKind::Replayed, "This button was used already; nothing is done twice.");
        }
        if issued.expires_ms <= at.now_ms {
            return refuse(RefusalKind::Expired, "This button is too old; use the newest message.");
        }
        if issued.incident.as_ref() != at.incident {
            return refuse(RefusalKind::OtherIncident, "This button belongs to another incident.");
        }
        if issued.remedy.is_repair() && issued.config_hash.as_deref() != at.config_hash {
            return refuse(
                RefusalKind::ConfigChanged,
                "The configuration was changed since this button was made; look at the message again, then tap.",
            );
        }
        Ok(Admitted {
            remedy: issued.remedy,
            confirmed: issued.confirmed,
            version: None,
            spent: Some(issued.clone()),
        })
    }

    fn remember(&mut self, request: &str) {
        self.requests.push_back(request.to_owned());
        while self.requests.len() > MOST {
            self.requests.pop_front();
        }
    }

    fn sweep(&mut self, now_ms: u64) {
        self.nonces.retain(|_, issued| {
            let last = issued.used_ms.unwrap_or(issued.expires_ms);
            now_ms.saturating_sub(last) < REMEMBERED_MS
        });
        while self.nonces.len() >= MOST {
            let oldest = self.nonces.values().min_by_key(|issued| issued.expires_ms);
            let Some(nonce) = oldest.map(|issued| issued.nonce.clone()) else { return };
            self.nonces.remove(&nonce);
        }
    }
}
