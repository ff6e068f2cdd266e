//! Licence texts, each kept once: most differ only in the line that says whose it is.

use std::collections::HashMap;

/// Which of the licences that a part offers we take it under: the first of these that it names.
const PREFERRED: &[&str] = &[
    "MIT",
    "Apache-2.0",
    "ISC",
    "BSD-3-Clause",
    "BSD-2-Clause",
    "0BSD",
    "Zlib",
    "BSL-1.0",
    "CC0-1.0",
    "Unlicense",
    "MPL-2.0",
];

/// One licence of `A OR B`; an expression with AND is taken as it stands.
pub fn choose(expression: &str) -> String {
    let expression = expression.replace('/', " OR ");
    if expression.contains(" AND ") {
        return expression;
    }
    let offered: Vec<&str> =
        expression.split(" OR ").map(|one| one.trim().trim_matches(['(', ')'])).collect();
    let known = PREFERRED.iter().find(|name| offered.contains(name)).copied();
    known.or(offered.first().copied()).unwrap_or_default().to_owned()
}

/// Whether a file is the text of this licence, by its name and, where that says nothing, by how it begins.
pub fn is_of(licence: &str, file: &str, text: &str) -> bool {
    let file = file.to_uppercase();
    if licence.contains(" AND ") {
        return true;
    }
    let (names, says): (&[&str], &[&str]) = match licence {
        "MIT" => (&["MIT"], &["Permission is hereby granted, free of charge"]),
        "Apache-2.0" | "Apache-2.0 WITH LLVM-exception" => (&["APACHE"], &["Apache License"]),
        "ISC" => (&["ISC"], &["Permission to use, copy, modify"]),
        "Zlib" => (&["ZLIB"], &["This software is provided 'as-is'"]),
        "MPL-2.0" => (&["MPL"], &["Mozilla Public License"]),
        "Unicode-3.0" => (&["UNICODE"], &["UNICODE LICENSE"]),
        "BSD-3-Clause" | "BSD-2-Clause" => (&["BSD"], &["Redistribution and use in source and binary"]),
        _ => return true,
    };
    names.iter().any(|name| file.contains(name)) || says.iter().any(|words| text.contains(words))
}

/// The texts so far.
#[derive(Default)]
pub struct Texts {
    all: Vec<String>,
    seen: HashMap<String, usize>,
    /// A text of each licence, for parts that bring none.
    of_licence: HashMap<String, usize>,
}

impl Texts {
    /// The number of a text, and the copyright lines that stood in it.
    pub fn add(&mut self, licence: &str, text: &str) -> (usize, Vec<String>) {
        let is_copyright = |line: &str| {
            let line = line.trim().trim_start_matches(['/', '*', '#', ' ']).to_lowercase();
            (line.starts_with("copyright (c)") || line.starts_with("copyright ©") || line.starts_with("(c) "))
                || line.strip_prefix("copyright ").is_some_and(|rest| {
                    rest.starts_with(|c: char| c.is_ascii_digit()) || rest.starts_with("the ")
                })
        };
        let by: Vec<String> = text
            .lines()
            .filter(|line| is_copyright(line) && !line.contains("[yyyy]"))
            .map(|line| line.trim().trim_start_matches(['/', '*', '#', ' ']).to_owned())
            .collect();
        let rest: Vec<&str> = text.lines().filter(|line| !is_copyright(line)).collect();
        let mut rest = rest.join("\n");
        if let Some(end) = rest.find("END OF TERMS AND CONDITIONS") {
            rest.truncate(end);
        }
        let rest = rest.trim_matches(['\n', '\r', '\u{feff}']).to_owned();
        // What is told apart: words only, without the heading that some have and some don't.
        let mut key: String = rest.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        for (start, keep) in [
            ("permission is hereby granted", true),
            ("redistribution and use", true),
            ("apache license", true),
        ] {
            if let Some(at) = key.find(start).filter(|at| keep && *at < 200) {
                key = key[at..].to_owned();
            }
        }
        let key: String = key.chars().filter(|c| c.is_alphanumeric()).collect();
        let next = self.all.len();
        let index = *self.seen.entry(key).or_insert(next);
        if index == next {
            self.all.push(rest);
        }
        self.of_licence.entry(licence.to_owned()).or_insert(index);
        (index, by)
    }

    /// A text of this licence that another part brought.
    pub fn known(&self, licence: &str) -> Option<usize> {
        self.of_licence.get(licence).copied()
    }

    /// All of them.
    pub fn into_vec(self) -> Vec<String> {
        self.all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_several_licences_is_taken() {
        assert_eq!(choose("MIT OR Apache-2.0"), "MIT");
        assert_eq!(choose("Apache-2.0/MIT"), "MIT");
        assert_eq!(choose("Unlicense OR MIT"), "MIT");
        assert_eq!(choose("Apache-2.0 AND ISC"), "Apache-2.0 AND ISC");
        assert_eq!(choose("WTFPL"), "WTFPL");
    }

    #[test]
    fn the_same_text_of_two_authors_is_kept_once() {
        let mut texts = Texts::default();
        let body = "Permission is hereby granted, free of charge, to any person";
        let (one, by) =
            texts.add("MIT", &format!("The MIT License (MIT)\n\nCopyright (c) 2020 Ada\n\n{body}"));
        let (two, _) = texts.add("MIT", &format!("Copyright 2021 Bob\n\n{body}\n"));
        assert_eq!((one, two), (0, 0));
        assert_eq!(by, ["Copyright (c) 2020 Ada"]);
        assert_eq!(texts.known("MIT"), Some(0));
        assert_eq!(texts.into_vec().len(), 1);
    }
}
