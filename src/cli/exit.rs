//! Exit codes are public: scripts and CI rely on them.

/// How a command ended. Where several apply, the first in this order is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Usage, or an input that cannot be read.
    Usage,
    /// Could not go on: I/O, an internal error, or the target refuses the key.
    Broken,
    /// Interrupted, after draining or at once.
    Interrupted,
    /// Stopped early, can be resumed (`batch`).
    Stopped,
    /// The run is invalid (with `--strict`), or runs are not comparable.
    Invalid,
    /// A threshold failed.
    Threshold,
    /// A regression was found.
    Regression,
    /// Nothing can be said for sure (with `--strict`).
    Inconclusive,
    /// More turns are without an answer than allowed.
    Unanswered,
    /// Done, and everything held.
    Done,
}

impl Exit {
    /// The number the process exits with.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Broken => 1,
            Self::Usage => 2,
            Self::Unanswered => 3,
            Self::Stopped => 75,
            Self::Invalid => 96,
            Self::Inconclusive => 97,
            Self::Regression => 98,
            Self::Threshold => 99,
            Self::Interrupted => 130,
        }
    }

    /// The first that applies; `Done` where none does.
    pub fn first(of: impl IntoIterator<Item = (bool, Self)>) -> Self {
        of.into_iter()
            .filter_map(|(applies, exit)| applies.then_some(exit))
            .min()
            .unwrap_or(Self::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_reason_is_told() {
        let several = [(true, Exit::Unanswered), (true, Exit::Threshold), (false, Exit::Usage)];
        assert_eq!(Exit::first(several).code(), 99);
        assert_eq!(Exit::first([(true, Exit::Interrupted), (true, Exit::Threshold)]).code(), 130);
        assert_eq!(Exit::first([]).code(), 0);
    }
}
