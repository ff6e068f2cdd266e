//! The launchd agent: its property list, rendered and read back. Pure.

use plist::{Dictionary, Value};

use crate::drift::Format;
use crate::metadata::{self, Metadata};
use crate::spec::ServiceSpec;

const KEY: &str = "BulkheadInstall";
const EMPTY_DIGEST: &str = "<key>Digest</key>\n\t\t<string></string>";
/// What launchd gives a program is too short for browsers and model servers that were installed by hand.
const PATH: &str = "/opt/homebrew/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";

/// Writes the property list of an agent (or, for the system, of a daemon).
///
/// launchd starts a program again that ended badly, whatever its exit code. So a supervisor whose gateway refuses its
/// configuration stays and says so, where on systemd it ends with 78: no loop either way.
pub fn render(spec: &ServiceSpec) -> String {
    let mut list = Dictionary::new();
    let mut put = |key: &str, value: Value| {
        list.insert(key.to_owned(), value);
    };
    put("Label", spec.place.launchd_label().into());
    let mut words = vec![Value::from(spec.program.clone())];
    words.extend(spec.arguments(Format::Launchd).into_iter().map(Value::from));
    put("ProgramArguments", Value::Array(words));
    put("RunAtLoad", true.into());
    put(
        "KeepAlive",
        Value::Dictionary([("SuccessfulExit".to_owned(), Value::from(false))].into_iter().collect()),
    );
    put("ThrottleInterval", 10.into());
    put("ExitTimeOut", 30.into());
    put("ProcessType", "Adaptive".into());
    put("Umask", 0o077.into());
    put("HardResourceLimits", Value::Dictionary([("Core".to_owned(), Value::from(0))].into_iter().collect()));
    if let crate::Scope::System { user } = &spec.scope {
        put("UserName", user.clone().into());
    }
    let mut variables: Dictionary =
        spec.environment().into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
    variables.insert("PATH".to_owned(), PATH.into());
    put("EnvironmentVariables", Value::Dictionary(variables));
    put("WorkingDirectory", spec.home.clone().into());
    put("StandardOutPath", "/dev/null".into());
    put("StandardErrorPath", log_path(spec).into());
    let fields =
        spec.metadata().fields().into_iter().map(|(key, value)| (key.to_owned(), Value::from(value)));
    put(KEY, Value::Dictionary(fields.collect()));
    let mut bytes = Vec::new();
    // Writing into memory cannot fail.
    let _ = Value::Dictionary(list).to_writer_xml(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned() + "\n";
    metadata::sealed(&text, EMPTY_DIGEST, |digest| EMPTY_DIGEST.replace("></", &format!(">{digest}</")))
}

/// Where the supervisor's few lines go: launchd keeps no log of its own.
fn log_path(spec: &ServiceSpec) -> String {
    std::path::Path::new(&spec.state_dir).join("logs").join("service.log").to_string_lossy().into_owned()
}

fn parse(text: &str) -> Option<Dictionary> {
    Value::from_reader_xml(text.as_bytes()).ok()?.into_dictionary()
}

/// What a property list says about itself; `None` if it is not ours.
pub fn metadata(text: &str) -> Option<Metadata> {
    let list = parse(text)?;
    let fields = list.get(KEY)?.as_dictionary()?;
    Metadata::from_fields(|key| fields.get(key)?.as_string().map(str::to_owned))
}

/// The command line of any property list.
pub fn command_line(text: &str) -> Option<Vec<String>> {
    let list = parse(text)?;
    let words = list.get("ProgramArguments").and_then(Value::as_array);
    let words = words.map(|words| words.iter().filter_map(Value::as_string).map(str::to_owned).collect());
    words.or_else(|| Some(vec![list.get("Program")?.as_string()?.to_owned()]))
}

/// The label of any property list.
pub fn label(text: &str) -> Option<String> {
    parse(text)?.get("Label")?.as_string().map(str::to_owned)
}

/// The digest of a property list without the digest that it names.
pub(crate) fn digest(text: &str) -> String {
    let named = metadata(text).map(|found| found.digest).unwrap_or_default();
    let filled = EMPTY_DIGEST.replace("></", &format!(">{named}</"));
    metadata::digest(&text.replacen(&filled, EMPTY_DIGEST, 1))
}
