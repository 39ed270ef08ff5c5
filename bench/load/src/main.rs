//! Load for a server of LiveKit's protocol: reads a plan from standard input, plays its
//! participants, writes a line of JSON at every interval and one at the end. As `sluice-load floor`
//! it measures instead what encrypting and sending cost by themselves.

mod client;
mod conversation;
mod data;
mod floor;
mod net;
mod payload;
mod peer;
mod plan;
mod proto;
mod publish;
mod receiver;
mod rejoin;
mod schedule;
mod send_batch;
mod shard;
mod signal;
mod source;
mod srtp;
mod totals;

use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use floor::FloorPlan;
use plan::Plan;
use serde::de::DeserializeOwned;
use shard::{Report, ShardOptions};
use totals::Totals;

static ENDED: AtomicBool = AtomicBool::new(false);

extern "C" fn end(_signal: libc::c_int) {
    ENDED.store(true, Ordering::Relaxed);
}

fn main() -> ExitCode {
    let done = match std::env::args().nth(1).as_deref() {
        Some("floor") => read_plan(FloorPlan::check).and_then(measure_floor),
        Some(other) => Err(format!(
            "\"{other}\" is not known: floor, or nothing, is allowed"
        )),
        None => read_plan(Plan::check).and_then(run),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sluice-load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure_floor(plan: FloorPlan) -> Result<(), String> {
    net::raise_file_limit();
    writeln!(io::stdout(), "{}", floor::run(&plan)?)
        .map_err(|error| format!("nobody reads the figures: {error}"))
}

fn read_plan<P: DeserializeOwned>(check: fn(&P) -> Result<(), String>) -> Result<P, String> {
    let mut text = String::new();
    io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| format!("no plan on standard input: {error}"))?;
    let plan: P = serde_json::from_str(&text)
        .map_err(|error| format!("the plan on standard input cannot be read: {error}"))?;
    check(&plan).map_err(|error| format!("the plan cannot be played: {error}"))?;
    Ok(plan)
}

fn run(plan: Plan) -> Result<(), String> {
    net::on_end_signals(end);
    net::raise_file_limit();
    let begin = Instant::now();
    let options = ShardOptions {
        url: plan.url,
        begin,
        seconds: Duration::from_secs_f64(plan.seconds),
        interval: Duration::from_secs_f64(plan.interval_seconds),
        gather: Duration::from_secs_f64(plan.gather_ms / 1000.0),
        joining_at_once: plan.joining_at_once.unwrap_or(usize::MAX),
    };
    let mut parts = vec![Vec::new(); plan.threads];
    for (index, participant) in plan.participants.into_iter().enumerate() {
        parts[index % plan.threads].push(participant);
    }
    let count = parts.len();
    let (sender, receiver) = channel();
    std::thread::scope(|scope| {
        let threads: Vec<_> = parts
            .into_iter()
            .enumerate()
            .map(|(shard, participants)| {
                let (sender, options) = (sender.clone(), &options);
                scope.spawn(move || shard::run(shard, options, participants, &ENDED, &sender))
            })
            .collect();
        drop(sender);
        tell(&receiver, count, begin)?;
        threads.into_iter().try_for_each(|thread| {
            thread
                .join()
                .map_err(|_| "a thread ended by a fault of this program".to_string())?
        })
    })
}

/// Writes a line when all shards have told of an interval, and the last one when all have ended.
fn tell(reports: &Receiver<Report>, shards: usize, begin: Instant) -> Result<(), String> {
    let mut latest: Vec<Option<Report>> = (0..shards).map(|_| None).collect();
    let mut told = 0;
    for report in reports {
        let shard = report.shard;
        latest[shard] = Some(report);
        let all: Vec<&Report> = latest.iter().flatten().collect();
        let reached = all.iter().map(|report| report.interval).min().unwrap_or(0);
        let is_end = all.iter().all(|report| report.is_end);
        if all.len() < shards || (reached <= told && !is_end) {
            continue;
        }
        told = reached;
        let mut sum = Totals::new();
        all.iter().for_each(|report| sum.merge(&report.totals));
        let line = sum.json(
            if is_end { "end" } else { "interval" },
            begin.elapsed().as_secs_f64(),
        );
        writeln!(io::stdout(), "{line}")
            .map_err(|error| format!("nobody reads the statistics: {error}"))?;
    }
    Ok(())
}
