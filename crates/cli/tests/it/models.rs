//! `bulkhead models …` and `bulkhead skills …`: they read and write files, no gateway runs.

use serde_json::json;

use crate::home::Home;

fn home() -> Home {
    let home = Home::new();
    home.write(
        ".bulkhead/bulkhead.json",
        "{ // mine\n  secrets: { default: 'env' },\n  agents: { defaults: { model: 'fake/one' } },\n  models: { providers: {\n    fake: { baseUrl: 'http://127.0.0.1:1/v1', apiKey: { source: 'env', id: 'FAKE_KEY' }, models: [{ id: 'one' }, { id: 'two' }] },\n    other: { baseUrl: 'http://127.0.0.1:2/v1', models: [{ id: 'two' }, { id: 'three' }] },\n  } },\n}\n",
    );
    home
}

#[test]
fn the_first_model_its_fallbacks_and_short_names() {
    let home = home();
    let ok = |words: &[&str]| home.run(&[words, &["--json"]].concat()).ok().json();
    assert_eq!(ok(&["models", "set", "three"])["defaultModel"], "other/three");
    assert_eq!(ok(&["models", "fallbacks", "add", "fake/one"])["fallbacks"], json!(["fake/one"]));
    assert_eq!(
        ok(&["models", "aliases", "add", "quick", "fake/two"])["aliases"],
        json!({"quick": "fake/two"})
    );
    let both = json!(["fake/one", "fake/two"]);
    assert_eq!(ok(&["models", "fallbacks", "add", "quick"])["fallbacks"], both);
    // What follows the first one is not asked twice.
    assert_eq!(ok(&["models", "set", "quick"])["fallbacks"], json!(["fake/one"]));
    assert_eq!(ok(&["models", "fallbacks", "clear"])["fallbacks"], json!([]));
    let text = home.read(".bulkhead/bulkhead.json");
    assert!(text.starts_with("{ // mine") && text.contains("fake/two"), "{text}");
    for (words, part) in [
        (&["models", "set", "two"][..], "more than one provider"),
        (&["models", "set", "nothing"], "expected provider/model"),
        (&["models", "fallbacks", "add", "fake/two"], "answers first already"),
        (&["models", "fallbacks", "remove", "other/three"], "is no fallback"),
        (&["models", "aliases", "add", "quick", "fake/one"], "is fake/two already"),
        (&["models", "aliases", "remove", "slow"], "models aliases list"),
    ] {
        let refused = home.run(words);
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(refused.err.contains(part), "{words:?}: {}", refused.err);
    }
}

#[test]
fn status_says_where_keys_come_from_and_shows_none() {
    let home = home().with("FAKE_KEY", "sk-planted-in-a-variable");
    let status = home.run(&["models", "status", "--json"]).ok();
    assert!(!status.out.contains("sk-planted"), "{status:?}");
    let status = status.json();
    assert_eq!(status["defaultModel"], "fake/one", "{status:#}");
    let text = home.run(&["models", "status"]).ok();
    assert!(text.out.contains("fake/one") && !text.shown().contains("sk-planted"), "{text:?}");
    let unknown = home.run(&["models", "status", "--agent", "nobody"]);
    assert_eq!(unknown.code, 2, "{unknown:?}");
}

#[test]
fn skills_are_found_told_and_refused_by_name() {
    let home = home();
    home.write(
        ".bulkhead/workspace/skills/tea/SKILL.md",
        "---\nname: tea\ndescription: How tea is made here.\n---\nBoil water.\n",
    );
    home.write(
        ".bulkhead/workspace/skills/rocket/SKILL.md",
        "---\nname: rocket\ndescription: Flies.\nmetadata: {\"openclaw\":{\"requires\":{\"bins\":[\"no-such-program\"]}}}\n---\nFly.\n",
    );
    let list = home.run(&["skills", "list", "--json"]).ok().json();
    let names: Vec<&str> =
        list["skills"].as_array().unwrap().iter().filter_map(|skill| skill["name"].as_str()).collect();
    assert!(names.contains(&"tea") && names.contains(&"rocket"), "{names:?}");
    let usable = home.run(&["skills", "list", "--eligible", "--json"]).ok();
    assert!(usable.out.contains("tea") && !usable.out.contains("rocket"), "{usable:?}");
    let info = home.run(&["skills", "info", "tea", "--json"]).ok();
    assert!(info.out.contains("How tea is made here."), "{info:?}");
    let check = home.run(&["skills", "check"]).ok();
    assert!(check.out.contains("rocket") && check.out.contains("no-such-program"), "{check:?}");
    assert_ne!(home.run(&["skills", "info", "coffee"]).code, 0);
    assert_eq!(home.run(&["skills", "list", "--agent", "nobody"]).code, 2);
}
