//! Read buffers, lent to whoever reads at the moment.
//!
//! A stream between two reads holds none: ten thousand idle ones cost nothing but their sockets.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

/// Bytes of one buffer: the most that one read brings.
const SIZE: usize = 64 << 10;

/// Kept when nobody reads. More than one is lent out only where somebody holds bytes that were
/// read and not yet looked at.
const KEPT: usize = 4;

/// The buffers of one worker.
#[derive(Debug, Clone, Default)]
pub(super) struct Buffers(Rc<RefCell<Vec<Box<[u8]>>>>);

/// A buffer; it goes back when dropped.
#[derive(Debug)]
pub(super) struct Buffer {
    bytes: Box<[u8]>,
    home: Buffers,
}

impl Buffers {
    pub(super) fn take(&self) -> Buffer {
        let spare = self.0.borrow_mut().pop();
        let bytes = spare.unwrap_or_else(|| vec![0; SIZE].into_boxed_slice());
        Buffer { bytes, home: self.clone() }
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        let mut spare = self.home.0.borrow_mut();
        if spare.len() < KEPT {
            spare.push(bytes);
        }
    }
}
