//! End-to-end tests: one file per thing that a user can see.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends where its expectation fails")]

#[cfg(target_os = "linux")]
mod app_life;
#[cfg(target_os = "linux")]
mod breakages;
#[cfg(target_os = "linux")]
mod browser_seat;
#[cfg(target_os = "linux")]
mod by_ear;
#[cfg(target_os = "linux")]
mod canvas;
#[cfg(target_os = "linux")]
mod drill;
#[cfg(target_os = "linux")]
mod elsewhere;
#[cfg(target_os = "linux")]
mod endings;
#[cfg(target_os = "linux")]
mod hostile_document;
mod hostile_web;
#[cfg(target_os = "linux")]
mod import;
#[cfg(target_os = "linux")]
mod interleavings;
mod isolation;
#[cfg(target_os = "linux")]
mod links;
#[cfg(target_os = "linux")]
mod notifications;
mod official_client;
mod openai_client;
mod outside;
mod ports;
#[cfg(target_os = "linux")]
mod processes;
#[cfg(target_os = "linux")]
mod provoked;
#[cfg(target_os = "linux")]
mod rescue;
#[cfg(unix)]
mod restart;
mod secrets;
#[cfg(target_os = "linux")]
mod secrets_under_faults;
#[cfg(target_os = "linux")]
mod services;
mod side_by_side;
mod telegram;
#[cfg(target_os = "linux")]
mod torture;
#[cfg(target_os = "linux")]
mod tray;
#[cfg(target_os = "linux")]
mod units;
#[cfg(target_os = "linux")]
mod web_ui;
#[cfg(target_os = "linux")]
mod window_rights;
mod without_desktop;
#[cfg(target_os = "linux")]
mod wizard;
