//! Who acts, and what each role may do and see. One table, read by the actions and the tests.

use super::layer::Layer;
use super::word::{Visibility, Word, words};

words! {
    /// What somebody is to the office.
    Role {
        Carrier = "carrier",
        Planner = "planner",
        Officer = "officer",
        Approver = "approver",
        ProjectOwner = "project_owner",
        Consultee = "consultee",
        Inspector = "inspector",
        Auditor = "auditor",
        Administrator = "administrator",
    }
}

words! {
    /// What a role does besides writing features.
    Duty {
        /// Registers jurisdictions.
        Jurisdictions = "jurisdictions",
        /// Loads rule packs.
        Rules = "rules",
        /// Reads the audit trail.
        Audit = "audit",
        /// Knows who wrote each version of a feature, and why.
        Authors = "authors",
        /// Keeps organisations and accounts.
        Accounts = "accounts",
        /// Draws plans with their zones.
        Plans = "plans",
        /// Takes plans from state to state, each role by its rows of their table.
        PlanSteps = "plan_steps",
    }
}

words! {
    /// What a role may write.
    Reach {
        /// Nothing.
        Nothing = "nothing",
        /// Features of its own organisation.
        Own = "own",
        /// Features of every organisation.
        Every = "every",
    }
}

/// One row of [`PERMISSIONS`].
#[derive(Debug, Clone, Copy)]
pub struct Permission {
    /// The role.
    pub role: Role,
    /// Which works it may create, change and delete.
    pub works: Reach,
    /// Which corridors it may create, change and delete.
    pub corridors: Reach,
    /// Which reference features it may create, change and delete.
    pub references: Reach,
    /// What else it does.
    pub duties: &'static [Duty],
    /// Which features it sees, besides those of its own organisation.
    pub sees: &'static [Visibility],
}

impl Permission {
    fn writes(&self, layer: Layer) -> Reach {
        // A layer that the table does not know is written by nobody.
        let rights =
            [(Layer::Works, self.works), (Layer::Corridors, self.corridors), (Layer::References, self.references)];
        rights.into_iter().find(|(l, _)| *l == layer).map_or(Reach::Nothing, |(_, reach)| reach)
    }
}

use Visibility::{Carriers, Government, Public, Restricted};

/// Every role's rights.
pub const PERMISSIONS: &[Permission] = &[
    row(Role::Carrier, Reach::Own, Reach::Nothing, Reach::Nothing, &[], &[Public, Carriers]),
    row(Role::Planner, Reach::Nothing, Reach::Every, Reach::Nothing, &[], &[Public, Carriers, Government]),
    row(
        Role::Officer,
        Reach::Every,
        Reach::Every,
        Reach::Every,
        &[Duty::Rules, Duty::Authors, Duty::Plans, Duty::PlanSteps],
        &[Public, Carriers, Government, Restricted],
    ),
    row(
        Role::Approver,
        Reach::Nothing,
        Reach::Nothing,
        Reach::Nothing,
        &[Duty::PlanSteps],
        &[Public, Carriers, Government, Restricted],
    ),
    row(Role::ProjectOwner, Reach::Nothing, Reach::Own, Reach::Nothing, &[], &[Public]),
    row(Role::Consultee, Reach::Nothing, Reach::Nothing, Reach::Own, &[], &[Public, Government]),
    row(Role::Inspector, Reach::Nothing, Reach::Nothing, Reach::Nothing, &[], &[Public, Carriers, Government]),
    row(
        Role::Auditor,
        Reach::Nothing,
        Reach::Nothing,
        Reach::Nothing,
        &[Duty::Audit, Duty::Authors],
        &[Public, Carriers, Government, Restricted],
    ),
    row(
        Role::Administrator,
        Reach::Every,
        Reach::Every,
        Reach::Every,
        &[Duty::Jurisdictions, Duty::Rules, Duty::Audit, Duty::Authors, Duty::Accounts, Duty::Plans, Duty::PlanSteps],
        &[Public, Carriers, Government, Restricted],
    ),
];

