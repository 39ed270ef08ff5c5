//! The physical floor: what it costs to encrypt packets and to send them to as many sockets, with
//! nothing around it. No server that forwards can be cheaper by sending packets one by one.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::net::{Buffers, Epoll, Udp, thread_cpu};
use crate::send_batch::{SEND_BATCH, SendBatch};
use crate::srtp::{Cipher, HEADER_BYTES, Profile, TAG_MOST};

/// Packets on their way before the sender waits for whoever receives them, a socket.
const AHEAD: u64 = 64;
/// Packets that are only encrypted, to know what of the cost that is.
const ENCRYPTED_ONLY: u32 = 20_000;
/// What the receivers are given to take the last packets.
const TRAILING: Duration = Duration::from_millis(100);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FloorPlan {
    /// Where packets go from and to.
    address: IpAddr,
    /// As many as viewers.
    sockets: usize,
    /// Of a packet, without header and tag.
    payload_bytes: usize,
    profile: Profile,
    /// Whether many packets go with one system call; one call a packet without.
    #[serde(default)]
    batched: bool,
    /// How long it sends.
    seconds: f64,
}

impl FloorPlan {
    pub fn check(&self) -> Result<(), String> {
        for (name, value, least, most) in [
            ("sockets", self.sockets as f64, 1.0, 5000.0),
            ("payloadBytes", self.payload_bytes as f64, 1.0, 1400.0),
            ("seconds", self.seconds, 0.05, 60.0),
        ] {
            if !(least..=most).contains(&value) {
                return Err(format!("{name} is {value}: {least} to {most} are allowed"));
            }
        }
        Ok(())
    }
}

/// Sends for the time of the plan; what a packet cost, as JSON.
pub fn run(plan: &FloorPlan) -> Result<Value, String> {
    let error = |error: std::io::Error| format!("no UDP socket on {}: {error}", plan.address);
    let receivers: Vec<Udp> = (0..plan.sockets)
        .map(|_| Udp::bind(plan.address))
        .collect::<Result<_, _>>()
        .map_err(error)?;
    let addresses: Vec<SocketAddr> = receivers.iter().map(Udp::local).collect();
    let socket = UdpSocket::bind((plan.address, 0)).map_err(error)?;
    let ciphers: Vec<Cipher> = (0..plan.sockets)
        .map(|index| Cipher::new(plan.profile, index as u32))
        .collect();
    let (received, ended) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let taking = scope.spawn(|| take(receivers, &received, &ended));
        let sent = send(plan, &socket, &addresses, &ciphers, &received);
        std::thread::sleep(TRAILING);
        ended.store(true, Ordering::Relaxed);
        taking
            .join()
            .map_err(|_| "the receiving thread ended by a fault of this program")??;
        let encrypting = encrypt(plan, &ciphers);
        let arrived = received.load(Ordering::Relaxed);
        Ok(json!({
            "packets": sent.packets,
            "lost": sent.packets.saturating_sub(arrived),
            "cpuMicrosecondsPerPacket": sent.cpu.as_secs_f64() * 1e6 / sent.packets.max(1) as f64,
            "encryptMicrosecondsPerPacket": encrypting.as_secs_f64() * 1e6 / f64::from(ENCRYPTED_ONLY),
            "packetsPerSecond": sent.packets as f64 / sent.time.as_secs_f64(),
        }))
    })
}

struct Sent {
    packets: u64,
    cpu: Duration,
    time: Duration,
}

fn send(
    plan: &FloorPlan,
    socket: &UdpSocket,
    addresses: &[SocketAddr],
    ciphers: &[Cipher],
    received: &AtomicU64,
) -> Sent {
    let length = HEADER_BYTES + plan.payload_bytes;
    let mut original = vec![0x5a; length];
    original[0] = 0x80;
    let mut batch = SendBatch::new();
    let mut packet = vec![0; length + TAG_MOST];
    let (cpu, begun) = (thread_cpu(), Instant::now());
    let end = begun + Duration::from_secs_f64(plan.seconds);
    let (mut packets, mut number) = (0, 0);
    while Instant::now() < end {
        number += 1;
        // One packet of a publisher, to everybody: copied, numbered, encrypted by each one's key.
        for (at, (cipher, address)) in ciphers.iter().zip(addresses).enumerate() {
            let target = if plan.batched {
                batch.buffer()
            } else {
                &mut packet
            };
            target[..length].copy_from_slice(&original);
            let whole = cipher.protect(target, length, number);
            if plan.batched {
                batch.add(whole, *address);
                if batch.len() == SEND_BATCH || at + 1 == ciphers.len() {
                    packets += batch.send(socket);
                }
            } else if socket.send_to(&packet[..whole], address).is_ok() {
                packets += 1;
            }
        }
        // Unread packets would be dropped, which costs less than to deliver them.
        while packets - received.load(Ordering::Relaxed).min(packets)
            > AHEAD * addresses.len() as u64
            && Instant::now() < end
        {
            std::thread::sleep(Duration::from_micros(500));
        }
    }
    Sent {
        packets,
        cpu: thread_cpu() - cpu,
        time: begun.elapsed(),
    }
}

/// CPU of encrypting alone.
fn encrypt(plan: &FloorPlan, ciphers: &[Cipher]) -> Duration {
    let length = HEADER_BYTES + plan.payload_bytes;
    let mut packet = vec![0x5a; length + TAG_MOST];
    let cpu = thread_cpu();
    for number in 0..ENCRYPTED_ONLY {
        let cipher = &ciphers[number as usize % ciphers.len()];
        cipher.protect(&mut packet, length, number);
    }
    thread_cpu() - cpu
}

/// Takes what arrives as the load source does, until `ended` is set.
fn take(mut receivers: Vec<Udp>, received: &AtomicU64, ended: &AtomicBool) -> Result<(), String> {
    let mut epoll = Epoll::new().map_err(|error| format!("no epoll: {error}"))?;
    for (index, receiver) in receivers.iter().enumerate() {
        epoll
            .add(receiver.fd(), index as u64)
            .map_err(|error| format!("a socket cannot be watched: {error}"))?;
    }
    let mut buffers = Buffers::new();
    let mut ready = Vec::new();
    while !ended.load(Ordering::Relaxed) {
        epoll.wait(Duration::from_millis(20), &mut ready);
        for &index in &ready {
            let mut count = 0;
            receivers[index as usize].receive(&mut buffers, |_| count += 1);
            received.fetch_add(count, Ordering::Relaxed);
        }
    }
    Ok(())
}
