//! The key is in every request, and must be nowhere else: not in an error, not in any log line of any library.

use std::fmt::Write as _;
use std::io::Write;
use std::sync::{Arc, Mutex};

use bulkhead_agent::{ProviderApi, provider};
use bulkhead_fakes::model::{Fault, ModelServer, ModelServerOptions, fault::PlannedFault};
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{ALL, ask, quick, settings};

#[derive(Clone, Default)]
struct Collected(Arc<Mutex<Vec<u8>>>);

impl Write for Collected {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Collected {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn nothing_that_is_logged_or_told_holds_a_key_or_a_secret_header() {
    const KEY: &str = "sk-planted-c4f1e8d2b7a9-/+=";
    const HEADER: &str = "planted-header-91b3d7e5";
    let log = Collected::default();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    // Of this thread: the test's runtime has no other.
    let _guard = tracing::subscriber::set_default(subscriber);
    let mut told = String::new();
    for api in ALL {
        let server = ModelServer::start(ModelServerOptions::default().with_key(KEY)).await.unwrap();
        let faults = [
            None,
            Some(Fault::Status { status: 401, retry_after: None }),
            Some(Fault::Status { status: 500, retry_after: None }),
            Some(Fault::Redirect { location: format!("http://localhost:1/?key={KEY}") }),
            Some(Fault::Cut { after: 3 }),
            Some(Fault::BadJson),
            Some(Fault::Reset),
        ];
        for fault in faults {
            if let Some(fault) = fault {
                server.control.plan(PlannedFault::next(fault).times(9));
            }
            let mut settings = settings(api, &server).api_key(KEY);
            settings.headers.insert("x-extra".into(), HEADER.into());
            write!(told, "{settings:?}").unwrap();
            let provider = provider::build(settings).unwrap();
            write!(told, "{provider:?}").unwrap();
            let (outcome, events) = ask(quick(provider), "ECHO abcdefgh").await;
            write!(told, "{outcome:?} {events:?}").unwrap();
            if let Some(error) = &outcome.error {
                told.push_str(&error.to_string());
            }
            server.control.clear_faults();
        }
        server.control.set_keys(vec!["another".into()]);
        write!(
            told,
            "{:?}",
            ask(quick(provider::build(settings(api, &server).api_key(KEY)).unwrap()), "hi").await
        )
        .unwrap();
        assert!(
            server
                .control
                .requests()
                .iter()
                .any(|request| request.headers.values().any(|value| value.contains(KEY)))
        );
        drop(server);
        let gone = settings_of_nobody(api).api_key(KEY);
        write!(told, "{:?}", ask(quick(provider::build(gone).unwrap()), "hi").await).unwrap();
    }
    let logged = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(
        logged.contains("TRACE") && logged.len() > 10_000,
        "the libraries were really heard: {} bytes",
        logged.len()
    );
    for (place, text) in [("log", &logged), ("told", &told)] {
        for secret in [KEY, HEADER, "c4f1e8d2b7a9"] {
            let found = text
                .find(secret)
                .map(|at| text[at.saturating_sub(200)..].chars().take(300).collect::<String>());
            assert_eq!(found, None, "{place} holds {secret}");
        }
    }
}

fn settings_of_nobody(api: ProviderApi) -> bulkhead_agent::ProviderSettings {
    bulkhead_agent::ProviderSettings::new("gone", api, "http://127.0.0.1:9")
}