/// The roles that answer for every feature of a layer.
pub fn roles_for(layer: Layer) -> impl Iterator<Item = Role> {
    PERMISSIONS.iter().filter(move |p| p.writes(layer) == Reach::Every).map(|p| p.role)
}

/// The roles that have a duty.
pub fn roles_with(duty: Duty) -> impl Iterator<Item = Role> {
    PERMISSIONS.iter().filter(move |p| p.duties.contains(&duty)).map(|p| p.role)
}

const fn row(
    role: Role,
    works: Reach,
    corridors: Reach,
    references: Reach,
    duties: &'static [Duty],
    sees: &'static [Visibility],
) -> Permission {
    Permission { role, works, corridors, references, duties, sees }
}

/// The person or program on whose behalf an action runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// A name for the audit trail.
    pub name: String,
    /// The organisation acted for; none for the public.
    pub organisation: Option<String>,
    /// What the actor is.
    pub roles: Vec<Role>,
    /// The jurisdictions in which the roles hold; `None`: all of them.
    pub jurisdictions: Option<Vec<String>>,
}

impl Actor {
    /// Anybody who did not sign in.
    #[must_use]
    pub fn public() -> Self {
        Self { name: "public".into(), organisation: None, roles: Vec::new(), jurisdictions: None }
    }

    /// Whoever runs the program itself on the server's command line.
    #[must_use]
    pub fn operator() -> Self {
        Self { name: "operator".into(), organisation: None, roles: vec![Role::Administrator], jurisdictions: None }
    }

