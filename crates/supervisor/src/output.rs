//! What a gateway says while it runs: of each run the first ten and the last fifty lines are kept, without secrets.

use std::collections::VecDeque;

use secrecy::{ExposeSecret as _, SecretString};

/// Lines kept from the beginning.
const FIRST: usize = 10;
/// Lines kept from the end.
const LAST: usize = 50;
/// Characters kept of a line.
const LINE: usize = 2000;

/// The kept lines of one run.
#[derive(Default)]
pub(crate) struct Tail {
    first: Vec<String>,
    last: VecDeque<String>,
    omitted: u64,
    secrets: Vec<SecretString>,
}

impl Tail {
    pub(crate) fn new(secrets: Vec<SecretString>) -> Self {
        Self { secrets, ..Self::default() }
    }

    /// Secrets that came later.
    pub(crate) fn hide_also(&mut self, secrets: Vec<SecretString>) {
        self.secrets.extend(secrets);
    }

    /// Keeps a line; gives it back as it was kept.
    pub(crate) fn push(&mut self, line: &str) -> String {
        let line = self.clean(line);
        if self.first.len() < FIRST {
            self.first.push(line.clone());
        } else {
            if self.last.len() == LAST {
                self.last.pop_front();
                self.omitted += 1;
            }
            self.last.push_back(line.clone());
        }
        line
    }

    fn clean(&self, line: &str) -> String {
        let mut line = line.to_owned();
        for secret in &self.secrets {
            if line.contains(secret.expose_secret()) {
                line = line.replace(secret.expose_secret(), "[secret]");
            }
        }
        if line.chars().count() > LINE {
            line = line.chars().take(LINE).chain(['…']).collect();
        }
        line
    }

    /// The first lines, how many are left out, the last lines.
    pub(crate) fn parts(&self) -> (Vec<String>, u64, Vec<String>) {
        (self.first.clone(), self.omitted, self.last.iter().cloned().collect())
    }

    /// The last `count` lines.
    pub(crate) fn last(&self, count: usize) -> Vec<String> {
        let all: Vec<&String> = self.first.iter().chain(&self.last).collect();
        all[all.len().saturating_sub(count)..].iter().map(|line| (*line).clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_ten_and_last_fifty() {
        let mut tail = Tail::default();
        for n in 0..200 {
            tail.push(&format!("line {n}"));
        }
        let (first, omitted, last) = tail.parts();
        assert_eq!((first.len(), omitted, last.len()), (10, 140, 50));
        assert_eq!(
            (first[9].as_str(), last[0].as_str(), last[49].as_str()),
            ("line 9", "line 150", "line 199")
        );
        assert_eq!(tail.last(2), ["line 198", "line 199"]);
        let mut short = Tail::default();
        short.push("only");
        assert_eq!((short.last(5), short.parts().1), (vec!["only".to_owned()], 0));
    }

    #[test]
    fn secrets_and_endless_lines_are_cut() {
        let mut tail = Tail::new(vec![SecretString::from("123:planted")]);
        assert_eq!(tail.push("GET /bot123:planted/getMe"), "GET /bot[secret]/getMe");
        assert_eq!(tail.push(&"ä".repeat(5000)).chars().count(), 2001);
    }
}
