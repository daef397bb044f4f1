//! Documents in a bucket: a server that speaks S3, and looks at signatures, in this process.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::thread::JoinHandle;

use clearway::actions::document::keeping;
use clearway::config::Secret;
use clearway::domain::actor::Actor;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use serde_json::json;
use tokio::sync::oneshot;

use crate::document::{PDF, added, fetch, files, send, text};
use crate::help::{Api, point};

const BUCKET: &str = "papers";
const KEY: &str = "test-key";
const SECRET: &str = "test-secret-of-the-bucket";

/// Ends with the test.
struct S3 {
    address: String,
    folder: tempfile::TempDir,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl S3 {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let mut service = S3ServiceBuilder::new(FileSystem::new(folder.path()).unwrap());
        service.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let service = service.build();
        let (stop, mut stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                loop {
                    tokio::select! {
                        accepted = listener.accept() => {
                            let (stream, _) = accepted.unwrap();
                            let service = service.clone();
                            tokio::spawn(async move {
                                let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
                            });
                        }
                        _ = &mut stopped => break,
                    }
                }
            });
            runtime.shutdown_background();
        });
        Self { address, folder, stop: Some(stop), thread: Some(thread) }
    }

    fn api(&self, secret: &str) -> Api {
        Api::with(|settings| {
            settings.documents = format!("s3://{BUCKET}/office");
            settings.documents_s3_endpoint.clone_from(&self.address);
            settings.documents_s3_key_id = KEY.into();
            settings.documents_s3_secret = Secret(secret.into());
        })
    }

    /// The objects, as files of the server.
    fn objects(&self) -> Vec<PathBuf> {
        let mut all = files(&self.folder.path().join(BUCKET));
        all.retain(|file| !file.file_name().unwrap().to_str().unwrap().starts_with('.'));
        all
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        self.end();
    }
}

#[test]
fn documents_are_kept_in_a_bucket() {
    let mut s3 = S3::start();
    let api = s3.api(SECRET);
    let work = api.work("A-1", point(0.0, 0.0));
    let holder = format!("/api/works/{work}/documents");
    // In one piece, and in parts.
    let long: Vec<u8> = (0..20_000_000_u32).map(|n| b'0' + u8::try_from(n % 7).unwrap()).collect();
    let mut contents = Vec::new();
    for (name, content) in [("a.pdf", PDF), ("long.txt", long.as_slice())] {
        let made = added(&api, "officer", &holder, &format!("kind=other&name={name}"), content);
        assert_eq!(made["bytes"], json!(content.len()));
        let path = format!("/api/documents/{}/content", text(&made, "id"));
        let got = fetch(&api, "officer", "GET", &path, &[]);
        assert!(got.status == 200 && got.body.as_deref() == Ok(content), "{name}: {}", got.status);
        contents.push(path);
    }
    let road = api.road("C-1", crate::help::rect(0.0, 0.0, 9.0, 9.0));
    added(&api, "officer", &format!("/api/corridors/{road}/documents"), "kind=other&name=b.pdf", PDF);
    let objects = s3.objects();
    assert_eq!(objects.len(), 2, "{objects:?}");
    assert!(
        objects.iter().all(|file| file.starts_with(s3.folder.path().join(BUCKET).join("office/sha256"))),
        "{objects:?}"
    );
    assert_eq!(keeping::verify(&s3_context(&s3, &api), &Actor::operator(), &mut |_, why| panic!("{why}")), Ok(2));

    // An object that no document names goes, when it is old enough; the others stay.
    let orphan = objects[0].parent().unwrap().parent().unwrap().join("ab").join("ab".repeat(32));
    fs::create_dir_all(orphan.parent().unwrap()).unwrap();
    fs::write(&orphan, b"orphan").unwrap();
    let sweep = || keeping::sweep(&s3_context(&s3, &api), &Actor::operator(), keeping::ORPHAN_AGE).unwrap().objects;
    assert_eq!(sweep(), 0);
    for file in s3.objects() {
        let old = std::time::SystemTime::from(clearway::clock::now()) - 2 * keeping::ORPHAN_AGE;
        fs::File::options().write(true).open(file).unwrap().set_modified(old).unwrap();
    }
    assert_eq!(sweep(), 1);
    assert_eq!(s3.objects(), objects);

    // Without the bucket the answer says so, and nothing is written.
    s3.end();
    let before =
        api.sql("SELECT concat_ws(' ', (SELECT count(*) FROM audit_events), (SELECT count(*) FROM documents))");
    for answer in [
        send(&api, "officer", &format!("{holder}?kind=other&name=c.txt"), &[], b"late"),
        api.server.get("officer", &contents[0]),
    ] {
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("2")), "{}", answer.text);
        assert!(!answer.text.contains(SECRET) && !answer.text.contains(BUCKET) && !answer.text.contains("127.0.0.1"));
    }
    assert_eq!(
        api.sql("SELECT concat_ws(' ', (SELECT count(*) FROM audit_events), (SELECT count(*) FROM documents))"),
        before
    );
}

/// What the actions work with, on the same bucket and database.
fn s3_context(s3: &S3, api: &Api) -> clearway::actions::Context {
    let mut settings = api.database.settings();
    settings.documents = format!("s3://{BUCKET}/office");
    settings.documents_s3_endpoint.clone_from(&s3.address);
    settings.documents_s3_key_id = KEY.into();
    settings.documents_s3_secret = Secret(SECRET.into());
    clearway::actions::Context::connect(settings).unwrap()
}

#[test]
fn a_bucket_is_used_by_the_key_that_it_knows() {
    let s3 = S3::start();
    let api = s3.api("another secret of the bucket");
    let work = api.work("A-1", point(0.0, 0.0));
    let answer = send(&api, "officer", &format!("/api/works/{work}/documents?kind=other&name=a.pdf"), &[], PDF);
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert_eq!((s3.objects().len(), api.sql("SELECT count(*) FROM documents")), (0, Some("0".into())));
}
