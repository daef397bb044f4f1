//! An import of 200 000 features while checks run: no check fails, and every answer is of one revision, with all of the
//! import or nothing of it.

use std::io::{BufWriter, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::equal::{equal_everywhere, keep};
use crate::instance::{CHECKS, Instance, count, until};
use crate::support::Database;
use crate::world::{ORIGIN, corridor, import, rect, revision, seed, value};

/// A client asks so often: a load, and one that leaves the import a processor.
const EVERY: Duration = Duration::from_millis(5);

const FEATURES: u32 = 200_000;

/// Works of the import in the land that is asked about: a strip across the whole of it.
const IN_THE_STRIP: u64 = 800;

#[test]
fn checks_during_an_import_of_200_000_show_all_of_it_or_nothing() {
    let database = Database::vn72();
    seed(&database.url);
    let folder = tempfile::tempdir().unwrap();
    // Roads through the ground to which the import comes: what is kept of them has to follow it.
    let roads = folder.path().join("roads.geojsonl");
    let road = |n: u32| {
        let (west, south) = (7_000.0 + 1_500.0 * f64::from(n), 500.0 + 2_200.0 * f64::from(n));
        corridor(
            &format!("THROUGH-{n}"),
            &rect([west, south, west + 1_000.0, south + 200.0]),
            &json!({"status": "in_force"}),
        )
    };
    std::fs::write(&roads, (0..4).map(|n| road(n).to_string() + "\n").collect::<String>()).unwrap();
    import(&database.url, "corridors", &roads);
    let (a, b) = (Instance::start(&database.url, &[]), Instance::start(&database.url, &[]));
    keep(&[&a, &b], &database.url);
    let before = revision(&mut database.connect());
    let file = folder.path().join("works.csv");
    let mut out = BufWriter::new(std::fs::File::create(&file).unwrap());
    writeln!(out, "code,kind,organisation,x,y,position_accuracy_m").unwrap();
    for n in 0..FEATURES {
        // 400 columns and 500 rows, 20 m apart, east of what is there already.
        let (east, north) = (6_000.0 + f64::from(n % 400) * 20.0, f64::from(n / 400) * 20.0);
        writeln!(out, "FILE-{n},pole,viettel,{},{},0", ORIGIN[0] + east, ORIGIN[1] + north).unwrap();
    }
    out.into_inner().unwrap().sync_all().unwrap();
    // Two rows of it, and two metres on either side.
    let strip = rect([5_990.0, 4_998.0, 14_000.0, 5_022.0]).to_string();
    let path = format!("{CHECKS}?clearance_m=0&measures=false&limit=1");
    let (stop, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let (stop, asked, path, strip) = (&stop, &asked, &path, &strip);
        let ending = Ending(stop);
        let instances = [&a, &b];
        scope.spawn(move || {
            let mut last = [before; 2];
            for n in (0..2).cycle() {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let answer = instances[n].send("POST", path, None, Some(strip));
                let (works, at) = (count(&answer), answer.revision());
                assert!(at >= last[n], "{at} after {}", last[n]);
                assert_eq!(works, if at == before { 0 } else { IN_THE_STRIP }, "at revision {at}");
                last[n] = at;
                asked.fetch_add(1, Ordering::Relaxed);
                thread::sleep(EVERY);
            }
            assert_eq!(last, [before + 1; 2], "the last answers showed it");
        });
        import(&database.url, "works", &file);
        let during = asked.load(Ordering::Relaxed);
        println!("{during} checks while {FEATURES} features were imported");
        assert!(during > 20, "{during} checks are no load");
        for instance in [&a, &b] {
            // A whole base is built off to the side, which takes its time; the old one answers meanwhile.
            until("it shows the import", || instance.send("POST", path, None, Some(strip)).revision() == before + 1);
        }
        let after = asked.load(Ordering::Relaxed);
        until("everybody asks once more", || asked.load(Ordering::Relaxed) > after + 10);
        drop(ending);
    });
    let met = "SELECT count(*) FROM works AS w JOIN corridors AS c ON ST_DWithin(w.geom_grid, c.geom_grid, 25)
               WHERE w.code LIKE 'FILE-%'";
    let met: u64 = value(&mut database.connect(), met).parse().unwrap();
    assert!(met > 2_000, "{met} pairs of the import are compared");
    equal_everywhere(&[&a, &b], &database.url);
}

/// Tells the others to stop, in a test that panics, too.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
