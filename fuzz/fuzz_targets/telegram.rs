//! What a Bot API server sends, and a model's answer on its way there.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    bulkhead_channels::fuzzing::updates(input);
    if let Ok(text) = std::str::from_utf8(input) {
        bulkhead_channels::fuzzing::answer(text);
    }
});
