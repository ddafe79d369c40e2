//! An allocator that counts: what is held, the peak of it, and the largest single piece.
//!
//! The counts are those of the whole process, so that threads of the program are seen too; who measures makes
//! sure that nothing else runs.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static LARGEST: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, counted.
pub struct Counting;

// Every call goes on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both pieces may exist for a moment.
        took(size);
        HELD.fetch_sub(layout.size(), Relaxed);
        unsafe { System.realloc(place, layout, size) }
    }
}

fn took(size: usize) {
    let held = HELD.fetch_add(size, Relaxed) + size;
    PEAK.fetch_max(held, Relaxed);
    LARGEST.fetch_max(size, Relaxed);
}

/// What has been taken since a moment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Taken {
    /// Bytes held at most, beyond what was held then.
    pub peak: usize,
    /// Bytes of the largest single piece.
    pub largest: usize,
}

/// A moment from which on memory is counted.
pub struct Since(usize);

impl Since {
    /// Now.
    pub fn now() -> Since {
        let held = HELD.load(Relaxed);
        PEAK.store(held, Relaxed);
        LARGEST.store(0, Relaxed);
        Since(held)
    }

    /// What has been taken since then.
    pub fn taken(&self) -> Taken {
        Taken { peak: PEAK.load(Relaxed).saturating_sub(self.0), largest: LARGEST.load(Relaxed) }
    }
}
