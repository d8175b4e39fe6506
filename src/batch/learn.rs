//! What an attempt says of the target: how fast and how much it takes, and whether to stop.

use rand::RngExt;

use super::halt::Halt;
use super::policy::Sign;
use super::record::Status;
use super::settle::{Settings, Work};
use crate::sample::Sample;
use crate::units::Offset;

/// Rows refused one after the other that are taken for the target's last word.
const REFUSED: usize = 5;

impl Work {
    /// What the target has said about itself: why to stop, if so, and whether the gate has moved. The
    /// attempt left at `left`, as number `height` of those on the wire.
    pub(super) fn learn(
        &mut self,
        sign: Sign,
        (left, height): (Offset, u32),
        sample: &Sample,
        orders: &Settings,
    ) -> (Option<Halt>, bool) {
        let (item, now) = (sample.session_number, sample.timeline.ended);
        let said = || sample.message.as_deref().unwrap_or("").to_owned();
        let policy = &orders.0.policy;
        if sign != Sign::Refused && sample.status.is_some() {
            self.refused.clear();
        }
        // Those who wait have to look again where the gate or an outage may have ended or moved.
        let was_closed = self.pace.closed_until(now).is_some() || self.pace.is_outage();
        match sign {
            Sign::Well => {
                self.pace.answered(now);
                self.limit.answered(now, self.under_way);
            }
            Sign::Overloaded(after) => {
                self.limit.refused(left, now, height, after);
                match after {
                    Some(after) if after > policy.max_retry_after => {
                        return (Some(Halt::TooLong(after)), true);
                    }
                    Some(after) => self.pace.refused(left, now, after),
                    None => self.pace.reached(),
                }
            }
            Sign::Lost => {
                self.limit.lost(left, now, height);
                self.pace.reached();
            }
            Sign::Unreachable => {
                let chance = self.rng.random();
                let outage = self.pace.unreachable(now, chance);
                let why = sample.message.as_deref().unwrap_or(sample.outcome.error());
                self.last_error = Some(format!("the target cannot be reached: {why}"));
                if outage > policy.max_elapsed {
                    return (Some(Halt::Outage(outage)), true);
                }
            }
            Sign::Refused => {
                self.pace.reached();
                self.refused.insert(item);
                let never = self.counts[Status::Completed as usize] == 0;
                if never || self.refused.len() >= REFUSED {
                    let status = sample.status.unwrap_or(0);
                    return (Some(Halt::Refused { status, said: said() }), true);
                }
            }
            Sign::NoCredits => return (Some(Halt::Credits(said())), true),
            Sign::Nothing => {}
        }
        (None, was_closed || sign == Sign::Unreachable)
    }
}
