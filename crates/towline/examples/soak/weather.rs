//! Three providers in bad weather: every fault that the simulator has, and outages.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::sleep;
use towline::core::{Error, Secret};
use towline_sim::{Fault, Rule, Simulator, Stall};

/// The providers, each with the letter of its faults.
pub(crate) struct Weather {
    places: Vec<Place>,
}

struct Place {
    letter: char,
    addr: SocketAddr,
    seed: u64,
    simulator: Mutex<Option<Simulator>>,
}

/// Numbers that follow from a seed: `SplitMix64`.
pub(crate) struct Dice(pub(crate) u64);

/// Two deployments of one model, and another provider.
pub(crate) const LETTERS: [char; 3] = ['e', 'w', 'a'];

// === impl Weather ===

impl Weather {
    pub(crate) async fn start(seed: u64) -> Result<Self, Error> {
        let mut places = Vec::new();
        for letter in LETTERS {
            let any = SocketAddr::from(([127, 0, 0, 1], 0));
            let simulator = simulator(letter, any, seed).await?;
            places.push(Place {
                letter,
                addr: simulator.addr(),
                seed,
                simulator: Mutex::new(Some(simulator)),
            });
        }
        Ok(Self { places })
    }

    /// The address of the provider with this letter.
    pub(crate) fn origin(&self, letter: char) -> String {
        let place = self.places.iter().find(|place| place.letter == letter);
        place.map_or_else(String::new, |place| format!("http://{}", place.addr))
    }

    /// Requests that the providers are still answering.
    pub(crate) fn live(&self) -> u64 {
        let places = self.places.iter();
        let live = places.map(|place| {
            let simulator = place.lock();
            simulator.as_ref().map_or(0, |simulator| {
                let stats = simulator.stats();
                stats.live_requests().max(stats.live_streams())
            })
        });
        live.sum()
    }

    /// Sends all providers away, and with them their connections.
    pub(crate) async fn close(&self) {
        for place in &self.places {
            place.close().await;
        }
    }

    /// Has all providers back. Tells which are not.
    pub(crate) async fn open(&self) -> Vec<String> {
        let mut away = Vec::new();
        for place in &self.places {
            place.open().await;
            if place.lock().is_none() {
                away.push(format!(
                    "provider {} is not back at {}",
                    place.letter, place.addr
                ));
            }
        }
        away
    }
}

/// Takes one provider away now and then, for a second or so, until it is told to stop. All are back then.
pub(crate) async fn outages(weather: Arc<Weather>, seed: u64, stop: Arc<AtomicBool>) {
    let mut dice = Dice(seed);
    loop {
        sleep(Duration::from_millis(4000 + dice.below(6000))).await;
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let turn = usize::try_from(dice.below(3)).unwrap_or_default();
        let Some(place) = weather.places.get(turn) else {
            continue;
        };
        place.close().await;
        sleep(Duration::from_millis(300 + dice.below(1200))).await;
        place.open().await;
    }
}

/// A provider that breaks what a prompt asks it to break: `[e4]` is fault 4 of provider `e`.
async fn simulator(letter: char, addr: SocketAddr, seed: u64) -> Result<Simulator, Error> {
    let simulator = Simulator::builder()
        .listen(addr)
        .seed(seed)
        .pace(Duration::from_millis(40))
        .key(Secret::from("sk-soak"))
        .journal_limit(16)
        .start()
        .await?;
    for (number, fault) in faults().into_iter().enumerate() {
        let tag = format!("[{letter}{number}]");
        simulator.on(Rule::any().user_message_contains(tag).fault(fault));
    }
    Ok(simulator)
}

/// One of each.
pub(crate) fn faults() -> Vec<Fault> {
    let short = Stall::For(Duration::from_millis(700));
    vec![
        Fault::status(500),
        Fault::status(503),
        Fault::status(529),
        Fault::status(429).with_header("retry-after", "1"),
        Fault::status(429),
        Fault::status(400),
        Fault::StallHead(Stall::Forever),
        Fault::StallHead(short.clone()),
        Fault::StallAfterBytes(100, Stall::Forever),
        Fault::StallAfterEvents(3, Stall::Forever),
        Fault::StallAfterEvents(3, short),
        Fault::DelayPerEvent(Duration::from_millis(50)),
        Fault::CutAfterBytes(150),
        Fault::CutAfterEvents(3),
        Fault::CleanEndAfterEvents(3),
        Fault::ResetHead,
        Fault::ResetAfterBytes(200),
        Fault::in_band_status(0, 529),
        Fault::in_band_status(4, 529),
        Fault::DuplicateEvent(2),
        Fault::SwapEvents(1, 2),
        Fault::BadUtf8AfterEvents(3),
        Fault::MalformedJson(3),
        Fault::WrongContentLength(20),
        Fault::OneByteAtATime,
        Fault::CloseAfter,
    ]
}

// === impl Place ===

impl Place {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Simulator>> {
        self.simulator
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    async fn close(&self) {
        let simulator = self.lock().take();
        if let Some(simulator) = simulator {
            simulator.shutdown().await;
        }
    }

    async fn open(&self) {
        // The port may be taken for a while.
        for _ in 0..300 {
            if self.lock().is_some() {
                break;
            }
            if let Ok(simulator) = simulator(self.letter, self.addr, self.seed).await {
                *self.lock() = Some(simulator);
                break;
            }
            sleep(Duration::from_millis(100)).await;
        }
    }
}

// === impl Dice ===

impl Dice {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = self.0;
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound.max(1)
    }
}
