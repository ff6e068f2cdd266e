//! The seat with a real Chromium. Skipped, with a word, where none is installed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // also in what the tests share
#![cfg(unix)]

mod attach;
mod control;
mod life;
mod pages;
mod reach;
mod site;
mod stage;