    /// Did not sign in.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.roles.is_empty()
    }

    fn permissions(&self) -> impl Iterator<Item = &'static Permission> + '_ {
        PERMISSIONS.iter().filter(|p| self.roles.contains(&p.role))
    }

    /// The roles hold in a jurisdiction.
    #[must_use]
    pub fn serves(&self, jurisdiction: &str) -> bool {
        self.jurisdictions.as_ref().is_none_or(|all| all.iter().any(|j| j == jurisdiction))
    }

    /// Has a role in a jurisdiction.
    #[must_use]
    pub fn acts_as(&self, role: Role, jurisdiction: &str) -> bool {
        self.serves(jurisdiction) && self.roles.contains(&role)
    }

    /// May create, change or delete a feature of `organisation` in this layer and jurisdiction.
    #[must_use]
    pub fn may_write(&self, layer: Layer, jurisdiction: &str, organisation: &str) -> bool {
        self.serves(jurisdiction)
            && self.permissions().any(|p| match p.writes(layer) {
                Reach::Every => true,
                Reach::Own => self.organisation.as_deref() == Some(organisation),
                Reach::Nothing => false,
            })
    }

    /// Answers for every feature of a layer: says where it holds all there is, and writes features in states that are not
    /// for their owners to give.
    #[must_use]
    pub fn answers_for(&self, layer: Layer, jurisdiction: &str) -> bool {
        self.serves(jurisdiction) && self.permissions().any(|p| p.writes(layer) == Reach::Every)
    }

    /// May register jurisdictions: whoever is bound to none, for a new one takes ground that its neighbours had for themselves.
    #[must_use]
    pub fn may_register_jurisdictions(&self) -> bool {
        self.jurisdictions.is_none() && self.may_do(Duty::Jurisdictions)
    }

    /// May load a rule pack: whoever answers for what a check of this jurisdiction says.
    #[must_use]
    pub fn may_import_rules(&self, jurisdiction: &str) -> bool {
        self.serves(jurisdiction) && self.permissions().any(|p| p.duties.contains(&Duty::Rules))
    }

    /// May read the audit trail, of every jurisdiction: what was done shows more than the features it was done to.
    #[must_use]
    pub fn may_read_audit(&self) -> bool {
        self.jurisdictions.is_none() && self.permissions().any(|p| p.duties.contains(&Duty::Audit))
    }

    /// May keep organisations, which belong to no jurisdiction: whoever is bound to none.
    #[must_use]
    pub fn may_keep_organisations(&self) -> bool {
        self.jurisdictions.is_none() && self.may_do(Duty::Accounts)
    }

    /// May keep an account of this organisation and these jurisdictions (`None`: of all): nobody gives rights that he has
    /// not. What belongs to its organisation is seen by an account everywhere, so whoever is an administrator of some
    /// jurisdictions keeps accounts of his own organisation alone, of one of these at least.
    #[must_use]
    pub fn may_keep_account(&self, organisation: &str, jurisdictions: Option<&[String]>) -> bool {
        let mine = self.jurisdictions.is_none()
            || self.organisation.as_deref() == Some(organisation)
                && jurisdictions.is_some_and(|codes| !codes.is_empty() && codes.iter().all(|code| self.serves(code)));
        mine && self.may_do(Duty::Accounts)
    }

    /// Has a duty, wherever it is.
    #[must_use]
    pub fn may_do(&self, duty: Duty) -> bool {
        self.permissions().any(|p| p.duties.contains(&duty))
    }

    /// Has a duty in a jurisdiction.
    #[must_use]
    pub fn may_do_in(&self, duty: Duty, jurisdiction: &str) -> bool {
        self.serves(jurisdiction) && self.may_do(duty)
    }

    /// The most that any of the roles may write in a layer.
    #[must_use]
    pub fn writes(&self, layer: Layer) -> Reach {
        self.permissions().map(|p| p.writes(layer)).max().unwrap_or(Reach::Nothing)
    }

    /// May know who wrote a version of a feature for `organisation`, and why: whose duty it is, and of the own organisation
    /// everybody in it.
    #[must_use]
    pub fn may_know_author(&self, jurisdiction: &str, organisation: Option<&str>) -> bool {
        self.serves(jurisdiction) && self.may_do(Duty::Authors)
            || organisation.is_some() && self.organisation.as_deref() == organisation
    }

    /// What the actor sees in `jurisdiction`.
    #[must_use]
    pub fn sight(&self, jurisdiction: &str) -> Sight {
        self.sight_where(self.serves(jurisdiction))
    }

    /// What the actor sees in every jurisdiction.
    #[must_use]
    pub fn sight_everywhere(&self) -> Sight {
        self.sight_where(self.jurisdictions.is_none())
    }

    fn sight_where(&self, serves: bool) -> Sight {
        let mut visibilities = vec![Public];
        if serves {
            for v in self.permissions().flat_map(|p| p.sees) {
                if !visibilities.contains(v) {
                    visibilities.push(*v);
                }
            }
        }
        Sight { visibilities, organisation: self.organisation.clone() }
    }
}

/// What somebody sees: some visibilities, and always what belongs to the own organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// The visibilities seen.
    pub visibilities: Vec<Visibility>,
    /// The organisation whose features are always seen.
    pub organisation: Option<String>,
}

impl Sight {
    /// Sees a feature of this visibility and owner.
    #[must_use]
    pub fn sees(&self, visibility: Visibility, organisation: &str) -> bool {
        self.visibilities.contains(&visibility) || self.organisation.as_deref() == Some(organisation)
    }

