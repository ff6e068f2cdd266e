//! `exec`: only where allowed, bare, bounded, and gone with its run.
#![cfg(unix)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use bulkhead_agent::tools::{Exec, ExecOptions};
use bulkhead_agent::workspace::Workspace;
use bulkhead_agent::{Tool, ToolContext, ToolOutput, ToolSet};
use serde_json::json;

use crate::support::{tools, workspace};

async fn exec(workspace: &Workspace, command: &str) -> ToolOutput {
    let tool = Exec::new(
        workspace.clone(),
        ExecOptions { timeout: Duration::from_millis(500), ..ExecOptions::default() },
    );
    tool.call(&ToolContext::default(), json!({"command": command})).await
}

#[test]
fn it_is_there_only_when_enabled_and_never_for_channels() {
    let (_folder, workspace) = workspace(&[]);
    let has = |enabled, channel| {
        tools(&workspace).with_exec(&workspace, enabled, channel).names().any(|name| name == "exec")
    };
    assert!(has(true, false));
    assert!(!has(false, false) && !has(true, true) && !has(false, true));
    assert_eq!(ToolSet::default().names().count(), 0);
}

#[tokio::test]
async fn output_and_status_are_told() {
    let (_folder, workspace) = workspace(&[("a.txt", "hello")]);
    assert_eq!(exec(&workspace, "cat a.txt").await, ToolOutput::ok("hello\n"));
    assert_eq!(exec(&workspace, "true").await, ToolOutput::ok("(no output)"));
    let failed = exec(&workspace, "echo out; echo err >&2; exit 3").await;
    assert!(
        failed.is_error && failed.text.contains("out\n[stderr]\nerr\n") && failed.text.contains('3'),
        "{}",
        failed.text
    );
    assert_eq!(exec(&workspace, "cat").await, ToolOutput::ok("(no output)"), "no input");
}

#[tokio::test]
async fn the_environment_is_bare() {
    let (_folder, workspace) = workspace(&[]);
    let text = exec(&workspace, "env").await.text;
    for line in text.lines() {
        let name = line.split('=').next().unwrap();
        // The shell itself sets PWD, SHLVL and `_`.
        assert!(["PATH", "HOME", "LANG", "PWD", "SHLVL", "_", "OLDPWD"].contains(&name), "{line}");
    }
    assert!(text.contains("PATH="));
}

#[tokio::test]
async fn long_output_keeps_its_beginning_and_end() {
    let (_folder, workspace) = workspace(&[]);
    let text = exec(&workspace, "echo first; seq 1 100000; echo last").await.text;
    assert!(text.starts_with("first\n1\n") && text.ends_with("100000\nlast\n"), "{} bytes", text.len());
    assert!(text.contains("bytes left out") && text.len() < 40_000);
}

fn lives(pid: &str) -> bool {
    // A zombie is dead; only its parent has not noticed.
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with('Z'))
}

async fn wait_for_death(pid: &str) {
    let started = Instant::now();
    while lives(pid) {
        assert!(started.elapsed() < Duration::from_secs(10), "process {pid} still lives");
        tokio::task::yield_now().await;
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_command_that_takes_too_long_is_killed_with_its_children() {
    let (folder, workspace) = workspace(&[]);
    let output = exec(&workspace, "sleep 1000 & echo $! > pid; echo begun; sleep 1000").await;
    assert!(
        output.is_error && output.text.starts_with("begun\n") && output.text.contains("killed after"),
        "{}",
        output.text
    );
    wait_for_death(std::fs::read_to_string(folder.path().join("pid")).unwrap().trim()).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_a_command_leaves_behind_is_killed() {
    let (folder, workspace) = workspace(&[]);
    let output = exec(&workspace, "sleep 1000 & echo $! > pid; echo done").await;
    assert_eq!(output, ToolOutput::ok("done\n"));
    wait_for_death(std::fs::read_to_string(folder.path().join("pid")).unwrap().trim()).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_aborted_run_takes_the_whole_group_with_it() {
    let (folder, workspace) = workspace(&[]);
    let pipe = folder.path().join("ready");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let tool = Arc::new(Exec::new(workspace, ExecOptions::default()));
    let task = tokio::spawn(async move {
        let command = "sleep 1000 & echo $! > pid; echo > ready; sleep 1000";
        tool.call(&ToolContext::default(), json!({"command": command})).await
    });
    tokio::task::spawn_blocking(move || std::fs::read(pipe).unwrap()).await.unwrap();
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    wait_for_death(std::fs::read_to_string(folder.path().join("pid")).unwrap().trim()).await;
}
