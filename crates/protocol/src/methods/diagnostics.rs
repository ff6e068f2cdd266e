//! `diagnostics.*`: how work is queued.

use super::MethodSpec;
use crate::Scope;

pub(super) const ROWS: &[MethodSpec] = &[MethodSpec::new(
    "diagnostics.lanes",
    Scope::OperatorRead,
    "How many answers are being written and how many messages wait.",
)
.since("2026.8")];