    /// Whatever anybody registers, it is seen.
    #[must_use]
    pub fn sees_all(&self) -> bool {
        Visibility::ALL.iter().all(|(visibility, _)| self.visibilities.contains(visibility))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actor(role: Role, organisation: &str) -> Actor {
        Actor {
            name: "someone".into(),
            organisation: Some(organisation.into()),
            roles: vec![role],
            jurisdictions: Some(vec!["VN-72".into()]),
        }
    }

    #[test]
    fn every_role_has_one_row() {
        for (role, text) in Role::ALL {
            assert_eq!(PERMISSIONS.iter().filter(|p| p.role == *role).count(), 1, "{text}");
        }
    }

    #[test]
    fn rights_end_at_organisation_and_jurisdiction() {
        let check = |actor: &Actor, layer, jurisdiction, organisation, expect| {
            assert_eq!(actor.may_write(layer, jurisdiction, organisation), expect, "{actor:?} {layer} {jurisdiction}");
        };
        let carrier = actor(Role::Carrier, "vnpt");
        check(&carrier, Layer::Works, "VN-72", "vnpt", true);
        check(&carrier, Layer::Works, "VN-72", "viettel", false);
        check(&carrier, Layer::Works, "VN-35", "vnpt", false);
        check(&carrier, Layer::Corridors, "VN-72", "vnpt", false);
        check(&actor(Role::Officer, "office"), Layer::Corridors, "VN-72", "any", true);
        check(&Actor::public(), Layer::Works, "VN-72", "vnpt", false);
        for (actor, layer, jurisdiction, expect) in [
            (&carrier, Layer::Works, "VN-72", false),
            (&actor(Role::Planner, "office"), Layer::Works, "VN-72", false),
            (&actor(Role::Planner, "office"), Layer::Corridors, "VN-72", true),
            (&actor(Role::Officer, "office"), Layer::Works, "VN-72", true),
            (&actor(Role::Officer, "office"), Layer::Works, "VN-35", false),
            (&Actor::public(), Layer::Works, "VN-72", false),
        ] {
            assert_eq!(actor.answers_for(layer, jurisdiction), expect, "{actor:?} {layer} {jurisdiction}");
        }
        let loaders: Vec<Role> =
            Role::ALL.iter().map(|(r, _)| *r).filter(|r| actor(*r, "office").may_import_rules("VN-72")).collect();
        assert_eq!(loaders, [Role::Officer, Role::Administrator]);
        assert!(!actor(Role::Officer, "office").may_import_rules("VN-35"));
        assert!(!Actor::public().may_import_rules("VN-72"));
    }

    #[test]
    fn accounts_are_kept_by_an_administrator_where_he_is_one() {
        let (here, both) = (vec!["VN-72".to_owned()], vec!["VN-72".to_owned(), "VN-35".to_owned()]);
        for (role, text) in Role::ALL {
            let is = *role == Role::Administrator;
            let of_vn72 = actor(*role, "office");
            assert!(!of_vn72.may_keep_organisations() && !of_vn72.may_register_jurisdictions(), "{text}");
            assert_eq!(of_vn72.may_keep_account("office", Some(&here)), is, "{text}");
            for beyond in [None, Some(both.as_slice()), Some(&[])] {
                assert!(!of_vn72.may_keep_account("office", beyond), "{text} {beyond:?}");
            }
            assert!(!of_vn72.may_keep_account("vnpt", Some(&here)), "{text} would see what is vnpt's everywhere");
            let of_none = Actor { organisation: None, ..of_vn72.clone() };
            assert!(!of_none.may_keep_account("office", Some(&here)), "{text}");
            let of_all = Actor { jurisdictions: None, ..of_vn72 };
            assert_eq!((of_all.may_keep_organisations(), of_all.may_register_jurisdictions()), (is, is), "{text}");
            for any in [None, Some(here.as_slice()), Some(&both), Some(&[])] {
                assert_eq!(of_all.may_keep_account("vnpt", any), is, "{text} {any:?}");
            }
        }
        assert!(!Actor::public().may_keep_account("office", Some(&here)));
    }

    #[test]
    fn the_public_sees_the_public_and_a_carrier_its_own() {
        assert!(!Actor::public().sight("VN-72").sees(Visibility::Carriers, "vnpt"));
        let carrier = actor(Role::Carrier, "vnpt");
        assert!(carrier.sight("VN-72").sees(Visibility::Restricted, "vnpt"));
        assert!(!carrier.sight("VN-72").sees(Visibility::Government, "viettel"));
        assert!(!carrier.sight("VN-35").sees(Visibility::Carriers, "viettel"));
        for (role, all) in
            [(Role::Officer, true), (Role::Auditor, true), (Role::Planner, false), (Role::Carrier, false)]
        {
            assert_eq!(actor(role, "any").sight("VN-72").sees_all(), all, "{role}");
            assert!(!actor(role, "any").sight("VN-35").sees_all());
        }
    }
}
