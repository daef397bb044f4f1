//! A large import: memory does not grow with the file.

use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::program::{Folder, command, count};
use crate::support::Database;

/// What the last record of a file is.
#[derive(Clone, Copy, PartialEq)]
enum Last {
    /// Good: everything is stored.
    Good,
    /// Bad: everything was read, checked and staged, and nothing is stored.
    Bad,
}

/// Imports `points` through a pipe, so that nobody can look at the file twice; gives the peak of its memory in KiB.
fn import(points: u32, last: Last) -> u64 {
    let (db, folder) = (Database::vn72(), Folder::new());
    let pipe = folder.path("points.csv");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let clock = Instant::now();
    let mut child = command(&["import", "works", pipe.to_str().unwrap(), "--jurisdiction", "VN-72"])
        .env("DATABASE_URL", &db.service_url)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let writer = std::thread::spawn(move || {
        let mut out = BufWriter::new(OpenOptions::new().write(true).open(pipe).unwrap());
        writeln!(out, "code,kind,organisation,lon,lat").unwrap();
        for i in 0..points {
            let (lon, lat) = (107.5 + f64::from(i % 600) / 2000.0, 12.0 + f64::from(i / 600) / 2000.0);
            writeln!(out, "LARGE-{i},pole,viettel,{lon},{lat}").unwrap();
        }
        if last == Last::Bad {
            writeln!(out, "LARGE,tower,viettel,107.5,12.0").unwrap();
        }
    });
    let mut peak = 0;
    let status = loop {
        // The mark of the kernel only rises, so a look now and then misses nothing but the very last moment.
        let about = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let mark = about.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = mark.and_then(|m| m.trim().trim_end_matches(" kB").parse().ok());
        peak = peak.max(kib.unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    };
    writer.join().unwrap();
    let seconds = clock.elapsed().as_secs_f64();
    let (stored, how) = if last == Last::Good { (points as usize, "stored") } else { (0, "checked and staged") };
    assert_eq!((status.success(), count(&db, "works")), (last == Last::Good, stored));
    let rate = f64::from(points) / seconds;
    println!("{points} points {how}: {seconds:.1} s, {rate:.0} points/s, peak {peak} KiB");
    peak
}

#[test]
fn memory_does_not_grow_with_the_file() {
    let small = import(10_000, Last::Good);
    assert!(small > 1024, "it was measured");
    // Six and thirty times as much, the same memory: 4 MiB are the noise of an allocator. Building the database's spatial
    // indexes takes most of the time of what is stored, and none of our memory, so the largest is stored nowhere.
    for (points, last) in [(60_000, Last::Good), (300_000, Last::Bad)] {
        let large = import(points, last);
        assert!(large < small + 4096, "{small} KiB for 10 000 points, {large} KiB for {points}");
    }
}
