//! Every way in which names, places, ports and the register can refuse. Each text says what was found, where, what
//! was expected and what to do next; [`code`](PlaceError::code) is stable for programs.

use std::path::PathBuf;

use crate::audit::Finding;

/// A profile name that cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing was given.
    #[error(
        "the profile name is empty; expected a small letter, then up to 31 small letters, digits or '-'; for example: --profile rescue"
    )]
    Empty,
    /// More than 32 characters.
    #[error("the profile name {found:?} has {length} characters; expected at most 32; choose a shorter name")]
    TooLong {
        /// The name, cut.
        found: String,
        /// How many characters it has.
        length: usize,
    },
    /// The first character is not a small letter.
    #[error(
        "the profile name {found:?} begins with {begins:?}; expected a small letter a–z first, then small letters, digits or '-'; for example: rescue"
    )]
    BadStart {
        /// The name.
        found: String,
        /// Its first character.
        begins: char,
    },
    /// A character outside `a-z0-9-`.
    #[error(
        "the profile name {found:?} contains {character:?}; expected only small letters a–z, digits and '-'; choose another name, for example: {suggestion}"
    )]
    BadCharacter {
        /// The name.
        found: String,
        /// The first bad character.
        character: char,
        /// A name close to it that works.
        suggestion: String,
    },
    /// A word that would be ambiguous, or that some system does not allow as a file name.
    #[error(
        "the profile name {found:?} is reserved ({why}); expected another name, for example: {found}-gw; the default profile is called main"
    )]
    Reserved {
        /// The name.
        found: String,
        /// Why it is reserved.
        why: &'static str,
    },
}

impl NameError {
    /// The stable code for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "profile-name-empty",
            Self::TooLong { .. } => "profile-name-too-long",
            Self::BadStart { .. } | Self::BadCharacter { .. } => "profile-name-character",
            Self::Reserved { .. } => "profile-name-reserved",
        }
    }
}

/// A place that cannot be resolved or may not be used.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// Neither HOME nor an override says where to live.
    #[error(
        "no home directory: HOME is {found}; expected an absolute path; set HOME, or BULKHEAD_STATE_DIR to the directory that this profile shall use"
    )]
    NoHome {
        /// What HOME holds.
        found: String,
    },
    /// The name in a variable is none.
    #[error("{variable}: {source}")]
    Name {
        /// The variable that holds it.
        variable: String,
        /// Why it is none.
        source: NameError,
    },
    /// A variable that is no Unicode.
    #[error(
        "{variable} is not valid Unicode; expected a path in UTF-8; set it again, or unset it to use the rule"
    )]
    NotUnicode {
        /// The variable.
        variable: String,
    },
    /// The state directory belongs to another profile.
    #[error(
        "the state directory {dir} (from {variable}) belongs to profile '{recorded}', but profile '{asked}' was asked for; expected a directory of its own for each profile; {next_step}", dir = .dir.display()
    )]
    OtherProfile {
        /// The directory.
        dir: PathBuf,
        /// The flag or variable that led there, or the rule.
        variable: String,
        /// Whose it is.
        recorded: String,
        /// Who asked.
        asked: String,
        /// What to do.
        next_step: String,
    },
    /// The directory is a real OpenClaw's.
    #[error(
        "{what} {path} {where_it_is} (it holds {evidence}), led there by {variable}; expected a directory of Bulkhead's own, because it never writes into an OpenClaw's; choose another place, or copy that set-up with: bulkhead import openclaw", path = .path.display(), where_it_is = where_it_is(.path, .dir)
    )]
    OpenClaw {
        /// "the state directory", "the configuration file", "the workspace".
        what: &'static str,
        /// The path that was to be written.
        path: PathBuf,
        /// OpenClaw's directory.
        dir: PathBuf,
        /// What proves it.
        evidence: String,
        /// The flag or variable that led there.
        variable: String,
    },
    /// The marker cannot be understood.
    #[error(
        "{path}: this file says which profile the directory belongs to, but it holds {found}; expected {{\"product\":\"bulkhead\",\"profile\":\"NAME\"}}; move it away if the directory is yours, and start again", path = .path.display()
    )]
    BadMarker {
        /// The marker file.
        path: PathBuf,
        /// What it holds.
        found: String,
    },
    /// A file or directory could not be read or written.
    #[error("{path}: cannot {action}: {source}; expected a place that you may read and write; check the permissions of that directory and the free space", path = .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

