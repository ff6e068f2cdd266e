//! Model providers for tests.
