//! The file tools and their wall.

use std::path::Path;

use bulkhead_agent::workspace::{PROMPT_FILES, Workspace, ensure_templates};
use bulkhead_agent::{ToolContext, ToolOutput};
use serde_json::{Value, json};

use crate::support::{tools, workspace};

async fn call(workspace: &Workspace, tool: &str, args: Value) -> ToolOutput {
    tools(workspace).call(&ToolContext::default(), tool, args).await
}

#[tokio::test]
async fn files_are_written_read_changed_and_listed() {
    let (_folder, workspace) = workspace(&[]);
    let made = call(&workspace, "write", json!({"path": "notes/a.md", "content": "one\ntwo\nthree\n"})).await;
    assert_eq!(made, ToolOutput::ok("made notes/a.md (14 bytes)"));
    assert_eq!(call(&workspace, "read", json!({"path": "notes/a.md"})).await.text, "one\ntwo\nthree\n");
    let part = call(&workspace, "read", json!({"path": "./notes/a.md", "offset": 2, "limit": 1})).await.text;
    assert_eq!(part, "two\n[lines 2–2 of 3; go on with offset 3]");
    let changed =
        call(&workspace, "edit", json!({"path": "notes/a.md", "oldText": "two", "newText": "2"})).await;
    assert_eq!(changed, ToolOutput::ok("changed notes/a.md (1 place)"));
    assert_eq!(call(&workspace, "ls", json!({})).await.text, "notes/");
    let absolute = workspace.root().join("notes/a.md");
    assert_eq!(call(&workspace, "read", json!({"path": absolute})).await.text, "one\n2\nthree\n");
    let left: Vec<_> = std::fs::read_dir(workspace.root().join("notes")).unwrap().collect();
    assert_eq!(left.len(), 1, "no temporary files are left");
}

#[tokio::test]
async fn an_unclear_edit_changes_nothing() {
    let (_folder, workspace) = workspace(&[("a", "x x")]);
    for (old, expected) in [("x", "occurs 2 times"), ("y", "does not occur"), ("", "oldText is empty")] {
        let refused = call(&workspace, "edit", json!({"path": "a", "oldText": old, "newText": "z"})).await;
        assert!(refused.is_error && refused.text.contains(expected), "{}", refused.text);
    }
    assert_eq!(std::fs::read_to_string(workspace.root().join("a")).unwrap(), "x x");
    let all = json!({"path": "a", "oldText": "x", "newText": "z", "replaceAll": true});
    assert!(!call(&workspace, "edit", all).await.is_error);
    assert_eq!(std::fs::read_to_string(workspace.root().join("a")).unwrap(), "z z");
}

#[tokio::test]
async fn nothing_outside_is_reached() {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), "SECRET").unwrap();
    let (_folder, workspace) = workspace(&[("in/file", "x")]);
    let absolute = outside.path().join("secret");
    for path in [
        "../secret",
        "in/../../secret",
        "/etc/passwd",
        "~/secret",
        "..",
        "in/..//../x",
        absolute.to_str().unwrap(),
        "a\0b",
    ] {
        for (tool, args) in [
            ("read", json!({"path": path})),
            ("write", json!({"path": path, "content": "x"})),
            ("edit", json!({"path": path, "oldText": "SECRET", "newText": "x"})),
            ("ls", json!({"path": path})),
        ] {
            let output = call(&workspace, tool, args).await;
            // `~` is an ordinary name: it is made inside.
            let inside = path.starts_with('~') && tool == "write";
            assert!(output.is_error || inside, "{tool} {path}: {}", output.text);
            assert!(!output.text.contains("SECRET"));
        }
    }
    assert_eq!(std::fs::read_to_string(absolute).unwrap(), "SECRET");
}

#[cfg(unix)]
#[tokio::test]
async fn links_do_not_lead_out() {
    use std::os::unix::fs::symlink;
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), "SECRET").unwrap();
    let (_folder, workspace) = workspace(&[("real.txt", "inside")]);
    let root = workspace.root();
    symlink(outside.path(), root.join("out")).unwrap();
    symlink(outside.path().join("secret"), root.join("leak")).unwrap();
    symlink(outside.path().join("new"), root.join("dangling")).unwrap();
    symlink("../../../../../../etc/passwd", root.join("relative")).unwrap();
    symlink("real.txt", root.join("fine")).unwrap();
    symlink("loop", root.join("loop")).unwrap();
    for path in ["out/secret", "leak", "dangling", "relative", "out/new", "out/deep/new", "loop"] {
        for (tool, args) in [
            ("read", json!({"path": path})),
            ("write", json!({"path": path, "content": "overwritten"})),
            ("edit", json!({"path": path, "oldText": "SECRET", "newText": "x"})),
        ] {
            let output = call(&workspace, tool, args).await;
            assert!(output.is_error, "{tool} {path}: {}", output.text);
            assert!(!output.text.contains("SECRET") && !output.text.contains("root:"));
        }
    }
    assert!(call(&workspace, "ls", json!({"path": "out"})).await.is_error);
    assert_eq!(std::fs::read_to_string(outside.path().join("secret")).unwrap(), "SECRET");
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1);
    assert_eq!(call(&workspace, "read", json!({"path": "fine"})).await.text, "inside");
    call(&workspace, "write", json!({"path": "fine", "content": "changed"})).await;
    assert_eq!(std::fs::read_to_string(root.join("real.txt")).unwrap(), "changed");
    assert!(root.join("fine").is_symlink());
}

