use std::path::Path;

use super::*;

fn programs(command: &str) -> Vec<String> {
    match read(command) {
        Reading::Plain(simple) => simple.iter().map(|one| one.argv.join(" ")).collect(),
        Reading::Hidden(hidden) => panic!("{command:?}: {hidden:?}"),
    }
}

#[test]
fn every_program_of_a_plain_command_is_seen() {
    for (command, expected) in [
        ("ls", &["ls"][..]),
        ("  ls   -la\t/tmp ", &["ls -la /tmp"]),
        ("git log | head -3", &["git log", "head -3"]),
        ("a; b;", &["a", "b"]),
        ("a && b || c", &["a", "b", "c"]),
        ("a & b", &["a", "b"]),
        ("a &", &["a"]),
        ("a\nb", &["a", "b"]),
        ("a &&\n\n b", &["a", "b"]),
        ("a |\nb", &["a", "b"]),
        ("a \\\n b", &["a b"]),
        ("# only a comment\nls # and one more; rm x", &["ls"]),
        ("echo a#b", &["echo a#b"]),
        ("echo 'a; b && c $(d) `e` > f'", &["echo a; b && c $(d) `e` > f"]),
        (r#"echo "a; b" 'it'\''s'"#, &["echo a; b it's"]),
        (r#"echo "\$(x) \`y\`""#, &["echo $(x) `y`"]),
        (r"echo \; \| \&", &["echo ; | &"]),
        (r#""ls" 'x y'"#, &["ls x y"]),
        (r"l\s", &["ls"]),
        ("/usr/bin/ls /", &["/usr/bin/ls /"]),
        ("ls *.txt ~ $HOME {a,b}", &["ls *.txt ~ $HOME {a,b}"]),
        ("echo a$", &["echo a$"]),
        ("make 2>&1 | tail", &["make", "tail"]),
        ("ls >/dev/null 2>&1", &["ls"]),
        ("ls 2> /dev/null; pwd", &["ls", "pwd"]),
        ("cat < /dev/null", &["cat"]),
        ("a 2>&-", &["a"]),
        ("[ -f x ] && cat x", &["[ -f x ]", "cat x"]),
        ("echo x2 >/dev/null", &["echo x2"]),
        ("env FOO=1 ls", &["env FOO=1 ls"]),
    ] {
        assert_eq!(programs(command), expected, "{command:?}");
    }
}

#[test]
fn whatever_hides_a_program_is_said() {
    use Hidden::{
        Assignment, Builtin, Empty, Expansion, Group, Malformed, Redirection, Substitution, Syntax,
    };
    for (command, expected) in [
        ("ls $(rm -rf x)", Substitution),
        ("ls `rm x`", Substitution),
        ("echo \"a $(b)\"", Substitution),
        ("echo \"a `b`\"", Substitution),
        ("echo $((1+1))", Substitution),
        ("echo ${X:-$(rm x)}", Expansion),
        ("echo \"${X}\"", Expansion),
        ("echo $'\\x41'", Expansion),
        ("$CMD x", Expansion),
        ("l* x", Expansion),
        ("/bin/l? x", Expansion),
        ("~/bin/x", Expansion),
        ("{ls,-l}", Expansion),
        ("(rm x)", Group),
        ("f() { rm x; }", Group),
        ("diff <(a) <(b)", Redirection),
        ("{ rm x; }", Syntax),
        ("! ls", Syntax),
        ("if true; then rm x; fi", Syntax),
        ("for f in *; do rm $f; done", Syntax),
        ("while true; do x; done", Syntax),
        ("case x in x) rm;; esac", Group),
        ("[[ -f x ]]", Syntax),
        ("time rm x", Syntax),
        ("function f", Syntax),
        ("ls > file", Redirection),
        ("ls >> ~/.bashrc", Redirection),
        ("ls >| x", Redirection),
        ("cat < secret", Redirection),
        ("cat << EOF\nx\nEOF", Redirection),
        ("cat <<< x", Redirection),
        ("ls &> x", Redirection),
        ("ls >& x", Redirection),
        ("ls |& tee", Redirection),
        ("ls >/dev/nullx", Redirection),
        ("ls >/dev/null$X", Redirection),
        ("ls >/dev/null/../../x", Redirection),
        ("ls 2>&1$X", Redirection),
        ("PATH=/tmp ls", Assignment),
        ("LD_PRELOAD=x.so ls", Assignment),
        ("X=1", Assignment),
        ("A+=1 ls", Assignment),
        ("A[0]=1", Expansion),
        ("PATH=/tmp; ls", Assignment),
        ("eval rm x", Builtin),
        (". ./x", Builtin),
        ("source x", Builtin),
        ("exec rm x", Builtin),
        ("command rm x", Builtin),
        ("export PATH=/tmp", Builtin),
        ("trap 'rm x' EXIT", Builtin),
        ("alias ls=rm", Builtin),
        ("e\\val rm x", Builtin),
        ("'eval' rm x", Builtin),
        ("hash -p /tmp/x ls", Builtin),
        ("echo 'open", Malformed),
        ("echo \"open", Malformed),
        ("ls \\", Malformed),
        ("ls |", Malformed),
        ("ls &&", Malformed),
        ("&& ls", Malformed),
        ("| ls", Malformed),
        ("ls\rrm x", Malformed),
        ("ls \0", Malformed),
        ("'' x", Malformed),
        ("a ;; b", Syntax),
        ("", Empty),
        ("  # nothing", Empty),
    ] {
        let found = read(command);
        // An operator with nothing before it is an error of the shell; it must only never be read as plain.
        if expected == Malformed {
            assert!(matches!(found, Reading::Hidden(_)), "{command:?}: {found:?}");
        } else {
            assert_eq!(found, Reading::Hidden(expected), "{command:?}");
        }
    }
    assert!(matches!(read(&"a ".repeat(10_000)), Reading::Hidden(Malformed)));
}

#[test]
fn expansion_and_a_changed_directory_are_noted() {
    let Reading::Plain(simple) = read("ls '*' && cd x && ./y *.c") else { panic!() };
    let noted: Vec<_> = simple.iter().map(|one| (one.expands, one.moved)).collect();
    assert_eq!(noted, [(false, false), (false, false), (true, true)]);
}

#[cfg(unix)]
#[test]
fn names_are_found_as_the_shell_finds_them() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    for (place, name, mode) in [(&one, "plain", 0o644), (&two, "plain", 0o755), (&two, "tool", 0o755)] {
        std::fs::create_dir_all(place).unwrap();
        std::fs::write(place.join(name), "").unwrap();
        std::fs::set_permissions(place.join(name), std::fs::Permissions::from_mode(mode)).unwrap();
    }
    symlink(two.join("tool"), one.join("link")).unwrap();
    let path = std::env::join_paths([&one, &two]).unwrap();
    let find = |name: &str| resolve_on_path(name, folder.path(), Some(&path));
    assert_eq!(find("plain").unwrap().path, two.join("plain"), "what cannot be run is passed over");
    let link = find("link").unwrap();
    assert_eq!(link.path, one.join("link"));
    assert_eq!(link.real, two.join("tool").canonicalize().unwrap());
    assert_eq!(find("one/link").unwrap().real, link.real);
    assert!(find("nothing").is_none() && find("one/plain").is_none());
    let relative = std::env::join_paths([Path::new("."), &two]).unwrap();
    assert!(
        resolve_on_path("tool", folder.path(), Some(&relative)).is_none(),
        "a relative entry is not trusted"
    );
}
