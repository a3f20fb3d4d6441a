//! The program, running: a server of its own on a data directory of its own.
//!
//! A [`TestApp`] is the real binary, reached over TCP; it is ready when it says so itself, never after a while. It ends
//! with its handle, and with the tests however they end: a watchdog on a pipe sees to those that a `static` holds.

use std::ffi::OsStr;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use freehold::cli::SystemClock;
use freehold::domain::Assurance;
use freehold::identity::{Grant, Signer, SigningKey};
use rusqlite::types::Value as Cell;
use rusqlite::{Connection, OpenFlags, ToSql};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Client, run};

/// A temporary place with a data directory in it, kept as long as anybody needs it.
#[derive(Clone)]
pub(crate) struct Place(Arc<TempDir>);

impl Place {
    pub(crate) fn new() -> Self {
        Self(Arc::new(tempfile::tempdir().unwrap()))
    }

    /// The data directory; the program makes it.
    pub(crate) fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    /// A file beside the data directory.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A command on this data directory, in an environment without settings.
    pub(crate) fn command(&self) -> Command {
        // A signal that the tests' own caller ignores, as `nohup` and background jobs do, is not ignored here.
        let mut command = Command::new("env");
        command.arg("--default-signal=HUP,INT,QUIT").arg(env!("CARGO_BIN_EXE_freehold"));
        command.arg("--data").arg(self.data()).current_dir(self.0.path());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("FREEHOLD") {
                command.env_remove(name);
            }
        }
        command
    }

    /// Runs a verb to its end.
    pub(crate) fn freehold<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Verb {
        self.freehold_with(arguments, &[])
    }

    /// Runs a verb to its end, with its standard output elsewhere.
    pub(crate) fn freehold_onto(&self, words: &str, out: Stdio) -> Verb {
        let mut command = self.command();
        command.args(words.split_whitespace()).stdin(Stdio::null()).stdout(out);
        Verb::of(&command.output().unwrap())
    }

    /// Runs a verb to its end, with settings in its environment.
    pub(crate) fn freehold_with<S: AsRef<OsStr>>(
        &self,
        arguments: &[S],
        settings: &[(&str, &str)],
    ) -> Verb {
        let mut command = self.command();
        command.args(arguments).envs(settings.iter().copied()).stdin(Stdio::null());
        Verb::of(&command.output().unwrap())
    }
}

/// Where standard output goes that takes nothing: a full disk, a pipe that nothing reads, a descriptor for reading.
pub(crate) fn dead_ends() -> Vec<(&'static str, Stdio)> {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let unwritable = std::fs::File::open("/dev/null").unwrap();
    vec![("full", full.into()), ("closed", writer.into()), ("unwritable", unwritable.into())]
}

/// How a verb ended, and what it said.
#[derive(Debug)]
pub(crate) struct Verb {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Verb {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            status: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The same, if it ended with this status.
    #[track_caller]
    pub(crate) fn ended(self, status: i32) -> Self {
        assert_eq!(self.status, status, "out: {}\nerr: {}", self.out, self.err);
        self
    }

    /// Its answer, as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A running process that ends with this handle, or with the tests.
struct Process {
    child: Child,
    watchdog: Child,
    /// Closed by the end of the tests, which wakes the watchdog.
    _pipe: ChildStdin,
    log: PathBuf,
    /// Bytes of the log that those before it in this place have written.
    before: usize,
}

impl Process {
    fn start(place: &Place, arguments: &[&str], settings: &[(&str, &str)]) -> Self {
        let log = place.0.path().join("log");
        let errors = std::fs::File::options().create(true).append(true).open(&log).unwrap();
        let before = usize::try_from(errors.metadata().unwrap().len()).unwrap();
        let child = place
            .command()
            .args(arguments)
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .unwrap();
        let mut watchdog = Command::new("sh")
            .args(["-c", "read -r _; kill -9 \"$1\" 2>/dev/null; rm -rf \"$2\"", "watchdog"])
            .arg(child.id().to_string())
            .arg(place.0.path())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let pipe = watchdog.stdin.take().unwrap();
        Self { child, watchdog, _pipe: pipe, log, before }
    }

    /// What the process says first, once it has said all of it.
    fn first_words(&mut self) -> Value {
        let mut out = BufReader::new(self.child.stdout.as_mut().unwrap());
        let said = Value::deserialize(&mut serde_json::Deserializer::from_reader(&mut out));
        said.unwrap_or_else(|error| panic!("{error}\n{}", self.log()))
    }

