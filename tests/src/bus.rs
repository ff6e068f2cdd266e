//! A session bus of one's own, with gnome-keyring on it where a test wants a keychain.

use crate::world::World;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};

/// A private D-Bus session. Ends with its daemons when dropped.
pub struct Bus {
    daemons: std::sync::Mutex<Vec<Child>>,
    address: String,
}

impl Bus {
    /// Starts the bus daemon.
    pub fn start(world: &World) -> Self {
        Self::start_with(world, "--session")
    }

    /// Starts a bus daemon that starts no program by itself: what no test starts is not there.
    pub fn start_without_services(world: &World) -> Self {
        let file = world.path("bus.conf");
        let config = format!(
            "<busconfig><type>session</type><listen>unix:tmpdir={}</listen><policy context=\"default\">\
             <allow send_destination=\"*\"/><allow receive_sender=\"*\"/><allow own=\"*\"/></policy></busconfig>",
            world.path("run").display()
        );
        std::fs::write(&file, config).expect("the bus's configuration");
        Self::start_with(world, &format!("--config-file={}", file.display()))
    }

    /// A bus that is there already, as a user manager's. What is started on it ends with this.
    pub fn at(address: &str) -> Self {
        Self { daemons: std::sync::Mutex::new(Vec::new()), address: address.to_owned() }
    }

    fn start_with(world: &World, configuration: &str) -> Self {
        let mut daemon = world
            .command("dbus-daemon")
            .args([configuration, "--nofork", "--print-address=1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("dbus-daemon is installed: run `cargo xtask test`");
        let mut address = String::new();
        BufReader::new(daemon.stdout.take().expect("a pipe"))
            .read_line(&mut address)
            .expect("the bus's address");
        Self { daemons: std::sync::Mutex::new(vec![daemon]), address: address.trim().to_owned() }
    }

    /// Its address for `DBUS_SESSION_BUS_ADDRESS`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Starts gnome-keyring with an unlocked login keyring.
    pub fn unlock_keyring(&self, world: &World) {
        self.keyring(world, true);
    }

    /// Starts gnome-keyring with a default collection that exists and is locked.
    pub fn locked_keyring(&self, world: &World) {
        self.keyring(world, true);
        self.lock_keyring(world);
    }

    /// Kills gnome-keyring.
    pub fn kill_keyring(&self) {
        let old = self.daemons.lock().expect("bus").pop();
        if let Some(mut daemon) = old {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }

    /// Ends a keyring that the bus started because somebody asked for one: it has no password.
    fn end_started_by_the_bus(&self, world: &World) {
        for entry in std::fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok) {
            let read = |name: &str| {
                String::from_utf8_lossy(&std::fs::read(entry.path().join(name)).unwrap_or_default())
                    .into_owned()
            };
            let its_bus = format!("DBUS_SESSION_BUS_ADDRESS={}", self.address);
            let home = format!("HOME={}\0", world.home().display());
            let environment = read("environ");
            if read("cmdline").contains("gnome-keyring-daemon")
                && (environment.contains(&its_bus) || environment.contains(&home))
            {
                crate::run::kill(entry.file_name().to_string_lossy().parse().unwrap_or(0));
            }
        }
    }

    /// Starts gnome-keyring anew with the login collection unlocked, as the next login does.
    pub fn unlock_again(&self, world: &World) {
        // The bus itself is the first.
        if self.daemons.lock().expect("bus").len() > 1 {
            self.kill_keyring();
        }
        self.end_started_by_the_bus(world);
        self.keyring(world, true);
    }

    /// Locks the default collection, with what is in it.
    pub fn lock_keyring(&self, world: &World) {
        let out = world
            .command("dbus-send")
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            .args([
                "--session",
                "--print-reply",
                "--dest=org.freedesktop.secrets",
                "/org/freedesktop/secrets",
                "org.freedesktop.Secret.Service.Lock",
                "array:objpath:/org/freedesktop/secrets/collection/login",
            ])
            .output()
            .expect("dbus-send");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    }

    fn keyring(&self, world: &World, unlock: bool) {
        let mut command = world.command("gnome-keyring-daemon");
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.address).args(["--foreground", "--components=secrets"]);
        if unlock {
            command.arg("--unlock");
        }
        let mut daemon = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("gnome-keyring-daemon is installed: run `cargo xtask test`");
        daemon.stdin.take().expect("a pipe").write_all(b"pass").expect("the keyring's password");
        self.daemons.lock().expect("bus").push(daemon);
        self.wait_for_name(world, "org.freedesktop.secrets");
    }

    fn wait_for_name(&self, world: &World, name: &str) {
        for _ in 0..600 {
            let out = world
                .command("dbus-send")
                .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
                .args([
                    "--session",
                    "--print-reply",
                    "--dest=org.freedesktop.DBus",
                    "/org/freedesktop/DBus",
                    "org.freedesktop.DBus.NameHasOwner",
                    &format!("string:{name}"),
                ])
                .output()
                .expect("dbus-send");
            if String::from_utf8_lossy(&out.stdout).contains("boolean true") {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("{name} did not appear on the bus");
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let daemons = self.daemons.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        for daemon in daemons.iter_mut().rev() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}
