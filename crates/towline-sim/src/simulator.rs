//! The handle of a running simulator, and its builder.

use crate::{
    dialect::{Memory, Settings},
    journal::{Exchange, Journal, Stats, lock},
    rule::{Rule, Rules},
    script::Script,
    server::{self, Shared},
};
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{net::TcpListener, sync::Notify};
use towline_core::{
    Error, ErrorKind, Secret,
    task::{self, Task},
};

/// Request bodies that the journal keeps, together.
const JOURNAL_BYTES: usize = 256 * 1024 * 1024;

/// A running provider simulator. See the [crate docs](crate).
///
/// Dropping it stops the server and every connection at once; [`shutdown`](Self::shutdown) does the
/// same and waits until nothing runs any more.
///
/// # Examples
///
/// ```
/// use towline_sim::{Fault, Reply, Rule, Simulator};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), towline_core::Error> {
/// let sim = Simulator::start().await?;
/// sim.on(Rule::any().times(1).fault(Fault::status(503)));
/// sim.on(Rule::any().respond(Reply::text("hello")));
/// assert!(sim.base_url().starts_with("http://127.0.0.1:"));
/// // ... point a client at `sim.base_url()` ...
/// assert_eq!(sim.stats().requests(), 0);
/// sim.shutdown().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Simulator {
    addr: SocketAddr,
    shared: Arc<Shared>,
    server: Mutex<Option<Task<()>>>,
}

/// Settings of a [`Simulator`]. Made by [`Simulator::builder`].
#[derive(Clone, Debug)]
pub struct SimulatorBuilder {
    listen: SocketAddr,
    script: Script,
    settings: Settings,
    journal_limit: usize,
}

// === impl Simulator ===

impl Simulator {
    /// Starts one on a free loopback port, with the default assistant and no rules.
    ///
    /// # Errors
    ///
    /// As [`SimulatorBuilder::start`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing running.
    pub async fn start() -> Result<Self, Error> {
        Self::builder().start().await
    }

    /// Settings to start from.
    #[must_use]
    pub fn builder() -> SimulatorBuilder {
        SimulatorBuilder {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            script: Script::new(),
            settings: Settings::default(),
            journal_limit: 10_000,
        }
    }

    /// The address it listens on.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where it listens: `http://ADDRESS:PORT`. It is the base URL for clients of Anthropic, Ollama and
    /// Azure.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The base URL for clients of the OpenAI dialect: `http://ADDRESS:PORT/v1`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.addr)
    }

    /// Adds a rule behind those that are there.
    pub fn on(&self, rule: Rule) {
        self.shared.rules.add(rule);
    }

    /// What it received so far, oldest first: the last 10,000 exchanges unless
    /// [`journal_limit`](SimulatorBuilder::journal_limit) says otherwise. A request counts as
    /// received when its body has been read.
    #[must_use]
    pub fn journal(&self) -> Vec<Exchange> {
        self.shared.journal.exchanges()
    }

    /// The counters.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.journal.stats()
    }

    /// Waits until `condition` holds. It is checked now and after each change of the journal and the
    /// counters, so that a test needs no sleep.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn wait_for(&self, mut condition: impl FnMut(&Self) -> bool) {
        let mut changes = self.shared.journal.subscribe();
        while !condition(self) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Stops listening, ends every connection, and returns when nothing runs any more. The journal
    /// and the counters can still be read. A second call returns at once.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops everything all the same, but nobody waits for it.
    pub async fn shutdown(&self) {
        self.shared.journal.stop();
        self.shared.stop.notify_one();
        let server = lock(&self.server).take();
        if let Some(server) = server {
            let _ended = server.await;
        }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // The task is aborted by the drop of its handle; this makes the journal tell the truth.
        self.shared.journal.stop();
    }
}

// === impl SimulatorBuilder ===

impl SimulatorBuilder {
    /// Where to listen. Default: `127.0.0.1`, a free port.
    ///
    /// Anything but a loopback address lets the network in.
    #[must_use]
    pub const fn listen(mut self, addr: SocketAddr) -> Self {
        self.listen = addr;
        self
    }

    /// What to do: the rules of `script`, and its settings in place of those made so far.
    #[must_use]
    pub fn script(mut self, script: Script) -> Self {
        self.settings.apply(&script);
        self.script = script;
        self
    }

    /// Accepts only requests with this key, in the header that the dialect has for it; several may be
    /// added. Default: any
    /// request.
    #[must_use]
    pub fn key(mut self, key: impl Into<Secret>) -> Self {
        self.settings.keys.push(key.into());
        self
    }

    /// Serves only this model; several may be added. Default: any name, and `/v1/models` lists
    /// [`DEFAULT_MODEL`](crate::DEFAULT_MODEL) and
    /// [`DEFAULT_EMBEDDING_MODEL`](crate::DEFAULT_EMBEDDING_MODEL).
    #[must_use]
    pub fn model(mut self, name: impl Into<String>) -> Self {
        self.settings.models.push(name.into());
        self
    }

    /// Lets the model take this long for each word. Default: no time.
    #[must_use]
    pub const fn pace(mut self, per_word: Duration) -> Self {
        self.settings.pace = per_word;
        self
    }

    /// What ids and made-up numbers are derived from. Default 0. The same seed and the same requests
    /// in the same order give the same answers.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// How many exchanges the journal keeps; the oldest go first. Default 10,000. It never keeps more
    /// than 256 MiB of request bodies.
    #[must_use]
    pub const fn journal_limit(mut self, exchanges: usize) -> Self {
        self.journal_limit = exchanges;
        self
    }

    /// Starts to listen. Must be called inside a tokio runtime with its I/O and timer enabled.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when the address cannot be listened on.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing running.
    pub async fn start(self) -> Result<Simulator, Error> {
        let refused = |cause: std::io::Error| {
            Error::new(ErrorKind::Config)
                .with_message(format!(
                    "the simulator cannot listen on {}: choose another address or port",
                    self.listen
                ))
                .with_source(cause)
        };
        let listener = TcpListener::bind(self.listen).await.map_err(refused)?;
        let addr = listener.local_addr().map_err(refused)?;
        let shared = Arc::new(Shared {
            journal: Arc::new(Journal::new(self.journal_limit, JOURNAL_BYTES)),
            rules: Rules::default(),
            settings: self.settings,
            memory: Memory::default(),
            stop: Notify::new(),
        });
        self.script
            .rules
            .into_iter()
            .for_each(|r| shared.rules.add(r));
        let server = task::spawn(server::run(listener, Arc::clone(&shared)));
        Ok(Simulator {
            addr,
            shared,
            server: Mutex::new(Some(server)),
        })
    }
}