#[cfg(unix)]
#[tokio::test]
async fn pipes_and_devices_are_no_files() {
    let (_folder, workspace) = workspace(&[]);
    let pipe = workspace.root().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let output = call(&workspace, "read", json!({"path": "pipe"})).await;
    assert!(output.text.contains("pipe or socket"), "{}", output.text);
    assert!(call(&workspace, "write", json!({"path": "pipe", "content": "x"})).await.is_error);
}

#[tokio::test]
async fn what_belongs_to_others_is_out_of_reach_even_inside() {
    let state = tempfile::tempdir().unwrap();
    for place in ["workspace-rescue", "workspace-rescued", "logs"] {
        std::fs::create_dir(state.path().join(place)).unwrap();
        std::fs::write(state.path().join(place).join("AGENTS.md"), "THEIRS").unwrap();
    }
    std::fs::write(state.path().join("bulkhead.sqlite"), "THEIRS").unwrap();
    let foreign = [
        state.path().join("workspace-rescue"),
        state.path().join("bulkhead.sqlite"),
        state.path().join("logs"),
    ];
    let workspace = Workspace::open(state.path(), &foreign).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("workspace-rescue", state.path().join("alias")).unwrap();
    for path in [
        "workspace-rescue/AGENTS.md",
        "workspace-rescued/../workspace-rescue/AGENTS.md",
        "alias/AGENTS.md",
        "bulkhead.sqlite",
        "logs",
    ] {
        let output = call(&workspace, "read", json!({"path": path})).await;
        assert!(output.is_error && !output.text.contains("THEIRS"), "{path}: {}", output.text);
        assert!(call(&workspace, "write", json!({"path": path, "content": "x"})).await.is_error, "{path}");
    }
    // Compared by component: a longer name is another place.
    assert_eq!(call(&workspace, "read", json!({"path": "workspace-rescued/AGENTS.md"})).await.text, "THEIRS");
    let listed = call(&workspace, "ls", json!({})).await.text;
    assert!(!listed.contains("workspace-rescue/") && !listed.contains("sqlite"), "{listed}");
    assert_eq!(
        Workspace::open(state.path(), &[state.path().to_owned()]).unwrap_err().code(),
        "workspace-unusable"
    );
}

#[tokio::test]
async fn sizes_are_bounded() {
    let (folder, workspace) = workspace(&[("long.txt", &"line\n".repeat(100_000)), ("binary", "x")]);
    std::fs::write(folder.path().join("binary"), [0xff, 0xfe, 0]).unwrap();
    let text = call(&workspace, "read", json!({"path": "long.txt"})).await.text;
    assert!(text.len() < 64 * 1024 && text.contains("of 100000; go on with offset"), "{}", text.len());
    assert!(call(&workspace, "read", json!({"path": "binary"})).await.text.contains("not UTF-8"));
    let huge = std::fs::File::create(folder.path().join("huge")).unwrap();
    huge.set_len(1 << 40).unwrap();
    assert!(call(&workspace, "read", json!({"path": "huge"})).await.text.contains("1099511627776 bytes"));
    let refused =
        call(&workspace, "write", json!({"path": "w", "content": "x".repeat(5 * 1024 * 1024)})).await;
    assert!(refused.is_error);
    for index in 0..600 {
        std::fs::write(folder.path().join(format!("f{index}")), "").unwrap();
    }
    assert!(call(&workspace, "ls", json!({})).await.text.ends_with("[500 of 603 shown]"));
}

#[tokio::test]
async fn a_rewritten_file_keeps_its_permissions() {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let (folder, workspace) = workspace(&[("script", "old")]);
        let path = folder.path().join("script");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o750)).unwrap();
        call(&workspace, "write", json!({"path": "script", "content": "new"})).await;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o750);
    }
}

#[test]
fn templates_fill_a_new_workspace_only() {
    let folder = tempfile::tempdir().unwrap();
    let fresh = folder.path().join("deep/workspace");
    ensure_templates(&fresh).unwrap();
    for name in PROMPT_FILES {
        assert!(fresh.join(name).is_file(), "{name}");
    }
    std::fs::remove_file(fresh.join("SOUL.md")).unwrap();
    std::fs::write(fresh.join("AGENTS.md"), "mine").unwrap();
    ensure_templates(&fresh).unwrap();
    assert!(!fresh.join("SOUL.md").exists());
    assert_eq!(std::fs::read_to_string(fresh.join("AGENTS.md")).unwrap(), "mine");
    let error = ensure_templates(&Path::new("/proc/nowhere/x").join("y")).unwrap_err();
    assert!(error.to_string().contains("/proc/nowhere"), "{error}");
}
