//! Who a client says it is: closed sets of ids and modes, and the capabilities it may announce.

use serde::{Deserialize, Serialize};

macro_rules! closed_set {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vmeta])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// Every member of the set.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// As the protocol writes it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// Reads a member of the set.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|member| member.as_str() == text)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

closed_set! {
    /// `client.id` of a connect request.
    ClientId {
        /// A web chat page.
        WebchatUi = "webchat-ui",
        /// The control UI in a browser.
        ControlUi = "openclaw-control-ui",
        /// The browser extension.
        BrowserCopilot = "openclaw-browser-copilot",
        /// The terminal UI.
        Tui = "openclaw-tui",
        /// A web chat.
        Webchat = "webchat",
        /// A command line.
        Cli = "cli",
        /// A program.
        GatewayClient = "gateway-client",
        /// The app on macOS.
        MacosApp = "openclaw-macos",
        /// The app on Linux.
        LinuxApp = "openclaw-linux",
        /// The app on iOS.
        IosApp = "openclaw-ios",
        /// The app on watchOS.
        WatchosApp = "openclaw-watchos",
        /// The app on Android.
        AndroidApp = "openclaw-android",
        /// A machine that lends itself.
        NodeHost = "node-host",
        /// A worker.
        Worker = "openclaw-worker",
        /// A test.
        Test = "test",
        /// Something that only wants to know what it talks to.
        Fingerprint = "fingerprint",
        /// A prober.
        Probe = "openclaw-probe",
    }
}

closed_set! {
    /// `client.mode` of a connect request.
    ClientMode {
        /// A chat in a browser.
        Webchat = "webchat",
        /// A command that ends.
        Cli = "cli",
        /// A user interface.
        Ui = "ui",
        /// A program without a person.
        Backend = "backend",
        /// A node.
        Node = "node",
        /// A worker.
        Worker = "worker",
        /// A prober: may speak protocol 3.
        Probe = "probe",
        /// A test.
        Test = "test",
    }
}

impl ClientId {
    /// User interfaces in a browser: they have to prove a device.
    pub const fn needs_device(self) -> bool {
        matches!(self, Self::ControlUi | Self::WebchatUi | Self::Webchat | Self::BrowserCopilot)
    }
}

/// Capabilities a client announces in `caps`.
pub mod caps {
    /// Wants `session.tool` and tool streams of `agent`.
    pub const TOOL_EVENTS: &str = "tool-events";
    /// Wants events of subscribed sessions only.
    pub const SESSION_SCOPED_EVENTS: &str = "session-scoped-events";
    /// Understands approvals.
    pub const APPROVALS: &str = "approvals";
    /// Understands approvals of commands.
    pub const EXEC_APPROVALS: &str = "exec-approvals";
    /// Understands `ui.command`.
    pub const UI_COMMANDS: &str = "ui-commands";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sets_read_back() {
        for id in ClientId::ALL {
            assert_eq!(ClientId::parse(id.as_str()), Some(*id));
            assert_eq!(serde_json::to_value(id).unwrap(), id.as_str());
        }
        for mode in ClientMode::ALL {
            assert_eq!(ClientMode::parse(mode.as_str()), Some(*mode));
        }
        assert_eq!((ClientId::ALL.len(), ClientMode::ALL.len()), (17, 8));
        assert_eq!(ClientId::parse("curl"), None);
    }
}
