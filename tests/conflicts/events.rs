//! The conflicts that events tell add up to those there are: with several commits in one event, at a border with events
//! of both sides, and where several read the same commits at once.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use clearway::actions::changes::{self, Listening, Notice, Wish};
use clearway::actions::conflict_check::{self, Answer, Found};
use clearway::actions::{Context, feature, refresh};
use clearway::domain::change::Happened;
use clearway::domain::corridor::Corridor;
use clearway::domain::fields::Value;
use clearway::domain::layer::Layer;
use clearway::domain::work::Work;
use clearway::geometry::Geometry;
use clearway::store::records::Records;
use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use uuid::Uuid;

use crate::border::{SIDES, draft, point, rect, with_neighbour};
use crate::concurrent::StopReaders;
use crate::shapes::Dice;
use crate::world::{Pairs, Props, World, corridor_props, question, text, work_props};

/// An instance that follows only when it is told to, and what its listener has added up.
struct Follower {
    context: Context,
    listening: Listening,
    pairs: Pairs,
    /// Events, and commits in them.
    events: (usize, i64),
}

impl Follower {
    fn new(world: &World) -> Self {
        let context = world.database.context();
        let (listening, _seat) = changes::listen(&context, &world.actor, Wish::default()).unwrap();
        Self { context, listening, pairs: Pairs::new(), events: (0, 0) }
    }

    /// Comes back to the same instance with what was heard.
    fn come_back(&mut self, world: &World) {
        let wish = Wish { heard: self.listening.heard(), ..Wish::default() };
        self.listening = changes::listen(&self.context, &world.actor, wish).unwrap().0;
    }

    /// Adds what began and takes away what ended: nothing begins that is there, and nothing ends that is not.
    fn hear(&mut self) {
        for notice in self.listening.pull() {
            let Notice::Event(event) = notice else { panic!("everything is to be told: {notice:?}") };
            // Each commit is of one feature, so a feature that is told twice is one too many.
            let told = event.content.as_ref().map(|content| content.features.len()).unwrap();
            assert!(i64::try_from(told).unwrap() <= event.to - event.from, "told twice: {event:?}");
            self.events = (self.events.0 + 1, self.events.1 + event.to - event.from);
            for heard in self.listening.parts(&event).unwrap().pairs {
                let pair = (heard.what.work.id, heard.what.land.id);
                match heard.happened {
                    Happened::Begun => assert!(self.pairs.insert(pair), "{pair:?} began and was there: {event:?}"),
                    Happened::Ended => assert!(self.pairs.remove(&pair), "{pair:?} ended and was not: {event:?}"),
                    Happened::Different => assert!(self.pairs.contains(&pair), "{pair:?} is not there: {event:?}"),
                }
            }
        }
    }
}

/// Works and corridors of both sides round the corner of their border.
struct Crowd {
    world: World,
    /// Another instance that writes, too.
    other: Option<Context>,
    dice: Dice,
    works: Vec<(usize, Uuid)>,
    lands: Vec<(usize, Uuid)>,
}

impl Crowd {
    fn new(salt: u64) -> Self {
        Self { world: with_neighbour(), other: None, dice: Dice::new(salt), works: Vec::new(), lands: Vec::new() }
    }

    /// Its metres, and those of lands, put no pair at its threshold.
    fn work(&mut self, code: &str) -> (Props, Geometry<f64>) {
        let mut props = work_props(code);
        props.push(("position_accuracy_m", Value::Number(self.dice.pick(&[0.3, 19.7, 61.7]))));
        props.push(("status", text(self.dice.pick(&["in_service", "in_service", "in_service", "dismantled"]))));
        (props, point(self.place(), self.place()))
    }

    fn land(&mut self, code: &str) -> (Props, Geometry<f64>) {
        let mut props = corridor_props(code);
        props[2].1 = text(self.dice.pick(&["in_force", "in_force", "announced", "completed"]));
        props.push(("clearance_m", Value::Number(self.dice.pick(&[0.1, 31.1, 118.7]))));
        let (width, height) = (f64::from(self.dice.draw(1..9)) * 60.0, f64::from(self.dice.draw(1..9)) * 60.0);
        (props, rect(self.place(), self.place(), width, height))
    }

    fn place(&mut self) -> f64 {
        f64::from(self.dice.draw(-20..20)) * 25.0
    }

    fn write<T: Records>(&mut self, one: Option<Uuid>, new: Option<&feature::Draft>) -> Option<Uuid> {
        let other = self.other.as_ref().filter(|_| self.dice.draw(0..4) > 0);
        let (context, witness) = (other.unwrap_or(&self.world.context), self.world.witness());
        match (one, new) {
            (None, Some(new)) => Some(feature::create::<T>(context, witness, new).unwrap().id),
            (Some(id), Some(new)) => Some(feature::replace::<T>(context, witness, id, None, new).unwrap().id),
            (Some(id), None) => {
                feature::delete::<T>(context, witness, id, None).unwrap();
                None
            }
            (None, None) => None,
        }
    }

    /// One commit on one side.
    fn change(&mut self, step: usize) {
        let side = self.dice.draw(0..2_usize);
        let is_work = self.dice.draw(0..3) > 0;
        let known = if is_work { self.works.clone() } else { self.lands.clone() };
        let full = if is_work { known.len() >= 24 } else { known.len() >= 10 };
        let one =
            (full || self.dice.draw(0..2) == 0).then(|| known.get(self.dice.draw(0..24_usize)).copied()).flatten();
        let side = one.map_or(side, |(side, _)| side);
        let goes = one.is_some() && self.dice.draw(0..4) == 0;
        let (props, shape) = if is_work { self.work(&format!("W{step}")) } else { self.land(&format!("C{step}")) };
        let new = (!goes && (one.is_some() || !full)).then(|| draft(side, &props, shape));
        let id = one.map(|(_, id)| id);
        let made =
            if is_work { self.write::<Work>(id, new.as_ref()) } else { self.write::<Corridor>(id, new.as_ref()) };
        let known = if is_work { &mut self.works } else { &mut self.lands };
        match (id, made) {
            (None, Some(made)) => known.push((side, made)),
            (Some(gone), None) => known.retain(|(_, id)| *id != gone),
            _ => {}
        }
    }

