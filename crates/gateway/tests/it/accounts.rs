//! Several Telegram accounts in one gateway.
