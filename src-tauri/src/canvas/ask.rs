//! A document leads elsewhere: a person is asked, and their browser opens it.

use tauri::{AppHandle, Url};
use tauri_plugin_opener::OpenerExt;

/// Asks, and opens the page in the system's browser on a yes. `done` is called in any case.
pub fn about(app: &AppHandle, url: Url, done: impl FnOnce() + Send + 'static) {
    let handle = app.clone();
    let asked = app.run_on_main_thread(move || {
        let opened = handle.clone();
        question(&handle, &url.clone(), move |yes| {
            done();
            if yes && let Err(error) = opened.opener().open_url(url.as_str(), None::<&str>) {
                tracing::warn!(%error, "the browser could not be opened");
            }
        });
    });
    if let Err(error) = asked {
        tracing::warn!(%error, "nobody could be asked about a link");
    }
}

#[cfg(target_os = "linux")]
fn question(_app: &AppHandle, url: &Url, answer: impl FnOnce(bool) + 'static) {
    use gtk::prelude::*;
    let text = "A document that an agent made leads elsewhere. Open this page in your browser?";
    let dialog = gtk::MessageDialog::new(
        None::<&gtk::Window>,
        gtk::DialogFlags::empty(),
        gtk::MessageType::Question,
        gtk::ButtonsType::None,
        text,
    );
    dialog.set_title("Bulkhead");
    dialog.set_secondary_text(Some(url.as_str()));
    dialog.add_button("Cancel", gtk::ResponseType::Cancel);
    dialog.add_button("Open", gtk::ResponseType::Accept);
    dialog.set_default_response(gtk::ResponseType::Cancel);
    let answer = std::cell::Cell::new(Some(answer));
    dialog.connect_response(move |dialog, response| {
        if let Some(answer) = answer.take() {
            answer(response == gtk::ResponseType::Accept);
        }
        dialog.close();
    });
    dialog.show_all();
}

#[cfg(not(target_os = "linux"))]
fn question(_app: &AppHandle, url: &Url, answer: impl FnOnce(bool) + 'static) {
    let text = "A document that an agent made leads elsewhere. Open this page in your browser?";
    let said = rfd::MessageDialog::new()
        .set_title("Bulkhead")
        .set_description(format!("{text}\n\n{url}"))
        .set_buttons(rfd::MessageButtons::OkCancel)
        .show();
    answer(said == rfd::MessageDialogResult::Ok);
}
