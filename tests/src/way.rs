//! A way to a gateway that can be closed, and that can lose everything without a word, as networks do.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

const OPEN: u8 = 0;
const SILENT: u8 = 1;
const CLOSED: u8 = 2;

/// The same port on another address of this machine: gateways answer only under their own ports.
pub struct Way {
    address: String,
    shared: Arc<Shared>,
}

struct Shared {
    mode: AtomicU8,
    streams: Mutex<Vec<TcpStream>>,
}

impl Way {
    /// A way to a gateway of this machine.
    pub fn to(target: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.2", target)).expect("the port on another address");
        let shared = Arc::new(Shared { mode: AtomicU8::new(OPEN), streams: Mutex::default() });
        let here = Arc::clone(&shared);
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                match here.mode.load(Ordering::SeqCst) {
                    CLOSED => drop(near),
                    SILENT => here.keep(&near),
                    _ => here.join(&near, target),
                }
            }
        });
        Self { address: format!("127.0.0.2:{target}"), shared }
    }

    /// Where it begins.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What is said on it arrives.
    pub fn open(&self) {
        self.shared.end_all();
        self.shared.mode.store(OPEN, Ordering::SeqCst);
    }

    /// What is said on it is lost, and nobody hears of that.
    pub fn lose_everything(&self) {
        self.shared.mode.store(SILENT, Ordering::SeqCst);
    }

    /// Every connection ends, and new ones end at once.
    pub fn close(&self) {
        self.shared.mode.store(CLOSED, Ordering::SeqCst);
        self.shared.end_all();
    }
}

impl Shared {
    fn keep(&self, stream: &TcpStream) {
        if let Ok(stream) = stream.try_clone() {
            self.streams.lock().expect("streams").push(stream);
        }
    }

    fn join(self: &Arc<Self>, near: &TcpStream, target: u16) {
        let Ok(far) = TcpStream::connect(("127.0.0.1", target)) else { return };
        self.keep(near);
        self.keep(&far);
        for (from, to) in [(near, &far), (&far, near)] {
            let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) else { return };
            let shared = Arc::clone(self);
            std::thread::spawn(move || shared.carry(from, to));
        }
    }

    fn carry(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut bytes = [0; 16 * 1024];
        while let Ok(length @ 1..) = from.read(&mut bytes) {
            if self.mode.load(Ordering::SeqCst) == OPEN && to.write_all(&bytes[..length]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    }

    fn end_all(&self) {
        for stream in self.streams.lock().expect("streams").drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}
