//! HTTPS and proxies as people have them: certificates from the system's store, the proxy from the environment.
//!
//! Both are read once per process, so each case runs in a process of its own: this test binary, started anew.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bulkhead_agent::provider::probe;
use bulkhead_agent::tools::{WebFetch, WebFetchOptions};
use bulkhead_agent::{ProviderApi, ProviderSettings, Tool, ToolContext, provider};
use bulkhead_fakes::model::{ModelServer, ModelServerOptions};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

const NAME: &str = "model.bulkhead-test.example.com";
const KEY: &str = "sk-tls-0b1d5c";

/// TLS before `plain`, with a fresh certificate for [`NAME`] and 127.0.0.1, which is written to `file`.
async fn tls_before(plain: SocketAddr, file: &Path) -> SocketAddr {
    bulkhead_agent::http::install_crypto();
    let made = rcgen::generate_simple_self_signed([NAME.to_owned(), "127.0.0.1".to_owned()]).unwrap();
    std::fs::write(file, made.cert.pem()).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut secure) = acceptor.accept(stream).await else { return };
                let mut inner = TcpStream::connect(plain).await.unwrap();
                let _ = copy_bidirectional(&mut secure, &mut inner).await;
            });
        }
    });
    address
}

/// A CONNECT proxy that leads everybody to `target` and notes where they wanted to go.
async fn proxy(target: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let notes = Arc::clone(&notes);
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                let mut line = String::new();
                stream.read_line(&mut line).await.unwrap();
                notes.lock().unwrap().push(line.trim().to_owned());
                while line.trim() != "" {
                    line.clear();
                    stream.read_line(&mut line).await.unwrap();
                }
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                let mut inner = TcpStream::connect(target).await.unwrap();
                let _ = copy_bidirectional(&mut stream, &mut inner).await;
            });
        }
    });
    (address, asked)
}

/// Runs one of the `in_a_child_` tests below in a new process and returns what it wrote to its file.
async fn child(test: &str, variables: &[(&str, String)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let told = folder.path().join("told");
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored"]).env("TOLD", &told);
    for name in [
        "HTTPS_PROXY",
        "https_proxy",
        "HTTP_PROXY",
        "http_proxy",
        "ALL_PROXY",
        "all_proxy",
        "NO_PROXY",
        "no_proxy",
    ] {
        command.env_remove(name);
    }
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    std::fs::read_to_string(told).unwrap()
}

fn tell(text: &str) {
    std::fs::write(std::env::var_os("TOLD").unwrap(), text).unwrap();
}

#[tokio::test]
#[ignore = "run by the other tests, in a process of its own"]
async fn in_a_child_the_model_is_asked() {
    let url = std::env::var("MODEL_URL").unwrap();
    let provider =
        provider::build(ProviderSettings::new("p", ProviderApi::OpenAi, url).api_key(KEY)).unwrap();
    match probe(&*provider, "fake-1", Duration::from_secs(20)).await {
        Ok(probed) => tell(&probed.text),
        Err(error) => tell(&format!("{} {error}", error.code())),
    }
}

#[tokio::test]
#[ignore = "run by the other tests, in a process of its own"]
async fn in_a_child_a_page_is_fetched() {
    let url = std::env::var("PAGE_URL").unwrap();
    tell(
        &WebFetch::new(WebFetchOptions::default())
            .call(&ToolContext::default(), json!({"url": url}))
            .await
            .text,
    );
}

#[tokio::test]
async fn https_works_with_a_trusted_certificate_and_only_with_one() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = folder.path().join("ca.pem");
    let server = ModelServer::start(ModelServerOptions::default().with_key(KEY)).await.unwrap();
    let secure = tls_before(server.address, &certificate).await;
    let url = ("MODEL_URL", format!("https://{secure}/v1"));
    let refused = child("tls::in_a_child_the_model_is_asked", std::slice::from_ref(&url)).await;
    assert!(refused.starts_with("model-unreachable") && refused.contains("certificate"), "{refused}");
    assert!(server.control.requests().is_empty(), "no key is sent to a stranger");
    let trusted = ("SSL_CERT_FILE", certificate.display().to_string());
    let answer = child("tls::in_a_child_the_model_is_asked", &[url, trusted]).await;
    assert!(answer.contains("You said"), "{answer}");
}

#[tokio::test]
async fn the_environments_proxy_is_used_for_models_and_pages() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = folder.path().join("ca.pem");
    let server = ModelServer::start(ModelServerOptions::default().with_key(KEY)).await.unwrap();
    let secure = tls_before(server.address, &certificate).await;
    let (proxy, asked) = proxy(secure).await;
    let mut variables = vec![
        ("SSL_CERT_FILE", certificate.display().to_string()),
        ("HTTPS_PROXY", format!("http://{proxy}")),
        ("MODEL_URL", format!("https://{NAME}/v1")),
        ("PAGE_URL", format!("https://{NAME}/no-such-page")),
    ];
    let answer = child("tls::in_a_child_the_model_is_asked", &variables).await;
    assert!(answer.contains("You said"), "{answer}");
    let page = child("tls::in_a_child_a_page_is_fetched", &variables).await;
    assert!(page.contains("status 404") && page.contains("no route /no-such-page"), "{page}");
    assert_eq!(*asked.lock().unwrap(), vec![format!("CONNECT {NAME}:443 HTTP/1.1"); 2]);
    // This computer itself is never behind the proxy.
    variables[2].1 = format!("https://{secure}/v1");
    let answer = child("tls::in_a_child_the_model_is_asked", &variables).await;
    assert!(answer.contains("You said"), "{answer}");
    variables[3].1 = "https://169.254.169.254/".to_owned();
    let page = child("tls::in_a_child_a_page_is_fetched", &variables).await;
    assert!(page.contains("public addresses only"), "{page}");
    assert_eq!(asked.lock().unwrap().len(), 2);
}
