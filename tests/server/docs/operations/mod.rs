//! Runs the configuration files and the shell commands of docs/operations.md on real servers.

mod cluster;
mod configuration;
mod hosts;
mod sentinel;

use std::{fs, path::Path, process::Command};

use redis::{Connection, RedisResult};
use tempfile::TempDir;

use super::replies::{Block, blocks};
use crate::support::{Builder, Server, module_path, sessions::send, tokens};

/// The paths of the page.
const MODULE: &str = "/usr/lib/redis/modules";
const ETC: &str = "/etc/redis";

/// Text of the configuration of one server, of the lines that replicas need, and of those for two replicas or more.
const ONE: &str = "loadmodule /usr/lib/redis";
const EVERY: &str = "masteruser";
const TWO_REPLICAS: &str = "min-replicas-max-lag";

/// The folders of the servers of one test, and the page.
struct Site {
    root: TempDir,
    page: String,
}

impl Site {
    fn new() -> Site {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations.md");
        Site { root: tempfile::tempdir().unwrap(), page: fs::read_to_string(page).unwrap() }
    }

    /// The code block that contains this text.
    fn block(&self, text: &str) -> Block<'_> {
        let mut found = blocks(&self.page).filter(|block| block.text().contains(text));
        let block = found.next().unwrap_or_else(|| panic!("no block has {text:?}"));
        assert!(found.next().is_none(), "several blocks have {text:?}");
        block
    }

    /// The folder that stands for /etc/redis on a host.
    fn etc(&self, host: &str) -> String {
        let folder = self.root.path().join(host);
        fs::create_dir_all(&folder).unwrap();
        folder.to_str().unwrap().to_owned()
    }

    /// Writes the users of the page on a host.
    fn write_users(&self, host: &str) {
        let users = self.block("user default off");
        assert_eq!((users.info, users.lines[0]), ("acl", "# /etc/redis/users.acl"));
        // The server takes no comments in this file.
        fs::write(format!("{}/users.acl", self.etc(host)), users.lines[1..].join("\n")).unwrap();
    }

    /// A server with all settings of these configuration blocks, but on a free port and in a temporary folder.
    fn server(&self, host: &str, parts: &[&str]) -> Builder {
        self.write_users(host);
        let lines = parts.iter().flat_map(|part| {
            let block = self.block(part);
            assert_eq!(block.info, "conf");
            block.lines
        });
        let mut builder = Server::builder().without_module();
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (name, value) = line.split_once(' ').unwrap();
            if !matches!(name, "bind" | "port" | "dir") {
                let module = module_path();
                let modules = module.parent().unwrap().to_str().unwrap();
                builder = builder.config(name, &value.replace(MODULE, modules).replace(ETC, &self.etc(host)));
            }
        }
        builder
    }
}

/// A key file that a test writes.
fn write_keys(site: &Site, host: &str) {
    fs::write(format!("{}/session-keys.json", site.etc(host)), tokens::SECRET).unwrap();
}

/// A connection as one of the users of the page.
fn as_user(server: &Server, name: &str) -> Connection {
    try_as_user(server, name).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The same, for a server whose connections may be closed at any time.
fn try_as_user(server: &Server, name: &str) -> RedisResult<Connection> {
    let password = match name {
        "app" => 1,
        "operator" => 2,
        "monitoring" => 3,
        "replication" => 4,
        _ => 5,
    };
    let url = format!("redis://{name}:CHANGE-ME-{password}@127.0.0.1:{}/", server.port());
    redis::Client::open(url)?.get_connection()
}

fn field(conn: &mut Connection, section: &str, name: &str) -> String {
    let info: String = send(conn, &["INFO", section]).unwrap();
    let prefix = format!("{name}:");
    info.lines().find_map(|line| line.strip_prefix(&prefix)).unwrap_or_default().to_owned()
}

/// What replaces the programs `ssh`, `scp`, `chown` and `redis-cli` of the page: a host is a folder with a port.
const HOSTS: &str = r#"
mkdir -p "$ROOT/local" "$ROOT/remote"
if [ ! -e "$ROOT/local/ssh" ]; then
    cd "$ROOT"
    ln -s "$(command -v true)" remote/chown
    cat > remote/redis-cli <<END
exec $(command -v redis-cli) -p \$PORT "\$@"
END
    cat > local/scp <<'END'
host=${3%%:*}
cp "$2" "$ROOT/$host/$(basename "$3")"
END
    cat > local/ssh <<'END'
unset REDISCLI_AUTH # ssh does not pass it on
PORT=$(cat "$ROOT/$1/port") PATH=$ROOT/remote:$PATH \
    sh -euc "$(printf '%s' "$2" | sed "s#/etc/redis#$ROOT/$1#g")" > /dev/null
[ ! -e "$ROOT/checked" ] || check
END
    # Fails if a server refuses a token that another server signs.
    cat > local/check <<'END'
as_app() { PORT=$(cat "$ROOT/$1/port") REDISCLI_AUTH=CHANGE-ME-1 "$ROOT/remote/redis-cli" -e --user app "$2" "$3" ${4:+"$4"}; }
for from in $HOSTS; do
    token=$(as_app $from JRS.CREATE ada '{}')
    for to in $HOSTS; do as_app $to JRS.PEEK "$token" > /dev/null; done
done
END
    for program in local/* remote/redis-cli; do
        sed -i '1i #!/bin/sh -eu' "$program"
        chmod +x "$program"
    done
fi
export PATH="$ROOT/local:$PATH" HOSTS
"#;

/// Runs shell commands where the page's hosts are folders. The error is what they printed.
fn shell(site: &Site, commands: &[&str]) -> Result<(), String> {
    let script = [&[HOSTS], commands].concat().join("\n");
    let mut shell = Command::new("timeout");
    let shell = shell.args(["120", "sh", "-euc", &script]).env("ROOT", site.root.path()).current_dir(&site.root);
    let output = shell.output().unwrap();
    let printed = || String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    if output.status.success() { Ok(()) } else { Err(printed()) }
}
