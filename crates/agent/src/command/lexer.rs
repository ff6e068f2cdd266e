//! From text to words: quotes, operators, redirections.

use std::iter::Peekable;
use std::str::Chars;

use super::Hidden;

/// One word as the shell would see it before it expands anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Word {
    /// Without quotes.
    pub(super) text: String,
    /// Whether any of it was quoted.
    pub(super) quoted: bool,
    /// Whether the shell would expand it.
    pub(super) expands: bool,
}

/// What stands between two operators, and whether the operator before it asks for something to stand there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) words: Vec<Word>,
    pub(super) needed: bool,
}

struct Lexer<'a> {
    chars: Peekable<Chars<'a>>,
    segments: Vec<Segment>,
    segment: Segment,
    word: Option<Word>,
}

/// The segments of a command.
pub(super) fn segments(command: &str) -> Result<Vec<Segment>, Hidden> {
    let mut lexer = Lexer {
        chars: command.chars().peekable(),
        segments: Vec::new(),
        segment: Segment::default(),
        word: None,
    };
    lexer.run()?;
    Ok(lexer.segments)
}

impl Lexer<'_> {
    fn run(&mut self) -> Result<(), Hidden> {
        while let Some(next) = self.chars.next() {
            match next {
                ' ' | '\t' => self.end_word(),
                '\n' => self.end_line(),
                '#' if self.word.is_none() => while self.chars.next_if(|c| *c != '\n').is_some() {},
                '\'' => self.single_quoted()?,
                '"' => self.double_quoted()?,
                '\\' => match self.chars.next() {
                    Some('\n') => {}
                    Some(c) if !c.is_control() => {
                        self.word().quoted = true;
                        self.push(c);
                    }
                    _ => return Err(Hidden::Malformed),
                },
                '`' => return Err(Hidden::Substitution),
                '$' => self.dollar(false)?,
                '(' | ')' => return Err(Hidden::Group),
                ';' => {
                    if self.chars.peek() == Some(&';') {
                        return Err(Hidden::Syntax);
                    }
                    self.operator(false)?;
                }
                '&' => {
                    if self.chars.peek() == Some(&'>') {
                        return Err(Hidden::Redirection);
                    }
                    let and = self.chars.next_if_eq(&'&').is_some();
                    self.operator(and)?;
                }
                '|' => {
                    if self.chars.peek() == Some(&'&') {
                        return Err(Hidden::Redirection);
                    }
                    self.chars.next_if_eq(&'|');
                    self.operator(true)?;
                }
                '<' | '>' => self.redirection(next)?,
                '*' | '?' | '[' | '{' => {
                    self.word().expands = true;
                    self.push(next);
                }
                '~' if self.word.is_none() => {
                    self.word().expands = true;
                    self.push(next);
                }
                c if c.is_control() => return Err(Hidden::Malformed),
                c => self.push(c),
            }
        }
        self.end_line();
        if self.segment.needed { Err(Hidden::Malformed) } else { Ok(()) }
    }

    fn word(&mut self) -> &mut Word {
        self.word.get_or_insert_default()
    }

    fn push(&mut self, c: char) {
        self.word().text.push(c);
    }

    fn end_word(&mut self) {
        self.segment.words.extend(self.word.take());
    }

    /// A line may break anywhere between commands, also behind `&&` and `|`.
    fn end_line(&mut self) {
        self.end_word();
        if !self.segment.words.is_empty() {
            self.segments.push(std::mem::take(&mut self.segment));
        }
    }

    /// An operator needs a command before it.
    fn operator(&mut self, next_needed: bool) -> Result<(), Hidden> {
        self.end_word();
        if self.segment.words.is_empty() {
            return Err(Hidden::Malformed);
        }
        let next = Segment { words: Vec::new(), needed: next_needed };
        self.segments.push(std::mem::replace(&mut self.segment, next));
        Ok(())
    }

    fn single_quoted(&mut self) -> Result<(), Hidden> {
        self.word().quoted = true;
        loop {
            match self.chars.next() {
                Some('\'') => return Ok(()),
                Some('\0') | None => return Err(Hidden::Malformed),
                Some(c) => self.push(c),
            }
        }
    }

    fn double_quoted(&mut self) -> Result<(), Hidden> {
        self.word().quoted = true;
        loop {
            match self.chars.next() {
                Some('"') => return Ok(()),
                Some('`') => return Err(Hidden::Substitution),
                Some('$') => self.dollar(true)?,
                Some('\\') => match self.chars.next() {
                    Some('\n') => {}
                    Some(c @ ('$' | '`' | '"' | '\\')) => self.push(c),
                    Some(c) if c != '\0' => {
                        self.push('\\');
                        self.push(c);
                    }
                    _ => return Err(Hidden::Malformed),
                },
                Some('\0') | None => return Err(Hidden::Malformed),
                Some(c) => self.push(c),
            }
        }
    }

    /// What follows a `$`.
    fn dollar(&mut self, in_quotes: bool) -> Result<(), Hidden> {
        match self.chars.peek() {
            Some('(') => return Err(Hidden::Substitution),
            Some('{' | '[') => return Err(Hidden::Expansion),
            Some('\'' | '"') if !in_quotes => return Err(Hidden::Expansion),
            Some(c) if c.is_ascii_alphanumeric() || "_@*#?-$!".contains(*c) => {
                self.word().expands = true;
                self.push('$');
                if let Some(c) = self.chars.next() {
                    self.push(c);
                }
            }
            _ => self.push('$'),
        }
        Ok(())
    }

    /// Only what leads nowhere is let through: `/dev/null`, and one output joined to another.
    fn redirection(&mut self, sign: char) -> Result<(), Hidden> {
        match self.word.take() {
            // A number right before it names the output.
            Some(word) if !word.quoted && word.text.chars().all(|c| c.is_ascii_digit()) => {}
            before => {
                self.word = before;
                self.end_word();
            }
        }
        if self.chars.next_if_eq(&'&').is_some() {
            let mut target = String::new();
            while let Some(c) = self.chars.next_if(|c| c.is_ascii_digit() || *c == '-') {
                target.push(c);
            }
            let ends = self.chars.peek().is_none_or(|c| " \t\n;|&".contains(*c));
            let known = target == "-" || (!target.is_empty() && !target.contains('-'));
            return if known && ends { Ok(()) } else { Err(Hidden::Redirection) };
        }
        if sign == '>' {
            self.chars.next_if_eq(&'>');
        }
        while self.chars.next_if(|c| *c == ' ' || *c == '\t').is_some() {}
        let mut target = String::new();
        while let Some(c) = self.chars.next_if(|c| c.is_ascii_lowercase() || *c == '/') {
            target.push(c);
        }
        let ends = self.chars.peek().is_none_or(|c| " \t\n;|&".contains(*c));
        if target == "/dev/null" && ends { Ok(()) } else { Err(Hidden::Redirection) }
    }
}
