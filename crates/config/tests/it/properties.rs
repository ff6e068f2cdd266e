//! For any input: no panic, and an edit leaves the rest byte for byte.

use bulkhead_config::{Config, ConfigDocument, ConfigPath, redact, validate};
use proptest::prelude::*;
use serde_json::{Map, Value};

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[ -~äß€\\n\\t]{0,12}".prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(4, 40, 5, |inner| {
        prop_oneof![proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from), object_of(inner),]
    })
}

fn object_of(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    proptest::collection::btree_map(key(), inner, 0..5)
        .prop_map(|map| Value::Object(map.into_iter().collect::<Map<_, _>>()))
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zA-Z]{1,6}", "[ -~é]{0,6}"]
}

fn object() -> impl Strategy<Value = Value> {
    object_of(value())
}

/// Renders a value as JSON5 in a random hand.
fn render(value: &Value, dice: &mut impl FnMut(u32) -> u32, depth: usize, notes: &mut usize) -> String {
    let open_close = |open: char,
                      close: char,
                      entries: Vec<String>,
                      dice: &mut dyn FnMut(u32) -> u32,
                      notes: &mut usize| {
        let many_lines = dice(3) > 0;
        let indent = "  ".repeat(depth + 1);
        let mut text = String::from(open);
        let count = entries.len();
        for (index, entry) in entries.into_iter().enumerate() {
            if many_lines {
                text.push('\n');
                if dice(4) == 0 {
                    *notes += 1;
                    text.push_str(&format!("{indent}// note {notes} {{ \"\n"));
                }
                text.push_str(&indent);
            } else if dice(2) == 0 {
                text.push(' ');
            }
            text.push_str(&entry);
            if index + 1 < count || dice(3) == 0 {
                if dice(6) == 0 {
                    *notes += 1;
                    text.push_str(&format!(" /* note {notes}, ] */ "));
                }
                text.push(',');
            }
            if dice(4) == 0 {
                *notes += 1;
                let note = *notes;
                text.push_str(&if many_lines {
                    format!(" // note {note}, }}")
                } else {
                    format!(" /* note {note} */")
                });
            }
        }
        if many_lines {
            text.push('\n');
            text.push_str(&"  ".repeat(depth));
        }
        text.push(close);
        text
    };
    match value {
        Value::Array(items) => {
            let entries = items.iter().map(|item| render(item, dice, depth + 1, notes)).collect();
            open_close('[', ']', entries, dice, notes)
        }
        Value::Object(map) => {
            let entries = map
                .iter()
                .map(|(key, item)| {
                    let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphabetic());
                    let key = if plain && dice(2) == 0 {
                        key.clone()
                    } else {
                        Value::from(key.as_str()).to_string()
                    };
                    format!(
                        "{key}{}: {}",
                        if dice(5) == 0 { " " } else { "" },
                        render(item, dice, depth + 1, notes)
                    )
                })
                .collect();
            open_close('{', '}', entries, dice, notes)
        }
        other => other.to_string(),
    }
}

fn file(value: &Value, seed: u64) -> (String, usize) {
    let mut state = seed | 1;
    let mut dice = move |sides: u32| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((state >> 33) % u64::from(sides)).unwrap()
    };
    let mut notes = 0;
    let text = render(value, &mut dice, 0, &mut notes);
    let newline = if dice(4) == 0 { "\r\n" } else { "\n" };
    (format!("// top\n{text}\n").replace('\n', newline), notes)
}

fn all_paths(path: &ConfigPath, value: &Value, out: &mut Vec<ConfigPath>) {
    let children: Vec<(ConfigPath, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, item)| (path.key(key), item)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(i, item)| (path.index(i), item)).collect(),
        _ => Vec::new(),
    };
    for (child, item) in children {
        out.push(child.clone());
        all_paths(&child, item, out);
    }
}

/// Whether all bytes of `small` are in `large` in order.
fn is_subsequence(small: &str, large: &str) -> bool {
    let mut rest = large.bytes();
    small.bytes().all(|byte| rest.any(|other| other == byte))
}

