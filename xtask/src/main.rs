//! The developer commands of Bulkhead.
fn main() {}