fn where_it_is(path: &std::path::Path, dir: &std::path::Path) -> String {
    if path == dir {
        "is the state directory of an OpenClaw".to_owned()
    } else {
        format!("lies in {}, the state directory of an OpenClaw", dir.display())
    }
}

impl PlaceError {
    /// The stable code for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoHome { .. } => "place-no-home",
            Self::Name { source, .. } => source.code(),
            Self::NotUnicode { .. } => "place-not-unicode",
            Self::OtherProfile { .. } => "place-other-profile",
            Self::OpenClaw { .. } => "place-openclaw",
            Self::BadMarker { .. } => "place-bad-marker",
            Self::Io { .. } => "place-not-writable",
        }
    }
}

/// A port that cannot be a base port.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PortError {
    /// Not a number.
    #[error(
        "{place}: found {found:?}, which is no port number; expected a base port from 1024 to 65425; for example: 18789"
    )]
    NotANumber {
        /// Flag, variable or field.
        place: String,
        /// What stands there.
        found: String,
    },
    /// Below 1024, or the interval would pass 65535.
    #[error(
        "base port {found}{place}: expected 1024 to 65425, because a profile uses the ports from its base to base+110 and ports below 1024 need root; for example: 18789", place = in_place(.place)
    )]
    OutOfRange {
        /// Flag, variable or field; empty if unknown.
        place: String,
        /// The port.
        found: u32,
    },
}

fn in_place(place: &str) -> String {
    if place.is_empty() { String::new() } else { format!(" from {place}") }
}

impl PortError {
    /// The stable code for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotANumber { .. } => "port-not-a-number",
            Self::OutOfRange { .. } => "port-out-of-range",
        }
    }

    /// The same error with the flag, variable or field that the port came from.
    #[must_use]
    pub fn from_place(self, place: &str) -> Self {
        match self {
            Self::OutOfRange { found, .. } => Self::OutOfRange { place: place.to_owned(), found },
            Self::NotANumber { found, .. } => Self::NotANumber { place: place.to_owned(), found },
        }
    }
}

/// No interval is left.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpacingError {
    /// Every interval of 111 ports is claimed or listened in.
    #[error(
        "no free interval of 111 ports is left between 1024 and 65535 ({claims} profiles, {foreign} other gateways, {listening} listening ports); expected room for one more; remove a profile with: bulkhead profiles remove NAME, or name a base port with --port"
    )]
    Full {
        /// How many claims there are.
        claims: usize,
        /// How many of other programs.
        foreign: usize,
        /// How many ports are listened on.
        listening: usize,
    },
}

impl SpacingError {
    /// The stable code for programs.
    pub const fn code(&self) -> &'static str {
        "ports-full"
    }
}

/// The register refused, or could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// Somebody else holds the lock.
    #[error(
        "{path}: another bulkhead has been changing the register of profiles for {waited_ms} ms; expected it to be done by now; end that program or try again", path = .path.display()
    )]
    Busy {
        /// The lock file.
        path: PathBuf,
        /// How long was waited.
        waited_ms: u64,
    },
    /// The file could not be read or written.
    #[error("{path}: cannot {action} the register of profiles: {source}; expected a file that you may read and write; check the permissions of that directory and the free space", path = .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The profile would not be isolated.
    #[error("{}", .0.iter().map(Finding::sentence).collect::<Vec<_>>().join("\n"))]
    Refused(Vec<Finding>),
    /// The base port cannot be one.
    #[error(transparent)]
    Port(#[from] PortError),
    /// No interval is left.
    #[error(transparent)]
    Spacing(#[from] SpacingError),
    /// The place may not be used.
    #[error(transparent)]
    Place(#[from] PlaceError),
}

impl RegisterError {
    /// The stable code for programs: of the first finding, if it was refused.
    pub fn code(&self) -> &str {
        match self {
            Self::Busy { .. } => "register-busy",
            Self::Io { .. } => "register-not-writable",
            Self::Refused(findings) => findings.first().map_or("register-refused", |f| f.code.as_str()),
            Self::Port(error) => error.code(),
            Self::Spacing(error) => error.code(),
            Self::Place(error) => error.code(),
        }
    }
}
