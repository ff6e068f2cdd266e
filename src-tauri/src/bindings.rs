//! The list of commands, and their TypeScript types. `cargo test -p bulkhead-app` fails when `ui/src/bindings` is not
//! what Rust says; `UPDATE_BINDINGS=1 cargo test -p bulkhead-app` writes it.

use crate::commands;
use tauri_specta::{Builder, ErrorHandlingMode, collect_commands};

/// Every command of the app.
pub fn builder() -> Builder<tauri::Wry> {
    Builder::new()
        .dangerously_cast_bigints_to_number()
        .disable_serde_phases()
        .error_handling(ErrorHandlingMode::Throw)
        .commands(collect_commands![
            commands::app::announcement_dismiss,
            commands::app::app_info,
            commands::app::app_quit,
            commands::app::autostart_get,
            commands::app::autostart_set,
            commands::app::language_set,
            commands::app::open_external,
            commands::gateway::gateway_request,
            commands::gateway::gateway_subscribe,
            commands::machine::machine_run,
            commands::profiles::gateway_attach,
            commands::profiles::logs_tail,
            commands::profiles::profile_restart,
            commands::profiles::profile_start,
            commands::profiles::profile_stop,
            commands::profiles::profiles_list,
            commands::setup::draft_load,
            commands::setup::draft_save,
            commands::setup::setup_run,
            commands::updates::app_restart,
            commands::updates::update_back,
            commands::updates::update_check,
            commands::updates::update_install,
            commands::updates::update_state,
        ])
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn the_pages_types_are_what_rust_says() {
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/src/bindings/tauri.ts");
        let folder = std::env::temp_dir().join(format!("bulkhead-bindings-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("folder");
        let fresh = folder.join("tauri.ts");
        let language = specta_typescript::Typescript::default().header(
            "// Generated from src-tauri: do not edit. UPDATE_BINDINGS=1 cargo test -p bulkhead-app\n",
        );
        super::builder().export(language, &fresh).expect("export");
        let text = std::fs::read_to_string(&fresh).expect("read").replace("\r\n", "\n");
        std::fs::remove_dir_all(&folder).expect("clean");
        if std::env::var_os("UPDATE_BINDINGS").is_some() {
            std::fs::write(&kept, &text).expect("write");
        }
        let found = std::fs::read_to_string(&kept).unwrap_or_default().replace("\r\n", "\n");
        assert!(
            found == text,
            "ui/src/bindings/tauri.ts is out of date: UPDATE_BINDINGS=1 cargo test -p bulkhead-app"
        );
    }
}
