//! `bulkhead backup …`

use std::path::Path;

use bulkhead_config::ConfigError;
use bulkhead_profile::{Place, PlaceFlags, ProfileName, RegisterError};
use bulkhead_setup::World;
use bulkhead_setup::backup::{
    self, Archive, BackupError, BackupOptions, BackupReport, LeftOut, RestoreOptions, Restored,
};
use serde_json::json;

use super::{DONE, setup};
use crate::context::Context;
use crate::error::{CONFIGURATION, FAILED, Failure};
use crate::grammar::backup::BackupCommand;
use crate::output::{Output, paint, table};

pub fn run(command: &BackupCommand, context: &Context) -> Result<u8, Failure> {
    match command {
        BackupCommand::Create { output } => {
            let place = context.place()?;
            let report = make(context, &place, output.as_deref())?;
            context.out.result(&json!({ "ok": true, "backup": report }), || created(&report));
            Ok(DONE)
        }
        BackupCommand::Verify { file } => verify(context, file),
        BackupCommand::Restore { file, force } => restore(context, file, *force),
    }
}

/// Makes a backup of a place.
pub fn make(context: &Context, place: &Place, output: Option<&Path>) -> Result<BackupReport, Failure> {
    let world = World::of_this_machine(setup::surroundings(context));
    let options = BackupOptions { output: output.map(Path::to_owned) };
    Ok(backup::create(&world, place, &options)?)
}

fn created(report: &BackupReport) -> String {
    let mut pairs = vec![
        ("file", report.path.display().to_string()),
        ("size", table::bytes(report.size)),
        ("content", format!("{} files, {}", report.files, table::bytes(report.bytes))),
    ];
    if !report.secrets.is_empty() {
        pairs.push(("secrets", format!("not in it: {}", report.secrets.join(", "))));
    }
    let mut text =
        format!("{} of {}\n{}", paint::good("backup"), paint::strong(&report.profile), table::pairs(&pairs));
    text.push_str(&left_out(&report.left_out));
    text.push_str(&format!(
        "\n  {}     `bulkhead backup verify {}`",
        paint::dim("check"),
        report.path.display()
    ));
    text
}

fn left_out(left_out: &[LeftOut]) -> String {
    const MOST: usize = 12;
    let mut text = String::new();
    for one in left_out.iter().take(MOST) {
        text.push_str(&format!("\n  {}  {}: {}", paint::dim("left out"), one.path, one.reason));
    }
    if left_out.len() > MOST {
        text.push_str(&format!(
            "\n  {}  {} more; --json lists all",
            paint::dim("left out"),
            left_out.len() - MOST
        ));
    }
    text
}

fn verify(context: &Context, file: &Path) -> Result<u8, Failure> {
    let archive = Archive::open(file)?;
    let manifest = archive.manifest();
    let result = json!({
        "ok": true, "file": file, "profile": manifest.profile, "createdAt": manifest.created_at, "version": manifest.version,
        "files": manifest.files(), "bytes": manifest.bytes(), "secrets": manifest.secrets, "leftOut": manifest.left_out,
    });
    context.out.result(&result, || {
        format!(
            "{} {}: {} of {}, made {} by Bulkhead {}, {} files, {}",
            paint::good("whole"),
            file.display(),
            "backup",
            paint::strong(&manifest.profile),
            manifest.created_at,
            manifest.version,
            manifest.files(),
            table::bytes(manifest.bytes())
        )
    });
    Ok(DONE)
}

fn restore(context: &Context, file: &Path, force: bool) -> Result<u8, Failure> {
    let archive = Archive::open(file)?;
    let name = match context.global.explicit() {
        Some(name) => name,
        None => ProfileName::parse(&archive.manifest().profile)?,
    };
    let flags = PlaceFlags {
        state_dir: context.global.state_dir.clone(),
        config_path: context.global.config_path.clone(),
    };
    let place = Place::resolve_with(Some(&name), &flags, &context.env)?;
    let world = World::of_this_machine(setup::surroundings(context));
    let restored = backup::restore(&world, &archive, &place, RestoreOptions { force })?;
    context.out.result(&json!({ "ok": true, "restored": restored }), || told(context.out, &restored));
    Ok(DONE)
}

fn told(_: Output, restored: &Restored) -> String {
    let mut pairs = vec![
        ("made", restored.created_at.clone()),
        ("content", format!("{} files", restored.files)),
        ("state", restored.state_dir.display().to_string()),
        ("workspace", restored.workspace.display().to_string()),
        ("port", restored.base_port.to_string()),
    ];
    pairs.extend(
        restored.kept.iter().map(|kept| ("kept", format!("what was there before is in {}", kept.display()))),
    );
    pairs.extend(restored.changes.iter().map(|change| ("changed", change.clone())));
    if !restored.secrets.is_empty() {
        pairs.push(("secrets", format!("never in a backup; it refers to {}", restored.secrets.join(", "))));
    }
    let profile =
        if restored.profile == "main" { String::new() } else { format!(" --profile {}", restored.profile) };
    format!(
        "{} {}\n{}\n  {}       `bulkhead{profile} doctor` says which secrets are missing and what else is to be done",
        paint::strong(&restored.profile),
        paint::good("is restored"),
        table::pairs(&pairs),
        paint::dim("next")
    )
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        // What may pass by itself (a lock, a disk) is no fault of the configuration.
        let passing = matches!(
            &error,
            BackupError::Config(ConfigError::Busy { .. } | ConfigError::Write { .. })
                | BackupError::Register(RegisterError::Io { .. } | RegisterError::Busy { .. })
        );
        let configuration = matches!(
            &error,
            BackupError::Place(_)
                | BackupError::Newer { .. }
                | BackupError::Config(_)
                | BackupError::Register(_)
        );
        let exit = if configuration && !passing { CONFIGURATION } else { FAILED };
        Self::new(exit, error.code().to_owned(), error.to_string())
    }
}
