//! What each round does, from a seed. Pure.

use bulkhead_killpoint::Point;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand::{Rng as _, SeedableRng as _};
use serde::Serialize;

/// One thing that is done to a gateway under traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// The gateway kills itself where the code names a point.
    Point(Named),
    /// Killed from outside while an edit is under way.
    DuringEdit,
    /// Killed from outside while a message is being sent.
    DuringSend,
    /// Killed from outside at any moment.
    Random,
    /// Killed again while it recovers.
    Twice,
    /// The supervisor is killed too.
    Supervisor,
    /// Nothing fits on its disk for a while.
    DiskFull,
    /// Its state cannot be written for a while.
    ReadOnly,
    /// The wall clock jumps.
    Clock,
    /// The model's provider fails.
    Provider,
    /// The Bot API fails.
    BotApi,
    /// The keychain is locked while it starts.
    Keychain,
}

/// A [`Point`] that sorts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Named(pub Point);

impl PartialOrd for Named {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Named {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.name().cmp(other.0.name())
    }
}

impl Kind {
    /// Every kind.
    pub fn all() -> Vec<Self> {
        let mut all: Vec<Self> = Point::ALL.into_iter().map(|point| Self::Point(Named(point))).collect();
        all.extend([
            Self::DuringEdit,
            Self::DuringSend,
            Self::Random,
            Self::Twice,
            Self::Supervisor,
            Self::DiskFull,
            Self::ReadOnly,
            Self::Clock,
            Self::Provider,
            Self::BotApi,
            Self::Keychain,
        ]);
        all
    }

    /// Its name on the command line and in the report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Point(point) => point.0.name(),
            Self::DuringEdit => "during-edit",
            Self::DuringSend => "during-send",
            Self::Random => "random",
            Self::Twice => "killed-twice",
            Self::Supervisor => "supervisor-killed",
            Self::DiskFull => "disk-full",
            Self::ReadOnly => "read-only",
            Self::Clock => "clock-jump",
            Self::Provider => "provider-faults",
            Self::BotApi => "bot-api-faults",
            Self::Keychain => "keychain-locked",
        }
    }

    /// Whether its kills come at a place that is named beforehand.
    fn is_named(self) -> bool {
        matches!(self, Self::Point(_) | Self::DuringEdit | Self::DuringSend)
    }

    /// How many rounds of 500 it gets.
    fn weight(self) -> usize {
        match self {
            _ if self.is_named() => 22,
            Self::Random => 62,
            Self::Twice | Self::Supervisor => 16,
            Self::DiskFull | Self::ReadOnly | Self::Keychain => 8,
            Self::Clock => 12,
            Self::Provider => 18,
            _ => 22,
        }
    }
}

/// One round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    /// From 0.
    pub number: usize,
    /// What happens.
    pub kind: Kind,
    /// Where its own chances come from.
    pub seed: u64,
    /// How often it was tried before without its point being reached.
    pub tried: u8,
}

impl Round {
    /// The same with other chances, because its point was not reached; a few times at most.
    pub fn again(self) -> Option<Self> {
        let tried = self.tried + 1;
        let number = self.number + 100_000 * usize::from(tried);
        (tried <= 3).then_some(Self { number, seed: self.seed.wrapping_add(1), tried, ..self })
    }
}

/// What a question asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Manner {
    /// A few words at once.
    Short,
    /// Words that come one after the other, so that the answer is shown growing.
    Slow,
    /// A tool is called first.
    Tool,
}

/// One question of a round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Question {
    /// Unique over all rounds.
    pub number: u64,
    /// Who asks.
    pub chat: i64,
    /// How it is to be answered.
    pub manner: Manner,
}

impl Question {
    /// Stands at the beginning of its answer.
    pub fn begin(&self) -> String {
        format!("b{}b", self.number)
    }

    /// Stands at the end of its answer, and only there.
    pub fn end(&self) -> String {
        format!("e{}e", self.number)
    }

