//! `config.*`: read, change, schema. Secrets leave redacted, and what may only change on this machine does not change here.

mod read;
mod schema;
mod write;

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "config.get" => read::get,
    "config.set" => write::set,
    "config.patch" => write::patch,
    "config.apply" => write::apply,
    "config.schema" => schema::whole,
    "config.schema.lookup" => schema::place,
};
