//! End-to-end tests: one file per thing that a user can see.
