//! A configuration that is spread over several files (`$include`), put together as OpenClaw does it.
//!
//! One file replaces the object that names it, several are merged in order, and keys beside `$include` win over both.

use std::path::{Path, PathBuf};

use bulkhead_config::ConfigDocument;
use bulkhead_profile::files;
use serde_json::{Map, Value};

const DEEPEST: usize = 10;
const LIMIT: u64 = 2 * 1024 * 1024;

/// A configuration, and the files that it came from.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) value: Value,
    pub(super) files: Vec<PathBuf>,
}

/// Reads a configuration with everything that it includes. Errors name the file and what is wrong in it, never a value.
pub(super) fn read(path: &Path) -> Result<Whole, String> {
    let root = files::canonical(path.parent().unwrap_or(Path::new("/")));
    let mut reader = Reader { root, files: Vec::new() };
    let value = reader.file(path, &mut Vec::new())?;
    if !value.is_object() {
        return Err(format!("{}: no object", path.display()));
    }
    Ok(Whole { value, files: reader.files })
}

struct Reader {
    root: PathBuf,
    files: Vec<PathBuf>,
}

impl Reader {
    fn file(&mut self, path: &Path, above: &mut Vec<PathBuf>) -> Result<Value, String> {
        let real = files::canonical(path);
        if above.contains(&real) {
            return Err(format!("{}: it includes itself", path.display()));
        }
        if above.len() > DEEPEST {
            return Err(format!("{}: includes more than {DEEPEST} deep", path.display()));
        }
        let bytes =
            files::read_limited(path, LIMIT).map_err(|error| format!("{}: {error}", path.display()))?;
        let text = String::from_utf8(bytes).map_err(|_| format!("{}: no UTF-8", path.display()))?;
        let document =
            ConfigDocument::parse(&path.display().to_string(), &text).map_err(|error| error.to_string())?;
        self.files.push(real.clone());
        above.push(real);
        let value = self.resolve(document.value(), path.parent().unwrap_or(Path::new("/")), above);
        above.pop();
        value
    }

    fn resolve(&mut self, value: Value, beside: &Path, above: &mut Vec<PathBuf>) -> Result<Value, String> {
        match value {
            Value::Array(items) => items
                .into_iter()
                .map(|item| self.resolve(item, beside, above))
                .collect::<Result<_, _>>()
                .map(Value::Array),
            Value::Object(mut map) => {
                let included = map.remove("$include");
                let mut own = Map::new();
                for (key, value) in map {
                    own.insert(key, self.resolve(value, beside, above)?);
                }
                let Some(included) = included else { return Ok(Value::Object(own)) };
                let mut base = self.included(&included, beside, above)?;
                if !own.is_empty() {
                    merge(&mut base, Value::Object(own));
                }
                Ok(base)
            }
            plain => Ok(plain),
        }
    }

    fn included(&mut self, named: &Value, beside: &Path, above: &mut Vec<PathBuf>) -> Result<Value, String> {
        let names: Vec<&str> = match named {
            Value::String(one) => vec![one],
            Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
            _ => return Err("$include: expected a file name or a list of them".to_owned()),
        };
        let mut whole = Value::Object(Map::new());
        for name in names {
            let path = beside.join(name);
            if !files::is_within(&files::canonical(&path), &self.root) {
                return Err(format!("{name}: an included file outside of {}", self.root.display()));
            }
            merge(&mut whole, self.file(&path, above)?);
        }
        Ok(whole)
    }
}

fn merge(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                match base.get_mut(&key) {
                    Some(there) => merge(there, value),
                    None => drop(base.insert(key, value)),
                }
            }
        }
        (Value::Array(base), Value::Array(over)) => base.extend(over),
        (base, over) => *base = over,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn files(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::create_dir_all(dir.path().join(name).parent().unwrap()).unwrap();
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        dir
    }

    #[test]
    fn one_file_replaces_several_merge_and_own_keys_win() {
        let dir = files(&[
            (
                "openclaw.json",
                "{ gateway: {$include: './g.json5', port: 3}, broadcast: {$include: ['a.json', 'b.json']} } // x",
            ),
            ("g.json5", "{port: 1, auth: {$include: 'sub/auth.json'}}"),
            ("sub/auth.json", "{mode: 'token'}"),
            ("a.json", "{list: [1], deep: {x: 1, y: 1}}"),
            ("b.json", "{list: [2], deep: {y: 2}}"),
        ]);
        let whole = read(&dir.path().join("openclaw.json")).unwrap();
        assert_eq!(
            whole.value,
            json!({"gateway": {"port": 3, "auth": {"mode": "token"}}, "broadcast": {"list": [1, 2], "deep": {"x": 1, "y": 2}}})
        );
        assert_eq!(whole.files.len(), 5);
    }

    #[test]
    fn circles_missing_files_and_ways_out_are_told() {
        let dir = files(&[
            ("c/openclaw.json", "{a: {$include: 'x.json'}}"),
            ("c/x.json", "{b: {$include: 'openclaw.json'}}"),
            ("c/out.json", "{a: {$include: '../secret.json'}}"),
            ("c/none.json", "{a: {$include: 'nowhere.json'}}"),
            ("secret.json", "{}"),
        ]);
        let error = |name: &str| read(&dir.path().join("c").join(name)).unwrap_err();
        assert!(error("openclaw.json").contains("includes itself"));
        assert!(error("out.json").contains("outside of"));
        assert!(error("none.json").contains("nowhere.json"));
    }
}
