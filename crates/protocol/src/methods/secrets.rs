//! `secrets.*`: where secrets come from; never what they are.

use super::MethodSpec;
use crate::Scope;

pub(super) const ROWS: &[MethodSpec] = &[MethodSpec::new(
    "secrets.reload",
    Scope::OperatorAdmin,
    "Reads the secrets again; answers how many are missing.",
)];
