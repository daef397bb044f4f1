//! What findings rest on and do not list.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::super::{def, emf, spc, zon};
use super::support::*;
use crate::domain::reference::ReferenceKind;
use crate::domain::site_check::{Antenna, Finding, Said, Subject};

fn ids(scene: &Scene, kind: ReferenceKind) -> BTreeSet<Uuid> {
    scene.around().of(kind).map(|near| near.facts.id).collect()
}

fn rests_on(finding: &Finding) -> BTreeSet<Uuid> {
    finding.rests_on.iter().copied().collect()
}

#[test]
fn what_decides_and_is_not_listed_is_known() {
    use ReferenceKind::{Building, DefenceArea, Transmitter, UrbanArea, Zone};
    let mut scene = Scene::default();
    scene.reference(DefenceArea, square(100.0, 0.0, 10.0));
    scene.reference(UrbanArea, square(0.0, 0.0, 900.0));
    scene.reference(Transmitter, point(10.0, 0.0)).with(|a| a.eirp_w = Some(10.0));
    scene.reference(Building, square(60.0, 0.0, 5.0));
    let antenna =
        Antenna { frequency_mhz: 1_800.0, eirp_w: 100.0, azimuth_deg: None, height_agl_m: None, beamwidth_deg: None };
    let subject = Subject { antennas: vec![antenna], ..mast() };
    assert_eq!(rests_on(&judge(def::check, &subject, &scene.around())), ids(&scene, DefenceArea));
    assert_eq!(rests_on(&judge(spc::check, &subject, &scene.around())), ids(&scene, UrbanArea));
    // Nobody is exposed to anything there; which building gets the most is told, and how much.
    let mut nearer = Scene::default();
    nearer.reference(Transmitter, point(10.0, 0.0)).with(|a| a.eirp_w = Some(10.0));
    nearer.reference(Building, square(12.0, 0.0, 5.0)).with(|a| a.height_agl_m = Some(1.0));
    let exposed = judge(emf::check, &subject, &nearer.around());
    assert_eq!(rests_on(&exposed), ids(&nearer, Transmitter).union(&ids(&nearer, Building)).copied().collect());
    let nobody = Scene::default();
    assert!(judge(emf::check, &subject, &nobody.around()).rests_on.is_empty());

    let mut zones = Scene::default();
    zones.reference(Zone, square(0.0, 0.0, 300.0)).with(|a| a.quota = Some(9));
    zones.reference(Zone, square(0.0, 0.0, 200.0)).with(|a| a.spacing_m = Some(80.0));
    zones.work(column(), point(150.0, 0.0));
    zones.work(column(), point(400.0, 0.0));
    let counted: BTreeSet<Uuid> = zones.around().works.first().map(|work| work.facts.id).into_iter().collect();
    assert_eq!(rests_on(&judge(zon::check, &subject, &zones.around())), counted);
    let spacing = judge(spc::check, &subject, &zones.around());
    assert_eq!(rests_on(&spacing).len(), 1);
    assert!(rests_on(&spacing).is_subset(&ids(&zones, Zone)));
    // It is no part of what is said.
    let silent = Finding { rests_on: Vec::new(), ..spacing.clone() };
    assert_eq!(Said::of(&spacing), Said::of(&silent));
}
