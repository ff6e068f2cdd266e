//! Main and rescue without a desktop: created if there are none, then supervised in the foreground.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

const PROFILES: [&str; 2] = ["main", "rescue"];

/// Answers for profiles that don't exist yet. Flags that take a secret also take `@FILE`.
#[derive(clap::Args)]
pub struct Profiles {
    /// Provider of the model: `custom`, `openai`, `anthropic` or `ollama`.
    #[arg(long, value_name = "NAME")]
    model_provider: Option<String>,
    /// Base URL of a custom model endpoint.
    #[arg(long, value_name = "URL")]
    model_base_url: Option<String>,
    /// Model name at the provider.
    #[arg(long, value_name = "ID")]
    model_id: Option<String>,
    /// API key of the provider; also from the environment.
    #[arg(long, value_name = "KEY", env = "MODEL_API_KEY", hide_env_values = true)]
    model_api_key: Option<String>,
    /// Wire format of a custom endpoint.
    #[arg(long, value_name = "openai|anthropic|ollama", default_value = "openai")]
    model_api: String,
    /// Set up without a model now.
    #[arg(long)]
    no_model: bool,
    /// Token of main's Telegram bot.
    #[arg(long, value_name = "TOKEN", env = "MAIN_TELEGRAM_BOT_TOKEN", hide_env_values = true)]
    main_telegram_bot_token: Option<String>,
    /// Token of rescue's own Telegram bot.
    #[arg(long, value_name = "TOKEN", env = "RESCUE_TELEGRAM_BOT_TOKEN", hide_env_values = true)]
    rescue_telegram_bot_token: Option<String>,
    /// Set up without Telegram now.
    #[arg(long)]
    no_telegram: bool,
    /// Root of the Bot API, for an own Bot API server.
    #[arg(long, value_name = "URL")]
    telegram_api_root: Option<String>,
    /// Where credentials go. `file` is readable only by you, but not encrypted.
    #[arg(long, value_name = "keychain|file|env", default_value = "keychain")]
    secrets: String,
    /// Don't ask, even on a terminal.
    #[arg(long)]
    non_interactive: bool,
}

pub fn run(args: &Profiles, bulkhead: &Path) -> Result<()> {
    let existing = existing(bulkhead)?;
    let missing: Vec<&str> =
        PROFILES.into_iter().filter(|name| !existing.iter().any(|(have, _)| have == name)).collect();
    if !missing.is_empty() {
        if args.non_interactive || !std::io::stdin().is_terminal() {
            create(args, bulkhead, &missing)?;
        } else {
            for name in &missing {
                ask(bulkhead, name)?;
            }
        }
    }
    supervise(bulkhead)
}

/// Names and base ports of the profiles of this machine.
fn existing(bulkhead: &Path) -> Result<Vec<(String, u64)>> {
    let out = Command::new(bulkhead)
        .args(["profiles", "list", "--json"])
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("could not run {}", bulkhead.display()))?;
    if !out.status.success() {
        bail!("`bulkhead profiles list` failed: {}", String::from_utf8_lossy(&out.stderr).trim());
    }
    let list: Value =
        serde_json::from_slice(&out.stdout).context("`bulkhead profiles list --json` is not JSON")?;
    let rows = list.get("profiles").and_then(Value::as_array).cloned().unwrap_or_default();
    let row = |row: &Value| Some((row.get("name")?.as_str()?.to_owned(), row.get("basePort")?.as_u64()?));
    Ok(rows.iter().filter_map(row).collect())
}

fn ask(bulkhead: &Path, name: &str) -> Result<()> {
    eprintln!("▸ setting up the profile {name}");
    let status =
        Command::new(bulkhead).args(["--profile", name, "onboard", "--no-install-daemon"]).status()?;
    if !status.success() {
        bail!("the profile {name} was not set up ({status})");
    }
    Ok(())
}

/// What can't be asked and was not given, as flags.
fn unanswered(args: &Profiles, profiles: &[&str]) -> Vec<String> {
    let mut list = Vec::new();
    if !args.no_model {
        match args.model_provider.as_deref() {
            None if args.model_base_url.is_none() => {
                list.push("--model-provider custom|openai|anthropic|ollama, or --no-model".to_owned());
            }
            Some("custom") if args.model_base_url.is_none() => list.push("--model-base-url URL".to_owned()),
            Some("openai" | "anthropic") if args.model_api_key.is_none() => {
                list.push("--model-api-key KEY (or MODEL_API_KEY in the environment)".to_owned());
            }
            _ => {}
        }
        if list.is_empty() && args.model_id.is_none() {
            list.push("--model-id ID".to_owned());
        }
    }
    if !args.no_telegram {
        for (name, given) in
            [("main", &args.main_telegram_bot_token), ("rescue", &args.rescue_telegram_bot_token)]
        {
            if profiles.contains(&name) && given.is_none() {
                list.push(format!("--{name}-telegram-bot-token TOKEN, or --no-telegram"));
            }
        }
    }
    list
}

