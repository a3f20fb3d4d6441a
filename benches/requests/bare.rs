//! The baseline of reads: an actix handler that does nothing but return given bytes.

use std::io::BufRead;
use std::process::{Child, Command, ExitCode, Stdio};

use actix_web::web::{self, Bytes};
use actix_web::{App, HttpResponse, HttpServer};

/// Workers of either server.
pub(crate) const WORKERS: usize = 2;

/// Serves the bytes of a file for every request; says on standard output where.
pub(crate) fn serve(file: &str) -> ExitCode {
    let bytes = Bytes::from(std::fs::read(file).expect("the bytes to return"));
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let served = runtime.block_on(async move {
        let server = HttpServer::new(move || {
            let bytes = bytes.clone();
            App::new().default_service(web::to(move || {
                let bytes = bytes.clone();
                async move { HttpResponse::Ok().content_type("application/json").body(bytes) }
            }))
        })
        .workers(WORKERS)
        .bind("127.0.0.1:0")
        .expect("a port");
        println!("{}", server.addrs()[0]);
        server.run().await
    });
    if served.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A bare server in a process of its own; ended when dropped.
pub(crate) struct Bare {
    child: Child,
    pub(crate) address: String,
}

impl Bare {
    /// Starts one that returns these bytes.
    pub(crate) fn start(bytes: &[u8], directory: &std::path::Path) -> Self {
        let file = directory.join("bare.json");
        std::fs::write(&file, bytes).expect("the bytes to return");
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .arg("--bare")
            .arg(&file)
            .stdout(Stdio::piped())
            .spawn()
            .expect("a bare server");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("its output");
        std::io::BufReader::new(stdout).read_line(&mut line).expect("its address");
        Self { child, address: line.trim().to_owned() }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
