//! What can be wrong with a chain of events.

use std::fmt;

use super::access::Amiss;

/// What is wrong with a chain, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Events are not there.
    Missing {
        /// The first revision without one.
        from: i64,
        /// The last.
        to: i64,
    },
    /// An event does not come after the one before it.
    Order {
        /// Its revision.
        revision: i64,
        /// The revision it stands behind.
        behind: i64,
    },
    /// An event of another chain.
    Stranger {
        /// Its revision.
        revision: i64,
        /// Its chain.
        chain: String,
    },
    /// An event says something else than what was hashed.
    Changed {
        /// Its revision.
        revision: i64,
    },
    /// A line of an exported log is not what would be written of its event.
    Line {
        /// Its revision.
        revision: i64,
    },
    /// An event names another hash than that of the one before it.
    Unlinked {
        /// Its revision.
        revision: i64,
    },
    /// An event without a hash behind one that has one.
    Unhashed {
        /// Its revision.
        revision: i64,
    },
    /// The chain ends before what is known of it elsewhere.
    CutOff {
        /// The last revision there is.
        last: i64,
        /// The revision that there was.
        known: i64,
    },
    /// There is nothing where the chain was to be looked at.
    Nothing {
        /// From this revision on.
        from: i64,
    },
    /// The counter of the chain, in the database, names another event as the last.
    Counter {
        /// The revision that it says.
        revision: i64,
    },
    /// The chain has no counter in the database.
    NoCounter,
    /// The event that a head names has another hash now.
    OtherHead {
        /// Its revision.
        revision: i64,
    },
    /// The signature that is stored with an event is not that of its signer over the head that it became.
    Signature {
        /// Its revision.
        revision: i64,
    },
    /// An event is signed by somebody else than those who may.
    OtherSigner {
        /// Its revision.
        revision: i64,
        /// The public key, in hexadecimal.
        key: String,
    },
    /// An event is not signed any more: its head was signed with it.
    Unsigned {
        /// Its revision.
        revision: i64,
    },
    /// What is stored of the versions that an event ended or began is not what the event says.
    Versions {
        /// Its revision.
        revision: i64,
        /// It is about those that it began.
        began: bool,
    },
    /// What is stored of a version that an event ended or began has another moment than the event.
    Moment {
        /// Its revision.
        revision: i64,
        /// It is about one that it began.
        began: bool,
    },
    /// An organisation, an account, an API token or a session is not what the events say.
    Access(Amiss),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { from, to } if from == to => write!(f, "the event of revision {from} is missing"),
            Self::Missing { from, to } => write!(f, "the events of revisions {from} to {to} are missing"),
            Self::Order { revision, behind } => {
                write!(f, "the event of revision {revision} stands behind that of {behind}")
            }
            Self::Stranger { revision, chain } => write!(f, "an event of another chain, {chain}, revision {revision}"),
            Self::Changed { revision } => {
                write!(f, "the event of revision {revision} was changed: its hash does not fit")
            }
            Self::Line { revision } => {
                write!(
                    f,
                    "the line of revision {revision} says more than its event, or otherwise: it was not exported so"
                )
            }
            Self::Unlinked { revision } => {
                write!(f, "the event of revision {revision} names another one before it: that one was changed")
            }
            Self::Unhashed { revision } => write!(f, "the event of revision {revision} has no hash"),
            Self::CutOff { last, known } => {
                write!(f, "the chain ends at revision {last}, but there was a revision {known}: its end was cut off")
            }
            Self::Nothing { from } => write!(f, "there is no event of revision {from} or later"),
            Self::Counter { revision } => {
                write!(f, "the chain does not end with the event that its counter names, of revision {revision}")
            }
            Self::NoCounter => {
                write!(
                    f,
                    "the chain has no counter: its row of revisions was deleted, and its end may have been cut off"
                )
            }
            Self::OtherHead { revision } => {
                write!(f, "the event of revision {revision} has another hash than the head that was signed")
            }
            Self::Signature { revision } => {
                write!(f, "the event of revision {revision} or its signature was changed: the signature does not hold")
            }
            Self::OtherSigner { revision, key } => {
                write!(f, "the event of revision {revision} is signed by another key, {key}")
            }
            Self::Unsigned { revision } => {
                write!(
                    f,
                    "the event of revision {revision} has no signature, though its head was signed at that moment"
                )
            }
            Self::Versions { revision, began: true } => {
                write!(f, "what revision {revision} stored was changed without an event")
            }
            Self::Versions { revision, began: false } => {
                write!(f, "what revision {revision} put an end to was changed without an event")
            }
            Self::Moment { revision, began: true } => {
                write!(f, "what revision {revision} stored says that it began at another moment")
            }
            Self::Moment { revision, began: false } => {
                write!(f, "what revision {revision} put an end to says that it ended at another moment")
            }
            Self::Access(amiss) => amiss.fmt(f),
        }
    }
}
