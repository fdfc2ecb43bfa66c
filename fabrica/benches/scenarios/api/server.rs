//! The program that is reached.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use fabrica::api::{self, Config, Listen};
use fabrica::store::EmbeddedStore;

use super::http::Connection;
use crate::Options;
use crate::report;
use crate::things;

/// What starts this binary as the server.
pub const SERVE: &str = "api-server";

/// Serves until its input ends. Prints where it listens.
pub fn serve(folder: &Path) {
    std::fs::create_dir_all(folder).expect("the folder can be made");
    things::on_two_threads(async {
        let store = EmbeddedStore::open(folder.join(EmbeddedStore::FILE_NAME)).expect("the folder takes a store");
        let options = Options { objects: 0, workers: 16 };
        let controller = things::stored::<things::look>(&options, store).await;
        let config = Config::new("127.0.0.1:0".parse().expect("it is an address"));
        let server = api::serve(&controller, config).await.expect("there is a port");
        controller.start().await.expect("it was not started before");
        let Listen::Tcp(address) = server.listen() else { unreachable!("it listens at a port") };
        println!("{address}");
        std::io::stdout().flush().expect("somebody reads");
        let end = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
        drop(end.await);
        server.stop().await;
        controller.stop().await.expect("it stops");
    });
}

/// A program that serves; it ends with its value.
pub struct Program {
    child: Child,
    pub address: String,
    /// From its start until it said that it is ready, in seconds.
    pub ready_after: f64,
}

impl Program {
    pub async fn start(folder: &Path) -> Self {
        let start = Instant::now();
        let mut command = Command::new(std::env::current_exe().expect("this is a program"));
        command.arg(SERVE).arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("this program starts once more");
        let mut address = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut address).expect("it says where it listens");
        let address = address.trim_end().to_owned();
        let mut connection = Connection::open(&address).await;
        while connection.send("GET", "/readyz", "").await.0 != 200 {}
        Self { child, address, ready_after: start.elapsed().as_secs_f64() }
    }

    /// The memory that it holds.
    #[allow(clippy::cast_precision_loss)]
    pub fn rss_mib(&self) -> f64 {
        report::rss_of(self.child.id()) as f64 / f64::from(1 << 20)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Its input ends with this.
        drop(self.child.stdin.take());
        drop(self.child.wait());
    }
}
