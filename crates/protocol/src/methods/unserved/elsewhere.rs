//! What is done in another way here.

use super::{Unserved, row};

pub(super) const ROWS: &[Unserved] = &[
    row(
        "What an agent remembers is Markdown in its workspace: there is no index to search, migrate or repair.",
        &[
            "doctor.memory.backfillDreamDiary",
            "doctor.memory.dedupeDreamDiary",
            "doctor.memory.dreamDiary",
            "doctor.memory.repairDreamingArtifacts",
            "doctor.memory.resetDreamDiary",
            "doctor.memory.resetGroundedShortTerm",
            "doctor.memory.status",
            "memory.search",
            "memory.sessionBackfill.apply",
            "memory.sessionBackfill.preview",
            "memory.sessionBackfill.rollback",
            "migrations.memory.apply",
            "migrations.memory.plan",
        ],
    ),
    row(
        "How the web UI looks is kept in the browser.",
        &["themes.get", "themes.import", "themes.list", "themes.set"],
    ),
    row(
        "Sessions of other programs are not listed or taken over; `bulkhead import openclaw` takes over OpenClaw's.",
        &[
            "sessions.catalog.archive",
            "sessions.catalog.continue",
            "sessions.catalog.list",
            "sessions.catalog.read",
            "sessions.catalog.startTerminal",
        ],
    ),
    row(
        "Skills are folders of the workspace, edited there: the library only shows them, and there are no proposals and no curator.",
        &[
            "skills.curator.pin",
            "skills.curator.restore",
            "skills.curator.status",
            "skills.curator.unpin",
            "skills.library.activate",
            "skills.library.import",
            "skills.library.mutate",
            "skills.library.save",
            "skills.library.upload",
            "skills.proposals.apply",
            "skills.proposals.create",
            "skills.proposals.evaluate",
            "skills.proposals.events.list",
            "skills.proposals.historyScan",
            "skills.proposals.historyStatus",
            "skills.proposals.inspect",
            "skills.proposals.list",
            "skills.proposals.quarantine",
            "skills.proposals.reject",
            "skills.proposals.requestRevision",
            "skills.proposals.revise",
            "skills.proposals.update",
            "skills.upload.begin",
            "skills.upload.chunk",
            "skills.upload.commit",
            "skills.workshop.read",
        ],
    ),
    row(
        "Skills are not looked for or installed over the network: put a folder with a SKILL.md into the workspace.",
        &["skills.detail", "skills.install", "skills.search", "skills.securityVerdicts", "skills.skillCard"],
    ),
    row(
        "Keys and services are set up on the machine itself, by `bulkhead onboard` or the app's wizard; wizard.* asks for the rest.",
        &[
            "openclaw.chat",
            "openclaw.chat.history",
            "openclaw.setup.activate",
            "openclaw.setup.activate.start",
            "openclaw.setup.auth.start",
            "openclaw.setup.detect",
            "openclaw.setup.prepare.start",
            "openclaw.setup.verify",
        ],
    ),
    row(
        "What changed is told by `bulkhead config history` and `bulkhead config diff`.",
        &["openclaw.changes.list"],
    ),
    row(
        "Secrets stand in the keychain and are stored and read on the machine itself, never over the protocol.",
        &["secrets.resolve", "secrets.store.delete", "secrets.store.list", "secrets.store.set"],
    ),
    row(
        "Keys of models are given on the machine itself, in the app or by `bulkhead secrets set`, never over the protocol.",
        &[
            "models.authLogin",
            "models.authLogout",
            "models.authOrderSet",
            "models.authRefresh",
            "models.authSetApiKey",
        ],
    ),
    row(
        "The program is updated by its installer, never by its gateway.",
        &["update.hold", "update.report", "update.run", "update.runs.get", "update.runs.list"],
    ),
    row(
        "A gateway is not suspended: its supervisor stops, starts and restarts it.",
        &[
            "gateway.suspend.handoff",
            "gateway.suspend.prepare",
            "gateway.suspend.resume",
            "gateway.suspend.status",
        ],
    ),
    row(
        "Agents read web pages by their tool and have no search engine to test.",
        &["webSearch.status", "webSearch.test"],
    ),
    row(
        "A transcript is read by chat.history; there is no second form of it.",
        &[
            "sessions.get",
            "transcripts.export",
            "transcripts.get",
            "transcripts.list",
            "transcripts.status",
            "transcripts.summarize",
        ],
    ),
    row(
        "What an agent makes stays in its workspace; there is no store of artifacts beside it.",
        &["artifacts.download", "artifacts.get", "artifacts.list", "assistant.media.get"],
    ),
    row(
        "The audit log is read on the machine itself.",
        &["audit.activity.list", "audit.list", "audit.run.inspect"],
    ),
    row(
        "A yes for always stands in the document of exec.approvals.get: it belongs to an agent, not to a job, and is taken away there.",
        &["exec.approval.grants.list", "exec.approval.grants.revoke"],
    ),
    row(
        "A file or folder is opened on the machine itself; config.get and sessions.files.list say where it is.",
        &["config.openFile", "sessions.files.reveal"],
    ),
    row("A browser is driven by the agent's browser tool and by `bulkhead browser`.", &["browser.request"]),
    row(
        "The database takes care of its own size.",
        &["sessions.cleanup", "sessions.storage.run", "sessions.storage.status"],
    ),
    row(
        "Agents work in their workspace: a group of sessions has no folder of its own.",
        &["sessions.groups.update"],
    ),
];