    /// What the person writes.
    pub fn text(&self) -> String {
        let answer =
            format!("{} one two three four five six seven eight nine ten {}", self.begin(), self.end());
        match self.manner {
            Manner::Short => format!("ECHO {} {}", self.begin(), self.end()),
            Manner::Slow => format!("DO: slow 90; piece 4; say {answer:?}"),
            Manner::Tool => format!("DO: tool ls {{\"path\":\".\"}}; slow 30; say {answer:?}"),
        }
    }
}

/// The rounds, in their order. Every kind gets its share, at least one if there is room.
pub fn rounds(count: usize, only: Option<Kind>, seed: u64) -> Vec<Round> {
    let mut chance = StdRng::seed_from_u64(seed);
    let mut kinds: Vec<Kind> = match only {
        Some(kind) => vec![kind; count],
        None => shares(count),
    };
    kinds.shuffle(&mut chance);
    kinds
        .into_iter()
        .enumerate()
        .map(|(number, kind)| Round { number, kind, seed: chance.random(), tried: 0 })
        .collect()
}

fn shares(count: usize) -> Vec<Kind> {
    let kinds = Kind::all();
    let total: usize = kinds.iter().map(|kind| kind.weight()).sum();
    // Rounded down; what is left goes to random kills. A short run takes the first ones in an order that matters most.
    let mut shared: Vec<Kind> =
        kinds.iter().flat_map(|kind| vec![*kind; kind.weight() * count / total]).collect();
    let mut rest = [
        Kind::Point(Named(Point::AfterPlaceholder)),
        Kind::Point(Named(Point::MidStream)),
        Kind::Point(Named(Point::BeforeInboxCommit)),
        Kind::DuringEdit,
        Kind::Random,
        Kind::Point(Named(Point::AfterRunEnd)),
        Kind::Point(Named(Point::MidMigration)),
        Kind::Point(Named(Point::MidFileWrite)),
        Kind::BotApi,
    ]
    .into_iter()
    .chain(std::iter::repeat(Kind::Random));
    while shared.len() < count {
        shared.extend(rest.next());
    }
    shared
}

/// The questions of a round: several chats, some with two in a row.
pub fn questions(round: &Round, chance: &mut StdRng) -> Vec<Question> {
    let base = u64::try_from(round.number).unwrap_or(0) * 100 + 100_000;
    let manners: &[Manner] = match round.kind {
        Kind::Point(Named(Point::BeforeTool | Point::AfterTool)) => &[Manner::Tool],
        Kind::Point(Named(Point::MidStream)) | Kind::DuringEdit => &[Manner::Slow],
        _ => &[Manner::Short, Manner::Slow, Manner::Tool],
    };
    let chats = chance.random_range(2..=4);
    let mut questions = Vec::new();
    for chat in 0..chats {
        for _ in 0..chance.random_range(1..=2) {
            let number = base + u64::try_from(questions.len()).unwrap_or(0);
            let manner = manners.choose(chance).copied().unwrap_or(Manner::Short);
            questions.push(Question { number, chat: i64::try_from(base).unwrap_or(0) + chat, manner });
        }
    }
    questions.shuffle(chance);
    questions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_rounds_and_each_point_its_twenty_kills() {
        let first = rounds(500, None, 7);
        assert_eq!(first, rounds(500, None, 7));
        assert_ne!(first, rounds(500, None, 8));
        assert_eq!(first.len(), 500);
        for kind in Kind::all() {
            let share = first.iter().filter(|round| round.kind == kind).count();
            assert!(share >= if kind.is_named() { 20 } else { 6 }, "{} got {share}", kind.name());
        }
    }

    #[test]
    fn a_short_run_has_what_matters_most_and_one_kind_can_be_asked_for() {
        let few = rounds(10, None, 1);
        assert!(few.iter().any(|round| round.kind == Kind::Point(Named(Point::AfterPlaceholder))));
        assert!(rounds(5, Some(Kind::Clock), 1).iter().all(|round| round.kind == Kind::Clock));
    }

    #[test]
    fn questions_are_unique_over_all_rounds() {
        let mut numbers: Vec<u64> = rounds(50, None, 3)
            .iter()
            .flat_map(|round| questions(round, &mut StdRng::seed_from_u64(round.seed)))
            .map(|question| question.number)
            .collect();
        let all = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), all);
    }
}
