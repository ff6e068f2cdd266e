//! Its program: Node and the package. Is it there, does it start, is it being replaced just now?

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use bulkhead_process::ProcessIdentity;
use bulkhead_profile::{Environment, files};

use crate::observation::BinarySeen;
use crate::probe::{Target, look_at_service};

/// The script of the package.
const SCRIPT: &str = "openclaw.mjs";
const PATIENCE: Duration = Duration::from_secs(15);

/// How it is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Program {
    /// Node, or whatever runs the script.
    pub(crate) node: PathBuf,
    /// The script.
    pub(crate) script: PathBuf,
}

impl Program {
    /// As a running process shows it: by its command line, or (OpenClaw writes a title over that) by what it has loaded.
    pub(crate) fn of(identity: &ProcessIdentity, words: &[String]) -> Option<Self> {
        let named =
            words.iter().skip(1).map(PathBuf::from).find(|word| word.is_absolute() && is_script(word));
        let script = named.or_else(|| Some(package_among(&mapped_files(identity.pid))?.join(SCRIPT)))?;
        Some(Self { node: identity.exe_path.clone(), script })
    }

    /// As its service starts it.
    async fn of_unit(unit: &str) -> Option<Self> {
        let service = look_at_service(unit).await?;
        let script = PathBuf::from(service.script?);
        is_script(&script).then_some(())?;
        Some(Self { node: PathBuf::from(service.program?), script })
    }

    /// As the search path leads to it.
    pub(crate) fn found(env: &Environment) -> Option<Self> {
        let path = env.var("PATH")?;
        let find = |name: &str| {
            let found = std::env::split_paths(path).map(|dir| dir.join(name)).find(|path| path.is_file())?;
            Some(files::canonical(&found))
        };
        Some(Self { node: find("node").unwrap_or_else(|| PathBuf::from("node")), script: find("openclaw")? })
    }

    /// The package that the script belongs to: the nearest directory above it that is called `openclaw`.
    fn package(&self) -> PathBuf {
        let dirs = self.script.ancestors().skip(1);
        let named = dirs.into_iter().find(|dir| dir.file_name().is_some_and(|name| name == "openclaw"));
        named.or(self.script.parent()).unwrap_or(Path::new("/")).to_owned()
    }
}

/// The package that mapped files (its native modules, in it or beside it) belong to.
fn package_among(files: &str) -> Option<PathBuf> {
    let within =
        |path: &str, part: &str| path.find(part).map(|at| PathBuf::from(&path[..at]).join("node_modules"));
    files.lines().find_map(|line| {
        let path = &line[line.find('/')?..];
        let modules =
            within(path, "/node_modules/openclaw/").or_else(|| within(path, "/node_modules/@openclaw/"))?;
        Some(modules.join("openclaw"))
    })
}

fn mapped_files(pid: u32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default()
}

fn is_script(path: &Path) -> bool {
    path.extension().is_some_and(|ext| ext == "js" || ext == "mjs" || ext == "cjs")
        || path.file_name().is_some_and(|name| name == "openclaw")
}

/// Whether a process is an OpenClaw gateway, by its own title or its command line.
pub(crate) fn is_gateway(identity: &ProcessIdentity, words: &[String]) -> bool {
    let first = words.first().map(String::as_str).unwrap_or_default();
    let titled = first.starts_with("openclaw");
    let by_script = words.iter().skip(1).take(4).any(|word| word.contains("openclaw"));
    let interpreter = ["node", "bun", "deno"].iter().any(|name| identity.program().starts_with(name));
    interpreter && (titled || by_script)
}

/// Looks whether it is there; with `try_it` also whether it starts at all. `None` if nobody knows where it should be.
pub(crate) async fn look_at_program(
    target: &Target,
    known: Option<Program>,
    try_it: bool,
) -> Option<BinarySeen> {
    let by_unit = match (&known, &target.unit) {
        (None, Some(unit)) => Program::of_unit(unit).await,
        _ => None,
    };
    let program = known.or(by_unit).or_else(|| Program::found(&target.env))?;
    let missing = |what: String| Some(BinarySeen::Missing { what, node: true });
    if program.node.is_absolute() && !program.node.exists() {
        return missing(program.node.display().to_string());
    }
    let package = program.package();
    let manifest = package.join("package.json");
    if !program.script.is_file() || !manifest.is_file() {
        return if is_being_replaced(&package) {
            Some(BinarySeen::Updating)
        } else {
            missing(format!("the package in {}", package.display()))
        };
    }
    if try_it && let Err(why) = starts(&program, target).await {
        return missing(why);
    }
    let version = files::read_limited(&manifest, 1024 * 1024).ok().and_then(|bytes| {
        let manifest: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
        Some(manifest.get("version")?.as_str()?.to_owned())
    });
    Some(BinarySeen::Present { version })
}