    fn log(&self) -> String {
        let whole = std::fs::read_to_string(&self.log).unwrap_or_default();
        whole.get(self.before..).unwrap_or_default().to_owned()
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for the process to end by itself.
    fn wait(&mut self) -> i32 {
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // What has ended already cannot be ended again; either is well.
        let _watchdog = (self.watchdog.kill(), self.watchdog.wait());
        let _child = (self.child.kill(), self.child.wait());
    }
}

/// A running server.
pub(crate) struct TestApp {
    process: Process,
    place: Place,
    url: String,
    /// What `dev` said, else null.
    said: Value,
    operator: OnceLock<String>,
}

impl TestApp {
    /// A development server on a data directory of its own.
    pub(crate) fn dev() -> Self {
        Self::dev_at(&Place::new())
    }

    /// A development server on a data directory that may have been used before.
    pub(crate) fn dev_at(place: &Place) -> Self {
        Self::dev_with(place, &[])
    }

    /// The same, with settings in its environment.
    pub(crate) fn dev_with(place: &Place, settings: &[(&str, &str)]) -> Self {
        let arguments = ["dev", "--listen", "127.0.0.1:0", "--json"];
        let mut process = Process::start(place, &arguments, settings);
        let said = process.first_words();
        let url = said["url"].as_str().unwrap().to_owned();
        Self { process, place: place.clone(), url, said, operator: OnceLock::new() }
    }

    /// A production server on a data directory of its own.
    pub(crate) fn serve() -> Self {
        Self::serve_at(&Place::new(), &[])
    }

    /// A production server; its log tells where it listens, once it does. All tests share one address: what one address
    /// may do is limited where a test says so.
    pub(crate) fn serve_at(place: &Place, settings: &[(&str, &str)]) -> Self {
        let usual = [
            ("FREEHOLD__LOG__FORMAT", "json"),
            ("FREEHOLD__HTTP__MAX_CONNECTIONS_PER_ADDRESS", "0"),
            ("FREEHOLD__HTTP__ANONYMOUS_PER_MINUTE", "0"),
        ];
        let settings = [&usual, settings].concat();
        let arguments = ["serve", "--listen", "127.0.0.1:0"];
        let mut process = Process::start(place, &arguments, &settings);
        let address = eventually(|| {
            let ended = process.child.try_wait().unwrap();
            assert!(ended.is_none(), "the server ended: {}", process.log());
            serving(&process.log())
        });
        let (url, said) = (format!("http://{address}"), Value::Null);
        Self { process, place: place.clone(), url, said, operator: OnceLock::new() }
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The server's process.
    pub(crate) fn pid(&self) -> u32 {
        self.process.child.id()
    }

    /// What the server has logged so far.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }

    /// Runs a verb to its end, beside this server.
    pub(crate) fn freehold(&self, arguments: &[&str]) -> Verb {
        self.place.freehold(arguments)
    }

    /// Stops in order, and hands the data directory back.
    pub(crate) fn stop(self) -> Place {
        self.stop_by("-TERM")
    }

    /// The same, by a signal.
    pub(crate) fn stop_by(mut self, signal: &str) -> Place {
        self.process.signal(signal);
        assert_eq!(self.process.wait(), 0, "{}", self.log());
        self.place.clone()
    }

    /// Dies as in a power cut, and hands the data directory back.
    pub(crate) fn kill(mut self) -> Place {
        self.process.child.kill().unwrap();
        self.process.wait();
        self.place.clone()
    }

    /// Whoever has no credential.
    pub(crate) fn stranger(&self) -> Client {
        Client::new(&self.url)
    }

    /// Whoever has this token.
    pub(crate) fn bearer(&self, token: &str) -> Client {
        self.stranger().with_token(token)
    }

    /// Whoever may open the local socket.
    pub(crate) fn host(&self) -> Client {
        Client::local(&self.place.data().join("freehold.sock"))
    }

    /// A platform administrator.
    pub(crate) fn operator(&self) -> Client {
        self.bearer(self.operator.get_or_init(|| self.mint(&["--operator"])))
    }

    /// Somebody who has a token for a tenant, by `freehold token`.
    pub(crate) fn caller(&self, tenant: &str, account: &str) -> Client {
        self.bearer(&self.mint(&["--tenant", tenant, "--account", account]))
    }

    /// Somebody who has a token for no tenant.
    pub(crate) fn person(&self, account: &str) -> Client {
        self.bearer(&self.mint(&["--account", account]))
    }

    fn mint(&self, whose: &[&str]) -> String {
        self.freehold(&[&["token"], whose].concat()).ended(0).out.trim().to_owned()
    }

    /// A person of the demo, with the token that `dev` printed.
    pub(crate) fn demo(&self, person: &str) -> Client {
        let tokens = self.said["tokens"].as_array().unwrap();
        let theirs = tokens.iter().find(|token| token["person"] == person).unwrap();
        self.bearer(theirs["token"].as_str().unwrap())
    }

    /// A token by which the local issuer vouches for a subject of its own.
    pub(crate) fn local_token(&self, subject: &str) -> String {
        self.local_token_for(subject, "freehold")
    }

    /// The same, for an audience.
    pub(crate) fn local_token_for(&self, subject: &str, audience: &str) -> String {
        let key = self.place.data().join("keys/local.key");
        let key = SigningKey::load(&key).unwrap().unwrap();
        let assurance = Assurance { acr: Some("host".to_owned()), ..Assurance::default() };
        let grant = Grant {
            subject: subject.to_owned(),
            tenant: None,
            actor: None,
            scope: None,
            session: None,
            api_key: None,
            exchanged_for: Vec::new(),
            assurance,
            ttl_s: 600,
        };
        Signer::new("local", audience, key).sign(&grant, &SystemClock).unwrap().token
    }

    /// The file of a tenant, by id, or of the `platform`; to read.
    pub(crate) fn db(&self, tenant: &str) -> Db {
        Db::open(&self.place, tenant)
    }

    /// The id of a key that signs no more.
    pub(crate) fn retiring_key(&self) -> String {
        let before = self.host().get("/v1/platform/keys?state=active").expect(200);
        self.host().act("/v1/platform/keys/rotate").expect(200);
        before["items"][0]["id"].as_str().unwrap().to_owned()
    }

    /// Makes an account, and returns its id.
    pub(crate) fn account(&self, name: &str) -> String {
        let identities = json!([{"issuer": "local", "subject": name}]);
        let body = json!({"display_name": name, "identities": identities});
        self.operator().post("/v1/platform/accounts", &body).expect(201).id()
    }
}

/// Waits, not for long, for what happens behind an answer.
#[track_caller]
pub(crate) fn eventually<T>(happened: impl FnMut() -> Option<T>) -> T {
    let tries = std::iter::repeat_with(happened).take(2000);
    let mut tries = tries.inspect(|try_| {
        if try_.is_none() {
            run(async { tokio::time::sleep(Duration::from_millis(10)).await });
        }
    });
    tries.find_map(|found| found).expect("it never happened")
}

/// Says what was measured, to whoever runs the tests with `--nocapture`.
#[expect(clippy::print_stdout, reason = "what is measured is for people")]
pub(crate) fn measured(what: &str) {
    println!("{what}");
}

fn serving(log: &str) -> Option<String> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut said = lines.filter(|line| line["fields"]["message"] == "serving");
    said.find_map(|line| line["fields"]["address"].as_str().map(str::to_owned))
}

/// A file, opened to look at its rows.
pub(crate) struct Db(Connection);

impl Db {
    pub(crate) fn open(place: &Place, tenant: &str) -> Self {
        let path = Self::path(place, tenant);
        Self(Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap())
    }

