//! What is not built yet.

use super::{Unserved, row};

pub(super) const ROWS: &[Unserved] = &[
    row(
        "MCP servers are not used yet.",
        &[
            "mcp.app.callTool",
            "mcp.app.listResourceTemplates",
            "mcp.app.listResources",
            "mcp.app.listTools",
            "mcp.app.readResource",
            "mcp.app.updateModelContext",
            "mcp.app.view",
            "mcp.authLogin",
        ],
    ),
    row(
        "Polls, reactions and conversations between channels are not built.",
        &[
            "conversations.list",
            "conversations.send",
            "conversations.turn",
            "conversations.turn.cancel",
            "message.action",
            "poll",
        ],
    ),
    row(
        "Not built yet.",
        &[
            "diagnostics.stability",
            "sessions.goal.clear",
            "sessions.goal.update",
            "taskSuggestions.accept",
            "taskSuggestions.create",
            "taskSuggestions.dismiss",
            "taskSuggestions.list",
        ],
    ),
];
