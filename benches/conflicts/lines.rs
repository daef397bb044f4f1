//! A batch over HTTP, as a client has it that sends lines and reads their answers at the same time.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::Failed;
use crate::setup::on_cpu;

/// Sends lines and reads their answers at the same time; gives the answers and the processor time of this thread, which
/// reads. The thread that sends has ended by then, and is counted nowhere.
pub fn batch(address: &str, path: &str, crs: &str, lines: &[String]) -> Result<(Vec<Vec<u8>>, Duration), Failed> {
    let mut body = Vec::new();
    let reading = each(address, path, crs, lines, &mut |bytes| body.extend_from_slice(bytes))?;
    Ok((body.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect(), reading))
}

/// The same of answers that nobody keeps: `take` is given them as they arrive.
pub fn each(
    address: &str,
    path: &str,
    crs: &str,
    lines: &[String],
    take: &mut dyn FnMut(&[u8]),
) -> Result<Duration, Failed> {
    let mut stream = TcpStream::connect(address)?;
    let mut reader = BufReader::with_capacity(256 * 1024, stream.try_clone()?);
    std::thread::scope(|scope| {
        let sending = scope.spawn(move || {
            let length: usize = lines.iter().map(String::len).sum();
            let head = format!(
                "POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-ndjson\r\nContent-Crs: {crs}\r\n\
                 Content-Length: {length}\r\n\r\n"
            );
            stream.write_all(head.as_bytes())?;
            lines.iter().try_for_each(|line| stream.write_all(line.as_bytes()))
        });
        let begun = on_cpu("thread-self");
        chunked(&mut reader, take)?;
        let reading = on_cpu("thread-self").saturating_sub(begun);
        sending.join().map_err(|_| "the client panicked")??;
        Ok(reading)
    })
}

/// A body in chunks, whole.
fn chunked(reader: &mut impl BufRead, take: &mut dyn FnMut(&[u8])) -> Result<(), Failed> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    if !line.contains(" 200 ") {
        return Err(line.into());
    }
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line)?;
    }
    let mut chunk = Vec::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let length = u64::from_str_radix(line.trim(), 16)?;
        chunk.clear();
        if reader.by_ref().take(length).read_to_end(&mut chunk)? as u64 != length {
            return Err("the answer broke off".into());
        }
        take(&chunk);
        line.clear();
        reader.read_line(&mut line)?;
        if length == 0 {
            return Ok(());
        }
    }
}
