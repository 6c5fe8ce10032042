//! A conversation on a terminal, which is real: the other end of a pseudo-terminal.

use crate::{program::Program, signal::send};
use nix::{
    pty::openpty,
    sys::{
        signal::Signal,
        termios::{LocalFlags, Termios, tcgetattr},
    },
};
use std::{
    fs::File,
    io::{Read, Write},
    process::Stdio,
    time::Duration,
};
use tokio::{process::Child, sync::watch, time::timeout};
use towline_sim::{Fault, Outcome, Reply, Rule, Simulator, Stall};

/// The person's end of a terminal on which the program runs.
struct Terminal {
    child: Child,
    keys: File,
    screen: watch::Receiver<String>,
}

impl Terminal {
    fn open(program: &Program, args: &[&str]) -> Self {
        let pair = openpty(None, None).unwrap();
        let side = || Stdio::from(pair.slave.try_clone().unwrap());
        let mut command = program.command(args);
        command
            .env("TERM", "xterm")
            .stdin(side())
            .stdout(side())
            .stderr(side());
        let child = command.spawn().unwrap();
        let keys = File::from(pair.master);
        let (sender, screen) = watch::channel(String::new());
        let mut read = keys.try_clone().unwrap();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // It ends with an error when the last one on the other side has left.
            while let Ok(count @ 1..) = read.read(&mut buffer) {
                let more = String::from_utf8_lossy(&buffer[..count]).into_owned();
                sender.send_modify(|screen| screen.push_str(&more));
            }
        });
        Self {
            child,
            keys,
            screen,
        }
    }

    fn state(&self) -> Termios {
        tcgetattr(&self.keys).unwrap()
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Types a line at the prompt that is the `nth`: what is typed ahead may be lost.
    async fn enter(&mut self, nth: usize, keys: &str) {
        // Bracketed paste is switched on where the editor begins to read.
        self.shows("\u{1b}[?2004h", nth).await;
        self.shows("> ", nth).await;
        self.press(keys);
    }

    /// Waits until `text` was shown `times` times.
    async fn shows(&mut self, text: &str, times: usize) {
        let seen = |screen: &String| screen.matches(text).count() >= times;
        let shown = timeout(Duration::from_secs(60), self.screen.wait_for(seen)).await;
        let shown = shown.map(|seen| seen.is_ok());
        assert!(shown == Ok(true), "{text} in {:?}", *self.screen.borrow());
    }

    async fn exit_code(&mut self) -> i32 {
        let ended = timeout(Duration::from_secs(60), self.child.wait()).await;
        ended.unwrap().unwrap().code().unwrap_or(-1)
    }
}

