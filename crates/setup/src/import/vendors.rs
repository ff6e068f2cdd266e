//! Providers of models that are known by name. Pure.

/// Where a provider answers, in which wire format, and the variable that people put its key in.
pub(super) struct Vendor {
    pub(super) id: &'static str,
    pub(super) base_url: Option<&'static str>,
    pub(super) api: &'static str,
    pub(super) variable: &'static str,
}

const fn vendor(
    id: &'static str,
    base_url: Option<&'static str>,
    api: &'static str,
    variable: &'static str,
) -> Vendor {
    Vendor { id, base_url, api, variable }
}

const OPENAI: &str = "openai-completions";

/// Those without address are known to the gateway itself.
const VENDORS: [Vendor; 9] = [
    vendor("openai", None, OPENAI, "OPENAI_API_KEY"),
    vendor("anthropic", None, "anthropic-messages", "ANTHROPIC_API_KEY"),
    vendor("openrouter", None, OPENAI, "OPENROUTER_API_KEY"),
    vendor("groq", Some("https://api.groq.com/openai/v1"), OPENAI, "GROQ_API_KEY"),
    vendor("deepseek", Some("https://api.deepseek.com/v1"), OPENAI, "DEEPSEEK_API_KEY"),
    vendor("mistral", Some("https://api.mistral.ai/v1"), OPENAI, "MISTRAL_API_KEY"),
    vendor("xai", Some("https://api.x.ai/v1"), OPENAI, "XAI_API_KEY"),
    vendor("together", Some("https://api.together.xyz/v1"), OPENAI, "TOGETHER_API_KEY"),
    vendor("cerebras", Some("https://api.cerebras.ai/v1"), OPENAI, "CEREBRAS_API_KEY"),
];

/// The vendor of that name.
pub(super) fn find(id: &str) -> Option<&'static Vendor> {
    VENDORS.iter().find(|vendor| vendor.id == id)
}

/// All of them.
pub(super) fn all() -> impl Iterator<Item = &'static Vendor> {
    VENDORS.iter()
}

/// What becomes of a wire format of OpenClaw's.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wire {
    /// Spoken here under the same name.
    Same,
    /// The same server speaks another one too.
    Instead(&'static str),
    /// Not spoken here.
    Unknown,
}

/// Looks up a wire format.
pub(super) fn wire(api: &str) -> Wire {
    match api {
        "openai-completions" | "anthropic-messages" | "ollama" => Wire::Same,
        "openai-responses" => Wire::Instead(OPENAI),
        _ => Wire::Unknown,
    }
}
