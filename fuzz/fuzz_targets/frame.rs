//! What a socket sends before and after it is admitted.
#![no_main]

use bulkhead_protocol::{ConnectParams, Frame, RequestFrame};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let any = Frame::parse(text);
    let at_the_socket = bulkhead_server::fuzzing::request(text);
    if let Some((id, method)) = &at_the_socket {
        let request = RequestFrame::parse(text).expect("what a socket takes is a request");
        assert_eq!((id, method), (&request.id, &request.method));
    }
    if let Ok(request) = RequestFrame::parse(text) {
        assert!(matches!(any, Ok(Frame::Request(_))), "the two readers disagree");
        assert!(!request.id.is_empty() && !request.method.is_empty());
        // What is written is read again as the same.
        let written = serde_json::to_string(&request).expect("a frame is JSON");
        let again = RequestFrame::parse(&written).expect("our own frame");
        assert_eq!((request.id, request.method), (again.id, again.method));
        let _ = ConnectParams::parse(request.params.as_deref());
        if let Some(params) = request.params.as_deref() {
            // Raw JSON may hold a number that fits into nothing.
            let Ok(params) = serde_json::from_str::<serde_json::Value>(params.get()) else { return };
            if let Some(key) = params.pointer("/device/publicKey").and_then(serde_json::Value::as_str) {
                let known = bulkhead_protocol::device_auth::public_key_bytes(key).is_some();
                assert_eq!(known, bulkhead_protocol::device_auth::device_id(key).is_some());
            }
        }
    }
});
