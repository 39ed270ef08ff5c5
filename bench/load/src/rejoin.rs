//! What a client does that the server has told to join anew, such as when its Room moves.

use std::time::{Duration, Instant};

use crate::client::{Client, Phase};
use crate::totals::Totals;

/// `LeaveRequest.Action`: join anew.
pub const RECONNECT: i32 = 2;
/// Attempts, and how far they are apart.
const ATTEMPTS: u32 = 20;
const BETWEEN: Duration = Duration::from_millis(300);

/// Of a client that joins anew.
#[derive(Clone, Copy)]
pub struct Rejoin {
    pub at: Instant,
    attempts: u32,
    /// Its last packet in the Room as it was, since 1970; what it waits for now.
    last_packet: Option<Duration>,
    had_video: bool,
    is_in: bool,
}

impl Client {
    /// Begins anew; the thread starts it when it next looks.
    pub(crate) fn join_anew(&mut self, now: Instant, totals: &mut Totals) {
        self.settle(totals);
        let rejoin = Rejoin {
            at: now,
            attempts: 0,
            last_packet: self.last_packet,
            had_video: self.had_frame,
            is_in: false,
        };
        *self = Client::new(self.plan.clone(), now);
        self.rejoin = Some(rejoin);
        self.first_done = true;
    }

    /// Whether it tries once more rather than being dropped.
    pub(crate) fn tries_again(&mut self) -> bool {
        let Some(mut rejoin) = self.rejoin.filter(|one| !one.is_in) else {
            return false;
        };
        rejoin.attempts += 1;
        if rejoin.attempts >= ATTEMPTS {
            return false;
        }
        let now = Instant::now();
        rejoin.at = now + BETWEEN;
        *self = Client::new(self.plan.clone(), now);
        self.rejoin = Some(rejoin);
        self.first_done = true;
        true
    }

    /// Whether this join is not its first one.
    pub(crate) fn is_in_again(&mut self, totals: &mut Totals) -> bool {
        let Some(rejoin) = &mut self.rejoin else {
            return false;
        };
        rejoin.is_in = true;
        totals.rejoined += 1;
        true
    }

    /// Counts how long nothing was to be seen or heard; returns whether that was to be counted.
    pub(crate) fn note_gap(&mut self, is_video: bool, at: Duration, totals: &mut Totals) -> bool {
        let Some(rejoin) = &mut self.rejoin else {
            return false;
        };
        if is_video == rejoin.had_video
            && let Some(before) = rejoin.last_packet.take()
        {
            totals.gap.add(at.saturating_sub(before));
        }
        true
    }

    /// When it is to be started, while it waits to join anew.
    pub(crate) fn rejoins_at(&self) -> Option<Instant> {
        let waiting = self.phase == Phase::Waiting;
        self.rejoin.filter(|_| waiting).map(|rejoin| rejoin.at)
    }
}
