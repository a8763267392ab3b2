//! How a server is started: its configuration, and the arguments to the module.

use std::{fmt::Write as _, path::Path};

use super::{
    Server, module_path,
    process::{free_port, key_file, launch, quoted},
};

/// How to start a server.
#[derive(Clone, Default)]
pub struct Builder {
    pub(super) module: bool,
    pub(super) sentinel: bool,
    pub(super) launcher: Vec<String>,
    args: Vec<String>,
    config: Vec<(String, String)>,
    pub(super) keys: Option<Vec<u8>>,
}

impl Builder {
    pub(super) fn new() -> Builder {
        Builder { module: true, ..Builder::default() }
    }

    /// An argument to the module, as `--loadmodule libjrs.so NAME VALUE`.
    pub fn arg(self, name: &str, value: &str) -> Builder {
        self.args(&[name, value])
    }

    /// Arguments to the module, unchanged; their number may be odd.
    pub fn args(mut self, args: &[&str]) -> Builder {
        self.args.extend(args.iter().map(ToString::to_string));
        self
    }

    /// A line of redis.conf, unchanged: the value may have several words and quotes.
    pub fn config(mut self, directive: &str, value: &str) -> Builder {
        self.config.push((directive.to_owned(), value.to_owned()));
        self
    }

    /// A command that runs the server: these words, then the server's program and arguments.
    pub fn launcher(mut self, words: &[&str]) -> Builder {
        self.launcher = words.iter().map(ToString::to_string).collect();
        self
    }

    pub fn without_module(mut self) -> Builder {
        self.module = false;
        self
    }

    /// Runs the program as a Sentinel, which has no module.
    pub fn sentinel(mut self) -> Builder {
        self.sentinel = true;
        self.without_module()
    }

    /// Writes a key file (mode 0600) into the server's folder and sets `keys-file` to its path.
    pub fn keys(mut self, bytes: &[u8]) -> Builder {
        self.keys = Some(bytes.to_vec());
        self
    }

    /// Starts the server. The error is the log of a server that ended before it answered.
    pub fn try_start(self) -> Result<Server, String> {
        // Between finding a free port and binding it, another process may take it.
        for _ in 0..10 {
            let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
            match launch(&self, dir.path(), port) {
                Ok(child) => return Ok(Server { child, port, dir, settings: self }),
                Err(log) if log.contains("Address already in use") => {}
                Err(log) => return Err(log),
            }
        }
        panic!("no free port in ten attempts");
    }

    pub fn start(self) -> Server {
        self.try_start().unwrap_or_else(|log| panic!("the server did not start; its log:\n{log}"))
    }

    /// The text of redis.conf.
    pub(super) fn redis_conf(&self, dir: &Path, port: u16) -> String {
        let mut conf = format!("bind 127.0.0.1\nport {port}\ndir {}\nsave \"\"\n", quoted(&dir.to_string_lossy()));
        if self.module {
            let module = module_path();
            assert!(module.is_file(), "{} is missing: run scripts/test or cargo build --release", module.display());
            write!(conf, "loadmodule {}", quoted(&module.to_string_lossy())).unwrap();
            let keys_file = self.keys.as_ref().map(|_| ["keys-file".to_owned(), key_file(dir).display().to_string()]);
            for argument in keys_file.iter().flatten().chain(&self.args) {
                write!(conf, " {}", quoted(argument)).unwrap();
            }
            conf.push('\n');
        }
        for (directive, value) in &self.config {
            writeln!(conf, "{directive} {value}").unwrap();
        }
        conf
    }
}
