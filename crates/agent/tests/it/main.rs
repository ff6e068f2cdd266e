//! The agent against a model server that computes its answers from what it was really sent.

mod exec;
mod faults;
mod files;
mod providers;
mod runs;
mod support;
mod web;
