//! One thread with its part of the participants.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use crate::client::{Client, Which};
use crate::net::{Buffers, Epoll, thread_cpu};
use crate::plan::ParticipantPlan;
use crate::totals::Totals;

/// The longest sleep, so that the end of the run and joins are not missed.
const LONGEST_SLEEP: Duration = Duration::from_millis(20);

/// What the server is given to read that everybody leaves, before connections break.
const LEAVING: Duration = Duration::from_millis(200);

pub struct ShardOptions {
    pub url: String,
    pub begin: Instant,
    pub seconds: Duration,
    pub interval: Duration,
    /// Over how long packets are gathered.
    pub gather: Duration,
    /// Participants that may wait for their JoinResponse.
    pub joining_at_once: usize,
}

/// What a shard tells.
pub struct Report {
    pub shard: usize,
    /// Which interval it ends, from 1; the same for all shards.
    pub interval: u64,
    pub is_end: bool,
    pub totals: Box<Totals>,
}

/// Runs until the time is over or `ended` is set.
pub fn run(
    shard: usize,
    options: &ShardOptions,
    participants: Vec<ParticipantPlan>,
    ended: &AtomicBool,
    reports: &Sender<Report>,
) -> Result<(), String> {
    let mut epoll = Epoll::new().map_err(|error| format!("no epoll: {error}"))?;
    let mut buffers = Buffers::new();
    let mut totals = Totals::new();
    totals.planned = participants.len() as u64;
    let begin = options.begin;
    let mut clients: Vec<Client> = participants
        .into_iter()
        .map(|plan| Client::new(plan, begin))
        .collect();
    // Beside the clients, so that looking for what is due touches little memory.
    let mut deadlines: Vec<Instant> = clients
        .iter()
        .map(|client| begin + Duration::from_millis(client.plan.join_at_ms))
        .collect();
    let mut ready = Vec::new();
    let mut interval = 1;
    let mut cpu_before = thread_cpu();
    let mut last_report = Instant::now();

    loop {
        let woke = Instant::now();
        for &token in &ready {
            let (index, which) = (token as usize / 3, socket_of(token));
            let client = &mut clients[index];
            client.on_readable(which, &mut buffers, woke, &mut totals);
            settle_sockets(&epoll, index, client, &mut totals);
            deadlines[index] = deadline(client, begin);
        }
        let now = Instant::now();
        let mut joining = clients.iter().filter(|client| client.is_joining()).count();
        for index in 0..clients.len() {
            if deadlines[index] > now {
                continue;
            }
            let client = &mut clients[index];
            if client.is_waiting() {
                if joining >= options.joining_at_once {
                    deadlines[index] = now + Duration::from_millis(2);
                    continue;
                }
                joining += 1;
                client.start(&options.url, now, &mut totals);
            } else {
                client.on_time(now, &mut totals);
            }
            if leave_at(client, begin).is_some_and(|at| at <= now) {
                client.leave();
            }
            settle_sockets(&epoll, index, client, &mut totals);
            // Connections that want to be called at once would keep the thread busy.
            deadlines[index] = deadline(client, begin).max(now + Duration::from_millis(1));
        }

        let is_end = now >= begin + options.seconds || ended.load(Ordering::Relaxed);
        if is_end || now >= begin + options.interval * interval as u32 {
            clients
                .iter_mut()
                .for_each(|client| client.settle(&mut totals));
            let cpu = thread_cpu();
            totals.cpu = cpu;
            let busy =
                (cpu - cpu_before).as_secs_f64() / (now - last_report).as_secs_f64().max(1e-6);
            totals.busiest_thread = busy;
            (cpu_before, last_report) = (cpu, now);
            let report = Report {
                shard,
                interval,
                is_end,
                totals: Box::new(totals.clone()),
            };
            // Nobody listens when the program ends early.
            let _ = reports.send(report);
            interval += 1;
            if is_end {
                clients.iter_mut().for_each(Client::leave);
                std::thread::sleep(LEAVING);
                return Ok(());
            }
        }

        let spent = woke.elapsed();
        if spent < options.gather && !ready.is_empty() {
            std::thread::sleep(options.gather - spent);
        }
        let now = Instant::now();
        let next = deadlines
            .iter()
            .min()
            .map_or(LONGEST_SLEEP, |at| at.saturating_duration_since(now));
        epoll.wait(next.min(LONGEST_SLEEP), &mut ready);
    }
}

fn leave_at(client: &Client, begin: Instant) -> Option<Instant> {
    let at = client.plan.leave_at_ms.filter(|_| client.is_running());
    at.map(|at| begin + Duration::from_millis(at))
}

fn deadline(client: &Client, begin: Instant) -> Instant {
    let own = client.deadline();
    leave_at(client, begin).map_or(own, |at| own.min(at))
}

fn socket_of(token: u64) -> Which {
    match token % 3 {
        0 => Which::Signal,
        1 => Which::Publisher,
        _ => Which::Subscriber,
    }
}

/// Watches the sockets that the client has made.
fn settle_sockets(epoll: &Epoll, index: usize, client: &mut Client, totals: &mut Totals) {
    for which in std::mem::take(&mut client.new_sockets) {
        let (fd, kind) = match which {
            Which::Signal => (client.signal.as_ref().map(|signal| signal.fd()), 0),
            Which::Publisher => (client.publisher.as_ref().map(|peer| peer.udp.fd()), 1),
            Which::Subscriber => (client.subscriber.as_ref().map(|peer| peer.udp.fd()), 2),
        };
        if let Some(fd) = fd
            && let Err(error) = epoll.add(fd, index as u64 * 3 + kind)
        {
            totals.error(format!("a socket cannot be watched: {error}"));
        }
    }
}
