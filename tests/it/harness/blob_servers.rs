//! Real services on loopback: s3s-fs for S3, which checks signatures, and Microsoft's Azurite for Azure.
//!
//! `scripts/blob-servers.sh` installs both. They live in temporary directories, listen on free ports of
//! 127.0.0.1 and end with this process.

#![allow(dead_code, reason = "every test uses its own part")]

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use object_store::azure::{AzureAccessKey, AzureAuthorizer, AzureCredential};
use object_store::client::{HttpRequest, HttpRequestBody};

/// Versions that are tested with; `scripts/blob-servers.sh` names the same.
const S3: &str = "s3s-fs-0.14.1";
const AZURITE: &str = "azurite-3.35.0";

/// What the S3 service lets in.
pub const ACCESS_KEY: &str = "AKIATESTTESTTEST";
pub const SECRET_KEY: &str = "an-s3-secret-of-the-tests";

/// Account and key that every Azurite has.
pub const ACCOUNT: &str = "devstoreaccount1";
pub const ACCOUNT_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// A service that ends with this process.
pub struct Server {
    pub port: u16,
    dir: PathBuf,
    // Ends the service when it is dropped, and so when this process ends.
    _guard: Child,
}

fn installed(what: &str) -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"))).unwrap();
    let path = cache.join("stalwart-migrate").join(what);
    assert!(path.exists(), "{} is not there: run scripts/blob-servers.sh", path.display());
    path
}

impl Server {
    /// The S3 service.
    pub fn s3() -> &'static Server {
        static SERVER: OnceLock<Server> = OnceLock::new();
        SERVER.get_or_init(|| {
            Server::start(|port, dir| {
                let mut serve = Command::new(installed(S3).join("bin/s3s-fs"));
                serve.args(["--host", "127.0.0.1", "--port", &port.to_string()]);
                serve.args(["--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY]);
                serve.arg(dir.join("data")).env("RUST_LOG", "error");
                serve
            })
        })
    }

    /// The Azure service.
    pub fn azure() -> &'static Server {
        static SERVER: OnceLock<Server> = OnceLock::new();
        SERVER.get_or_init(|| {
            Server::start(|port, dir| {
                let main = installed(AZURITE).join("node_modules/azurite/dist/src/blob/main.js");
                let mut serve = Command::new("node");
                serve.arg(main).args(["--blobHost", "127.0.0.1", "--blobPort", &port.to_string()]);
                serve.args(["--silent", "--skipApiVersionCheck", "--disableTelemetry", "--location"]);
                serve.arg(dir.join("data"));
                serve
            })
        })
    }

    fn start(command: impl Fn(u16, &PathBuf) -> Command) -> Server {
        let dir = tempfile::Builder::new().prefix("stalwart-blobs-").tempdir().unwrap().keep();
        fs::create_dir(dir.join("data")).unwrap();
        let port = free_port();
        let serve = command(port, &dir);
        // The shell waits for its input to end, which it does with this process at the latest.
        let script = "\"$@\" >\"$DIR/log\" 2>&1 & p=$!; read _; kill -KILL $p; wait $p; rm -rf \"$DIR\"";
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(script).arg("sh");
        shell.arg(serve.get_program()).args(serve.get_args());
        shell.envs(serve.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("DIR", &dir);
        let guard = shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let log = fs::read_to_string(dir.join("log")).unwrap_or_default();
            assert!(begin.elapsed() < Duration::from_secs(60), "the service does not answer: {log}");
            std::thread::sleep(Duration::from_millis(50));
        }
        Server { port, dir, _guard: guard }
    }

    /// Its address.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A bucket of the S3 service, with a name of its own.
    pub fn bucket(&self) -> String {
        let name = name();
        fs::create_dir(self.dir.join("data").join(&name)).unwrap();
        name
    }

    /// The file that the S3 service keeps an object in.
    pub fn object(&self, bucket: &str, name: &str) -> PathBuf {
        self.dir.join("data").join(bucket).join(name)
    }

    /// A container of the Azure service, with a name of its own.
    pub fn container(&self) -> String {
        let name = name();
        let address = format!("{}/{ACCOUNT}/{name}?restype=container", self.endpoint());
        let mut request = HttpRequest::new(HttpRequestBody::empty());
        *request.method_mut() = reqwest::Method::PUT;
        *request.uri_mut() = address.parse().unwrap();
        let key = AzureCredential::AccessKey(AzureAccessKey::try_new(ACCOUNT_KEY).unwrap());
        AzureAuthorizer::new(&key, ACCOUNT).try_authorize(&mut request).unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let answer = runtime.block_on(async {
            let client = reqwest::Client::new();
            let headers = request.headers().clone();
            client.put(address).headers(headers).header("content-length", 0).send().await.unwrap()
        });
        assert!(answer.status().is_success(), "{answer:?}");
        name
    }

    /// A shared access signature of the account for everything that blobs need.
    pub fn sas(&self) -> String {
        let sign = "const c=require('crypto');const [a,k]=process.argv.slice(1);\
            const e=new Date(Date.now()+36e5).toISOString().slice(0,19)+'Z';\
            const s=[a,'rwdlc','b','sco','',e,'','http,https','2020-12-06','',''].join('\\n');\
            const g=c.createHmac('sha256',Buffer.from(k,'base64')).update(s).digest('base64');\
            console.log('?sv=2020-12-06&ss=b&srt=sco&sp=rwdlc&se='+encodeURIComponent(e)\
            +'&spr=http,https&sig='+encodeURIComponent(g));";
        let output = Command::new("node").args(["-e", sign, ACCOUNT, ACCOUNT_KEY]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_string()
    }
}

fn name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A port without a listener.
pub fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}
