//! A bot on the stand-in server, a store on disk, and a handler that each test writes itself.

use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bulkhead_channels::{
    ButtonPress, ChannelState, ChannelStatus, Command, InboundHandler, InboundMessage, PressAnswer, Reply,
    Telegram, TelegramHandle, TelegramSettings,
};
use bulkhead_config::DmPolicy;
use bulkhead_fakes::telegram::{BotControl, TelegramServer, TelegramServerOptions};
use bulkhead_store::Store;
use futures::future::BoxFuture;

pub(crate) const TOKEN: &str = "777000111:AAF-very_secret-token-of-the-bot";
pub(crate) const ALICE: i64 = 111_222_333;
pub(crate) const MALLORY: i64 = 999;

type Answer = Box<dyn Fn(InboundMessage, Box<dyn Reply>) -> BoxFuture<'static, ()> + Send + Sync>;

/// Runs a closure for each message, and remembers them all.
pub(crate) struct Scripted {
    answer: Answer,
    pub(crate) seen: Mutex<Vec<InboundMessage>>,
    pub(crate) pressed: Mutex<Vec<ButtonPress>>,
    pub(crate) commanded: Mutex<Vec<String>>,
}

#[async_trait]
impl InboundHandler for Scripted {
    async fn handle(&self, message: InboundMessage, reply: Box<dyn Reply>) {
        self.seen.lock().unwrap().push(message.clone());
        (self.answer)(message, reply).await;
    }

    async fn command(&self, command: &Command, message: &InboundMessage) -> Option<String> {
        self.commanded.lock().unwrap().push(command.name.clone());
        match command.name.as_str() {
            "new" => Some(format!("A new conversation in {}.", message.peer)),
            "rescue" => Some(format!("main is well, {}", message.sender.id)),
            _ => None,
        }
    }

    async fn press(&self, press: ButtonPress) -> PressAnswer {
        let answer = PressAnswer::brief(format!("pressed {}", press.data));
        self.pressed.lock().unwrap().push(press);
        answer
    }
}

impl Scripted {
    pub(crate) fn new<F>(
        answer: impl Fn(InboundMessage, Box<dyn Reply>) -> F + Send + Sync + 'static,
    ) -> Arc<Self>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let answer: Answer = Box::new(move |message, reply| Box::pin(answer(message, reply)));
        Arc::new(Self {
            answer,
            seen: Mutex::default(),
            pressed: Mutex::default(),
            commanded: Mutex::default(),
        })
    }

    /// Answers at once with `answer to <text>`.
    pub(crate) fn echo() -> Arc<Self> {
        Self::new(|message, reply| async move {
            reply.finish(&format!("answer to {}", message.text)).await.unwrap();
        })
    }

    pub(crate) fn texts(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(|message| message.text.clone()).collect()
    }
}

/// Commands for operators.
pub(crate) const OPERATOR_COMMANDS: &[(&str, &str)] =
    &[("rescue", "Show how the other gateway is"), ("status", "Show how both gateways are")];

pub(crate) struct World {
    pub(crate) server: TelegramServer,
    pub(crate) bot: BotControl,
    pub(crate) dir: tempfile::TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        let server = TelegramServer::start(TelegramServerOptions::default()).await.unwrap();
        let bot = server.control.add_bot(TOKEN, "ref_test_bot");
        Self { server, bot, dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn store(&self) -> Store {
        open_store(self.dir.path())
    }

    /// Alice may write without pairing.
    pub(crate) fn settings(&self) -> TelegramSettings {
        settings(&self.server.base_url)
    }

    pub(crate) fn start(&self, handler: Arc<Scripted>) -> TelegramHandle {
        Telegram::start(self.settings(), self.store(), handler)
    }
}

pub(crate) fn open_store(dir: &Path) -> Store {
    Store::open(dir.join("bulkhead.sqlite")).unwrap()
}

pub(crate) fn settings(base_url: &str) -> TelegramSettings {
    TelegramSettings {
        api_root: Some(base_url.to_owned()),
        allow_from: vec![ALICE.to_string()],
        dm_policy: DmPolicy::Pairing,
        ..TelegramSettings::new(TOKEN.into())
    }
}

/// Waits for a state and gives the whole status.
pub(crate) async fn until(handle: &TelegramHandle, state: ChannelState) -> ChannelStatus {
    let mut status = handle.status();
    let waiting = status.wait_for(|status| status.state == state);
    let found = tokio::time::timeout(std::time::Duration::from_secs(30), waiting).await;
    found.unwrap_or_else(|_| panic!("never {state:?}: {:?}", handle.status().borrow())).unwrap().clone()
}
