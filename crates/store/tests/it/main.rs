//! Tests of the store's invariants, through its public face.
