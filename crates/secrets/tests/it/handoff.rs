//! The lines on the gateway's standard input.

use bulkhead_secrets::handoff::{HandoffMessage, MAX_LINE, read_line, write_line};
use bulkhead_secrets::{SecretBundle, SecretId};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::BufReader;

fn bundle(pairs: &[(&str, &str)]) -> SecretBundle {
    pairs.iter().map(|(id, secret)| (SecretId::parse(id).unwrap(), SecretString::from(*secret))).collect()
}

#[tokio::test]
async fn first_line_updates_and_end() {
    let (mut supervisor, gateway) = tokio::io::duplex(64);
    let writer = tokio::spawn(async move {
        let first =
            HandoffMessage::secrets(bundle(&[("telegram/bot-token", "1:a\"\n"), ("gateway/token", "t")]));
        write_line(&mut supervisor, &first).await.unwrap();
        let update = HandoffMessage::update(
            bundle(&[("telegram/bot-token", "2:b"), ("gateway/token", "t")]),
            vec![SecretId::parse("old").unwrap()],
        );
        write_line(&mut supervisor, &update).await.unwrap();
    });
    let mut input = BufReader::with_capacity(7, gateway);
    let Some(HandoffMessage::Secrets { secrets: mut held, .. }) = read_line(&mut input).await.unwrap() else {
        panic!("the first line holds the secrets")
    };
    assert_eq!(held.get(&SecretId::telegram_bot_token()).unwrap().expose_secret(), "1:a\"\n");
    assert!(!format!("{held:?}").contains("1:a"));
    let Some(HandoffMessage::Update { secrets, removed, .. }) = read_line(&mut input).await.unwrap() else {
        panic!("the second is an update")
    };
    assert_eq!(
        held.update(secrets, &removed),
        [SecretId::telegram_bot_token()],
        "only what changed is reported"
    );
    assert!(read_line(&mut input).await.unwrap().is_none());
    writer.await.unwrap();
}

#[tokio::test]
async fn bad_lines_are_refused_without_quoting_them() {
    let mut report = Vec::new();
    for line in [
        "hello s3cret\n".to_owned(),
        "{\"v\":2,\"type\":\"secrets\",\"secrets\":{\"a\":\"s3cret\"}}\n".to_owned(),
        "{\"v\":1,\"type\":\"party\",\"secrets\":{\"a\":\"s3cret\"}}\n".to_owned(),
        "{\"v\":1,\"type\":\"secrets\",\"secrets\":{\"a\":[\"s3cret\"]}}\n".to_owned(),
        "{\"v\":1,\"type\":\"secrets\",\"secrets\":{\"\":\"s3cret\"}}\n".to_owned(),
        "{\"v\":1,\"type\":\"secrets\",\"secr".to_owned(),
        "x".repeat(MAX_LINE + 1),
    ] {
        let error = read_line(&mut line.as_bytes()).await.unwrap_err();
        assert!(!error.to_string().contains("s3cret") && !format!("{error:?}").contains("s3cret"), "{error}");
        report.push(error.to_string());
    }
    insta::assert_snapshot!(report.join("\n"));
    let big = HandoffMessage::secrets(bundle(&[("a", &"x".repeat(MAX_LINE))]));
    assert_eq!(big.to_line().unwrap_err().code(), "secret.handoff");
    assert!(read_line(&mut "\n\n".as_bytes()).await.unwrap().is_none());
}
