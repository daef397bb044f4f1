//! A large batch through a real server: its memory does not grow with the lines, and its work ends with its client.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Instant;

use crate::program::{PATIENCE, Running, command};
use crate::support::Database;

/// A server process on a database of its own.
struct Serving {
    running: Running,
    address: String,
    _database: Database,
}

impl Serving {
    fn start() -> Self {
        let database = Database::vn72();
        let mut serve = command(&["serve", "--listen", "127.0.0.1:0"]);
        // One heap for all threads: how many there come to be, and how full each is, depends on what else the machine does.
        serve.env("MALLOC_ARENA_MAX", "1");
        serve.env("DATABASE_URL", &database.service_url);
        let running = Running::start(serve);
        let said = running.wait_for("\"serving\"");
        let line = said.lines().find(|l| l.contains("\"serving\"")).unwrap();
        let log: serde_json::Value = serde_json::from_str(line).unwrap();
        let address = log["fields"]["address"].as_str().unwrap().to_owned();
        Self { running, address, _database: database }
    }

    /// The peak of its memory so far, KiB.
    fn peak(&self) -> u64 {
        let about = std::fs::read_to_string(format!("/proc/{}/status", self.running.child.id())).unwrap();
        let mark = about.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        mark.trim().trim_end_matches(" kB").parse().unwrap()
    }

    fn figure(&self, name: &str) -> f64 {
        let mut answer = ureq::get(format!("http://{}/metrics", self.address)).call().unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        value.unwrap_or_default()
    }

    fn begin(&self) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let head = "POST /api/conflict-checks/batch?measures=false HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
                    Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        stream
    }
}

/// Lines in chunks of some hundred, as far as somebody takes them; how many were taken.
fn send(stream: &mut TcpStream, lines: u32) -> u32 {
    const TOGETHER: u32 = 500;
    for first in (0..lines).step_by(TOGETHER as usize) {
        let line = |n: u32| format!("{{\"type\":\"Point\",\"coordinates\":[107.{:04},12]}}\n", 5_000 + n % 3_000);
        let chunk: String = (first..(first + TOGETHER).min(lines)).map(line).collect();
        if write!(stream, "{:x}\r\n{chunk}\r\n", chunk.len()).is_err() {
            return first;
        }
    }
    let _ = stream.write_all(b"0\r\n\r\n");
    lines
}

/// A batch of so many lines, answered whole and in order.
fn batch(serving: &Serving, lines: u32) {
    let clock = Instant::now();
    let mut stream = serving.begin();
    let reader = BufReader::new(stream.try_clone().unwrap());
    let writer = std::thread::spawn(move || send(&mut stream, lines));
    let mut next = 1;
    for line in reader.lines() {
        let line = line.unwrap();
        if line.starts_with("{\"line\":") {
            assert!(line.starts_with(&format!("{{\"line\":{next},\"revision\":{{\"VN-72\":1}}")), "{line}");
            next += 1;
        }
    }
    assert_eq!((writer.join().unwrap(), next), (lines, lines + 1));
    println!("{lines} lines: {:.1} s, peak {} KiB", clock.elapsed().as_secs_f64(), serving.peak());
}

#[test]
fn memory_does_not_grow_with_the_lines() {
    let serving = Serving::start();
    // Connections go to the threads that serve in turns, and each thread prepares its projections and its heap once.
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    for _ in 0..2 * threads {
        batch(&serving, 20_000);
    }
    // And the longer it runs, the more a busy machine spreads its work over the heaps of its threads, once.
    batch(&serving, 120_000);
    let small = serving.peak();
    assert!(small > 1024, "it was measured");
    batch(&serving, 240_000);
    let large = serving.peak();
    // The noise of an allocator; a few words kept of each of the 240 000 lines would be as much.
    assert!(large < small + 4096, "{small} KiB for 120 000 lines, {large} KiB after 240 000 more");
}

#[test]
fn the_work_ends_when_the_client_is_gone() {
    const LINES: u32 = 2_000_000;
    let serving = Serving::start();
    let mut stream = serving.begin();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writing = stream.try_clone().unwrap();
    let writer = std::thread::spawn(move || send(&mut writing, LINES));
    let mut line = String::new();
    while !line.starts_with("{\"line\":1,") {
        line.clear();
        assert!(reader.read_line(&mut line).unwrap() > 0, "it answers while it is sent to");
    }
    assert!(serving.figure("clearway_batches") > 0.0);
    stream.shutdown(std::net::Shutdown::Both).unwrap();
    stream.flush().unwrap();
    drop((stream, reader));
    assert!(writer.join().unwrap() < LINES, "it was cut off in the middle");
    let begun = Instant::now();
    while serving.figure("clearway_batches") > 0.0 {
        assert!(begun.elapsed() < PATIENCE, "it goes on without its client");
        std::thread::yield_now();
    }
    let answered = serving.figure("clearway_batch_lines_total{outcome=\"answered\"}");
    println!("{answered} lines were answered");
    assert!(answered < f64::from(LINES) / 4.0, "{answered} lines were answered for nobody");
}
