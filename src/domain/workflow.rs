//! Workflows as tables: one const table a noun, whose rows say from which states an event leads where, who may send it and
//! what must hold. Everything that is asked of a workflow (what may be sent now, why not, the diagram) is read from the
//! table; what a guard means is the noun's to say. Pure.

use std::fmt::Write as _;

use super::actor::{Actor, Role};
use super::word::Word;

/// Who makes a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Whoever has one of these roles in the jurisdiction of the case.
    Roles(&'static [Role]),
    /// Whoever has one of these roles there and acts for the organisation whose case it is.
    Owner(&'static [Role]),
    /// Whoever has one of the first roles there and acts for an organisation that was asked about the case, or one of the others.
    Asked(&'static [Role], &'static [Role]),
    /// Nobody: the service itself, when a moment has come.
    Timer,
}

impl By {
    /// This one is among them, for a case of `owner` in `jurisdiction` about which nobody was asked.
    #[must_use]
    pub fn admits(self, actor: &Actor, jurisdiction: &str, owner: &str) -> bool {
        self.admits_of(actor, jurisdiction, owner, &[])
    }

    /// The same, of a case about which these organisations were asked.
    #[must_use]
    pub fn admits_of(self, actor: &Actor, jurisdiction: &str, owner: &str, asked: &[String]) -> bool {
        let acts = |roles: &[Role]| roles.iter().any(|role| actor.acts_as(*role, jurisdiction));
        let was_asked = || actor.organisation.as_ref().is_some_and(|own| asked.contains(own));
        match self {
            Self::Roles(roles) => acts(roles),
            Self::Asked(roles, others) => acts(others) || acts(roles) && was_asked(),
            Self::Owner(roles) => acts(roles) && actor.organisation.as_deref() == Some(owner),
            Self::Timer => false,
        }
    }
}

impl std::fmt::Display for By {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let named = |roles: &[Role]| roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ");
        match self {
            Self::Roles(roles) => f.write_str(&named(roles)),
            Self::Owner(roles) => write!(f, "own {}", named(roles)),
            Self::Asked(roles, others) => write!(f, "{}, or asked {}", named(others), named(roles)),
            Self::Timer => f.write_str("timer"),
        }
    }
}

/// What a step does to the clock of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockEffect {
    /// Nothing.
    Keeps,
    /// It runs from here.
    Starts,
    /// It stands still: the office waits for somebody else.
    Pauses,
    /// It runs on.
    Resumes,
    /// It is over: what was due is done, or given up.
    Stops,
}

/// One row of a table: from these states the event leads to that one.
#[derive(Debug, Clone, Copy)]
pub struct Transition<S: 'static, E: 'static, G: 'static> {
    /// The states in which the event may come.
    pub from: &'static [S],
    /// The event.
    pub event: E,
    /// Who sends it.
    pub by: By,
    /// What must hold.
    pub guards: &'static [G],
    /// The state afterwards.
    pub to: S,
    /// What becomes of the clock.
    pub clock: ClockEffect,
}

/// Why a step is not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal<G> {
    /// No row leads on from this state by this event.
    NotFromHere,
    /// Others may.
    NotYours,
    /// Guards do not hold; each with what is missing.
    Unmet(Vec<(G, String)>),
}

/// The row of an event in a state.
#[must_use]
pub fn row<S: Word, E: Word, G>(
    table: &'static [Transition<S, E, G>],
    state: S,
    event: E,
) -> Option<&'static Transition<S, E, G>> {
    table.iter().find(|row| row.event == event && row.from.contains(&state))
}

/// The events that the actor may send now, whether or not their guards hold, in the order of the table.
#[must_use]
pub fn allowed<S: Word, E: Word, G>(
    table: &'static [Transition<S, E, G>],
    state: S,
    may: impl Fn(&By) -> bool,
) -> Vec<E> {
    table.iter().filter(|row| row.from.contains(&state) && may(&row.by)).map(|row| row.event).collect()
}

/// The row of whoever has the next step in a state: the first that leads on from there, but by the service itself or by what is
/// somebody's right and nobody's turn.
#[must_use]
pub fn next<S: Word, E: Word, G>(
    table: &'static [Transition<S, E, G>],
    state: S,
    rights: &[E],
) -> Option<&'static Transition<S, E, G>> {
    let leads = |row: &&Transition<S, E, G>| row.from.contains(&state) && row.to != state && row.by != By::Timer;
    table.iter().filter(leads).find(|row| !rights.contains(&row.event))
}

