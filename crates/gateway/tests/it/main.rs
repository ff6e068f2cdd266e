//! Real gateway processes with fake servers around them.

mod chat;
mod harness;
mod http;
mod life;
mod reload;
mod secrets;
mod telegram;
