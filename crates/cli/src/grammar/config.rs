//! `config` and `secrets`.

use clap::{Args, Subcommand, ValueEnum};

use super::secret_flag::SecretFlag;

const CONFIG_EXAMPLES: &str = "\
Examples:
  bulkhead config get gateway.port
  bulkhead config set channels.telegram.dmPolicy allowlist
  bulkhead config set channels.telegram.allowFrom '[\"12345\"]'
  bulkhead config set gateway.auth.token -          Stored as a secret; the file gets a reference
  bulkhead config unset browser.cdpUrl
  bulkhead config validate
  bulkhead config diff                              What changed since the last version that worked
  bulkhead config rollback                          Go back to it; the rejected file is kept

Comments and unknown keys survive every edit. A running gateway reloads the file.";

#[derive(Debug, Args)]
#[command(after_help = CONFIG_EXAMPLES)]
pub struct ConfigArgs {
    #[command(subcommand)]
    pub command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print a value; secrets are blanked.
    Get {
        /// Keys joined by dots; nothing means the whole file.
        path: Option<String>,
    },
    /// Change a value.
    Set {
        /// Keys joined by dots.
        path: String,
        /// JSON5, or plain text; `-` or @FILE.
        value: String,
        /// The value must be JSON.
        #[arg(long, alias = "strict")]
        strict_json: bool,
    },
    /// Remove a value.
    Unset {
        /// Keys joined by dots.
        path: String,
    },
    /// Check the file; every problem with line, column and field. Exit code 78 if it cannot be used.
    Validate,
    /// Print the file's path.
    File,
    /// Print the JSON schema.
    Schema,
    /// List the versions that a gateway ran healthy on for a minute, newest first; twenty are kept.
    History,
    /// Show what changed, without secrets: since the newest good version, since A, or from A to B.
    #[command(
        after_help = "Examples:\n  bulkhead config diff\n  bulkhead config diff 3f9c2a\n  bulkhead config diff 3f9c2a 81d0ee\n\nA and B are hashes of `bulkhead config history` or their first digits, or `current` for the file."
    )]
    Diff {
        /// The older version (default: the newest good one).
        a: Option<String>,
        /// The newer one (default: the file as it is).
        b: Option<String>,
    },
    /// Go back to a good version; the rejected file is kept beside it.
    #[command(
        after_help = "Examples:\n  bulkhead config rollback\n  bulkhead config rollback 3f9c2a\n\nThe app or service that runs this gateway does it and restarts the gateway; a gateway in a terminal reloads."
    )]
    Rollback {
        /// Which one: its hash in `bulkhead config history`, or the first digits (default: the newest).
        hash: Option<String>,
    },
    /// Say that the file is meant as it is, though it lost most of its keys.
    Accept,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bulkhead secrets list\n  bulkhead secrets set telegram/bot-token -\n  bulkhead secrets set models/openai/api-key @key.txt"
)]
pub struct SecretsArgs {
    #[command(subcommand)]
    pub command: SecretsCommand,
}

#[derive(Debug, Subcommand)]
pub enum SecretsCommand {
    /// Which secrets this profile uses, and whether they are there.
    List,
    /// Store a secret.
    Set {
        /// Its name, such as telegram/bot-token or models/openai/api-key.
        id: String,
        /// The secret; `-` or @FILE keep it out of the shell's history.
        value: SecretFlag,
        /// Where (default: where this profile keeps secrets).
        #[arg(long, value_enum)]
        store: Option<Writable>,
    },
    /// Delete a secret.
    Delete {
        /// Its name.
        id: String,
        /// Where (default: where this profile keeps secrets).
        #[arg(long, value_enum)]
        store: Option<Writable>,
    },
}

/// Stores that can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Writable {
    /// The operating system's keychain.
    Keychain,
    /// A file of mode 0600, not encrypted.
    File,
}
