//! The words of an answer: how a work lies, how sure that is, what it means, and where its figures come from.

use crate::domain::word::words;

words! {
    /// How a work lies to the land of a corridor.
    RelationWord {
        /// `ST_Within(work, land)`.
        Inside = "inside",
        /// `ST_Touches(work, land)`.
        Touches = "touches",
        /// Any other intersection.
        Crosses = "crosses",
        /// Outside, but nearer than allowed.
        Near = "near",
    }
}
words! {
    /// How sure a conflict is.
    Verdict {
        /// Whatever the position's error: it is one.
        Certain = "certain",
        /// A survey is the answer, not a relocation.
        Possible = "possible",
    }
}
words! {
    /// What a conflict means today.
    Severity {
        /// The corridor is in force.
        Blocks = "blocks",
        /// The corridor is on its way.
        Warns = "warns",
    }
}
words! {
    /// On which side of a centreline a work stands, seen along it.
    SideWord {
        Left = "left",
        Right = "right",
        Both = "both",
    }
}
words! {
    /// Where the accuracy of a position comes from.
    AccuracySource {
        /// The record states it.
        Recorded = "recorded",
        /// The rule pack has it for the capture method.
        Rule = "rule",
        /// The configured default of the capture method.
        Default = "default",
        /// A drawn shape is where it was drawn.
        Drawn = "drawn",
    }
}
words! {
    /// What gives a clearance where no parameter of a rule pack does.
    RuleKey {
        /// Whoever asked gave it.
        Request = "request.clearance_m",
        /// The corridor has its own.
        Corridor = "corridor.clearance_m",
        /// Nobody gave one, and the rules say nothing of such land and such works: 0.
        None = "none",
    }
}