#[tokio::test]
async fn a_conversation_is_remembered_until_the_person_leaves() {
    let sim = Simulator::start().await.unwrap();
    sim.on(Rule::any()
        .user_message_contains("one")
        .respond(Reply::text("FIRST")));
    sim.on(Rule::any().respond(Reply::text("SECOND")));
    let program = Program::with(&sim);
    let mut terminal = Terminal::open(&program, &["chat", "--system", "Be brief."]);
    terminal.enter(1, "one\r").await;
    terminal.shows("FIRST", 1).await;
    terminal.enter(2, "two\r").await;
    terminal.shows("SECOND", 1).await;
    terminal.enter(3, "/clear\r").await;
    terminal.enter(4, "three\r").await;
    terminal.shows("SECOND", 2).await;
    terminal.enter(5, "/exit\r").await;
    assert_eq!(terminal.exit_code().await, 0);
    let journal = sim.journal();
    let messages = |n: usize| journal[n].json().unwrap()["messages"].clone();
    assert_eq!(messages(0).as_array().unwrap().len(), 2);
    assert_eq!(messages(1).as_array().unwrap().len(), 4);
    assert_eq!(messages(1)[2]["content"], "FIRST");
    assert_eq!(messages(2).as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_turn_that_fails_does_not_end_the_conversation() {
    let sim = Simulator::start().await.unwrap();
    // A fault that is not tried again.
    sim.on(Rule::any().times(1).fault(Fault::status(400)));
    sim.on(Rule::any().respond(Reply::text("FINE")));
    let program = Program::with(&sim);
    let mut terminal = Terminal::open(&program, &["chat"]);
    terminal.enter(1, "one\r").await;
    terminal.shows("invalid request", 1).await;
    terminal.enter(2, "two\r").await;
    terminal.shows("FINE", 1).await;
    // Ctrl-D on an empty line.
    terminal.enter(3, "\x04").await;
    assert_eq!(terminal.exit_code().await, 0);
    let second = sim.journal()[1].json().unwrap();
    assert_eq!(
        second["messages"].as_array().unwrap().len(),
        1,
        "what failed is forgotten"
    );
}

#[tokio::test]
async fn ctrl_c_ends_the_answer_and_not_the_conversation() {
    let sim = Simulator::start().await.unwrap();
    sim.on(Rule::any()
        .times(1)
        .fault(Fault::StallAfterEvents(3, Stall::Forever)));
    sim.on(Rule::any().respond(Reply::text("FINE")));
    let program = Program::with(&sim);
    let mut terminal = Terminal::open(&program, &["chat"]);
    terminal.enter(1, "one\r").await;
    terminal.shows("This", 1).await;
    send(&terminal.child, Signal::SIGINT);
    terminal.shows("cancelled", 1).await;
    sim.wait_for(|sim| sim.journal()[0].outcome() == Outcome::ClientLeft)
        .await;
    // Ctrl-C at the prompt throws the line away.
    terminal.enter(2, "never sent\x03").await;
    terminal.enter(3, "two\r").await;
    terminal.shows("FINE", 1).await;
    terminal.enter(4, "/exit\r").await;
    assert_eq!(terminal.exit_code().await, 0);
    assert_eq!(sim.journal().len(), 2);
}

#[tokio::test]
async fn closing_the_terminal_stops_the_exchange() {
    let sim = Simulator::start().await.unwrap();
    sim.on(Rule::any().fault(Fault::StallAfterEvents(3, Stall::Forever)));
    let program = Program::with(&sim);
    let mut terminal = Terminal::open(&program, &["chat"]);
    terminal.enter(1, "one\r").await;
    terminal.shows("This", 1).await;
    send(&terminal.child, Signal::SIGHUP);
    sim.wait_for(|sim| sim.journal()[0].outcome() == Outcome::ClientLeft)
        .await;
    assert_eq!(terminal.exit_code().await, 130);
}

#[tokio::test]
async fn a_signal_at_the_prompt_leaves_the_terminal_as_it_was() {
    let sim = Simulator::start().await.unwrap();
    let program = Program::with(&sim);
    for signal in [Signal::SIGTERM, Signal::SIGHUP] {
        let mut terminal = Terminal::open(&program, &["chat"]);
        let pair = openpty(None, None).unwrap();
        let untouched = tcgetattr(&pair.slave).unwrap();
        terminal.enter(1, "half a li").await;
        terminal.shows("half a li", 1).await;
        assert!(!terminal.state().local_flags.contains(LocalFlags::ECHO));
        send(&terminal.child, signal);
        terminal.shows("\u{1b}[?2004l\r\ncancelled", 1).await;
        assert_eq!(terminal.exit_code().await, 130);
        assert_eq!(terminal.state(), untouched);
    }
}

#[tokio::test]
async fn control_sequences_of_the_model_do_nothing() {
    let sim = Simulator::start().await.unwrap();
    sim.on(Rule::any().respond(Reply::text("A\u{1b}[2JB\u{7}C")));
    let program = Program::with(&sim);
    let mut terminal = Terminal::open(&program, &["chat", "Hi"]);
    terminal.shows("A␛[2JB␇C", 1).await;
    assert_eq!(terminal.exit_code().await, 0);
}

#[tokio::test]
async fn a_sign_of_life_is_drawn_and_wiped() {
    let sim = Simulator::start().await.unwrap();
    let slow = Fault::StallHead(Stall::For(Duration::from_millis(700)));
    sim.on(Rule::any().respond(Reply::text("DONE")).fault(slow));
    let program = Program::with(&sim);
    let mut terminal = Terminal::open(&program, &["chat", "Hi"]);
    terminal.shows("waiting", 1).await;
    terminal.shows("\r\u{1b}[KDONE", 1).await;
    assert_eq!(terminal.exit_code().await, 0);
}
