use super::{brief, masked};
use crate::args::Args;
use clap::{CommandFactory, FromArgMatches};

/// Looks like no key of a known provider, so that nothing hides it but what is tested here.
const KEY: &str = "planted-embedding-key-0123456789";

/// What is told of these words, or nothing where they are understood.
fn told(words: &[&str]) -> Option<String> {
    let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
    let parsed = Args::command()
        .try_get_matches_from(&words)
        .and_then(|matches| Args::from_arg_matches(&matches));
    let error = parsed.err()?;
    Some(masked(error, &words).render().to_string())
}

/// The words of every command, down to those that have none below them.
fn commands(command: &clap::Command, path: &[String], found: &mut Vec<Vec<String>>) {
    found.push(path.to_vec());
    for below in command.get_subcommands() {
        let mut path = path.to_vec();
        path.push(below.get_name().to_owned());
        commands(below, &path, found);
    }
}

/// A key in every place where a word can stand.
fn misplaced(command: &clap::Command) -> Vec<Vec<String>> {
    let key = KEY.to_owned();
    let mut tails = vec![
        vec![key.clone()],
        vec![key.clone(), key.clone()],
        vec!["-".to_owned() + KEY],
        vec!["--".to_owned() + KEY],
        vec!["--".to_owned(), key.clone(), key.clone()],
        vec!["--unknown".to_owned(), key.clone()],
        vec!["--unknown=".to_owned() + KEY],
    ];
    for option in command
        .get_arguments()
        .filter_map(clap::Arg::get_long_and_visible_aliases)
    {
        for name in option {
            tails.push(vec![format!("--{name}"), key.clone()]);
            tails.push(vec![format!("--{name}"), key.clone(), key.clone()]);
            tails.push(vec![format!("--{name}={KEY}")]);
            tails.push(vec![format!("--{name}x={KEY}")]);
        }
    }
    tails
}

#[test]
fn no_wrong_command_line_shows_what_was_given() {
    let mut program = Args::command();
    program.build();
    let mut paths = Vec::new();
    commands(&program, &["towline".to_owned()], &mut paths);
    let mut wrong = 0;
    for path in paths {
        let at = path
            .iter()
            .skip(1)
            .fold(&program, |at, name| at.find_subcommand(name).unwrap());
        for tail in misplaced(at) {
            let words: Vec<&str> = path.iter().chain(&tail).map(String::as_str).collect();
            let Some(told) = told(&words) else { continue };
            wrong += 1;
            assert!(!told.contains(KEY), "{words:?}: {told}");
        }
    }
    assert!(wrong > 100, "{wrong} wrong ones");
}

#[test]
fn a_number_that_is_none_is_not_shown_either() {
    for (option, number) in [
        ("--max-tokens", "0"),
        ("--max-tokens", "99999999999999999999999"),
    ] {
        let told = told(&["towline", "chat", option, number]).unwrap();
        assert!(told.contains("not a whole number of at least 1"), "{told}");
        assert!(!told.contains(&format!("'{number}'")), "{told}");
    }
}

#[test]
fn it_still_says_what_to_do() {
    let wrong: [(&[&str], &[&str]); 9] = [
        (&["chta"], &["'chat'", "word 1 after"]),
        // The same word in a place where it may stand: which of the two it is nobody knows.
        (&["simulate", "--key", KEY, KEY], &["Usage: "]),
        (
            &["simulate", "--key", "another", KEY],
            &["word 4 after", "Usage: "],
        ),
        (
            &["chat", "--temprature=1"],
            &["'--temperature'", "word 2 after"],
        ),
        (
            &["models", "-D", "towline.openai.api_key", KEY],
            &["-D takes KEY=VALUE", "word 4 after"],
        ),
        (
            &["chat", "--temperature", "hot"],
            &["'--temperature <TEMPERATURE>'", "at least 0"],
        ),
        (
            &["simulate", "--listen", "4010"],
            &["'--listen <ADDR>'", "127.0.0.1:4010"],
        ),
        (&["completions", "tcsh"], &["<SHELL>", "bash", "fish"]),
        (&["chat", "--json=yes"], &["'--json'"]),
    ];
    for (words, parts) in wrong {
        let words: Vec<&str> = ["towline"].iter().chain(words).copied().collect();
        let told = told(&words).unwrap();
        for part in parts {
            assert!(told.contains(part), "{part}: {told}");
        }
    }
}

#[test]
fn the_tips_are_part_of_the_one_line() {
    let told = told(&["towline", "simulate", KEY]).unwrap();
    let brief = brief(&told);
    assert!(
        brief.starts_with("unexpected argument '***' found; tip: it is word 2"),
        "{brief}"
    );
    assert_eq!(brief.lines().count(), 1);
}
