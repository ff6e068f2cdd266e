//! `bulkhead diagnostics`

use bulkhead_setup::World;
use bulkhead_setup::diagnostics::{self, Bundle};
use serde_json::json;

use super::{DONE, setup};
use crate::context::Context;
use crate::error::Failure;
use crate::grammar::doctor::DiagnosticsArgs;
use crate::output::{paint, table};

pub fn run(args: &DiagnosticsArgs, context: &Context) -> Result<u8, Failure> {
    let place = context.place()?;
    let world = World::of_this_machine(setup::surroundings(context));
    let bundle = context.block_on(async { Ok(diagnostics::collect(&world, &place).await) })?;
    let Some(path) = &args.out else {
        context.out.result(&json!({ "ok": true, "files": bundle.files }), || preview(&bundle));
        return Ok(DONE);
    };
    let bytes = bundle.write(path)?;
    let names: Vec<&str> = bundle.files.iter().map(|file| file.name.as_str()).collect();
    let result = json!({ "ok": true, "file": path, "bytes": bytes, "files": names });
    context.out.result(&result, || {
        format!(
            "{} ({}, {} files). Nothing was sent anywhere; look through it before you pass it on.",
            paint::strong(&path.display().to_string()),
            table::bytes(bytes),
            names.len()
        )
    });
    Ok(DONE)
}

fn preview(bundle: &Bundle) -> String {
    let parts = bundle.files.iter().map(|file| format!("{}\n{}", paint::strong(&file.name), file.text));
    parts.collect::<Vec<_>>().join("\n")
}
