//! The crate from outside: many profiles at once, and what the audit says.

mod audit;
mod register;