fn create(args: &Profiles, bulkhead: &Path, profiles: &[&str]) -> Result<()> {
    let open = unanswered(args, profiles);
    if !open.is_empty() {
        eprintln!(
            "These profiles don't exist yet: {}. There is no terminal to ask on, and these answers are missing:",
            profiles.join(", ")
        );
        for flag in &open {
            eprintln!("    {flag}");
        }
        bail!("repeat with these flags, or run it in a terminal");
    }
    let request = plan(args, profiles)?;
    eprintln!("▸ creating {}", profiles.join(" and "));
    let mut child = Command::new(bulkhead)
        .args(["onboard", "--plan", "-", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("could not run {}", bulkhead.display()))?;
    child.stdin.take().context("no standard input")?.write_all(request.to_string().as_bytes())?;
    let out = child.wait_with_output()?;
    for line in String::from_utf8_lossy(&out.stdout).lines() {
        let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
        let text = |key: &str| line.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        if text("type") == "progress" && text("state") != "running" {
            eprintln!("  {:8} {:10} {}", text("state"), text("step"), text("message"));
        }
    }
    if !out.status.success() {
        bail!("the profiles were not created; the lines above say why");
    }
    Ok(())
}

fn plan(args: &Profiles, profiles: &[&str]) -> Result<Value> {
    let secret = |value: &Option<String>| -> Result<Option<String>> {
        match value.as_deref().and_then(|value| value.strip_prefix('@')) {
            Some(file) => {
                let text = std::fs::read_to_string(file).with_context(|| format!("could not read {file}"))?;
                Ok(Some(text.trim().to_owned()))
            }
            None => Ok(value.clone()),
        }
    };
    let provider = args.model_provider.clone().unwrap_or_else(|| "custom".to_owned());
    let api = match provider.as_str() {
        "anthropic" | "ollama" | "openai" => provider.clone(),
        _ => args.model_api.clone(),
    };
    let model = if args.no_model {
        Value::Null
    } else {
        json!({ "provider": provider, "api": api, "baseUrl": args.model_base_url, "modelId": args.model_id,
                "apiKey": secret(&args.model_api_key)? })
    };
    let mut rows = Vec::new();
    for name in profiles {
        let token =
            if *name == "main" { &args.main_telegram_bot_token } else { &args.rescue_telegram_bot_token };
        let telegram = match secret(token)? {
            Some(token) if !args.no_telegram => {
                json!({ "botToken": token, "apiRoot": args.telegram_api_root })
            }
            _ => Value::Null,
        };
        rows.push(json!({ "name": name, "owner": "external", "telegram": telegram }));
    }
    Ok(json!({ "version": 1, "action": "create",
               "plan": { "secrets": args.secrets, "model": model, "profiles": rows } }))
}

/// Both supervisors in the foreground: Ctrl-C reaches them through the terminal, and each ends its gateway. They also
/// end when this program does, however that happens: the pipe to their standard input closes with it.
fn supervise(bulkhead: &Path) -> Result<()> {
    let mut children: Vec<(&str, Child, Option<ChildStdin>)> = Vec::new();
    for name in PROFILES {
        let mut child = Command::new(bulkhead)
            .args(["--profile", name, "gateway", "supervise", "--until-stdin-ends"])
            .stdin(Stdio::piped())
            .spawn()
            .with_context(|| format!("could not start the supervisor of {name}"))?;
        // Taken out, because waiting for a child closes what it still holds.
        let alive = child.stdin.take();
        children.push((name, child, alive));
    }
    for (name, port) in existing(bulkhead)?.into_iter().filter(|(name, _)| PROFILES.contains(&name.as_str()))
    {
        eprintln!(
            "  chat with {name}: http://127.0.0.1:{port}/ (logged in: `bulkhead --profile {name} dashboard`)"
        );
    }
    let mut failed = Vec::new();
    for (name, child, _alive) in &mut children {
        let status = child.wait()?;
        if !status.success() && status.code().is_some() {
            failed.push(format!("{name} ({status})"));
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("ended with a failure: {}", failed.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        profiles: Profiles,
    }

    fn parse(words: &[&str]) -> Profiles {
        Line::parse_from([&["xtask"], words].concat()).profiles
    }

    #[test]
    fn everything_that_is_missing_is_listed_as_flags() {
        let open = unanswered(&parse(&[]), &["main", "rescue"]);
        assert_eq!(open.len(), 3, "{open:?}");
        assert!(open[0].contains("--model-provider"));
        assert!(open[2].contains("--rescue-telegram-bot-token"));
    }

    #[test]
    fn a_complete_line_leaves_nothing_open() {
        let args = parse(&["--model-base-url", "http://127.0.0.1:1/v1", "--model-id", "m", "--no-telegram"]);
        assert!(unanswered(&args, &["main", "rescue"]).is_empty());
    }

    #[test]
    fn a_plan_holds_only_the_missing_profiles() {
        let args = parse(&["--no-model", "--rescue-telegram-bot-token", "2:x"]);
        let plan = plan(&args, &["rescue"]).expect("plan");
        assert_eq!(plan["plan"]["profiles"].as_array().map(Vec::len), Some(1));
        assert_eq!(plan["plan"]["profiles"][0]["telegram"]["botToken"], "2:x");
        assert!(plan["plan"]["model"].is_null());
    }
}
