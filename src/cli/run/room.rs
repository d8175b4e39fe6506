//! Whether there is room for a load: descriptors for all that may be on the wire.

/// What a run opens besides its connections: files, event loops, timers.
const BESIDES: u64 = 64;

/// What to know before a load begins that may have `most` turns on the wire, where this process may have
/// `limit` descriptors. The embedded agent takes one for each as well.
pub(in crate::cli) fn too_little_room(
    most: u32,
    embedded: bool,
    limit: Option<u64>,
) -> Option<String> {
    let limit = limit?;
    let each = if embedded { 2 } else { 1 };
    let needed = u64::from(most) * each + BESIDES;
    if most == u32::MAX || needed <= limit {
        return None;
    }
    let agent =
        if embedded { " (two each, as the embedded agent runs in this process)" } else { "" };
    let room = limit.saturating_sub(BESIDES) / each;
    Some(format!(
        "warning: {most} turns may be on the wire at once, and this process has descriptors for {room}{agent}. \
         Those beyond will fail on our own side (`local`).\n  Raise the hard limit (`ulimit -Hn` \
         shows it), ask for less at once, or run on several machines."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_load_that_does_not_fit_is_warned_of() {
        assert_eq!(too_little_room(1_000, false, Some(1_064)), None);
        assert!(too_little_room(1_001, false, Some(1_064)).unwrap().contains("for 1000"));
        assert!(too_little_room(1_000, true, Some(1_064)).unwrap().contains("for 500 (two each"));
        // Where nothing bounds the load, nothing is known before it.
        assert_eq!(too_little_room(u32::MAX, false, Some(1_064)), None);
        assert_eq!(too_little_room(9_999, false, None), None);
    }
}