/// The row of a step that may be made: `may` says whether the one who sends the event is among [`By`], `missing` what a guard
/// lacks, `None` where it holds. Guards are asked in their order, all of them.
///
/// # Errors
/// [`Refusal`].
pub fn step<S: Word, E: Word, G: Copy>(
    table: &'static [Transition<S, E, G>],
    state: S,
    event: E,
    may: impl Fn(&By) -> bool,
    missing: impl Fn(G) -> Option<String>,
) -> Result<&'static Transition<S, E, G>, Refusal<G>> {
    let row = row(table, state, event).ok_or(Refusal::NotFromHere)?;
    if !may(&row.by) {
        return Err(Refusal::NotYours);
    }
    let unmet: Vec<(G, String)> = row.guards.iter().filter_map(|guard| Some((*guard, missing(*guard)?))).collect();
    if unmet.is_empty() { Ok(row) } else { Err(Refusal::Unmet(unmet)) }
}

/// No event leads on from here.
#[must_use]
pub fn is_terminal<S: Word, E, G>(table: &[Transition<S, E, G>], state: S) -> bool {
    !table.iter().any(|row| row.from.contains(&state))
}

/// The table as a Mermaid state diagram, one line a state and event, beginning in `first`.
#[must_use]
pub fn diagram<S: Word, E: Word, G>(table: &[Transition<S, E, G>], first: S) -> String {
    let mut text = format!("stateDiagram-v2\n    [*] --> {}\n", first.as_str());
    for (from, spelling) in S::ALL {
        for row in table.iter().filter(|row| row.from.contains(from)) {
            // Writing to a text does not fail.
            let _ = writeln!(text, "    {spelling} --> {}: {} ({})", row.to.as_str(), row.event.as_str(), row.by);
        }
        if is_terminal(table, *from) {
            let _ = writeln!(text, "    {spelling} --> [*]");
        }
    }
    text
}

/// What makes a table unsound: two rows for one state and event, a state that is not reached from `first`, and an event that
/// no row knows. For the tests of each table.
#[must_use]
pub fn faults<S: Word, E: Word, G>(table: &[Transition<S, E, G>], first: S) -> Vec<String> {
    let mut faults = Vec::new();
    for (state, spelling) in S::ALL {
        for (event, name) in E::ALL {
            let rows = table.iter().filter(|row| row.event == *event && row.from.contains(state)).count();
            if rows > 1 {
                faults.push(format!("{rows} rows lead on from {spelling} by {name}"));
            }
        }
    }
    let mut reached = vec![first];
    let mut next = 0;
    while let Some(state) = reached.get(next).copied() {
        next += 1;
        for row in table.iter().filter(|row| row.from.contains(&state)) {
            if !reached.contains(&row.to) {
                reached.push(row.to);
            }
        }
    }
    faults
        .extend(S::ALL.iter().filter(|(s, _)| !reached.contains(s)).map(|(_, name)| format!("{name} is not reached")));
    let unknown = E::ALL.iter().filter(|(event, _)| !table.iter().any(|row| row.event == *event));
    faults.extend(unknown.map(|(_, name)| format!("no row knows {name}")));
    faults
}

#[cfg(test)]
mod tests {
    use super::super::word::words;
    use super::*;

    words! { Light { Red = "red", Green = "green", Out = "out", } }
    words! { Press { Go = "go", Halt = "halt", Cut = "cut", } }
    words! { Need { Power = "power", Key = "key", } }

    const TABLE: &[Transition<Light, Press, Need>] = &[
        Transition {
            from: &[Light::Red],
            event: Press::Go,
            by: By::Roles(&[Role::Officer]),
            guards: &[Need::Power, Need::Key],
            to: Light::Green,
            clock: ClockEffect::Starts,
        },
        Transition {
            from: &[Light::Green],
            event: Press::Halt,
            by: By::Owner(&[Role::Carrier]),
            guards: &[],
            to: Light::Red,
            clock: ClockEffect::Pauses,
        },
        Transition {
            from: &[Light::Red, Light::Green],
            event: Press::Cut,
            by: By::Timer,
            guards: &[],
            to: Light::Out,
            clock: ClockEffect::Stops,
        },
    ];

