//! Start and end: ports, two browsers at once, and no browser left behind.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use bulkhead_browser::{BrowserSeat, ProfileSettings, Reach};
use bulkhead_profile::files;

use crate::stage::{self, ROLE};

#[tokio::test]
async fn main_and_rescue_run_one_each_on_ports_of_their_own() {
    if stage::browser().is_none() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let stranger = TcpListener::bind("127.0.0.1:21811").unwrap();
    let mut main = stage::settings(home.path(), "main", 21_800, Reach::Anywhere);
    main.profiles.insert("work".to_owned(), ProfileSettings::default());
    let main = stage::seat(main);
    let rescue = stage::seat(stage::settings(home.path(), "rescue", 22_000, Reach::Anywhere));
    let (one, two, three) = futures::join!(main.start(None), main.start(Some("work")), rescue.start(None));
    let (one, two, three) = (one.unwrap(), two.unwrap(), three.unwrap());
    let ports = [one.cdp_port.unwrap(), two.cdp_port.unwrap(), three.cdp_port.unwrap()];
    let mut own = [ports[0], ports[1]];
    own.sort_unstable();
    assert_eq!(own, [21_812, 21_813], "the stranger's port was left alone");
    assert_eq!(ports[2], 22_011);
    for (status, port) in [(&one, ports[0]), (&two, ports[1]), (&three, ports[2])] {
        let dir = status.data_dir.as_ref().unwrap();
        assert!(stage::processes_of(dir).contains(&status.pid.unwrap()));
        // On loopback only.
        assert!(TcpListener::bind(("127.0.0.1", port)).is_err());
        assert!(TcpListener::bind(("127.0.0.2", port)).is_ok());
    }
    assert_eq!(main.start(None).await.unwrap(), one, "a second start changes nothing");
    futures::join!(main.stop_all(), rescue.stop_all());
    assert_eq!(stage::processes_of(home.path()), Vec::<u32>::new());

    // The stranger has gone, and the port stays what it was.
    drop(stranger);
    let again = stage::seat(main.settings().clone());
    assert_eq!(again.status(None).await.unwrap().cdp_port, Some(ports[0]));
    assert_eq!(again.start(None).await.unwrap().cdp_port, Some(ports[0]));
    drop((main, rescue, again));
    stage::eventually("a dropped seat ends its browsers", || stage::processes_of(home.path()).is_empty());
}

#[tokio::test]
async fn a_fixed_port_that_is_taken_is_told_with_its_holder() {
    if stage::browser().is_none() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = stranger.local_addr().unwrap().port();
    let mut settings = stage::settings(home.path(), "main", 22_200, Reach::Anywhere);
    settings.profiles.insert("work".to_owned(), ProfileSettings { cdp_port: Some(port), cdp_url: None });
    let seat = stage::seat(settings);
    let error = seat.start(Some("work")).await.unwrap_err().to_string();
    let holder = format!("(process {})", std::process::id());
    assert!(
        error.starts_with(&format!("browser.profiles.work.cdpPort: port {port} is taken by ")),
        "{error}"
    );
    assert!(error.contains(&holder), "{error}");
    drop(stranger);
    assert_eq!(seat.start(Some("work")).await.unwrap().cdp_port, Some(port));
    seat.stop_all().await;
}

#[tokio::test]
async fn the_lock_of_a_browser_that_died_elsewhere_does_no_harm() {
    if stage::browser().is_none() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let seat = stage::seat(stage::settings(home.path(), "main", 22_400, Reach::Anywhere));
    let dir = seat.settings().place.browser_data_dir("default");
    files::create_private_dir(&dir).unwrap();
    std::os::unix::fs::symlink("another-host-1", dir.join("SingletonLock")).unwrap();
    assert!(seat.start(None).await.unwrap().running);

    // It is killed: the seat notices, and starts another one at the next request.
    let pid = seat.status(None).await.unwrap().pid.unwrap();
    assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
    while seat.status(None).await.unwrap().running {
        tokio::task::yield_now().await;
    }
    let next = seat.start(None).await.unwrap();
    assert!(next.running && next.pid != Some(pid));
    seat.stop_all().await;
}

#[tokio::test]
async fn a_program_that_is_no_browser_is_told() {
    let home = tempfile::tempdir().unwrap();
    let mut settings = stage::settings(home.path(), "main", 22_600, Reach::Anywhere);
    settings.executable = Some("/nowhere/chrome".into());
    let error = stage::seat(settings.clone()).start(None).await.unwrap_err();
    assert_eq!(error.code(), "browser-executable");
    settings.executable = Some("/bin/ls".into());
    let error = stage::seat(settings).start(None).await.unwrap_err();
    assert_eq!(error.code(), "browser-start");
    assert!(error.to_string().starts_with("/bin/ls: started, but it ended at once"), "{error}");
}

/// Not a test of its own: a gateway with a browser, that waits to be killed.
#[test]
fn act_as_gateway() {
    if std::env::var_os(ROLE).is_none_or(|role| role != "gateway") {
        return;
    }
    let home = std::env::var_os("BULKHEAD_TEST_HOME").unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let seat: BrowserSeat = stage::seat(stage::settings(home.as_ref(), "main", 22_800, Reach::Anywhere));
    let status = runtime.block_on(seat.open(None, "about:blank")).unwrap();
    println!("\nup {}", status.tab);
    loop {
        std::thread::park();
    }
}

#[test]
fn a_killed_gateway_leaves_no_browser() {
    if stage::browser().is_none() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let command = stage::again("life::act_as_gateway");
    let mut gateway = Command::new(&command[0])
        .args(&command[1..])
        .env(ROLE, "gateway")
        .env("BULKHEAD_TEST_HOME", home.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(gateway.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.is_ok_and(|line| line.starts_with("up "))), "the browser never came up");
    assert!(stage::processes_of(home.path()).len() > 3, "browser and its children");
    gateway.kill().unwrap();
    gateway.wait().unwrap();
    stage::eventually("no process of the browser is left", || stage::processes_of(home.path()).is_empty());
}

#[tokio::test]
async fn a_killed_guard_takes_its_browser_along() {
    if stage::browser().is_none() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let seat = stage::seat(stage::settings(home.path(), "main", 23_600, Reach::Anywhere));
    let pid = seat.start(None).await.unwrap().pid.unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let guard = stat.rsplit_once(") ").unwrap().1.split(' ').nth(1).unwrap();
    assert!(Command::new("kill").args(["-9", guard]).status().unwrap().success());
    stage::eventually("the browser went with its guard", || stage::processes_of(home.path()).is_empty());
    // The seat hears of it once its connection is read again, and then knows that nothing runs.
    while seat.status(None).await.unwrap().running {
        tokio::task::yield_now().await;
    }
    assert!(!seat.stop(None).await.unwrap());
}