/// npm moves the old package aside, to `.openclaw-XXXXXXXX`, while it puts the new one in its place.
fn is_being_replaced(package: &Path) -> bool {
    let Some(entries) = package.parent().and_then(|dir| std::fs::read_dir(dir).ok()) else { return false };
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with(".openclaw-"))
}

/// Whether `openclaw --version` works; the error says what is missing.
async fn starts(program: &Program, target: &Target) -> Result<(), String> {
    let mut command = tokio::process::Command::new(&program.node);
    command
        .arg(&program.script)
        .arg("--version")
        .env("HOME", &target.env.home)
        .env_remove("OPENCLAW_STATE_DIR")
        .env_remove("OPENCLAW_CONFIG_PATH")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    match tokio::time::timeout(PATIENCE, command.output()).await {
        // A slow machine is no broken one.
        Err(_) => Ok(()),
        Ok(Err(error)) => Err(format!("{} does not start: {error}", program.node.display())),
        Ok(Ok(output)) if output.status.success() => Ok(()),
        Ok(Ok(output)) => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let line = said.lines().find(|line| line.contains("Error") || line.contains("Cannot find"));
            let line = line.or_else(|| said.lines().next()).unwrap_or("it ends at once");
            Err(super::mask::mask(&crate::alert::text::shorten(line.trim(), 200)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(home: &Path) -> Target {
        let env = Environment::for_test(home).with_var("PATH", &home.join("bin").display().to_string());
        let mut target = Target::openclaw(&bulkhead_config::WatchedMain::default(), &env);
        target.unit = None;
        target
    }

    fn install(home: &Path) -> Program {
        let package = home.join("lib/node_modules/openclaw");
        std::fs::create_dir_all(&package).unwrap();
        std::fs::write(package.join("openclaw.mjs"), "").unwrap();
        std::fs::write(package.join("package.json"), "{\"version\":\"2026.9.6\"}").unwrap();
        Program { node: "/bin/sh".into(), script: package.join("openclaw.mjs") }
    }

    #[test]
    fn the_package_is_known_by_what_is_loaded() {
        let maps = "7f00-7f10 r-xp 00000000 fe:00 42 /usr/bin/node\n7f20-7f30 r--p 00000000 fe:00 43 /opt/lib/node_modules/openclaw/node_modules/x/y.node\n";
        assert_eq!(package_among(maps), Some("/opt/lib/node_modules/openclaw".into()));
        let beside = "7f20-7f30 r--p 0 fe:00 43 /opt/x/node_modules/@openclaw/fs-safe/fs-safe.node\n";
        assert_eq!(package_among(beside), Some("/opt/x/node_modules/openclaw".into()));
        assert_eq!(package_among("7f00-7f10 r-xp 00000000 00:00 0\n"), None);
    }

    #[tokio::test]
    async fn present_updating_missing() {
        let dir = tempfile::tempdir().unwrap();
        let program = install(dir.path());
        let look = async |program: &Program| {
            look_at_program(&target(dir.path()), Some(program.clone()), false).await
        };
        assert_eq!(look(&program).await, Some(BinarySeen::Present { version: Some("2026.9.6".to_owned()) }));
        let package = program.package();
        std::fs::rename(&package, package.with_file_name(".openclaw-AbCd1234")).unwrap();
        assert_eq!(look(&program).await, Some(BinarySeen::Updating));
        std::fs::remove_dir_all(package.with_file_name(".openclaw-AbCd1234")).unwrap();
        assert!(matches!(look(&program).await, Some(BinarySeen::Missing { node: true, .. })));
        let no_node = Program { node: dir.path().join("node"), ..program };
        assert!(
            matches!(look(&no_node).await, Some(BinarySeen::Missing { what, .. }) if what.ends_with("/node"))
        );
        assert_eq!(look_at_program(&target(dir.path()), None, false).await, None);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn one_that_is_there_and_does_not_start_is_told_by_its_own_words() {
        let dir = tempfile::tempdir().unwrap();
        let program = install(dir.path());
        std::fs::write(&program.script, "echo \"Error: Cannot find module 'ws'\" >&2; exit 1").unwrap();
        let seen = look_at_program(&target(dir.path()), Some(program), true).await;
        assert_eq!(
            seen,
            Some(BinarySeen::Missing { what: "Error: Cannot find module 'ws'".to_owned(), node: true })
        );
    }
}