    /// Where it lies.
    pub(crate) fn path(place: &Place, tenant: &str) -> PathBuf {
        if tenant == "platform" {
            place.data().join("registry.db")
        } else {
            tenant_file(&place.data(), tenant)
        }
    }

    /// The first column of every row, as text.
    pub(crate) fn texts(&self, sql: &str, params: &[&dyn ToSql]) -> Vec<String> {
        let mut statement = self.0.prepare(sql).unwrap();
        let rows = statement.query_map(params, |row| row.get::<_, Cell>(0)).unwrap();
        rows.map(|cell| text(&cell.unwrap())).collect()
    }

    /// A number.
    pub(crate) fn number(&self, sql: &str, params: &[&dyn ToSql]) -> i64 {
        self.0.query_row(sql, params, |row| row.get(0)).unwrap()
    }

    /// How many audit rows an action left.
    pub(crate) fn audited(&self, action: &str, decision: &str) -> i64 {
        let sql = "select count(*) from audit_log where action = ?1 and decision = ?2";
        self.number(sql, &[&action, &decision])
    }

    /// How many rows the audit log and the outbox have.
    pub(crate) fn written(&self) -> (i64, i64) {
        let count = |table| self.number(&format!("select count(*) from {table}"), &[]);
        (count("audit_log"), count("outbox_events"))
    }
}

fn text(cell: &Cell) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Integer(number) => number.to_string(),
        Cell::Real(number) => number.to_string(),
        Cell::Text(text) => text.clone(),
        Cell::Blob(bytes) => format!("{bytes:?}"),
    }
}

fn tenant_file(data: &Path, tenant: &str) -> PathBuf {
    let folders = std::fs::read_dir(data.join("tenants")).unwrap();
    let mut files = folders.map(|folder| folder.unwrap().path().join(tenant).with_extension("db"));
    files.find(|file| file.exists()).unwrap_or_else(|| panic!("{tenant} has no file"))
}

/// A server that its file's tests share, each with names of its own.
#[macro_export]
macro_rules! shared {
    () => {
        fn app() -> &'static $crate::app::TestApp {
            static APP: std::sync::OnceLock<$crate::app::TestApp> = std::sync::OnceLock::new();
            APP.get_or_init($crate::app::TestApp::dev)
        }
    };
}
