//! Tells the bundler and the capability checker what the app offers: only commands named here can be granted to a window.

mod build_texts;

#[expect(clippy::expect_used, reason = "a build without its folder ends")]
fn main() {
    let out = std::env::var_os("OUT_DIR")
        .map(std::path::PathBuf::from)
        .expect("cargo tells a build where to write");
    build_texts::write(std::path::Path::new("../ui/messages"), &out);
    let commands = &[
        "announcement_dismiss",
        "app_info",
        "app_quit",
        "app_restart",
        "autostart_get",
        "autostart_set",
        "draft_load",
        "draft_save",
        "gateway_attach",
        "gateway_request",
        "gateway_subscribe",
        "language_set",
        "logs_tail",
        "machine_run",
        "open_external",
        "profile_restart",
        "profile_start",
        "profile_stop",
        "profiles_list",
        "setup_run",
        "update_back",
        "update_check",
        "update_install",
        "update_state",
    ];
    let attributes =
        tauri_build::Attributes::new().app_manifest(tauri_build::AppManifest::new().commands(commands));
    if let Err(error) = tauri_build::try_build(attributes) {
        panic!("{error:#}");
    }
}
