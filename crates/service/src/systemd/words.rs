//! How words stand in a unit: quotes, specifiers (`%`), variables (`$`). See systemd.syntax(7) and systemd.service(5).

/// A text in double quotes, as in `Environment=`.
pub fn quoted_text(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '%' => out.push_str("%%"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            character => out.push(character),
        }
    }
    out.push('"');
    out
}

/// An argument in `ExecStart=`: variables are not put in.
pub fn quoted_argument(text: &str) -> String {
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':' | ',' | '+' | '@');
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    quoted_text(text).replace('$', "$$")
}

/// The program in `ExecStart=`: systemd puts no variables into its path, so a dollar sign stays one.
pub fn quoted_program(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '+');
    if path.starts_with('/') && path.chars().all(plain) { path.to_owned() } else { quoted_text(path) }
}

/// A text without quotes, in which a percent sign stays one.
pub(crate) fn specifiers(text: &str) -> String {
    text.replace('%', "%%")
}

/// The words of a command line in a unit, as systemd would start them (but for variables).
pub fn split_words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut chars = line.chars().peekable();
    while let Some(character) = chars.next() {
        match (character, quote) {
            ('\\', _) => {
                let escaped = match chars.next() {
                    Some('n') => '\n',
                    Some('t') => '\t',
                    Some('s') => ' ',
                    Some(other) => other,
                    None => break,
                };
                word.get_or_insert_default().push(escaped);
            }
            (c, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            ('%' | '$', _) if chars.peek() == Some(&character) => {
                chars.next();
                word.get_or_insert_default().push(character);
            }
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn odd_paths() {
        assert_eq!(quoted_program("/usr/bin/bulkhead"), "/usr/bin/bulkhead");
        assert_eq!(quoted_program("/o p/100%/$x/ä"), "\"/o p/100%%/$x/ä\"");
        assert_eq!(quoted_argument("/o p/100%/$x/ä"), "\"/o p/100%%/$$x/ä\"");
        assert_eq!(quoted_argument(""), "\"\"");
        assert_eq!(quoted_argument(";"), "\";\"");
        assert_eq!(quoted_text(r#"A=a"b\c"#), r#""A=a\"b\\c""#);
    }

    proptest! {
        #[test]
        fn every_word_comes_back(words in proptest::collection::vec("[^\\p{Cc}]{0,12}", 0..6)) {
            let line = words.iter().map(|word| quoted_argument(word)).collect::<Vec<_>>().join(" ");
            prop_assert_eq!(split_words(&line), words);
        }
    }
}
