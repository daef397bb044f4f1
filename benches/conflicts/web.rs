//! HTTP without a library, so that the client costs next to nothing; and a server that only answers the same bytes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread::JoinHandle;

use actix_web::{App, HttpResponse, HttpServer, web};

use crate::Failed;

/// A client on one connection that is kept.
pub struct Client {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
}

impl Client {
    pub fn connect(address: &str) -> Result<Self, Failed> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self { reader: BufReader::with_capacity(256 * 1024, stream.try_clone()?), stream })
    }

    /// Sends a request and reads the whole answer; anything but 200 is an error.
    pub fn send(&mut self, request: &[u8]) -> Result<Vec<u8>, Failed> {
        self.send_for(request, " 200 ")
    }

    /// Sends a request and reads the whole answer; any other status than this is an error.
    pub fn send_for(&mut self, request: &[u8], status: &str) -> Result<Vec<u8>, Failed> {
        self.stream.write_all(request)?;
        let mut line = String::new();
        self.reader.read_line(&mut line)?;
        let good = line.contains(status);
        let (status, mut length) = (line.clone(), 0);
        loop {
            line.clear();
            if self.reader.read_line(&mut line)? == 0 || line == "\r\n" {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body)?;
        if good { Ok(body) } else { Err(format!("{status}{}", String::from_utf8_lossy(&body)).into()) }
    }
}

/// The bytes of a POST.
pub fn post(path: &str, content_crs: Option<&str>, body: &str) -> Vec<u8> {
    let crs = content_crs.map(|crs| format!("Content-Crs: {crs}\r\n")).unwrap_or_default();
    format!(
        "POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/geo+json\r\n{crs}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The bytes of a GET.
pub fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n").into_bytes()
}

/// The same web framework that reads a body and answers always the same: what HTTP itself costs.
pub struct Constant {
    pub address: String,
    handle: actix_web::dev::ServerHandle,
    thread: Option<JoinHandle<std::io::Result<()>>>,
}

impl Constant {
    pub fn start(bytes: usize) -> Result<Self, Failed> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        let answer = web::Bytes::from(vec![b' '; bytes]);
        let (send, receive) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = HttpServer::new(move || {
                    let answer = answer.clone();
                    let always = move |_: web::Bytes| {
                        let answer = answer.clone();
                        async move { HttpResponse::Ok().content_type("application/json").body(answer) }
                    };
                    App::new().default_service(web::route().to(always))
                })
                .workers(2)
                .disable_signals()
                .listen(listener)?
                .run();
                drop(send.send(server.handle()));
                server.await
            })
        });
        Ok(Self { address, handle: receive.recv()?, thread: Some(thread) })
    }
}

impl Drop for Constant {
    fn drop(&mut self) {
        drop(self.handle.stop(true));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
