//! Windows: the scheduled task's XML, and the script in the Startup folder where tasks are not allowed. Pure.

use crate::drift::Format;
use crate::metadata::{self, Metadata};
use crate::spec::ServiceSpec;

const DIGEST_MARK: &str = "' Digest: ";

/// Writes the XML of the scheduled task: at log-on, with the user's own rights, for ever, restarted after a failure.
///
/// `conhost.exe --headless` gives the program a console without a window.
pub fn render(spec: &ServiceSpec) -> String {
    let name = escape(spec.place.name().as_str());
    let data = escape(&serde_json::to_string(&spec.metadata()).unwrap_or_default());
    let (command, arguments) = action(spec);
    let (command, arguments) = (escape(command), escape(&arguments));
    let home = escape(&spec.home);
    format!(
        r#"<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Author>Bulkhead</Author>
    <Description>Runs the Bulkhead gateway of profile {name}. Written anew by: bulkhead --profile {name} gateway install</Description>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger>
      <Enabled>true</Enabled>
    </LogonTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <AllowHardTerminate>true</AllowHardTerminate>
    <StartWhenAvailable>true</StartWhenAvailable>
    <RunOnlyIfNetworkAvailable>false</RunOnlyIfNetworkAvailable>
    <IdleSettings>
      <StopOnIdleEnd>false</StopOnIdleEnd>
      <RestartOnIdle>false</RestartOnIdle>
    </IdleSettings>
    <AllowStartOnDemand>true</AllowStartOnDemand>
    <Enabled>true</Enabled>
    <Hidden>false</Hidden>
    <RunOnlyIfIdle>false</RunOnlyIfIdle>
    <WakeToRun>false</WakeToRun>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <Priority>7</Priority>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>5</Count>
    </RestartOnFailure>
  </Settings>
  <Data>{data}</Data>
  <Actions Context="Author">
    <Exec>
      <Command>{command}</Command>
      <Arguments>{arguments}</Arguments>
      <WorkingDirectory>{home}</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
"#
    )
}

/// Writes the script for the Startup folder: the same without a window, without restarts.
pub fn render_startup(spec: &ServiceSpec) -> String {
    let name = spec.place.name();
    let (command, arguments) = action(spec);
    let line = format!("{command} {arguments}").replace('"', "\"\"");
    let mut found = spec.metadata();
    found.digest = String::new();
    let about = serde_json::to_string(&found).unwrap_or_default();
    let text = format!(
        "' Made by Bulkhead. Written anew by: bulkhead --profile {name} gateway install\r\n\
         ' Bulkhead: {about}\r\n\
         {DIGEST_MARK}\r\n\
         CreateObject(\"WScript.Shell\").Run \"{line}\", 0, False\r\n"
    );
    metadata::sealed(&text, DIGEST_MARK, |digest| format!("{DIGEST_MARK}{digest}"))
}

fn action(spec: &ServiceSpec) -> (&'static str, String) {
    let mut words = vec!["--headless".to_owned(), quoted(&spec.program)];
    words.extend(spec.arguments(Format::Task).iter().map(|word| quoted(word)));
    ("conhost.exe", words.join(" "))
}

/// A word as Windows programs take their command lines apart: backslashes count only before a quote.
fn quoted(word: &str) -> String {
    if !word.is_empty() && !word.contains([' ', '\t', '"']) {
        return word.to_owned();
    }
    let mut out = String::from("\"");
    let mut backslashes = 0;
    for character in word.chars() {
        match character {
            '\\' => backslashes += 1,
            '"' => {
                out.push_str(&"\\".repeat(backslashes * 2 + 1));
                out.push('"');
                backslashes = 0;
            }
            other => {
                out.push_str(&"\\".repeat(backslashes));
                out.push(other);
                backslashes = 0;
            }
        }
    }
    out.push_str(&"\\".repeat(backslashes * 2));
    out.push('"');
    out
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&amp;", "&")
}

/// The text of an element that stands once.
pub fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(unescape(text.trim()))
}

/// What a task says about itself; `None` if it is not ours.
pub fn metadata(xml: &str) -> Option<Metadata> {
    let found: Metadata = serde_json::from_str(&element(xml, "Data")?).ok()?;
    (!found.profile.is_empty()).then_some(found)
}

/// Whether two tasks start the same, at the same time.
pub(crate) fn does_the_same(one: &str, other: &str) -> bool {
    let parts = ["Command", "Arguments"];
    let same = parts.iter().all(|name| element(one, name) == element(other, name));
    same && ["<LogonTrigger", "<ExecutionTimeLimit>PT0S<"].iter().all(|part| one.contains(part))
}

/// What a script in the Startup folder says about itself; `None` if it is not ours.
pub fn startup_metadata(text: &str) -> Option<Metadata> {
    let line = text.lines().find_map(|line| line.strip_prefix("' Bulkhead: "))?;
    let mut found: Metadata = serde_json::from_str(line).ok()?;
    let digest = text.lines().find_map(|line| line.strip_prefix(DIGEST_MARK)).unwrap_or_default();
    digest.clone_into(&mut found.digest);
    Some(found)
}

pub(crate) fn startup_digest(text: &str) -> String {
    let lines = text
        .split_inclusive('\n')
        .map(|line| if line.starts_with(DIGEST_MARK) { "' Digest: \r\n" } else { line });
    metadata::digest(&lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_as_windows_takes_them_apart() {
        for (word, expected) in [
            ("plain", "plain"),
            ("", "\"\""),
            (r"C:\Program Files\b", r#""C:\Program Files\b""#),
            (r"C:\a b\", r#""C:\a b\\""#),
            (r#"a"b"#, r#""a\"b""#),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }
}
