use bulkhead_store::{
    ALLOWED_PENDING, CODE_ALPHABET, CODE_LIFETIME_MS, Delivery, NewOutbox, NewPairing, PairingOutcome, Store,
};
use serde_json::{Value, json};

use crate::in_memory;

fn stranger(sender: &str) -> NewPairing {
    NewPairing {
        channel: "telegram".into(),
        account: "default".into(),
        sender: sender.into(),
        bot: Some("777".into()),
        meta: json!({"name": "Mallory"}),
        inbox_id: None,
        notice: None,
    }
}

async fn code_of(store: &Store, sender: &str) -> String {
    match store.pairings().request(stranger(sender)).await.unwrap() {
        PairingOutcome::New(request) => request.code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_stranger_gets_one_code_of_eight_clear_letters() {
    let (store, _) = in_memory();
    let code = code_of(&store, "1").await;
    assert_eq!(code.len(), 8);
    assert!(code.bytes().all(|letter| CODE_ALPHABET.contains(&letter)), "{code}");
    assert!(!code.contains(['0', 'O', '1', 'I']), "{code}");
    assert!(
        matches!(store.pairings().request(stranger("1")).await.unwrap(), PairingOutcome::Waiting(r) if r.code == code)
    );
}

#[tokio::test]
async fn code_notice_and_end_of_the_update_are_one_step() {
    let (store, _) = in_memory();
    let row = store.inbox().record("telegram", "default", 1, json!({})).await.unwrap().unwrap();
    let notice: Box<dyn FnOnce(&str) -> NewOutbox + Send> = Box::new(|code| NewOutbox {
        to: Delivery { channel: "telegram".into(), account: "default".into(), target: "1".into() },
        text: format!("code {code}"),
        options: Value::Null,
    });
    let outcome = store
        .pairings()
        .request(NewPairing { inbox_id: Some(row.id), notice: Some(notice), ..stranger("1") })
        .await;
    let Ok(PairingOutcome::New(request)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(store.inbox().pending("telegram", "default").await.unwrap(), []);
    let outgoing = store.outbox().pending("telegram", "default").await.unwrap();
    assert_eq!(
        outgoing.iter().map(|row| row.text.clone()).collect::<Vec<_>>(),
        [format!("code {}", request.code)]
    );
}

#[tokio::test]
async fn at_most_three_wait_and_an_expired_one_makes_room() {
    let (store, clock) = in_memory();
    for n in 0..ALLOWED_PENDING {
        code_of(&store, &n.to_string()).await;
    }
    assert_eq!(store.pairings().request(stranger("late")).await.unwrap(), PairingOutcome::Full);
    let other = NewPairing { account: "second".into(), ..stranger("late") };
    assert!(matches!(store.pairings().request(other).await.unwrap(), PairingOutcome::New(_)), "per account");
    assert_eq!(store.pairings().list(Some("telegram")).await.unwrap().len(), 4);
    clock.advance(CODE_LIFETIME_MS);
    assert_eq!(store.pairings().list(None).await.unwrap(), []);
    code_of(&store, "late").await;
}

#[tokio::test]
async fn a_code_that_a_replaced_bot_told_does_not_stand_in_the_way() {
    let (store, _) = in_memory();
    for n in 0..ALLOWED_PENDING {
        code_of(&store, &n.to_string()).await;
    }
    let of_new_bot = |sender: &str| NewPairing { bot: Some("888".into()), ..stranger(sender) };
    let old = store.pairings().list(None).await.unwrap()[0].code.clone();
    let PairingOutcome::New(new) = store.pairings().request(of_new_bot("0")).await.unwrap() else {
        panic!("whoever writes to the new bot knows nothing of the old code")
    };
    assert_ne!(new.code, old);
    assert!(matches!(store.pairings().request(of_new_bot("0")).await.unwrap(), PairingOutcome::Waiting(_)));
    assert!(store.pairings().approve("telegram", &old, "cli").await.is_err(), "one code for one person");
    let late = store.pairings().request(of_new_bot("late")).await.unwrap();
    assert!(
        matches!(late, PairingOutcome::New(_)),
        "those whom the old bot turned to do not fill the new one"
    );
}

#[tokio::test]
async fn approval_takes_the_code_once_and_lets_exactly_that_sender_in() {
    let (store, clock) = in_memory();
    let code = code_of(&store, "1").await;
    let typed = format!(" {} ", code.to_lowercase());
    let allowed = store.pairings().approve("telegram", &typed, "cli").await.unwrap();
    assert_eq!((allowed.sender.as_str(), allowed.approved_by.as_str()), ("1", "cli"));
    assert!(store.pairings().is_allowed("telegram", "default", "1").await.unwrap());
    assert!(!store.pairings().is_allowed("telegram", "default", "2").await.unwrap());
    assert!(!store.pairings().is_allowed("telegram", "second", "1").await.unwrap());
    assert_eq!(store.pairings().request(stranger("1")).await.unwrap(), PairingOutcome::Allowed);
    let again = store.pairings().approve("telegram", &code, "cli").await.unwrap_err();
    assert_eq!(again.to_string(), format!("there is no pairing code `{code}` in this profile's database."));

    let late = code_of(&store, "2").await;
    clock.advance(CODE_LIFETIME_MS);
    assert_eq!(
        store.pairings().approve("telegram", &late, "cli").await.unwrap_err().code(),
        "store_not_found"
    );

    assert_eq!(store.pairings().allowed(Some("telegram")).await.unwrap().len(), 1);
    assert!(store.pairings().remove("telegram", "default", "1").await.unwrap());
    assert!(!store.pairings().is_allowed("telegram", "default", "1").await.unwrap());
}

#[tokio::test]
async fn a_rejected_code_is_gone() {
    let (store, _) = in_memory();
    let code = code_of(&store, "1").await;
    assert!(store.pairings().reject("telegram", &code).await.unwrap());
    assert!(!store.pairings().reject("telegram", &code).await.unwrap());
}
