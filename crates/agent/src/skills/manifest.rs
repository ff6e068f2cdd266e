//! The head of a `SKILL.md`: YAML between two lines of dashes.

use serde::Deserialize;
use serde_json::Value;

use super::Requirements;

/// Longest name, in characters.
const NAME: usize = 64;
/// Longest description that is kept, in characters.
const DESCRIPTION: usize = 1024;

/// What the head says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Manifest {
    /// `name`.
    pub name: Option<String>,
    /// `description`: when the skill is of use.
    pub description: String,
    /// `homepage`.
    pub homepage: Option<String>,
    /// `metadata.openclaw.emoji`.
    pub emoji: Option<String>,
    /// `metadata.openclaw.skillKey`: its name in the configuration, where it is another one.
    pub skill_key: Option<String>,
    /// `metadata.openclaw.primaryEnv`: the variable that `skills.entries.<key>.apiKey` fills.
    pub primary_env: Option<String>,
    /// `metadata.openclaw.always`: nothing but the system is asked of the machine.
    pub always: bool,
    /// `user-invocable`: people may call it by name.
    pub user_invocable: bool,
    /// `disable-model-invocation`: the agent is not told of it.
    pub hidden: bool,
    /// `metadata.openclaw.events`: what a hook is called for. Skills have none.
    pub events: Vec<String>,
    /// What it needs.
    pub requirements: Requirements,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Head {
    name: Option<Value>,
    description: Option<Value>,
    homepage: Option<String>,
    user_invocable: Option<bool>,
    disable_model_invocation: Option<bool>,
    metadata: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Ours {
    always: bool,
    emoji: Option<String>,
    homepage: Option<String>,
    skill_key: Option<String>,
    primary_env: Option<String>,
    os: Vec<String>,
    events: Vec<String>,
    requires: Needs,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Needs {
    bins: Vec<String>,
    any_bins: Vec<String>,
    env: Vec<String>,
    config: Vec<String>,
}

impl Manifest {
    /// Reads the head of a `SKILL.md`. The error says what was found and what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let head = head(text)
            .ok_or("found no head, expected one between two lines of --- with name and description")?;
        let head: Head = match serde_saphyr::from_str(head) {
            Ok(head) => head,
            // Heads are often written by hand: `description: a: b` is no YAML, and still meant.
            Err(error) => plain_lines(head)
                .ok_or_else(|| format!("its head is no YAML ({error}), expected name and description"))?,
        };
        let description = head.description.as_ref().map(one_line).unwrap_or_default();
        if description.is_empty() {
            return Err("found no description, expected one line that says when it is of use".to_owned());
        }
        let name = head.name.as_ref().map(one_line).filter(|name| !name.is_empty());
        if let Some(name) = name.as_ref().filter(|name| !is_name(name)) {
            return Err(format!("found the name {name:?}, expected at most {NAME} letters, digits, - and _"));
        }
        let ours = ours(&head.metadata)?;
        Ok(Self {
            name,
            description: description.chars().take(DESCRIPTION).collect(),
            homepage: head.homepage.or(ours.homepage),
            emoji: ours.emoji,
            skill_key: ours.skill_key.filter(|key| is_name(key)),
            primary_env: ours.primary_env,
            always: ours.always,
            user_invocable: head.user_invocable.unwrap_or(true),
            hidden: head.disable_model_invocation.unwrap_or(false),
            events: ours.events,
            requirements: Requirements {
                bins: ours.requires.bins,
                any_bins: ours.requires.any_bins,
                env: ours.requires.env,
                config: ours.requires.config,
                os: ours.os,
            },
        })
    }
}

/// Whether a skill may be called so: it stands in prompts, configuration keys and commands.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.chars().count() <= NAME
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' '))
}

fn head(text: &str) -> Option<&str> {
    let text = text.trim_start_matches('\u{feff}');
    let rest = text.strip_prefix("---")?;
    let rest = rest.strip_prefix('\n').or_else(|| rest.strip_prefix("\r\n"))?;
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        if line.trim_end() == "---" {
            return Some(&rest[..at]);
        }
        at += line.len();
    }
    None
}

/// `key: value` lines, taken by their word.
fn plain_lines(head: &str) -> Option<Head> {
    let value = |name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        Some(line.trim().trim_matches(['"', '\'']).to_owned()).filter(|text| !text.is_empty())
    };
    Some(Head {
        name: value("name").map(Value::from),
        description: Some(value("description")?.into()),
        homepage: value("homepage"),
        user_invocable: value("user-invocable").and_then(|word| word.parse().ok()),
        disable_model_invocation: value("disable-model-invocation").and_then(|word| word.parse().ok()),
        metadata: Value::Null,
    })
}

fn one_line(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `metadata.openclaw`, or its older name; written as YAML or as JSON in a text.
fn ours(metadata: &Value) -> Result<Ours, String> {
    let parsed = metadata.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let metadata = parsed.as_ref().unwrap_or(metadata);
    let block = ["bulkhead", "openclaw", "clawdbot"].iter().find_map(|name| metadata.get(name));
    let Some(block) = block else { return Ok(Ours::default()) };
    serde_json::from_value(block.clone()).map_err(|error| format!("its metadata cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_what_is_needed() {
        let text = "---\nname: image-lab\ndescription: >\n  Makes\n  images\nuser-invocable: false\nmetadata:\n  {\n    \"openclaw\":\n      \
                    {\n        \"emoji\": \"x\",\n        \"os\": [\"linux\"],\n        \"requires\": { \"bins\": [\"uv\"], \"env\": [\"KEY\"], },\n        \
                    \"primaryEnv\": \"KEY\",\n      },\n  }\n---\n\nThe text.\n";
        let manifest = Manifest::parse(text).unwrap();
        assert_eq!(
            (manifest.name.as_deref(), manifest.description.as_str()),
            (Some("image-lab"), "Makes images")
        );
        assert_eq!(manifest.requirements.bins, ["uv"]);
        assert_eq!((manifest.requirements.os.len(), manifest.primary_env.as_deref()), (1, Some("KEY")));
        assert!(!manifest.user_invocable && !manifest.hidden && !manifest.always);
    }

    #[test]
    fn heads_that_are_nearly_right_are_taken_and_wrong_ones_named() {
        let loose = Manifest::parse("---\r\nname: x\r\ndescription: Use when: asked\r\n---\r\nText").unwrap();
        assert_eq!(loose.description, "Use when: asked");
        assert!(Manifest::parse("# no head").unwrap_err().contains("no head"));
        assert!(Manifest::parse("---\nname: x\n---\n").unwrap_err().contains("description"));
        let odd = Manifest::parse("---\nname: \"a/b\"\ndescription: d\n---\n");
        assert!(odd.unwrap_err().contains("a/b"));
        // A head that would grow without end is refused, not swallowed.
        let bomb = "---\na: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\n\
                    e: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f]\n---\n";
        assert!(Manifest::parse(bomb).is_err());
    }
}
