//! What inside a state directory is somebody else's: other profiles' workspaces (`workspace-rescue` inside main's)
//! and whatever other profiles keep there. Remove, backup, restore and file tools leave it alone.

use std::path::{Path, PathBuf};

use crate::files::{self, is_within};
use crate::place::Place;

/// Paths inside this profile's state directory that belong to others: by the rule `workspace-*` directly inside
/// main's, and every place of the given neighbours.
pub fn foreign_paths(place: &Place, neighbours: &[Place]) -> Vec<PathBuf> {
    let state = files::canonical(place.state_dir());
    let mut foreign: Vec<PathBuf> = Vec::new();
    if let Ok(entries) = std::fs::read_dir(&state) {
        foreign.extend(entries.flatten().map(|entry| entry.path()).filter(|path| is_sibling(place, path)));
    }
    for other in neighbours.iter().filter(|other| files::canonical(other.state_dir()) != state) {
        for path in [other.state_dir(), other.config_path(), other.workspace()] {
            let path = files::canonical(path);
            if is_within(&path, &state) && path != state && !foreign.contains(&path) {
                foreign.push(path);
            }
        }
    }
    foreign.sort();
    foreign
}

/// Whether a path belongs to this profile: in its state directory or its workspace, and in nobody else's.
pub fn owns(place: &Place, path: &Path, neighbours: &[Place]) -> bool {
    let path = files::canonical(path);
    let inside =
        [place.state_dir(), place.workspace()].iter().any(|dir| is_within(&path, &files::canonical(dir)));
    let config = path == files::canonical(place.config_path());
    let sibling = path.ancestors().any(|above| is_sibling(place, above));
    let foreign = foreign_paths(place, neighbours).iter().any(|other| is_within(&path, other));
    (inside || config) && !sibling && !foreign
}

/// Whether a path is another profile's workspace by the rule: `workspace-NAME` directly in the state directory.
fn is_sibling(place: &Place, path: &Path) -> bool {
    let state = files::canonical(place.state_dir());
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    path.parent() == Some(&state)
        && name.starts_with("workspace-")
        && files::canonical(path) != files::canonical(place.workspace())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::environment::Environment;
    use crate::name::ProfileName;

    #[test]
    fn the_workspace_of_rescue_is_not_mains_though_it_lies_inside() {
        let dir = tempfile::tempdir().unwrap();
        let env = Environment::for_test(dir.path());
        let main = Place::resolve(None, &env).unwrap();
        let rescue = Place::resolve(Some(&ProfileName::rescue()), &env).unwrap();
        std::fs::create_dir_all(rescue.workspace()).unwrap();
        std::fs::create_dir_all(main.workspace()).unwrap();
        assert_eq!(foreign_paths(&main, &[]), [rescue.workspace().canonicalize().unwrap()]);
        assert!(owns(&main, &main.workspace().join("a/b.txt"), &[]));
        assert!(!owns(&main, &rescue.workspace().join("SOUL.md"), &[]));
        assert!(!owns(&main, &main.workspace().join("../workspace-rescue/SOUL.md"), &[]));
        assert!(owns(&rescue, &rescue.workspace().join("SOUL.md"), std::slice::from_ref(&main)));
        assert!(!owns(&main, Path::new("/etc/passwd"), &[]));
    }

    #[test]
    fn a_neighbours_config_inside_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let env = Environment::for_test(dir.path());
        let at = |config: &str, state: &str| {
            let env =
                env.clone().with_var("OPENCLAW_CONFIG_PATH", config).with_var("OPENCLAW_STATE_DIR", state);
            Place::resolve(None, &env).unwrap()
        };
        let main = at("~/.openclaw/main.json", "~/.openclaw");
        let rescue = at("~/.openclaw/rescue.json", "~/.openclaw-rescue");
        let neighbours = [main.clone(), rescue.clone()];
        assert!(owns(&main, main.config_path(), &neighbours));
        assert!(!owns(&main, rescue.config_path(), &neighbours));
        assert_eq!(foreign_paths(&main, &neighbours).len(), 1);
    }
}