    fn actor(role: Role, organisation: &str) -> Actor {
        Actor {
            name: "someone".into(),
            organisation: Some(organisation.into()),
            roles: vec![role],
            jurisdictions: Some(vec!["VN-72".into()]),
        }
    }

    #[test]
    fn a_step_names_everything_that_is_missing() {
        let missing = |need: Need| (need == Need::Key).then(|| "no key".to_owned());
        let officer = |by: &By| by.admits(&actor(Role::Officer, "office"), "VN-72", "vnpt");
        assert_eq!(
            step(TABLE, Light::Red, Press::Go, officer, missing).unwrap_err(),
            Refusal::Unmet(vec![(Need::Key, "no key".into())])
        );
        assert_eq!(step(TABLE, Light::Red, Press::Go, officer, |_| None).unwrap().to, Light::Green);
        assert_eq!(step(TABLE, Light::Green, Press::Go, officer, |_| None).unwrap_err(), Refusal::NotFromHere);
        assert_eq!(step(TABLE, Light::Green, Press::Halt, officer, |_| None).unwrap_err(), Refusal::NotYours);
        assert_eq!(allowed(TABLE, Light::Red, officer), [Press::Go]);
        assert_eq!(allowed(TABLE, Light::Out, |_| true), []);
    }

    #[test]
    fn the_next_step_is_no_right_and_nothing_that_happens_by_itself() {
        let next_of = |state, rights: &[Press]| next(TABLE, state, rights).map(|row| row.event);
        assert_eq!(next_of(Light::Red, &[]), Some(Press::Go));
        assert_eq!(next_of(Light::Green, &[]), Some(Press::Halt));
        assert_eq!(next_of(Light::Green, &[Press::Halt]), None);
        assert_eq!(next_of(Light::Out, &[]), None);
    }

    #[test]
    fn an_owner_is_who_acts_for_the_organisation_where_he_has_the_role() {
        let by = By::Owner(&[Role::Carrier]);
        assert!(by.admits(&actor(Role::Carrier, "vnpt"), "VN-72", "vnpt"));
        assert!(!by.admits(&actor(Role::Carrier, "viettel"), "VN-72", "vnpt"));
        assert!(!by.admits(&actor(Role::Officer, "vnpt"), "VN-72", "vnpt"));
        assert!(!by.admits(&actor(Role::Carrier, "vnpt"), "VN-35", "vnpt"));
        assert!(!By::Timer.admits(&Actor::operator(), "VN-72", "vnpt"));
    }

    #[test]
    fn who_is_asked_acts_for_an_organisation_that_was() {
        let by = By::Asked(&[Role::Carrier, Role::Consultee], &[Role::Officer]);
        let check = |role, organisation: &str, jurisdiction: &str, expect: bool| {
            let admits = by.admits_of(&actor(role, organisation), jurisdiction, "viettel", &["vnpt".into()]);
            assert_eq!(admits, expect, "{role} of {organisation} in {jurisdiction}");
        };
        check(Role::Carrier, "vnpt", "VN-72", true);
        check(Role::Consultee, "vnpt", "VN-72", true);
        check(Role::Carrier, "vnpt", "VN-35", false);
        check(Role::Consultee, "army", "VN-72", false);
        check(Role::Carrier, "viettel", "VN-72", false);
        check(Role::Inspector, "vnpt", "VN-72", false);
        check(Role::Officer, "office", "VN-72", true);
        assert!(!by.admits(&actor(Role::Carrier, "vnpt"), "VN-72", "viettel"), "nobody was asked");
        assert_eq!(by.to_string(), "officer, or asked carrier, consultee");
    }

    #[test]
    fn a_table_is_drawn_and_its_faults_are_named() {
        assert_eq!(faults(TABLE, Light::Red), Vec::<String>::new());
        assert_eq!(faults(TABLE, Light::Out), ["red is not reached", "green is not reached"]);
        const { assert!(TABLE.len() == 3) };
        assert_eq!(
            diagram(TABLE, Light::Red),
            "stateDiagram-v2\n    [*] --> red\n    red --> green: go (officer)\n    red --> out: cut (timer)\n    \
             green --> red: halt (own carrier)\n    green --> out: cut (timer)\n    out --> [*]\n"
        );
        assert!(is_terminal(TABLE, Light::Out) && !is_terminal(TABLE, Light::Red));
    }
}