fn plain_lookup<'v>(value: &'v mut Value, path: &ConfigPath) -> &'v mut Value {
    path.segments().iter().fold(value, |value, segment| match segment {
        bulkhead_config::Segment::Key(key) => &mut value[key.as_str()],
        bulkhead_config::Segment::Index(index) => &mut value[*index],
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(text in prop_oneof![".{0,200}", "[{}\\[\\],:\"'/*\\\\a-z0-9 .+\\-\\n\\r\u{feff}\u{2028}]{0,80}"]) {
        let _ = validate(&text);
        let _ = ConfigPath::parse(&text);
        let _ = bulkhead_config::is_local_only(&text);
        if let Ok(mut doc) = ConfigDocument::parse("x", &text) {
            prop_assert_eq!(doc.to_string(), text);
            let _ = Config::from_document(&doc);
            let _ = redact(&doc.value());
            doc.set("gateway.port", 18789.into()).ok();
            doc.merge_patch(&serde_json::json!({ "a": { "b": [1] } })).ok();
        }
    }

    #[test]
    fn cut_and_bent_files_never_panic(base in object(), seed in any::<u64>(), at in any::<prop::sample::Index>(), junk in "[{}\\[\\],:\"'/*\\\\ ]{0,3}") {
        let (text, _) = file(&base, seed);
        let mut cut = at.index(text.len());
        while !text.is_char_boundary(cut) { cut -= 1; }
        let _ = validate(&text[..cut]);
        let _ = validate(&format!("{}{junk}{}", &text[..cut], &text[cut..]));
    }

    #[test]
    fn what_is_parsed_is_what_was_written(base in object(), seed in any::<u64>()) {
        let (text, _) = file(&base, seed);
        let doc = ConfigDocument::parse("x", &text).unwrap();
        prop_assert_eq!(doc.value(), base);
        prop_assert_eq!(doc.to_string(), text);
    }

    #[test]
    fn replacing_one_value_keeps_the_rest(base in object(), seed in any::<u64>(), pick in any::<prop::sample::Index>(), new in scalar()) {
        let (text, _) = file(&base, seed);
        let mut paths = Vec::new();
        all_paths(&ConfigPath::root(), &base, &mut paths);
        prop_assume!(!paths.is_empty());
        let path = &paths[pick.index(paths.len())];
        prop_assert_eq!(&ConfigPath::parse(&path.to_string()).unwrap(), path);
        let mut doc = ConfigDocument::parse("x", &text).unwrap();
        doc.set_at(path, new.clone()).unwrap();
        let mut expected = base.clone();
        *plain_lookup(&mut expected, path) = new.clone();
        let after = doc.to_string();
        prop_assert_eq!(ConfigDocument::parse("x", &after).unwrap().value(), expected);
        // All that differs is one stretch, and the new value is all of it.
        let start = text.bytes().zip(after.bytes()).take_while(|(a, b)| a == b).count();
        // Bytes, not text: two values may part in the middle of a character.
        let (old, new_text) = (&text.as_bytes()[start..], &after.as_bytes()[start..]);
        let tail = old.iter().rev().zip(new_text.iter().rev()).take_while(|(a, b)| a == b).count();
        prop_assert!(after.len() - start - tail <= new.to_string().len());
    }

    #[test]
    fn adding_only_adds(base in object(), seed in any::<u64>(), pick in any::<prop::sample::Index>(), key in key(), new in value()) {
        let (text, notes) = file(&base, seed);
        let mut paths = vec![ConfigPath::root()];
        all_paths(&ConfigPath::root(), &base, &mut paths);
        let mut expected = base.clone();
        let objects: Vec<ConfigPath> = paths.into_iter().filter(|path| plain_lookup(&mut expected, path).as_object().is_some_and(|map| !map.contains_key(&key))).collect();
        prop_assume!(!objects.is_empty());
        let path = objects[pick.index(objects.len())].key(&key);
        let mut doc = ConfigDocument::parse("x", &text).unwrap();
        doc.set_at(&path, new.clone()).unwrap();
        *plain_lookup(&mut expected, &path) = new;
        let after = doc.to_string();
        prop_assert_eq!(ConfigDocument::parse("x", &after).unwrap().value(), expected);
        prop_assert!(is_subsequence(&text, &after), "{text}\n---\n{after}");
        for note in 1..=notes {
            let present = after.contains(&format!("note {note}"));
            prop_assert!(present);
        }
    }

    #[test]
    fn removing_only_removes(base in object(), seed in any::<u64>(), pick in any::<prop::sample::Index>()) {
        let (text, _) = file(&base, seed);
        let mut paths = Vec::new();
        all_paths(&ConfigPath::root(), &base, &mut paths);
        prop_assume!(!paths.is_empty());
        let path = &paths[pick.index(paths.len())];
        let mut doc = ConfigDocument::parse("x", &text).unwrap();
        prop_assert!(doc.unset_at(path).unwrap());
        let mut expected = base.clone();
        let parent = path.prefix(path.segments().len() - 1);
        match (plain_lookup(&mut expected, &parent), path.segments().last().unwrap()) {
            (Value::Object(map), bulkhead_config::Segment::Key(key)) => { map.remove(key); }
            (Value::Array(items), bulkhead_config::Segment::Index(index)) => { items.remove(*index); }
            _ => unreachable!(),
        }
        let after = doc.to_string();
        prop_assert_eq!(ConfigDocument::parse("x", &after).unwrap().value(), expected);
        prop_assert!(is_subsequence(&after, &text), "{text}\n---\n{after}");
    }

    #[test]
    fn a_patch_gives_what_the_rfc_says(base in object(), patch in object(), seed in any::<u64>()) {
        fn apply(target: &mut Value, patch: &Value) {
            let Value::Object(entries) = patch else { *target = patch.clone(); return };
            if !target.is_object() { *target = Value::Object(Map::new()); }
            let map = target.as_object_mut().unwrap();
            for (key, value) in entries {
                if value.is_null() { map.remove(key); } else { apply(map.entry(key.clone()).or_insert(Value::Null), value); }
            }
        }
        let (text, _) = file(&base, seed);
        let mut doc = ConfigDocument::parse("x", &text).unwrap();
        doc.merge_patch(&patch).unwrap();
        let mut expected = base.clone();
        apply(&mut expected, &patch);
        prop_assert_eq!(ConfigDocument::parse("x", &doc.to_string()).unwrap().value(), expected);
    }
}