    /// Every conflict of today: of each land what a check says of it.
    fn checked(&self, context: &Context) -> Pairs {
        let now = clearway::clock::now();
        let mut pairs = Pairs::new();
        for (_, id) in &self.lands {
            let question = conflict_check::Question { at: now, ..question(Layer::Works, None) };
            let answer: Answer<Found> =
                conflict_check::check_stored_as::<Corridor, _>(context, &self.world.actor, *id, &question).unwrap();
            pairs.extend(answer.results[0].conflicts.iter().map(|c| (c.id, *id)));
        }
        pairs
    }

    /// Every conflict of today within one jurisdiction, by PostGIS.
    fn by_postgis(&self) -> Pairs {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = SqlUuid)]
            work: Uuid,
            #[diesel(sql_type = SqlUuid)]
            land: Uuid,
        }
        let sql = "SELECT w.id AS work, c.id AS land FROM works AS w JOIN corridors AS c
            ON c.jurisdiction = w.jurisdiction
            AND ST_DWithin(w.geom_grid, c.geom_grid, c.clearance_m + w.position_accuracy_m)
            WHERE w.status <> 'dismantled' AND c.status <> 'completed'";
        let rows: Vec<Row> = diesel::sql_query(sql).load(&mut self.world.database.connect()).unwrap();
        rows.into_iter().map(|r| (r.work, r.land)).collect()
    }

    /// What was added up is what there is; gives how many of it are pairs across the border.
    fn agree(&self, what: &str, follower: &Follower) -> usize {
        assert_eq!(follower.pairs, self.checked(&follower.context), "{what}: the checks");
        let side = |of: &[(usize, Uuid)], id: Uuid| of.iter().find(|(_, known)| *known == id).unwrap().0;
        let one_side = |(work, land): &&(Uuid, Uuid)| side(&self.works, *work) == side(&self.lands, *land);
        let within: BTreeSet<_> = follower.pairs.iter().filter(one_side).copied().collect();
        assert_eq!(within, self.by_postgis(), "{what}: PostGIS");
        follower.pairs.len() - within.len()
    }
}

#[test]
fn conflicts_add_up_at_a_border_with_several_commits_in_one_event() {
    let mut crowd = Crowd::new(80);
    let mut follower = Follower::new(&crowd.world);
    let (mut across, mut most, mut step) = (0, 0, 0);
    for round in 0..40 {
        for _ in 0..crowd.dice.draw(1..7) {
            crowd.change(step);
            step += 1;
        }
        // The one side or the other first, which may be heard of before the other follows.
        for side in crowd.dice.pick(&[[0, 1], [1, 0]]) {
            refresh::catch_up(&follower.context, SIDES[side]).unwrap();
            match crowd.dice.draw(0..3) {
                0 => follower.hear(),
                1 => follower.come_back(&crowd.world),
                _ => {}
            }
        }
        follower.hear();
        across += crowd.agree(&format!("round {round}"), &follower);
        most = most.max(follower.pairs.len());
    }
    let (events, commits) = follower.events;
    eprintln!("{commits} commits in {events} events, up to {most} conflicts at once, {across} across the border");
    assert!(commits > i64::try_from(events).unwrap() * 3 / 2, "events of one commit each: {commits} in {events}");
    assert!(most > 15 && across > 60, "too few conflicts to mean anything: {most}, {across}");
}

/// Who writes publishes what he wrote without reading it, beside others that read just that: it is told once, and the index is
/// what it is.
#[test]
fn what_one_writes_oneself_is_told_once_beside_others_that_read_it() {
    let mut crowd = Crowd::new(82);
    let mut follower = Follower::new(&crowd.world);
    crowd.other = Some(follower.context.clone());
    for round in 0..4 {
        let (context, done) = (follower.context.clone(), AtomicBool::new(false));
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        refresh::catch_up_all(&context).unwrap();
                    }
                });
            }
            let _stop = StopReaders(&done);
            for step in 0..40 {
                crowd.change(round * 40 + step);
            }
        });
        // And where nobody else reads.
        for step in 0..20 {
            crowd.change(1_000 + round * 20 + step);
            refresh::catch_up_all(&follower.context).unwrap();
        }
        follower.hear();
        crowd.agree(&format!("round {round}"), &follower);
    }
    eprintln!("{} commits in {} events", follower.events.1, follower.events.0);
}

/// Whoever reads commits while somebody else publishes a part of them tells only what is left.
#[test]
fn commits_that_several_read_at_once_are_told_once() {
    let mut crowd = Crowd::new(81);
    let mut follower = Follower::new(&crowd.world);
    for round in 0..4 {
        let (context, done) = (follower.context.clone(), AtomicBool::new(false));
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        refresh::catch_up_all(&context).unwrap();
                    }
                });
            }
            let _stop = StopReaders(&done);
            for step in 0..40 {
                crowd.change(round * 40 + step);
            }
        });
        refresh::catch_up_all(&follower.context).unwrap();
        follower.hear();
        crowd.agree(&format!("round {round}"), &follower);
    }
    eprintln!("{} commits in {} events", follower.events.1, follower.events.0);
}
