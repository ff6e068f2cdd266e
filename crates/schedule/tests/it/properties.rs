//! What holds for all schedules.

use bulkhead_protocol::methods::cron::CronSchedule;
use bulkhead_schedule::{Rhythm, normal};
use jiff::tz::TimeZone;
use proptest::prelude::*;

const ZONES: &[&str] = &["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"];

fn field(most: u32, least: u32) -> impl Strategy<Value = String> {
    prop_oneof![
        Just("*".to_owned()),
        (least..=most).prop_map(|n| n.to_string()),
        (2_u32..15).prop_map(|n| format!("*/{n}")),
        (least..=most, least..=most).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn the_next_time_of_an_interval_is_the_first_one(
        every in 1000_i64..10_000_000, anchor in 0_i64..2_000_000_000_000, now in 0_i64..2_000_000_000_000,
    ) {
        let schedule = CronSchedule::Every { every_ms: every, anchor_ms: Some(anchor) };
        let next = Rhythm::read(&schedule, "j", &TimeZone::UTC).unwrap().next_after(now).unwrap().unwrap();
        prop_assert!(next > now && next - now <= every);
        prop_assert_eq!((next - anchor).rem_euclid(every), 0);
    }

    #[test]
    fn the_next_time_of_an_expression_is_later_and_none_is_left_out(
        minute in field(59, 0), hour in field(23, 0), weekday in field(6, 0), zone in 0..ZONES.len(),
        now in 1_600_000_000_000_i64..1_900_000_000_000, stagger in prop_oneof![Just(0_i64), 1_i64..600_000],
    ) {
        let schedule = CronSchedule::Cron {
            expr: format!("{minute} {hour} * * {weekday}"),
            tz: Some(ZONES[zone].into()),
            stagger_ms: Some(stagger),
        };
        let rhythm = Rhythm::read(&schedule, "j", &TimeZone::UTC).unwrap();
        let first = rhythm.next_after(now).unwrap().unwrap();
        prop_assert!(first > now);
        // Asked from anywhere in between, it is the same one.
        let middle = now + (first - now) / 2;
        prop_assert_eq!(rhythm.next_after(middle).unwrap(), Some(first));
        prop_assert_eq!(rhythm.next_after(first - 1).unwrap(), Some(first));
        let second = rhythm.next_after(first).unwrap().unwrap();
        prop_assert!(second > first);
    }

    #[test]
    fn what_is_kept_is_kept_as_it_is(now in 0_i64..2_000_000_000_000, every in 1000_i64..10_000_000) {
        let once = normal(CronSchedule::Every { every_ms: every, anchor_ms: None }, now).unwrap();
        prop_assert_eq!(normal(once.clone(), now + 5).unwrap(), once);
    }

    #[test]
    fn nothing_that_is_written_stops_the_reader(text in "\\PC{0,40}") {
        for schedule in [
            CronSchedule::At { at: text.clone() },
            CronSchedule::Cron { expr: text.clone(), tz: Some(text.clone()), stagger_ms: None },
            CronSchedule::Cron { expr: text.clone(), tz: None, stagger_ms: None },
        ] {
            let _ = normal(schedule.clone(), 0);
            if let Ok(rhythm) = Rhythm::read(&schedule, &text, &TimeZone::UTC) {
                let _ = rhythm.next_after(0);
            }
        }
        let _ = bulkhead_schedule::parse_duration(&text, "m");
    }
}
